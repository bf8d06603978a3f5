// SPDX-License-Identifier: BSL-1.0
/// @file
/// Models of arming a timer (G17): the keeper does not oversleep it (W1), and a refused timer is not armed (W3).
#include "timers/stage.hpp"

namespace cts::models {
namespace {

using namespace timer_stage;

/// The keeper sleeps until the first timer is due, beyond the horizon, or has no timer. The second timer is earlier.
template <class Crew, bool Idle>
struct arm_vs_sleep : rl::test_suite<arm_vs_sleep<Crew, Idle>, 2>, Crew {
  void before() {
    Crew::open(2);
    the_time.horizon = 100ms;
    if (Idle) Crew::start();
    else Crew::arm(0, 1s);
    Crew::timers[1]->then = [this] { Crew::end(); };
  }
  void thread(unsigned i) {
    if (i == 0) Crew::arm(1, 50ms);
    else Crew::service->run_thread();
  }
  void after() {
    Crew::lives = 1;
    Crew::run_the_rest();
    require(Crew::runs(0) == (Idle ? 0 : 1) && Crew::runs(1) == 1, "did not run once");
    Crew::close();
  }
};
add<arm_vs_sleep<crew<>, false>> w1a("G17", "ArmEarlierVersusSleep",
                                     "the keeper sleeps, and a thread arms an earlier timer: the keeper wakes (W1)",
                                     full(), 1000000);
add<arm_vs_sleep<crew<>, true>> w1b("G17", "ArmVersusIdleKeeper",
                                    "a thread arms a timer while the keeper goes to sleep: the keeper wakes (W1)",
                                    full(), 1000000);
add<arm_vs_sleep<crew<2>, false>> w1c("G17", "ArmInAnotherWheel", "the same with a wheel for each thread (W1)", full(),
                                      1000000);

/// The first timer fires. The second one is due later, but before all others.
struct arm_vs_fire : rl::test_suite<arm_vs_fire, 2>, crew<> {
  void before() {
    open(2);
    the_time.horizon = 100ms;
    arm(0, 50ms);
    timers[1]->then = [this] { end(); };
  }
  void thread(unsigned i) {
    if (i == 0) arm(1, 80ms);
    else service->run_thread();
  }
  void after() {
    lives = 1;
    run_the_rest();
    require(runs(0) == 1 && runs(1) == 1, "did not run once");
    close();
  }
};
add<arm_vs_fire> w1e(
    "G17", "ArmLaterVersusFire",
    "a thread arms a timer while the keeper fires another one and looks for the next: it is not overslept (W1)", full(),
    1000000);

struct arm_vs_end : rl::test_suite<arm_vs_end, 2>, crew<> {
  void before() {
    open(2);
    rush();
    start();
  }
  void thread(unsigned i) {
    if (i == 0) require(arm(1, 0ns), "a thread could be started, but the timer was refused");
    else service->run_thread();
  }
  void after() {
    run_the_rest();
    require(runs(1) == 1, "did not run once");
    close();
  }
};
add<arm_vs_end> w1d("G17", "ArmVersusEndOfTheKeeper",
                    "a thread arms a timer while the keeper ends: the keeper or a new thread fires it (W1)", full(),
                    1000000);

/// What both say of the timer, each under the lock.
struct arm_vs_disarm : rl::test_suite<arm_vs_disarm, 2>, crew<> {
  P::var<int>* says_armed = nullptr;
  void before() {
    open(2);
    rush();
    start();
    says_armed = ::new (P::allocate(sizeof *says_armed)) P::var<int>{0};
  }
  void thread(unsigned i) {
    if (i == 0) {
      service->arm(*timers[1], 1s, [this] {
        says_armed->set(1);
        return true;
      });
    } else service->disarm(*timers[1], [this] { says_armed->set(0); });
  }
  void after() {
    require(timers[1]->is_armed() == (says_armed->get() == 1), "armed, and said to be disarmed, or the reverse");
    service->disarm(*timers[1]);
    lives = 0;
    run_the_rest();
    says_armed->~var();
    P::deallocate(says_armed, sizeof *says_armed);
    close();
  }
};
add<arm_vs_disarm> w1f("G17", "ArmVersusDisarm",
                       "a thread arms a timer and another one disarms it: what the later one has said of it is true",
                       full(), 1000000);

// --- no thread can be started ---
struct two_arm : rl::test_suite<two_arm, 2>, crew<> {
  void before() {
    open(1);
    rush();
  }
  void thread(unsigned i) { arm(i, 0ns); }
  void after() {
    run_the_rest();
    require(armed[0] || armed[1], "a thread was started, but both timers were refused");
    for (unsigned i : {0u, 1u}) require(runs(i) == (armed[i] ? 1 : 0), "armed and not run, or refused and run");
    close();
  }
};
add<two_arm> w3a(
    "G17", "TwoArmAndOneStart",
    "two threads arm timers, and one thread can be started: a refused timer is not armed, the other one fires (W1)",
    full(), 1000000);

struct two_arm_one : rl::test_suite<two_arm_one, 2>, crew<> {
  void before() {
    open(1);
    rush();
  }
  void thread(unsigned i) { arm(i, 0, 0ns); }
  void after() {
    run_the_rest();
    require(runs(0) == (armed[last] ? 1 : 0), "what has been armed last has not run, or has run though it was refused");
    close();
  }
};
add<two_arm_one> w3b("G17", "TwoArmTheSameAndOneStart",
                     "the same with one timer: the refused thread takes back its own arming only (W1)", full(),
                     1000000);

struct arm_refused : rl::test_suite<arm_refused, 2>, crew<> {
  void before() {
    open(1);
    rush();
    start();
  }
  void thread(unsigned i) {
    if (i == 0) arm(1, 0ns);
    else service->run_thread();
  }
  void after() {
    require(armed[1] ? runs(1) == 1 : !service->any_armed(), "armed and not run, or refused and armed");
    close();
  }
};
add<arm_refused> w3c(
    "G17", "ArmRefusedVersusKeeper",
    "the keeper ends, and no thread can be started: the timer fires, or is refused and not armed (W1, W3)", full(),
    1000000);

}  // namespace
}  // namespace cts::models
