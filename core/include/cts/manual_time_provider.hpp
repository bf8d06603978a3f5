// SPDX-License-Identifier: BSL-1.0
/// @file
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

/// A clock that stands still until it is advanced, for tests. Starts at the epoch of the steady clock and ends at the
/// largest time point of that clock, 292 years later: what would be due after the end is due at the end. Thread-safe.
class manual_time_provider : public time_provider {
 public:
  manual_time_provider() = default;
  manual_time_provider(manual_time_provider const&) = delete;
  manual_time_provider& operator=(manual_time_provider const&) = delete;

  std::chrono::steady_clock::time_point now() const override {
    std::lock_guard const lock(clock_->mutex);
    return clock_->now;
  }
  std::unique_ptr<timer> create_timer(std::function<void()> fire, std::chrono::nanoseconds due) override {
    auto t = std::make_unique<manual_timer>(clock_, std::move(fire));
    t->change(due);
    return t;
  }

  /// Moves the clock on and runs, on this thread, what becomes due, the earliest first; the clock shows each one's due
  /// time while it runs. advance((std::chrono::nanoseconds::max)()) runs everything that is armed. The clock stops at
  /// its end.
  ///
  /// A timer that is armed meanwhile runs too if it is due by the end of this advance, also one that its own shot arms
  /// with a due time of zero; one that does so each time never lets advance return. Only what is armed meanwhile for
  /// the end of the clock waits for the next advance. A shot may call advance: that one returns when it is done, and
  /// the outer one goes on from there. Waits for nothing. Lets the exceptions of shots out; then the clock stays at
  /// that time. Throws std::out_of_range if `by` is negative. O(timers) a shot.
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
      std::shared_ptr<shot> const s = *first;
      clock_->armed.erase(first);
      clock_->now = (std::max)(clock_->now, s->due);
      lock.unlock();
      s->fire();
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
    std::uint64_t serial = 0;  // of what was armed last
    std::vector<std::shared_ptr<shot>>
        armed;  // in the order in which they were armed, so that the first of equals goes first

    /// The time in `delay`, which is not negative.
    time_point in(std::chrono::nanoseconds delay) const noexcept {
      return delay < (time_point::max)() - now ? now + delay : (time_point::max)();
    }
    /// The earliest that is due by `end` in an advance that began after `begun`.
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
