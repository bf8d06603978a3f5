// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_MANUAL_TIME_PROVIDER_HPP
#define CTS_MANUAL_TIME_PROVIDER_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "cts/time_provider.hpp"

namespace cts { inline namespace CTS_ABI {

/// A clock that stands still until it is advanced, for tests. Starts at the epoch of the steady clock. Thread-safe.
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

  /// Moves the clock on and runs, on this thread, what becomes due, the earliest first; the clock shows each one's due time
  /// while it runs. What is armed meanwhile is run too if it is due by the end. Waits for nothing; lets exceptions out, then the
  /// clock stays at that time. O(timers) a shot.
  void advance(std::chrono::nanoseconds by) {
    std::unique_lock lock(clock_->mutex);
    auto const end = clock_->now + by;
    for (;;) {
      auto const first = std::min_element(clock_->armed.begin(), clock_->armed.end(), [](auto const& a, auto const& b) { return a->due < b->due; });
      if (first == clock_->armed.end() || (*first)->due > end) break;
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
  struct shot {
    std::function<void()> fire;
    std::chrono::steady_clock::time_point due{};
  };
  struct clock {
    mutable std::mutex mutex;
    std::chrono::steady_clock::time_point now{};
    std::vector<std::shared_ptr<shot>> armed;  // in the order in which they were armed, so that the first of equals goes first
  };
  class manual_timer final : public timer {
   public:
    manual_timer(std::shared_ptr<clock> on, std::function<void()> fire) : clock_(std::move(on)), shot_(std::make_shared<shot>()) {
      shot_->fire = std::move(fire);
    }
    ~manual_timer() override { change(std::chrono::nanoseconds(-1)); }
    bool change(std::chrono::nanoseconds due) override {
      std::lock_guard const lock(clock_->mutex);
      std::erase(clock_->armed, shot_);
      if (due < std::chrono::nanoseconds::zero()) return true;
      shot_->due = clock_->now + due;
      clock_->armed.push_back(shot_);
      return true;
    }

   private:
    std::shared_ptr<clock> const clock_;
    std::shared_ptr<shot> const shot_;
  };
  std::shared_ptr<clock> const clock_ = std::make_shared<clock>();
};

}  }  // namespace cts

#endif  // CTS_MANUAL_TIME_PROVIDER_HPP
