// SPDX-License-Identifier: BSL-1.0
/// @file
/// Every template with users' types: cts does not look into their namespaces or their template arguments.
#include <gtest/gtest.h>

#include <any>
#include <chrono>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "greedy.hpp"
#include "cts/cts.hpp"
#include "cts/lane.hpp"
#include "cts/stop_token.hpp"

namespace {
int calls = 0;
}

/// microsoft/STL#140: an unqualified call with an argument of type hollow<holder<incomplete>> instantiates
/// holder<incomplete>.
struct incomplete;
template <class T>
struct holder {
  T t;
};
template <class T>
struct hollow {
  holder<T>* p = nullptr;
  void operator()() const noexcept { ++calls; }
};
template <class T>
struct hollow_with_token {
  holder<T>* p = nullptr;
  void operator()(cts::cancellation_token const&) const noexcept { ++calls; }
};
/// A callable that looks like a wrapper that may be empty, but is none.
template <class T>
struct hollow_with_bool {
  holder<T>* p = nullptr;
  explicit operator bool() const noexcept { return p != nullptr; }
  void operator()() const noexcept { ++calls; }
};
template <class T>
struct hollow_once {
  holder<T>* p = nullptr;
  void operator()() && noexcept { ++calls; }
};

namespace greedy {
struct Callable {
  void operator()() const noexcept { ++calls; }
};
struct WithToken {
  void operator()(cts::cancellation_token const&) const noexcept { ++calls; }
};
struct WithBool {
  explicit operator bool() const noexcept { return false; }
  void operator()() const noexcept { ++calls; }
};
struct Once {
  void operator()() && noexcept { ++calls; }
};
struct Thrower {
  struct Error {};
  void operator()() const {
    ++calls;
    throw Error();
  }
};
/// A wrapper that may be empty.
class Wrapper {
 public:
  Wrapper(std::nullptr_t) noexcept {}
  explicit Wrapper(void (*f)()) noexcept : f_(f) {}
  explicit operator bool() const noexcept { return f_ != nullptr; }
  friend bool operator==(Wrapper const& a, std::nullptr_t) noexcept { return a.f_ == nullptr; }
  void operator()() const { f_(); }

 private:
  void (*f_)() = nullptr;
};
struct Reason {
  int number = 0;
};
struct Context final : cts::synchronization_context {
  void send(std::function<void()> what) override { what(); }
};
struct Clock {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = false;
  static time_point now() noexcept { return time_point(duration(5)); }
};
struct Timer final : cts::time_provider::timer {
  bool change(std::chrono::nanoseconds) override { return true; }
};
struct Provider final : cts::time_provider {
  std::chrono::steady_clock::time_point now() const override { return {}; }
  std::unique_ptr<cts::time_provider::timer> create_timer(std::function<void()>, std::chrono::nanoseconds) override {
    return std::make_unique<greedy::Timer>();
  }
};
struct Platform : cts::core::std_platform {};
}  // namespace greedy

namespace {

/// Passes F to every member that takes a callable.
template <class F>
class ArgumentDependentLookup : public testing::Test {};
using callables = testing::Types<hollow<incomplete>, hollow_with_bool<incomplete>, greedy::Callable, greedy::WithBool>;
TYPED_TEST_SUITE(ArgumentDependentLookup, callables, );

/// Passes callables that also take a token, or that can be called only once.
template <class F>
class ArgumentDependentLookupOfClasses : public testing::Test {};
using more_callables =
    testing::Types<hollow<incomplete>, hollow_with_token<incomplete>, hollow_with_bool<incomplete>,
                   hollow_once<incomplete>, greedy::Callable, greedy::WithToken, greedy::WithBool, greedy::Once>;
TYPED_TEST_SUITE(ArgumentDependentLookupOfClasses, more_callables, );

TYPED_TEST(ArgumentDependentLookup, OfStopCallbacks) {
  calls = 0;
  cts::stop_source s;
  cts::stop_callback<TypeParam> const c(s.get_token(), TypeParam());
  cts::stop_token const t = s.get_token();
  cts::stop_callback<TypeParam> const d(t, TypeParam());
  cts::inplace_stop_source in_place;
  cts::inplace_stop_callback<TypeParam> const e(in_place.get_token(), TypeParam());
  { cts::stop_callback<TypeParam> const gone(t, TypeParam()); }
  s.request_stop();
  in_place.request_stop();
  cts::stop_callback<TypeParam> const late(t, TypeParam());
  cts::inplace_stop_callback<TypeParam> const also_late(in_place.get_token(), TypeParam());
  EXPECT_EQ(calls, 5);
}

TYPED_TEST(ArgumentDependentLookup, OfLanes) {
  calls = 0;
  cts::core::registry r;
  {
    cts::lane l(r);
    cts::lane_registration<TypeParam> const c(l, TypeParam());
    { cts::lane_registration<TypeParam> const gone(l, TypeParam()); }
    r.cancel();
    cts::lane_registration<TypeParam> const late(l, TypeParam());
  }
  EXPECT_EQ(calls, 2);
}

TYPED_TEST(ArgumentDependentLookupOfClasses, OfTheClasses) {
  using F = TypeParam;
  calls = 0;
  greedy::Context context;
  cts::cancellation_token_source s;
  cts::cancellation_token const t = s.token();
  cts::cancellation_lane lane(t);
  {
    cts::cancellation_callback<F> const gone(t, F());
    cts::cancellation_lane_callback<F> const also_gone(lane, F());
    auto const registered = t.register_callback(F());
    auto unregistered = t.register_callback(F());
    unregistered.unregister();
  }
  cts::cancellation_callback<F> const a(t, F());
  cts::cancellation_callback<F> const b(s.token(), F());
  cts::cancellation_lane_callback<F> const c(lane, F());
  auto const d = t.register_callback(F());
  auto const e = t.register_callback(F(), context);
  auto const f = t.try_register(F());
  t.register_callback(F()).detach();
  s.cancel();
  EXPECT_EQ(calls, 7);
  cts::cancellation_callback<F> const late(t, F());
  cts::cancellation_lane_callback<F> const also_late(lane, F());
  EXPECT_FALSE(t.register_callback(F()));
  EXPECT_FALSE(t.register_callback(F(), context));
  EXPECT_FALSE(t.try_register(F()));
  EXPECT_EQ(calls, 11);
}

TEST(ArgumentDependentLookup_, OfWrappersFindsTheEmptyOnes) {
  cts::cancellation_token_source s;
  EXPECT_THROW(static_cast<void>(s.token().register_callback(greedy::Wrapper(nullptr))), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(cts::cancellation_callback<greedy::Wrapper>(s.token(), greedy::Wrapper(nullptr))),
               std::invalid_argument);
  calls = 0;
  auto const r = s.token().register_callback(greedy::Wrapper([] { ++calls; }));
  s.cancel();
  EXPECT_EQ(calls, 1);
}

TEST(ArgumentDependentLookup_, OfExceptionsReasonsContextsAndClocks) {
  calls = 0;
  greedy::Provider clock;
  cts::cancellation_token_source s(std::chrono::minutes(1), clock);
  s.cancel_after(std::chrono::minutes(2));
  auto const r = s.token().register_callback(greedy::Thrower());
  cts::cancellation_callback<greedy::Thrower> const c(s.token(), greedy::Thrower());
  EXPECT_FALSE(s.token().wait_handle().wait_until(greedy::Clock::time_point(std::chrono::milliseconds(4))));
  EXPECT_THROW(s.cancel_with_reason(greedy::Reason{7}), cts::aggregate_exception);
  EXPECT_EQ(std::any_cast<greedy::Reason>(s.token().reason()).number, 7);
  EXPECT_EQ(calls, 2);
}

TEST(ArgumentDependentLookup_, OfPlatforms) {
  using registry = cts::core::basic_registry<greedy::Platform, 2>;
  using callback = cts::core::basic_callback<greedy::Platform>;
  registry r;
  calls = 0;
  callback a([](callback&) noexcept { ++calls; }), b([](callback&) noexcept { ++calls; });
  EXPECT_EQ(r.try_register(a), cts::core::register_result::registered);
  EXPECT_EQ(r.try_register(b), cts::core::register_result::registered);
  EXPECT_TRUE(r.is_registered(a));
  EXPECT_TRUE(r.unregister(b));
  r.unregister_and_wait(b);
  r.await_return(b);
  r.remove_all([](callback&) noexcept {});
  EXPECT_EQ(r.try_register(a), cts::core::register_result::registered);
  {
    cts::basic_lane<cts::lane_home<registry>> l(r);
    cts::basic_lane_callback<greedy::Platform> c([](auto&) noexcept { ++calls; });
    EXPECT_EQ(l.try_register(c), cts::core::register_result::registered);
    EXPECT_TRUE(l.unregister(c));
    EXPECT_EQ(l.try_register(c), cts::core::register_result::registered);
    r.cancel();
    l.unregister_and_wait(c);
  }
  EXPECT_FALSE(r.is_running(a));
  EXPECT_EQ(calls, 2);
}

}  // namespace
