// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the stress programs share: rounds that several threads run together, callbacks that count their runs, and
/// platforms with small segments. CTS_STRESS_MS is how long each case runs (default: 300).
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

/// A barrier that spins: the threads leave it within nanoseconds of each other. It yields after a while, as there may
/// be more threads than processors.
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

/// A cheap random number generator (splitmix64), one a thread.
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

/// What goes wrong with callbacks, counted.
struct verdict {
  std::atomic<std::uint64_t> rounds{0};
  std::atomic<std::uint64_t> lost{0};        // registered, not unregistered, cancelled: did not run
  std::atomic<std::uint64_t> duplicated{0};  // ran twice
  std::atomic<std::uint64_t> late{
      0};  // ran, or had not finished, after unregister had returned true, or the waiting one at all
  std::atomic<std::uint64_t> stale{0};       // what happened before was not visible, or the flag did not read as set
  std::atomic<std::uint64_t> disordered{0};  // ran before a callback that its own thread had registered later
  std::atomic<std::uint64_t> winners{0};     // not exactly one cancel returned true
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

/// A callback with a record of its runs. The record outlives it: what runs after the owner has freed the callback is a
/// late one, even where no sanitizer sees the use of freed memory.
struct record {
  std::atomic<unsigned> begun{0};
  std::atomic<unsigned> ended{0};
  std::atomic<bool> retired{false};  // the owner knows that it runs no more
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

/// Runs `round(thread, number)` on every thread, again and again, with `before(number)` and `after(number)` alone
/// around it.
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
