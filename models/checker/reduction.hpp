// SPDX-License-Identifier: BSL-1.0
/// @file
/// A sound reduction of the full search: sleep sets (Godefroid, "Partial-Order Methods for the Verification of
/// Concurrent Systems", LNCS 1032). Of two orders of adjacent steps that commute, only one is explored.
///
/// A step is one atomic operation and what its thread does until the next one; a load is a different step for each
/// value that it may return. Steps on different words commute, and so do loads. A load of a value and a later store to
/// its word commute, too, where the load may come second and return the same, now older value: what Relacy lets a load
/// return depends on the word's own history and on the loading thread's clock, and a data race is found from the clocks
/// in either order. So
///   - a sleeping load that meets a store wakes for the stored value only: what it could return before has been
///   explored;
///   - a sleeping store or read-modify-write that meets a load wakes unless the load could have returned the same after
///   it. Relacy
///     goes two stores back (or one), so it could not if it went that far already; nor if both are sequentially
///     consistent.
///
/// Things that Relacy does not see are declared: `touch` names a thing that a step reads or writes (a platform's hint,
/// the order in which callbacks ran). The things that a sleeping thread's step touches are known from the executions in
/// which it did not sleep. `touch_all` commutes with nothing.
///
/// A thread that asks in vain and waits (`wait`) asks again later. An execution with the vain question has an equal
/// without it, in which that thread knows less and may read more: so it is explored no further. It still runs to its
/// end: a wait that never ends is a livelock there. A model that yields elsewhere is searched without the reduction
/// (`unfit`): which thread may run after a yield depends on the threads that have run before.
///
/// Freed memory is not given out again, as long as in no execution of the model an allocation may come after it; else
/// the search begins anew with that choice in it (`reuse`).
///
/// litmus.cpp compares the outcomes of reduced and of unreduced searches.
#pragma once

#include "relacy.hpp"

namespace cts::models {

struct reduction {
  static constexpr unsigned most = 8;  // threads
  bool on = false;
  bool reuse = false;        // freed memory may be given out again: a choice of the search
  bool reused = false;       // there was an allocation that may have followed
  bool unfit = false;        // a thread has yielded without having asked in vain
  bool prunes = false;       // the running search leaves out equal executions, by sleep sets or not
  bool redundant = false;    // this execution has an equal that is explored elsewhere
  bool older = false;        // the last load of the search's choice has returned an older value
  unsigned values = 3;       // that a load may return at most
  unsigned left[most] = {};  // of each thread's next step: how many of the newest values are not explored from an equal
                             // state; 0: it sleeps
  unsigned back = 0;         // how many stores the load that runs goes back
  struct step {
    void const* word = nullptr;  // null: touches no word
    bool writes = false;
  };
  step next[most];

  /// The things that a step touched, a bit for each.
  struct effects {
    std::uint64_t reads = 0, writes = 0;
    bool all = false;
    void operator|=(effects o) { reads |= o.reads, writes |= o.writes, all = all || o.all; }
    bool conflict_with(effects o) const { return ((reads | writes) & o.writes) != 0 || (writes & o.reads) != 0; }
  };
  enum thing : unsigned {
    order_of_callbacks,
    ends,
    allocator,
    others,
    first_hint
  };  // hints have numbers: an address is not the same in every execution
  unsigned hints = 0;
  effects slept[most];                   // by the steps of a sleeping thread
  effects touched;                       // by the step that runs
  unsigned freeing = 0, allocating = 0;  // a bit for each thread that has, in this execution

  void begin(bool enabled, bool bounded) {
    on = enabled;
    prunes = enabled || bounded;
    redundant = false;
    back = 0;
    hints = 0;
    wake_all();
    for (step& s : next) s = {};
    start();
  }
  /// The threads begin: earlier steps belong to no thread.
  void start() {
    touched = {};
    freeing = allocating = 0;
  }
  unsigned new_hint() { return first_hint + hints++ % (64 - first_hint); }

  /// Called before an operation lets other threads run, and after it.
  void announce(void const* word, bool writes) {
    if (on) next[rl::thread_index()] = {word, writes};
  }
  void executed(bool seq_cst) {
    if (!on) return;
    step& mine = next[rl::thread_index()];
    bool const only_before = back + 1 == values || seq_cst;
    for (unsigned t = 0; t < most; ++t) {
      if (slept[t].all) left[t] = values;
      if (next[t].word != mine.word || left[t] == values) continue;
      if (mine.writes && !next[t].writes) ++left[t];
      else if (mine.writes || (next[t].writes && only_before)) left[t] = values;
    }
    left[rl::thread_index()] = values;
    back = 0;
    mine = {};
  }
  bool asleep(unsigned t) const { return left[t] == 0; }
  void sleep(unsigned t, effects of_its_step) {
    if (left[t] == values) slept[t] = {};
    slept[t] |= of_its_step;
    left[t] = 0;
  }
  void wake_all() {
    for (unsigned& l : left) l = values;
  }

  void touch(unsigned what, bool writes) {
    if (!on) return;
    std::uint64_t const bit = std::uint64_t{1} << what;
    effects const e{writes ? 0 : bit, writes ? bit : 0, false};
    touched |= e;
    for (unsigned t = 0; t < most; ++t)
      if (slept[t].conflict_with(e)) left[t] = values;
  }
  /// Whatever the order in this execution, one thread's allocation may come after another's freeing.
  void allocates() {
    allocating |= 1u << rl::thread_index();
    if (on && freeing != 0) reused = true;
  }
  void frees() {
    unsigned const me = 1u << rl::thread_index();
    freeing |= me;
    if (on && (allocating & ~me) != 0) reused = true;
  }
  void touch_all() {
    touched.all = true;
    wake_all();
  }
  void wait() {
    wake_all();
    redundant = on;
  }
};
inline reduction the_reduction;

/// Announces an operation for as long as it lives.
struct announced {
  announced(void const* word, bool writes, rl::memory_order order) : seq_cst(order == rl::mo_seq_cst) {
    the_reduction.announce(word, writes);
  }
  announced(announced const&) = delete;
  announced& operator=(announced const&) = delete;
  ~announced() { the_reduction.executed(seq_cst); }
  bool const seq_cst;
};

/// A strong compare-and-swap as C++ has it: one that fails is a relaxed load and may read an older value, where
/// Relacy's reads the newest.
template <class T>
bool compare_and_swap(rl::atomic<T>& word, T& expected, T desired, rl::memory_order order, rl::debug_info_param info) {
  rl::ctx().sched();
  rl::preemption_disabler const one_step(rl::ctx());
  the_reduction.older = false;
  if (T const seen = word.load(rl::mo_relaxed, info); seen != expected) {
    expected = seen;
    return false;
  }
  // It reads the newest value, whatever that load returned: as if it had returned the newest, which is another choice
  // of the search.
  if (the_reduction.older && the_reduction.prunes) the_reduction.redundant = true;
  return word.compare_exchange_strong(expected, desired, order, info, rl::mo_relaxed, info);
}

/// Relacy's record of a word's newest value, for the running model's number of threads.
struct newest {
  bool& written;
  bool ordered;  // it happened before what the running thread does now
};
inline newest (*newest_of)(rl::atomic_data*) = nullptr;
template <rl::thread_id_t N>
newest newest_among(rl::atomic_data* data) {
  auto& word = *static_cast<rl::atomic_data_impl<N>*>(data);
  auto& record = word.history_[word.current_index_ % rl::atomic_history_size];
  auto const& known = static_cast<rl::thread_info<N>*>(rl::ctx().threadx_)->acq_rel_order_;
  return {record.busy_, !record.busy_ || known[record.thread_id_] >= record.acq_rel_timestamp_};
}
/// A store as C++20 has it: it ends every release sequence. Relacy lets one go on if the thread has written the newest
/// value itself, and so orders too much. Returns whether the write before it happened before it.
template <class T>
bool store(rl::atomic<T>& word, T value, rl::memory_order order, rl::debug_info_param info) {
  rl::ctx().sched();
  rl::preemption_disabler const one_step(rl::ctx());
  newest const before = newest_of(word.impl_);
  bool const written = before.written, ordered = before.ordered;
  before.written = false;
  word.store(value, order, info);
  before.written = written;
  return ordered;
}

/// An rl::atomic of a model's own.
class baton {
 public:
  void set(int value) { word_.store(value, rl::mo_relaxed, RL_INFO); }  // while there is one thread
  void reset() { set(0); }
  int get(char const* file = __builtin_FILE(), unsigned line = __builtin_LINE()) const {
    announced const step(this, false, rl::mo_acquire);
    return word_.load(rl::mo_acquire, rl::debug_info("baton", file, line));
  }
  int peek(char const* file = __builtin_FILE(), unsigned line = __builtin_LINE()) const {  // orders nothing
    announced const step(this, false, rl::mo_relaxed);
    return word_.load(rl::mo_relaxed, rl::debug_info("baton", file, line));
  }
  void pass(int value, char const* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    announced const step(this, true, rl::mo_release);
    word_.store(value, rl::mo_release, rl::debug_info("baton", file, line));
  }
  int count_down(char const* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    announced const step(this, true, rl::mo_acq_rel);
    return word_.fetch_sub(1, rl::mo_acq_rel, rl::debug_info("baton", file, line)) - 1;
  }

 private:
  mutable rl::atomic<int> word_;
};

}  // namespace cts::models
