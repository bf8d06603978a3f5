// SPDX-License-Identifier: BSL-1.0
/// @file
/// A handle to wait for cancellation: on a thread, or with poll, select and epoll.
#pragma once
#ifndef CTS_WAIT_HANDLE_HPP
#define CTS_WAIT_HANDLE_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

#include "cts/detail/event.hpp"
#include "cts/detail/timers/duration.hpp"
#include "cts/detail/wait_any.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

class cancellation_token;

/// A handle that is signalled, for good, when its source is canceled, before any callback runs: .NET's WaitHandle.
/// R87–R89.
///
/// Made by cancellation_token::wait_handle. Copies are the same handle. Thread-safe: all members may be called
/// concurrently, also on one object, but not with assignment or the destructor of that object. One pointer. It may
/// outlive its source; when the source is disposed, waits throw object_disposed, those in progress too (R62).
class wait_handle {
 public:
  /// Makes another copy of the same handle.
  wait_handle(wait_handle const& other) noexcept : event_(other.event_) { event_->share(); }
  /// Becomes a copy of `other`.
  // NOLINTNEXTLINE(bugprone-unhandled-self-assignment): shares before it drops
  wait_handle& operator=(wait_handle const& other) noexcept {
    other.event_->share();
    event_->drop();
    event_ = other.event_;
    return *this;
  }
  /// Gives back its share of the handle.
  ~wait_handle() { event_->drop(); }
  /// Exchanges two handles.
  friend void swap(wait_handle& a, wait_handle& b) noexcept { std::swap(a.event_, b.event_); }

  /// Waits until the handle is signalled, without end. Makes visible what happened before the request (R93).
  /// @throws object_disposed
  void wait() const { event_->wait(std::nullopt); }
  /// Waits until the handle is signalled, but `time` at most.
  ///
  /// A negative time, cts::infinite included, does not wait. A time beyond a hundred years has no end.
  /// @return whether the handle is signalled
  /// @throws object_disposed
  /// @throws std::out_of_range for NaN
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> time) const {
    return event_->wait(detail::end_of_wait(time, "wait_handle::wait_for"));
  }
  /// Waits until the handle is signalled, but no longer than until Clock shows `time`.
  ///
  /// Clock is any clock with now(). A point that has passed does not wait. If Clock is set back meanwhile, the wait
  /// goes on; if it is set forward, the wait notices when the time that was left before is over.
  /// @return whether the handle is signalled
  /// @throws object_disposed
  /// @throws std::out_of_range for NaN
  template <class Clock, class Dur>
  bool wait_until(std::chrono::time_point<Clock, Dur> time) const {
    for (;;) {
      auto const left =
          detail::time_between(Clock::now().time_since_epoch(), time.time_since_epoch(), "wait_handle::wait_until");
      if (event_->wait(detail::end_of_wait(left, "wait_handle::wait_until"))) return true;
      if (left <= left.zero()) return false;
    }
  }
  /// Returns a descriptor that poll, select and epoll report as readable once the handle is signalled or disposed.
  ///
  /// The same each time; the first call opens it: an eventfd on Linux, the end of a pipe on other POSIX systems. It
  /// stays open as long as a copy of this handle or the source's memory lives. Do not read from it and do not close it.
  /// @throws std::system_error if it cannot be opened; on Windows always
  /// @throws object_disposed
  int native_handle() const { return event_->descriptor(); }

  /// Returns whether both are the same handle.
  friend bool operator==(wait_handle const& a, wait_handle const& b) noexcept { return a.event_ == b.event_; }

  /// Waits until one of `handles` is signalled, but `time` at most. O(handles).
  /// @return the index of the first that is signalled; nothing if none is
  /// @throws object_disposed if one of them is disposed
  /// @throws std::invalid_argument if there are none
  /// @throws std::out_of_range for NaN
  /// @throws std::bad_alloc
  template <class Rep, class Period>
  static std::optional<std::size_t> wait_any_for(std::span<wait_handle const> handles,
                                                 std::chrono::duration<Rep, Period> time) {
    return any(handles, detail::end_of_wait(time, "wait_handle::wait_any_for"));
  }
  /// Waits until one of `handles` is signalled, without end; otherwise as wait_any_for.
  /// @return the index of the first that is signalled
  static std::size_t wait_any(std::span<wait_handle const> handles) { return *any(handles, std::nullopt); }

 private:
  friend cancellation_token;
  explicit wait_handle(detail::event* owned) noexcept : event_(owned) {}

  static std::optional<std::size_t> any(std::span<wait_handle const> handles,
                                        std::optional<std::chrono::steady_clock::time_point> until) {
    if (handles.empty())
      throw std::invalid_argument("wait_handle::wait_any: no handles were supplied; at least one is needed");
    return detail::wait_any(
        handles, [](wait_handle const& h) -> detail::event& { return *h.event_; }, until);
  }

  detail::event* event_;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_WAIT_HANDLE_HPP
