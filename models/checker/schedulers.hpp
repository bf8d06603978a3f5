// SPDX-License-Identifier: BSL-1.0
/// @file
/// The searches: exhaustive ones, with or without a bound on preemptions, and random walks.
#pragma once

#include "plan.hpp"
#include "platform.hpp"
#include "reduction.hpp"

namespace cts::models {

inline bool reducing = false;  ///< the running search leaves out equal executions

template <class Suite>
struct phased : Suite {
  void before() {
    ended = false;
    forget_records();
    Suite::before();
    the_reduction.start();
  }
  void after() {
    ended = true;
    the_reduction.on = false;
    Suite::after();
  }
};

/// Whether the running search has left out what matters to this model, and must begin again.
inline bool begin_anew() { return reducing && (the_reduction.unfit || (the_reduction.reused && !the_reduction.reuse)); }

/// Relacy's exhaustive searches in one, with a budget; a bound of all ones is the full search.
template <rl::thread_id_t N>
class tree_scheduler
    : public rl::tree_search_scheduler<tree_scheduler<N>, rl::context_bound_scheduler_thread_info<N>, N> {
 public:
  using base_t = rl::tree_search_scheduler<tree_scheduler<N>, rl::context_bound_scheduler_thread_info<N>, N>;
  using thread_info_t = typename base_t::thread_info_t;
  using shared_context_t = typename base_t::shared_context_t;
  tree_scheduler(rl::test_params& params, shared_context_t& ctx, rl::thread_id_t dynamic)
      : base_t(params, ctx, dynamic) {}
  rl::thread_id_t iteration_begin_impl() {
    left_ = this->params_.context_bound;
    the_reduction.begin(reducing && left_ == ~0u, left_ != ~0u);
    path_.clear();
    bool const known = !this->stree_.empty();
    rl::thread_id_t const first = base_t::iteration_begin_impl();
    if (the_reduction.on) {
      path_.push_back({N, static_cast<unsigned>(first), rl::sched_type_sched, 0});
      step(0, known, static_cast<unsigned>(first), nullptr);
    }
    return first;
  }
  unsigned rand_impl(unsigned limit, rl::sched_type t) {
    unsigned const k = choose(limit, t);
    if (reducing && !(ended && t == rl::sched_type_mem_realloc))
      path_.push_back({t == rl::sched_type_mem_realloc ? 2 : limit, k, t, 0});
    return k;
  }
  /// A reduced search's token is that of the same execution in the full search: it needs no other execution to be
  /// understood.
  void get_state_impl(std::ostream& to) {
    if (reducing) this->stree_.assign(path_.begin(), path_.end());
    base_t::get_state_impl(to);
  }
  bool iteration_end_impl() {
    keep();
    return base_t::iteration_end_impl() || begin_anew() || the_meter.over();
  }
  bool can_switch(thread_info_t&) { return left_ != 0; }
  void on_switch(thread_info_t& t) {
    if (t.state_ == rl::thread_state_running && left_ != ~0u) --left_;
  }
  double iteration_count_approx() { return 1; }

 private:
  unsigned choose(unsigned limit, rl::sched_type t) {
    reduction& r = the_reduction;
    // Whether freed memory may be used again at once is a choice, too. Where nothing allocates any more it leads to
    // nothing but twice as many executions. 0: it may not, so that a touch of freed memory is still found.
    if (t == rl::sched_type_mem_realloc) {
      r.frees();
      if (ended || (r.on && !r.reuse)) return 0;
      limit = 2;  // and not four, three of them the same
    }
    if (!r.on) return r.redundant ? 0 : went_back(base_t::rand_impl(limit, t), t);
    if (rl::ctx().threadx_->last_yield_ != 0 && !r.redundant) r.unfit = true;
    if (t == rl::sched_type_atomic_load && r.back + 1 >= r.left[rl::thread_index()]) return 0;
    if (t == rl::sched_type_sched && !r.redundant) {
      unsigned awake[N], n = 0;
      for (unsigned i = 0; i < limit; ++i)
        if (!r.asleep(static_cast<unsigned>(this->running_threads[i])))
          awake[n++] = static_cast<unsigned>(this->running_threads[i]);
      if (n > 1) {
        std::size_t const at = this->stree_depth_;
        bool const known = at < this->stree_.size();
        unsigned const k = base_t::rand_impl(n, t);
        step(at, known, k, awake);
        return position(awake[k]);
      }
      keep();
      if (n == 1) return position(awake[0]);
      r.redundant = true;
    }
    unsigned const k = r.redundant ? 0 : base_t::rand_impl(limit, t);
    if (t == rl::sched_type_atomic_load) r.back += k;
    return went_back(k, t);
  }
  static unsigned went_back(unsigned k, rl::sched_type t) {
    if (t == rl::sched_type_atomic_load && k != 0) the_reduction.older = true;
    return k;
  }
  /// The k-th thread of a choice begins a step. Those before it have had theirs, in other executions: they sleep.
  void step(std::size_t at, bool known, unsigned k, unsigned const* threads) {
    keep();
    if (effects_.size() <= at) effects_.resize(at + 1);
    if (!known) effects_[at] = {};
    for (unsigned j = 0; j < k; ++j) the_reduction.sleep(threads != nullptr ? threads[j] : j, effects_[at].of[j]);
    the_reduction.touched = {};
    at_ = at;
    k_ = k;
  }
  /// Keeps the things that the step that ends here has touched.
  void keep() {
    if (at_ != nowhere) effects_[at_].of[k_] |= the_reduction.touched;
    the_reduction.touched = {};
    at_ = nowhere;
  }
  unsigned position(unsigned thread) const {
    unsigned i = 0;
    while (static_cast<unsigned>(this->running_threads[i]) != thread) ++i;
    return i;
  }

  static constexpr std::size_t nowhere = ~std::size_t{0};
  struct node {
    reduction::effects of[N];
  };
  unsigned left_ = 0;
  typename base_t::stree_t path_;            // the choices of the full search
  typename rl::vector<node>::type effects_;  // parallel to the tree
  std::size_t at_ = nowhere;
  unsigned k_ = 0;
};

/// A random walk that stays with a thread. A thread drawn anew at every step hardly ever runs far while another stands
/// still, and some defects need just that. Of four executions one draws at every step, and three stay with their thread
/// for 2, 8 and 32 steps on average. Values are drawn at random.
template <rl::thread_id_t N>
class walk_scheduler : public rl::random_scheduler<N> {
 public:
  using rl::random_scheduler<N>::random_scheduler;
  rl::thread_id_t iteration_begin(rl::iteration_t i) {
    static constexpr unsigned stays[] = {0, 16, 28, 31};  // of 32
    rl::thread_id_t const first = rl::random_scheduler<N>::iteration_begin(i);
    stays_ = stays[i % 4];
    return first;
  }
  rl::thread_id_t schedule(rl::unpark_reason& reason, unsigned yield) {
    bool const may_stay = yield == 0 && this->thread_->state_ == rl::thread_state_running;
    if (may_stay && stays_ != 0 && this->rand(32, rl::sched_type_sched) < stays_) {
      reason = rl::unpark_reason_normal;
      return this->thread_->index_;
    }
    return rl::random_scheduler<N>::schedule(reason, yield);
  }

 private:
  unsigned stays_ = 0;
};

}  // namespace cts::models
