// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_WAIT_HANDLE_HPP
#define CTS_WAIT_HANDLE_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

#include "cts/core/platform.hpp"
#include "cts/detail/timers/duration.hpp"
#include "cts/detail/event.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

class cancellation_token;

/// Becomes signalled, for good, when its source is canceled, before any callback runs: .NET's WaitHandle. R87–R89.
/// Copies are the same handle; one pointer. Made by cancellation_token::wait_handle. It may outlive its source; once
/// that is disposed, waits throw object_disposed, those in progress too (R62). All members may be called concurrently.
class wait_handle {
 public:
  wait_handle(wait_handle const& other) noexcept : event_(other.event_) { event_->share(); }
  wait_handle& operator=(wait_handle const& other) noexcept {
    other.event_->share();
    event_->drop();
    event_ = other.event_;
    return *this;
  }
  ~wait_handle() { event_->drop(); }
  friend void swap(wait_handle& a, wait_handle& b) noexcept { std::swap(a.event_, b.event_); }

  /// Waits until it is signalled. Reading that makes visible what happened before cancel (R93). Throws object_disposed.
  void wait() const { event_->wait(std::nullopt); }
  /// The same for at most `time`; a negative one, cts::infinite included, does not wait. Times beyond a hundred years
  /// are without end.
  /// @return whether it is signalled. Throws object_disposed; std::out_of_range for NaN
  template <class Rep, class Period>
  bool wait_for(std::chrono::duration<Rep, Period> time) const {
    return event_->wait(detail::end_of_wait(time, "wait_handle::wait_for"));
  }
  /// The same until its clock shows `time` or more, for any clock with now(); a point that has passed does not wait. If
  /// the clock is set back meanwhile, the wait goes on; if it is set on, that is noticed when the time is over that was
  /// left before.
  template <class Clock, class Dur>
  bool wait_until(std::chrono::time_point<Clock, Dur> time) const {
    for (;;) {
      auto const left =
          detail::time_between(Clock::now().time_since_epoch(), time.time_since_epoch(), "wait_handle::wait_until");
      if (event_->wait(detail::end_of_wait(left, "wait_handle::wait_until"))) return true;
      if (left <= left.zero()) return false;
    }
  }
  /// A descriptor, the same each time, that poll, select and epoll report as readable once the handle is signalled or
  /// disposed. It is open as long as a copy of this handle or the source's state lives; do not read from it or close
  /// it. Opened by the first call. Linux: an eventfd; other POSIX systems: the end of a pipe. Throws std::system_error
  /// (always where there are none: Windows), object_disposed.
  int native_handle() const { return event_->descriptor(); }

  /// Whether both are the same handle.
  friend bool operator==(wait_handle const& a, wait_handle const& b) noexcept { return a.event_ == b.event_; }

  /// Waits until any of them is signalled, or for at most `time`. O(handles).
  /// @return the index of the first that is; nothing if the time is over. Throws object_disposed if one of them is
  /// disposed,
  ///   std::bad_alloc, std::invalid_argument if there are none, std::out_of_range as wait_for does
  template <class Rep, class Period>
  static std::optional<std::size_t> wait_any_for(std::span<wait_handle const> handles,
                                                 std::chrono::duration<Rep, Period> time) {
    return any(handles, detail::end_of_wait(time, "wait_handle::wait_any_for"));
  }
  /// Without end.
  static std::size_t wait_any(std::span<wait_handle const> handles) { return *any(handles, std::nullopt); }

 private:
  friend cancellation_token;
  explicit wait_handle(detail::event* owned) noexcept : event_(owned) {}

  static std::optional<std::size_t> any(std::span<wait_handle const> handles,
                                        std::optional<std::chrono::steady_clock::time_point> until) {
    if (handles.empty())
      throw std::invalid_argument("wait_handle::wait_any: no handles were supplied; at least one is needed");
    detail::event::observer told;
    struct watch {
      std::span<wait_handle const> handles;
      detail::event::observer& told;
      std::size_t n = 0;
      ~watch() {
        while (n != 0) handles[--n].event_->remove(told);
      }
    } watching{handles, told};
    for (wait_handle const& h : handles) {
      h.event_->add(told);
      ++watching.n;
    }
    told.wait(until);
    for (std::size_t i = 0; i < handles.size(); ++i)
      if (handles[i].event_->is_signalled()) return i;
    return std::nullopt;
  }

  detail::event* event_;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_WAIT_HANDLE_HPP
