// SPDX-License-Identifier: BSL-1.0
/// @file
/// A sound reduction of the full search: sleep sets (Godefroid, "Partial-Order Methods for the Verification of Concurrent
/// Systems", LNCS 1032). Of two orders of adjacent steps that commute, only one is explored.
///
/// A step is one atomic operation and what its thread does until the next one. Two steps commute unless they touch the same word
/// and one of them writes: what Relacy lets a load return depends on the word's own history and on the loading thread's clock,
/// and a data race is found from the clocks in either order. Steps that touch what Relacy does not see (a platform's hint, the
/// allocator, the order in which callbacks ran, a yield) say so with `touch_all` and commute with nothing.
///
/// litmus.cpp compares the outcomes of reduced and of unreduced searches.
#pragma once

#include "relacy.hpp"

namespace cts::models {

struct reduction {
  static constexpr unsigned most = 8;  // threads
  bool on = false;
  bool redundant = false;  // every thread that can go on is asleep: this execution has an equal that was explored
  unsigned asleep = 0;     // a bit for each thread whose next step has been explored from an equal state
  struct step {
    void const* word = nullptr;  // null: touches no word
    bool writes = false;
  };
  step next[most];

  void begin(bool enabled) {
    on = enabled;
    redundant = false;
    asleep = 0;
    for (step& s : next) s = {};
  }
  /// Called before an operation lets other threads run, and after it.
  void announce(void const* word, bool writes) {
    if (on) next[rl::thread_index()] = {word, writes};
  }
  void executed() {
    if (!on) return;
    step& mine = next[rl::thread_index()];
    for (unsigned t = 0; t < most; ++t)
      if (next[t].word == mine.word && (next[t].writes || mine.writes)) asleep &= ~(1u << t);
    mine = {};
  }
  void touch_all() { asleep = 0; }
};
inline reduction the_reduction;

/// Announces an operation for as long as it lives.
struct announced {
  announced(void const* word, bool writes) { the_reduction.announce(word, writes); }
  announced(announced const&) = delete;
  announced& operator=(announced const&) = delete;
  ~announced() { the_reduction.executed(); }
};

/// An rl::atomic of a model's own.
class baton {
 public:
  void set(int value) { word_.store(value, rl::mo_relaxed, RL_INFO); }  // while there is one thread
  void reset() { set(0); }
  int get(char const* file = __builtin_FILE(), unsigned line = __builtin_LINE()) const {
    announced const step(this, false);
    return word_.load(rl::mo_acquire, rl::debug_info("baton", file, line));
  }
  int peek(char const* file = __builtin_FILE(), unsigned line = __builtin_LINE()) const {  // orders nothing
    announced const step(this, false);
    return word_.load(rl::mo_relaxed, rl::debug_info("baton", file, line));
  }
  void pass(int value, char const* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    announced const step(this, true);
    word_.store(value, rl::mo_release, rl::debug_info("baton", file, line));
  }
  int count_down(char const* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
    announced const step(this, true);
    return word_.fetch_sub(1, rl::mo_acq_rel, rl::debug_info("baton", file, line)) - 1;
  }

 private:
  mutable rl::atomic<int> word_;
};

}  // namespace cts::models
