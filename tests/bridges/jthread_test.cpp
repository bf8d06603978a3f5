// SPDX-License-Identifier: BSL-1.0
/// @file
/// cts::jthread, paragraph by paragraph of [thread.jthread.class]: what libstdc++ and libc++ test of theirs.
#include "cts/jthread.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <concepts>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using cts::jthread;

template <class... Args>
struct taking {
  void operator()(Args...) const;
};
template <class T>
void convert(T);
template <class T, class... Args>
concept implicitly_made_of = requires(Args&&... args) {
  convert<T>({std::forward<Args>(args)...});
};

static_assert(std::same_as<jthread::id, std::thread::id>);
static_assert(std::same_as<jthread::native_handle_type, std::thread::native_handle_type>);
static_assert(std::is_nothrow_default_constructible_v<jthread>);
static_assert(!std::is_copy_constructible_v<jthread> && !std::is_copy_assignable_v<jthread>);
static_assert(std::is_nothrow_move_constructible_v<jthread> && std::is_nothrow_move_assignable_v<jthread>);
static_assert(std::is_nothrow_swappable_v<jthread>);
static_assert(std::is_constructible_v<jthread, taking<>> && std::is_constructible_v<jthread, taking<int>, int>);
static_assert(!std::is_constructible_v<jthread, jthread&> && !std::is_constructible_v<jthread, jthread const&>);
static_assert(!implicitly_made_of<jthread, taking<>> && !implicitly_made_of<jthread, taking<int>, int>);
static_assert(!std::is_convertible_v<taking<>, jthread>);
static_assert(noexcept(std::declval<jthread const&>().joinable()) && noexcept(std::declval<jthread const&>().get_id()));
static_assert(noexcept(std::declval<jthread&>().get_stop_source()));
static_assert(noexcept(std::declval<jthread const&>().get_stop_token()));
static_assert(noexcept(std::declval<jthread&>().request_stop()) && noexcept(jthread::hardware_concurrency()));
static_assert(std::same_as<decltype(std::declval<jthread&>().get_stop_source()), cts::stop_source>);
static_assert(std::same_as<decltype(std::declval<jthread const&>().get_stop_token()), cts::stop_token>);

/// Waits for the stop request by polling, as long as a test may last.
void until_stopped(cts::stop_token const& token) {
  while (!token.stop_requested()) std::this_thread::yield();
}
std::errc error_of(std::function<void()> const& f) {
  try {
    f();
  } catch (std::system_error const& e) { return static_cast<std::errc>(e.code().default_error_condition().value()); }
  return {};
}

TEST(JThreadConstructor, DefaultHasNoThreadAndNoStopState) {
  jthread t;
  EXPECT_FALSE(t.joinable());
  EXPECT_EQ(t.get_id(), jthread::id());
  EXPECT_FALSE(t.get_stop_source().stop_possible());
  EXPECT_FALSE(t.get_stop_token().stop_possible());
  EXPECT_FALSE(t.request_stop());
}

TEST(JThreadConstructor, StartsAThreadThatHasAStopState) {
  jthread::id inside;
  jthread t([&inside] { inside = std::this_thread::get_id(); });
  auto const id = t.get_id();
  EXPECT_TRUE(t.joinable());
  EXPECT_NE(id, jthread::id());
  EXPECT_NE(id, std::this_thread::get_id());
  EXPECT_TRUE(t.get_stop_source().stop_possible());
  EXPECT_FALSE(t.get_stop_source().stop_requested());
  t.join();
  EXPECT_EQ(inside, id);
}

TEST(JThreadConstructor, PassesTheTokenFirstIfItCan) {
  int result = 0;
  bool possible = false, requested = true;
  jthread t(
      [&](cts::stop_token const& token, int i) {
        possible = token.stop_possible();
        requested = token.stop_requested();
        result = i;
      },
      5);
  t.join();
  EXPECT_EQ(result, 5);
  EXPECT_TRUE(possible);
  EXPECT_FALSE(requested);
}

TEST(JThreadConstructor, PassesNoTokenToWhatTakesNone) {
  int result = 0;
  jthread([&result](int i) { result = i; }, 5).join();
  EXPECT_EQ(result, 5);
}

TEST(JThreadConstructor, PrefersTheTokenIfBothCallsWork) {
  struct both {
    bool* with_token;
    void operator()() const { *with_token = false; }
    void operator()(cts::stop_token const&) const { *with_token = true; }
  };
  bool with_token = false;
  jthread(both{&with_token}).join();
  EXPECT_TRUE(with_token);
}

TEST(JThreadConstructor, CopiesAndMovesArgumentsOnTheConstructingThread) {
  struct tracked {
    std::thread::id made_on = std::this_thread::get_id();
    bool copied = false, moved = false;
    tracked() = default;
    tracked(tracked const&) : copied(true) {}
    tracked(tracked&&) noexcept : moved(true) {}
  };
  tracked kept, given;
  std::optional<tracked> first, second;
  auto const note = [](std::optional<tracked>& to, tracked const& t, std::thread::id made_on) {
    to.emplace();
    to->copied = t.copied;
    to->moved = t.moved;
    to->made_on = made_on;
  };
  jthread([&](tracked const& t) { note(first, t, t.made_on); }, kept).join();
  jthread([&](tracked const& t) { note(second, t, t.made_on); }, std::move(given)).join();
  EXPECT_TRUE(first->copied);
  EXPECT_EQ(first->made_on, std::this_thread::get_id());
  EXPECT_TRUE(second->moved && !second->copied);
  EXPECT_EQ(second->made_on, std::this_thread::get_id());
}

TEST(JThreadConstructor, DecaysArraysAndUnwrapsReferences) {
  std::string text;
  int n = 1;
  jthread([&text](char const* s, int& i) { text = s, ++i; }, "abc", std::ref(n)).join();
  EXPECT_EQ(text, "abc");
  EXPECT_EQ(n, 2);
}

TEST(JThreadConstructor, TakesMoveOnlyCallablesAndArguments) {
  int result = 0;
  jthread([&result, p = std::make_unique<int>(3)](std::unique_ptr<int> q) { result = *p + *q; },
          std::make_unique<int>(4))
      .join();
  EXPECT_EQ(result, 7);
  jthread([&result, p = std::make_unique<int>(8)](cts::stop_token const&) { result = *p; }).join();
  EXPECT_EQ(result, 8);
}

TEST(JThreadConstructor, CallsTheCopyAsAnRvalue) {
  struct once {
    int* calls;
    void operator()(cts::stop_token const&) && { ++*calls; }
  };
  int calls = 0;
  jthread(once{&calls}).join();
  EXPECT_EQ(calls, 1);
}

TEST(JThreadConstructor, CallsMemberFunctionsAndFunctionPointers) {
  struct object {
    int value = 0;
    void set(int v) { value = v; }
  } o;
  jthread(&object::set, &o, 6).join();
  EXPECT_EQ(o.value, 6);
  static std::atomic<int> called;
  void (*const function)(cts::stop_token const&, int) = [](cts::stop_token const&, int v) { called = v; };
  jthread(function, 7).join();
  EXPECT_EQ(called, 7);
}

TEST(JThreadConstructor, ExceptionsOfCopiesLeaveOnTheConstructingThread) {
  struct thrower {
    thrower() = default;
    thrower(thrower const&) { throw std::this_thread::get_id(); }
    void operator()() const {}
  };
  thrower const t;
  try {
    jthread const never(t);
    FAIL() << "the copy has thrown, but the thread was started";
  } catch (std::thread::id const& where) { EXPECT_EQ(where, std::this_thread::get_id()); }
}

TEST(JThreadConstructor, CompletionOfTheConstructorIsSeenByTheThread) {
  int flag = 0;
  struct argument {
    explicit argument(int& f) : flag(f) {}
    argument(argument const& other) : flag(other.flag) { flag = 5; }
    int& flag;
  } const a(flag);
  int seen = 0;
  jthread([&](argument const&) { seen = flag; }, a).join();
  EXPECT_EQ(seen, 5);
}

TEST(JThreadMove, TakesOverTheThreadAndTheStopState) {
  jthread a(&until_stopped);
  auto const id = a.get_id();
  auto const source = a.get_stop_source();
  jthread b(std::move(a));
  EXPECT_EQ(b.get_id(), id);
  EXPECT_EQ(b.get_stop_source(), source);
  EXPECT_FALSE(a.joinable());  // NOLINT(bugprone-use-after-move): it is specified
  EXPECT_EQ(a.get_id(), jthread::id());
  EXPECT_FALSE(a.get_stop_source().stop_possible());
  EXPECT_FALSE(source.stop_requested());
}

TEST(JThreadDestructor, RequestsAStopAndJoins) {
  bool stopped = false, done = false;
  cts::stop_token token;
  {
    jthread const t([&](cts::stop_token const& mine) {
      until_stopped(mine);
      std::this_thread::sleep_for(5ms);
      done = true;
    });
    token = t.get_stop_token();
    EXPECT_FALSE(token.stop_requested());
  }
  stopped = token.stop_requested();
  EXPECT_TRUE(stopped);
  EXPECT_TRUE(done) << "the destructor has not joined";
}

TEST(JThreadDestructor, RunsTheStopCallbacksOnTheDestroyingThread) {
  std::thread::id ran_on;
  std::optional<jthread> t([](cts::stop_token const& mine) { until_stopped(mine); });
  cts::stop_callback const c(t->get_stop_token(), [&] { ran_on = std::this_thread::get_id(); });
  t.reset();
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(JThreadDestructor, RequestsNoStopOfAThreadThatIsJoinedOrDetached) {
  cts::stop_token joined, detached;
  {
    jthread t([] {});
    joined = t.get_stop_token();
    t.join();
  }
  {
    jthread t([] {});
    detached = t.get_stop_token();
    t.detach();
  }
  EXPECT_FALSE(joined.stop_requested());
  EXPECT_FALSE(detached.stop_requested());
}

TEST(JThreadAssign, ToItselfDoesNothing) {
  jthread t([](cts::stop_token const& mine) { until_stopped(mine); });
  auto const id = t.get_id();
  auto const source = t.get_stop_source();
  jthread& same = t;
  t = std::move(same);
  EXPECT_EQ(t.get_id(), id);
  EXPECT_EQ(t.get_stop_source(), source);
  EXPECT_FALSE(source.stop_requested());
}

TEST(JThreadAssign, StopsAndJoinsItsOwnThreadFirst) {
  jthread a, b([](cts::stop_token const&mine) { until_stopped(mine); });
  std::atomic<bool> done = false, own_state_in_callback = false;
  a = jthread([&](cts::stop_token const& mine) {
    until_stopped(mine);
    std::this_thread::sleep_for(5ms);
    done = true;
  });
  auto const old = a.get_stop_source();
  auto const id = b.get_id();
  auto const source = b.get_stop_source();
  cts::stop_callback const c(old.get_token(), [&] { own_state_in_callback = a.get_stop_source() == old; });
  a = std::move(b);
  EXPECT_TRUE(old.stop_requested());
  EXPECT_TRUE(done) << "the assignment has not joined";
  EXPECT_TRUE(own_state_in_callback) << "the state was replaced before the stop was requested";
  EXPECT_EQ(a.get_id(), id);
  EXPECT_EQ(a.get_stop_source(), source);
  EXPECT_FALSE(source.stop_requested());
  EXPECT_EQ(b.get_id(), jthread::id());  // NOLINT(bugprone-use-after-move): it is specified
  EXPECT_FALSE(b.get_stop_source().stop_possible());
}

TEST(JThreadAssign, JoinsEachOfMany) {
  std::atomic<unsigned> ended = 0;
  std::vector<jthread> threads;
  for (unsigned i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      std::this_thread::sleep_for(2ms);
      ++ended;
    });
  for (jthread& t : threads) t = jthread();
  EXPECT_EQ(ended, 8U);
}

TEST(JThreadSwap, ExchangesThreadsAndStopStates) {
  jthread a([](cts::stop_token const& mine) { until_stopped(mine); });
  jthread b([](cts::stop_token const& mine) { until_stopped(mine); });
  jthread empty;
  auto const id = a.get_id(), other = b.get_id();
  auto const source = a.get_stop_source(), other_source = b.get_stop_source();
  a.swap(b);
  EXPECT_TRUE(a.get_id() == other && b.get_id() == id);
  EXPECT_TRUE(a.get_stop_source() == other_source && b.get_stop_source() == source);
  swap(b, empty);
  EXPECT_TRUE(empty.get_id() == id && !b.joinable());
  EXPECT_FALSE(b.get_stop_source().stop_possible());
  EXPECT_FALSE(source.stop_requested() || other_source.stop_requested());
}

TEST(JThreadJoin, WaitsAndLeavesTheStopState) {
  bool done = false;
  jthread t([&] {
    std::this_thread::sleep_for(5ms);
    done = true;
  });
  t.join();
  EXPECT_TRUE(done);
  EXPECT_FALSE(t.joinable());
  EXPECT_EQ(t.get_id(), jthread::id());
  EXPECT_TRUE(t.get_stop_source().stop_possible());
  EXPECT_FALSE(t.get_stop_token().stop_requested());
}

TEST(JThreadJoin, ErrorsAreSystemErrors) {
  jthread none;
  EXPECT_EQ(error_of([&] { none.join(); }), std::errc::invalid_argument);
  EXPECT_EQ(error_of([&] { none.detach(); }), std::errc::invalid_argument);
  jthread t([] {});
  t.join();
  EXPECT_EQ(error_of([&] { t.join(); }), std::errc::invalid_argument);
  EXPECT_EQ(error_of([&] { t.detach(); }), std::errc::invalid_argument);
}

TEST(JThreadJoin, OfItselfIsADeadlockThatIsReported) {
  std::promise<jthread*> where;
  std::promise<std::errc> what;
  jthread t([&] {
    jthread* const self = where.get_future().get();
    what.set_value(error_of([self] { self->join(); }));
  });
  where.set_value(&t);
  EXPECT_EQ(what.get_future().get(), std::errc::resource_deadlock_would_occur);
  EXPECT_TRUE(t.joinable());
  t.join();
}

TEST(JThreadDetach, LeavesTheThreadItsToken) {
  auto const stopped = std::make_shared<std::atomic<bool>>(false);
  cts::stop_source source(cts::nostopstate);
  {
    jthread t([stopped](cts::stop_token const& mine) {
      until_stopped(mine);
      *stopped = true;
    });
    source = t.get_stop_source();
    t.detach();
    EXPECT_FALSE(t.joinable());
    EXPECT_EQ(t.get_id(), jthread::id());
    EXPECT_TRUE(t.get_stop_source() == source);
  }
  EXPECT_FALSE(source.stop_requested());
  EXPECT_TRUE(source.request_stop());
  while (!*stopped) std::this_thread::yield();
}

TEST(JThreadStop, RequestStopIsTrueOnce) {
  jthread t([](cts::stop_token const& mine) { until_stopped(mine); });
  auto const token = t.get_stop_token();
  bool called = false;
  cts::stop_callback const c(token, [&called] { called = true; });
  EXPECT_FALSE(token.stop_requested());
  EXPECT_TRUE(t.request_stop());
  EXPECT_TRUE(called);
  EXPECT_FALSE(t.request_stop());
  EXPECT_TRUE(token.stop_requested() && t.get_stop_source().stop_requested());
  EXPECT_TRUE(t.joinable());
}

TEST(JThreadStop, TokenAndSourceAreOfOneState) {
  jthread t([](cts::stop_token const& mine) { until_stopped(mine); });
  EXPECT_EQ(t.get_stop_source().get_token(), t.get_stop_token());
  t.get_stop_source().request_stop();
  EXPECT_TRUE(t.get_stop_token().stop_requested());
}

TEST(JThreadNative, HandleIsTheThreadsOwn) {
  jthread t([](cts::stop_token const& mine) { until_stopped(mine); });
  jthread::native_handle_type const h = t.native_handle();
  EXPECT_NE(h, jthread::native_handle_type());
#if defined(__linux__)
  EXPECT_FALSE(pthread_equal(h, pthread_self()));
#endif
  EXPECT_EQ(jthread::hardware_concurrency(), std::thread::hardware_concurrency());
}

TEST(JThreadStress, ManyThatAreStoppedByTheirDestructors) {
  std::atomic<int> ended = 0;
  for (int round = 0; round < 50; ++round) {
    std::array<jthread, 4> threads;
    for (jthread& t : threads)
      t = jthread([&](cts::stop_token const& mine) {
        until_stopped(mine);
        ++ended;
      });
    std::swap(threads[0], threads[3]);
    threads[1] = std::move(threads[2]);
  }
  EXPECT_EQ(ended, 200);
}

}  // namespace
