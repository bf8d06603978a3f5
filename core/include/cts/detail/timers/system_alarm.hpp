// SPDX-License-Identifier: BSL-1.0
/// @file
/// The timer of a state on the process's timer service. A template over the state's parts, so that the models run it.
#pragma once
#ifndef CTS_DETAIL_TIMERS_SYSTEM_ALARM_HPP
#define CTS_DETAIL_TIMERS_SYSTEM_ALARM_HPP

#include <chrono>

#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/state.hpp"
#include "cts/detail/timers/timer_service.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// What a timer does to its state, with a reference that it gives back.
template <class Parts>
void cancel_by_timer(basic_state<Parts>& s) noexcept {
  if (s.begin_late() == verdict::won) {
    typename Parts::failures failed;
    s.notify(failed, false);
    if (failed.any()) Parts::unhandled(failed);  // R33
  }
  s.drop();
}

/// @tparam Parts has timers(), the service, and unhandled(failures&), beside what basic_state needs
/// @tparam Service its type
template <class Parts, class Service>
class basic_system_alarm : private Service::entry {
  using state = basic_state<Parts>;
  using platform = typename Service::platform;

 public:
  explicit basic_system_alarm(state* owner) noexcept : Service::entry(actions_of_alarms), owner_(owner) {}

  /// Sets it to `when`, by the service's clock, if `wanted()`, which is asked under the lock that disarm() takes. It
  /// may fire, and the owner be gone, before this returns. O(1). Throws std::system_error if no thread can be started;
  /// then it is not armed.
  template <class Wanted>
  void arm(std::chrono::nanoseconds when, Wanted wanted) {
    Parts::timers().arm(*this, when, wanted);
  }
  /// @return whether it has never fired
  bool disarm() noexcept { return Parts::timers().disarm(*this); }

 private:
  static state& owner_of(timer_entry& e) noexcept { return *static_cast<basic_system_alarm&>(e).owner_; }
  static void acquire(timer_entry& e) noexcept {
    if (!platform::mutation(mutation::fire_without_reference)) owner_of(e).share();
  }
  static void release(timer_entry& e) noexcept {
    if (!platform::mutation(mutation::fire_without_reference)) owner_of(e).drop();
  }
  static void fire(timer_entry& e) noexcept {
    if (platform::mutation(mutation::fire_without_reference)) owner_of(e).share();  // too late
    detail::cancel_by_timer(owner_of(e));
  }
  static constexpr timer_actions actions_of_alarms{&acquire, &release, &fire};

  state* const owner_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_SYSTEM_ALARM_HPP
