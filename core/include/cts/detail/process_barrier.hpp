// SPDX-License-Identifier: BSL-1.0
/// @file
/// The barrier of production (B1, B2 in protocol/asymmetric_barrier.hpp). The light side costs no instruction; the
/// heavy side interrupts the threads of the process.
///
/// heavy() has the operating system interrupt every running thread of the process: membarrier on Linux since 4.14,
/// FlushProcessWriteBuffers on Windows. The effect is that of a full barrier executed by each thread where it was
/// interrupted. It costs about 0.5 µs, and more if many threads run. Where the operating system has no such call, the
/// barrier is not one-sided and both sides are those of pairwise_barrier.
///
/// TRICKY: a sandbox (seccomp) installed after a lane was made may refuse membarrier. The owners of one-sided lanes
/// execute nothing that heavy() could meet, so heavy() then moves its thread to each processor in turn
/// (sched_setaffinity). Why this is enough: let an owner write x and read y while it runs, without a break, on
/// processor P. The canceller writes y, runs on P, and reads x. Its run on P comes wholly before or wholly after the
/// owner's, and the scheduler orders the two by the lock of P's queue. Before: the owner reads what the canceller
/// wrote. After: the canceller reads what the owner wrote. A thread that does not run was ordered in the same way when
/// it was stopped, or will be when it is started.
///
/// The moves cost about 10 µs for each processor. They wait for a turn on each, which a real-time thread that never
/// sleeps can withhold for ever. Assumed and not checked: all threads of the process may run on the same set of
/// processors (one cpuset). If the moves are refused, too, the process ends with a message that names the cause,
/// because going on could lose a callback.
///
/// Changing a page's protection is no alternative, although the kernel then interrupts other processors to flush their
/// address translations: ARM64 and newer x86 processors (AMD's INVLPGB) flush by broadcast, without an interrupt, and
/// that orders nothing.
#pragma once
#ifndef CTS_DETAIL_PROCESS_BARRIER_HPP
#define CTS_DETAIL_PROCESS_BARRIER_HPP

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "cts/core/platform.hpp"
#include "cts/protocol/asymmetric_barrier.hpp"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(_WIN32)
extern "C" __declspec(dllimport) void __stdcall FlushProcessWriteBuffers(void);
#endif

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// One for each lane, with a fallback for the lanes that are made while the operating system refuses its barrier.
class process_barrier {
 public:
  bool one_sided() const noexcept { return available_; }
  /// Orders what the compiler emits. No instruction.
  static void order() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }
  void light() noexcept { fallback_.light(); }
  void heavy() noexcept {
    if (available_) interrupt_all();
    else fallback_.heavy();
  }
  /// Whether new lanes are one-sided. Decided with the first lane, by asking the operating system; false from the first
  /// time that it refuses. CTS_NO_MEMBARRIER in the environment makes it false from the start.
  static bool available() noexcept {
    return process_has_it().load(std::memory_order_relaxed);  // a hint: lanes of both kinds coexist
  }

#if defined(__linux__) && defined(SYS_membarrier)
  /// Moves the calling thread to each processor on which it may run, calls `visit` there, and restores the set of
  /// processors that the thread was allowed before.
  /// @return false, with the reason in errno, if a move is refused or the thread is not where it should be
  template <class Visit>
  static bool on_every_processor(Visit visit) {
    constexpr std::size_t bits = sizeof(unsigned long) * CHAR_BIT;
    constexpr std::size_t words = 8192 / bits;  // 8192: the kernel's limit of processors
    unsigned long before[words] = {}, one[words] = {};
    long const size = ::syscall(SYS_sched_getaffinity, 0, sizeof before, before);
    if (size <= 0) return false;
    order();
    bool seen = false, failed = false;
    int cause = 0;
    for (std::size_t cpu = 0; cpu < static_cast<std::size_t>(size) * CHAR_BIT && !failed; ++cpu) {
      one[cpu / bits] = 1ul << cpu % bits;
      errno = 0;
      if (::syscall(SYS_sched_setaffinity, 0, static_cast<std::size_t>(size), one) == 0) {
        failed = ::sched_getcpu() != static_cast<int>(cpu);  // a sandbox may pretend
        visit();
        seen = true;
      } else {
        failed = errno != EINVAL;  // EINVAL: no such processor, or not for this process
      }
      cause = errno;
      one[cpu / bits] = 0;
    }
    ::syscall(SYS_sched_setaffinity, 0, static_cast<std::size_t>(size), before);
    order();
    errno = cause;
    return seen && !failed;
  }
#endif

 private:
#if defined(__linux__) && defined(SYS_membarrier)
  static constexpr int private_expedited = 1 << 3;
  static constexpr int register_private_expedited = 1 << 4;
  static bool enlist() noexcept { return ::syscall(SYS_membarrier, register_private_expedited, 0, 0) == 0; }
  static bool interrupt() noexcept { return ::syscall(SYS_membarrier, private_expedited, 0, 0) == 0; }
  static void interrupt_all() noexcept {
    // The kernel of a restored process image does not know that the process is enlisted.
    if (interrupt() || (enlist() && interrupt())) return;
    int const refused = errno;
    process_has_it().store(false, std::memory_order_relaxed);
    if (on_every_processor([] {})) return;
    std::fprintf(stderr,
                 "cts: a lane cannot be canceled: membarrier is refused (errno %d) since the lane was made, and the "
                 "thread cannot be moved to every processor (sched_setaffinity, errno %d). Allow one of them in the "
                 "sandbox, or start the program with CTS_NO_MEMBARRIER=1\n",
                 refused, errno);
    std::abort();
  }
#elif defined(_WIN32)
  static bool enlist() noexcept { return true; }
  static void interrupt_all() noexcept { ::FlushProcessWriteBuffers(); }
#else
  static bool enlist() noexcept { return false; }
  static void interrupt_all() noexcept { std::abort(); }
#endif

  CTS_SHARED_SYMBOL static std::atomic<bool>& process_has_it() noexcept {
    static std::atomic<bool> has{std::getenv("CTS_NO_MEMBARRIER") == nullptr && enlist()};
    return has;
  }

  bool const available_ = available();
  pairwise_barrier<core::std_platform> fallback_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_PROCESS_BARRIER_HPP
