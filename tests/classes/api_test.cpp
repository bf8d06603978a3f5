// SPDX-License-Identifier: BSL-1.0
// The public names and their types, as programs are written against them.
#include <gtest/gtest.h>

#include "cts/cancellation_callback.hpp"
#include "cts/cancellation_token.hpp"
#include "cts/cancellation_token_registration.hpp"
#include "cts/cancellation_token_source.hpp"
#include "cts/cts.hpp"
#include "cts/stop_token.hpp"

namespace {

using namespace std::chrono_literals;
using S = cts::cancellation_token_source;
using T = cts::cancellation_token;
using R = cts::cancellation_token_registration;
using W = cts::wait_handle;
template <class A, class B>
inline constexpr bool same = std::is_same_v<A, B>;

static_assert(same<decltype(cts::infinite), std::chrono::milliseconds const> && cts::infinite.count() == -1);

static_assert(std::is_default_constructible_v<S> && std::is_constructible_v<S, std::chrono::seconds> &&
              !std::is_convertible_v<std::chrono::seconds, S>);
static_assert(std::is_constructible_v<S, std::chrono::duration<double>, cts::time_provider&> &&
              std::is_constructible_v<S, std::chrono::hours, cts::manual_time_provider&>);
static_assert(std::is_nothrow_move_constructible_v<S> && std::is_nothrow_move_assignable_v<S> &&
              std::is_nothrow_swappable_v<S> && !std::is_copy_assignable_v<S>);
static_assert(same<decltype(S::create_linked(std::declval<T const&>(), std::declval<T&>(), T())), S>);
static_assert(same<decltype(S::create_linked(std::declval<std::span<T const>>())), S>);
static_assert(same<decltype(S::create_linked(std::declval<std::vector<T> const&>())), S>);
static_assert(same<decltype(std::declval<S const&>().token()), T> && !noexcept(std::declval<S const&>().token()));
static_assert(noexcept(std::declval<S const&>().is_cancellation_requested()));
static_assert(same<decltype(&S::dispose), void (S::*)() noexcept> && same<decltype(&S::try_reset), bool (S::*)()>);
static_assert(same<decltype(static_cast<std::future<void> (S::*)()>(&S::cancel_async)), std::future<void> (S::*)()>);
static_assert(same<decltype(static_cast<void (S::*)(bool)>(&S::cancel)), void (S::*)(bool)>);
static_assert(same<decltype(std::declval<S&>().cancel_after(1.5s)), void>);

static_assert(std::is_nothrow_default_constructible_v<T> && std::is_nothrow_constructible_v<T, bool> &&
              !std::is_convertible_v<bool, T>);
static_assert(same<decltype(&T::none), T (*)() noexcept>);
static_assert(same<decltype(&T::is_cancellation_requested), bool (T::*)() const noexcept> &&
              same<decltype(&T::can_be_canceled), bool (T::*)() const noexcept>);
static_assert(same<decltype(&T::throw_if_cancellation_requested), void (T::*)() const> &&
              same<decltype(&T::wait_handle), W (T::*)() const>);
static_assert(noexcept(std::declval<T const&>() ==
                       std::declval<T const&>()) && noexcept(std::hash<T>()(std::declval<T const&>())));
template <class F>
concept registrable = requires(T const& t, F f, cts::synchronization_context& c) {
  { t.register_callback(std::move(f)) } -> std::same_as<R>;
  { t.register_callback(std::move(f), c) } -> std::same_as<R>;
};
static_assert(registrable<void (*)()> && registrable<void (*)(T)> && registrable<std::function<void()>> &&
              registrable<int (*)(T const&)>);
static_assert(!registrable<int> && !registrable<void (*)(int)>);

static_assert(std::is_nothrow_default_constructible_v<R> && std::is_nothrow_move_constructible_v<R> &&
              std::is_nothrow_move_assignable_v<R> && !std::is_copy_constructible_v<R>);
static_assert(same<decltype(&R::unregister), bool (R::*)() noexcept> &&
              same<decltype(&R::dispose), void (R::*)() noexcept>);
static_assert(same<decltype(&R::dispose_async), std::future<void> (R::*)() noexcept> &&
              same<decltype(&R::detach), void (R::*)() noexcept>);
static_assert(same<decltype(&R::token), T (R::*)() const noexcept> && std::is_constructible_v<bool, R const&> &&
              !std::is_convertible_v<R const&, bool>);
static_assert(noexcept(std::declval<R const&>() == std::declval<R const&>()));

static_assert(same<decltype(&W::wait), void (W::*)() const> && same<decltype(&W::native_handle), int (W::*)() const>);
static_assert(same<decltype(std::declval<W const&>().wait_for(1.5s)), bool> &&
              same<decltype(std::declval<W const&>().wait_until(std::chrono::system_clock::now())), bool>);

static_assert(std::is_abstract_v<cts::time_provider> && std::is_abstract_v<cts::time_provider::timer> &&
              std::is_abstract_v<cts::synchronization_context>);
static_assert(std::has_virtual_destructor_v<cts::time_provider> &&
              std::has_virtual_destructor_v<cts::time_provider::timer>);
static_assert(same<decltype(&cts::time_provider::system), cts::time_provider& (*)()>);
static_assert(std::is_base_of_v<cts::time_provider, cts::manual_time_provider>);

static_assert(std::is_base_of_v<std::exception, cts::operation_canceled> &&
              std::is_base_of_v<std::logic_error, cts::object_disposed>);
static_assert(same<decltype(&cts::operation_canceled::token), T (cts::operation_canceled::*)() const noexcept>);
static_assert(same<decltype(&cts::aggregate_exception::inner_exceptions),
                   std::vector<std::exception_ptr> const& (cts::aggregate_exception::*)() const noexcept>);

static_assert(same<decltype(std::declval<cts::core::registry&>().try_register(std::declval<cts::core::callback&>())),
                   cts::core::register_result>);
static_assert(noexcept(std::declval<cts::core::registry&>().cancel()) && noexcept(
    std::declval<cts::core::registry&>().dispose()));

TEST(Api, CallbacksAreDeducedFromWhatTheyAreGiven) {
  S s;
  int n = 0;
  auto const f = [&] { ++n; };
  cts::cancellation_callback a(s.token(), f);
  cts::cancellation_callback b{s.token(), [&](T) { ++n; }};
  cts::cancellation_callback<std::function<void()>> c(s.token(), f);
  cts::cancellation_callback d(s.token(), std::ref(f));
  static_assert(same<decltype(a), cts::cancellation_callback<std::remove_const_t<decltype(f)>>>);
  s.cancel();
  EXPECT_EQ(n, 4);
}
TEST(Api, TimeProvidersAndTheirTimersCanBeUsedAlone) {
  cts::time_provider& system = cts::time_provider::system();
  auto const before = system.now();
  EXPECT_LE(before, std::chrono::steady_clock::now());
  std::promise<void> fired;
  auto timer = system.create_timer([&] { fired.set_value(); }, -1ns);
  EXPECT_TRUE(timer->change(1ms));
  fired.get_future().get();
  cts::manual_time_provider manual;
  std::string log;
  auto const late = manual.create_timer([&] { log += 'b'; }, 2ms),
             early = manual.create_timer([&] { log += 'a'; }, 1ms);
  auto gone = manual.create_timer([&] { log += 'x'; }, 1ms);
  gone.reset();
  auto const start = manual.now();
  manual.advance(5ms);
  EXPECT_EQ(log, "ab");
  EXPECT_EQ(manual.now() - start, 5ms);
  EXPECT_TRUE(early->change(0ns));
  manual.advance(0ns);
  EXPECT_EQ(log, "aba");
}
/// Timers of one time are neighbours: one that has ended must not be found by the others.
TEST(Api, ATimerOfTheSystemThatEndsIsDisarmed) {
  cts::time_provider& system = cts::time_provider::system();
  auto const ends = [] { FAIL() << "it has ended"; };
  auto a = system.create_timer(ends, 1h), b = system.create_timer(ends, 1h), c = system.create_timer(ends, 1h);
  b.reset();
  EXPECT_TRUE(a->change(2h));
  EXPECT_TRUE(c->change(2h));
  EXPECT_TRUE(a->change(-1ns));
}

}  // namespace
