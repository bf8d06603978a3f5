// SPDX-License-Identifier: BSL-1.0
/// @file
/// G3, G11, G14 while segments are restarted and moved.
#include "genmc/registry_stage.hpp"

namespace cts::genmc {
namespace {

/// The callbacks 0 … `Inside` − 1 are registered before; the first thread unregisters 0 and registers the next one.
template <std::size_t Slots, int Inside, unsigned Claims = 3>
struct comes_and_goes : registry_stage<Slots, Slots, 1, Claims> {
  void before() {
    this->open(Inside + 2);
    for (int i = 0; i < Inside; ++i) this->try_register(i);
  }
  void first() {
    this->unregister(0);
    this->try_register(Inside);
  }
  void all_once(int callbacks) {
    for (int i = 0; i < callbacks; ++i) this->exactly_once(i);
  }
};

struct restart_beside_register : comes_and_goes<1, 1> {
  void second() { try_register(2); }
  void after() {
    cancel();
    all_once(3);
    close();
  }
};
CTS_PROGRAM(G3, RestartBesideRegister, restart_beside_register, "an empty segment is restarted beside a registration");

struct restart_beside_cancel : comes_and_goes<2, 2> {
  void first() {
    unregister(0);
    unregister(1);
    try_register(2);
  }
  void second() { cancel(); }
  void after() {
    all_once(3);
    close();
  }
};
CTS_PROGRAM(G3, RestartBesideCancel, restart_beside_cancel, "an empty segment is restarted beside a cancel");

struct recycle_beside_register : comes_and_goes<1, 2, 1> {
  void second() { try_register(3); }
  void after() {
    cancel();
    all_once(4);
    close();
  }
};
CTS_PROGRAM(G14, RecycleBesideRegister, recycle_beside_register,
            "an empty segment moves to the top beside a registration");

struct recycle_beside_cancel : comes_and_goes<1, 2> {
  void second() { cancel(); }
  void after() {
    all_once(3);
    later_runs_first(2, 1);
    close();
  }
};
CTS_PROGRAM(G14, RecycleBesideCancel, recycle_beside_cancel, "an empty segment moves to the top beside a cancel");

struct dead_slot_beside_register : registry_stage<3, 3> {
  void before() {
    open(4);
    try_register(0);
    try_register(1);
    unregister(1);
  }
  void first() {
    unregister(0);
    try_register(2);
  }
  void second() { try_register(3); }
  void after() {
    cancel();
    for (int i = 0; i < 4; ++i) exactly_once(i);
    close();
  }
};
CTS_PROGRAM(G3, RestartOfDeadSlotsBesideRegister, dead_slot_beside_register,
            "a segment whose slots have died is restarted beside a registration in it");

/// Segments of one slot, from the top: 2 is empty, 1 and 0 are empty, the bottom one has callback 3.
struct two_movers : registry_stage<1, 1, 1, 1> {
  void before() {
    open(6);
    try_register(3);
    for (int i = 0; i < 3; ++i) try_register(i);
    unregister(0);
    unregister(1);
  }
  void first() { try_register(4); }
  void second() { try_register(5); }
  void after() {
    cancel();
    for (int i = 2; i < 6; ++i) exactly_once(i);
    close();
  }
};
CTS_PROGRAM(G14, TwoMovers, two_movers, "two threads move neighbouring segments");

/// The first thread grows, empties the segment below the new one and moves it: so the next sweep begins in the new one.
struct sweep_handed_over : registry_stage<1, 1, 1, 1> {
  baton later;
  void before() {
    open(4);
    try_register(0);
  }
  void first() {
    try_register(1);
    unregister(0);
    try_register(2);
    later.pass_unordered();
  }
  void second() {
    later.wait_unordered();
    try_register(3);
  }
  void after() {
    cancel();
    for (int i = 0; i < 4; ++i) exactly_once(i);
    close();
  }
};
CTS_PROGRAM(G14, SweepHandedOver, sweep_handed_over, "a later thread, which sees nothing of it, goes on with a sweep");

/// The first thread moves the bottom segment to the top, above the one that it empties then. The second one still finds
/// the old order, and takes the emptied segment from below the moved one.
struct unlink_below_the_moved : registry_stage<1, 1, 1, 1> {
  baton later;
  void before() {
    open(4);
    try_register(0);
    try_register(1);
    unregister(0);
  }
  void first() {
    try_register(2);
    unregister(1);
    later.pass_unordered();
  }
  void second() {
    later.wait_unordered();
    try_register(3);
  }
  void after() {
    cancel();
    for (int i = 0; i < 4; ++i) exactly_once(i);
    close();
  }
};
CTS_PROGRAM(G11, UnlinkBelowTheMoved, unlink_below_the_moved,
            "a later thread, which sees nothing of it, moves the segment below a moved one");

}  // namespace
}  // namespace cts::genmc
