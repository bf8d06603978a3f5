// SPDX-License-Identifier: BSL-1.0
/// @file
/// One token for several (cts/any_token.hpp).
#include "cts/any_token.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cts/cts.hpp"
#include "cts/stop_token.hpp"
#include "heap.hpp"

namespace {
std::atomic<long> allocations = 0;
std::atomic<bool> failing = false;
void* take(std::size_t n, std::size_t alignment) noexcept {
  ++allocations;
  return failing ? nullptr : cts::test::heap_take(n, alignment);
}
}  // namespace
[[gnu::noinline]] void* operator new(std::size_t n) {
  if (void* const p = take(n, 1)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t a, std::nothrow_t const&) noexcept {
  return take(n, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { cts::test::heap_give(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { cts::test::heap_give(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { cts::test::heap_give(p); }

namespace {

using counter = std::atomic<int>;
struct count {
  counter* n;
  void operator()() const noexcept { ++*n; }
};
using mixed = cts::any_of_token<cts::cancellation_token, cts::stop_token, cts::inplace_stop_token>;

static_assert(cts::stoppable_token<mixed> && !cts::unstoppable_token<mixed> && cts::any_stop_token<mixed>);
static_assert(cts::stoppable_callback_for<count, mixed>);
static_assert(std::is_same_v<cts::stop_callback_for_t<cts::any_of_token<cts::stop_token>, count>,
                             cts::any_of_callback<count, cts::stop_token>>);
static_assert(!std::is_copy_constructible_v<mixed::callback_type<count>> &&
              !std::is_move_constructible_v<mixed::callback_type<count>>);
static_assert(sizeof(cts::any_token(cts::inplace_stop_token(), cts::inplace_stop_token())) == 2 * sizeof(void*),
              "the parents and nothing else");
static_assert(noexcept(cts::any_of_callback<count, cts::inplace_stop_token>(
    cts::any_of_token<cts::inplace_stop_token>(cts::inplace_stop_token()), count{})));
template <class... Tokens>
concept joins = requires(Tokens... t) {
  cts::any_token(t...);
};
static_assert(joins<cts::stop_token> && !joins<> && !joins<int>);

/// The sources of one of each type.
struct family {
  cts::cancellation_token_source a;
  cts::stop_source b;
  cts::inplace_stop_source c;
  mixed token() { return cts::any_token(a.token(), b.get_token(), c.get_token()); }
  void cancel(int i) {
    if (i == 0) a.cancel();
    else if (i == 1) b.request_stop();
    else c.request_stop();
  }
};

TEST(AnyOfToken, PollsThroughToEachParent) {
  for (int i = 0; i < 3; ++i) {
    family f;
    mixed const t = f.token();
    EXPECT_TRUE(t.stop_possible());
    EXPECT_FALSE(t.stop_requested());
    f.cancel(i);
    EXPECT_TRUE(t.stop_requested()) << i;
    EXPECT_TRUE(t.stop_possible());
  }
  EXPECT_FALSE(cts::any_token(cts::stop_token(), cts::cancellation_token(), cts::never_stop_token()).stop_possible());
}

TEST(AnyOfToken, NeverLagsBehindAParent) {
  cts::cancellation_token_source a, b;
  auto const both = cts::any_token(a.token(), b.token());
  bool in_the_first_callback = false;
  cts::cancellation_callback const first(a.token(), [&] { in_the_first_callback = both.stop_requested(); });
  a.cancel();
  EXPECT_TRUE(in_the_first_callback);
}

TEST(AnyOfToken, IsAValue) {
  family f, g;
  mixed t = f.token(), u = t, v = g.token();
  EXPECT_EQ(t, u);
  EXPECT_NE(t, v);
  swap(u, v);
  EXPECT_EQ(t, v);
  v.swap(u);
  v = u;
  EXPECT_EQ(t, v);
}

TEST(AnyOfToken, CostsItsParentsNothingUntilACallbackIsRegistered) {
  cts::cancellation_token_source a, b;
  auto const both = cts::any_token(a.token(), b.token());
  EXPECT_EQ(a.registration_count() + b.registration_count(), 0U);
  counter n = 0;
  long const before = allocations;
  {
    cts::any_of_callback const c(both, count{&n});
    EXPECT_EQ(a.registration_count(), 1U);
    EXPECT_EQ(b.registration_count(), 1U);
  }
  EXPECT_EQ(allocations, before) << "a callback allocates nothing";
  EXPECT_EQ(a.registration_count() + b.registration_count(), 0U);
  a.cancel();
  EXPECT_EQ(n, 0);
}

TEST(AnyOfCallback, IsCalledOnceWhicheverParentIsCanceled) {
  for (int first = 0; first < 3; ++first) {
    family f;
    counter n = 0;
    cts::any_of_callback const c(f.token(), count{&n});
    f.cancel(first);
    EXPECT_EQ(n, 1) << first;
    for (int i = 0; i < 3; ++i) f.cancel(i);
    EXPECT_EQ(n, 1) << first;
  }
}

TEST(AnyOfCallback, OnACanceledParentIsCalledInTheConstructorAndLeavesNothing) {
  for (int i = 0; i < 3; ++i) {
    family f;
    f.cancel(i);
    counter n = 0;
    cts::any_of_callback const c(f.token(), count{&n});
    EXPECT_EQ(n, 1) << i;
    if (i != 0) { EXPECT_EQ(f.a.registration_count(), 0U); }
    for (int k = 0; k < 3; ++k) f.cancel(k);
    EXPECT_EQ(n, 1) << i;
  }
}

/// A parent that cancels another source while a callback is registered with it.
struct rival {
  template <class F>
  struct callback_type {
    callback_type(rival const& t, F f) : notice(std::move(f)) { t.other->request_stop(); }
    F notice;
  };
  cts::inplace_stop_source* other;
  bool stop_requested() const noexcept { return false; }
  bool stop_possible() const noexcept { return true; }
  bool operator==(rival const&) const = default;
};

TEST(AnyOfCallback, AParentThatIsCanceledByAnothersRegistrationIsNotMissed) {
  cts::inplace_stop_source first;
  counter n = 0;
  cts::any_of_callback const c(cts::any_token(first.get_token(), rival{&first}), count{&n});
  EXPECT_EQ(n, 1);
}

/// Destroys its callback, which is on the heap.
struct suicide {
  using callback = mixed::callback_type<suicide>;
  callback** self;
  void operator()() const noexcept {
    callback** const mine = self;
    delete *mine;
    *mine = nullptr;
  }
};

TEST(AnyOfCallback, MayDestroyItselfWhicheverParentIsCanceled) {
  for (int i = 0; i < 3; ++i) {
    family f;
    suicide::callback* c = nullptr;
    c = new suicide::callback(f.token(), suicide{&c});
    f.cancel(i);
    EXPECT_EQ(c, nullptr);
    EXPECT_EQ(f.a.registration_count(), 0U);
    for (int k = 0; k < 3; ++k) f.cancel(k);
  }
}

TEST(AnyOfCallback, LetsAnExceptionOutOfItsConstructorAndLeavesNothing) {
  cts::cancellation_token_source a, b;
  b.cancel();
  auto const fails = []() { throw std::runtime_error("x"); };
  using callback = cts::any_of_callback<decltype(fails), cts::cancellation_token, cts::cancellation_token>;
  EXPECT_THROW(callback const c(cts::any_token(a.token(), b.token()), fails), std::runtime_error);
  EXPECT_EQ(a.registration_count(), 0U);
}

TEST(AnyOfCallback, SendsAnExceptionWhereTheCanceledParentSendsIt) {
  cts::cancellation_token_source a;
  cts::stop_source b;
  cts::any_of_callback const c(cts::any_token(a.token(), b.get_token()), [] { throw std::runtime_error("x"); });
  EXPECT_THROW(a.cancel(), cts::aggregate_exception);
  EXPECT_FALSE(b.get_token().stop_requested());
}

TEST(AnyOfCallback, LosesNothingWhenARegistrationFails) {
  cts::cancellation_token_source a, b;
  std::array<std::optional<cts::cancellation_callback<count>>, 1000> filling;
  counter others = 0, n = 0;
  int registered = 0;
  failing = true;
  try {
    for (auto& c : filling) {
      c.emplace(b.token(), count{&others});
      ++registered;
    }
  } catch (std::bad_alloc const&) {}  // b has to grow now
  using callback = cts::any_of_callback<count, cts::cancellation_token, cts::cancellation_token>;
  bool failed = false;
  try {
    callback const c(cts::any_token(a.token(), b.token()), count{&n});
  } catch (std::bad_alloc const&) { failed = true; }
  failing = false;
  EXPECT_TRUE(failed);
  EXPECT_EQ(a.registration_count(), 0U);
  b.cancel();
  a.cancel();
  EXPECT_EQ(n, 0);
  EXPECT_EQ(others, registered);
}

TEST(AnyOfCallback, JoinsAnyOfTokensAndRepeatedParents) {
  cts::inplace_stop_source a, b;
  auto const inner = cts::any_token(a.get_token(), b.get_token());
  auto const outer = cts::any_token(inner, a.get_token(), cts::never_stop_token());
  counter n = 0;
  cts::any_of_callback const c(outer, count{&n});
  a.request_stop();
  b.request_stop();
  EXPECT_EQ(n, 1);
  EXPECT_TRUE(outer.stop_requested());
}

#if CTS_HAS_STD_STOP_TOKEN
TEST(AnyOfCallback, TakesTheStandardsTokens) {
  std::stop_source a;
  cts::cancellation_token_source b;
  auto const both = cts::any_token(a.get_token(), b.token());
  counter n = 0;
  cts::any_of_callback const c(both, count{&n});
  a.request_stop();
  EXPECT_EQ(n, 1);
  EXPECT_TRUE(both.stop_requested());
}
#endif

TEST(AnyOfCallback, TheDestructorWaitsForTheFunctionOnAnotherThread) {
  cts::cancellation_token_source a;
  cts::stop_source b;
  std::atomic<bool> runs = false, returned = false;
  auto const slow = [&]() noexcept {
    runs = true;
    for (int i = 0; i < 100; ++i) std::this_thread::yield();
    returned = true;
  };
  std::optional<cts::any_of_callback<decltype(slow), cts::cancellation_token, cts::stop_token>> c;
  c.emplace(cts::any_token(a.token(), b.get_token()), slow);
  std::jthread canceller([&] { b.request_stop(); });
  while (!runs) std::this_thread::yield();
  c.reset();
  EXPECT_TRUE(returned);
}

/// Everything at once: constructor, destructor, self-destruction and a cancel of each parent.
TEST(AnyOfCallback, ThreadsMeet) {
  for (int round = 0; round < 300; ++round) {
    family f;
    counter n = 0;
    std::atomic<int> ready = 0;
    auto const meet = [&ready] {
      ++ready;
      while (ready < 4) std::this_thread::yield();
    };
    std::jthread x([&] { meet(), f.cancel(0); }), y([&] { meet(), f.cancel(1); }), z([&] { meet(), f.cancel(2); });
    meet();
    {
      cts::any_of_callback const c(f.token(), count{&n});
      if (round % 2 == 0)
        while (n == 0) std::this_thread::yield();
    }
    EXPECT_LE(n, 1);
  }
}

}  // namespace
