// SPDX-License-Identifier: BSL-1.0
/// @file
/// G22: a lane's owner beside a cancel.
#include "genmc/lane_stage.hpp"

namespace cts::genmc {
namespace {

struct lane_registers : lane_stage<1> {
  void before() { open(1); }
  void first() { try_register(0); }
  void after() { finish(); }
};
CTS_PROGRAM(G22, RegisterBesideCancel, lane_registers, "the owner registers: the callback runs or is refused");

struct lane_grows : lane_stage<1> {
  void before() { open(2); }
  void first() {
    try_register(0);
    try_register(1);
  }
  void after() {
    later_runs_first(1, 0);
    finish();
  }
};
CTS_PROGRAM(G22, GrowBesideCancel, lane_grows, "the owner registers two, and the second makes the lane grow");

struct lane_in_one_segment : lane_stage<2> {
  void before() { open(2); }
  void first() {
    try_register(0);
    try_register(1);
  }
  void after() {
    later_runs_first(1, 0);
    finish();
  }
};
CTS_PROGRAM(G22, NewestFirst, lane_in_one_segment, "two registrations in one segment: the newest runs first");

struct lane_unregisters : lane_stage<1> {
  void before() {
    open(2);
    try_register(0);
    try_register(1);
  }
  void first() {
    unregister_and_drop(0);
    unregister_and_drop(1);
  }
  void after() { finish(); }
};
CTS_PROGRAM(G22, UnregisterBesideCancel, lane_unregisters,
            "an unregistered callback never runs, and its memory may be freed at once; else it runs");

struct lane_waits : lane_stage<1> {
  void before() {
    open(2);
    try_register(0);
    try_register(1);
  }
  void first() {
    for (int i = 0; i < 2; ++i) {
      lane->unregister_and_wait(*nodes[i]);
      require(nodes[i]->runs <= 1, "a callback ran twice");
      drop(nodes[i]);
    }
  }
  void after() { finish(); }
};
CTS_PROGRAM(G22, WaitBesideCancel, lane_waits, "a waiting unregister sees the callback's effects");

struct lane_reuses : lane_stage<2> {
  void before() {
    open(3);
    try_register(0);
  }
  void first() {
    unregister_and_drop(0);
    try_register(1);
    unregister_and_drop(1);
    try_register(2);
  }
  void after() { finish(); }
};
CTS_PROGRAM(G22, ReuseBesideCancel, lane_reuses, "callbacks come and go in one slot");

struct lane_recycles : lane_stage<1> {
  void before() {
    open(4);
    for (int i = 0; i < 3; ++i) try_register(i);
  }
  void first() {
    unregister_and_drop(1);
    try_register(3);
  }
  void after() {
    later_runs_first(2, 0);
    later_runs_first(3, 2);
    finish();
  }
};
CTS_PROGRAM(G22, RecycleBesideCancel, lane_recycles,
            "a segment between others becomes empty and is linked on top: newest first, none lost");

struct lane_ends : lane_stage<1> {
  void before() {
    open(1);
    try_register(0);
  }
  void first() {
    lane->unregister_and_wait(*nodes[0]);
    drop(nodes[0]);
    drop(lane);
  }
  void after() { finish(); }
};
CTS_PROGRAM(G22, EndBesideCancel, lane_ends, "the owner destroys the lane beside a cancel");

struct lane_ends_inside : lane_stage<1> {
  baton done;
  void before() {
    open(1);
    try_register(0);
    nodes[0]->then = [](node& n) {
      auto& on = static_cast<lane_ends_inside&>(n.on);
      on.done.wait();
      drop(on.lane);
    };
  }
  void first() {
    if (registry->is_cancellation_requested()) sees_the_cancel();
    done.pass();
  }
  void after() {
    require(lane == nullptr, "the callback has not destroyed the lane");
    finish();
  }
};
CTS_PROGRAM(G22, EndInsideACallback, lane_ends_inside, "a callback destroys its lane");

}  // namespace
}  // namespace cts::genmc
