// SPDX-License-Identifier: BSL-1.0
/// @file
/// The timer of a source: on the process's timer service, or of a time_provider of the source's own (R83).
#pragma once
#ifndef CTS_DETAIL_TIMERS_ALARM_HPP
#define CTS_DETAIL_TIMERS_ALARM_HPP

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "cts/detail/timers/system_alarm.hpp"
#include "cts/detail/timers/system_timers.hpp"
#include "cts/detail/timers/system_world.hpp"
#include "cts/time_provider_interface.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// A timer of a provider, and the way from it to the state. The provider's timer function holds this object, not the
/// state, because a provider may call it late. No code of the provider runs under the lock.
template <class State>
class custom_timer {
 public:
  custom_timer(time_provider& c, State* target) noexcept : clock(c), target_(target) {}
  time_provider& clock;

  void set(std::shared_ptr<time_provider::timer> t) noexcept {
    std::lock_guard const lock(mutex_);
    if (target_ != nullptr) timer_.swap(t);  // null: the timer has fired at once
  }
  void arm(std::chrono::nanoseconds due) {
    std::shared_ptr<time_provider::timer> t;
    {
      std::lock_guard const lock(mutex_);
      t = timer_;
    }
    if (t != nullptr) t->change(due);
  }
  /// The timer does not fire after this. Waits for no fire() that is on its way, as the destructor of the provider's
  /// timer may: while there is one, the provider's timer stays, and fire() destroys it if the source is disposed.
  void close(bool disposed) noexcept {
    std::shared_ptr<time_provider::timer> gone;
    std::lock_guard const lock(mutex_);
    target_ = nullptr;
    if (firing_ == 0) gone.swap(timer_);
    else if (disposed) ends_late_ = true;
  }
  void fire() noexcept {
    State* s;
    {
      std::lock_guard const lock(mutex_);
      s = target_;
      if (s == nullptr) return;
      s->share();  // under the lock that the source's end takes before it drops its own reference
      ++firing_;
    }
    detail::cancel_by_timer(*s);
    std::shared_ptr<time_provider::timer> gone;
    std::lock_guard const lock(mutex_);
    if (--firing_ == 0 && ends_late_) gone.swap(timer_);
  }

 private:
  std::mutex mutex_;
  State* target_;  // null: closed
  std::shared_ptr<time_provider::timer> timer_;
  unsigned firing_ = 0;     // calls of fire() that are on their way
  bool ends_late_ = false;  // the last of them destroys timer_
};

/// @tparam State the source's state
/// @tparam SystemAlarm its timer on the process's timer service
template <class State, class SystemAlarm>
class basic_alarm {
 public:
  using count = std::chrono::nanoseconds::rep;
  /// The due time of a timer that is not armed.
  static constexpr count never = (std::chrono::steady_clock::time_point::max)().time_since_epoch().count();

  explicit basic_alarm(State& owner) noexcept : owner_(owner), system_(std::addressof(owner)) {}
  basic_alarm(basic_alarm const&) = delete;
  basic_alarm& operator=(basic_alarm const&) = delete;
  ~basic_alarm() {
    if (custom_ != nullptr) custom_->close(true);
  }

  /// Takes an armed timer of `clock`. Only while no other thread knows the state. Throws what `clock` throws.
  void use(time_provider& clock, std::chrono::nanoseconds due) {
    note(clock.now(), due);
    custom_ = std::make_shared<custom_timer<State>>(clock, std::addressof(owner_));
    std::shared_ptr<time_provider::timer> t = clock.create_timer(
        [c = custom_] {
          // NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
          auto const held = c;  // a callback may destroy the timer, and this function with it
          held->fire();
        },
        due);
    if (t == nullptr) throw std::invalid_argument("the time_provider has created no timer (null)");
    custom_->set(std::move(t));
  }
  /// See basic_state::arm for `wanted`. A negative `due` disarms. Throws std::system_error, or what the provider
  /// throws.
  template <class Wanted>
  void arm(std::chrono::nanoseconds due, Wanted wanted) {
    if (custom_ != nullptr) return arm_custom(due, wanted);
    if (due < std::chrono::nanoseconds::zero()) return disarm();
    auto const at = detail::due_in(due);
    try {
      system_.arm(at, [this, at, &wanted] {
        if (!wanted()) return false;
        due_.store(at.count(), std::memory_order_relaxed);
        return true;
      });
    } catch (...) {  // not armed; the caller still holds the state
      count mine = at.count();
      due_.compare_exchange_strong(mine, never, std::memory_order_relaxed);  // unless another thread has armed it since
      throw;
    }
  }
  void disarm() noexcept {
    if (custom_ == nullptr) {
      system_.disarm([this] { forget_due(); });
      return;
    }
    forget_due();
    custom_->close(owner_.is_disposed());  // R3: cancel takes the timer away
  }
  /// Disarms the system's timer. False if it has ever fired, or if it is a provider's (R84).
  bool reset() noexcept {
    return custom_ == nullptr && system_.disarm([this] { forget_due(); });
  }

  /// The due time by its clock; `never` if it is not armed.
  count due() const noexcept { return due_.load(std::memory_order_relaxed); }
  /// The provider; null: the system's.
  time_provider* clock() const noexcept { return custom_ != nullptr ? std::addressof(custom_->clock) : nullptr; }
  std::chrono::steady_clock::time_point now() const {
    return custom_ != nullptr ? custom_->clock.now() : std::chrono::steady_clock::now();
  }

 private:
  void forget_due() noexcept { due_.store(never, std::memory_order_relaxed); }
  void note(std::chrono::steady_clock::time_point now, std::chrono::nanoseconds due) noexcept {
    using time_point = std::chrono::steady_clock::time_point;
    bool const ends = due >= due.zero() && (now < time_point() || due < (time_point::max)() - now);
    due_.store(ends ? (now + due).time_since_epoch().count() : never, std::memory_order_relaxed);
  }
  template <class Wanted>
  void arm_custom(std::chrono::nanoseconds due, Wanted& wanted) {
    typename State::reference const held(owner_);  // the provider may fire at once
    auto const now = custom_->clock.now();         // first: if it throws, the timer stays as it is
    custom_->arm(due);
    note(now, due);
    if (!wanted()) disarm();  // the lock of custom_timer orders this check and a canceller's disarm
  }

  State& owner_;
  SystemAlarm system_;
  std::shared_ptr<custom_timer<State>> custom_;  // set before another thread knows the state
  // Read by deadline(); decides nothing. That of the system's timer is written under the lock of its wheel.
  std::atomic<count> due_{never};
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_ALARM_HPP
