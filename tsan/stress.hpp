// SPDX-License-Identifier: BSL-1.0
/// @file
/// Shared parts of the stress programs: rounds that several threads run together, callbacks that count their runs, and
/// platforms with small segments. CTS_STRESS_MS in the environment is the duration of each case in milliseconds (300).
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "cts/core/registry.hpp"

namespace stress {

inline std::chrono::milliseconds duration() {
  char const* const ms = std::getenv("CTS_STRESS_MS");
  long const n = ms != nullptr ? std::atol(ms) : 0;
  return std::chrono::milliseconds(n > 0 ? n : 300);
}

/// std_platform with segments of `Inline` and `More` slots.
template <std::size_t Inline, std::size_t More>
struct small_platform : cts::core::std_platform {
  static constexpr std::size_t inline_slots = Inline;
  static constexpr std::size_t segment_slots = More;
};

/// A barrier that spins, so that the threads leave it within nanoseconds of each other. It yields after a while,
/// because there may be more threads than processors.
class spin_barrier {
 public:
  explicit spin_barrier(unsigned threads) : threads_(threads) {}
  void arrive_and_wait() {
    unsigned const phase = phase_.load(std::memory_order_relaxed);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      phase_.store(phase + 1, std::memory_order_release);
      return;
    }
    for (unsigned i = 0; phase_.load(std::memory_order_acquire) == phase; ++i)
      if (i >= 1000) std::this_thread::yield();
  }

 private:
  unsigned const threads_;
  std::atomic<unsigned> arrived_{0};
  std::atomic<unsigned> phase_{0};
};

/// A cheap random number generator (splitmix64), one for each thread.
class rng {
 public:
  explicit rng(std::uint64_t seed) : state_(seed) {}
  std::uint64_t operator()() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t n) { return (*this)() % n; }

 private:
  std::uint64_t state_;
};

/// Counts of what went wrong with callbacks.
struct verdict {
  std::atomic<std::uint64_t> rounds{0};
  std::atomic<std::uint64_t> lost{0};        // was registered and not unregistered, but cancel did not run it (G3)
  std::atomic<std::uint64_t> duplicated{0};  // ran twice (G2)
  // Ran after unregister had returned true, or had not finished when unregister_and_wait returned (G5, G6).
  std::atomic<std::uint64_t> late{0};
  std::atomic<std::uint64_t> stale{0};       // did not see what happened before, or read the flag as clear (G8)
  std::atomic<std::uint64_t> disordered{0};  // ran before a callback that its own thread had registered later (G9)
  std::atomic<std::uint64_t> winners{0};     // not exactly one cancel returned true (G1)
};

inline void expect_clean(verdict const& v) {
  EXPECT_GT(v.rounds, 0u);
  EXPECT_EQ(v.lost, 0u) << "of " << v.rounds << " rounds";
  EXPECT_EQ(v.duplicated, 0u) << "of " << v.rounds << " rounds";
  EXPECT_EQ(v.late, 0u) << "of " << v.rounds << " rounds";
  EXPECT_EQ(v.stale, 0u) << "of " << v.rounds << " rounds";
  EXPECT_EQ(v.disordered, 0u) << "of " << v.rounds << " rounds";
  EXPECT_EQ(v.winners, 0u) << "of " << v.rounds << " rounds";
}

/// The runs of a callback. The record outlives the callback, so that a run after the owner has freed the callback is
/// noticed even where no sanitizer sees the use of freed memory.
struct record {
  std::atomic<unsigned> begun{0};
  std::atomic<unsigned> ended{0};
  std::atomic<bool> retired{false};  // the owner relies on it not running any more
  unsigned plain_effect = 0;         // written by the callback, read after it: ThreadSanitizer sees a missing order
};

template <class Registry>
struct probe : Registry::callback {
  using base = typename Registry::callback;
  using action = void (*)(probe&);

  probe(Registry& r, record& to, verdict& v, action extra = nullptr) noexcept
      : base(&run), registry(&r), rec(&to), out(&v), act(extra) {}

  Registry* registry;
  record* rec;
  verdict* out;
  action act;
  unsigned payload = 0;  // written before register, read by the callback (G8)

  static void run(base& b) noexcept {
    auto& self = static_cast<probe&>(b);
    record& rec = *self.rec;
    verdict& out = *self.out;
    if (rec.begun.fetch_add(1, std::memory_order_relaxed) != 0) ++out.duplicated;
    if (rec.retired.load(std::memory_order_relaxed)) ++out.late;
    if (self.payload != 42 || !self.registry->is_cancellation_requested()) ++out.stale;
    ++rec.plain_effect;
    rec.ended.fetch_add(1, std::memory_order_relaxed);
    if (self.act != nullptr) self.act(self);  // may destroy `self`, and the registry
  }
};

/// Repeats until the time is over: thread 0 runs `before(number)`, then all threads run `round(thread, number)` at
/// once, then thread 0 runs `after(number)`.
template <class Before, class Round, class After>
void run_rounds(unsigned threads, Before before, Round round, After after) {
  spin_barrier barrier(threads);
  bool more = true;  // written by thread 0 between barriers
  auto const deadline = std::chrono::steady_clock::now() + duration();
  auto const body = [&](unsigned me) {
    for (std::uint64_t n = 0;; ++n) {
      if (me == 0) {
        more = std::chrono::steady_clock::now() < deadline;
        if (more) before(n);
      }
      barrier.arrive_and_wait();
      if (!more) return;
      round(me, n);
      barrier.arrive_and_wait();
      if (me == 0) after(n);
    }
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < threads; ++i) others.emplace_back(body, i);
  body(0);
}

}  // namespace stress
