// SPDX-License-Identifier: BSL-1.0
/// @file
/// The timer of a state (S2, S3 of protocol/state.hpp; detail/timers/system_alarm.hpp): G17.
#include <system_error>

#include "state/scene.hpp"

namespace cts::models::states {
namespace {

void arm(state& s) {
  s.arm([](model_alarm& a, auto wanted) { a.arm({}, wanted); });
}

struct fire_vs_end : rl::test_suite<fire_vs_end, 2>, scene {
  void before() {
    open_timers();
    add(0);
    arm(*states[0]);
  }
  void thread(unsigned i) {
    if (i == 0) run_timers();
    else states[0]->dispose_and_drop();
  }
  void after() {
    require(!the_timers->any_armed(), "an armed timer was left");
    close();
  }
};
add<fire_vs_end> const add_fire_vs_end("G17", "FireVersusEnd", "the timer fires beside the source's end", full(),
                                       1000000);

struct fire_vs_last : rl::test_suite<fire_vs_last, 2>, scene {
  void before() {
    open_timers();
    add(0);
    states[0]->share();
    arm(*states[0]);
  }
  void thread(unsigned i) {
    if (i == 0) {
      run_timers();
      states[0]->drop();
    } else states[0]->dispose_and_drop();
  }
  void after() {
    require(!the_timers->any_armed(), "an armed timer was left");
    close();
  }
};
add<fire_vs_last> const add_fire_vs_last(
    "G17", "FireVersusLastDrop",
    "the timer fires beside the source's end, with a token that ends on the timer's thread", full(), 1000000);

struct arm_vs_cancel : rl::test_suite<arm_vs_cancel, 2>, scene {
  void before() {
    open_timers();
    add(0);
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) arm(*states[0]);
    else cancel(*states[0]);
  }
  void after() {
    require(!the_timers->any_armed(), "a canceled source's timer stayed armed");
    states[0]->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<arm_vs_cancel> const add_arm_vs_cancel("G17", "ArmVersusCancel", "cancel_after beside cancel: no timer stays armed",
                                           full(), 1000000);

/// Both make the timer: one is kept, and both set that one.
struct arm_vs_arm : rl::test_suite<arm_vs_arm, 2>, scene {
  void before() {
    open_timers();
    add(0);
    states[0]->share();
  }
  void thread(unsigned) { arm(*states[0]); }
  void after() {
    cancel(*states[0]);
    require(!the_timers->any_armed(), "a timer that its source does not know stayed armed");
    states[0]->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<arm_vs_arm> const add_arm_vs_arm("G17", "ArmVersusArm", "two first calls of cancel_after: there is one timer",
                                     full(), 1000000);

/// The timer stands in the state's own allocation.
struct timed_vs_cancel : rl::test_suite<timed_vs_cancel, 2>, scene {
  void before() {
    open_timers();
    states[0] = state::create({.timer = true});
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) {
      arm(*states[0]);
      states[0]->drop();
    } else {
      cancel(*states[0]);
      states[0]->dispose_and_drop();
    }
  }
  void after() {
    require(!the_timers->any_armed(), "a canceled source's timer stayed armed");
    close();
  }
};
add<timed_vs_cancel> const add_timed_vs_cancel("G17", "ArmOfATimedOneVersusCancel",
                                               "a source made with its timer: cancel_after beside cancel and the end",
                                               full(), 1000000);

struct arm_vs_dispose : rl::test_suite<arm_vs_dispose, 2>, scene {
  void before() {
    open_timers();
    add(0);
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) arm(*states[0]);
    else states[0]->dispose();
  }
  void after() {
    require(!the_timers->any_armed(), "a disposed source's timer stayed armed");
    states[0]->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<arm_vs_dispose> const add_arm_vs_dispose("G17", "ArmVersusDispose",
                                             "cancel_after beside dispose: no timer stays armed", full(), 1000000);

struct fire_ends_source : rl::test_suite<fire_ends_source, 2>, scene {
  void before() {
    open_timers();
    add(0);
    require(states[0]->try_register(*callbacks[0]) == core::register_result::registered, "not registered");
    callbacks[0]->then = [this] { states[0]->dispose_and_drop(); };
    start_timers();
  }
  void thread(unsigned i) {
    if (i == 0) arm(*states[0]);
    else run_timers();
  }
  void after() {
    run_started_timers(1);
    require(runs(0) == 1, "did not run once");
    close();
  }
};
add<fire_ends_source> const add_fire_ends_source(
    "G17", "FireEndsTheSource", "a callback that the timer runs ends the source before cancel_after has returned",
    full(), 1000000);

struct all_of_timers : rl::test_suite<all_of_timers, 3>, scene {
  void before() {
    open_timers();
    add(0);
    states[0]->share();
    states[0]->share();
    register_callback(0);
    arm(*states[0]);
  }
  void thread(unsigned i) {
    if (i == 0) run_timers();
    else if (i == 1) {
      arm(*states[0]);
      states[0]->dispose();
      states[0]->drop();
    } else {
      cancel(*states[0]);
      states[0]->drop();
    }
  }
  void after() {
    require(!the_timers->any_armed(), "an armed timer was left");
    require(runs(0) <= 1, "ran twice");
    unregister_callback(0);
    states[0]->drop();
    close();
  }
};
add<all_of_timers> const add_all_of_timers("G17", "FireVersusCancelVersusRearmAndDispose",
                                           "the timer, cancel, cancel_after and dispose at once", large(), 100000);

struct fire_refused : rl::test_suite<fire_refused, 2>, scene {
  bool armed = false;
  void before() {
    open_timers();
    the_time.available = 1;
    add(0);
    require(states[0]->try_register(*callbacks[0]) == core::register_result::registered, "not registered");
    callbacks[0]->then = [this] { states[0]->dispose_and_drop(); };
    start_timers();
  }
  void thread(unsigned i) {
    if (i == 1) return run_timers();
    armed = false;
    try {
      arm(*states[0]);
      armed = true;
    } catch (std::system_error const&) {}
  }
  void after() {
    require(runs(0) == (armed ? 1 : 0), "armed and not run, or refused and run");
    if (!armed) states[0]->dispose_and_drop();
    close();
  }
};
add<fire_refused> const add_fire_refused("G17", "FireEndsTheSourceOfARefusedArm",
                                         "the same if no further thread can be started: cancel_after reports that only "
                                         "if the timer does not fire, and does not touch a source that has ended",
                                         full(), 1000000);

struct reset_vs_fire : rl::test_suite<reset_vs_fire, 2>, scene {
  bool reset = false;
  void before() {
    open_timers();
    add(0);
    states[0]->share();
    reset = false;
    arm(*states[0]);
  }
  void thread(unsigned i) {
    if (i == 0) reset = states[0]->try_reset() == request_result::won;
    else run_timers();
  }
  void after() {
    require(!the_timers->any_armed(), "an armed timer was left");
    require(reset != states[0]->is_cancellation_requested(), "both reset and canceled by the timer, or neither");
    states[0]->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<reset_vs_fire> const add_reset_vs_fire("G17", "FireVersusReset",
                                           "try_reset beside the timer: it is refused, or the timer does not fire",
                                           full(), 1000000);

// --- the same with shared sources ---

add<of_shared<fire_vs_end>> const add_shared_fire_vs_end("G26", "FireVersusEnd",
                                                         "the timer of a shared source fires beside its end", full(),
                                                         200000);
add<of_shared<fire_vs_last>> const add_shared_fire_vs_last("G26", "FireVersusLastDrop",
                                                           "the same with a token that ends on the timer's thread",
                                                           full(), 200000);

}  // namespace
}  // namespace cts::models::states
