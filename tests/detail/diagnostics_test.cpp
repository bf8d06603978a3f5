// SPDX-License-Identifier: BSL-1.0
// R33, R49, R50, R61: the handlers, their defaults, and the way of an exception that no caller gets.
#include "cts/diagnostics.hpp"

#include <gtest/gtest.h>

#include <exception>
#include <string>

#include "cts/detail/unhandled.hpp"

namespace cts::test {
namespace {

/// What `f` writes to stderr.
template <class F>
std::string printed(F f) {
  testing::internal::CaptureStderr();
  f();
  return testing::internal::GetCapturedStderr();
}

TEST(Diagnostics, InstallingAHandlerReturnsTheOneBefore) {
  leak_handler const leaks = [](leak const&) noexcept {};
  leak_handler const print_leak = set_leak_handler(leaks);
  EXPECT_EQ(set_leak_handler(nullptr), leaks);
  EXPECT_EQ(set_leak_handler(print_leak), print_leak) << "null is the default";
  wait_cycle_handler const cycles = [](wait_cycle const&) noexcept {};
  wait_cycle_handler const print_cycle = set_wait_cycle_handler(cycles);
  EXPECT_EQ(set_wait_cycle_handler(nullptr), cycles);
  EXPECT_EQ(set_wait_cycle_handler(print_cycle), print_cycle) << "null is the default";
  error_sink const errors = [](std::exception_ptr) noexcept {};
  EXPECT_EQ(set_error_sink(errors), nullptr);
  EXPECT_EQ(set_error_sink(nullptr), errors);
  EXPECT_EQ(set_error_sink(nullptr), nullptr) << "without a sink there is none";
}
TEST(Diagnostics, TheDefaultsPrint) {
  int source = 0;
  auto const report = [&source](leak::kind what) {
    return printed([&] { detail::the_leak_handler.load()(leak{&source, "a_file.cpp", 77, what}); });
  };
  EXPECT_NE(report(leak::kind::never_runs).find("never run: a_file.cpp:77"), std::string::npos);
  EXPECT_NE(report(leak::kind::callable_holds_source).find("a token of this source: a_file.cpp:77"), std::string::npos);
  EXPECT_NE(report(leak::kind::callable_holds_child).find("linked to it: a_file.cpp:77"), std::string::npos);
  EXPECT_NE(report(leak::kind::reason_holds_source).find("its reason holds"), std::string::npos);
  std::string const circle = printed([&] {
    detail::the_wait_cycle_handler.load()(wait_cycle{3, &source, 0x17, 0x28});
  });
  EXPECT_NE(circle.find("thread 0x17 disposes"), std::string::npos) << circle;
  EXPECT_NE(circle.find("thread 0x28 runs"), std::string::npos) << circle;
  EXPECT_NE(circle.find("3 threads"), std::string::npos) << circle;
}
TEST(Diagnostics, AnExceptionGoesToTheSinkUnchanged) {
  static int caught;
  caught = 0;
  set_error_sink([](std::exception_ptr e) noexcept {
    try {
      std::rethrow_exception(e);
    } catch (int i) { caught = i; } catch (...) {
      caught = -1;
    }
  });
  detail::report_unhandled(std::make_exception_ptr(77));
  set_error_sink(nullptr);
  EXPECT_EQ(caught, 77);
}
TEST(DiagnosticsDeathTest, WithoutASinkItEndsTheProcess) {
  EXPECT_DEATH(detail::report_unhandled(std::make_exception_ptr(77)), "");
}

}  // namespace
}  // namespace cts::test
