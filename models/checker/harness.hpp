// SPDX-License-Identifier: BSL-1.0
/// @file
/// Runs models: a search, a budget, a result with its replay token, and the catalogue of all models.
#pragma once

#include "platform.hpp"
#include "reduction.hpp"

namespace cts::models {

/// full: every execution; reduced: of executions that differ only in the order of steps that commute, one; bounded:
/// every execution with at most so many preemptions; random.
enum class search { full, reduced, bounded, random };

struct plan {
  search how = search::full;
  unsigned context_bound = 4;    // of the bounded search
  std::uint64_t executions = 0;  // 0: until the search is complete (random: required)
  std::uint64_t first = 1;       // the first seed of a random search
  double seconds = 0;            // 0: no limit; else the search stops there and is not complete
  bool one_back = false;         // full, reduced: a load goes back one store at most, as in a bounded search
  unsigned deeper = 0;           // what a deep run adds to the bound
  std::string replay{};          // a token: run that execution alone and print it
};

inline plan full() { return {search::reduced}; }
/// The first executions of a full search, of a model that has too many: those with the longest runs of one thread at
/// the beginning.
inline plan first(std::uint64_t executions) {
  plan p = full();
  p.executions = executions;
  p.one_back = true;
  return p;
}
inline plan bounded(unsigned bound) { return {search::bounded, bound}; }
/// Of models that even without a preemption have too many executions: random ones only.
inline plan chance() { return {search::random}; }
/// Of models whose full search takes days: a default run takes a low bound and random executions, a deep one a higher
/// bound, if that is not a matter of days, too: the next one has ten to a hundred times as many executions.
inline plan large(unsigned bound = 2, unsigned deeper = 1) {
  plan p = bounded(bound);
  p.deeper = deeper;
  return p;
}

struct outcome {
  bool passed = false;
  bool complete = false;  // the tree is exhausted, or all the random executions were run
  std::string verdict;
  std::uint64_t executions = 0;
  double seconds = 0;
  std::string token;
  std::string history;
};

/// The first word of a replay token.
inline std::string letter(plan const& p) {
  switch (p.how) {
    case search::random: return "r ";
    case search::full:
    case search::reduced: return p.one_back ? "p " : "f ";
    case search::bounded: break;
  }
  return "b" + std::to_string(p.context_bound) + " ";
}
/// The same for people.
inline std::string describe(plan const& p) {
  switch (p.how) {
    case search::random: return "random";
    case search::full: return "full";
    case search::reduced: return p.executions == 0 ? "full (s)" : "first";
    case search::bounded: break;
  }
  return "cb " + std::to_string(p.context_bound);
}

/// Stops a search at its budget and shows its progress, whatever the scheduler.
struct meter {
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now(), last = start;
  std::uint64_t count = 0;
  std::uint64_t limit = 0;
  double seconds = 0;
  bool cut = false;
  std::string name;

  double elapsed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); }
  bool over() {
    ++count;
    if (limit != 0 && count >= limit) return cut = true;
    if ((count & 1023) != 0) return false;
    auto const t = std::chrono::steady_clock::now();
    if (seconds > 0 && elapsed() >= seconds) return cut = true;
    if (t - last >= std::chrono::seconds(10)) {
      last = t;
      std::fprintf(stderr, "  %s: %llu executions, %.0f s", name.c_str(), static_cast<unsigned long long>(count),
                   elapsed());
      if (limit != 0) std::fprintf(stderr, ", %.0f s left", elapsed() * double(limit - count) / double(count));
      std::fprintf(stderr, "\n");
    }
    return false;
  }
};
inline meter the_meter;

inline bool reducing = false;  // the running search leaves out equal executions

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

/// Whether the running search leaves out what matters to this model.
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
    // nothing but twice as many executions: 0, it may not, so that who touches it is still found.
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
  /// What the step that ends here has touched.
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
  typename base_t::stree_t path_;            // what the full search would have chosen
  typename rl::vector<node>::type effects_;  // parallel to the tree
  std::size_t at_ = nowhere;
  unsigned k_ = 0;
};

/// A random walk that likes to go straight on. A step's thread drawn anew each time hardly ever lets one run far while
/// another stands still, and some defects need just that: so of four executions one draws at every step, and three stay
/// with their thread for 2, 8 and 32 steps on average. Values are drawn as ever.
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

template <class Suite>
outcome run(plan const& p, std::string const& name) {
  constexpr rl::thread_id_t n = Suite::params::thread_count;
  using model = phased<Suite>;
  std::ostream nowhere(nullptr);
  rl::test_params params;
  params.output_stream = &nowhere;
  params.progress_stream = &nowhere;
  params.execution_depth_limit = 10000;  // more steps are a livelock
  if constexpr (requires { Suite::livelock_after; }) params.execution_depth_limit = Suite::livelock_after;
  params.context_bound = p.how == search::bounded ? p.context_bound : ~0u;
  newest_of = &newest_among<n>;
  reducing = p.how == search::reduced;
  the_reduction.reuse = !reducing;
  the_reduction.reused = the_reduction.unfit = false;
  // Of Relacy's searches only the random ones let a load go back two stores, and not one: so the full ones call
  // themselves random.
  params.search_type = p.how == search::bounded || p.one_back ? rl::sched_bound : rl::sched_random;
  the_reduction.values = p.one_back ? 2 : static_cast<unsigned>(rl::atomic_history_size);
  outcome o;
  std::string token = p.replay;
  if (token.empty()) {
    the_meter = meter{};
    the_meter.name = name;
    the_meter.limit = p.how == search::random ? 0 : p.executions;
    the_meter.seconds = p.seconds;
    rl::ostringstream state;
    rl::test_result_e result;
    if (p.how == search::random) {
      params.initial_state = (std::to_string(p.first) + " ").c_str();
      params.iteration_count = p.first + p.executions - 1;
      result = rl::run_test<model, walk_scheduler<n>>(params, state, false);
      the_meter.count = result == rl::test_result_success ? p.executions : params.stop_iteration - p.first + 1;
    } else {
      result = rl::run_test<model, tree_scheduler<n>>(params, state, false);
      while (result == rl::test_result_success && begin_anew()) {
        the_reduction.reuse = true;
        reducing = !the_reduction.unfit;
        result = rl::run_test<model, tree_scheduler<n>>(params, state, false);
      }
      if (result != rl::test_result_success || !the_meter.cut) the_meter.count += 1;
    }
    o.executions = the_meter.count;
    o.seconds = the_meter.elapsed();
    o.passed = result == rl::test_result_success;
    o.complete = o.passed && (!the_meter.cut || (p.executions != 0 && the_meter.count >= p.executions));
    o.verdict = rl::test_result_str(result);
    if (o.passed) return o;
    token = state.str().c_str();
    o.token = letter(p) + token;
  }
  reducing = false;
  rl::ostringstream text, ignored;
  params.initial_state = token.c_str();
  params.collect_history = true;
  params.output_history = false;
  params.output_stream = &text;
  params.iteration_count = std::strtoull(token.c_str(), nullptr, 10);  // a passing execution ends the search too
  rl::test_result_e const again = p.how == search::random
                                      ? rl::run_test<model, walk_scheduler<n>>(params, ignored, false)
                                      : rl::run_test<model, tree_scheduler<n>>(params, ignored, false);
  o.history = text.str().c_str();
  if (!p.replay.empty()) {
    o.passed = again == rl::test_result_success;
    o.verdict = rl::test_result_str(again);
  }
  return o;
}

/// What a model is expected to show.
enum class expectation { holds, fails };

struct model {
  std::string guarantee;  // G1 … G21, or a name of the user's own
  std::string name;
  std::string says;
  std::string source;  // the file that it is in
  unsigned threads;
  expectation expected;
  plan exhaustive;       // the tree search of a default run
  std::uint64_t random;  // random executions of a default run
  std::function<outcome(plan const&)> run;
};

inline std::vector<model>& catalogue() {
  static std::vector<model> all;
  return all;
}

template <class Suite>
struct add {
  add(char const* guarantee, char const* name, char const* says, plan exhaustive, std::uint64_t random,
      expectation e = expectation::holds, char const* file = __builtin_FILE()) {
    std::string const full = std::string(guarantee) + "." + name, path = file;
    catalogue().push_back({guarantee, name, says, path.substr(path.find_last_of("/\\") + 1),
                           Suite::params::thread_count, e, exhaustive, random,
                           [full](plan const& p) { return models::run<Suite>(p, full); }});
  }
};

/// For the mutation gate (mutants.cpp): tables of memory orders, defects, and mutants that are known to change nothing,
/// with the proof.
struct table {
  core::site_info const* rows;
  std::size_t size;
};
struct defect {
  std::string name;
  std::string home;  // whose models are asked first
  std::string says;  // what the defective code does
  std::function<void(world&)> build;
  defect(std::string n, std::string g, std::function<void(world&)> b)
      : name(std::move(n)), home(std::move(g)), build(std::move(b)) {}
  defect(std::string n, std::string g, std::string what, std::vector<flaw> flaws)
      : name(std::move(n)), home(std::move(g)), says(std::move(what)), build([all = std::move(flaws)](world& w) {
          for (flaw const& f : all) w.faults.add(f);
        }) {}
  defect(std::string n, std::string g, std::vector<flaw> flaws, std::vector<flaw> more = {})
      : defect(std::move(n), std::move(g), "", std::move(flaws)) {
    build = [first = std::move(build), all = std::move(more)](world& w) {
      first(w);
      for (flaw const& f : all) w.faults.add(f);
    };
  }
};
struct equivalent {
  std::string name;
  std::string proof;
};
inline std::vector<table>& tables() {
  static std::vector<table> all;
  return all;
}
inline std::vector<defect>& defects() {
  static std::vector<defect> all;
  return all;
}
inline std::vector<equivalent>& equivalents() {
  static std::vector<equivalent> all;
  return all;
}
/// Adds a defect to the gate: its name, the guarantee whose models are asked first, what the defective code does, and
/// how (faults.hpp). Example: add_defect("flag_dropped", "G10", "cancel does not set the flag",
/// {drops(site::flag_set)});
inline void add_defect(std::string name, std::string home, std::string says, std::vector<flaw> flaws) {
  defects().push_back({std::move(name), std::move(home), std::move(says), std::move(flaws)});
}
inline void add_defect(std::string name, std::string home, std::vector<flaw> flaws) {
  defects().push_back({std::move(name), std::move(home), std::move(flaws)});
}
/// A defect that is a property of the world, not of a site.
inline void add_defect(std::string name, std::string home, std::string says, std::function<void(world&)> build) {
  defects().push_back({std::move(name), std::move(home), std::move(build)});
  defects().back().says = std::move(says);
}
/// The defect of that name; null if there is none.
inline defect const* find_defect(std::string const& name) {
  for (defect const& d : defects())
    if (d.name == name) return &d;
  return nullptr;
}
struct add_table {
  template <std::size_t N>
  explicit add_table(core::site_info const (&rows)[N]) {
    tables().push_back({rows, N});
  }
};

}  // namespace cts::models
