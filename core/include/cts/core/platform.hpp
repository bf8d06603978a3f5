// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the core needs from the world, as a policy. Production uses `std_platform`; the model checker and the tests run
/// the same templates on platforms of their own. A platform provides:
///
///   atomic<T>      load(site), store(v, site), compare_exchange(expected, v, site), fetch_or(v, site), fetch_xor(v,
///                  site); above the core fetch_and and fetch_add, too. info(site) finds the order
///   var<T>         a plain field that two threads may reach: get(), set(v)
///   hint<T>        a relaxed word that steers a policy and never decides about safety: get(), set(v), add(v)
///   this_thread()  a nonzero name of the calling thread, unique among running threads
///   thread_index() a small number of the calling thread, to pick a stripe
///   await(w, done) returns when done() is true; the core waits nowhere else. info(w).name names the wait
///   back_off()     pauses a thread that has collided with another one in a word
///   allocate(n), deallocate(p, n)   memory aligned to `line` bytes, or null
///   prefetch(p)    a hint that *p will be read
///   inline_slots, segment_slots, line, prefetch_distance, checked
///   slab_part, slab_segments   segments come in slabs, of one in slab_part of those that are there and of so many at
///                  most
///   most_claims    how often a registration tries to reuse empty segments before it allocates
#pragma once
#ifndef CTS_CORE_PLATFORM_HPP
#define CTS_CORE_PLATFORM_HPP

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <thread>

#include "cts/core/config.hpp"

#if CTS_X86
#include <immintrin.h>
#endif

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// The step `Step` as `Platform` runs it: Step itself in production. A step is a class of static functions. The models
/// specialize this for a defect that no fault at a site expresses.
template <class Platform, class Step>
struct replaced {
  using type = Step;
};
template <class Platform, class Step>
using step = typename replaced<Platform, Step>::type;

/// The platform of production: std::atomic and the operating system.
struct std_platform {
  static constexpr std::size_t inline_slots = 8;    ///< slots inside the registry, which allocate nothing
  static constexpr std::size_t segment_slots = 56;  ///< slots of a further segment of 488 bytes
  static constexpr std::size_t slab_part = 32;      ///< a slab has one for 32 segments that are there
  static constexpr std::size_t slab_segments = 64;  ///< and not larger than 32 KiB
  static constexpr std::size_t line = 64;           ///< bytes of a cache line
  static constexpr unsigned most_claims = 16;
  static constexpr std::size_t prefetch_distance = 16;  ///< callbacks that cancel prefetches ahead
  static constexpr int back_off_pauses = 64;            ///< length of back_off()
  static constexpr bool checked = CTS_CHECKED != 0;

  template <class T>
  class atomic {
   public:
    constexpr explicit atomic(T value) noexcept : word_(value) {}
    template <class Site>
    T load(Site s) const noexcept {
      return word_.load(info(s).order);
    }
    template <class Site>
    void store(T value, Site s) noexcept {
      word_.store(value, info(s).order);
    }
    template <class Site>
    bool compare_exchange(T& expected, T desired, Site s) noexcept {
      return word_.compare_exchange_strong(expected, desired, info(s).order, std::memory_order_relaxed);
    }
    template <class Site>
    T fetch_or(T value, Site s) noexcept {
      return word_.fetch_or(value, info(s).order);
    }
    template <class Site>
    T fetch_and(T value, Site s) noexcept {
      return word_.fetch_and(value, info(s).order);
    }
    template <class Site>
    T fetch_xor(T value, Site s) noexcept {
      return word_.fetch_xor(value, info(s).order);
    }
    template <class Site>
    T fetch_add(T value, Site s) noexcept {
      return word_.fetch_add(value, info(s).order);
    }

   private:
    static_assert(std::atomic<T>::is_always_lock_free, "cts needs lock-free atomics of every integer type it uses");
    static_assert(sizeof(std::atomic<T>) == sizeof(T),  // NOLINT(bugprone-sizeof-expression): T may be a pointer
                  "cts needs atomics with the representation of what they hold (recycling.hpp, top_)");
    std::atomic<T> word_;
  };

  template <class T>
  class var {
   public:
    constexpr explicit var(T value) noexcept : value_(value) {}
    T get() const noexcept { return value_; }
    void set(T value) noexcept { value_ = value; }

   private:
    T value_;
  };

  template <class T>
  class hint {
   public:
    constexpr explicit hint(T value) noexcept : word_(value) {}
    T get() const noexcept { return word_.load(std::memory_order_relaxed); }
    void set(T value) noexcept { word_.store(value, std::memory_order_relaxed); }
    void add(T value) noexcept { word_.fetch_add(value, std::memory_order_relaxed); }

   private:
    std::atomic<T> word_;
  };

  /// The same in every shared object, unlike the address of a header's thread_local.
  static std::uintptr_t this_thread() noexcept {
#if CTS_HAS_THREAD_POINTER
    return reinterpret_cast<std::uintptr_t>(__builtin_thread_pointer());
#else
    return reinterpret_cast<std::uintptr_t>(&errno);
#endif
  }

  CTS_SHARED_SYMBOL static std::size_t thread_index() noexcept {
    static std::atomic<std::size_t> next{0};
    static thread_local std::size_t const index = next.fetch_add(1, std::memory_order_relaxed);
    return index;
  }

  template <class Wait, class Done>
  static void await(Wait, Done done) noexcept {
    await(done);
  }
  /// Spins, then yields, then sleeps for an eighth of the time already waited, at most 1 ms. So the thread waited for
  /// needs no read-modify-write and no system call to wake anyone.
  template <class Done>
  static void await(Done done) noexcept {
    for (int i = 0; i < 64; ++i) {
      if (done()) return;
      pause();
    }
    for (int i = 0; i < 64; ++i) {
      if (done()) return;
      std::this_thread::yield();
    }
    using clock = std::chrono::steady_clock;
    clock::time_point const start = clock::now();
    while (!done()) {
      clock::duration const nap = (clock::now() - start) / 8;
      std::this_thread::sleep_for(
          std::clamp<clock::duration>(nap, std::chrono::microseconds(1), std::chrono::milliseconds(1)));
    }
  }

  /// About as long as a hundred registrations: two threads then work in turns and do not fight for each line.
  static void back_off() noexcept {
    for (int i = 0; i < back_off_pauses; ++i) pause();
  }

  static void* allocate(std::size_t bytes) noexcept {
    return ::operator new(bytes, std::align_val_t(line), std::nothrow);
  }
  static void deallocate(void* p, std::size_t) noexcept { ::operator delete(p, std::align_val_t(line)); }

  // TRICKY: if this is not inlined, GCC takes it for a pure function and drops the call.
  CTS_HOT static void prefetch(void const* p) noexcept {
#if defined(__GNUC__) || defined(__clang__)
    __builtin_prefetch(p, 1);
#else
    (void)p;
#endif
  }

 private:
  static void pause() noexcept {
#if CTS_X86
    _mm_pause();
#elif defined(__aarch64__) && (defined(__GNUC__) || defined(__clang__))
    asm volatile("yield");
#endif
  }
};

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_PLATFORM_HPP
