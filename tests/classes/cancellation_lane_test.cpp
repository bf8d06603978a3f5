// SPDX-License-Identifier: BSL-1.0
// Lanes of tokens: a callback on a lane keeps the rules of cancellation_callback.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <initializer_list>
#endif

#include "cts/cts.hpp"

namespace {

using cts::cancellation_lane;
using cts::cancellation_lane_callback;
using cts::cancellation_token;
using cts::cancellation_token_source;

TEST(CancellationLane, RunsNewestFirstWhenTheSourceIsCanceled) {
  cancellation_token_source s;
  cancellation_lane l(s.token());
  std::vector<int> order;
  cancellation_lane_callback const a(l, [&] { order.push_back(1); });
  {
    cancellation_lane_callback const gone(l, [&] { order.push_back(2); });
  }
  cancellation_lane_callback const b(l, [&](cancellation_token t) {
    EXPECT_TRUE(t.is_cancellation_requested());
    order.push_back(3);
  });
  s.cancel();
  EXPECT_EQ(order, (std::vector{3, 1}));
}

TEST(CancellationLane, StandsAmongTheOtherRegistrationsWhereItWasMade) {
  cancellation_token_source s;
  std::vector<int> order;
  auto const first = s.token().register_callback([&] { order.push_back(1); });
  cancellation_lane l(s.token());
  auto const last = s.token().register_callback([&] { order.push_back(3); });
  cancellation_lane_callback const c(l, [&] { order.push_back(2); });
  s.cancel();
  EXPECT_EQ(order, (std::vector{3, 2, 1}));
}

// R17
TEST(CancellationLane, OnACanceledTokenRunsAtOnceAndLetsItsExceptionOut) {
  cancellation_token_source s;
  cancellation_lane early(s.token());
  s.cancel();
  cancellation_lane late(s.token());
  for (cancellation_lane* l : {&early, &late}) {
    int n = 0;
    {
      cancellation_lane_callback const c(*l, [&] { ++n; });
    }
    EXPECT_EQ(n, 1);
    EXPECT_THROW(cancellation_lane_callback const c(*l, [] { throw std::runtime_error("now"); }), std::runtime_error);
  }
}

// R28
TEST(CancellationLane, ExceptionsAreCollected) {
  cancellation_token_source s;
  cancellation_lane l(s.token());
  int n = 0;
  cancellation_lane_callback const a(l, [&] { ++n; });
  cancellation_lane_callback const b(l, [] { throw std::runtime_error("one"); });
  cancellation_lane_callback const c(l, [] { throw std::logic_error("two"); });
  try {
    s.cancel();
    FAIL() << "nothing was thrown";
  } catch (cts::aggregate_exception const& e) { EXPECT_EQ(e.inner_exceptions().size(), 2u); }
  EXPECT_EQ(n, 1);
}

// R29
TEST(CancellationLane, TheFirstExceptionStopsTheRestIfAskedTo) {
  cancellation_token_source s;
  int n = 0;
  auto const older = s.token().register_callback([&] { ++n; });
  cancellation_lane l(s.token());
  cancellation_lane_callback const a(l, [&] { ++n; });
  cancellation_lane_callback const b(l, [] { throw std::runtime_error("one"); });
  EXPECT_THROW(s.cancel(true), std::runtime_error);
  EXPECT_EQ(n, 0);
}

TEST(CancellationLane, OfATokenThatCannotBeCanceledRunsNothing) {
  cancellation_lane l{cancellation_token::none()};
  int n = 0;
  {
    cancellation_lane_callback const c(l, [&] { ++n; });
  }
  EXPECT_EQ(n, 0);
  EXPECT_EQ(l.token(), cancellation_token::none());
}

// R20
TEST(CancellationLane, OfADisposedSourceRunsNothing) {
  cancellation_token_source s;
  cancellation_token const t = s.token();
  cancellation_lane before(t);
  int n = 0;
  cancellation_lane_callback const c(before, [&] { ++n; });
  s.dispose();
  cancellation_lane after(t);
  cancellation_lane_callback const d(before, [&] { ++n; });
  cancellation_lane_callback const e(after, [&] { ++n; });
  EXPECT_EQ(n, 0);
}

TEST(CancellationLane, NullIsRefused) {
  cancellation_token_source s;
  cancellation_lane l(s.token());
  EXPECT_THROW(cancellation_lane_callback const c(l, std::function<void()>()), std::invalid_argument);
}

// R84
TEST(CancellationLane, TryResetTakesItsCallbacksAwayAndItBeginsAnew) {
  cancellation_token_source s;
  cancellation_lane l(s.token());
  int before = 0, after = 0;
  std::vector<std::unique_ptr<cancellation_lane_callback<std::function<void()>>>> many;
  for (int i = 0; i < 100; ++i)
    many.push_back(std::make_unique<cancellation_lane_callback<std::function<void()>>>(l, [&] { ++before; }));
  ASSERT_TRUE(s.try_reset());
  cancellation_lane_callback const c(l, [&] { ++after; });
  for (int i = 0; i < 100; ++i)
    many.push_back(std::make_unique<cancellation_lane_callback<std::function<void()>>>(l, [&] { ++after; }));
  many.erase(many.begin(), many.begin() + 100);
  many.pop_back();
  s.cancel();
  EXPECT_EQ(before, 0);
  EXPECT_EQ(after, 100);
}

TEST(CancellationLane, MayEndAfterATryReset) {
  cancellation_token_source s;
  {
    cancellation_lane l(s.token());
    cancellation_lane_callback const c(l, [] { FAIL(); });
    ASSERT_TRUE(s.try_reset());
  }
  s.cancel();
}

// R34, R47
TEST(CancellationLane, ACallbackMayEndItselfTheLaneAndTheSource) {
  auto s = std::make_unique<cancellation_token_source>();
  auto l = std::make_unique<cancellation_lane>(s->token());
  std::unique_ptr<cancellation_lane_callback<std::function<void()>>> c;
  bool ran = false;
  c = std::make_unique<cancellation_lane_callback<std::function<void()>>>(*l, [&] {
    auto& flag = ran;
    auto& source = s;
    auto& lane = l;
    c.reset();
    lane.reset();
    source.reset();
    flag = true;
  });
  s->cancel();
  EXPECT_TRUE(ran);
}

// R68
TEST(CancellationLane, OfALinkedSourceHearsOfTheParent) {
  cancellation_token_source parent;
  auto child = cancellation_token_source::create_linked(parent.token());
  cancellation_lane l(child.token());
  int n = 0;
  cancellation_lane_callback const c(l, [&] { ++n; });
  parent.cancel();
  EXPECT_EQ(n, 1);
}

// R46
TEST(CancellationLane, WaitsForACallbackThatRunsElsewhere) {
  cancellation_token_source s;
  cancellation_lane l(s.token());
  std::atomic<bool> running{false}, finished{false};
  std::optional<cancellation_lane_callback<std::function<void()>>> c;
  c.emplace(l, [&] {
    running = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    finished = true;
  });
  std::thread canceller([&] { s.cancel(); });
  while (!running) std::this_thread::yield();
  c.reset();
  EXPECT_TRUE(finished);
  canceller.join();
}

TEST(CancellationLane, ManyThreadsEachWithALaneOfItsOwn) {
  for (int round = 0; round < 200; ++round) {
    cancellation_token_source s;
    std::atomic<int> ran{0}, in{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t)
      threads.emplace_back([&, token = s.token()] {
        cancellation_lane l(token);
        while (!token.is_cancellation_requested()) {
          int mine = 0;
          {
            cancellation_lane_callback const a(l, [&] { ++mine; });
            cancellation_lane_callback const b(l, [&] { ++mine; });
            ++in;
          }
          ran += mine;
        }
      });
    while (in < 100) std::this_thread::yield();
    s.cancel();
    for (auto& t : threads) t.join();
    ASSERT_LE(ran, 6);
  }
}

#if defined(__linux__) && defined(SYS_membarrier)
// A sandbox is installed after a lane was made. Each test runs in a child process, because a sandbox cannot be removed.

/// Makes the system calls fail with `error` on this thread from now on.
/// @return false if this system has no such sandbox
bool refuse(std::initializer_list<long> calls, int error) {
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (long const call : calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (static_cast<unsigned>(error) & SECCOMP_RET_DATA)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog const filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}
constexpr int no_sandbox = 77;

/// Runs `f` in a child process, which exits with its result. Returns the status that waitpid reports.
template <class F>
int status_of_child(F f) {
  pid_t const child = ::fork();
  if (child == 0) ::_exit(f());
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}
int cancel_in_a_sandbox(int error) {
  cancellation_token_source s;
  cancellation_lane l(s.token());
  int ran = 0;
  cancellation_lane_callback const c(l, [&] { ++ran; });
  if (!refuse({SYS_membarrier}, error)) return no_sandbox;
  s.cancel();
  if (ran != 1) return 1;
  cancellation_token_source later;  // its lane is made in the sandbox
  cancellation_lane m(later.token());
  cancellation_lane_callback const d(m, [&] { ++ran; });
  later.cancel();
  return ran == 2 ? 0 : 2;
}
TEST(CancellationLane, IsCanceledInASandboxThatRefusesMembarrier) {
  for (int const error : {EPERM, ENOSYS, EACCES}) {
    int const status = status_of_child([error] { return cancel_in_a_sandbox(error); });
    if (WIFEXITED(status) && WEXITSTATUS(status) == no_sandbox) GTEST_SKIP() << "no seccomp here";
    EXPECT_EQ(status, 0) << "with errno " << error;
  }
}
std::vector<int> processors_of_this_thread() {
  std::vector<int> all;
  cpu_set_t mine;
  if (::sched_getaffinity(0, sizeof mine, &mine) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &mine)) all.push_back(cpu);
  return all;
}
// Tests the moves only. detail/process_barrier.hpp says why they are a barrier.
TEST(CancellationLane, TheOtherWayGoesToEveryProcessorAndComesBack) {
  std::thread([] {  // a thread of its own, whose affinity may be lost
    std::vector<int> const all = processors_of_this_thread();
    auto const visited = [] {
      std::vector<int> v;
      bool const done = cts::detail::process_barrier::on_every_processor([&v] { v.push_back(::sched_getcpu()); });
      EXPECT_TRUE(done) << "errno " << errno;
      return v;
    };
    auto const is_everywhere = [&](std::vector<int> const& v) {
      return std::includes(v.begin(), v.end(), all.begin(), all.end());
    };
    EXPECT_TRUE(is_everywhere(visited()));
    EXPECT_EQ(processors_of_this_thread(), all);
    cpu_set_t last;
    CPU_ZERO(&last);
    CPU_SET(all.back(), &last);
    ASSERT_EQ(::sched_setaffinity(0, sizeof last, &last), 0);
    EXPECT_TRUE(is_everywhere(visited())) << "also those that this thread keeps off";
    EXPECT_EQ(processors_of_this_thread(), std::vector<int>{all.back()});
  })
      .join();
}
TEST(CancellationLane, TheOtherWayIsNotTakenWhereItIsRefused) {
  for (int const error : {EPERM, 0}) {  // 0: the sandbox pretends
    int const status = status_of_child([error] {
      if (processors_of_this_thread().size() < 2 || !refuse({SYS_sched_setaffinity}, error)) return no_sandbox;
      return cts::detail::process_barrier::on_every_processor([] {}) ? 1 : 0;
    });
    if (WIFEXITED(status) && WEXITSTATUS(status) == no_sandbox) GTEST_SKIP() << "no seccomp or one processor here";
    EXPECT_EQ(status, 0) << "with errno " << error;
  }
}
TEST(CancellationLaneDeathTest, NamesTheCauseWhereThereIsNoOtherWay) {
  if (!cts::detail::process_barrier::available()) GTEST_SKIP() << "no membarrier here";
  int const probe = status_of_child([] { return refuse({SYS_membarrier}, EPERM) ? 0 : no_sandbox; });
  if (probe != 0) GTEST_SKIP() << "no seccomp here";
  EXPECT_DEATH(
      {
        cancellation_token_source s;
        cancellation_lane l(s.token());
        refuse({SYS_membarrier, SYS_sched_setaffinity}, EPERM);
        s.cancel();
      },
      "membarrier is refused");
}
#endif

}  // namespace
