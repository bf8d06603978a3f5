// SPDX-License-Identifier: BSL-1.0
/// @file
/// The defects of the timers (G17): each is built in by the mutation gate, and a model must fail on it. The steps that
/// they replace are in timer_steps.hpp.
#include "checker/harness.hpp"

namespace cts::models {
namespace {

using detail::site;

/// A defect that is a step of its own name.
void add_step(char const* name, char const* says) { add_defect(name, "G17", says, {replaces(name)}); }

struct add_timer_defects {
  add_timer_defects() {
    // W1
    add_defect("timer_sleeps_on", "G17", "the keeper does not ask to be called before it looks into the wheels",
               {drops(site::timer_wake_look)});
    add_defect("keeper_ends_poked", "G17", "a keeper that ends leaves 'poked' behind, so no thread calls another one",
               {drops(site::timer_wake_end)});
    add_step("poke_without_waking", "a thread that arms the earliest timer does not wake the keeper");
    add_step("timer_ignores_pokes", "the keeper sleeps although it was called while it looked into the wheels");
    add_step("looks_into_one_wheel", "the keeper looks into the first wheel only");
    add_step("stop_is_final", "the keeper ends although a timer was armed after a stop that had given up");
    // W2
    add_defect("failed_start_untold", "G17", "a callback without a watcher arms a timer, and no thread is tried for",
               {drops(site::timer_wake_retry)});
    add_step("run_without_watcher", "the keeper runs a callback without a thread to take over");
    add_step("watcher_waits_on", "the watcher does not take over from a callback that blocks");
    add_step("watcher_not_told", "the watcher sleeps as if the keeper were idle while a callback runs");
    add_step("failed_start_counts", "a thread that could not be started is counted");
    add_step("jobs_after_callback", "a callback without a watcher runs before the jobs that were posted earlier");
    // W3
    add_step("poke_without_reference",
             "a thread that calls the keeper does not hold the state, which the timer may end");
    add_step("fire_without_reference", "the timer cancels without a reference of its own");
    add_step("refused_stays_armed", "no thread can be started, and arm() throws but leaves the timer armed");
    add_step("refused_takes_all", "no thread can be started, and arm() also undoes another thread's later arming");
    // W5
    add_step("post_pokes_like_arm", "a job is left to a keeper whose callback may wait for it");
    add_step("refused_stays_posted", "no thread can be started, but post() returns true");
    add_step("refused_although_run", "post() returns false although a thread has run the job");
    add_step("job_lost_at_stop", "the keeper ends although a job was posted while it looked into the wheels");
    // stop(), W6
    add_step("stop_wakes_nobody", "stop() does not wake the sleeping threads");
    add_step("stop_waits_for_itself", "stop() waits for the callback that has called it");
    add_step("stop_forsakes_callbacks", "threads end although a callback for which stop() waits may need them");
    add_step("waited_for_untold", "the threads that serve such a callback are not told that it has returned");
    add_step("end_untold", "a thread that ends does not tell stop()");
    // the wheel: T1, T2, T3
    add_step("disarmed_in_vain", "a disarmed timer stays in its wheel");
    add_step("shot_leaves_no_trace", "try_reset does not learn that the timer has fired");
    add_step("wheel_forgets_level", "when one bucket becomes empty, all buckets of its level count as empty");
    add_step("wheel_spreads_one", "after one entry of a bucket is spread, the others wait behind it");
    add_step("wheel_stands_still", "a bucket is spread before the wheel has moved to its beginning");
    add_step("wheel_runs_ahead", "a bucket that has not begun is spread");
    add_step("wheel_looks_at_one", "the first entry of a bucket counts as its earliest");
  }
} const add_all;

}  // namespace
}  // namespace cts::models
