// SPDX-License-Identifier: BSL-1.0
// G17: the timer service of the process. Which thread runs a callback; its threads at exit, at unload and after a fork;
// and its operations when no thread can be started.
#include "rules.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <optional>
#include <thread>

#if defined(__linux__)
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {
std::atomic<bool> no_threads{false};
std::atomic<int> threads_made{0};
}  // namespace

#if defined(__linux__)
// Every thread of this program is started here, so that a test can make the start fail.
extern "C" int pthread_create(pthread_t* thread, pthread_attr_t const* attributes, void* (*run)(void*),
                              void* argument) noexcept {
  using function = int (*)(pthread_t*, pthread_attr_t const*, void* (*)(void*), void*);
  static auto const real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "pthread_create"));
  if (no_threads) return EAGAIN;
  ++threads_made;
  return real(thread, attributes, run, argument);
}
#endif

namespace cts::test {
namespace {

detail::timer_service& service() { return detail::the_timer_service::get(); }

TEST(Timers, ACallbackThatBlocksDelaysNoOtherSource) {
  std::deque<blocker> blocked(8);
  std::deque<source> sources;
  std::deque<registration> registrations;  // their destructors wait for the callbacks
  for (blocker& b : blocked) {
    source& s = sources.emplace_back();
    registrations.push_back(s.token().register_callback(b.callback()));
    s.cancel_after(1ms);
  }
  source other(2ms);
  EXPECT_TRUE(other.token().wait_handle().wait_for(10s));  // although none of the eight has returned
  for (blocker& b : blocked) b.running.wait();
  EXPECT_GE(service().threads(), blocked.size());
  source later(1ms);
  EXPECT_TRUE(later.token().wait_handle().wait_for(10s));
  for (blocker& b : blocked) b.go.open();
  for (int i = 0; i < 2000 && service().threads() > 2; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_LE(service().threads(), 2u) << "threads that were blocked must end";
}
TEST(Timers, ACallbackMayWaitForATimeoutOfItsOwn) {
  source request;
  gate done;
  auto const r6 = request.token().register_callback([&] {
    source limit(5ms);
    limit.token().wait_handle().wait();
    gate ran;
    source inner;
    auto const r7 = inner.token().register_callback([&] {
      source innermost(1ms);
      innermost.token().wait_handle().wait();
      ran.open();
    });
    inner.cancel_after(1ms);
    ran.wait();
    done.open();
  });
  request.cancel_after(1ms);
  done.wait();  // else this hangs
}
TEST(Timers, ACallbackMayWaitForAThreadThatArms) {
  source s;
  gate done;
  auto const r8 = s.token().register_callback([&] {
    std::thread([] {
      for (int i = 0; i < 100; ++i) {
        source x(1h);
        x.cancel_after(2h);
        x.cancel_after(infinite);
        source y(0us + 1ms);
        y.token().wait_handle().wait();
      }
    }).join();
    done.open();
  });
  s.cancel_after(1ms);
  done.wait();
}
TEST(Timers, NoneFiresEarly) {
  for (int i = 0; i < 50; ++i) {
    auto const delay = std::chrono::milliseconds(1 + i % 7);
    auto const start = std::chrono::steady_clock::now();
    source s(delay);
    s.token().wait_handle().wait();
    EXPECT_GE(std::chrono::steady_clock::now() - start, delay);
  }
}
TEST(Timers, AnEarlierOneWakesTheKeeper) {
  source far(1h);
  source near(5ms);
  EXPECT_TRUE(near.token().wait_handle().wait_for(30s));
  far.cancel_after(5ms);
  EXPECT_TRUE(far.token().wait_handle().wait_for(30s));
}
TEST(Timers, ArmAndDisarmFromManyThreads) {
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        source s;
        auto const r = s.token().register_callback([] {});
        s.cancel_after(std::chrono::milliseconds(i % 3 == 0 ? 1 : 1000 + t));
        if (i % 2 == 0) s.cancel_after(1h);
        if (i % 100 == 0) {
          s.cancel_after(1ms);
          s.token().wait_handle().wait();  // else this hangs
        }
      }
    });
}
TEST(Timers, WithoutATimerThreadsEnd) {
  source s(1ms);
  s.token().wait_handle().wait();
  for (int i = 0; i < 2000 && service().threads() != 0; ++i) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(service().threads(), 0u);
  source again(1ms);
  EXPECT_TRUE(again.token().wait_handle().wait_for(30s));
}
TEST(Timers, AMillionArmedFireOrEndWithTheirSources) {
  std::vector<source> crowd;
  crowd.reserve(1'000'000);
  for (int i = 0; i < 1'000'000; ++i) crowd.emplace_back(1h + std::chrono::milliseconds(i % 100'000));
  source s(1ms);
  EXPECT_TRUE(s.token().wait_handle().wait_for(30s));
  for (std::size_t i = 0; i < crowd.size(); i += 1000) crowd[i].cancel_after(1ms);
  for (std::size_t i = 0; i < crowd.size(); i += 1000) EXPECT_TRUE(crowd[i].token().wait_handle().wait_for(30s));
}

// --- asynchronous cancel ---
TEST(CancelAsync, IsDelayedByNoCallback) {
  blocker timed, posted;
  source a, b, c;
  auto const r2 = a.token().register_callback(timed.callback());
  auto const r3 = b.token().register_callback(posted.callback());
  auto const r = c.token().register_callback([] {});
  a.cancel_after(1ms);
  timed.running.wait();
  auto first = b.cancel_async();
  posted.running.wait();
  c.cancel_async().wait();  // else this hangs
  EXPECT_EQ(first.wait_for(0s), std::future_status::timeout);
  posted.go.open();
  timed.go.open();
  first.get();
}

#if defined(__linux__)
TEST(CancelAsync, WithoutAThreadRunsTheCallbacksHere) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        int ran = 0;
        source s;
        auto const r = s.token().register_callback([&] { ++ran; });
        no_threads = true;
        static_cast<void>(s.cancel_async());
        std::exit(ran == 1 && s.is_cancellation_requested() ? 7 : 1);
      },
      testing::ExitedWithCode(7), "");
}
TEST(CancelAsync, WithoutAThreadDoesNotWaitForOneThatIsBlocked) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        blocker b;
        source blocking;
        source s;
        auto const r4 = blocking.token().register_callback(b.callback());
        no_threads = false;
        blocking.cancel_after(1ms);
        while (threads_made == 0) std::this_thread::yield();
        no_threads = true;  // before the second thread is started, or after
        b.running.wait();
        std::atomic<int> ran{0};
        auto const r = s.token().register_callback([&] { ++ran; });
        s.cancel_async().wait();
        std::exit(ran == 1 ? 7 : 1);
      },
      testing::ExitedWithCode(7), "");
}
TEST(Timers, WithoutAThreadCancelAfterThrowsAndMayBeTriedAgain) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        source s;
        no_threads = true;
        bool thrown = false;
        try {
          s.cancel_after(1ms);
        } catch (std::system_error const& e) { thrown = e.code() == std::errc::resource_unavailable_try_again; }
        no_threads = false;
        if (!thrown || s.token().deadline() || s.token().wait_handle().wait_for(20ms)) std::exit(1);
        s.cancel_after(1ms);
        s.token().wait_handle().wait();
        std::exit(7);
      },
      testing::ExitedWithCode(7), "");
}

// --- the threads themselves ---
struct thread_status {
  std::string name;
  std::uint64_t blocked = 0;
};
std::vector<thread_status> threads_of_this_process() {
  std::vector<thread_status> all;
  DIR* const folder = ::opendir("/proc/self/task");
  while (dirent const* const entry = ::readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    std::ifstream file(std::string("/proc/self/task/") + entry->d_name + "/status");
    thread_status t;
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("Name:")) t.name = line.substr(6);
      if (line.starts_with("SigBlk:")) t.blocked = std::stoull(line.substr(8), nullptr, 16);
    }
    all.push_back(t);
  }
  ::closedir(folder);
  return all;
}
TEST(TimerThreads, HaveANameAndTakeNoSignalOfTheProcess) {
  blocker b;
  source s;
  auto const r5 = s.token().register_callback(b.callback());
  s.cancel_after(1ms);
  b.running.wait();
  auto const blocks_all = [](thread_status const& t) {
    return t.name == "cts-timer" && (t.blocked >> (SIGSEGV - 1) & 1) != 0;
  };
  // A thread that ends blocks every signal at last; so one of an earlier test may do so for a moment.
  for (int i = 0; i < 500 && std::ranges::any_of(threads_of_this_process(), blocks_all); ++i)
    std::this_thread::sleep_for(10ms);
  int found = 0;
  for (thread_status const& t : threads_of_this_process()) {
    if (t.name != "cts-timer") continue;
    ++found;
    for (int const signal : {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD, SIGCONT,
                             SIGTSTP, SIGURG, SIGPROF, SIGWINCH, SIGIO})
      EXPECT_NE(t.blocked >> (signal - 1) & 1, 0u) << "signal " << signal;
    EXPECT_EQ(t.blocked >> (SIGSEGV - 1) & 1, 0u) << "a crash handler would not be called";
  }
  EXPECT_GE(found, 1);
  b.go.open();
}
sigset_t mask_of_this_thread() {
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return mask;
}
TEST(TimerThreads, LeaveTheMaskOfTheThreadThatStartsThem) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        sigset_t none;
        sigemptyset(&none);
        ::pthread_sigmask(SIG_SETMASK, &none, nullptr);  // a child inherits the mask
        sigset_t const before = mask_of_this_thread();
        static source armed(1h);
        sigset_t const after = mask_of_this_thread();
        bool same = threads_made != 0;
        for (int n = 1; n < NSIG; ++n) same = same && ::sigismember(&before, n) == ::sigismember(&after, n);
        ::_exit(same ? 7 : 1);
      },
      testing::ExitedWithCode(7), "");
}
TEST(TimerThreads, LeaveASignalToTheThreadThatWaitsForIt) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        static source early(1h);
        sigset_t term;
        sigemptyset(&term);
        sigaddset(&term, SIGTERM);
        ::pthread_sigmask(SIG_BLOCK, &term, nullptr);
        ::kill(::getpid(), SIGTERM);
        int got = 0;
        ::sigwait(&term, &got);
        ::_exit(got == SIGTERM ? 7 : 1);
      },
      testing::ExitedWithCode(7), "");
}

// --- exit ---
void exit_while_a_callback_runs(std::function<void()> callback, bool asynchronous = false) {
  static gate running;
  auto& s = *new source;
  s.token()
      .register_callback([&, callback] {
        running.open();
        callback();
      })
      .detach();
  if (asynchronous) static_cast<void>(s.cancel_async());
  else s.cancel_after(1ms);
  running.wait();
}
std::mutex held_at_exit;
TEST(TimersAtExit, DoNotWaitForACallbackForLong) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  for (bool const asynchronous : {false, true})
    EXPECT_EXIT(
        {
          exit_while_a_callback_runs([] { std::this_thread::sleep_for(10min); }, asynchronous);
          std::exit(7);
        },
        testing::ExitedWithCode(7), "");
}
TEST(TimersAtExit, DoNotDeadlockWithACallbackThatNeedsALockOfTheExitingThread) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        held_at_exit.lock();
        exit_while_a_callback_runs([] { std::lock_guard const hold(held_at_exit); });
        std::exit(7);
      },
      testing::ExitedWithCode(7), "");
}
TEST(TimersAtExit, ACallbackMayCallExit) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  for (bool const asynchronous : {false, true})
    EXPECT_EXIT(
        {
          exit_while_a_callback_runs([] { std::exit(7); }, asynchronous);
          gate().wait();
        },
        testing::ExitedWithCode(7), "");
}
TEST(TimersAtExit, AShortCallbackIsWaitedFor) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        exit_while_a_callback_runs([] {
          std::this_thread::sleep_for(10ms);
          std::fputs("has returned", stderr);
        });
        std::exit(7);
      },
      testing::ExitedWithCode(7), "has returned");
}
struct arms_at_the_end {
  ~arms_at_the_end() {
    source s(1ms);
    s.token().wait_handle().wait();  // else this hangs
    source t;
    auto const r = t.token().register_callback([] {});
    t.cancel_async().wait();
    std::fputs("fired", stderr);
  }
};
TEST(TimersAtExit, OneThatIsArmedWhileStaticObjectsAreDestroyedFires) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        static arms_at_the_end outlives_the_service;
        source s(1ms);
        s.token().wait_handle().wait();
        std::exit(7);
      },
      testing::ExitedWithCode(7), "fired");
}

struct needs_a_lock_at_the_end {
  bool here = false;
  ~needs_a_lock_at_the_end() {
    if (here) std::lock_guard const hold(held_at_exit);
  }
};
thread_local needs_a_lock_at_the_end of_this_thread;
TEST(TimersAtExit, DoNotDeadlockWithAThreadLocalThatNeedsALockOfTheExitingThread) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        held_at_exit.lock();
        exit_while_a_callback_runs([] { of_this_thread.here = true; });
        std::exit(7);
      },
      testing::ExitedWithCode(7), "");
}

// --- fork ---
TEST(TimersAfterFork, InheritedTimersFireWhenTheChildArmsOne) {
  source inherited(50ms);
  cts::wait_handle const handle = inherited.token().wait_handle();
  pid_t const child = ::fork();
  if (child == 0) {
    bool const before = handle.wait_for(200ms);  // the child has no library thread
    source own(1ms);
    bool const fired = own.token().wait_handle().wait_for(30s) && handle.wait_for(30s);
    ::_exit(!before && fired ? 7 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}
TEST(TimersAfterFork, InsideACallback) {
  source s;
  gate done;
  int status = -1;
  auto const r9 = s.token().register_callback([&] {
    pid_t const child = ::fork();
    if (child == 0) {
      source own(1ms);
      source asynchronous;
      auto const r = asynchronous.token().register_callback([] {});
      bool const fired = own.token().wait_handle().wait_for(30s);
      asynchronous.cancel_async().wait();
      ::_exit(fired ? 7 : 1);
    }
    ::waitpid(child, &status, 0);
    done.open();
  });
  s.cancel_after(1ms);
  done.wait();
  EXPECT_EQ(WEXITSTATUS(status), 7);
}
TEST(TimersAfterFork, WhileOthersArmAndDisarm) {
  std::atomic<bool> stop{false};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      while (!stop) {
        source s(1h);
        s.cancel_after(1ms);
        s.cancel_after(infinite);
      }
    });
  for (int i = 0; i < 20; ++i) {
    pid_t const child = ::fork();
    if (child == 0) {
      source s(1ms);
      ::_exit(s.token().wait_handle().wait_for(30s) ? 7 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 7);
  }
  stop = true;
}

// --- unload ---
#if defined(CTS_TIMER_PLUGIN)
template <class F>
F* function_of(void* library, char const* name) {
  auto const f = reinterpret_cast<F*>(::dlsym(library, name));
  EXPECT_NE(f, nullptr) << name;
  return f;
}
void* load() {
  void* const library = ::dlopen(CTS_TIMER_PLUGIN, RTLD_NOW | RTLD_LOCAL);
  EXPECT_NE(library, nullptr) << ::dlerror();
  return library;
}
void unload(void* library) {
  EXPECT_EQ(::dlclose(library), 0);
  EXPECT_EQ(::dlopen(CTS_TIMER_PLUGIN, RTLD_NOW | RTLD_NOLOAD), nullptr)
      << "it is still loaded: the test shows nothing";
}
TEST(TimersAtUnload, WhileOneIsArmedAndOthersHaveFired) {
  for (int round = 0; round < 3; ++round) {
    void* const library = load();
    EXPECT_EQ(function_of<int()>(library, "cts_plugin_waits_for_its_timer")(), 1);
    unload(library);
  }
}
TEST(TimersAtUnload, WhileACallbackOfItRuns) {
  void* const library = load();
  std::atomic<int> ran{0};
  function_of<void(std::atomic<int>*)>(library, "cts_plugin_runs_a_callback")(&ran);
  unload(library);
  EXPECT_EQ(ran, 2) << "its code was gone before it returned";
}
TEST(TimersAtUnload, WhileAnAsynchronousCancelRuns) {
  void* const library = load();
  std::atomic<int> ran{0};
  function_of<void(std::atomic<int>*)>(library, "cts_plugin_cancels_asynchronously")(&ran);
  unload(library);
  EXPECT_EQ(ran, 2) << "its code was gone before it returned";
}
TEST(TimersAtUnload, WhileACallbackOfItWaitsForATimer) {
  for (bool const late : {false, true}) {
    void* const library = load();
    std::atomic<int> ran{0};
    function_of<void(std::atomic<int>*, bool)>(library, "cts_plugin_waits_in_a_callback")(&ran, late);
    unload(library);  // else this hangs
    EXPECT_EQ(ran, 2);
  }
}
struct unloads_at_the_end {
  void* library = nullptr;
  std::atomic<int> ran{0};
  ~unloads_at_the_end() {
    if (library == nullptr) return;
    ::dlclose(library);
    for (int i = 0; i < 2000 && ran != 2; ++i) std::this_thread::sleep_for(5ms);
    ::_exit(ran == 2 ? 7 : 1);
  }
};
TEST(TimersAtUnload, ByAStaticObjectAtExit) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        static unloads_at_the_end plug_in;
        plug_in.library = load();
        function_of<void(std::atomic<int>*)>(plug_in.library, "cts_plugin_runs_a_long_callback")(&plug_in.ran);
        std::exit(7);
      },
      testing::ExitedWithCode(7), "");
}
TEST(TimersAtUnload, WithoutATimer) {
  void* const library = load();
  unload(library);
}
TEST(TimersAtUnload, AfterItsThreadsHaveEnded) {
  void* const library = load();
  EXPECT_EQ(function_of<int()>(library, "cts_plugin_waits_until_idle")(), 1);
  unload(library);
}
TEST(TimersAtUnload, IsNotNeededAtExit) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        void* const library = load();
        static std::atomic<int> ran{0};
        function_of<void(std::atomic<int>*)>(library, "cts_plugin_blocks")(&ran);
        std::exit(7);  // the library is still loaded, and its callback never returns
      },
      testing::ExitedWithCode(7), "");
}
#endif
#endif

}  // namespace
}  // namespace cts::test
