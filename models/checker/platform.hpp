// SPDX-License-Identifier: BSL-1.0
/// @file
/// The core's platform inside Relacy. It reads the orders from the tables at run time, so that one binary holds every
/// mutant. Histories name the site and the line of the core.
#pragma once

#include "core_steps.hpp"
#include "defects.hpp"
#include "faults.hpp"
#include "reduction.hpp"

#include "cts/core/registry.hpp"
#include "cts/protocol/state.hpp"

/// Whether the store at a site may race with the write before it in its word. Relacy never delays a store, which could
/// hide a defect only behind such a race. These stores may race because it does not matter which write is newer
/// (docs/guarantees.md says why). Define may_race for your own table, and the models fail on any other race.
namespace cts {
inline namespace CTS_ABI {
namespace core {
inline bool may_race(site s) {
  return s == site::flag_set || s == site::flag_end || s == site::cursor_advance || s == site::hand_keep;
}
}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts
namespace cts {
inline namespace CTS_ABI {
namespace detail {
inline bool may_race(site) { return false; }
}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

namespace cts::models {

using core::site;

/// Fails the execution, with the guarantee's words in the history.
inline void require(bool ok, char const* what, char const* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
  if (!ok) rl::ctx().fail_test(what, rl::test_result_user_assert_failed, rl::debug_info("require", file, line));
}

/// Per execution: set by a model's before().
struct execution {
  int allocations = 0;  // blocks allocated
  int deallocations = 0;
  int failing = -1;               // the allocation that fails
  std::size_t slab_segments = 1;  // how many segments a new block of memory has at most
  int stop_in = -1;               // after so many atomic steps thread 0 stops until `others` is zero
  baton* others = nullptr;
  int interrupt_in = -1;             // after so many atomic steps of thread 0 the handler runs on it, to its end
  std::function<void()> handler;     // as a signal's
  bool lifetimes = false;            // every access to an atomic must happen before the end of its life
  std::function<void(void*)> touch;  // reads a field of the callback at that address, if the model says how
  std::function<void(site)> before;  // directed models: called before each atomic step
};
inline execution now;

inline bool ended = false;  // the threads of this execution have: only the model's after() is left

/// The order of an atomic operation: of the core's, or of a table that the user's `info(Site)` reads.
template <class Site>
rl::memory_order relacy_order(Site s) {
  core::site_info const& row = info(s);
  switch (the_world.weakened == &row ? the_world.weaker : row.order) {
    case std::memory_order_relaxed: return rl::mo_relaxed;
    case std::memory_order_consume:
    case std::memory_order_acquire: return rl::mo_acquire;
    case std::memory_order_release: return rl::mo_release;
    case std::memory_order_acq_rel: return rl::mo_acq_rel;
    case std::memory_order_seq_cst: break;
  }
  return rl::mo_seq_cst;
}

/// Adversarial suspension: at its chosen step thread 0 waits for all the others. A thread that waits for thread 0 then
/// shows as a livelock.
inline void maybe_suspend() {
  if (now.stop_in < 0 || rl::thread_index() != 0 || now.stop_in-- != 0) return;
  while (now.others->get() != 0) {
    the_reduction.wait();
    rl::yield(1, RL_INFO);
  }
}

/// A signal: before its chosen step thread 0 runs the handler, on its own stack. If the handler waits for what only the
/// interrupted code can do, it waits for ever, which shows as a livelock. No handler interrupts a handler.
inline void maybe_interrupt() {
  if (now.interrupt_in < 0 || rl::thread_index() != 0 || now.interrupt_in-- != 0) return;
  now.handler();
}
/// The same at the end of what may be interrupted, if no step was chosen.
inline void interrupt_at_last() {
  if (std::exchange(now.interrupt_in, -1) >= 0) now.handler();
}

/// Holds the calling thread of a directed model until `ready()`, which reads plain variables and so orders nothing, but
/// for `steps` steps at most. It does not yield, because Relacy lets a thread that has yielded read no stale value.
template <class Ready>
void hold_until(Ready ready, int steps = 400) {
  rl::atomic<int> nothing;
  for (int i = 0; i < steps && !ready(); ++i)
    nothing.store(0, rl::mo_relaxed, rl::debug_info("hold", __FILE__, __LINE__));
}

/// The same while the others run far.
template <class Ready>
void hold_long_until(Ready ready) {
  hold_until(ready, 8000);
}

/// Waits for another thread until `done()`. The searches know a vain question from progress.
template <class Done>
void wait_until(Done done) {
  while (!done()) {
    the_reduction.wait();
    rl::yield(1, RL_INFO);  // without it the exhaustive searches see a livelock
  }
}

/// What faults ask of Relacy.
inline tool const relacy_tool = the_tool = {[] { return static_cast<std::size_t>(rl::thread_index()); },
                                            [] {
                                              the_reduction.wait();
                                              rl::yield(1, RL_INFO);
                                            },
                                            [](void* callback) {
                                              if (now.touch) now.touch(callback);
                                            }};
static_assert(tool::most_threads == reduction::most);

template <std::size_t InlineSlots, std::size_t SegmentSlots, std::size_t Prefetch = 0>
struct platform {
  static constexpr std::size_t inline_slots = InlineSlots;
  static constexpr std::size_t segment_slots = SegmentSlots;
  struct slab_limit {
    constexpr operator std::size_t() const noexcept { return now.slab_segments; }
  };
  static constexpr std::size_t slab_part = 1;
  static constexpr slab_limit slab_segments{};
  static constexpr std::size_t line = 8;
  static constexpr std::size_t prefetch_distance = Prefetch;
  struct claim_limit {
    constexpr operator unsigned() const noexcept { return the_world.most_claims; }
  };
  static constexpr claim_limit most_claims{};
  static constexpr bool checked = false;

  template <class T>
  class atomic {
   public:
    explicit atomic(T value) {
      if (now.lifetimes) {
        alive_.emplace();
        (*alive_)(RL_INFO) = 1;
      }
      rl::preemption_disabler const unpublished(rl::ctx());  // no other thread can know this word yet
      word_.store(value, rl::mo_relaxed, rl::debug_info("construct", __FILE__, __LINE__));
    }
    ~atomic() {
      if (alive_) (*alive_)(rl::debug_info("end of life", __FILE__, __LINE__)) = 0;
      else the_reduction.touch_all();  // Relacy finds a later access by itself, not an earlier one
    }
    template <class Site>
    T load(Site s, char const* file = __builtin_FILE(), unsigned row = __builtin_LINE()) const {
      touch(s, file, row);
      if (faulty(s)) [[unlikely]] {
        step x = step_on(step::kind::load);
        auto const real = [&](step& y) { y.found = bits_of(real_load(s, file, row)); };
        x.perform = real;
        return of_bits<T>(run(s, x).found);
      }
      return real_load(s, file, row);
    }
    template <class Site>
    void store(T value, Site s, char const* file = __builtin_FILE(), unsigned row = __builtin_LINE()) {
      touch(s, file, row);
      if (faulty(s)) [[unlikely]] {
        step x = step_on(step::kind::store, bits_of(value));
        auto const real = [&](step& y) { real_store(of_bits<T>(y.operand), s, file, row); };
        x.perform = real;
        run(s, x);
        return;
      }
      real_store(value, s, file, row);
    }
    template <class Site>
    bool compare_exchange(T& expected, T desired, Site s, char const* file = __builtin_FILE(),
                          unsigned row = __builtin_LINE()) {
      touch(s, file, row);
      if (faulty(s)) [[unlikely]] {
        step x = step_on(step::kind::exchange, bits_of(desired));
        x.expected = bits_of(expected);
        auto const real = [&](step& y) {
          T wanted = of_bits<T>(y.expected);
          y.done = real_exchange(wanted, of_bits<T>(y.operand), s, file, row);
          y.expected = bits_of(wanted);
        };
        x.perform = real;
        run(s, x);
        expected = of_bits<T>(x.expected);
        return x.done;
      }
      return real_exchange(expected, desired, s, file, row);
    }
    template <class Site>
    T fetch_or(T value, Site s, char const* file = __builtin_FILE(), unsigned row = __builtin_LINE()) {
      return update(value, s, file, row,
                    [this](T v, rl::memory_order o, rl::debug_info at) { return word_.fetch_or(v, o, at); });
    }
    template <class Site>
    T fetch_and(T value, Site s, char const* file = __builtin_FILE(), unsigned row = __builtin_LINE()) {
      return update(value, s, file, row,
                    [this](T v, rl::memory_order o, rl::debug_info at) { return word_.fetch_and(v, o, at); });
    }
    template <class Site>
    T fetch_xor(T value, Site s, char const* file = __builtin_FILE(), unsigned row = __builtin_LINE()) {
      return update(value, s, file, row,
                    [this](T v, rl::memory_order o, rl::debug_info at) { return word_.fetch_xor(v, o, at); });
    }
    template <class Site>
    T fetch_add(T value, Site s, char const* file = __builtin_FILE(), unsigned row = __builtin_LINE()) {
      return update(value, s, file, row,
                    [this](T v, rl::memory_order o, rl::debug_info at) { return word_.fetch_add(v, o, at); });
    }

   private:
    template <class Site>
    T real_load(Site s, char const* file, unsigned row) const {
      announced const step(this, false, relacy_order(s));
      return word_.load(relacy_order(s), at(s, file, row));
    }
    template <class Site>
    void real_store(T value, Site s, char const* file, unsigned row) {
      announced const step(this, true, relacy_order(s));
      bool const ordered = models::store(word_, value, relacy_order(s), at(s, file, row));
      if constexpr (requires { may_race(s); })
        require(ordered || may_race(s) || the_world.is_mutant(),
                "a store that must not race with another write of its word", file, row);
    }
    template <class Site>
    bool real_exchange(T& expected, T desired, Site s, char const* file, unsigned row) {
      announced const step(this, true, relacy_order(s));
      return compare_and_swap(word_, expected, desired, relacy_order(s), at(s, file, row));
    }
    template <class Site, class F>
    T update(T value, Site s, char const* file, unsigned row, F combine) {
      touch(s, file, row);
      auto const perform = [&](T operand) {
        announced const step(this, true, relacy_order(s));
        return combine(operand, relacy_order(s), at(s, file, row));
      };
      if (faulty(s)) [[unlikely]] {
        step x = step_on(step::kind::update, bits_of(value));
        auto const real = [&](step& y) { y.found = bits_of(perform(of_bits<T>(y.operand))); };
        x.perform = real;
        return of_bits<T>(run(s, x).found);
      }
      return perform(value);
    }

    template <class Site>
    static bool faulty(Site) {
      return !the_world.faults.empty();
    }
    step step_on(step::kind what, std::uint64_t operand = 0) const {
      step x;
      x.what = what;
      x.operand = operand;
      x.word = any_word(
          const_cast<atomic*>(this), [](void* word) { return bits_of(static_cast<atomic*>(word)->plain_load()); },
          [](void* word, std::uint64_t value) { static_cast<atomic*>(word)->plain_store(of_bits<T>(value)); });
      return x;
    }
    /// What a fault adds to the checked code.
    T plain_load() const {
      announced const step(this, false, rl::mo_relaxed);
      return word_.load(rl::mo_relaxed, rl::debug_info("fault", __FILE__, __LINE__));
    }
    void plain_store(T value) {
      announced const step(this, true, rl::mo_release);
      models::store(word_, value, rl::mo_release, rl::debug_info("fault", __FILE__, __LINE__));
    }
    /// Performs the step, with the first fault of the running mutant at its site if there is one.
    template <class Site>
    static step& run(Site s, step& x) {
      core::site_info const& site = info(s);
      fault const* wrong = nullptr;
      for (fault_at const& f : the_world.faults.steps)
        if (f.site == &site) wrong = &f.what;
      wrong != nullptr ? (*wrong)(x) : x.perform(x);
      remember(site, x);
      return x;
    }
    /// Every access must happen before the end of the word's life: Relacy's own check of freed memory does not ask
    /// that.
    template <class Site>
    void touch(Site s, char const* file, unsigned row) const {
      maybe_suspend();
      maybe_interrupt();
      if constexpr (std::is_same_v<Site, site>)
        if (now.before) now.before(s);
      if (alive_) (void)static_cast<int>((*alive_)(at(s, file, row)));
    }
    template <class Site>
    static rl::debug_info at(Site s, char const* file, unsigned row) {
      return {info(s).name, file, row};
    }
    mutable rl::atomic<T> word_;
    mutable std::optional<rl::var<int>> alive_;
  };

  template <class T>
  class var {
   public:
    explicit var(T value) { value_(RL_INFO) = value; }
    ~var() { value_(RL_INFO) = T(); }  // the end of life is a write: a concurrent read is a data race
    T get(char const* file = __builtin_FILE(), unsigned row = __builtin_LINE()) const {
      return value_(rl::debug_info("read", file, row));
    }
    void set(T value, char const* file = __builtin_FILE(), unsigned row = __builtin_LINE()) {
      value_(rl::debug_info("write", file, row)) = value;
    }

   private:
    mutable rl::var<T> value_;
  };

  /// Never decides about safety, so it costs no step of the search.
  template <class T>
  class hint {
   public:
    explicit hint(T value) : value_(value) {}
    T get() const noexcept {
      the_reduction.touch(number_, false);
      return value_;
    }
    void set(T value) noexcept {
      the_reduction.touch(number_, true);
      value_ = value;
    }
    void add(T value) noexcept { set(static_cast<T>(get() + value)); }

   private:
    T value_;
    unsigned const number_ = the_reduction.new_hint();
  };

  static std::uintptr_t this_thread() noexcept { return rl::thread_index() + 1; }
  static std::size_t thread_index() noexcept { return rl::thread_index(); }

  /// A model's own wait.
  template <class Done>
  static void await(Done done) {
    wait_until(done);
  }
  /// The wait `w` of the checked code. A fault may leave it out or do something else.
  template <class Wait, class Done>
  static void await(Wait w, Done done) {
    for (wait_fault const& f : the_world.faults.waits)
      if (f.name == info(w).name) {
        auto const wait = [&done] { wait_until(done); };
        return f.instead(wait);
      }
    wait_until(done);
  }

  static void* allocate(std::size_t bytes) {
    the_reduction.allocates();
    if (the_reduction.reuse || now.failing >= 0)
      the_reduction.touch(reduction::allocator, true);  // which allocation fails, or reuses freed memory
    if (now.failing == now.allocations) {
      now.failing = -1;
      return nullptr;
    }
    ++now.allocations;
    return rl::rl_malloc(bytes, RL_INFO);
  }
  static void deallocate(void* p, std::size_t) {
    ++now.deallocations;
    if (!now.lifetimes) the_reduction.touch_all();
    if (the_reduction.reuse) the_reduction.touch(reduction::allocator, true);
    rl::rl_free(p, RL_INFO);
  }
  static void prefetch(void const*) noexcept {}
  static void back_off() noexcept {}
};

}  // namespace cts::models

// The steps of core_steps.hpp, on this platform.
namespace cts {
inline namespace CTS_ABI {
namespace core {
template <std::size_t I, std::size_t S, std::size_t P>
struct replaced<models::platform<I, S, P>, above_the_highest<models::platform<I, S, P>>> {
  using type = models::lowest_slot<models::platform<I, S, P>>;
};
template <std::size_t I, std::size_t S, std::size_t P>
struct replaced<models::platform<I, S, P>, annex_first<models::platform<I, S, P>>> {
  using type = models::annex_last<models::platform<I, S, P>>;
};
template <std::size_t I, std::size_t S, std::size_t P>
struct replaced<models::platform<I, S, P>, newest_first<models::platform<I, S, P>>> {
  using type = models::oldest_first<models::platform<I, S, P>>;
};
template <std::size_t I, std::size_t S, std::size_t P>
struct replaced<models::platform<I, S, P>, failed_growth<models::platform<I, S, P>>> {
  using type = models::unnoticed_failure<models::platform<I, S, P>>;
};
}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts
