// SPDX-License-Identifier: BSL-1.0
// Windows: a DLL that uses timers (timer_plugin.cpp) is unloaded at different moments. FreeLibrary neither waits nor
// crashes, and the DLL is gone when its last thread has ended.
#include <gtest/gtest.h>

#include <windows.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace {

using namespace std::chrono_literals;

template <class F>
F* function_of(HMODULE library, char const* name) {
  auto const f = reinterpret_cast<F*>(reinterpret_cast<void*>(::GetProcAddress(library, name)));
  EXPECT_NE(f, nullptr) << name;
  return f;
}
class TimerDll : public testing::Test {
 protected:
  void SetUp() override {
    library = ::LoadLibraryA(CTS_TIMER_PLUGIN);
    ASSERT_NE(library, nullptr) << ::GetLastError();
  }
  /// Whether the DLL is gone within a minute. Its static source ends only then, so no timer may be armed.
  static bool goes_away() {
    for (int i = 0; i < 6000; ++i) {
      if (::GetModuleHandleA(CTS_TIMER_PLUGIN) == nullptr) return true;
      std::this_thread::sleep_for(10ms);
    }
    return false;
  }
  HMODULE library = nullptr;
};

TEST_F(TimerDll, IsFreedWhileACallbackOfItRuns) {
  static std::atomic<int> ran{0};
  function_of<void()>(library, "cts_plugin_disarms_all")();
  function_of<void(std::atomic<int>*)>(library, "cts_plugin_runs_a_callback")(&ran);
  EXPECT_NE(::FreeLibrary(library), 0);
  EXPECT_TRUE(goes_away());
  EXPECT_EQ(ran, 2);
}
TEST_F(TimerDll, IsFreedWhileAnAsynchronousCancelRuns) {
  static std::atomic<int> ran{0};
  function_of<void()>(library, "cts_plugin_disarms_all")();
  function_of<void(std::atomic<int>*)>(library, "cts_plugin_cancels_asynchronously")(&ran);
  EXPECT_NE(::FreeLibrary(library), 0);
  EXPECT_TRUE(goes_away());
  EXPECT_EQ(ran, 2);
}
TEST_F(TimerDll, IsFreedWhenItsThreadsHaveEnded) {
  EXPECT_EQ(function_of<int()>(library, "cts_plugin_waits_until_idle")(), 1);
  EXPECT_NE(::FreeLibrary(library), 0);
  EXPECT_TRUE(goes_away());
}
TEST_F(TimerDll, IsFreedWhileOneIsArmed) {
  EXPECT_EQ(function_of<int()>(library, "cts_plugin_waits_for_its_timer")(), 1);
  // The DLL stays while the timer is armed. The end of the process does not wait for it.
  EXPECT_NE(::FreeLibrary(library), 0);
}

}  // namespace
