// SPDX-License-Identifier: BSL-1.0
/// @file
/// Outcome tables, after jcstress: a test is a tiny race of two or three threads over a cell. Arrays of fresh cells are
/// raced many times, each result is counted in a table, and the table is printed. A forbidden outcome fails. An allowed
/// one is only counted, but one that is marked must be seen: else the threads do not meet, and the test shows nothing.
///
/// The threads are paced at each cell by plain loads and stores: no locked instruction and no fence drains a store
/// buffer just before the race. Random pauses shift the threads against each other.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "stress.hpp"

namespace outcomes {

using clock = std::chrono::steady_clock;

/// What a row of the table says of an outcome.
enum class rule : std::uint8_t {
  allowed,
  seen,      ///< allowed, and must occur
  forbidden  ///< fails
};
struct row {
  char const* says;
  rule is;
};

/// How long a table is filled: `shortest`, then until each marked outcome has been seen, at most `longest`.
struct budget {
  std::chrono::milliseconds shortest{300};
  std::chrono::milliseconds longest{20000};
};

/// Keeps the threads of a race at the same cell.
template <std::size_t Threads>
class pace {
 public:
  void restart() noexcept {
    for (auto& p : at_) p.cell.store(0, std::memory_order_relaxed);
  }
  /// Returns when all threads have come to cell number `i`, which counts from 1.
  void meet(std::size_t me, std::uint32_t i) noexcept {
    at_[me].cell.store(i, std::memory_order_relaxed);
    for (unsigned asked = 0; !all_at(i); ++asked)
      if (asked >= 4000) std::this_thread::yield();  // the others may have no processor
  }

 private:
  bool all_at(std::uint32_t i) const noexcept {
    for (auto const& p : at_)
      if (p.cell.load(std::memory_order_relaxed) < i) return false;
    return true;
  }
  struct alignas(64) position {
    std::atomic<std::uint32_t> cell{0};
  };
  std::array<position, Threads> at_;
};

/// The counts of the outcomes of a Test, which has
///
///     cell                     what the threads race over; made anew for each race
///     threads                  2 or 3
///     run(cell&, part)         what the thread that has this part does; the threads change parts between arrays
///     outcome(cell const&)     the number of the row
///     rows[]                   the table
///     longest_pause            of a thread before its part, in turns of an empty loop
template <class Test>
class table {
 public:
  using cell = typename Test::cell;
  static constexpr std::size_t size = std::size(Test::rows);
  static constexpr std::size_t cells = 512;

  /// Fills the table.
  void fill(budget b) {
    auto const start = clock::now();
    stress::spin_barrier barrier(Test::threads);
    bool more = true;  // written by thread 0 between barriers
    auto const body = [&](std::size_t me) {
      stress::rng dice(me + 1);
      for (std::size_t round = 0;; ++round) {
        if (me == 0) more = prepare(start, b);
        barrier.arrive_and_wait();
        if (!more) return;
        race(me, (me + round) % Test::threads, dice);
        barrier.arrive_and_wait();
        if (me == 0) judge();
      }
    };
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < Test::threads; ++i) others.emplace_back(body, i);
    body(0);
  }
  /// Prints the counts.
  void print(char const* name) const {
    std::printf("%s\n", name);
    for (std::size_t i = 0; i < size; ++i) {
      char const* const is = Test::rows[i].is == rule::forbidden ? "forbidden" : "allowed";
      std::printf("  %12llu  %-9s  %s\n", static_cast<unsigned long long>(counts_[i]), is, Test::rows[i].says);
    }
    std::fflush(stdout);
  }
  bool seen_forbidden() const {
    for (std::size_t i = 0; i < size; ++i)
      if (Test::rows[i].is == rule::forbidden && counts_[i] != 0) return true;
    return false;
  }

  bool all_seen() const {
    for (std::size_t i = 0; i < size; ++i)
      if (Test::rows[i].is == rule::seen && counts_[i] == 0) return false;
    return true;
  }

 private:
  bool prepare(clock::time_point start, budget b) {
    auto const spent = clock::now() - start;
    if (spent >= b.longest || (spent >= b.shortest && all_seen())) return false;
    for (auto& c : cells_) c = std::make_unique<cell>();
    pace_.restart();
    return true;
  }
  void race(std::size_t me, std::size_t part, stress::rng& dice) {
    std::uint32_t i = 0;
    for (auto& c : cells_) {
      cell& here = *c;
      std::uint64_t pause = dice.below(Test::longest_pause + 1);
      pace_.meet(me, ++i);
      for (; pause != 0; --pause) std::atomic_signal_fence(std::memory_order_seq_cst);
      Test::run(here, part);
    }
  }
  void judge() {
    for (auto& c : cells_) ++counts_[Test::outcome(*c)];
  }

  std::array<std::unique_ptr<cell>, cells> cells_;
  std::array<std::uint64_t, size> counts_{};
  pace<Test::threads> pace_;
};

}  // namespace outcomes
