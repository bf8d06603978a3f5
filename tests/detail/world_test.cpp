// SPDX-License-Identifier: BSL-1.0
// The operating system as the timer service uses it: due times, and the condition after a fork.
#include "cts/detail/timers/system_world.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

#if !defined(_WIN32)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "must_end.hpp"

namespace cts::test {
namespace {

using namespace std::chrono_literals;
using detail::system_world;

TEST(DueIn, IsAtTheEndOfTimeAtMost) {
  constexpr auto end = (std::chrono::nanoseconds::max)();
  EXPECT_EQ(detail::due_in(end), end);
  EXPECT_EQ(detail::due_in(end - 1ns), end);
  auto const before = system_world::now();
  auto const due = detail::due_in(1h);
  EXPECT_GE(due, before + 1h);
  EXPECT_LE(due, system_world::now() + 1h);
}

#if !defined(_WIN32)
/// A condition with one waiter. A thread sleeps until told.
struct bell {
  std::mutex mutex;
  system_world::condition changed;
  bool rung = false, sleeps = false;
  void wait() {
    std::unique_lock lock(mutex);
    sleeps = true;
    while (!rung) changed.wait_until(lock, (std::chrono::nanoseconds::max)());
    rung = sleeps = false;
  }
  void await_sleep() {
    for (;;) {
      std::lock_guard const lock(mutex);  // the waiter gives it back by sleeping
      if (sleeps) return;
    }
  }
  void ring() {
    std::lock_guard const lock(mutex);
    rung = true;
    changed.notify_one();
  }
};
// A notification that goes to a waiter of the parent wakes nobody.
TEST(Condition, OfAForkedChildHasNoWaitersOfItsParent) {
  bell b;
  std::thread waiter([&] { b.wait(); });
  b.await_sleep();
  b.mutex.lock();
  pid_t const child = ::fork();
  if (child == 0) {
    ::alarm(10);  // ends the child if a notification is lost
    b.sleeps = false;
    b.mutex.unlock();
    b.changed.forget_waiters();
    for (int i = 0; i < 4; ++i) {
      std::thread again([&] { b.wait(); });
      b.await_sleep();
      b.ring();
      again.join();
    }
    ::_exit(7);
  }
  b.mutex.unlock();
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << "status " << status;
  must_end const within("the waiter of the parent is told");
  b.ring();
  waiter.join();
}
#endif

}  // namespace
}  // namespace cts::test
