// SPDX-License-Identifier: BSL-1.0
/// @file
/// The timer of a state, on a timer service. A template over the state's parts, so that the models run it (G17).
#pragma once
#ifndef CTS_DETAIL_TIMERS_SYSTEM_ALARM_HPP
#define CTS_DETAIL_TIMERS_SYSTEM_ALARM_HPP

#include <chrono>

#include "cts/core/callback.hpp"
#include "cts/protocol/state.hpp"
#include "cts/detail/timers/timer_service.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Cancels `s` on the timer's thread and gives the timer's reference back. R33.
template <class Parts>
void cancel_by_timer(basic_state<Parts>& s) noexcept {
  if (s.request_timeout(true) == request_result::won) {
    typename Parts::failures failed;
    s.notify(failed, false);
    if (failed.any()) Parts::unhandled(failed);
  }
  s.drop();
}

/// @tparam Parts beside the needs of basic_state: timers(), the service, and unhandled(failures&)
/// @tparam Service the service's type
template <class Parts, class Service>
class basic_system_alarm : private Service::entry {
  using state = basic_state<Parts>;

 public:
  explicit basic_system_alarm(state* owner) noexcept : Service::entry(actions_of_alarms), owner_(owner) {}

  /// Arms the timer for `when`, by the service's clock, if `wanted()`, which runs under the lock that disarm() takes.
  /// The timer may fire, and its owner end, before this returns. O(1). Throws std::system_error if no thread can be
  /// started; then the timer is not armed.
  template <class Wanted>
  void arm(std::chrono::nanoseconds when, Wanted wanted) {
    Parts::timers().arm(*this, when, wanted);
  }
  /// @param then called under the lock that `wanted()` of arm() runs under
  /// @return whether the timer has never fired
  template <class Then = core::nothing_else>
  bool disarm(Then then = {}) noexcept {
    return Parts::timers().disarm(*this, then);
  }

 private:
  static state& owner_of(timer_entry& e) noexcept { return *static_cast<basic_system_alarm&>(e).owner_; }
  static void acquire(timer_entry& e) noexcept { owner_of(e).share(); }
  static void release(timer_entry& e) noexcept { owner_of(e).drop(); }
  static void fire(timer_entry& e) noexcept { detail::cancel_by_timer(owner_of(e)); }
  static constexpr timer_actions actions_of_alarms{&acquire, &release, &fire};

  state* const owner_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_SYSTEM_ALARM_HPP
