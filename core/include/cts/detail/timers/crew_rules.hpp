// SPDX-License-Identifier: BSL-1.0
/// @file
/// The decisions of the crew of library threads (timer_service.hpp) as functions of its state. Nothing here changes
/// anything: the service asks under the crew's lock and acts on the answer.
#pragma once
#ifndef CTS_DETAIL_TIMERS_CREW_RULES_HPP
#define CTS_DETAIL_TIMERS_CREW_RULES_HPP

#include <chrono>
#include <cstdint>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The work for which a thread calls the crew.
enum class crew_call : std::uint8_t {
  timer,  ///< the earliest timer was armed; another thread that arms may try again
  job     ///< a job was posted; the callback that runs may wait for it
};

/// The crew as a call finds it.
struct crew_state {
  bool has_keeper;
  bool keeper_is_busy;  // it runs a callback
  bool has_watcher;
  bool is_starting;  // a thread was started and does not run yet
  bool is_ending;    // stop() waits, and not for a callback
};

/// How the crew answers a call.
enum class crew_answer : std::uint8_t {
  wakes_keeper,
  wakes_watcher,  ///< there is no keeper: the watcher becomes it
  is_on_its_way,  ///< the keeper looks after its callback, or the watcher takes over
  starts_thread,
  leaves_it,  ///< the timer stays armed without a thread for now
  refuses
};

enum class keeper_step : std::uint8_t { run_job, look, fire, look_again, sleep, end };
enum class watcher_step : std::uint8_t { sleep, take_over, end };
/// What a keeper does about its watcher before a callback (W2).
enum class watcher_care : std::uint8_t { nothing, start_one, wake_it };

/// The number of library threads.
struct head_count {
  unsigned threads = 0;   // the starting ones included
  unsigned starting = 0;  // started, but not running yet
};

struct crew_rules {
  using nanoseconds = std::chrono::nanoseconds;

  // --- a call ---
  static crew_answer answer(crew_state const& crew, crew_call call) noexcept {
    bool const is_stuck = crew.has_keeper && crew.keeper_is_busy && !crew.has_watcher;
    if (!is_stuck && crew.has_keeper)
      return crew.keeper_is_busy ? crew_answer::is_on_its_way : crew_answer::wakes_keeper;
    if (crew.has_watcher) return crew_answer::wakes_watcher;
    if (crew.is_ending) return call == crew_call::job ? crew_answer::refuses : crew_answer::leaves_it;
    if (is_stuck && crew.is_starting && call == crew_call::timer) return crew_answer::leaves_it;
    return crew_answer::starts_thread;
  }
  /// Whether a call is served although no thread could be started. A job is not: the keeper may wait for it.
  static bool is_served(bool has_keeper, crew_call call) noexcept { return has_keeper && call == crew_call::timer; }
  /// Whether a call keeps the keeper and the watcher, which an earlier stop() that gave up has told to end.
  static bool keeps_threads(bool stopping) noexcept { return !stopping; }
  /// Whether a timer is still armed by the arming of that number, and by no later one.
  static bool is_still_armed(bool is_armed, std::uint32_t latest, std::uint32_t arming) noexcept {
    return is_armed && latest == arming;
  }

  // --- the keeper ---
  static keeper_step before_look(bool has_job, bool is_over) noexcept {
    if (has_job) return keeper_step::run_job;
    return is_over ? keeper_step::end : keeper_step::look;
  }
  /// W1, W5. Jobs, stop() and calls may have come while the keeper looked into the wheels without the crew's lock.
  static keeper_step after_look(bool found, bool has_job, bool is_over, bool was_called) noexcept {
    if (found) return keeper_step::fire;
    if (has_job) return keeper_step::look_again;  // W5: before anything else
    if (is_over) return keeper_step::end;
    return was_called ? keeper_step::look_again : keeper_step::sleep;
  }
  /// W2. Another thread's start counts only if timers alone are waiting, since it may still fail.
  static watcher_care before_callback(bool has_watcher, bool is_starting, bool has_job, nanoseconds watcher_wakes,
                                      nanoseconds callback_overruns) noexcept {
    if (!has_watcher) return !is_starting || has_job ? watcher_care::start_one : watcher_care::nothing;
    return watcher_wakes > callback_overruns ? watcher_care::wake_it : watcher_care::nothing;
  }
  /// W2. Whether a job runs before the callback of a keeper without a watcher: that callback may wait for the job.
  static bool runs_before_callback(bool has_job) noexcept { return has_job; }

  // --- the watcher ---
  /// @param is_time the keeper's callback has run for too long, or, if the keeper runs none, the watcher was idle for
  /// too long
  static watcher_step watch(bool keeper_is_busy, bool is_time) noexcept {
    if (!is_time) return watcher_step::sleep;
    return keeper_is_busy ? watcher_step::take_over : watcher_step::end;
  }

  // --- starting and stopping ---
  static head_count after_failed_start(head_count now) noexcept { return {now.threads - 1, now.starting - 1}; }
  /// Whether stop() waits for the callback of a library thread.
  static bool stop_waits_for(bool is_busy, bool has_called_stop) noexcept { return is_busy && !has_called_stop; }
  /// How many threads stop() waits for: not for its own.
  static unsigned threads_to_await(unsigned threads, bool one_is_calling) noexcept {
    return threads - (one_is_calling ? 1 : 0);
  }
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_CREW_RULES_HPP
