// SPDX-License-Identifier: BSL-1.0
/// @file
/// cts/wait.hpp: the condition variable as [thread.condition.condvarany] has it, with every token; sleeps; wait_any.
#include "cts/wait.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "cts/cancellation_token_source.hpp"
#include "cts/stop_token.hpp"
#include "cts/token_traits.hpp"

namespace {

using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;
#ifdef CTS_TEST_EMULATED
constexpr std::size_t rounds = 100;
#else
constexpr std::size_t rounds = 3000;
#endif

// --- every token, behind one interface ---
struct of_source {
  cts::cancellation_token_source source;
  auto token() const { return source.token(); }
  void stop() { source.cancel(); }
};
struct of_linked_source {
  cts::cancellation_token_source parent;
  cts::cancellation_token_source child = cts::cancellation_token_source::create_linked(parent.token());
  auto token() const { return child.token(); }
  void stop() { parent.cancel(); }
};
struct of_stop_source {
  cts::stop_source source;
  auto token() const { return source.get_token(); }
  void stop() { source.request_stop(); }
};
struct of_inplace_source {
  cts::inplace_stop_source source;
  auto token() const { return source.get_token(); }
  void stop() { source.request_stop(); }
};
#if CTS_HAS_STD_STOP_TOKEN
struct of_std_source {
  std::stop_source source;
  auto token() const { return source.get_token(); }
  void stop() { source.request_stop(); }
};
#endif

template <class Source>
class AnyToken : public testing::Test {};
using every_source = testing::Types<of_source, of_linked_source, of_stop_source, of_inplace_source
#if CTS_HAS_STD_STOP_TOKEN
                                    ,
                                    of_std_source
#endif
                                    >;
struct name_of {
  template <class Source>
  static std::string GetName(int i) {
    return std::array{"CancellationToken", "LinkedToken", "StopToken", "InplaceStopToken",
                      "StdStopToken"}[static_cast<std::size_t>(i)];
  }
};
TYPED_TEST_SUITE(AnyToken, every_source, name_of);

static_assert(cts::any_stop_token<cts::cancellation_token> && cts::any_stop_token<cts::stop_token>);
static_assert(cts::any_stop_token<cts::inplace_stop_token> && cts::any_stop_token<cts::never_stop_token>);
static_assert(!cts::any_stop_token<int> && !cts::any_stop_token<cts::stop_source>);
static_assert(!std::is_copy_constructible_v<cts::condition_variable_any> &&
              !std::is_copy_assignable_v<cts::condition_variable_any>);
static_assert(noexcept(std::declval<cts::condition_variable_any&>().notify_one()));

/// Runs `f` when this thread has had time to begin its wait; the tests are right without that.
template <class F>
std::thread later(F f) {
  return std::thread([f] {
    std::this_thread::sleep_for(2ms);
    f();
  });
}

TYPED_TEST(AnyToken, InterruptsAWait) {
  TypeParam source;
  cts::condition_variable_any changed;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::thread canceller = later([&] { source.stop(); });
  EXPECT_FALSE(changed.wait(lock, source.token(), [] { return false; }));
  EXPECT_TRUE(lock.owns_lock());
  canceller.join();
}

TYPED_TEST(AnyToken, ThatIsStoppedDoesNotWaitButAsksThePredicate) {
  TypeParam source;
  source.stop();
  cts::condition_variable_any changed;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  int asked = 0;
  EXPECT_TRUE(changed.wait(lock, source.token(), [&] { return ++asked != 0; }));
  EXPECT_FALSE(changed.wait(lock, source.token(), [&] { return ++asked == 0; }));
  EXPECT_FALSE(changed.wait_for(lock, source.token(), 1h, [&] { return ++asked == 0; }));
  EXPECT_FALSE(changed.wait_until(lock, source.token(), clock_type::now() + 1h, [&] { return ++asked == 0; }));
  EXPECT_EQ(asked, 4);
}

TYPED_TEST(AnyToken, IsNotStoppedByANotification) {
  TypeParam source;
  cts::condition_variable_any changed;
  std::mutex mutex;
  bool ready = false;
  std::thread notifier = later([&] {
    { std::lock_guard const hold(mutex); }
    changed.notify_all();  // for nothing
    {
      std::lock_guard const hold(mutex);
      ready = true;
    }
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  EXPECT_TRUE(changed.wait(lock, source.token(), [&] { return ready; }));
  EXPECT_TRUE(cts::token_traits<decltype(source.token())>::stop_possible(source.token()));
  notifier.join();
}

TYPED_TEST(AnyToken, InterruptsTimedWaits) {
  TypeParam source;
  cts::condition_variable_any changed;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  EXPECT_FALSE(changed.wait_for(lock, source.token(), 2ms, [] { return false; }));
  EXPECT_FALSE(changed.wait_until(lock, source.token(), clock_type::now() + 2ms, [] { return false; }));
  std::thread canceller = later([&] { source.stop(); });
  EXPECT_FALSE(changed.wait_for(lock, source.token(), 1h, [] { return false; }));
  EXPECT_FALSE(changed.wait_until(lock, source.token(), std::chrono::system_clock::now() + 1h, [] { return false; }));
  canceller.join();
}

TYPED_TEST(AnyToken, EndsASleep) {
  TypeParam source;
  EXPECT_TRUE(cts::sleep_for(source.token(), 2ms));
  EXPECT_TRUE(cts::sleep_until(source.token(), clock_type::now() + 2ms));
  std::thread canceller = later([&] { source.stop(); });
  EXPECT_FALSE(cts::sleep_for(source.token(), 1h));
  canceller.join();
  EXPECT_FALSE(cts::sleep_for(source.token(), 1h));
  EXPECT_FALSE(cts::sleep_until(source.token(), std::chrono::system_clock::now() + 1h));
}

TYPED_TEST(AnyToken, NoCancelIsLostBetweenThePredicateAndTheWait) {
  for (std::size_t i = 0; i < rounds; ++i) {
    TypeParam source;
    cts::condition_variable_any changed;
    std::mutex mutex;
    std::atomic<bool> begun = false;
    std::thread canceller([&] {
      while (!begun) std::this_thread::yield();
      source.stop();
    });
    std::unique_lock lock(mutex);
    begun = true;
    EXPECT_FALSE(changed.wait(lock, source.token(), [] { return false; }));  // hangs if the cancel is lost
    lock.unlock();
    canceller.join();
  }
}

TYPED_TEST(AnyToken, WakesEachOfManyWaiters) {
  for (int i = 0; i < 100; ++i) {
    TypeParam source;
    cts::condition_variable_any changed;
    std::mutex mutex;
    std::vector<std::thread> waiters;
    for (int w = 0; w < 4; ++w)
      waiters.emplace_back([&] {
        std::unique_lock lock(mutex);
        EXPECT_FALSE(changed.wait(lock, source.token(), [] { return false; }));
      });
    source.stop();
    for (std::thread& t : waiters) t.join();
  }
}

// --- the condition variable without tokens ---

TEST(ConditionVariableAny, WaitsForANotification) {
  cts::condition_variable_any changed;
  std::mutex mutex;
  bool ready = false;
  std::thread notifier = later([&] {
    std::lock_guard const hold(mutex);
    ready = true;
    changed.notify_one();  // under the user's lock: it must not deadlock
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ready; });
    while (!ready) changed.wait(lock);
    EXPECT_TRUE(changed.wait_for(lock, 0s, [&] { return ready; }));
  }
  notifier.join();
}

TEST(ConditionVariableAny, TimedWaitsEnd) {
  cts::condition_variable_any changed;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  auto const start = clock_type::now();
  while (changed.wait_for(lock, 3ms) != std::cv_status::timeout) {}
  EXPECT_GE(clock_type::now() - start, 3ms);
  auto const until = clock_type::now() + 3ms;
  while (changed.wait_until(lock, until) != std::cv_status::timeout) {}
  EXPECT_GE(clock_type::now(), until);
  auto const on_the_wall = std::chrono::system_clock::now() + 3ms;
  while (changed.wait_until(lock, on_the_wall) != std::cv_status::timeout) {}
  EXPECT_GE(std::chrono::system_clock::now(), on_the_wall);
  EXPECT_FALSE(changed.wait_for(lock, 1ms, [] { return false; }));
  EXPECT_FALSE(changed.wait_until(lock, clock_type::now() + 1ms, [] { return false; }));
  EXPECT_TRUE(lock.owns_lock());
}

TEST(ConditionVariableAny, TimesThatHavePassedOrLieFarAway) {
  cts::condition_variable_any changed;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  auto const no = [] { return false; };
  EXPECT_EQ(changed.wait_for(lock, -1s), std::cv_status::timeout);
  EXPECT_EQ(changed.wait_for(lock, (std::chrono::hours::min)()), std::cv_status::timeout);
  EXPECT_EQ(changed.wait_until(lock, (clock_type::time_point::min)()), std::cv_status::timeout);
  EXPECT_FALSE(changed.wait_for(lock, -1s, no));
  EXPECT_FALSE(changed.wait_until(lock, (std::chrono::system_clock::time_point::min)(), no));
  EXPECT_THROW(changed.wait_for(lock, std::chrono::duration<double>(std::nan(""))), std::out_of_range);
  EXPECT_TRUE(lock.owns_lock());
  bool ready = false;
  for (int i = 0; i < 3; ++i) {
    ready = false;
    std::thread notifier = later([&] {
      std::lock_guard const hold(mutex);
      ready = true;
      changed.notify_all();
    });
    using far = std::chrono::time_point<std::chrono::system_clock, std::chrono::hours>;
    std::chrono::duration<double> const forever(std::numeric_limits<double>::infinity());
    auto const is_ready = [&] { return ready; };
    bool const was = i == 0   ? changed.wait_for(lock, (std::chrono::hours::max)(), is_ready)
                     : i == 1 ? changed.wait_until(lock, (far::max)(), is_ready)
                              : changed.wait_for(lock, forever, is_ready);
    EXPECT_TRUE(was);
    lock.unlock();
    notifier.join();
    lock.lock();
  }
}

TEST(ConditionVariableAny, APastTimeStillLetsOthersHaveTheLock) {
  cts::condition_variable_any changed;
  std::mutex mutex;
  std::atomic<bool> done = false;
  std::unique_lock lock(mutex);
  std::thread other([&] {
    std::lock_guard const hold(mutex);
    done = true;
  });
  while (!changed.wait_for(lock, 0s, [&] { return done.load(); })) {}  // ends only if the wait unlocks
  lock.unlock();
  other.join();
}

TEST(ConditionVariableAny, TakesAnyLock) {
  struct counting {
    int locks = 1, unlocks = 0;
    void lock() { ++locks; }
    void unlock() { ++unlocks; }
  } lock;
  cts::condition_variable_any changed;
  EXPECT_EQ(changed.wait_for(lock, 1ms), std::cv_status::timeout);
  EXPECT_EQ(lock.locks, 2);
  EXPECT_EQ(lock.unlocks, 1);
  std::shared_mutex shared;
  std::shared_lock reader(shared);
  cts::cancellation_token_source source;
  std::thread canceller = later([&] { source.cancel(); });
  EXPECT_FALSE(changed.wait(reader, source.token(), [] { return false; }));
  canceller.join();
}

TEST(ConditionVariableAny, AnExceptionOfThePredicateLeavesWithTheLock) {
  cts::condition_variable_any changed;
  cts::cancellation_token_source source;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  EXPECT_THROW(changed.wait(lock, source.token(), []() -> bool { throw 1; }), int);
  EXPECT_TRUE(lock.owns_lock());
  EXPECT_EQ(source.registration_count(), 0U);
}

TEST(ConditionVariableAny, MayBeDestroyedWhenAllAreNotified) {
  for (int i = 0; i < 200; ++i) {
    std::optional<cts::condition_variable_any> changed(std::in_place);
    std::mutex mutex;
    bool waiting = false, ready = false;
    std::thread waiter([&] {
      std::unique_lock lock(mutex);
      waiting = true;
      cts::cancellation_token_source source;
      changed->wait(lock, source.token(), [&] { return ready; });
    });
    for (;;) {
      std::lock_guard const hold(mutex);
      if (!waiting) continue;
      ready = true;
      changed->notify_all();
      changed.reset();  // the waiter is still inside wait
      break;
    }
    waiter.join();
  }
}

TEST(ConditionVariableAny, PassesABallBetweenTwoThreads) {
  cts::condition_variable_any changed;
  cts::stop_source source;
  std::mutex mutex;
  int turn = 0;
  constexpr int passes = 2000;
  auto const play = [&](int me) {
    std::unique_lock lock(mutex);
    for (int i = 0; i < passes; ++i) {
      ASSERT_TRUE(changed.wait(lock, source.get_token(), [&] { return turn == me; }));
      turn = 1 - me;
      changed.notify_one();
    }
  };
  std::thread other(play, 1);
  play(0);
  other.join();
}

TEST(ConditionVariableAny, ACancelWhileTheLockIsHeldDoesNotDeadlock) {
  cts::condition_variable_any changed;
  cts::cancellation_token_source source;
  std::mutex mutex;
  std::thread waiter([&] {
    std::unique_lock lock(mutex);
    changed.wait(lock, source.token(), [] { return false; });
  });
  std::this_thread::sleep_for(2ms);
  {
    std::lock_guard const hold(mutex);
    source.cancel();  // its callback must not want the user's lock
  }
  waiter.join();
}

TEST(ConditionVariableAny, TokensThatCannotBeStopped) {
  cts::condition_variable_any changed;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  EXPECT_FALSE(changed.wait_for(lock, cts::cancellation_token::none(), 1ms, [] { return false; }));
  EXPECT_FALSE(changed.wait_for(lock, cts::stop_token(), 1ms, [] { return false; }));
  EXPECT_FALSE(changed.wait_for(lock, cts::inplace_stop_token(), 1ms, [] { return false; }));
  EXPECT_FALSE(changed.wait_for(lock, cts::never_stop_token(), 1ms, [] { return false; }));
  EXPECT_FALSE(changed.wait(lock, cts::cancellation_token(true), [] { return false; }));
}

// --- sleeps ---

TEST(Sleep, SleepsAtLeastThatLong) {
  auto const start = clock_type::now();
  EXPECT_TRUE(cts::sleep_for(cts::cancellation_token::none(), 3ms));
  EXPECT_TRUE(cts::sleep_for(cts::never_stop_token(), 0.003s));
  EXPECT_GE(clock_type::now() - start, 6ms);
}

TEST(Sleep, TimesThatHavePassedOrLieFarAway) {
  cts::cancellation_token_source source;
  auto const token = source.token();
  EXPECT_TRUE(cts::sleep_for(token, -1h));
  EXPECT_TRUE(cts::sleep_for(token, 0s));
  EXPECT_TRUE(cts::sleep_for(token, (std::chrono::hours::min)()));
  EXPECT_TRUE(cts::sleep_until(token, (clock_type::time_point::min)()));
  EXPECT_THROW((void)cts::sleep_for(token, std::chrono::duration<float>(std::nanf(""))), std::out_of_range);
  std::thread canceller = later([&] { source.cancel(); });
  EXPECT_FALSE(cts::sleep_for(token, (std::chrono::hours::max)()));
  canceller.join();
  EXPECT_FALSE(cts::sleep_until(token, (clock_type::time_point::max)()));
  EXPECT_FALSE(cts::sleep_for(token, -1h)) << "a stopped token comes first";
}

TEST(Sleep, RegistersOnlyAsLongAsItSleeps) {
  cts::cancellation_token_source source;
  std::thread sleeper([&] { EXPECT_FALSE(cts::sleep_for(source.token(), 1h)); });
  while (source.registration_count() == 0) std::this_thread::yield();
  source.cancel();
  sleeper.join();
  EXPECT_EQ(source.registration_count(), 0U);
}

// --- wait_any ---

TEST(WaitAny, TellsWhichOneOfMixedTokens) {
  for (std::size_t which = 0; which < 3; ++which) {
    cts::cancellation_token_source a;
    cts::stop_source b;
    cts::inplace_stop_source c;
    std::thread canceller = later([&] {
      if (which == 0) a.cancel();
      else if (which == 1) b.request_stop();
      else c.request_stop();
    });
    EXPECT_EQ(cts::wait_any(a.token(), b.get_token(), c.get_token(), cts::never_stop_token()), which);
    canceller.join();
    EXPECT_EQ(cts::wait_any_for(0s, a.token(), b.get_token(), c.get_token()), which);
  }
}

TEST(WaitAny, TellsTheLowestOfSeveral) {
  cts::cancellation_token_source a, b, c;
  c.cancel();
  b.cancel();
  EXPECT_EQ(cts::wait_any(a.token(), b.token(), c.token()), 1U);
}

TEST(WaitAny, EndsByTime) {
  cts::cancellation_token_source a;
  cts::stop_source b;
  auto const start = clock_type::now();
  EXPECT_EQ(cts::wait_any_for(3ms, a.token(), b.get_token()), std::nullopt);
  EXPECT_GE(clock_type::now() - start, 3ms);
  EXPECT_EQ(cts::wait_any_until(clock_type::now() + 1ms, a.token(), b.get_token()), std::nullopt);
  EXPECT_EQ(cts::wait_any_for(-1s, a.token()), std::nullopt);
  EXPECT_THROW((void)cts::wait_any_for(std::chrono::duration<double>(std::nan("")), a.token()), std::out_of_range);
  EXPECT_EQ(a.registration_count(), 0U);
}

TEST(WaitAny, NoCancelIsLost) {
  for (std::size_t i = 0; i < rounds; ++i) {
    cts::cancellation_token_source a;
    cts::stop_source b;
    std::atomic<bool> begun = false;
    std::thread canceller([&] {
      while (!begun) std::this_thread::yield();
      if (i % 2 == 0) a.cancel();
      else b.request_stop();
    });
    begun = true;
    EXPECT_EQ(cts::wait_any(a.token(), b.get_token()), i % 2 == 0 ? 0U : 1U);
    canceller.join();
  }
}

template <class T>
class WaitAnyOf : public testing::Test {};
using SourcesOfAny = testing::Types<of_source, of_linked_source, of_stop_source, of_inplace_source
#if CTS_HAS_STD_STOP_TOKEN
                                    ,
                                    of_std_source
#endif
                                    >;
TYPED_TEST_SUITE(WaitAnyOf, SourcesOfAny);

TYPED_TEST(WaitAnyOf, ASpanTellsWhich) {
  using token = decltype(std::declval<TypeParam&>().token());
  for (std::size_t which : {0U, 7U, 19U}) {
    std::vector<TypeParam> sources(20);
    std::vector<token> tokens;
    for (auto& s : sources) tokens.push_back(s.token());
    std::thread canceller = later([&] { sources[which].stop(); });
    EXPECT_EQ(cts::wait_any(tokens), which);
    canceller.join();
    EXPECT_EQ(cts::wait_any(std::span<token const>(tokens)), which) << "at once";
    EXPECT_EQ(cts::wait_any(std::span(tokens).subspan(which)), 0U);
    EXPECT_EQ(cts::wait_any_for(0s, tokens), which);
  }
}

TEST(WaitAny, ASpanTellsTheLowestOfSeveralAndMayNameATokenTwice) {
  cts::cancellation_token_source a, b;
  std::array const tokens{a.token(), cts::cancellation_token(), b.token(), b.token()};
  b.cancel();
  EXPECT_EQ(cts::wait_any(tokens), 2U);
  a.cancel();
  EXPECT_EQ(cts::wait_any(tokens), 0U);
}

TEST(WaitAny, ASpanEndsByTime) {
  cts::cancellation_token_source a, b;
  std::array const tokens{a.token(), b.token()};
  auto const start = clock_type::now();
  EXPECT_EQ(cts::wait_any_for(3ms, tokens), std::nullopt);
  EXPECT_GE(clock_type::now() - start, 3ms);
  EXPECT_EQ(cts::wait_any_until(clock_type::now() + 1ms, tokens), std::nullopt);
  EXPECT_EQ(cts::wait_any_for(-1s, tokens), std::nullopt);
  EXPECT_THROW((void)cts::wait_any_for(std::chrono::duration<double>(std::nan("")), tokens), std::out_of_range);
  EXPECT_EQ(a.registration_count() + b.registration_count(), 0U);
}

TEST(WaitAny, AnEmptySpanIsRefused) {
  std::vector<cts::cancellation_token> const none;
  EXPECT_THROW((void)cts::wait_any(none), std::invalid_argument);
  EXPECT_THROW((void)cts::wait_any_for(1h, none), std::invalid_argument);
  EXPECT_THROW((void)cts::wait_any_until(clock_type::now(), none), std::invalid_argument);
  try {
    (void)cts::wait_any(none);
  } catch (std::invalid_argument const& e) {
    EXPECT_STREQ(e.what(), "wait_any: no tokens were supplied; at least one is needed");
  }
}

TEST(WaitAny, NoCancelOfASpanIsLost) {
  for (std::size_t i = 0; i < rounds; ++i) {
    std::vector<cts::cancellation_token_source> sources(3);
    std::vector<cts::cancellation_token> tokens;
    for (auto& s : sources) tokens.push_back(s.token());
    std::atomic<bool> begun = false;
    std::thread canceller([&] {
      while (!begun) std::this_thread::yield();
      sources[i % 3].cancel();
    });
    begun = true;
    EXPECT_EQ(cts::wait_any(tokens), i % 3);
    canceller.join();
  }
}

TEST(WaitAny, TheTokenOfOnesOwnCallback) {
  cts::cancellation_token_source source;
  auto const token = source.token();
  bool woke = false;
  cts::cancellation_callback const c(token, [&] { woke = !cts::sleep_for(token, 1h) && cts::wait_any(token) == 0; });
  source.cancel();
  EXPECT_TRUE(woke);
}

}  // namespace
