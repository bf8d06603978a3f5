// SPDX-License-Identifier: BSL-1.0
/// @file
/// The compact layout of a registry (core/compact_stack.hpp), where its steps differ: G2 to G6, G9, G13.
#include "genmc/registry_stage.hpp"

namespace cts::genmc {
namespace {

template <std::size_t Slots = 1>
using compact_stage = registry_stage<Slots, 1, 1, 1, true, core::compact>;

struct compact_register : compact_stage<> {
  void before() { open(1); }
  void first() { try_register(0); }
  void second() { cancel(); }
  void after() {
    exactly_once(0);
    close();
  }
};
CTS_PROGRAM(G3, CompactRegisterBesideCancel, compact_register, "compact: a registration in place runs or is refused");

struct compact_grow : compact_stage<> {
  void before() { open(2); }
  void first() {
    try_register(0);
    try_register(1);
  }
  void second() { cancel(); }
  void after() {
    exactly_once(0);
    exactly_once(1);
    later_runs_first(1, 0);
    close();
  }
};
CTS_PROGRAM(G3, CompactGrowBesideCancel, compact_grow, "compact: two registrations, and the second makes the annex");

struct compact_two_grow : compact_stage<> {
  void before() {
    open(3);
    try_register(2);
  }
  void first() { try_register(0); }
  void second() { try_register(1); }
  void after() {
    cancel();
    for (int i = 0; i < 3; ++i) exactly_once(i);
    later_runs_first(0, 2);
    later_runs_first(1, 2);
    close();
  }
};
CTS_PROGRAM(G3, CompactTwoMakeTheAnnex, compact_two_grow, "compact: two threads make the annex, and one stays");

struct compact_help : compact_stage<> {
  void before() {
    open(3);
    try_register(0);
    try_register(1);
    unregister(1);
    before_cancel = 1;
  }
  void first() {
    registry->request_cancellation();
    registry->run_callbacks([] { return false; });
  }
  void second() { registry->help_request(); }
  void third() { try_register(2); }
  void after() {
    exactly_once(0);
    exactly_once(2);
    close();
  }
};
CTS_PROGRAM(G3, CompactHelpBesideRegister, compact_help,
            "compact: a second cancel leaves no annex open to a registrant beside the walk");

struct compact_unregister : compact_stage<> {
  void before() {
    open(2);
    try_register(0);
    try_register(1);
  }
  void first() {
    for (int i = 0; i < 2; ++i)
      if (unregister(i)) drop(nodes[i]);
  }
  void second() { cancel(); }
  void after() {
    for (int i = 0; i < 2; ++i)
      if (nodes[i] != nullptr) exactly_once(i);
    close();
  }
};
CTS_PROGRAM(G5, CompactUnregisterBesideCancel, compact_unregister,
            "compact: callbacks in place and in the annex are unregistered, or run");

struct compact_wait : compact_stage<> {
  void before() {
    open(2);
    try_register(0);
    try_register(1);
  }
  void first() {
    end(0);
    end(1);
  }
  void second() { cancel(); }
  void after() { close(); }
};
CTS_PROGRAM(G6, CompactWaitBesideCancel, compact_wait, "compact: a waiting unregister sees the callback's effects");

struct compact_again : compact_stage<> {
  void before() { open(1); }
  void first() {
    if (try_register(0) && unregister(0)) try_register(0);
  }
  void second() { cancel(); }
  void after() {
    exactly_once(0);
    close();
  }
};
CTS_PROGRAM(G4, CompactRegisterAgainBesideCancel, compact_again, "compact: a slot in place is used again");

struct compact_lifo : compact_stage<2> {
  baton told;
  void before() { open(3); }
  void first() {
    try_register(0);
    told.pass();
  }
  void second() {
    if (told.has_come()) try_register(1);
  }
  void third() {
    try_register(2);
    unregister(2);
  }
  void after() {
    cancel();
    later_runs_first(1, 0);
    for (int i = 0; i < 3; ++i) exactly_once(i);
    close();
  }
};
CTS_PROGRAM(G9, CompactLifo, compact_lifo, "compact: a thread told of a registration registers above it");

struct compact_disposed_inside : compact_stage<> {
  baton done;
  void before() {
    open(3);
    try_register(0);
    try_register(1);
    nodes[1]->then = [](node& n) {
      auto& on = static_cast<compact_disposed_inside&>(n.on);
      on.done.wait();
      drop(on.registry);
    };
  }
  void first() {
    try_register(2);
    done.pass();
  }
  void second() { cancel(); }
  void after() {
    require(registry == nullptr && nodes[1]->runs == 1, "the callback has not destroyed the registry");
    close();
  }
};
CTS_PROGRAM(G13, CompactDisposeInsideACallback, compact_disposed_inside,
            "compact: a callback destroys the registry and its annex");

}  // namespace
}  // namespace cts::genmc
