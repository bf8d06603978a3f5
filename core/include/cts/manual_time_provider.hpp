// SPDX-License-Identifier: BSL-1.0
/// @file
/// A clock for tests.
#pragma once
#ifndef CTS_MANUAL_TIME_PROVIDER_HPP
#define CTS_MANUAL_TIME_PROVIDER_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "cts/time_provider.hpp"

namespace cts {
inline namespace CTS_ABI {

/// A clock that stands still until a test advances it.
///
/// It starts at the epoch of the steady clock and ends at that clock's largest time point, 292 years later. A timer
/// that would be due after the end is due at the end. Thread-safe.
class manual_time_provider : public time_provider {
 public:
  /// Starts the clock at the epoch.
  manual_time_provider() = default;
  manual_time_provider(manual_time_provider const&) = delete;
  manual_time_provider& operator=(manual_time_provider const&) = delete;

  /// The time of the clock. Thread-safe.
  std::chrono::steady_clock::time_point now() const override {
    std::lock_guard const lock(clock_->mutex);
    return clock_->now;
  }
  /// Makes a timer, which fires in advance(). Thread-safe.
  std::unique_ptr<timer> create_timer(std::function<void()> fire, std::chrono::nanoseconds due) override {
    auto t = std::make_unique<manual_timer>(clock_, std::move(fire));
    t->change(due);
    return t;
  }

  /// Moves the clock by `by`, but not beyond its end, and fires the timers that become due, the earliest first, on the
  /// calling thread. While a timer fires, the clock shows its due time. advance((std::chrono::nanoseconds::max)())
  /// fires every armed timer.
  ///
  /// A timer that is armed meanwhile fires, too, if it is due by the end of this advance. So a timer that arms itself
  /// with a due time of zero each time it fires never lets advance return. Only a timer that is armed meanwhile for the
  /// end of the clock is left to the next advance. A timer's function may call advance; the outer call then goes on
  /// from the time of the inner one.
  ///
  /// Thread-safe, waits for nothing, O(timers) for each timer that fires. Throws std::out_of_range if `by` is negative,
  /// and what a timer's function throws; then the clock stays at that timer's due time.
  void advance(std::chrono::nanoseconds by) {
    if (by < by.zero())
      throw std::out_of_range("manual_time_provider::advance: the time is " + std::to_string(by.count()) +
                              " ns; allowed are 0 and more, because the clock does not go back");
    std::unique_lock lock(clock_->mutex);
    auto const end = clock_->in(by);
    std::uint64_t const begun = clock_->serial;
    for (;;) {
      auto const first = clock_->first(end, begun);
      if (first == clock_->armed.end()) break;
      std::shared_ptr<shot> s = *first;
      clock_->armed.erase(first);
      clock_->now = (std::max)(clock_->now, s->due);
      lock.unlock();
      s->fire();
      s.reset();  // the last owner, if the timer was destroyed meanwhile: its function may own what uses this clock
      lock.lock();
    }
    clock_->now = (std::max)(clock_->now, end);
  }

 private:
  using time_point = std::chrono::steady_clock::time_point;
  struct shot {
    std::function<void()> fire;
    time_point due{};
    std::uint64_t serial = 0;
  };
  struct clock {
    mutable std::mutex mutex;
    time_point now{};
    std::uint64_t serial = 0;                  // of the last arming
    std::vector<std::shared_ptr<shot>> armed;  // in the order of arming, so that the first of equals fires first

    /// The time after `delay`, which is not negative.
    time_point in(std::chrono::nanoseconds delay) const noexcept {
      return delay < (time_point::max)() - now ? now + delay : (time_point::max)();
    }
    /// The earliest timer that is due by `end`, in an advance that began after the arming `begun`.
    std::vector<std::shared_ptr<shot>>::iterator first(time_point end, std::uint64_t begun) {
      auto const is_due = [&](shot const& s) {
        return s.due <= end && (s.due < (time_point::max)() || s.serial <= begun);
      };
      auto best = armed.end();
      for (auto at = armed.begin(); at != armed.end(); ++at)
        if (is_due(**at) && (best == armed.end() || (*at)->due < (*best)->due)) best = at;
      return best;
    }
  };
  class manual_timer final : public timer {
   public:
    manual_timer(std::shared_ptr<clock> on, std::function<void()> fire)
        : clock_(std::move(on)), shot_(std::make_shared<shot>()) {
      shot_->fire = std::move(fire);
    }
    ~manual_timer() override { change(std::chrono::nanoseconds(-1)); }
    bool change(std::chrono::nanoseconds due) override {
      std::lock_guard const lock(clock_->mutex);
      std::erase(clock_->armed, shot_);
      if (due < std::chrono::nanoseconds::zero()) return true;
      shot_->due = clock_->in(due);
      shot_->serial = ++clock_->serial;
      clock_->armed.push_back(shot_);
      return true;
    }

   private:
    std::shared_ptr<clock> const clock_;
    std::shared_ptr<shot> const shot_;
  };
  std::shared_ptr<clock> const clock_ = std::make_shared<clock>();
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_MANUAL_TIME_PROVIDER_HPP
