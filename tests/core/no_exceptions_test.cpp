// SPDX-License-Identifier: BSL-1.0
// The core, the lanes and the stop tokens in code that is built with -fno-exceptions -fno-rtti: each verb once, on one
// thread and on two. The suites of registry_test.cpp and lane_test.cpp are built the same way, into the same program.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <thread>
#include <type_traits>
#include <vector>

#include "cts/core/registry.hpp"
#include "cts/inplace_stop_token.hpp"
#include "cts/lane.hpp"
#include "cts/stop_token.hpp"
#include "cts/stoppable_token.hpp"

#if defined(__cpp_exceptions) || defined(__cpp_rtti)
#error "build this with -fno-exceptions -fno-rtti"
#endif

namespace {
bool out_of_memory = false;  // of the aligned kind, which registries and lanes grow with
}

// Not inlined: the compiler would see free() called on memory of operator new, and warn.
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t a, std::nothrow_t const&) noexcept {
  auto const alignment = static_cast<std::size_t>(a);
  return out_of_memory ? nullptr : std::aligned_alloc(alignment, (n + alignment - 1) / alignment * alignment);
}
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t a) {
  void* const p = ::operator new(n, a, std::nothrow);
  if (p == nullptr) std::terminate();
  return p;
}
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace {

template <class Source>
class WithoutExceptions : public testing::Test {
 protected:
  Source source;
};
using sources = testing::Types<cts::stop_source, cts::inplace_stop_source>;
struct names {
  template <class Source>
  static char const* GetName(int) {
    return std::is_same_v<Source, cts::stop_source> ? "stop_source" : "inplace_stop_source";
  }
};
TYPED_TEST_SUITE(WithoutExceptions, sources, names);

TYPED_TEST(WithoutExceptions, CallbacksRunNewestFirstUnlessTakenBack) {
  std::vector<int> log;
  auto const write = [&log](int n) { return [&log, n] { log.push_back(n); }; };
  auto const token = this->source.get_token();
  using callback = cts::stop_callback_for_t<decltype(this->source.get_token()), decltype(write(0))>;
  callback const first(token, write(1));
  { callback const taken_back(token, write(2)); }
  callback const last(token, write(3));
  EXPECT_FALSE(token.stop_requested());
  EXPECT_TRUE(this->source.request_stop());
  EXPECT_FALSE(this->source.request_stop());
  EXPECT_TRUE(token.stop_requested());
  EXPECT_EQ(log, (std::vector<int>{3, 1}));
  callback const late(token, write(4));
  EXPECT_EQ(log.back(), 4);
}

TYPED_TEST(WithoutExceptions, ManyCallbacksFit) {
  int runs = 0;
  auto const count = [&runs] { ++runs; };
  using callback = cts::stop_callback_for_t<decltype(this->source.get_token()), decltype(count)>;
  std::vector<std::unique_ptr<callback>> all;
  for (int i = 0; i < 1000; ++i) all.push_back(std::make_unique<callback>(this->source.get_token(), count));
  this->source.request_stop();
  EXPECT_EQ(runs, 1000);
}

TYPED_TEST(WithoutExceptions, AThreadThatPollsStops) {
  std::thread poller([token = this->source.get_token()] {
    while (!token.stop_requested()) std::this_thread::yield();
  });
  this->source.request_stop();
  poller.join();
}

TEST(WithoutExceptions, ALaneRunsItsRegistrations) {
  cts::core::registry r;
  cts::lane l(r);
  int runs = 0;
  auto const count = [&runs]() noexcept { ++runs; };
  cts::lane_registration stays(l, count);
  { cts::lane_registration taken_back(l, count); }
  r.cancel();
  EXPECT_EQ(runs, 1);
  cts::lane_registration late(l, count);
  EXPECT_EQ(runs, 2);
}

// An allocation that would throw std::bad_alloc ends the program here.
TEST(WithoutExceptionsDeathTest, ALaneRegistrationThatFitsNowhereTerminates) {
  auto const fill = [] {
    std::set_terminate([] {
      std::fputs("terminated\n", stderr);
      std::_Exit(3);
    });
    cts::core::registry r;
    cts::lane l(r);
    auto const nothing = []() noexcept {};
    using registration = cts::lane_registration<decltype(nothing)>;
    std::vector<std::unique_ptr<registration>> all;
    out_of_memory = true;
    for (std::size_t i = 0; i < 100; ++i) all.push_back(std::make_unique<registration>(l, nothing));
  };
  EXPECT_EXIT(fill(), testing::ExitedWithCode(3), "terminated");
}

}  // namespace
