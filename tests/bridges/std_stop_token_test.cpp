// SPDX-License-Identifier: BSL-1.0
/// @file
/// std_stop_bridge, and std::stop_token as one of the tokens of cts.
#include "cts/std_stop_token.hpp"

#include <gtest/gtest.h>

#include "cts/cancellation_token_source.hpp"

#if CTS_HAS_STD_STOP_TOKEN

#include <array>
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>

namespace {

static_assert(cts::any_stop_token<std::stop_token>);
static_assert(!std::is_copy_constructible_v<cts::std_stop_bridge> &&
              !std::is_move_constructible_v<cts::std_stop_bridge>);
static_assert(!std::is_convertible_v<cts::cancellation_token, cts::std_stop_bridge>);
static_assert(noexcept(std::declval<cts::std_stop_bridge const&>().get_token()));

TEST(StdStopBridge, StopsItsTokenWhenTheOtherIsCanceled) {
  cts::cancellation_token_source source;
  cts::std_stop_bridge const bridge(source.token());
  std::stop_token const token = bridge.get_token();
  EXPECT_TRUE(token.stop_possible());
  EXPECT_FALSE(token.stop_requested());
  std::thread::id ran_on;
  std::stop_callback const c(token, [&] { ran_on = std::this_thread::get_id(); });
  source.cancel();
  EXPECT_TRUE(token.stop_requested());
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_TRUE(bridge.get_token().stop_requested());
}

TEST(StdStopBridge, OfACanceledTokenIsStoppedFromTheBeginning) {
  cts::std_stop_bridge const bridge(cts::cancellation_token(true));
  EXPECT_TRUE(bridge.get_token().stop_requested());
}

TEST(StdStopBridge, OfATokenThatCannotBeCanceledIsNeverStopped) {
  cts::std_stop_bridge const bridge(cts::cancellation_token::none());
  EXPECT_FALSE(bridge.get_token().stop_requested());
}

TEST(StdStopBridge, ItsTokensMayOutliveIt) {
  cts::cancellation_token_source source;
  std::stop_token token;
  {
    cts::std_stop_bridge const bridge(source.token());
    token = bridge.get_token();
  }
  EXPECT_EQ(source.registration_count(), 0U);
  source.cancel();
  EXPECT_FALSE(token.stop_requested());
  EXPECT_FALSE(token.stop_possible());
}

TEST(StdStopBridge, OutlivesTheSource) {
  std::optional<cts::cancellation_token_source> source(std::in_place);
  cts::std_stop_bridge const bridge(source->token());
  source.reset();
  EXPECT_FALSE(bridge.get_token().stop_requested());
}

TEST(StdStopBridge, AStopCallbackMayDestroyIt) {
  cts::cancellation_token_source source;
  auto bridge = std::make_unique<cts::std_stop_bridge>(source.token());
  std::stop_callback const c(bridge->get_token(), [&] { bridge.reset(); });
  source.cancel();
  EXPECT_EQ(bridge, nullptr);
}

struct ends_all {
  std::unique_ptr<cts::std_stop_bridge>& bridge;
  std::array<std::optional<std::stop_callback<ends_all>>, 2>& callbacks;
  void operator()() const {
    auto& all = callbacks;  // *this ends
    bridge.reset();
    for (auto& c : all) c.reset();
  }
};
/// Nothing is left of the state then but what the bridge holds.
TEST(StdStopBridge, AStopCallbackMayDestroyItAndAllCallbacks) {
  cts::cancellation_token_source source;
  auto bridge = std::make_unique<cts::std_stop_bridge>(source.token());
  std::array<std::optional<std::stop_callback<ends_all>>, 2> callbacks;
  for (auto& c : callbacks) c.emplace(bridge->get_token(), ends_all{bridge, callbacks});
  source.cancel();
  EXPECT_EQ(bridge, nullptr);
  for (auto const& c : callbacks) EXPECT_FALSE(c.has_value());
}

TEST(StdStopBridge, EndsAStandardThreadAndItsWait) {
  cts::cancellation_token_source source;
  cts::std_stop_bridge const bridge(source.token());
  std::condition_variable_any changed;
  std::mutex mutex;
  bool was_ready = true;
  std::thread waiter([&] {
    std::unique_lock lock(mutex);
    was_ready = changed.wait(lock, bridge.get_token(), [] { return false; });
  });
  source.cancel();
  waiter.join();
  EXPECT_FALSE(was_ready);
}

TEST(StdStopBridge, ItsEndBesideTheCancel) {
  for (int i = 0; i < 2000; ++i) {
    cts::cancellation_token_source source;
    std::optional<cts::std_stop_bridge> bridge(std::in_place, source.token());
    std::stop_token const token = bridge->get_token();
    std::atomic<bool> called = false;
    std::stop_callback const c(token, [&called] { called = true; });
    std::thread canceller([&] { source.cancel(); });
    bridge.reset();
    bool const stopped = token.stop_requested();
    EXPECT_EQ(called, stopped) << "after the bridge's end nothing is under way";
    canceller.join();
    EXPECT_EQ(called, stopped);
  }
}

}  // namespace

#else

TEST(StdStopBridge, IsLeftOutWithoutStdStopToken) { SUCCEED(); }

#endif
