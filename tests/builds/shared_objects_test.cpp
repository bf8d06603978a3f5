// SPDX-License-Identifier: BSL-1.0
/// @file
/// A program and two shared objects, all built with -fvisibility=hidden, share one set of handlers, timers and types.
#include <gtest/gtest.h>

#include <utility>

#include "must_end.hpp"
#include "shared_part.hpp"

namespace {

shared_part const& one() { return *cts_shared_part_one(); }
shared_part const& two() { return *cts_shared_part_two(); }

TEST(SharedObjects, HaveTheSameHandlers) {
  cts::error_sink const sink = [](std::exception_ptr) noexcept {};
  cts::leak_handler const leak = [](cts::leak const&) noexcept {};
  cts::wait_cycle_handler const cycle = [](cts::wait_cycle const&) noexcept {};
  cts::core::misuse_handler const misuse = [](cts::core::misuse const&) noexcept {};
  one().set_error_sink(sink);
  one().set_leak_handler(leak);
  one().set_wait_cycle_handler(cycle);
  one().set_misuse_handler(misuse);
  EXPECT_EQ(cts::set_error_sink(sink), sink);
  EXPECT_EQ(cts::set_leak_handler(leak), leak);
  EXPECT_EQ(cts::set_wait_cycle_handler(cycle), cycle);
  EXPECT_EQ(cts::core::set_misuse_handler(misuse), misuse);
  EXPECT_EQ(two().set_error_sink(nullptr), sink);
  EXPECT_EQ(two().set_leak_handler(nullptr), leak);
  EXPECT_EQ(two().set_wait_cycle_handler(nullptr), cycle);
  EXPECT_EQ(two().set_misuse_handler(nullptr), misuse);
}

TEST(SharedObjects, HaveTheSameCanceledToken) {
  EXPECT_EQ(one().canceled(), two().canceled());
  EXPECT_EQ(one().canceled(), cts::cancellation_token(true));
  EXPECT_EQ(one().never(), two().never());
}

TEST(SharedObjects, HaveTheSameTimers) {
  EXPECT_EQ(&one().system(), &two().system());
  EXPECT_EQ(&one().system(), &cts::time_provider::system());
  EXPECT_EQ(one().timers(), two().timers());
  EXPECT_EQ(one().timers(), &cts::detail::the_timer_service::get());
}

/// A callable whose destructor disposes its own registration in a shared object.
struct disposes_elsewhere {
  cts::cancellation_token_registration* own;
  explicit disposes_elsewhere(cts::cancellation_token_registration& r) : own(&r) {}
  disposes_elsewhere(disposes_elsewhere&& o) noexcept : own(std::exchange(o.own, nullptr)) {}
  ~disposes_elsewhere() {
    if (own != nullptr) one().dispose(*own);
  }
  void operator()() const {}
};
TEST(SharedObjects, KnowTheRemovalsOfTheThread) {
  cts::cancellation_token_source source;
  cts::cancellation_token_registration r;
  r = source.token().register_callback(disposes_elsewhere(r));
  cts::test::must_end const waits("a dispose in a callable's destructor");
  EXPECT_TRUE(source.try_reset());
}

TEST(SharedObjects, CatchEachOthersExceptions) {
  EXPECT_TRUE(one().catches_operation_canceled(two().throw_operation_canceled));
  EXPECT_TRUE(two().catches_operation_canceled(one().throw_operation_canceled));
  EXPECT_THROW(one().throw_operation_canceled(), cts::operation_canceled);
  // The addresses: not every C++ library compares the names.
  EXPECT_EQ(one().operation_canceled, two().operation_canceled);
  EXPECT_EQ(one().object_disposed, two().object_disposed);
  EXPECT_EQ(one().aggregate_exception, two().aggregate_exception);
  EXPECT_EQ(one().aggregate_exception, &typeid(cts::aggregate_exception));
}

}  // namespace
