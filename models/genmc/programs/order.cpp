// SPDX-License-Identifier: BSL-1.0
/// @file
/// G9: last in, first out over happens-before. One thread registers callback 0 and passes the baton; another one, told
/// so, registers callback 1, which must run first.
#include "genmc/registry_stage.hpp"

namespace cts::genmc {
namespace {

template <std::size_t Slots>
struct handed_over : registry_stage<Slots, Slots> {
  baton told;
  void tell() {
    this->try_register(0);
    told.pass();
  }
  void register_if_told() {
    if (told.has_come()) this->try_register(1);
  }
  void finish() {
    this->cancel();
    this->later_runs_first(1, 0);
    for (int i = 0; i < this->most; ++i)
      if (this->nodes[i] != nullptr) this->exactly_once(i);
    this->close();
  }
};

struct lifo_across_segments : handed_over<1> {
  void before() { open(3); }
  void first() { tell(); }
  void second() { register_if_told(); }
  void third() { try_register(2); }
  void after() { finish(); }
};
CTS_PROGRAM(G9, LifoAcrossSegments, lifo_across_segments, "a third thread makes the registry grow meanwhile");

struct lifo_in_a_segment : handed_over<3> {
  void before() { open(3); }
  void first() { tell(); }
  void second() { register_if_told(); }
  void third() {
    try_register(2);
    unregister(2);
  }
  void after() { finish(); }
};
CTS_PROGRAM(G9, LifoInASegment, lifo_in_a_segment, "a third thread comes and goes in the same segment meanwhile");

struct lifo_after_restart : handed_over<1> {
  void before() {
    open(4);
    try_register(3);
  }
  void first() {
    unregister(3);
    tell();
    try_register(2);
  }
  void second() { register_if_told(); }
  void after() { finish(); }
};
CTS_PROGRAM(G9, LifoAfterRestart, lifo_after_restart, "the first thread restarts a segment before and grows after");

/// The first thread restarts a segment whose slots have died. The second one, which sees the new generation alone, must
/// not take a slot of the old one for used: the third one, told of callback 0, would find a hole below it.
struct lifo_in_new_generation : handed_over<4> {
  baton later;
  void before() {
    open(5);
    try_register(2);
    try_register(3);
    unregister(2);
  }
  void first() {
    unregister(3);
    try_register(4);
    later.pass_unordered();
  }
  void second() {
    later.wait_unordered();
    tell();
  }
  void third() {
    told.wait();
    try_register(1);
  }
  void after() { finish(); }
};
CTS_PROGRAM(G9, LifoInANewGeneration, lifo_in_new_generation,
            "a late registrant in a restarted segment is not overtaken below its slot");

/// The second thread may skip the slot of callback 2 by the cursor, without seeing that it is used. The third one, told
/// of callback 0, must not find a hole below it, although its own cursor may be the last one stored.
struct lifo_behind_the_cursor : handed_over<4> {
  void before() { open(4); }
  void first() { try_register(2); }
  void second() { tell(); }
  void third() {
    try_register(3);
    told.wait();
    unregister(3);
    try_register(1);
  }
  void after() { finish(); }
};
CTS_PROGRAM(G9, LifoBehindTheCursor, lifo_behind_the_cursor,
            "a registrant that skips slots by another thread's cursor is not overtaken below them");

}  // namespace
}  // namespace cts::genmc
