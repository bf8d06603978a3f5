// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the timer service of production (detail/timers/timer_service.hpp) runs on in the models: a lock, a condition, a
/// clock and threads.
///
/// A timed wait is one question: the thread that finds nothing new has waited until its time, however late that is. So
/// every order of a notification and of the end of a wait is among the executions, and no clock has to be moved by a
/// thread of its own. Waits beyond the horizon do not end by time; so a wake-up that is lost is a livelock, and not a
/// delay that nobody notices.
#pragma once

#include <cerrno>
#include <mutex>

#include "checker/harness.hpp"

#include "cts/detail/timers/timer_service.hpp"

namespace cts::models {

/// A lock, as the timers and the event of production have one.
class lock_word {
 public:
  struct unset {};
  lock_word() {
    rl::preemption_disabler const unpublished(rl::ctx());
    reset();
  }
  /// For one that reset() is called on before each execution.
  explicit lock_word(unset) {}
  void reset() { word_.store(0, rl::mo_relaxed, RL_INFO); }
  void lock() {
    for (;;) {
      {
        announced const step(this, true, rl::mo_acquire);
        int expected = 0;
        if (word_.compare_exchange_strong(expected, 1, rl::mo_acquire, rl::debug_info("lock", __FILE__, __LINE__)))
          return;
      }
      the_reduction.wait();
      rl::yield(1, RL_INFO);
    }
  }
  void unlock() {
    announced const step(this, true, rl::mo_release);
    word_.store(0, rl::mo_release, rl::debug_info("unlock", __FILE__, __LINE__));
  }

 private:
  rl::atomic<int> word_;
};

/// The clock, and the threads that may be started. Set by a model's before().
struct timeline {
  std::chrono::nanoseconds now{0};
  std::chrono::nanoseconds horizon{0};  // no wait beyond it ends by time
  bool rushes = false;     // each look at the clock is an hour later, so a thread that has nothing to do ends at once
  unsigned available = 0;  // how many threads can be started still
  unsigned started = 0;
  bool over = false;

  /// From now on every wait ends, and no thread can be started.
  void end() {
    the_reduction.touch(reduction::others, true);
    horizon = (std::chrono::nanoseconds::max)();
    available = 0;
    over = true;
  }
};
inline timeline the_time;

template <class Platform, std::size_t Partitions = 1>
struct timer_world {
  using platform = Platform;
  using mutex = lock_word;
  static constexpr std::size_t partitions = Partitions;
  static constexpr bool joins = false;
  using thread_name = int;

  class condition {
   public:
    condition() {
      rl::preemption_disabler const unpublished(rl::ctx());
      sequence_.store(0, rl::mo_relaxed, RL_INFO);
    }
    void wait_until(std::unique_lock<mutex>& hold, std::chrono::nanoseconds until) {
      unsigned const before = newest_;
      ++waiters_;
      hold.unlock();
      for (;;) {
        {
          announced const step(&sequence_, false, rl::mo_acquire);
          if (sequence_.load(rl::mo_acquire, rl::debug_info("has it been notified?", __FILE__, __LINE__)) != before)
            break;
        }
        if (has_come(until)) break;
        the_reduction.wait();
        rl::yield(1, RL_INFO);
      }
      hold.lock();
      --waiters_;
    }
    /// Under the lock. A condition that wakes one of two would have to choose.
    void notify_one() {
      require(waiters_ <= 1, "two threads sleep in the same role");
      notify_all();
    }
    void notify_all() {
      if (waiters_ == 0) return;
      ++newest_;
      announced const step(&sequence_, true, rl::mo_release);
      sequence_.store(newest_, rl::mo_release, rl::debug_info("notify", __FILE__, __LINE__));
    }
    void forget_waiters() { waiters_ = 0; }

   private:
    static bool has_come(std::chrono::nanoseconds until) {
      the_reduction.touch(reduction::others, false);
      if (until > the_time.horizon) return false;
      the_reduction.touch(reduction::others, true);
      if (the_time.now < until) the_time.now = until;
      return true;
    }
    rl::atomic<unsigned> sequence_;
    unsigned newest_ = 0, waiters_ = 0;  // under the lock
  };

  static std::chrono::nanoseconds now() {
    the_reduction.touch(reduction::others, the_time.rushes);
    return the_time.rushes ? the_time.now += std::chrono::hours(1) : the_time.now;
  }
  template <class Service>
  static int start(Service&) {
    the_reduction.touch(reduction::others, true);
    if (the_time.available == 0) return EAGAIN;
    --the_time.available;
    ++the_time.started;
    return 0;
  }
};

/// The life of the k-th library thread, if it is started.
template <class Service>
void live(Service& service, unsigned k) {
  Service::platform::await([k] {
    the_reduction.touch(reduction::others, false);
    return the_time.started > k || the_time.over;
  });
  if (the_time.started > k) service.run_thread();
}

}  // namespace cts::models
