// SPDX-License-Identifier: BSL-1.0
/// @file
/// The operating system as the timer service uses it (the World of timer_service.hpp).
#pragma once
#ifndef CTS_DETAIL_TIMERS_SYSTEM_WORLD_HPP
#define CTS_DETAIL_TIMERS_SYSTEM_WORLD_HPP

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <new>
#include <thread>

#if !defined(_WIN32)
#include <pthread.h>
#include <time.h>
#endif

#include "cts/core/platform.hpp"

/// Whether library threads are detached. ThreadSanitizer reports a thread that has ended and was not joined when the
/// process ends. On Windows a thread holds a reference to its module instead.
#if defined(_WIN32) || defined(__SANITIZE_THREAD__)
#define CTS_DETACHES_THREADS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CTS_DETACHES_THREADS 1
#endif
#endif
#ifndef CTS_DETACHES_THREADS
#define CTS_DETACHES_THREADS 0
#endif

namespace cts {
inline namespace CTS_ABI {
namespace detail {

struct system_world {
  using platform = core::std_platform;
  using mutex = std::mutex;
  static constexpr std::size_t partitions = 16;

  /// Never destroyed, like the service.
  class condition {
   public:
    /// May return earlier: it waits for an hour at most, so that no implementation overflows.
    void wait_until(std::unique_lock<std::mutex>& hold, std::chrono::nanoseconds until) {
      auto const latest = now() + std::chrono::hours(1);
      where_->wait_until(hold, std::chrono::steady_clock::time_point((std::min)(until, latest)));
    }
    void notify_one() noexcept { where_->notify_one(); }
    void notify_all() noexcept { where_->notify_all(); }
    /// After a fork: the old one may count waiters that the child does not have.
    void forget_waiters() noexcept { where_ = make(); }

   private:
    std::condition_variable* make() noexcept { return ::new (static_cast<void*>(storage_)) std::condition_variable; }
    alignas(std::condition_variable) unsigned char storage_[sizeof(std::condition_variable)];
    std::condition_variable* where_ = make();
  };

  static std::chrono::nanoseconds now() noexcept { return std::chrono::steady_clock::now().time_since_epoch(); }

  /// Starts a library thread; defined in system_timers.hpp. @return 0, or an error number
  template <class Service>
  static int start(Service& service) noexcept;

  static constexpr bool joins = CTS_DETACHES_THREADS == 0;
#if defined(_WIN32)
  using thread_name = int;
#else
  using thread_name = ::pthread_t;
  static thread_name self() noexcept { return ::pthread_self(); }
  static void join(thread_name t) noexcept { ::pthread_join(t, nullptr); }
  /// Waits until `until` at most. Destructors of the thread's thread_local objects may need what the caller holds.
  static void join(thread_name t, std::chrono::nanoseconds until) noexcept {
    if (until == (std::chrono::nanoseconds::max)()) return join(t);
#if defined(__GLIBC__)
    ::timespec end{};
    ::clock_gettime(CLOCK_REALTIME, &end);
    auto const at = std::chrono::seconds(end.tv_sec) + std::chrono::nanoseconds(end.tv_nsec) +
                    (std::max)(until - now(), std::chrono::nanoseconds::zero());
    end.tv_sec = std::chrono::floor<std::chrono::duration<decltype(end.tv_sec)>>(at).count();
    end.tv_nsec = std::chrono::duration_cast<std::chrono::duration<decltype(end.tv_nsec), std::nano>>(
                      at % std::chrono::seconds(1))
                      .count();
    if (::pthread_timedjoin_np(t, nullptr, &end) == 0) return;
#endif
    ::pthread_detach(t);
  }
#endif

  /// An unload waits in its destructor until the last instructions of a detached thread are over.
#if CTS_DETACHES_THREADS && !defined(_WIN32)
  struct last_instructions {
    last_instructions() noexcept {}
    ~last_instructions() { std::this_thread::sleep_for(std::chrono::milliseconds(20)); }
  };
#else
  struct last_instructions {};
#endif
};

#undef CTS_DETACHES_THREADS

/// The time in `delay` by the service's clock; the end of time if that is later.
inline std::chrono::nanoseconds due_in(std::chrono::nanoseconds delay) noexcept {
  auto const now = system_world::now();
  return delay > (std::chrono::nanoseconds::max)() - now ? (std::chrono::nanoseconds::max)() : now + delay;
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_SYSTEM_WORLD_HPP
