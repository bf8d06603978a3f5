// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_TIME_PROVIDER_HPP
#define CTS_TIME_PROVIDER_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <chrono>
#include <functional>
#include <memory>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// A clock and its timers: .NET's TimeProvider. R83. It must outlive the sources that use it, and calls to
/// cancellation_token::remaining on their tokens. All members must be safe to call concurrently.
class time_provider {
 public:
  /// One shot at a time. The destructor disarms it; it need not wait for a shot that is on its way, and may be called
  /// from within one (by a callback that destroys the source).
  class timer {
   public:
    virtual ~timer() = default;
    /// Arms it, counted from now; negative: disarms it. False if it could not.
    virtual bool change(std::chrono::nanoseconds due) = 0;
  };

  virtual ~time_provider() = default;
  virtual std::chrono::steady_clock::time_point now() const = 0;
  /// @param fire called once for each time the timer is due, on any thread, also from within this very call
  /// @param due counted from now; negative: not armed yet
  virtual std::unique_ptr<timer> create_timer(std::function<void()> fire, std::chrono::nanoseconds due) = 0;

  /// The steady clock, and timers on threads of the library (detail/timers/system_timers.hpp): a callback that blocks
  /// delays no other timer by more than a few milliseconds. Lives for ever.
  CTS_SHARED_SYMBOL static time_provider& system();
};

}  // namespace CTS_ABI
}  // namespace cts

#include "cts/detail/timers/system_timers.hpp"

#endif  // CTS_TIME_PROVIDER_HPP
