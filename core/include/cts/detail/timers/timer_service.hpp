// SPDX-License-Identifier: BSL-1.0
/// @file
/// Timers and the threads that run their callbacks.
///
/// Armed timers are in wheels (timer_wheel.hpp), each with a lock of its own; a timer stays in the wheel of the thread
/// that has armed it first, so that threads which arm and disarm do not meet. Library threads have roles:
///
///   keeper    at most one: sleeps until the next timer is due, then runs what is due, one callback after the other;
///   watcher   at most one: if a callback of the keeper has not returned after `patience`, it becomes the keeper; the
///   former keeper, when
///             it comes back, becomes the watcher or ends;
///   blocked   those whose role was taken over while they ran a callback.
///
///   W1  an armed timer is due no earlier than the time in wake_at_, or somebody has set poked_ since the keeper last
///   looked: the keeper
///       first writes "always" into wake_at_, then looks into every wheel under its lock, then writes the time until
///       which it sleeps. A thread that arms, under the lock of its wheel, comes before that look, which finds the
///       timer, or after it, and then it reads what was written before the look;
///   W2  wherever callbacks run, there is a watcher, unless no thread could be started: then the next one that arms
///   tries again, and
///       jobs that are there already run before the callback, which may wait for them;
///   W3  an entry is touched under its wheel's lock only, but by the thread that pops it or arms it; each of those
///   holds a reference to
///       the entry's owner, taken under that lock, for as long as it touches it outside;
///   W4  a role changes under crew_mutex_ only; no thread holds that lock and the lock of a wheel at once, and none
///   starts a thread or runs
///       foreign code under either;
///   W5  a job that post() has taken is run: there is a keeper that sees it, or a watcher that becomes one;
///   W6  as long as stop() waits for a callback, timers are served and threads started as ever, since the callback may
///   wait for them.
///
/// W1 … W6 are model-checked (models/timers/timer_models.cpp). A template over what it is made of, so that the models
/// run it. `World` has
///   platform, partitions
///   mutex                         lock(), unlock()
///   condition                     wait_until(std::unique_lock<mutex>&, nanoseconds), notify_one(), notify_all()
///   now()                         a clock that does not go back, in nanoseconds
///   start(service&)               starts a thread that calls service.run_thread(); 0, or an error number
///   joins                         a thread that has ended must be joined: thread_name self(), join(thread_name),
///   join(thread_name, nanoseconds)
#pragma once
#ifndef CTS_DETAIL_TIMERS_TIMER_SERVICE_HPP
#define CTS_DETAIL_TIMERS_TIMER_SERVICE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <system_error>

#include "cts/core/platform.hpp"
#include "cts/protocol/memory_orders.hpp"
#include "cts/detail/timers/timer_wheel.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Something to be run once on a library thread, in its owner's memory.
struct background_job {
  using function = void (*)(background_job&) noexcept;
  explicit background_job(function f) noexcept : run(f) {}
  function const run;
  background_job* next = nullptr;
};

template <class World>
class basic_timer_service {
 public:
  using platform = typename World::platform;

 private:
  template <class T>
  using atomic = typename platform::template atomic<T>;
  using lock = std::unique_lock<typename World::mutex>;
  using tick = timer_wheel::tick;
  using nanoseconds = std::chrono::nanoseconds;

 public:
  /// How long a callback may keep the others waiting before another thread goes on with them. Half of it for each
  /// thread that is blocked already, down to a sixteenth.
  static constexpr nanoseconds patience = std::chrono::milliseconds(5);
  /// How long a thread that has nothing to do stays.
  static constexpr nanoseconds idle = std::chrono::seconds(2);

  /// A timer of this service.
  struct entry : timer_entry {
    using timer_entry::timer_entry;
    atomic<std::uint32_t> home{0};  // which wheel it uses, plus one; 0: none yet
  };

  basic_timer_service() noexcept = default;
  basic_timer_service(basic_timer_service const&) = delete;
  basic_timer_service& operator=(basic_timer_service const&) = delete;

  /// Arms `e`, or changes when it is due, unless `wanted()`, which is asked under the lock of the wheel, says no. O(1);
  /// no system call but where the timer is due before everything else. Throws std::system_error if there is no thread
  /// and none can be started; then what this call has armed is not armed, and has not fired. The owner of `e` must hold
  /// it until this returns only if it throws: it may fire at once.
  template <class Wanted>
  void arm(entry& e, nanoseconds due, Wanted wanted) {
    tick const at = timer_wheel::due_tick(due);
    timer_actions const& actions = *e.actions;
    partition& p = home_of(e);
    std::uint32_t arming = 0;
    {
      lock const hold(p.mutex);
      if (!wanted()) return;
      p.wheel.disarm(e);
      p.wheel.arm(e, at);
      arming = e.armings;
      if (at >= wake_at_.load(site::timer_wake_ask)) return;
      if (!platform::mutation(mutation::poke_without_reference)) actions.acquire(e);  // W3
    }
    int const error = poke();
    bool const refused = error != 0 && (platform::mutation(mutation::refused_stays_armed) ||
                                        take_back(e, arming));  // else a thread has come to it all the same
    if (!platform::mutation(mutation::poke_without_reference)) actions.release(e);
    if (refused) throw std::system_error(error, std::generic_category(), "cts: no thread for timers can be started");
  }
  /// Afterwards `e` does not fire; a shot that is on its way has its reference. O(1), no system call.
  /// @return whether it has never fired
  bool disarm(entry& e) noexcept {
    partition& p = home_of(e);
    lock const hold(p.mutex);
    p.wheel.disarm(e);
    return !e.has_fired;
  }

  /// Has `job`, which must live until this has returned, run on a library thread, soon, whatever callbacks are running.
  /// O(1), waits for nothing.
  /// @return false if no thread is to be had: then nothing has changed
  bool post(background_job& job) noexcept {
    {
      lock const hold(crew_mutex_);
      job.next = nullptr;
      *(first_job_ == nullptr ? &first_job_ : &last_job_->next) = &job;
      last_job_ = &job;
    }
    if (poke(!platform::mutation(mutation::post_pokes_like_arm)) == 0 ||
        platform::mutation(mutation::refused_stays_posted))
      return true;
    lock const hold(crew_mutex_);  // has a thread come to it all the same?
    return !take_back(job) && !platform::mutation(mutation::refused_although_run);
  }

  /// The life of a library thread.
  void run_thread() noexcept {
    worker self;
    lock hold(crew_mutex_);
    --starting_;
    self.next = workers_;
    workers_ = &self;
    self.generation = generation_;
    self.idle_since = World::now();
    while ((!is_over(self) || first_job_ != nullptr) && work(self, hold)) {}
    if (watcher_ == &self) watcher_ = nullptr;
    if (keeper_ == &self) {
      keeper_ = nullptr;
      // W1: a poke that has come after the last look
      if (!platform::mutation(mutation::keeper_ends_poked)) wake_at_.store(always, site::timer_wake_set);
    }
    worker** at = &workers_;
    while (*at != &self) at = &(*at)->next;
    *at = self.next;
    --threads_;
    if constexpr (World::joins) {
      auto const before = ended_;
      bool const has_before = has_ended_;
      ended_ = World::self();
      has_ended_ = true;
      gone_.notify_all();
      hold.unlock();
      if (has_before) World::join(before);  // so at most one is not joined
    } else if (!platform::mutation(mutation::end_untold)) {
      gone_.notify_all();
    }
  }

  /// Ends the threads that have nothing to do, and waits until `until` for those that run callbacks, but not for the
  /// calling one. Timers that are due fire as long as it waits for a callback (W6). A timer that is armed stays armed;
  /// the next one that is armed starts a thread, which serves both.
  /// @return whether all have ended
  bool stop(nanoseconds until) noexcept {
    lock hold(crew_mutex_);
    stopping_ = true;
    ++generation_;
    wake_at_.store(always, site::timer_wake_set);
    worker* const me = here();
    unsigned const mine = me != nullptr && !platform::mutation(mutation::stop_waits_for_itself) ? 1 : 0;
    if (mine != 0) me->stops = true;
    if (!platform::mutation(mutation::stop_wakes_nobody)) wake_all();
    while (threads_ > mine && World::now() < until) gone_.wait_until(hold, until);
    stopping_ = false;
    if (mine != 0) me->stops = false;
    if (threads_ > mine) {
      ++generation_;  // those that have served callbacks end now
      wake_all();
      return false;
    }
    if constexpr (World::joins) {
      if (has_ended_) {
        auto const last = ended_;
        has_ended_ = false;
        hold.unlock();
        World::join(last, until);
      }
    }
    return true;
  }

  // --- around fork: the child has only the thread that called it ---
  void lock_all() noexcept {
    crew_mutex_.lock();
    for (partition& p : partitions_) p.mutex.lock();
  }
  void unlock_all() noexcept {
    for (partition& p : partitions_) p.mutex.unlock();
    crew_mutex_.unlock();
  }
  /// In the child, instead of unlock_all(). What is armed stays armed; the next one who arms starts a thread.
  void forget_threads() noexcept {
    sleep_.forget_waiters();
    watch_.forget_waiters();
    gone_.forget_waiters();
    worker* mine = workers_;
    while (mine != nullptr && mine->name != platform::this_thread()) mine = mine->next;
    if (mine != nullptr) {
      mine->next = nullptr;
      mine->taken_over = false;
    }
    workers_ = mine;
    threads_ = mine != nullptr ? 1 : 0;
    blocked_ = starting_ = 0;
    stopping_ = false;
    keeper_ = watcher_ = nullptr;
    has_ended_ = false;
    ++generation_;
    wake_at_.store(always, site::timer_wake_set);
    unlock_all();
  }

  /// Whether a timer is armed. O(partitions). A snapshot.
  bool any_armed() noexcept {
    for (partition& p : partitions_) {
      lock const hold(p.mutex);
      if (p.wheel.next() != timer_wheel::never) return true;
    }
    return false;
  }
  /// How many threads there are. A snapshot.
  unsigned threads() noexcept {
    lock const hold(crew_mutex_);
    return threads_;
  }

 private:
  static constexpr tick always = timer_wheel::never;  // in wake_at_: whoever arms pokes
  static constexpr tick poked = 0;                    // nobody does: it has been done

  struct alignas(platform::line) partition {
    typename World::mutex mutex;
    basic_timer_wheel<platform> wheel;
  };
  /// In the frame of a library thread.
  struct worker {
    worker* next = nullptr;
    std::uintptr_t const name = platform::this_thread();
    unsigned generation = 0;
    bool busy = false;        // runs a callback
    bool taken_over = false;  // … and is the keeper no more
    bool stops = false;       // … which has called stop()
    nanoseconds idle_since{};
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

  /// Sees to it that the keeper looks at the wheels and the jobs. @return 0, or why there is no thread that could
  /// @param must a keeper that runs a callback, with nobody to take over, will not do
  int poke(bool must = false) noexcept {
    {
      lock const hold(crew_mutex_);
      poked_ = true;
      if (!stopping_ &&
          !platform::mutation(
              mutation::stop_is_final)) {  // these go on, whatever a stop() that has given up waiting has told them
        if (keeper_ != nullptr) keeper_->generation = generation_;
        if (watcher_ != nullptr) watcher_->generation = generation_;
      }
      bool const stuck = keeper_ != nullptr && keeper_->busy && watcher_ == nullptr;
      if ((keeper_ != nullptr && !stuck) || watcher_ != nullptr) {
        wake_at_.store(poked, site::timer_wake_set);
        if (keeper_ == nullptr) watch_.notify_one();
        else if (!keeper_->busy && !platform::mutation(mutation::poke_without_waking)) sleep_.notify_one();
        return 0;
      }
      if ((stopping_ && !is_waited_for()) || (stuck && starting_ != 0 && !must))
        return must ? static_cast<int>(std::errc::operation_canceled) : 0;
      ++threads_;
      ++starting_;
    }
    int const error = World::start(*this);
    if (error == 0) return 0;
    lock const hold(crew_mutex_);
    if (!platform::mutation(mutation::failed_start_counts)) not_started();
    return keeper_ != nullptr && !must ? 0 : error;
  }
  /// What the arming of that number has done. False: it has fired, or was disarmed, or another thread has armed it
  /// since.
  bool take_back(entry& e, std::uint32_t arming) noexcept {
    partition& p = home_of(e);
    lock const hold(p.mutex);
    if (!e.is_armed() || (e.armings != arming && !platform::mutation(mutation::refused_takes_all))) return false;
    p.wheel.disarm(e);
    return true;
  }
  void wake_all() noexcept {
    sleep_.notify_all();
    watch_.notify_all();
  }
  void not_started() noexcept {
    --threads_;
    --starting_;
    gone_.notify_all();
  }
  bool take_back(background_job& job) noexcept {
    background_job* before = nullptr;
    for (background_job* j = first_job_; j != nullptr; before = j, j = j->next) {
      if (j != &job) continue;
      (before == nullptr ? first_job_ : before->next) = j->next;
      if (last_job_ == j) last_job_ = before;
      return true;
    }
    return false;
  }

  /// One round of a library thread, under crew_mutex_. False: it ends.
  bool work(worker& self, lock& hold) noexcept {
    if (keeper_ == nullptr) {
      keeper_ = &self;
      if (watcher_ == &self) watcher_ = nullptr;
    }
    if (keeper_ == &self) return keep(self, hold);
    if (watcher_ == nullptr) watcher_ = &self;
    return watcher_ == &self && watch(self, hold);
  }

  bool keep(worker& self, lock& hold) noexcept {
    poked_ = false;
    if (!platform::mutation(mutation::timer_sleeps_on)) wake_at_.store(always, site::timer_wake_set);  // W1
    if (background_job* const job = next_job()) {
      run(self, hold, [job]() noexcept { job->run(*job); });
      return true;
    }
    if (is_over(self)) return false;
    hold.unlock();
    nanoseconds const now = World::now();
    tick next = timer_wheel::never;
    timer_entry* const e = take_due(now, next);
    hold.lock();
    if (e != nullptr) {
      run(self, hold, [e]() noexcept { e->actions->fire(*e); });
      return true;
    }
    if (first_job_ != nullptr && !platform::mutation(mutation::job_lost_at_stop))
      return true;  // W5: before anything else
    if (is_over(self)) return false;
    if (poked_ && !platform::mutation(mutation::timer_ignores_pokes)) return true;
    nanoseconds until = timer_wheel::time_of(next);
    if (next == timer_wheel::never) {
      until = self.idle_since + idle;
      if (now >= until) return false;  // W1: "always" stays
    }
    wake_at_.store(timer_wheel::due_tick(until), site::timer_wake_set);
    sleep_.wait_until(hold, until);
    return true;
  }
  /// Takes it out; null if there is none.
  background_job* next_job() noexcept {
    background_job* const job = first_job_;
    if (job != nullptr) first_job_ = job->next;
    if (first_job_ == nullptr) last_job_ = nullptr;
    return job;
  }
  /// The earliest that is due; else null, and a tick before which nothing is.
  timer_entry* take_due(nanoseconds now, tick& next) noexcept {
    tick const current = timer_wheel::current_tick(now);
    for (;;) {
      next = timer_wheel::never;
      partition* first = nullptr;
      for (partition& p : partitions_) {
        if (platform::mutation(mutation::looks_into_one_wheel) && &p != partitions_) break;
        lock const hold(p.mutex);
        if (tick const t = p.wheel.next(); t < next) {
          next = t;
          first = &p;
        }
      }
      if (first == nullptr || next > current) return nullptr;
      unsigned steps = most_steps;
      lock const hold(first->mutex);
      if (timer_entry* const e = first->wheel.pop(current, steps)) return e;
    }
  }

  /// Runs a callback, with somebody there to take over (W2).
  template <class Callback>
  void run(worker& self, lock& hold, Callback callback) noexcept {
    self.busy = true;  // before a thread is started: no job that is posted meanwhile relies on this one
    busy_until_ = World::now() + patience / (1u << (blocked_ < 4 ? blocked_ : 4));
    // One that another thread is starting does if there is nothing to be done but timers: that start may fail.
    if (watcher_ == nullptr && (starting_ == 0 || first_job_ != nullptr) &&
        !platform::mutation(mutation::run_without_watcher)) {
      ++threads_;
      ++starting_;
      hold.unlock();
      int const error = World::start(*this);
      hold.lock();
      if (error != 0) {
        not_started();
        if (!platform::mutation(mutation::failed_start_untold))
          wake_at_.store(always, site::timer_wake_set);  // W2: the next thread that arms tries again
        while (!platform::mutation(mutation::jobs_after_callback)) {
          background_job* const job = next_job();  // the callback may wait for it
          if (job == nullptr) break;
          hold.unlock();
          job->run(*job);
          hold.lock();
        }
      }
    } else if (watcher_ != nullptr && watched_until_ > busy_until_ && !platform::mutation(mutation::watcher_not_told)) {
      watch_.notify_one();
    }
    hold.unlock();
    callback();
    hold.lock();
    self.busy = false;
    if (self.taken_over) --blocked_;
    self.taken_over = false;
    self.idle_since = World::now();
    if (stopping_ && !platform::mutation(mutation::waited_for_untold)) wake_all();  // W6: it may have been the last
  }

  bool watch(worker& self, lock& hold) noexcept {
    bool const busy = keeper_->busy;
    nanoseconds const now = World::now(), until = busy ? busy_until_ : self.idle_since + idle;
    if (now >= until && !busy) return false;
    if (now >= until && !platform::mutation(mutation::watcher_waits_on)) {
      keeper_->taken_over = true;
      ++blocked_;
      keeper_ = &self;
      watcher_ = nullptr;
      return true;
    }
    watched_until_ = until;
    watch_.wait_until(hold, until);
    watched_until_ = (nanoseconds::max)();
    if (busy) self.idle_since = now;
    return true;
  }
  /// stop() has ended the life of that thread. What has been posted is run before, and W6.
  bool is_over(worker const& self) const noexcept {
    return stopping_ ? !is_waited_for(&self) : self.generation != generation_;
  }
  /// Whether stop() waits for a callback, on another thread than `but`.
  bool is_waited_for(worker const* but = nullptr) const noexcept {
    if (platform::mutation(mutation::stop_forsakes_callbacks)) return false;
    for (worker const* w = workers_; w != nullptr; w = w->next)
      if (w != but && w->busy && !w->stops) return true;
    return false;
  }
  worker* here() const noexcept {
    worker* w = workers_;
    while (w != nullptr && w->name != platform::this_thread()) w = w->next;
    return w;
  }

  static constexpr unsigned most_steps = 64;

  partition partitions_[World::partitions];
  alignas(platform::line) atomic<tick> wake_at_{always};  // every thread that arms reads it

  // Under crew_mutex_ from here on.
  alignas(platform::line) typename World::mutex crew_mutex_;
  typename World::condition sleep_;  // the keeper
  typename World::condition watch_;  // the watcher
  typename World::condition gone_;   // whoever waits for threads to end
  worker* workers_ = nullptr;
  worker* keeper_ = nullptr;
  worker* watcher_ = nullptr;
  background_job* first_job_ = nullptr;
  background_job* last_job_ = nullptr;
  bool poked_ = false;
  unsigned generation_ = 0;  // a thread of an earlier one ends
  unsigned threads_ = 0;     // those that are being started, too
  unsigned starting_ = 0;
  bool stopping_ = false;  // stop() waits
  unsigned blocked_ = 0;
  nanoseconds busy_until_{};                          // when the keeper's callback has taken too long
  nanoseconds watched_until_ = (nanoseconds::max)();  // when the watcher wakes by itself
  bool has_ended_ = false;
  typename World::thread_name ended_{};
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_TIMER_SERVICE_HPP
