// SPDX-License-Identifier: BSL-1.0
/// @file
/// signal_cancellation: real signals, most of them in child processes.
#include "cts/posix_signal.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>
#include <system_error>
#include <type_traits>

#include "cts/cancellation_callback.hpp"
#include "cts/diagnostics.hpp"
#include "must_end.hpp"

namespace {

static_assert(!std::is_copy_constructible_v<cts::signal_cancellation> &&
              !std::is_move_constructible_v<cts::signal_cancellation>);

TEST(SignalCancellation, RefusesWhatIsNoSignal) {
  EXPECT_THROW(cts::signal_cancellation({}), std::invalid_argument);
  EXPECT_THROW(cts::signal_cancellation({0}), std::invalid_argument);
  EXPECT_THROW(cts::signal_cancellation({-1}), std::invalid_argument);
  EXPECT_THROW(cts::signal_cancellation({1000}), std::invalid_argument);
}

TEST(SignalCancellation, OfOneSignalThereIsOne) {
  cts::signal_cancellation const first({SIGTERM});
  try {
    cts::signal_cancellation const second({SIGINT, SIGTERM});
    FAIL() << "two objects have one signal";
  } catch (std::system_error const& e) { EXPECT_EQ(e.code(), std::errc::device_or_resource_busy); }
  cts::signal_cancellation const other({SIGINT});  // what the failed one had taken is free again
  EXPECT_EQ(first.signal(), 0);
  EXPECT_FALSE(first.token().is_cancellation_requested());
  EXPECT_TRUE(first.token().can_be_canceled());
}

}  // namespace

#if !defined(_WIN32)

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

/// ThreadSanitizer runs a handler only when its thread waits in a system call.
#if defined(__SANITIZE_THREAD__)
constexpr bool delays_signals = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
constexpr bool delays_signals = true;
#else
constexpr bool delays_signals = false;
#endif
#else
constexpr bool delays_signals = false;
#endif

template <class F>
bool comes(F f) {
  auto const end = std::chrono::steady_clock::now() + 20s;
  while (!f()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(100us);
  }
  return true;
}
bool is_canceled(cts::cancellation_token const& t) {
  return comes([&t] { return t.is_cancellation_requested(); });
}
/// Runs `f` in a child, which exits with what it returns. @return what waitpid reports
template <class F>
int in_a_child(F f) {
  ::pid_t const child = ::fork();
  if (child == 0) ::_exit(f());
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}
bool exited(int status, int code) { return WIFEXITED(status) && WEXITSTATUS(status) == code; }
bool killed(int status, int number) { return WIFSIGNALED(status) && WTERMSIG(status) == number; }
void (*handler_of(int number))(int) {
  struct sigaction now {};
  ::sigaction(number, nullptr, &now);
  return now.sa_handler;
}

TEST(SignalCancellation, TheFirstSignalCancels) {
  cts::signal_cancellation const stop({SIGINT, SIGTERM});
  auto const token = stop.token();
  std::atomic<bool> elsewhere = false;
  cts::cancellation_callback const c(
      token, [&, here = std::this_thread::get_id()] { elsewhere = std::this_thread::get_id() != here; });
  EXPECT_EQ(stop.signal(), 0);
  ::raise(SIGTERM);
  EXPECT_EQ(stop.signal(), SIGTERM);
  EXPECT_TRUE(is_canceled(token));
  EXPECT_TRUE(comes([&] { return elsewhere.load(); })) << "the callback runs on another thread than the handler";
}

TEST(SignalCancellation, TheSecondSignalTerminates) {
  for (int const second : {SIGINT, SIGTERM}) {
    int const status = in_a_child([second] {
      cts::signal_cancellation const stop({SIGINT, SIGTERM});
      ::raise(SIGINT);
      if (!is_canceled(stop.token()) || stop.signal() != SIGINT) return 1;
      ::raise(second);
      return 2;
    });
    EXPECT_TRUE(killed(status, second)) << status;
  }
}

TEST(SignalCancellation, ASecondSignalFromOutsideTerminatesAProgramThatHangs) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  ::pid_t const child = ::fork();
  if (child == 0) {
    cts::signal_cancellation const stop({SIGINT});
    cts::cancellation_callback const c(stop.token(), [&ready] {
      [[maybe_unused]] auto const n = ::write(ready[1], "2", 1);
      for (;;) ::pause();  // a callback that does not come back
    });
    [[maybe_unused]] auto const n = ::write(ready[1], "1", 1);
    for (;;) ::pause();
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ::kill(child, SIGINT);
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_EQ(byte, '2');
  ::kill(child, SIGINT);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(killed(status, SIGINT)) << status;
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(SignalCancellation, PutsTheFormerHandlersBack) {
  std::signal(SIGUSR1, SIG_IGN);
  auto const before = handler_of(SIGUSR2);
  {
    cts::signal_cancellation const stop({SIGUSR1, SIGUSR2, SIGUSR1});
    EXPECT_NE(handler_of(SIGUSR1), SIG_IGN);
    ::raise(SIGUSR1);
    EXPECT_TRUE(is_canceled(stop.token()));
  }
  EXPECT_EQ(handler_of(SIGUSR1), SIG_IGN);
  EXPECT_EQ(handler_of(SIGUSR2), before);
  ::raise(SIGUSR1);  // is ignored again
  std::signal(SIGUSR1, SIG_DFL);
}

TEST(SignalCancellation, LeavesAHandlerThatTheProgramHasSetSince) {
  auto const users = [](int) {};
  {
    cts::signal_cancellation const stop({SIGUSR1});
    std::signal(SIGUSR1, users);
  }
  EXPECT_EQ(handler_of(SIGUSR1), static_cast<void (*)(int)>(users));
  std::signal(SIGUSR1, SIG_DFL);
}

TEST(SignalCancellation, RefusesASignalThatCannotBeCaught) {
  auto const before = handler_of(SIGTERM);
  try {
    cts::signal_cancellation const stop({SIGTERM, SIGKILL});
    FAIL() << "SIGKILL cannot be caught";
  } catch (std::system_error const& e) { EXPECT_EQ(e.code(), std::errc::invalid_argument); }
  EXPECT_EQ(handler_of(SIGTERM), before);
}

TEST(SignalCancellation, ObjectsWithOtherSignalsAreIndependent) {
  cts::signal_cancellation const a({SIGUSR1}), b({SIGUSR2});
  ::raise(SIGUSR2);
  EXPECT_TRUE(is_canceled(b.token()));
  EXPECT_FALSE(a.token().is_cancellation_requested());
  ::raise(SIGUSR1);
  EXPECT_TRUE(is_canceled(a.token()));
}

TEST(SignalCancellation, ItsTokenMayOutliveIt) {
  cts::cancellation_token token;
  {
    cts::signal_cancellation const stop({SIGUSR1});
    token = stop.token();
  }
  EXPECT_FALSE(token.is_cancellation_requested());
}

TEST(SignalCancellation, ACallbackMayDestroyIt) {
  auto stop = std::make_unique<cts::signal_cancellation>(std::initializer_list<int>{SIGUSR1});
  std::atomic<bool> gone = false;
  auto const token = stop->token();
  auto const r = token.register_callback([&] {
    stop.reset();
    gone = true;
  });
  ::raise(SIGUSR1);
  EXPECT_TRUE(comes([&] { return gone.load(); }));
}

TEST(SignalCancellation, AContextsThreadMayDestroyIt) {  // R91
  struct : cts::synchronization_context {
    void send(std::function<void()> what) override { std::thread(what).join(); }
  } context;
  for (bool const linked : {false, true}) {
    cts::test::must_end const watch("the destructor waits for its canceller, which waits for the context");
    auto stop = std::make_unique<cts::signal_cancellation>(std::initializer_list<int>{SIGUSR1});
    auto const child = cts::cancellation_token_source::create_linked(stop->token());
    std::atomic<bool> destroyed{false};
    auto const r =
        (linked ? child.token() : stop->token()).register_callback([&] { stop.reset(), destroyed = true; }, context);
    ::raise(SIGUSR1);
    EXPECT_TRUE(comes([&] { return destroyed.load(); }));
  }
}
TEST(SignalCancellation, ReceivesSignalsThatAllOtherThreadsBlock) {
  cts::signal_cancellation const stop({SIGUSR1});
  ::sigset_t blocked, before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  ::kill(::getpid(), SIGUSR1);
  EXPECT_TRUE(is_canceled(stop.token()));
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST(SignalCancellation, InAForkedChildSignalsHaveTheirDefaultAction) {
  if (delays_signals) GTEST_SKIP() << "ThreadSanitizer runs no handlers in a child of a program with threads";
  cts::signal_cancellation const stop({SIGUSR1});
  int const status = in_a_child([] {
    ::raise(SIGUSR1);
    return 1;
  });
  EXPECT_TRUE(killed(status, SIGUSR1)) << status;
  EXPECT_EQ(stop.signal(), 0) << "the child's signal is none of the parent";
  EXPECT_FALSE(stop.token().is_cancellation_requested());
}

TEST(SignalCancellation, AForkedChildMayDestroyIt) {
  if (delays_signals) GTEST_SKIP() << "ThreadSanitizer does not follow a child of a program with threads";
  auto stop = std::make_unique<cts::signal_cancellation>(std::initializer_list<int>{SIGUSR1});
  int const status = in_a_child([&stop] {
    // A thread of the child, which may have the name of the parent's.
    std::atomic<bool> ends{false};
    std::thread thread([&ends] {
      while (!ends) std::this_thread::yield();
    });
    stop.reset();
    ends = true;
    thread.join();
    return 7;
  });
  EXPECT_TRUE(exited(status, 7)) << status;
  ::raise(SIGUSR1);
  EXPECT_TRUE(is_canceled(stop->token())) << "the child has not closed or read the parent's pipe";
}

TEST(SignalCancellation, AChildForkedBesideAHandlerHasObjectsOfItsOwn) {
  if (delays_signals) GTEST_SKIP() << "ThreadSanitizer does not follow a child of a program with threads";
  { cts::signal_cancellation const first({SIGUSR1}); }
  cts::detail::handlers_running.fetch_add(1);  // as if another thread were in the handler
  int const status = in_a_child([] {
    cts::signal_cancellation const stop({SIGUSR1});
    return 7;
  });
  cts::detail::handlers_running.fetch_sub(1);
  EXPECT_TRUE(exited(status, 7)) << status;
}

TEST(SignalCancellation, AHandlerThatCallsTheFormerOneIsNotCalledForEver) {
  static std::atomic<int> calls;
  static void (*former)(int);
  calls = 0;
  {
    cts::signal_cancellation const stop({SIGUSR1});
    former = std::signal(SIGUSR1, [](int number) {
      if (++calls < 1000) former(number);
    });
  }
  ::raise(SIGUSR1);
  EXPECT_LE(calls, 2);
  std::signal(SIGUSR1, SIG_DFL);
}

TEST(SignalCancellation, KeepsErrno) {
  cts::signal_cancellation const stop({SIGUSR1});
  errno = 77;
  ::raise(SIGUSR1);
  EXPECT_EQ(errno, 77);
  EXPECT_TRUE(is_canceled(stop.token()));
}

TEST(SignalCancellation, InterruptedSystemCallsGoOn) {
  if (delays_signals) GTEST_SKIP() << "ThreadSanitizer would interrupt them itself";
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  cts::signal_cancellation const stop({SIGUSR1});
  std::atomic<bool> reads = false;
  char byte = 0;
  ::ssize_t got = -1;
  std::thread reader([&] {
    reads = true;
    got = ::read(ends[0], &byte, 1);
  });
  while (!reads) std::this_thread::yield();
  std::this_thread::sleep_for(10ms);  // so that it usually is in read()
  ::pthread_kill(reader.native_handle(), SIGUSR1);
  EXPECT_TRUE(is_canceled(stop.token()));
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  reader.join();
  EXPECT_EQ(got, 1) << "the system call was interrupted";
  EXPECT_EQ(byte, 'x');
  ::close(ends[0]);
  ::close(ends[1]);
}

#if defined(__linux__)
/// The open descriptors, and whether an exec inherits each.
std::map<int, bool> descriptors() {
  std::map<int, bool> all;
  for (int d = 0; d < 256; ++d)
    if (int const flags = ::fcntl(d, F_GETFD); flags != -1) all[d] = (flags & FD_CLOEXEC) == 0;
  return all;
}
TEST(SignalCancellation, ItsDescriptorsAreNeitherInheritedNorLeftOpen) {
  auto const before = descriptors();
  {
    cts::signal_cancellation const stop({SIGUSR1});
    int own = 0;
    for (auto const& [d, inherited] : descriptors())
      if (before.count(d) == 0) {
        ++own;
        EXPECT_FALSE(inherited) << d;
      }
    EXPECT_GT(own, 0) << "none is seen";
  }
  EXPECT_EQ(descriptors(), before);
}
TEST(SignalCancellation, KeepsErrnoAlsoIfACallOfTheHandlerFails) {
  auto const before = descriptors();
  cts::signal_cancellation const stop({SIGUSR1});
  int write_end = -1;
  for (auto const& [d, inherited] : descriptors())
    if (before.count(d) == 0) write_end = d;  // the last one
  int const full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  ASSERT_NE(full, -1);
  ASSERT_EQ(::dup2(full, write_end), write_end);
  errno = 77;
  ::raise(SIGUSR1);
  EXPECT_EQ(errno, 77);
  EXPECT_EQ(stop.signal(), SIGUSR1);
  ::close(full);
}
#endif

TEST(SignalCancellation, LeavesTheMaskOfTheThreadThatMakesIt) {
  ::sigset_t before, after;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &before);
  cts::signal_cancellation const stop({SIGUSR1});
  ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (int n = 1; n < NSIG; ++n) EXPECT_EQ(::sigismember(&before, n), ::sigismember(&after, n)) << "signal " << n;
}

TEST(SignalCancellation, ExceptionsOfCallbacksGoToTheErrorSink) {
  static std::atomic<int> sunk;
  sunk = 0;
  cts::set_error_sink([](std::exception_ptr) noexcept { ++sunk; });
  {
    cts::signal_cancellation const stop({SIGUSR1});
    cts::cancellation_callback const c(stop.token(), [] { throw 7; });
    ::raise(SIGUSR1);
    EXPECT_TRUE(comes([] { return sunk == 1; }));
  }
  cts::set_error_sink(nullptr);
}

std::atomic<int> ignored = 0;

TEST(SignalStress, ManySignalsAndManyObjects) {
  int const status = in_a_child([] {
    struct sigaction count {};
    count.sa_handler = [](int) { ignored.fetch_add(1); };
    ::sigaction(SIGUSR1, &count, nullptr);  // what is put back between two objects
    std::atomic<bool> over = false;
    std::atomic<int> round = -1, sent = -1;
    std::thread sender([&] {
      for (int last = -1; !over; std::this_thread::yield())
        if (int const r = round; r != last) {
          last = r;
          ::kill(::getpid(), SIGUSR1);  // one for each object: a second one would end the process
          sent = r;
        }
    });
    int canceled = 0;
    for (int i = 0; i < 300; ++i) {
      cts::signal_cancellation const stop({SIGUSR1});
      round = i;
      while (sent != i) std::this_thread::yield();
      if ((i % 2 == 0 || delays_signals) && !is_canceled(stop.token())) std::abort();
      canceled += stop.signal() == SIGUSR1;
    }
    over = true;
    sender.join();
    return canceled >= 150 ? 0 : 2;
  });
  EXPECT_TRUE(exited(status, 0)) << status;
}

TEST(SignalStress, TwoSignalsAtOnceAreAFirstAndASecond) {
  for (int i = 0; i < 50; ++i) {
    int const status = in_a_child([] {
      cts::signal_cancellation const stop({SIGINT, SIGTERM});
      std::thread a([] { ::raise(SIGINT); }), b([] { ::raise(SIGTERM); });
      a.join();
      b.join();
      return 1;
    });
    EXPECT_TRUE(killed(status, SIGINT) || killed(status, SIGTERM)) << status;
  }
}

}  // namespace

#endif
