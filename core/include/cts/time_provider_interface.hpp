// SPDX-License-Identifier: BSL-1.0
/// @file
/// The interface of clocks with timers. Include time_provider.hpp, which adds the system's clock.
#pragma once
#ifndef CTS_TIME_PROVIDER_INTERFACE_HPP
#define CTS_TIME_PROVIDER_INTERFACE_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <chrono>
#include <functional>
#include <memory>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// A clock and its timers, for code that must run on another clock than the system's: .NET's TimeProvider (R83).
///
/// Implementations must allow concurrent calls of all members. A time_provider must outlive the sources that use it,
/// the calls of its timers' functions that are on their way, and the calls of cancellation_token::remaining on their
/// tokens.
class time_provider {
 public:
  /// A timer, which fires once each time it is armed.
  class timer {
   public:
    /// Disarms the timer. It may wait for a call of the timer's function that is on its way on another thread, but need
    /// not. That function may destroy the timer: a callback may destroy the source.
    virtual ~timer() = default;
    /// Arms the timer, or changes its due time. Thread-safe.
    /// @param due the time from now; negative: disarms
    /// @return false if the timer could not be changed
    virtual bool change(std::chrono::nanoseconds due) = 0;
  };

  /// Destroys the provider.
  virtual ~time_provider() = default;
  /// The current time. Thread-safe. It may throw; the caller of the library then gets the exception.
  virtual std::chrono::steady_clock::time_point now() const = 0;
  /// Makes a timer. Thread-safe. It may throw; the caller of the library then gets the exception.
  /// @param fire the timer's function: called once each time the timer is due, on any thread, possibly before this
  /// returns
  /// @param due the time from now; negative: the timer is not armed yet
  virtual std::unique_ptr<timer> create_timer(std::function<void()> fire, std::chrono::nanoseconds due) = 0;

  /// The provider of the system: the steady clock, and timers on threads of the library. A callback that blocks delays
  /// no other timer by more than a few milliseconds. Thread-safe. It is never destroyed.
  CTS_SHARED_SYMBOL static time_provider& system();
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_TIME_PROVIDER_INTERFACE_HPP
