// SPDX-License-Identifier: BSL-1.0
// A program that exports its symbols shares its timer service with its plug-ins. The first use may be by a plug-in with
// hidden symbols, but no part of the service may be that plug-in's code or memory.
#include "rules.hpp"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace cts::test {
namespace {

TEST(TimersOfTheProgram, OutliveThePlugInThatHasUsedThemFirst) {
  for (int round = 0; round < 2; ++round) {
    void* const library = ::dlopen(CTS_TIMER_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << ::dlerror();
    auto const use = reinterpret_cast<int (*)()>(::dlsym(library, "cts_plugin_waits_for_its_timer"));
    ASSERT_NE(use, nullptr);
    EXPECT_EQ(use(), 1);
    EXPECT_NE(detail::the_timer_service::get().threads(), 0u)
        << "it is not this program's service: the test shows nothing";
    std::this_thread::sleep_for(500ms);  // until its callback has returned
    EXPECT_EQ(::dlclose(library), 0);
    EXPECT_EQ(::dlopen(CTS_TIMER_PLUGIN, RTLD_NOW | RTLD_NOLOAD), nullptr)
        << "it is still loaded: the test shows nothing";
    source s(1ms);
    EXPECT_TRUE(s.token().wait_handle().wait_for(30s));
    EXPECT_GT(time_provider::system().now(), std::chrono::steady_clock::time_point());
// qemu-user 7.2 fails an assertion of its own in a forked child that starts a thread.
#if !defined(CTS_TEST_EMULATED)
    pid_t const child = ::fork();
    if (child == 0) {
      source own(1ms);
      ::_exit(own.token().wait_handle().wait_for(30s) ? 7 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 7) << "the handlers of fork were the plug-in's";
#endif
    for (int i = 0; i < 2000 && detail::the_timer_service::get().threads() != 0; ++i) std::this_thread::sleep_for(5ms);
  }
}

}  // namespace
}  // namespace cts::test
