// SPDX-License-Identifier: BSL-1.0
/// @file
/// A barrier between one side that comes often and one that comes hardly ever. What either side wrote before its call is visible to the
/// other side after its own call, whichever of the two calls came first:
///
///     often:  x = 1; light(); read y          hardly ever:  y = 1; heavy(); read x          at least one of them reads 1
///
/// pairwise_barrier is the definition: both sides meet in a read-modify-write of one word, which belongs to the pair. It is what the
/// models run, and what production runs where the operating system has nothing better.
///
/// process_barrier lets the side that comes often off with nothing but the order in which the compiler emits its code: heavy() makes the
/// operating system interrupt every thread of the process that runs (Linux: membarrier, since 4.14; Windows: FlushProcessWriteBuffers),
/// which is as if each had executed its half of the meeting just there. It costs some 0.5 µs, more with many threads running.
#pragma once
#ifndef CTS_DETAIL_ASYMMETRIC_BARRIER_HPP
#define CTS_DETAIL_ASYMMETRIC_BARRIER_HPP

#include <atomic>
#include <cstdlib>

#include "cts/core/platform.hpp"
#include "cts/core/slot.hpp"
#include "cts/detail/orders.hpp"

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(_WIN32)
extern "C" __declspec(dllimport) void __stdcall FlushProcessWriteBuffers(void);
#endif

namespace cts { inline namespace CTS_ABI { namespace detail {

/// Either barrier says once and for all whether it is `one_sided()`; then who comes often calls order() instead of light().
template <class Platform>
class pairwise_barrier {
 public:
  static constexpr bool one_sided() noexcept { return false; }
  static void order() noexcept {}
  void light() noexcept {
    if (!Platform::mutation(mutation::lane_without_light_barrier)) meeting_.fetch_add(1, site::barrier_light);
  }
  void heavy() noexcept {
    if (!Platform::mutation(mutation::lane_without_heavy_barrier)) meeting_.fetch_add(1, site::barrier_heavy);
  }

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
  /// Whether the operating system has it. Decided once a process; CTS_NO_MEMBARRIER in the environment says no.
  CTS_SHARED_SYMBOL static bool available() noexcept {
    static bool const has = std::getenv("CTS_NO_MEMBARRIER") == nullptr && enlist();
    return has;
  }

 private:
#if defined(__linux__) && defined(SYS_membarrier)
  static constexpr int private_expedited = 1 << 3;
  static constexpr int register_private_expedited = 1 << 4;
  static bool enlist() noexcept { return ::syscall(SYS_membarrier, register_private_expedited, 0, 0) == 0; }
  static void interrupt_all() noexcept {
    // It cannot fail where it has been enlisted for; a kernel that has forgotten it (a restored image) is asked again.
    if (::syscall(SYS_membarrier, private_expedited, 0, 0) != 0 &&
        (!enlist() || ::syscall(SYS_membarrier, private_expedited, 0, 0) != 0))
      std::abort();
  }
#elif defined(_WIN32)
  static bool enlist() noexcept { return true; }
  static void interrupt_all() noexcept { ::FlushProcessWriteBuffers(); }
#else
  static bool enlist() noexcept { return false; }
  static void interrupt_all() noexcept { std::abort(); }
#endif

  bool const available_ = available();
  pairwise_barrier<core::std_platform> fallback_;
};

}  }  }  // namespace cts::detail

#endif  // CTS_DETAIL_ASYMMETRIC_BARRIER_HPP
