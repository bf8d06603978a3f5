// SPDX-License-Identifier: BSL-1.0
/// @file
/// The armed timers of a service: wheels (timer_wheel.hpp) with a lock each, and the time until which the keeper
/// sleeps.
///
/// A timer stays in the wheel of the thread that armed it first. So threads that arm and disarm timers of their own
/// take different locks.
///
///     wake_at_                        a thread that arms a timer
///       poked     0                   does nothing: another thread has called the keeper
///       a tick    the keeper sleeps   calls the keeper if the timer is due before that tick
///       always    ~0                  calls the keeper: it looks into the wheels, or there is none
#pragma once
#ifndef CTS_DETAIL_TIMERS_ARMED_TIMERS_HPP
#define CTS_DETAIL_TIMERS_ARMED_TIMERS_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>

#include "cts/core/platform.hpp"
#include "cts/protocol/memory_orders.hpp"
#include "cts/detail/timers/crew_rules.hpp"
#include "cts/detail/timers/timer_wheel.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Thread-safe. @tparam World see timer_service.hpp
template <class World>
class armed_timers {
  using platform = typename World::platform;
  using rules = core::step<platform, crew_rules>;
  using wheel_type = core::step<platform, timer_wheel>;
  using lock = std::unique_lock<typename World::mutex>;
  template <class T>
  using atomic = typename platform::template atomic<T>;

 public:
  using tick = timer_wheel::tick;
  static constexpr tick never = timer_wheel::never;
  static constexpr tick always = timer_wheel::never;
  static constexpr tick poked = 0;

  struct entry : timer_entry {
    using timer_entry::timer_entry;
    atomic<std::uint32_t> home{0};  // its wheel's number plus one; 0: none yet
  };

  /// Arms `e`, or changes its due tick, if `wanted()`, which runs under the wheel's lock.
  /// @return the number of this arming, and with it a reference to the owner (W3), if the keeper must be called: it
  /// sleeps beyond `due`. Nothing otherwise.
  template <class Wanted>
  std::optional<std::uint32_t> arm(entry& e, tick due, Wanted wanted) {
    partition& p = home_of(e);
    lock const hold(p.mutex);
    if (!wanted()) return std::nullopt;
    p.wheel.disarm(e);
    p.wheel.arm(e, due);
    std::uint32_t const arming = e.armings;
    if (due >= wake_at_.load(site::timer_wake_ask)) return std::nullopt;  // W1: under the wheel's lock
    e.actions->acquire(e);
    return arming;
  }
  /// @param then called under the wheel's lock
  /// @return whether `e` has never fired
  template <class Then>
  bool disarm(entry& e, Then then) noexcept {
    partition& p = home_of(e);
    lock const hold(p.mutex);
    p.wheel.disarm(e);
    then();
    return !e.has_fired;
  }
  /// Undoes the arming of that number. False if the timer has fired, or was disarmed or armed again since.
  bool take_back(entry& e, std::uint32_t arming) noexcept {
    partition& p = home_of(e);
    lock const hold(p.mutex);
    if (!rules::is_still_armed(e.is_armed(), e.armings, arming)) return false;
    p.wheel.disarm(e);
    return true;
  }
  /// Takes out the earliest timer that is due, with a reference to its owner.
  /// @param next where there is none: a tick before which none is due
  timer_entry* take_due(std::chrono::nanoseconds now, tick& next) noexcept {
    tick const current = timer_wheel::current_tick(now);
    for (;;) {
      partition* const first = earliest(next);
      if (first == nullptr || next > current) return nullptr;
      unsigned steps = most_steps;
      lock const hold(first->mutex);
      if (timer_entry* const e = first->wheel.pop(current, steps)) return e;
    }
  }
  /// A snapshot.
  bool any() noexcept {
    tick next = never;
    return earliest(next) != nullptr;
  }

  /// W1. From now on a thread that arms a timer due before `t` calls the keeper.
  void wake_at(tick t, site s) noexcept { wake_at_.store(t, s); }

  void lock_all() noexcept {
    for (partition& p : partitions_) p.mutex.lock();
  }
  void unlock_all() noexcept {
    for (partition& p : partitions_) p.mutex.unlock();
  }

 private:
  static constexpr unsigned most_steps = 64;  // entries that are spread while a wheel's lock is held

  struct alignas(platform::line) partition {
    typename World::mutex mutex;
    wheel_type wheel;
  };

  partition& home_of(entry& e) noexcept {
    std::uint32_t home = e.home.load(site::timer_home_ask);
    if (home == 0) {
      auto const mine = static_cast<std::uint32_t>(platform::thread_index() % World::partitions + 1);
      if (e.home.compare_exchange(home, mine, site::timer_home_set)) home = mine;
      else home = e.home.load(site::timer_home_ask);
    }
    return partitions_[home - 1];
  }
  /// The wheel with the earliest timer; null if nothing is armed. O(partitions).
  partition* earliest(tick& next) noexcept {
    next = never;
    partition* first = nullptr;
    for (partition& p : partitions_) {
      lock const hold(p.mutex);
      if (tick const t = p.wheel.next(); t < next) {
        next = t;
        first = &p;
      }
    }
    return first;
  }

  partition partitions_[World::partitions];
  alignas(platform::line) atomic<tick> wake_at_{always};  // every thread that arms reads it
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_ARMED_TIMERS_HPP
