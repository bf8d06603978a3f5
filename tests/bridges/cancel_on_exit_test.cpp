// SPDX-License-Identifier: BSL-1.0
/// @file
#include "cts/cancel_on_exit.hpp"

#include <gtest/gtest.h>

#include <exception>
#include <stdexcept>
#include <type_traits>

#include "cts/aggregate_exception.hpp"

namespace {

static_assert(std::is_nothrow_destructible_v<cts::cancel_on_exit>);
static_assert(!std::is_copy_constructible_v<cts::cancel_on_exit> && !std::is_move_constructible_v<cts::cancel_on_exit>);
static_assert(!std::is_constructible_v<cts::cancel_on_exit, cts::cancellation_token_source>, "a temporary source");
static_assert(!std::is_convertible_v<cts::cancellation_token_source&, cts::cancel_on_exit>);

TEST(CancelOnExit, CancelsAtTheEndOfTheScope) {
  cts::cancellation_token_source source;
  int ran = 0;
  auto const r = source.token().register_callback([&ran] { ++ran; });
  {
    cts::cancel_on_exit const guard(source);
    EXPECT_FALSE(source.is_cancellation_requested());
  }
  EXPECT_TRUE(source.is_cancellation_requested());
  EXPECT_EQ(ran, 1);
}

TEST(CancelOnExit, CancelsWhenAnExceptionLeaves) {
  cts::cancellation_token_source source;
  EXPECT_THROW(
      {
        cts::cancel_on_exit const guard(source);
        throw std::runtime_error("x");
      },
      std::runtime_error);
  EXPECT_TRUE(source.is_cancellation_requested());
}

TEST(CancelOnExit, DoesNothingOnceReleased) {
  cts::cancellation_token_source source;
  {
    cts::cancel_on_exit guard(source);
    guard.release();
    guard.release();
  }
  EXPECT_FALSE(source.is_cancellation_requested());
}

TEST(CancelOnExit, DoesNothingToASourceThatIsCanceledOrDisposed) {
  cts::cancellation_token_source canceled, disposed;
  canceled.cancel();
  disposed.dispose();
  { cts::cancel_on_exit const a(canceled), b(disposed); }
  EXPECT_FALSE(disposed.is_cancellation_requested());
}

std::exception_ptr caught;

TEST(CancelOnExit, ExceptionsOfCallbacksGoToTheErrorSink) {
  cts::error_sink const before = cts::set_error_sink([](std::exception_ptr e) noexcept { caught = e; });
  cts::cancellation_token_source source;
  auto const r = source.token().register_callback([] { throw std::runtime_error("of a callback"); });
  EXPECT_THROW(
      {
        cts::cancel_on_exit const guard(source);
        throw 1;  // and the callback's does not meet it
      },
      int);
  cts::set_error_sink(before);
  ASSERT_NE(caught, nullptr);
  try {
    std::rethrow_exception(caught);
  } catch (cts::aggregate_exception const& e) { EXPECT_EQ(e.inner_exceptions().size(), 1U); }
  caught = nullptr;
}

TEST(CancelOnExitDeathTest, WithoutASinkTheyEndTheProcess) {
  EXPECT_DEATH(
      {
        cts::cancellation_token_source source;
        auto const r = source.token().register_callback([] { throw std::runtime_error("of a callback"); });
        cts::cancel_on_exit const guard(source);
      },
      "");
}

}  // namespace
