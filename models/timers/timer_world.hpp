// SPDX-License-Identifier: BSL-1.0
/// @file
/// The World of the timer service (detail/timers/timer_service.hpp) in the models: a lock, a condition, a clock and
/// threads.
///
/// A timed wait asks one question. A thread that finds no notification may conclude that its time has come, however
/// late that is. So the executions contain every order of notifications and of waits that end by time, and no thread
/// has to move a clock. Waits beyond the horizon do not end by time, so a lost wake-up is a livelock and not a delay.
#pragma once

#include <cerrno>
#include <mutex>

#include "checker/harness.hpp"

namespace cts::models {

/// A lock, like those of the timers and the event.
class lock_word {
 public:
  struct unset {};
  lock_word() {
    rl::preemption_disabler const unpublished(rl::ctx());
    reset();
  }
  /// Without a value: reset() is called before each execution.
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
  std::chrono::nanoseconds horizon{0};  // a wait beyond it does not end by time
  bool rushes = false;     // each look at the clock is an hour later, so a thread without work ends at once
  unsigned available = 0;  // how many more threads can be started
  unsigned started = 0;
  bool over = false;

  /// Faults that depend on the calling thread's last steps look here.
  struct steps {
    bool start_failed = false;  // it could not start a thread, and has armed nothing since
    bool pops = false;          // it takes a due timer out of a wheel
  };
  steps of_threads[reduction::most + 1];  // the last: of before() and after()
  steps& mine() {
    auto const i = static_cast<std::size_t>(rl::thread_index());
    return of_threads[i < reduction::most ? i : reduction::most];
  }
  unsigned wheels = 0;  // how many were made

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
    /// Under the lock. With two waiters it would have to choose one.
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
    the_time.mine().start_failed = the_time.available == 0;
    if (the_time.available == 0) return EAGAIN;
    --the_time.available;
    ++the_time.started;
    return 0;
  }
};

}  // namespace cts::models
