// SPDX-License-Identifier: BSL-1.0
/// @file
/// The source, which requests cancellation for all its tokens.
#pragma once
#ifndef CTS_CANCELLATION_TOKEN_SOURCE_HPP
#define CTS_CANCELLATION_TOKEN_SOURCE_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <any>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <future>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <utility>

#include "cts/cancellation_token.hpp"
#include "cts/detail/cancel.hpp"
#include "cts/detail/checked/held_sources.hpp"
#include "cts/detail/checked/source_scopes.hpp"
#include "cts/detail/linked_state.hpp"
#include "cts/detail/parts.hpp"
#include "cts/detail/timers/delay.hpp"
#include "cts/detail/timers/source_timer.hpp"
#include "cts/detail/shared_source.hpp"
#include "cts/object_disposed.hpp"
#include "cts/shared.hpp"
#include "cts/time_provider.hpp"
#include "cts/token_traits.hpp"

namespace cts {
inline namespace CTS_ABI {

/// As a delay, never: the timer is not armed (R77).
inline constexpr std::chrono::milliseconds infinite{-1};

/// Requests cancellation: .NET's CancellationTokenSource.
///
/// Thread-safe: all members may be called concurrently, but dispose() comes last. A call that overlaps dispose() is
/// memory-safe (R61) and reported in checked builds. Assignment, a move, swap() and the destructor of the same object
/// must not overlap any other call. Movable, one pointer; a moved-from source may only be destroyed or assigned. Tokens
/// and registrations may outlive the source.
class cancellation_token_source {
 public:
  /// Makes a source. One allocation.
  /// @throws std::bad_alloc
  cancellation_token_source() : state_(detail::state::create()) {}
  /// Makes a source that cancels itself after `delay`, by the steady clock.
  ///
  /// `delay` is truncated to whole milliseconds; 0 to 4294967294 ms are allowed (R76). Exactly zero makes a canceled
  /// source without a timer (R78); a positive delay below 1 ms arms the timer. −1 ms (cts::infinite) means never (R77).
  /// @throws std::out_of_range for other delays
  /// @throws std::bad_alloc
  /// @throws std::system_error if no timer thread runs and none can be started
  template <class Rep, class Period>
  explicit cancellation_token_source(std::chrono::duration<Rep, Period> delay)
      : cancellation_token_source(delay, time_provider::system()) {}
  /// Makes a source that cancels itself after `delay`, by the clock and the timers of `clock`. R83.
  ///
  /// As the constructor without `clock`, but also throws what `clock` throws. `clock` must outlive the source.
  template <class Rep, class Period>
  cancellation_token_source(std::chrono::duration<Rep, Period> delay, time_provider& clock)
      : cancellation_token_source(detail::checked_delay(delay, "cancellation_token_source"), delay > delay.zero(),
                                  clock) {}
  /// Makes a source for a token that many threads use: see shared_t. One allocation.
  /// @throws std::bad_alloc
  explicit cancellation_token_source(shared_t)
      : state_(detail::state::create({.stripes = detail::stripes_of_a_shared_source()})) {}
  /// Makes such a source that cancels itself after `delay`; otherwise as the constructor without shared_t.
  template <class Rep, class Period>
  cancellation_token_source(shared_t tag, std::chrono::duration<Rep, Period> delay)
      : cancellation_token_source(tag, delay, time_provider::system()) {}
  /// Makes such a source that cancels itself after `delay`, by the clock and the timers of `clock`; otherwise as the
  /// constructor without shared_t.
  template <class Rep, class Period>
  cancellation_token_source(shared_t tag, std::chrono::duration<Rep, Period> delay, time_provider& clock)
      : cancellation_token_source(tag, detail::checked_delay(delay, "cancellation_token_source"), delay > delay.zero(),
                                  clock) {}
  /// Takes over the source `other`, which may then only be destroyed or assigned.
  cancellation_token_source(cancellation_token_source&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)) {}
  /// Disposes this source and takes over `other`, which may then only be destroyed or assigned.
  cancellation_token_source& operator=(cancellation_token_source&& other) noexcept {
    cancellation_token_source taken(std::move(other));
    taken.swap(*this);
    return *this;
  }
  /// As dispose(). R57, R63.
  ~cancellation_token_source() {
    if (state_ == nullptr) return;
    { detail::dispose_scope const scope(*state_); }
    std::exchange(state_, nullptr)->dispose_and_drop();
  }
  /// Exchanges two sources.
  void swap(cancellation_token_source& other) noexcept { std::swap(state_, other.state_); }
  /// Exchanges two sources.
  friend void swap(cancellation_token_source& a, cancellation_token_source& b) noexcept { a.swap(b); }

  /// Makes a source that is canceled when one of `parents` is, or when it is canceled itself. R65–R75.
  ///
  /// A parent cancels it in the order of the parent's callbacks (R69). If a parent is canceled already, so is the
  /// result (R67). Its dispose() removes its links; until then it stays registered with each parent (R70). One
  /// allocation, O(parents).
  ///
  /// The parents are any mix of tokens that token_traits knows: cancellation_token, stop_token, inplace_stop_token,
  /// std::stop_token and others with P2300's members. A parent that is no cancellation_token is foreign:
  /// - The link is its callback object, in the one allocation. It registers as that token's callbacks do, and lives
  ///   until dispose(), which waits for it. So an inplace_stop_source must outlive that dispose().
  /// - The foreign canceller runs the callbacks of the result inside its own, on its stack. Their exceptions go where
  ///   those of a timer's callbacks go (set_error_sink, R33).
  /// - cause() of the result is then `requested`, and origin() the result itself.
  /// @throws std::bad_alloc
  template <class... Tokens>
  requires(sizeof...(Tokens) > 0 && (any_stop_token<Tokens> && ...)) static cancellation_token_source
      create_linked(Tokens const&... parents) {
    return linked(0, parents...);
  }
  /// Makes a source that is linked to `parents` and cancels itself after `delay`, in one allocation.
  ///
  /// Delays and their exceptions are those of the constructor with a delay; the links are those of the other overload.
  /// The timer is set before the links. If anything is refused, no link and no timer is left.
  template <class Rep, class Period, class... Tokens>
  requires(sizeof...(Tokens) > 0 && (any_stop_token<Tokens> && ...)) static cancellation_token_source
      create_linked(std::chrono::duration<Rep, Period> delay, Tokens const&... parents) {
    return linked(0, delay, time_provider::system(), parents...);
  }
  /// The same by the clock and the timers of `clock`, which must outlive the source. Also throws what `clock` throws.
  template <class Rep, class Period, class... Tokens>
  requires(sizeof...(Tokens) > 0 && (any_stop_token<Tokens> && ...)) static cancellation_token_source
      create_linked(std::chrono::duration<Rep, Period> delay, time_provider& clock, Tokens const&... parents) {
    return linked(0, delay, clock, parents...);
  }
  /// Makes a source that is linked to all of `parents`; otherwise as the other overload.
  /// @throws std::invalid_argument if there are none (R66)
  /// @throws std::bad_alloc
  static cancellation_token_source create_linked(std::span<cancellation_token const> parents) {
    if (parents.empty()) throw std::invalid_argument("No tokens were supplied: create_linked needs at least one.");
    return linked(parents, 0);
  }
  /// Makes a source that is linked to `parents` and made for many threads: see shared_t. Otherwise as without it.
  template <class... Tokens>
  requires(sizeof...(Tokens) > 0 && (any_stop_token<Tokens> && ...)) static cancellation_token_source
      create_linked(shared_t, Tokens const&... parents) {
    return linked(detail::stripes_of_a_shared_source(), parents...);
  }
  /// The same, and cancels itself after `delay`.
  template <class Rep, class Period, class... Tokens>
  requires(sizeof...(Tokens) > 0 && (any_stop_token<Tokens> && ...)) static cancellation_token_source
      create_linked(shared_t, std::chrono::duration<Rep, Period> delay, Tokens const&... parents) {
    return linked(detail::stripes_of_a_shared_source(), delay, time_provider::system(), parents...);
  }
  /// The same by the clock and the timers of `clock`.
  template <class Rep, class Period, class... Tokens>
  requires(sizeof...(Tokens) > 0 && (any_stop_token<Tokens> && ...)) static cancellation_token_source
      create_linked(shared_t, std::chrono::duration<Rep, Period> delay, time_provider& clock,
                    Tokens const&... parents) {
    return linked(detail::stripes_of_a_shared_source(), delay, clock, parents...);
  }
  /// Makes a source that is linked to all of `parents` and made for many threads; otherwise as without shared_t.
  static cancellation_token_source create_linked(shared_t, std::span<cancellation_token const> parents) {
    if (parents.empty()) throw std::invalid_argument("No tokens were supplied: create_linked needs at least one.");
    return linked(parents, detail::stripes_of_a_shared_source());
  }

  /// Returns a token of this source. One read-modify-write.
  /// @throws object_disposed (R58)
  [[nodiscard]] cancellation_token token() const& {
    detail::source_calls::scope const call(state_->more(), detail::source_verb::token, state_);
    if (state_->is_disposed()) throw object_disposed();
    return cancellation_token(*state_);
  }
  /// Deleted, because a temporary source ends here: neither its timer nor its links would ever cancel the token.
  cancellation_token token() const&& = delete;
  /// Returns whether cancellation has been requested: see cancellation_token::is_cancellation_requested. R13.
  [[nodiscard]] bool is_cancellation_requested() const noexcept { return state_->is_cancellation_requested(); }

  /// Requests cancellation and runs the callbacks on this thread.
  ///
  /// Sets the flag, stops the timer, signals the wait handle and then runs the callbacks, the newest first, each once
  /// (R3, R26). If another call has requested cancellation before, does nothing and waits for nothing (R25). A callback
  /// may destroy this source (R34).
  /// @throws aggregate_exception after the last callback, with the exceptions of all callbacks (R28)
  /// @throws object_disposed also if the source was canceled before its dispose (R24)
  void cancel() { cancel(false); }
  /// Requests cancellation as cancel() does, and chooses when exceptions of callbacks leave it.
  /// @param throw_on_first_exception true: the first exception leaves at once, unchanged, and the callbacks that have
  ///   not run never will (R29)
  void cancel(bool throw_on_first_exception) {
    detail::cancel(*state_, throw_on_first_exception, detail::if_disposed::throws);
  }
  /// Requests cancellation as cancel() does, with a reason for cancellation_token::reason.
  ///
  /// @param value an std::exception_ptr or any other copyable value. If copying it throws, nothing has been done
  /// @param throw_on_first_exception as in cancel(bool)
  template <class T>
  void cancel_with_reason(T&& value, bool throw_on_first_exception = false) {
    auto why = std::make_unique<detail::reason>(std::any(std::forward<T>(value)));
    detail::cancel(*state_, throw_on_first_exception, detail::if_disposed::throws,
                   {std::move(why), &detail::report_reason<cancellation_token, operation_canceled>});
  }
  /// Requests cancellation as cancel() does, but does nothing if the source is disposed.
  /// @return whether this call has requested it
  /// @throws aggregate_exception as cancel() does; then this call has requested it
  bool try_cancel() { return detail::cancel(*state_, false, detail::if_disposed::returns); }

  /// As try_cancel(), under its name in P2300, whose stoppable_source this class models.
  bool request_stop() { return try_cancel(); }
  /// As token(), under its name in P2300.
  [[nodiscard]] cancellation_token get_token() const& { return token(); }
  /// Deleted as token() is.
  cancellation_token get_token() const&& = delete;
  /// As is_cancellation_requested(), under its name in P2300.
  [[nodiscard]] bool stop_requested() const noexcept { return is_cancellation_requested(); }
  /// Returns whether request_stop() can request cancellation, or cancellation has been requested: false for a source
  /// that was disposed before, or moved from. Once false, always false.
  [[nodiscard]] bool stop_possible() const noexcept {
    return state_ != nullptr && (state_->is_cancellation_requested() || !state_->is_disposed());
  }

  /// Requests cancellation and leaves the callbacks to a thread of the library, where they delay no other source.
  ///
  /// Before it returns, the flag is set, the timer stopped and the wait handle signalled (R37). Callbacks that have not
  /// begun can still be taken back (R41). They run even if the source is disposed meanwhile (R42). If no library thread
  /// runs and none can be started, they run here, so the request is never lost. R39.
  /// @return a future that is ready when the last callback has returned, with their aggregate_exception, and at once if
  ///   there are no callbacks or cancellation was requested before (R38, R40). Its destructor does not wait. If the
  ///   source is disposed, it holds object_disposed (R36)
  std::future<void> cancel_async() { return detail::cancel_async(*state_); }
  /// Requests cancellation as cancel_async() does, and leaves the callbacks to `executor`; makes no thread.
  ///
  /// Calls executor(f) once, here, if there are callbacks. `f` is a move-only function without arguments that throws
  /// nothing. Calling it, once, on any thread and at any time, runs the callbacks. An `f` that is destroyed without
  /// having been called runs them in its destructor: a request is never lost. So an executor that may drop `f` does not
  /// destroy it under a lock that a callback takes.
  /// @return a future as that of cancel_async()
  /// @throws std::invalid_argument if `executor` is null; then nothing has been done
  ///
  /// What `executor` throws leaves this function. Then cancellation has been requested, and the callbacks have run
  /// here, unless the executor has kept `f`.
  template <class Executor>
  requires std::invocable<Executor, detail::posted_cancel> std::future<void> cancel_async(Executor&& executor) {
    return detail::cancel_async(*state_, std::forward<Executor>(executor));
  }

  /// Sets the timer: the source is canceled after `delay`, counted from now. R76–R81.
  ///
  /// `delay` is truncated to whole milliseconds, as in the constructor, but zero cancels on a thread of the library
  /// (R79). Replaces the time set before (R80); −1 ms (cts::infinite) only takes that back. Does nothing if the source
  /// is canceled (R81). The timer runs the callbacks on a library thread; their exceptions go to the error sink or end
  /// the process (set_error_sink, R33). Usually O(1), at worst O(log timers).
  /// @throws std::out_of_range for a delay that is not allowed, before anything else
  /// @throws object_disposed
  /// @throws std::bad_alloc
  /// @throws std::system_error if no timer thread runs and none can be started
  template <class Rep, class Period>
  void cancel_after(std::chrono::duration<Rep, Period> delay) {
    detail::cancel_after(*state_, detail::checked_delay(delay, "cancel_after"));
  }
  /// Sets the timer: the source is canceled when Clock shows `when`, never earlier.
  ///
  /// Replaces the time set before and does nothing if the source is canceled, as cancel_after. Clock is any clock with
  /// now(); nanoseconds are rounded up.
  /// - If `when` has passed, this is cancel(): it runs the callbacks on this thread, and their aggregate_exception
  /// leaves
  ///   it. A source past its deadline reads as canceled at once, which cancel_after(0ms) does not promise (R79).
  /// - If `when` is the largest of its type, or further away than the steady clock reaches (292 years), the source is
  ///   never canceled by it.
  /// - A point of the steady clock is compared with the clock of the source's time_provider. For any other clock the
  ///   remaining time is read once, in this call: setting that clock later does not move it.
  ///
  /// Throws what cancel_after throws, what reading Clock throws, and std::out_of_range only for NaN.
  template <class Clock, class Dur>
  void cancel_at(std::chrono::time_point<Clock, Dur> when) {
    detail::state& s = *state_;
    if (!detail::arm_at(s, when)) detail::cancel_overdue(s);
  }
  /// Makes the source as new: stops the timer and removes all registrations, linked sources included, without running
  /// them. Destroys their callables, the newest first; what these register stays, but may go if the source is shared or
  /// another thread registers, too. R84–R86.
  ///
  /// Must not overlap cancel (R85). O(registrations at their peak).
  /// @return false, and nothing has changed, if the source is canceled, if its timer has ever fired, or if the timer is
  ///   not the system's
  /// @throws object_disposed
  bool try_reset() {
    detail::state& s = *state_;
    detail::call_scope const scope(s, detail::source_verb::try_reset);
    detail::request_result const v = s.try_reset();
    if (v == detail::request_result::disposed) throw object_disposed();
    return v == detail::request_result::won;
  }
  /// Ends the source: removes its links to its parents and stops its timer. Comes last. Idempotent.
  ///
  /// Does not cancel; callbacks that have not run never will. Waits for a parent that is canceling this source on
  /// another thread (R71), for nothing else. O(parents). R57–R64, R71–R74.
  void dispose() noexcept {
    if (state_ == nullptr) return;
    detail::state& s = *state_;
    detail::checked_reference const held(s);
    detail::dispose_scope const scope(s);
    s.dispose();  // may end this object, by a callable that it destroys
  }

  /// Returns the number of registered callbacks, linked sources included. A snapshot. O(registrations at their peak).
  [[nodiscard]] std::size_t registration_count() const noexcept { return state_->registry().count(); }

 private:
  friend detail::token_access;
  explicit cancellation_token_source(detail::state& s) noexcept : state_(&s) {}
  cancellation_token_source(std::chrono::milliseconds due, bool positive, time_provider& clock)
      : cancellation_token_source(*detail::state::create({.timer = true})) {
    detail::begin_timer(*state_, due, positive, clock);
  }
  cancellation_token_source(shared_t, std::chrono::milliseconds due, bool positive, time_provider& clock)
      : cancellation_token_source(
            *detail::state::create({.stripes = detail::stripes_of_a_shared_source(), .timer = true})) {
    detail::begin_timer(*state_, due, positive, clock);
  }

  /// @param stripes of a shared source; 0: a plain one
  template <class... Tokens>
  requires((any_stop_token<Tokens> && ...)) static cancellation_token_source
      linked(std::size_t stripes, Tokens const&... parents) {
    return cancellation_token_source(*detail::create_linked_state(
        {.stripes = stripes}, [](detail::state&) {}, parents...));
  }
  template <class Rep, class Period, class... Tokens>
  static cancellation_token_source linked(std::size_t stripes, std::chrono::duration<Rep, Period> delay,
                                          time_provider& clock, Tokens const&... parents) {
    auto const due = detail::checked_delay(delay, "create_linked");
    bool const positive = delay > delay.zero();
    return cancellation_token_source(*detail::create_linked_state(
        {.stripes = stripes, .timer = true},
        [due, positive, &clock](detail::state& s) { detail::begin_timer(s, due, positive, clock); }, parents...));
  }
  static cancellation_token_source linked(std::span<cancellation_token const> parents, std::size_t stripes) {
    std::size_t n = 0;
    for (cancellation_token const& p : parents) n += p.state_ != nullptr;
    cancellation_token_source child(*detail::state::create({.links = n, .stripes = stripes}));
    n = 0;
    for (cancellation_token const& p : parents)
      if (p.state_ != nullptr && !child.state_->link_to(n++, *p.state_)) throw std::bad_alloc();
    return child;
  }

  detail::state* state_;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CANCELLATION_TOKEN_SOURCE_HPP
