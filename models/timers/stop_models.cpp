// SPDX-License-Identifier: BSL-1.0
/// @file
/// Models of stop(), which ends the threads (G17): no timer and no job is lost (W1, W5), and callbacks still get what
/// they wait for (W6).
#include "timers/stage.hpp"

namespace cts::models {
namespace {

using namespace timer_stage;

struct stop_vs_arm : rl::test_suite<stop_vs_arm, 3>, crew<> {
  void before() {
    open(1);
    start();
  }
  void thread(unsigned i) {
    if (i == 0) {
      require(service->stop(never), "threads are left");
    } else if (i == 1) service->run_thread();
    else arm(1, 0ns);
  }
  void after() {
    rush();
    the_time.available = 8;
    run_the_rest();
    require(arm(0, 0ns), "a thread could be started, but the timer was refused");
    run_the_rest();
    require(runs(0) == 1 && runs(1) == (armed[1] ? 1 : 0), "a timer that was armed beside a stop did not run");
    close();
  }
};
add<stop_vs_arm> st1(
    "G17", "StopVersusArm",
    "a thread arms a timer beside stop: the keeper ends, and the next arm starts a thread that serves both (W1)",
    full(), 100000);

struct stop_gives_up : rl::test_suite<stop_gives_up, 2>, crew<> {
  void before() {
    open(2);
    start();
    timers[1]->then = [this] { end(); };
  }
  void thread(unsigned i) {
    if (i == 1) return service->run_thread();
    if (!service->stop(0ns)) require(arm(1, 0ns), "refused, but there is a thread");
    else end();
  }
  void after() {
    run_the_rest();
    require(runs(1) == (armed[1] ? 1 : 0), "a timer that was armed after a stop did not run");
    close();
  }
};
add<stop_gives_up> st2("G17", "StopThatGivesUp",
                       "stop gives up without waiting, and a thread arms a timer after it: it fires (W1)", full(),
                       1000000);

struct stop_vs_post : rl::test_suite<stop_vs_post, 3>, crew<> {
  void before() {
    open(1);
    start();
  }
  void thread(unsigned i) {
    if (i == 0) require(service->stop(never), "threads are left");
    else if (i == 1) service->run_thread();
    else post();
  }
  void after() {
    require(posted_job->runs.get() == 1, "did not run once");
    close();
  }
};
add<stop_vs_post> st3("G17", "StopVersusPost",
                      "a thread posts a job beside stop: the job runs once, or is refused (W5)", full(), 100000);

struct stop_vs_callback : rl::test_suite<stop_vs_callback, 2>, crew<> {
  bool stopped = false;
  void before() {
    open(1);
    stopped = false;
    timers[0]->then = [this] {
      require(service->stop(never), "stop waits for its own thread");
      (void)fired.get();  // a step: others may come in between
      the_reduction.touch(reduction::ends, false);
      require(!stopped, "a callback runs after stop() has returned");
    };
    arm(0, 0ns);
  }
  void thread(unsigned i) {
    if (i == 1) return service->run_thread();
    require(service->stop(never), "threads are left");
    the_reduction.touch(reduction::ends, true);
    stopped = true;
  }
  void after() {
    require(runs(0) <= 1, "ran twice");
    close();
  }
};
add<stop_vs_callback> st4(
    "G17", "StopVersusCallback",
    "stop waits for a callback on another thread, but not for the callback that has called it (W6)", full(), 1000000);

/// A keeper with a callback, a watcher, and stop.
struct stop_vs_watcher : rl::test_suite<stop_vs_watcher, 3>, crew<> {
  void before() {
    open(2);
    the_time.horizon = 100ms;
    arm(0, 0ns);
  }
  void thread(unsigned i) {
    if (i < 2) return live(*service, i);
    require(service->stop(never), "threads are left");
    end();
  }
  void after() {
    require(runs(0) <= 1, "ran twice");
    close();
  }
};
add<stop_vs_watcher> st5("G17", "StopVersusKeeperAndWatcher",
                         "stop beside a keeper that runs a callback, and its watcher: both end (W6)", full(), 100000);

/// A callback waits for a timer that it has armed, and stop waits for the callback.
struct stop_vs_nested : rl::test_suite<stop_vs_nested, 3>, crew<> {
  void before() {
    open(2);
    the_time.horizon = 100ms;
    timers[0]->then = [this] {
      P::await([this] { return fired.get() != 0; });  // stop() is about to wait
      fired.pass(0);
      require(arm(1, 0ns), "refused, but there is a thread");
      P::await([this] { return fired.get() != 0; });
    };
    timers[1]->then = [this] { fired.pass(1); };
    arm(0, 0ns);
  }
  void thread(unsigned i) {
    if (i < 2) return live(*service, i);
    P::await([this] {
      the_reduction.touch(reduction::others, false);
      return the_time.started == 2;
    });
    fired.pass(1);
    require(service->stop(never), "threads are left");
    end();
  }
  void after() {
    require(runs(0) == 1 && runs(1) == 1, "did not run once");
    close();
  }
};
add<stop_vs_nested> st6("G17", "StopVersusCallbackThatWaitsForItsTimer",
                        "stop waits for a callback that waits for a timer: the timer fires, and all threads end (W6)",
                        large(1, 2), 100000);

}  // namespace
}  // namespace cts::models
