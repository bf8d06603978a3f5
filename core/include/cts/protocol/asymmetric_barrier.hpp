// SPDX-License-Identifier: BSL-1.0
/// @file
/// A barrier between one side that comes often and one that comes hardly ever. What either side wrote before its call
/// is visible to the other side after its own call, whichever of the two calls came first:
///
///     often:  x = 1; light(); read y          hardly ever:  y = 1; heavy(); read x          at least one of them reads
///     1
///
/// pairwise_barrier is the definition: both sides meet in a read-modify-write of one word, which belongs to the pair.
/// It is what the models run, and what production runs where the operating system has nothing better.
///
/// process_barrier lets the side that comes often off with nothing but the order in which the compiler emits its code:
/// heavy() makes the operating system interrupt every thread of the process that runs (Linux: membarrier, since 4.14;
/// Windows: FlushProcessWriteBuffers), which is as if each had executed its half of the meeting just there. It costs
/// some 0.5 µs, more with many threads running.
///
/// A sandbox that is installed after a lane was made may refuse membarrier (seccomp). The owners of one-sided lanes
/// execute nothing that heavy() could meet, so it needs another way to make every thread pass a barrier: it moves the
/// calling thread to each processor in turn (sched_setaffinity). Why that is enough: let an owner write x and read y
/// while it runs, without a break, on processor P. The canceller writes y, runs on P, and reads x. Its run on P comes
/// wholly before or wholly after the owner's, and the scheduler orders the two by the lock of P's queue. Before: the
/// owner reads what the canceller wrote. After: the canceller reads what the owner wrote. Threads that do not run have
/// been ordered in the same way when they were stopped, or will be when they are started. It costs some 10 µs a
/// processor and waits for its turn on each, which a real-time thread that never sleeps can withhold for ever. Assumed
/// and not checked: all threads of the process may run on the same set of processors (one cpuset). Not used: changing a
/// page's protection, so that the kernel interrupts the other processors to flush their address translations. ARM64 and
/// newer x86 processors (AMD's INVLPGB) flush by broadcast, without an interrupt, and that orders nothing. If this is
/// refused, too, the process ends with a message that names the cause: going on could lose a callback.
#pragma once
#ifndef CTS_PROTOCOL_ASYMMETRIC_BARRIER_HPP
#define CTS_PROTOCOL_ASYMMETRIC_BARRIER_HPP

#include <atomic>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdio>
#include <cstdlib>

#include "cts/core/platform.hpp"
#include "cts/core/slot.hpp"
#include "cts/protocol/memory_orders.hpp"

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

/// Either barrier says once and for all whether it is `one_sided()`; then who comes often calls order() instead of
/// light().
template <class Platform>
class pairwise_barrier {
 public:
  static constexpr bool one_sided() noexcept { return false; }
  static void order() noexcept {}
  void light() noexcept { meeting_.fetch_add(1, site::barrier_light); }
  void heavy() noexcept { meeting_.fetch_add(1, site::barrier_heavy); }

 private:
  typename Platform::template atomic<core::word> meeting_{0};
};

class process_barrier {
 public:
  bool one_sided() const noexcept { return available_; }
  /// For the compiler: no instruction, and nothing that a checker would have to know.
  static void order() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }
  void light() noexcept { fallback_.light(); }
  void heavy() noexcept {
    if (available_) interrupt_all();
    else fallback_.heavy();
  }
  /// Whether the operating system has it. Decided with the first lane, and taken back for new lanes once it has been
  /// refused; CTS_NO_MEMBARRIER in the environment says no.
  static bool available() noexcept {
    return process_has_it().load(std::memory_order_relaxed);
  }  // a hint: lanes of both kinds coexist

#if defined(__linux__) && defined(SYS_membarrier)
  /// Moves the calling thread to each processor on which it may run, and back to where it was allowed before.
  /// Calls `visit` on each.
  /// @return false, with the reason in errno, if that cannot be done or is not seen to happen
  template <class Visit>
  static bool on_every_processor(Visit visit) {
    constexpr std::size_t bits = sizeof(unsigned long) * CHAR_BIT,
                          words = 8192 / bits;  // the kernel's limit of processors
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
        failed = errno != EINVAL;  // that one says that there is no such processor, or not for this process
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
    // A kernel that has forgotten that the process is enlisted (a restored image) is asked again.
    if (interrupt() || (enlist() && interrupt())) return;
    int const refused = errno;
    process_has_it().store(false, std::memory_order_relaxed);
    if (on_every_processor([] {})) return;
    std::fprintf(stderr,
                 "cts: a lane cannot be canceled: membarrier is refused (errno %d), which was allowed when the lane "
                 "was made, and the thread "
                 "cannot be moved to every processor (sched_setaffinity, errno %d). Allow one of them in the sandbox, "
                 "or start the program "
                 "with CTS_NO_MEMBARRIER=1\n",
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

#endif  // CTS_PROTOCOL_ASYMMETRIC_BARRIER_HPP
