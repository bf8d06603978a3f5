// SPDX-License-Identifier: BSL-1.0
// The registry on real threads: short, and only behaviour that needs threads. The stress suites are in tsan/, the
// proofs in models/.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "node.hpp"

namespace {

using namespace cts::core;
using namespace std::chrono_literals;
using action = cts::test::action<>;
using small_platform = cts::test::sized_platform<2, 2>;

/// Two functions that start together, `rounds` times.
template <class Setup, class A, class B, class Check>
void race(int rounds, Setup setup, A a, B b, Check check) {
  std::atomic<int> go{0}, done{0};
  std::thread other([&] {
    for (int i = 1; i <= rounds; ++i) {
      while (go.load() < i) std::this_thread::yield();
      b();
      done.store(i);
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    setup();
    go.store(i);
    if (i % 3 == 0) std::this_thread::yield();
    a();
    while (done.load() < i) std::this_thread::yield();
    check(i);
  }
  other.join();
}

/// A callback that counts atomically.
template <class Platform>
struct tally : basic_callback<Platform> {
  tally() noexcept : basic_callback<Platform>(&run) {}
  static void run(basic_callback<Platform>& c) noexcept { static_cast<tally&>(c).runs.fetch_add(1); }
  std::atomic<int> runs{0};
};

template <class Registry>
void register_against_cancel() {
  std::unique_ptr<Registry> r;
  std::deque<tally<small_platform>> all;
  std::vector<register_result> results;
  race(
      2000,
      [&] {
        r = std::make_unique<Registry>();
        all.clear();
        all.resize(5);
        results.assign(5, register_result::disposed);
      },
      [&] {
        for (std::size_t i = 0; i < 5; ++i) results[i] = r->try_register(all[i]);
      },
      [&] { r->cancel(); },
      [&](int round) {
        for (std::size_t i = 0; i < 5; ++i) {
          ASSERT_TRUE(results[i] == register_result::registered || results[i] == register_result::canceled);
          ASSERT_EQ(all[i].runs.load(), results[i] == register_result::registered ? 1 : 0) << "round " << round;
        }
      });
}

// G3, G4, R19
TEST(Threads, RegisterRacingWithCancelRunsExactlyOnceOrIsRefused) {
  register_against_cancel<basic_registry<small_platform>>();
}
TEST(Threads, RegisterRacingWithCancelInTheCompactLayout) {
  register_against_cancel<basic_registry<small_platform, 1, cts::core::compact>>();
}
TEST(Threads, RegisterRacingWithCancelOnStripes) { register_against_cancel<basic_registry<small_platform, 4>>(); }

// G5, R44
TEST(Threads, UnregisterIsTrueExclusiveOrItRan) {
  using registry_type = basic_registry<small_platform>;
  std::unique_ptr<registry_type> r;
  std::deque<tally<small_platform>> all;
  std::vector<bool> taken(5);
  race(
      2000,
      [&] {
        r = std::make_unique<registry_type>();
        all.clear();
        all.resize(5);
        for (auto& t : all) ASSERT_EQ(r->try_register(t), register_result::registered);
      },
      [&] {
        for (std::size_t i = 0; i < 5; ++i) taken[i] = r->unregister(all[i]);
      },
      [&] { r->cancel(); },
      [&](int round) {
        for (std::size_t i = 0; i < 5; ++i) ASSERT_EQ(all[i].runs.load(), taken[i] ? 0 : 1) << "round " << round;
      });
}

// G1, R2
TEST(Threads, OneOfTwoCancelsWins) {
  std::unique_ptr<registry> r;
  bool a = false, b = false;
  race(
      2000, [&] { r = std::make_unique<registry>(); }, [&] { a = r->cancel(); }, [&] { b = r->cancel(); },
      [&](int round) { ASSERT_NE(a, b) << "round " << round; });
}

// G8
TEST(Threads, WhoReadsTheFlagAsSetSeesWhatHappenedBeforeCancel) {
  std::unique_ptr<registry> r;
  int data = 0, seen = 0;
  race(
      2000,
      [&] {
        r = std::make_unique<registry>();
        data = 0;
      },
      [&] {
        data = 42;
        r->cancel();
      },
      [&] {
        while (!r->is_cancellation_requested()) std::this_thread::yield();
        seen = data;
      },
      [&](int) { ASSERT_EQ(seen, 42); });
}

/// A registry that is being canceled on another thread, by a callback that runs until release().
class running {
 public:
  explicit running(registry& r)
      : blocker([this] {
          started_.set_value();
          released_.get_future().wait();
        }) {
    EXPECT_EQ(r.try_register(blocker), register_result::registered);
    thread_ = std::thread([&r] { r.cancel(); });
    started_.get_future().wait();
  }
  ~running() {
    release();
    thread_.join();
  }
  void release() {
    if (!std::exchange(is_released_, true)) released_.set_value();
  }

 private:
  std::promise<void> started_, released_;
  bool is_released_ = false;

 public:
  action blocker;

 private:
  std::thread thread_;
};

// G6, R46
TEST(Threads, UnregisterAndWaitReturnsWhenTheCallbackHasReturnedAndSeesItsEffects) {
  registry r;
  std::promise<void> started;
  int effect = 0;
  action a([&] {
    started.set_value();
    std::this_thread::sleep_for(20ms);
    effect = 42;
  });
  (void)r.try_register(a);
  std::thread canceller([&] { r.cancel(); });
  started.get_future().wait();
  r.unregister_and_wait(a);
  EXPECT_EQ(effect, 42);
  canceller.join();
}

// G6: it really waits
TEST(Threads, UnregisterAndWaitDoesNotReturnBefore) {
  registry r;
  running other(r);
  auto waiter = std::async(std::launch::async, [&] { r.unregister_and_wait(other.blocker); });
  EXPECT_EQ(waiter.wait_for(20ms), std::future_status::timeout);
  other.release();
  waiter.get();
}

// R43: it never waits
TEST(Threads, UnregisterOfARunningOneIsFalseAtOnce) {
  registry r;
  running other(r);
  EXPECT_FALSE(r.unregister(other.blocker));
}

// R46, R47: it waits for its own callback only
TEST(Threads, UnregisterAndWaitOfAPendingOneDoesNotWaitForTheRunningOne) {
  registry r;
  action pending;
  (void)r.try_register(pending);
  running other(r);
  r.unregister_and_wait(pending);  // a deadlock if it waited
  other.release();
  EXPECT_EQ(pending.runs, 0);
}

// R47: it has finished, a later one is running
TEST(Threads, UnregisterAndWaitOfAFinishedOneDoesNotWaitForTheRunningOne) {
  registry r;
  std::promise<void> started, released;
  action older([&] {
    started.set_value();
    released.get_future().wait();
  });
  action newer;
  (void)r.try_register(older);
  (void)r.try_register(newer);
  std::thread canceller([&] { r.cancel(); });
  started.get_future().wait();
  r.unregister_and_wait(newer);  // a deadlock if it waited
  EXPECT_EQ(newer.runs, 1);
  released.set_value();
  canceller.join();
}

// R46: it waits for the running one, not for the one that runs next
TEST(Threads, UnregisterAndWaitReturnsWhileTheNextCallbackRuns) {
  registry r;
  std::promise<void> newer_started, newer_released, older_released;
  action older([&] { older_released.get_future().wait(); });
  action newer([&] {
    newer_started.set_value();
    newer_released.get_future().wait();
  });
  (void)r.try_register(older);
  (void)r.try_register(newer);
  std::thread canceller([&] { r.cancel(); });
  newer_started.get_future().wait();
  auto waiter = std::async(std::launch::async, [&] { r.unregister_and_wait(newer); });
  EXPECT_EQ(waiter.wait_for(10ms), std::future_status::timeout);
  newer_released.set_value();
  EXPECT_EQ(waiter.wait_for(5s), std::future_status::ready) << "it waits for the whole notification";
  older_released.set_value();
  canceller.join();
}

// R25: a losing cancel does not wait
TEST(Threads, ASecondCancelReturnsWhileCallbacksRun) {
  registry r;
  running other(r);
  EXPECT_FALSE(r.cancel());
  EXPECT_TRUE(r.is_cancellation_requested());
}

// R19, R25: nor does a registration
TEST(Threads, RegisterIsRefusedWhileCallbacksRun) {
  registry r;
  running other(r);
  action late;
  EXPECT_EQ(r.try_register(late), register_result::canceled);
}

// G13: a thread that has waited for the last callback may destroy the registry; dispose waits for the canceller
TEST(Threads, TheRegistryMayBeDestroyedOnceTheLastCallbackHasReturned) {
  for (int i = 0; i < 500; ++i) {
    auto r = std::make_unique<basic_registry<small_platform>>();
    std::atomic<bool> started{false};
    cts::test::action<small_platform> a([&] { started.store(true); });
    (void)r->try_register(a);
    std::thread canceller([raw = r.get()] { raw->cancel(); });
    while (!started.load()) std::this_thread::yield();
    r->unregister_and_wait(a);
    r.reset();
    canceller.join();
  }
}

// G2, G3, G5: many threads, registering and unregistering through growth and recycling
template <class Registry>
void crowd_against_cancel() {
  for (int round = 0; round < 30; ++round) {
    Registry r;
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0}, active{0};
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        std::deque<tally<small_platform>> mine(20);
        std::vector<bool> live(20, false);
        active.fetch_add(1);
        for (std::size_t k = 0; !r.is_cancellation_requested(); ++k) {
          std::size_t const i = (k * (2 * static_cast<std::size_t>(t) + 3)) % 20;
          if (live[i]) live[i] = !r.unregister(mine[i]);
          else live[i] = r.try_register(mine[i]) == register_result::registered;
          if (live[i] && mine[i].runs.load() > 0) break;
        }
        for (std::size_t i = 0; i < 20; ++i) {
          if (live[i]) r.unregister_and_wait(mine[i]);
          if (mine[i].runs.load() > 1) wrong.fetch_add(1);
        }
      });
    while (active.load() < 4) std::this_thread::yield();
    std::this_thread::sleep_for(1ms);
    EXPECT_TRUE(r.cancel());
    for (auto& t : threads) t.join();
    ASSERT_EQ(wrong.load(), 0);
  }
}
TEST(Threads, ACrowdThatComesAndGoesIsRunAtMostOnce) { crowd_against_cancel<basic_registry<small_platform>>(); }
TEST(Threads, ACrowdInTheCompactLayoutIsRunAtMostOnce) {
  crowd_against_cancel<basic_registry<small_platform, 1, cts::core::compact>>();
}
TEST(Threads, ACrowdOnStripesIsRunAtMostOnce) { crowd_against_cancel<basic_registry<small_platform, 4>>(); }

// G9: a thread registers, then tells another one: that one's callback runs first
TEST(Threads, OrderHoldsOverHappensBefore) {
  std::vector<int> log;
  std::deque<cts::test::named<small_platform>> all;
  for (int i = 0; i < 50; ++i) all.emplace_back(i, log);
  basic_registry<small_platform> r;
  std::atomic<int> turn{0};
  auto const play = [&](int parity) {
    for (int i = parity; i < 50; i += 2) {
      while (turn.load() != i) std::this_thread::yield();
      EXPECT_EQ(r.try_register(all[static_cast<std::size_t>(i)]), register_result::registered);
      turn.store(i + 1);
    }
  };
  std::thread odd([&] { play(1); });
  play(0);
  odd.join();
  r.cancel();
  ASSERT_EQ(log.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(log[static_cast<std::size_t>(i)], 49 - i);
}

/// Counts the segments that are there.
struct segment_counting_platform : std_platform {
  static inline std::atomic<int> segments{0};
  static void* allocate(std::size_t n) noexcept {
    segments.fetch_add(1);
    return std_platform::allocate(n);
  }
  static void deallocate(void* p, std::size_t n) noexcept {
    segments.fetch_sub(1);
    std_platform::deallocate(p, n);
  }
};

// G14: a thread that is paused keeps its registrations spread over many segments, so the bound is generous; when
// overlapping sweeps added up their counts there were hundreds of segments at once.
TEST(Threads, MemoryStaysBoundedWhileSeveralGrowTheRegistry) {
  using P = segment_counting_platform;
  constexpr int threads = 4, held = 240, steps = 400'000;
  basic_registry<P> r;
  std::vector<std::thread> crowd;
  for (int t = 0; t < threads; ++t)
    crowd.emplace_back([&] {
      std::vector<std::unique_ptr<cts::test::action<P>>> ring;
      for (int i = 0; i < held; ++i) ring.push_back(std::make_unique<cts::test::action<P>>());
      for (auto& c : ring) (void)r.try_register(*c);
      for (int i = 0; i < steps; ++i) {
        auto& c = *ring[static_cast<std::size_t>(i % held)];
        r.unregister(c);
        (void)r.try_register(c);
      }
      for (auto& c : ring) r.unregister(*c);
    });
  for (auto& t : crowd) t.join();
  int const needed = threads * held / static_cast<int>(P::segment_slots);
  EXPECT_LE(P::segments.load(), 12 * needed);
}

}  // namespace
