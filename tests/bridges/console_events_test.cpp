// SPDX-License-Identifier: BSL-1.0
/// @file
/// signal_cancellation on Windows: console events, on a console of the test's own.
#include "cts/posix_signal.hpp"

#include <gtest/gtest.h>
#include <windows.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include "cts/cancellation_callback.hpp"
#include "cts/wait.hpp"

namespace {

using namespace std::chrono_literals;

/// Leaves the console that the process shares with whoever has started it.
class ConsoleEvents : public testing::Test {
 protected:
  static void SetUpTestSuite() { take_console(); }
  static void take_console() {
    ::FreeConsole();
    ASSERT_NE(::AllocConsole(), 0) << ::GetLastError();
    ::SetConsoleCtrlHandler(nullptr, FALSE);  // Ctrl+C may be ignored by inheritance
  }
  static bool generate(DWORD event) { return ::GenerateConsoleCtrlEvent(event, 0) != 0; }
  static bool is_canceled_soon(cts::signal_cancellation const& s) { return !cts::sleep_for(s.token(), 20s); }
};

TEST_F(ConsoleEvents, CtrlCCancels) {
  cts::signal_cancellation const stop({SIGINT, SIGBREAK});
  std::atomic<int> ran = 0;
  cts::cancellation_callback const c(stop.token(), [&] { ++ran; });
  EXPECT_EQ(stop.signal(), 0);
  ASSERT_TRUE(generate(CTRL_C_EVENT)) << ::GetLastError();
  ASSERT_TRUE(is_canceled_soon(stop));
  EXPECT_EQ(stop.signal(), SIGINT);
  while (ran == 0) std::this_thread::yield();
}

TEST_F(ConsoleEvents, CtrlBreakCancels) {
  cts::signal_cancellation const stop({SIGINT, SIGBREAK});
  if (!generate(CTRL_BREAK_EVENT)) GTEST_SKIP() << "no Ctrl+Break can be generated here: " << ::GetLastError();
  ASSERT_TRUE(is_canceled_soon(stop));
  EXPECT_EQ(stop.signal(), SIGBREAK);
}

TEST_F(ConsoleEvents, EachObjectHasItsOwn) {
  cts::signal_cancellation const on_c({SIGINT}), on_break({SIGBREAK});
  if (!generate(CTRL_BREAK_EVENT)) GTEST_SKIP() << "no Ctrl+Break can be generated here: " << ::GetLastError();
  ASSERT_TRUE(is_canceled_soon(on_break));
  EXPECT_FALSE(on_c.token().is_cancellation_requested());
  ASSERT_TRUE(generate(CTRL_C_EVENT)) << ::GetLastError();
  EXPECT_TRUE(is_canceled_soon(on_c));
}

TEST_F(ConsoleEvents, TheTokenMayOutliveTheObject) {
  std::optional<cts::signal_cancellation> stop;
  stop.emplace(std::initializer_list<int>{SIGINT});
  cts::cancellation_token const token = stop->token();
  stop.reset();
  EXPECT_FALSE(token.is_cancellation_requested());
  cts::signal_cancellation const next({SIGINT});
  ASSERT_TRUE(generate(CTRL_C_EVENT)) << ::GetLastError();
  EXPECT_TRUE(is_canceled_soon(next));
  EXPECT_FALSE(token.is_cancellation_requested());
}

TEST_F(ConsoleEvents, ACallbackMayDestroyIt) {
  auto stop = std::make_unique<cts::signal_cancellation>(std::initializer_list<int>{SIGINT});
  cts::cancellation_token const token = stop->token();
  cts::cancellation_token_source done;
  cts::cancellation_callback const c(token, [&] {
    stop.reset();
    done.cancel();
  });
  ASSERT_TRUE(generate(CTRL_C_EVENT)) << ::GetLastError();
  EXPECT_FALSE(cts::sleep_for(done.token(), 20s));
}

TEST_F(ConsoleEvents, RefusesWhatIsNoEvent) {
  EXPECT_THROW(cts::signal_cancellation({SIGINT, SIGSEGV}), std::invalid_argument);
}

/// Windows ends the process with STATUS_CONTROL_C_EXIT, Wine with 0.
TEST_F(ConsoleEvents, TheSecondEventTerminates) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        cts::signal_cancellation const stop({SIGINT, SIGBREAK});
        if (!generate(CTRL_C_EVENT) || !is_canceled_soon(stop)) std::_Exit(1);
        generate(CTRL_C_EVENT);
        ::Sleep(20000);
        std::_Exit(2);
      },
      [](int code) { return code == 0 || static_cast<unsigned>(code) == 0xC000013AU; }, "");
}

}  // namespace
