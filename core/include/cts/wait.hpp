// SPDX-License-Identifier: BSL-1.0
/// @file
/// Waits that a token interrupts: condition_variable_any, sleep_for, sleep_until and wait_any, for every token that
/// token_traits knows: cancellation_token, stop_token, inplace_stop_token, std::stop_token.
///
/// A cancel is never lost between the look at the token and the sleep (detail/waits/waiting_room.hpp, G23). A wait that
/// is interrupted registers one callback per token, inside its own frame: no allocation, unless the token's registry
/// must grow. The callback only wakes the waiter.
///
/// Clocks: a duration is counted by the steady clock. A point in time is compared with its own clock; if that one is
/// set back, the wait goes on; if it is set on, this is noticed when the time is over that was left before. Durations
/// and points that have passed do not wait; what is more than a hundred years away is without end.
#pragma once
#ifndef CTS_WAIT_HPP
#define CTS_WAIT_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "cts/cancellation_callback.hpp"
#include "cts/detail/waits/waiting_room.hpp"
#include "cts/token_traits.hpp"

namespace cts {
inline namespace CTS_ABI {

/// std::condition_variable_any, whose interruptible waits take every token. [thread.condition.condvarany]
/// All members but the destructor may be called by several threads at once. If a lock cannot be locked again, the
/// program ends. What a wait throws leaves with the lock locked.
class condition_variable_any {
 public:
  /// One allocation. Throws std::bad_alloc.
  condition_variable_any() : room_(std::make_shared<detail::waiting_room>()) {}
  condition_variable_any(condition_variable_any const&) = delete;
  condition_variable_any& operator=(condition_variable_any const&) = delete;
  /// Threads that have been notified may still be on their way out of a wait. [thread.condition.condvarany]
  ~condition_variable_any() = default;

  /// Wakes one of the waiting threads, if there is one.
  void notify_one() noexcept { room_->notify_one(); }
  /// Wakes all waiting threads.
  void notify_all() noexcept { room_->notify_all(); }

  /// Waits for a notification, with `lock` unlocked meanwhile; may return for no reason. [thread.condvarany.wait]
  template <class Lock>
  void wait(Lock& lock) {
    auto const room = room_;  // the destructor may come before this returns
    room->sleep(lock, std::nullopt, &never);
  }
  /// Waits until `pred()`, which is called with `lock` locked. Throws what `pred` throws.
  template <class Lock, class Predicate>
  void wait(Lock& lock, Predicate pred) {
    while (!pred()) wait(lock);
  }
  /// wait(lock) that ends when the clock shows `time`. Throws std::out_of_range for NaN, and what the clock throws.
  template <class Lock, class Clock, class Duration>
  std::cv_status wait_until(Lock& lock, std::chrono::time_point<Clock, Duration> const& time) {
    return sleep(lock, at(time));
  }
  /// Waits until `pred()` or until the clock shows `time`.
  /// @return pred()
  template <class Lock, class Clock, class Duration, class Predicate>
  bool wait_until(Lock& lock, std::chrono::time_point<Clock, Duration> const& time, Predicate pred) {
    auto const room = room_;
    return room->wait(lock, at(time), &never, pred);
  }
  /// wait(lock) that ends after `time`. Throws std::out_of_range for NaN.
  template <class Lock, class Rep, class Period>
  std::cv_status wait_for(Lock& lock, std::chrono::duration<Rep, Period> const& time) {
    return sleep(lock, after(time));
  }
  /// Waits until `pred()` or for `time`.
  /// @return pred()
  template <class Lock, class Rep, class Period, class Predicate>
  bool wait_for(Lock& lock, std::chrono::duration<Rep, Period> const& time, Predicate pred) {
    auto const room = room_;
    return room->wait(lock, after(time), &never, pred);
  }

  /// Waits until `pred()` or until `token` is stopped. `pred` is called with `lock` locked, and once more after a stop:
  /// the answer may be true although the token is stopped. Throws what `pred` throws, and std::bad_alloc for a
  /// cancellation_token whose registry cannot grow. [thread.condvarany.intwait]
  /// @return pred()
  template <class Lock, any_stop_token Token, class Predicate>
  bool wait(Lock& lock, Token token, Predicate pred) {
    return interruptible(lock, token, detail::without_end(), pred);
  }
  /// The same, at most until the clock shows `time`. Throws as wait_until, too.
  template <class Lock, any_stop_token Token, class Clock, class Duration, class Predicate>
  bool wait_until(Lock& lock, Token token, std::chrono::time_point<Clock, Duration> const& time, Predicate pred) {
    return interruptible(lock, token, at(time), pred);
  }
  /// The same for at most `time`. Throws as wait_for, too.
  template <class Lock, any_stop_token Token, class Rep, class Period, class Predicate>
  bool wait_for(Lock& lock, Token token, std::chrono::duration<Rep, Period> const& time, Predicate pred) {
    return interruptible(lock, token, after(time), pred);
  }

 private:
  static bool never() noexcept { return false; }
  template <class Clock, class Duration>
  static detail::until_point<Clock, Duration> at(std::chrono::time_point<Clock, Duration> const& time) {
    return {time, "condition_variable_any::wait_until"};
  }
  template <class Rep, class Period>
  static detail::after_time after(std::chrono::duration<Rep, Period> const& time) {
    return detail::after_time(time, "condition_variable_any::wait_for");
  }
  template <class Lock, class Until>
  std::cv_status sleep(Lock& lock, Until const& until) {
    auto const room = room_;
    room->sleep(lock, until.end(), &never);
    return until.has_come() ? std::cv_status::timeout : std::cv_status::no_timeout;
  }
  template <class Lock, class Token, class Until, class Predicate>
  bool interruptible(Lock& lock, Token const& token, Until const& until, Predicate& pred) {
    using traits = token_traits<Token>;
    using registration = typename traits::template callback<detail::waiting_room::wake>;
    auto const room = room_;
    return room->template wait_registered<registration>(
        lock, token, until, [&token]() noexcept { return traits::stop_requested(token); }, pred);
  }

  std::shared_ptr<detail::waiting_room> const room_;  // shared with the waits
};

namespace detail {

/// The first of them that is stopped.
template <class... Tokens>
std::optional<std::size_t> first_stopped(Tokens const&... tokens) noexcept {
  std::size_t i = 0;
  bool const found = ((token_traits<Tokens>::stop_requested(tokens) || (static_cast<void>(++i), false)) || ...);
  return found ? std::optional(i) : std::nullopt;
}

/// Calls `body` with a callback registered on each token.
template <class Body, class Token, class... Tokens>
void with_registered(waiting_room& room, Body const& body, Token const& token, Tokens const&... others) {
  using wake = waiting_room::wake;
  typename token_traits<Token>::template callback<wake> const on_stop(token, wake{&room});
  if constexpr (sizeof...(others) == 0) body();
  else detail::with_registered(room, body, others...);
}

template <class Until, class... Tokens>
std::optional<std::size_t> await_any(Until const& until, Tokens const&... tokens) {
  auto const which = [&]() noexcept { return detail::first_stopped(tokens...); };
  if (auto const known = which(); known || until.has_come()) return known;
  waiting_room room;
  auto const body = [&] {
    no_lock none;
    auto const never = [] { return false; };
    room.wait(
        none, until, [&]() noexcept { return which().has_value(); }, never);
  };
  detail::with_registered(room, body, tokens...);
  return which();
}

/// A container or span of tokens of one type, one behind the other in memory.
template <class Range>
concept token_range = requires(Range const& range) {
  std::data(range);
  std::size(range);
  requires any_stop_token<std::remove_cvref_t<decltype(*std::data(range))>>;
};

template <class Until, class Token>
std::optional<std::size_t> await_any_of(Until const& until, std::span<Token const> tokens, char const* caller) {
  if (tokens.empty())
    throw std::invalid_argument(std::string(caller) + ": no tokens were supplied; at least one is needed");
  auto const which = [tokens]() noexcept -> std::optional<std::size_t> {
    for (std::size_t i = 0; i < tokens.size(); ++i)
      if (token_traits<Token>::stop_requested(tokens[i])) return i;
    return std::nullopt;
  };
  if (auto const known = which(); known || until.has_come()) return known;
  using wake = waiting_room::wake;
  using registration = typename token_traits<Token>::template callback<wake>;
  waiting_room room;
  auto const registrations = std::make_unique<std::optional<registration>[]>(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) registrations[i].emplace(tokens[i], wake{&room});
  no_lock none;
  auto const never = [] { return false; };
  room.wait(
      none, until, [&]() noexcept { return which().has_value(); }, never);
  return which();
}
/// The tokens of a range.
template <class Range>
auto tokens_of(Range const& range) noexcept {
  using token = std::remove_cvref_t<decltype(*std::data(range))>;
  return std::span<token const>(std::data(range), std::size(range));
}

}  // namespace detail

/// Waits until one of the tokens is stopped: as many as the call names, each of any type. O(tokens): one registration
/// for each, in this frame. Waits for ever if none of them can be stopped. Throws std::bad_alloc for a
/// cancellation_token whose registry cannot grow.
/// @return the index of a stopped token, the lowest if several are
template <any_stop_token... Tokens>
requires(sizeof...(Tokens) > 0) std::size_t wait_any(Tokens const&... tokens) {
  return *detail::await_any(detail::without_end(), tokens...);
}
/// The same for at most `time`. Throws std::out_of_range for NaN, too.
/// @return nothing if the time is over
template <class Rep, class Period, any_stop_token... Tokens>
requires(sizeof...(Tokens) > 0) std::optional<std::size_t> wait_any_for(std::chrono::duration<Rep, Period> const& time,
                                                                        Tokens const&... tokens) {
  return detail::await_any(detail::after_time(time, "wait_any_for"), tokens...);
}
/// The same until the clock shows `time`. Throws what reading the clock throws, too.
template <class Clock, class Duration, any_stop_token... Tokens>
requires(sizeof...(Tokens) >
         0) std::optional<std::size_t> wait_any_until(std::chrono::time_point<Clock, Duration> const& time,
                                                      Tokens const&... tokens) {
  return detail::await_any(detail::until_point<Clock, Duration>{time, "wait_any_until"}, tokens...);
}

/// Waits until one of the tokens in a span, vector or array is stopped; otherwise as the overload for single tokens.
/// One allocation, for the registrations; the tokens must stay where they are meanwhile.
/// @return the index of a stopped token, the lowest if several are
/// @throws std::invalid_argument if there are none
/// @throws std::bad_alloc
template <detail::token_range Range>
std::size_t wait_any(Range const& tokens) {
  return *detail::await_any_of(detail::without_end(), detail::tokens_of(tokens), "wait_any");
}
/// The same for at most `time`. Throws std::out_of_range for NaN, too.
/// @return nothing if the time is over
template <class Rep, class Period, detail::token_range Range>
std::optional<std::size_t> wait_any_for(std::chrono::duration<Rep, Period> const& time, Range const& tokens) {
  return detail::await_any_of(detail::after_time(time, "wait_any_for"), detail::tokens_of(tokens), "wait_any_for");
}
/// The same until the clock shows `time`. Throws what reading the clock throws, too.
template <class Clock, class Duration, detail::token_range Range>
std::optional<std::size_t> wait_any_until(std::chrono::time_point<Clock, Duration> const& time, Range const& tokens) {
  return detail::await_any_of(detail::until_point<Clock, Duration>{time, "wait_any_until"}, detail::tokens_of(tokens),
                              "wait_any_until");
}

/// Sleeps for `time`, or until `token` is stopped. A token that is stopped already, or a time that is not positive,
/// does not sleep. Throws std::out_of_range for NaN, std::bad_alloc for a cancellation_token whose registry cannot
/// grow.
/// @return true: it has slept through; false: the token is stopped
template <any_stop_token Token, class Rep, class Period>
bool sleep_for(Token const& token, std::chrono::duration<Rep, Period> const& time) {
  return !detail::await_any(detail::after_time(time, "sleep_for"), token);
}
/// The same until the clock shows `time`. Throws what reading the clock throws, too.
template <any_stop_token Token, class Clock, class Duration>
bool sleep_until(Token const& token, std::chrono::time_point<Clock, Duration> const& time) {
  return !detail::await_any(detail::until_point<Clock, Duration>{time, "sleep_until"}, token);
}

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_WAIT_HPP
