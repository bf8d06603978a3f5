// SPDX-License-Identifier: BSL-1.0
/// @file
/// Models of callbacks that wait for other work of the service (G17): for a timer (W2) and for a job (W5).
#include "timers/stage.hpp"

namespace cts::models {
namespace {

using namespace timer_stage;

// --- timers ---
/// A callback waits for a timer that it has armed.
struct nested : rl::test_suite<nested, 2>, crew<> {
  void before() {
    open(2);
    the_time.horizon = 100ms;
    timers[0]->then = [this] {
      arm(1, 0ns);
      P::await([this] { return fired.get() != 0; });
    };
    timers[1]->then = [this] {
      end();
      fired.pass(1);
    };
    arm(0, 0ns);
  }
  void thread(unsigned i) { live(*service, i); }
  void after() {
    require(runs(0) == 1 && runs(1) == 1, "did not run once");
    close();
  }
};
add<nested> w2a("G17", "CallbackWaitsForItsTimer",
                "a callback waits for a timer that it has armed: the watcher takes over and fires it (W2)", full(),
                1000000);

/// A short callback, then one that waits. The watcher sleeps in between.
struct nested_second : rl::test_suite<nested_second, 2>, crew<> {
  void before() {
    open(2);
    the_time.horizon = 100ms;
    timers[1]->then = [this] {
      arm(2, 0ns);
      P::await([this] { return fired.get() != 0; });
    };
    timers[2]->then = [this] {
      end();
      fired.pass(1);
    };
    arm(0, 0ns);
    arm(1, 0ns);
  }
  void thread(unsigned i) { live(*service, i); }
  void after() {
    require(runs(0) == 1 && runs(1) == 1 && runs(2) == 1, "did not run once");
    close();
  }
};
add<nested_second> w2c("G17", "SecondCallbackWaitsForItsTimer",
                       "the same while the watcher sleeps when the callback begins (W2)", large(3, 1), 100000);

/// At first no watcher can be started, and another thread arms a timer.
struct nested_later : rl::test_suite<nested_later, 2>, crew<> {
  void before() {
    open(1);
    the_time.horizon = 100ms;
    timers[0]->then = [this] {
      P::await([this] { return fired.get() != 0; });  // otherwise this arm might rely on a start that fails
      fired.pass(0);
      the_reduction.touch(reduction::others, true);
      the_time.available = 1;
      arm(2, 0ns);
      P::await([this] { return fired.get() != 0; });
    };
    timers[2]->then = [this] {
      end();
      fired.pass(1);
    };
    arm(0, 0ns);
  }
  void thread(unsigned i) {
    if (i == 1) {
      arm(1, 10s);
      fired.pass(1);
    }
    live(*service, i);
  }
  void after() {
    lives = 2;
    run_the_rest();
    require(runs(0) == 1 && runs(2) == 1, "did not run once");
    require(runs(1) == (armed[1] ? 1 : 0), "armed and not run, or refused and run");
    close();
  }
};
add<nested_later> w2b(
    "G17", "CallbackStartsItsWatcher",
    "no watcher could be started: the callback's own timer tries again, whatever others have armed (W2)", full(),
    1000000);

// --- jobs ---
template <unsigned Threads>
struct post_vs_end : rl::test_suite<post_vs_end<Threads>, 2>, crew<> {
  void before() {
    open(Threads);
    rush();
    start();
  }
  void thread(unsigned i) {
    if (i == 0) post();
    else service->run_thread();
  }
  void after() {
    require(Threads == 1 || posted, "a thread could be started, but the job was refused");
    run_the_rest();
    require(posted_job->runs.get() == 1, "did not run once");
    close();
  }
};
add<post_vs_end<2>> w5a("G17", "PostVersusEndOfTheKeeper",
                        "a thread posts a job while the keeper ends: the job runs once (W5)", full(), 1000000);
add<post_vs_end<1>> w5b("G17", "PostRefusedVersusKeeper",
                        "the same, and no thread can be started: the job runs, or is refused (W5)", full(), 1000000);

/// A callback waits for the job.
template <unsigned Threads, bool Itself>
struct post_vs_blocked : rl::test_suite<post_vs_blocked<Threads, Itself>, 2>, crew<> {
  void before() {
    open(Threads);
    the_time.horizon = 100ms;
    timers[0]->then = [this] {
      if (Itself) post();
      P::await([this] { return posted_job->done.get() != 0; });
      end();
    };
    arm(0, 0ns);
  }
  void thread(unsigned i) {
    if (i == 0) service->run_thread();
    else if (Itself) live(*service, i);
    else post();
  }
  void after() {
    run_the_rest2();
    require(posted_job->runs.get() == 1 && runs(0) == 1, "did not run once");
    close();
  }
  void run_the_rest2() {
    lives = Itself ? 2 : 1;
    run_the_rest();
  }
};
add<post_vs_blocked<2, true>> w5c(
    "G17", "CallbackWaitsForItsJob",
    "a callback waits for a job that it has posted: another thread takes over and runs it (W5)", full(), 1000000);
add<post_vs_blocked<1, false>> w5d(
    "G17", "CallbackWaitsForAJob",
    "a callback waits for another thread's job, and no watcher can be started: the job is refused or run (W5)", full(),
    1000000);

}  // namespace
}  // namespace cts::models
