// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_POSIX_SIGNAL_HPP
#define CTS_POSIX_SIGNAL_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <initializer_list>

#include "cts/cancellation_token_source.hpp"
#include "cts/detail/signals/console_events.hpp"
#include "cts/detail/signals/posix_signals.hpp"

namespace cts {
inline namespace CTS_ABI {

/// Has a token canceled by the first of some signals: signal_cancellation stop({SIGINT, SIGTERM}).
///
/// The callbacks run on a thread of this object, never in the handler; their exceptions go to the error sink or end the
/// process, as those of a timer do (set_error_sink, R33). The second signal, of any of them, has its default action: a
/// user who presses Ctrl+C again ends a program that does not react. Interrupted system calls go on (SA_RESTART).
///
/// In a child made by fork the signals have their default action. The thread receives the signals if all other threads
/// block them. All members but the destructor may be called by several threads at once.
///
/// Windows: SIGINT is Ctrl+C, SIGBREAK Ctrl+Break, SIGTERM the end of the console, the session or the system. The
/// callbacks run on the system's thread; after those of SIGTERM the system ends the process. The destructor does not
/// wait for them; they keep what they need.
class signal_cancellation {
 public:
  /// Replaces the handlers of these signals, also of signals that are ignored. Signals of several objects must differ.
  /// Throws std::invalid_argument if there is none or a number that is none; std::system_error:
  /// device_or_resource_busy if another object has one of them, invalid_argument if it cannot be caught (SIGKILL), or
  /// if there is no pipe or no thread; std::bad_alloc. Nothing is replaced then.
  // NOLINTNEXTLINE(google-explicit-constructor): a list of numbers is no such object
  explicit signal_cancellation(std::initializer_list<int> numbers) : watcher_(numbers) {}
  signal_cancellation(signal_cancellation const&) = delete;
  signal_cancellation& operator=(signal_cancellation const&) = delete;
  /// Puts the former handlers back, except where the program has set others since. Waits for callbacks that run on the
  /// thread, and for handlers; one of the callbacks may call it, and then it waits for none. Does not cancel.
  ~signal_cancellation() = default;

  /// A token that the first signal cancels. It may outlive this object; then nothing cancels it.
  // NOLINTNEXTLINE(bugprone-exception-escape): a source that is not disposed has a token
  [[nodiscard]] cancellation_token token() const noexcept { return watcher_.token(); }
  /// The number of the first signal, 0 before it. It is there before the token is canceled. A plain load.
  [[nodiscard]] int signal() const noexcept { return watcher_.signal(); }

 private:
  detail::signal_watcher<cancellation_token_source> watcher_;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_POSIX_SIGNAL_HPP
