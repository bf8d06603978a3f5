// SPDX-License-Identifier: BSL-1.0
/// @file
/// The waits of the crew of library threads (timer_service.hpp), and the events that end them.
#pragma once
#ifndef CTS_DETAIL_TIMERS_CREW_EVENTS_HPP
#define CTS_DETAIL_TIMERS_CREW_EVENTS_HPP

#include <chrono>
#include <mutex>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Everything is called under the crew's lock, which a wait gives back meanwhile.
template <class World>
class crew_events {
  using lock = std::unique_lock<typename World::mutex>;
  using nanoseconds = std::chrono::nanoseconds;

 public:
  void await_next_timer(lock& hold, nanoseconds until) noexcept { keeper_.wait_until(hold, until); }
  void await_overrun(lock& hold, nanoseconds until) noexcept { watcher_.wait_until(hold, until); }
  void await_end(lock& hold, nanoseconds until) noexcept { stopper_.wait_until(hold, until); }

  /// A timer or a job has come.
  void keeper_is_called() noexcept { keeper_.notify_one(); }
  /// A timer or a job has come, and there is no keeper.
  void watcher_is_called() noexcept { watcher_.notify_one(); }
  /// The keeper runs a callback, and the watcher would wake too late.
  void callback_begins() noexcept { watcher_.notify_one(); }
  /// A callback for which stop() waits has returned: perhaps the last one (W6).
  void awaited_callback_returns() noexcept { wake_threads(); }
  /// stop() begins to wait, or gives up.
  void threads_shall_end() noexcept { wake_threads(); }
  /// A thread has ended, or could not be started.
  void thread_ends() noexcept { stopper_.notify_all(); }

  /// In the child of a fork, where no thread waits.
  void forget_waiters() noexcept {
    keeper_.forget_waiters();
    watcher_.forget_waiters();
    stopper_.forget_waiters();
  }

 private:
  void wake_threads() noexcept {
    keeper_.notify_all();
    watcher_.notify_all();
  }

  typename World::condition keeper_;   // the keeper sleeps here,
  typename World::condition watcher_;  // the watcher here,
  typename World::condition stopper_;  // and here the threads that have called stop()
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_CREW_EVENTS_HPP
