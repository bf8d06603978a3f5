// SPDX-License-Identifier: BSL-1.0
/// @file
/// Sets the timer of a source (G17): when it is made, by cancel_after and by cancel_at.
#pragma once
#ifndef CTS_DETAIL_TIMERS_SOURCE_TIMER_HPP
#define CTS_DETAIL_TIMERS_SOURCE_TIMER_HPP

#include <chrono>
#include <memory>
#include <type_traits>

#include "cts/detail/cancel.hpp"
#include "cts/detail/checked/source_scopes.hpp"
#include "cts/detail/parts.hpp"
#include "cts/detail/timers/duration.hpp"
#include "cts/detail/timers/system_time_provider.hpp"
#include "cts/object_disposed.hpp"
#include "cts/time_provider_interface.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Sets the timer of `s` by `set(alarm, wanted)`, see basic_state::arm. Throws object_disposed.
template <class Set>
void arm(state& s, Set set) {
  if (s.arm(set) == request_result::disposed) throw object_disposed();
}

/// Gives a new source its timer.
/// @param due negative: never
/// @param positive whether the delay was above zero before it was truncated: only exactly zero cancels at once (R78)
inline void begin_timer(state& s, std::chrono::milliseconds due, bool positive, time_provider& clock) {
  bool const system = std::addressof(clock) == std::addressof(time_provider::system());
  if (due.count() == 0 && !positive) detail::cancel_overdue(s);
  else if (!system) detail::arm(s, [&](alarm& a, auto) { a.use(clock, due); });
  else if (due.count() >= 0) detail::arm(s, [&](alarm& a, auto wanted) { a.arm(due, wanted); });
}

inline void cancel_after(state& s, std::chrono::milliseconds due) {
  call_scope const scope(s, source_verb::cancel_after);
  detail::arm(s, [&](alarm& a, auto wanted) { a.arm(due, wanted); });
}

/// The time that Clock shows; of the steady clock, the time that the source's time_provider shows.
template <class Clock>
auto now_of(state& s) {
  if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>) {
    alarm const* const a = s.timer();
    return (a != nullptr ? a->now() : std::chrono::steady_clock::now()).time_since_epoch();
  } else return Clock::now().time_since_epoch();
}

/// Sets the timer to `when`.
/// @return false: that point has passed, and the timer is as before
template <class Clock, class Dur>
bool arm_at(state& s, std::chrono::time_point<Clock, Dur> when) {
  call_scope const scope(s, source_verb::cancel_after);
  if (s.is_disposed()) throw object_disposed();
  auto const left = detail::time_between(detail::now_of<Clock>(s), when.time_since_epoch(), "cancel_at");
  if (left <= left.zero()) return false;
  bool const reachable = left < (left.max)() && when < (when.max)();
  std::chrono::nanoseconds const due = reachable ? left : std::chrono::nanoseconds(-1);  // -1 disarms
  detail::arm(s, [&](alarm& a, auto wanted) { a.arm(due, wanted); });
  return true;
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_SOURCE_TIMER_HPP
