// SPDX-License-Identifier: BSL-1.0
/// @file
/// Timers, and the crew of library threads that runs their callbacks. Guarantee G17.
///
/// Each library thread has a role:
///
///   keeper    At most one. It sleeps until the next timer is due, then runs the callbacks that are due, one by one.
///   watcher   At most one. It becomes the keeper if a callback of the keeper has not returned after `patience`.
///   blocked   A former keeper that still runs the callback.
///
///                 there is no keeper
///     started ───────────────────────────────▶ keeper ───────▶ ended     idle for `idle`, or stop()
///        │                                     ▲    │
///        │ there is no watcher                 │    │ its callback has run for `patience`
///        ▼           the keeper blocks or ends │    ▼
///     watcher ─────────────────────────────────┘  blocked     when its callback returns: as if just started
///        │
///        └──▶ ended     idle for `idle`, or stop(); a thread that finds both roles taken ends, too
///
///   W1  No armed timer is overslept. An armed timer is due no earlier than the tick in wake_at_, or a thread has set
///       was_called_ since the keeper last looked. The keeper writes "always" into wake_at_, then looks into every
///       wheel under its lock, then writes the tick until which it sleeps. A thread arms under the wheel's lock: before
///       that look, which then finds the timer, or after it, and then the thread reads a value not older than "always".
///   W2  While a callback runs there is a watcher, unless no thread could be started. In that case the next thread that
///       arms a timer tries again, and jobs posted before the callback run before it, because it may wait for them.
///   W3  An entry is read and written under its wheel's lock only, except by the thread that arms or pops it. Each of
///       those holds a reference to the entry's owner, taken under that lock.
///   W4  A role changes under crew_mutex_ only. No thread holds that lock and a wheel's lock at once, except around a
///       fork. No thread starts a thread or runs foreign code under either.
///   W5  A job that post() has accepted runs: the keeper sees it, or a watcher that becomes the keeper.
///   W6  While stop() waits for a callback, timers fire and threads start as before, because the callback may wait for
///       them.
///
/// The models check W1 … W6 (models/timers). `World` is the operating system, or the models' replacement:
///   platform, partitions
///   mutex                         lock(), unlock()
///   condition                     wait_until(std::unique_lock<mutex>&, nanoseconds), notify_one(), notify_all(),
///                                 forget_waiters()
///   now()                         a clock that never goes back, in nanoseconds
///   start(service&)               starts a thread that calls service.run_thread(); 0, or an error number
///   joins                         whether a thread that has ended must be joined; then also thread_name self(),
///                                 join(thread_name), join(thread_name, nanoseconds)
#pragma once
#ifndef CTS_DETAIL_TIMERS_TIMER_SERVICE_HPP
#define CTS_DETAIL_TIMERS_TIMER_SERVICE_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

#include "cts/core/callback.hpp"
#include "cts/core/platform.hpp"
#include "cts/protocol/memory_orders.hpp"
#include "cts/detail/timers/armed_timers.hpp"
#include "cts/detail/timers/background_jobs.hpp"
#include "cts/detail/timers/crew_events.hpp"
#include "cts/detail/timers/crew_rules.hpp"
#include "cts/detail/timers/crew_workers.hpp"
#include "cts/detail/timers/timer_wheel.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

template <class World>
class basic_timer_service {
 public:
  using platform = typename World::platform;

 private:
  using timer_set = armed_timers<World>;
  using rules = core::step<platform, crew_rules>;
  using events = core::step<platform, crew_events<World>>;
  using lock = std::unique_lock<typename World::mutex>;
  using tick = timer_wheel::tick;
  using nanoseconds = std::chrono::nanoseconds;

 public:
  /// How long a callback may delay the others before another thread takes over. Half of it for each thread that is
  /// blocked already, down to a sixteenth.
  static constexpr nanoseconds patience = std::chrono::milliseconds(5);
  /// How long a thread without work stays.
  static constexpr nanoseconds idle = std::chrono::seconds(2);

  /// A timer of this service.
  using entry = typename timer_set::entry;

  basic_timer_service() noexcept = default;
  basic_timer_service(basic_timer_service const&) = delete;
  basic_timer_service& operator=(basic_timer_service const&) = delete;

  /// Arms `e`, or changes its due time, if `wanted()`, which runs under the lock that disarm() takes. It may fire, and
  /// its owner end, before this returns. O(1); a system call only if the timer is due before all others. Throws
  /// std::system_error if there is no thread and none can be started; then this call has armed nothing, the timer has
  /// not fired for it, and the caller must still hold the owner.
  template <class Wanted>
  void arm(entry& e, nanoseconds due, Wanted wanted) {
    timer_actions const& actions = *e.actions;
    std::optional<std::uint32_t> const arming = timers_.arm(e, timer_wheel::due_tick(due), wanted);
    if (!arming) return;
    int const error = call_crew(crew_call::timer);
    bool const refused = error != 0 && timers_.take_back(e, *arming);  // otherwise a thread has come to it anyway
    actions.release(e);                                                // W3: until here the call holds the owner
    if (refused) throw std::system_error(error, std::generic_category(), "cts: no thread for timers can be started");
  }
  /// Afterwards `e` does not fire, except that a callback on its way, which holds a reference, still runs. O(1), no
  /// system call.
  /// @param then called under the lock that `wanted()` of arm() runs under
  /// @return whether it has never fired
  template <class Then = core::nothing_else>
  bool disarm(entry& e, Then then = {}) noexcept {
    return timers_.disarm(e, then);
  }

  /// Runs `job` soon on a library thread, whatever callbacks are running (W5). The job must live until it has run.
  /// O(1), waits for nothing.
  /// @return false if there is no thread; then nothing has changed
  bool post(background_job& job) noexcept {
    {
      lock const hold(crew_mutex_);
      jobs_.push(job);
    }
    if (call_crew(crew_call::job) == 0) return true;
    lock const hold(crew_mutex_);
    return !jobs_.remove(job);  // not there: a thread has come to it anyway
  }

  /// The life of a library thread.
  void run_thread() noexcept {
    worker self(platform::this_thread());
    lock hold(crew_mutex_);
    begin(self);
    while ((!is_over(self) || !jobs_.is_empty()) && work(self, hold)) {}  // W5
    end(self);
    events_.thread_ends();
    if constexpr (World::joins) {
      auto const before = std::exchange(ended_, World::self());
      hold.unlock();
      if (before) World::join(*before);  // so one thread at most is left to be joined
    }
  }

  /// Ends the threads that have no work, and waits until `until` for those that run callbacks, except the calling one.
  /// While it waits for a callback, timers fire (W6). An armed timer stays armed; the next thread that arms one starts
  /// a thread, which serves both.
  /// @return whether all threads have ended, the calling one aside
  bool stop(nanoseconds until) noexcept {
    lock hold(crew_mutex_);
    stopping_ = true;
    ++generation_;
    timers_.wake_at(timer_set::always, site::timer_wake_stop);
    worker* const me = workers_.find_calling();
    if (me != nullptr) me->has_called_stop = true;
    auto const left = [&] { return rules::threads_to_await(heads_.threads, me != nullptr); };
    events_.threads_shall_end();
    while (left() > 0 && World::now() < until) events_.await_end(hold, until);
    stopping_ = false;
    if (me != nullptr) me->has_called_stop = false;
    if (left() > 0) {
      ++generation_;  // the threads that have served callbacks end now
      events_.threads_shall_end();
      return false;
    }
    if constexpr (World::joins) {
      if (auto const last = std::exchange(ended_, std::nullopt)) {
        hold.unlock();
        World::join(*last, until);
      }
    }
    return true;
  }

  // --- around a fork, whose child has only the calling thread ---
  void lock_all() noexcept {
    crew_mutex_.lock();
    timers_.lock_all();
  }
  void unlock_all() noexcept {
    timers_.unlock_all();
    crew_mutex_.unlock();
  }
  /// In the child, instead of unlock_all(). Armed timers stay armed; the next thread that arms one starts a thread.
  void forget_threads() noexcept {
    events_.forget_waiters();
    heads_ = {workers_.keep_calling() != nullptr ? 1u : 0u, 0};
    blocked_ = 0;
    stopping_ = false;
    keeper_ = watcher_ = nullptr;
    ended_.reset();
    ++generation_;
    timers_.wake_at(timer_set::always, site::timer_wake_stop);
    unlock_all();
  }

  /// Whether a timer is armed. O(partitions). A snapshot.
  bool any_armed() noexcept { return timers_.any(); }
  /// The number of threads. A snapshot.
  unsigned threads() noexcept {
    lock const hold(crew_mutex_);
    return heads_.threads;
  }

 private:
  using worker = crew_worker;

  // --- a call ---

  /// Makes sure that a thread looks at the wheels and the jobs. @return 0, or why no thread will
  int call_crew(crew_call call) noexcept {
    {
      lock const hold(crew_mutex_);
      was_called_ = true;
      if (rules::keeps_threads(stopping_)) {
        if (keeper_ != nullptr) keeper_->generation = generation_;
        if (watcher_ != nullptr) watcher_->generation = generation_;
      }
      crew_answer const answer = rules::answer(state(), call);
      if (answer == crew_answer::refuses) return static_cast<int>(std::errc::operation_canceled);
      if (answer == crew_answer::leaves_it) return 0;
      if (answer != crew_answer::starts_thread) {
        timers_.wake_at(timer_set::poked, site::timer_wake_poke);
        if (answer == crew_answer::wakes_keeper) events_.keeper_is_called();
        if (answer == crew_answer::wakes_watcher) events_.watcher_is_called();
        return 0;
      }
      count_start();
    }
    int const error = World::start(*this);
    if (error == 0) return 0;
    lock const hold(crew_mutex_);
    count_failed_start();
    return rules::is_served(keeper_ != nullptr, call) ? 0 : error;
  }
  crew_state state() const noexcept {
    return {keeper_ != nullptr, keeper_ != nullptr && keeper_->is_busy, watcher_ != nullptr, heads_.starting != 0,
            stopping_ && !workers_.stop_waits_for_callback()};
  }

  // --- the life of a thread, under crew_mutex_ ---

  void begin(worker& self) noexcept {
    --heads_.starting;
    workers_.add(self);
    self.generation = generation_;
    self.idle_since = World::now();
  }
  void end(worker& self) noexcept {
    if (watcher_ == &self) watcher_ = nullptr;
    if (keeper_ == &self) {
      keeper_ = nullptr;
      timers_.wake_at(timer_set::always, site::timer_wake_end);  // W1: calls after its last look are for nobody
    }
    workers_.remove(self);
    --heads_.threads;
  }
  /// One round. False: the thread ends.
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
    was_called_ = false;
    timers_.wake_at(timer_set::always, site::timer_wake_look);  // W1: before it looks
    nanoseconds now{};
    tick next = timer_set::never;
    timer_entry* due = nullptr;
    keeper_step step = rules::before_look(!jobs_.is_empty(), is_over(self));
    if (step == keeper_step::look) {
      hold.unlock();
      now = World::now();
      due = timers_.take_due(now, next);
      hold.lock();
      step = rules::after_look(due != nullptr, !jobs_.is_empty(), is_over(self), was_called_);
    }
    if (step == keeper_step::run_job) run(self, hold, [job = jobs_.pop()]() noexcept { job->run(*job); });
    else if (step == keeper_step::fire) run(self, hold, [due]() noexcept { due->actions->fire(*due); });
    else if (step == keeper_step::sleep) return sleep(self, hold, now, next);
    return step != keeper_step::end;
  }
  /// Until the tick `next`, or a call. False: there was no timer for too long.
  bool sleep(worker& self, lock& hold, nanoseconds now, tick next) noexcept {
    nanoseconds until = timer_wheel::time_of(next);
    if (next == timer_set::never) {
      until = self.idle_since + idle;
      if (now >= until) return false;  // W1: "always" stays
    }
    timers_.wake_at(timer_wheel::due_tick(until), site::timer_wake_sleep);
    events_.await_next_timer(hold, until);
    return true;
  }
  bool watch(worker& self, lock& hold) noexcept {
    bool const busy = keeper_->is_busy;
    nanoseconds const now = World::now(), until = busy ? callback_overruns_ : self.idle_since + idle;
    watcher_step const step = rules::watch(busy, now >= until);
    if (step == watcher_step::end) return false;
    if (step == watcher_step::take_over) {
      keeper_->is_blocked = true;
      ++blocked_;
      keeper_ = &self;
      watcher_ = nullptr;
      return true;
    }
    watcher_wakes_ = until;
    events_.await_overrun(hold, until);
    watcher_wakes_ = (nanoseconds::max)();
    if (busy) self.idle_since = now;
    return true;
  }

  // --- a callback ---

  /// Runs a callback while a watcher is there to take over (W2).
  template <class Callback>
  void run(worker& self, lock& hold, Callback callback) noexcept {
    self.is_busy = true;  // TRICKY: before a thread is started, so that no job posted meanwhile relies on this one
    callback_overruns_ = World::now() + patience / (1u << (blocked_ < 4 ? blocked_ : 4));
    watcher_care const care = rules::before_callback(watcher_ != nullptr, heads_.starting != 0, !jobs_.is_empty(),
                                                     watcher_wakes_, callback_overruns_);
    if (care == watcher_care::start_one) start_watcher(hold);
    if (care == watcher_care::wake_it) events_.callback_begins();
    hold.unlock();
    callback();
    hold.lock();
    self.is_busy = false;
    if (self.is_blocked) --blocked_;
    self.is_blocked = false;
    self.idle_since = World::now();
    if (stopping_) events_.awaited_callback_returns();  // W6
  }
  /// Or, if no thread can be started, runs the jobs for which the callback may wait.
  void start_watcher(lock& hold) noexcept {
    count_start();
    hold.unlock();
    int const error = World::start(*this);
    hold.lock();
    if (error == 0) return;
    count_failed_start();
    timers_.wake_at(timer_set::always, site::timer_wake_retry);  // W2: the next thread that arms a timer tries again
    while (rules::runs_before_callback(!jobs_.is_empty())) {
      background_job* const job = jobs_.pop();
      hold.unlock();
      job->run(*job);
      hold.lock();
    }
  }

  // --- the crew ---

  void count_start() noexcept {
    ++heads_.threads;
    ++heads_.starting;
  }
  void count_failed_start() noexcept {
    heads_ = rules::after_failed_start(heads_);
    events_.thread_ends();
  }
  /// stop() has ended the life of that thread, and does not need it (W6).
  bool is_over(worker const& self) const noexcept {
    return stopping_ ? !workers_.stop_waits_for_callback(&self) : self.generation != generation_;
  }

  timer_set timers_;

  // The rest is under crew_mutex_.
  alignas(platform::line) typename World::mutex crew_mutex_;
  events events_;
  crew_workers<platform> workers_;
  worker* keeper_ = nullptr;
  worker* watcher_ = nullptr;
  job_queue jobs_;
  bool was_called_ = false;  // since the keeper last began to look
  unsigned generation_ = 0;  // threads of an earlier one end
  head_count heads_;
  bool stopping_ = false;                             // stop() waits
  unsigned blocked_ = 0;                              // how many threads are blocked
  nanoseconds callback_overruns_{};                   // when the keeper's callback has run for too long
  nanoseconds watcher_wakes_ = (nanoseconds::max)();  // when the watcher wakes by itself
  std::optional<typename World::thread_name> ended_;  // must be joined
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_TIMER_SERVICE_HPP
