// SPDX-License-Identifier: BSL-1.0
/// @file
/// G5, G6, G7, G12, G13, and remove_all: the ends of a registration and of a registry beside a cancel.
#include "genmc/registry_stage.hpp"

namespace cts::genmc {
namespace {

struct unregister_beside_cancel : registry_stage<1, 1> {
  void before() { open(1); }
  void first() {
    if (try_register(0) && unregister(0)) drop(nodes[0]);
  }
  void second() { cancel(); }
  void after() {
    if (nodes[0] != nullptr) exactly_once(0);
    close();
  }
};
CTS_PROGRAM(G5, UnregisterBesideCancel, unregister_beside_cancel,
            "an unregistered callback never runs, and its memory may be freed at once; else it runs");

struct unregister_two : registry_stage<1, 1> {
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
CTS_PROGRAM(G5, UnregisterTwoBesideCancel, unregister_two, "the same with two callbacks in two segments");

struct two_unregister : registry_stage<1, 1> {
  bool took[2] = {};
  void before() {
    open(1);
    try_register(0);
  }
  void first() { took[0] = registry->unregister(*nodes[0]); }
  void second() { took[1] = registry->unregister(*nodes[0]); }
  void third() { cancel(); }
  void after() {
    require(int{took[0]} + int{took[1]} + nodes[0]->runs == 1, "not exactly one thread has the callback");
    close();
  }
};
CTS_PROGRAM(G5, TwoUnregisterBesideCancel, two_unregister, "two threads unregister one callback beside a cancel");

struct wait_beside_cancel : registry_stage<1, 1> {
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
CTS_PROGRAM(G6, WaitBesideCancel, wait_beside_cancel,
            "a waiting unregister sees the callback's effects, and may free its memory");

struct register_and_wait : registry_stage<1, 1> {
  void before() { open(1); }
  void first() {
    try_register(0);
    end(0);
  }
  void second() { cancel(); }
  void after() { close(); }
};
CTS_PROGRAM(G6, RegisterAndWaitBesideCancel, register_and_wait, "the same after a registration beside the cancel");

struct wait_for_paused : registry_stage<1, 1> {
  void before() {
    open(1);
    try_register(0);
    nodes[0]->then = [](node& n) { n.on.registry->pause_here(); };
  }
  void first() { end(0); }
  void second() {
    auto const go_on = [] { return false; };
    registry_type::pause at;
    registry->request_cancellation();
    if (registry->run_callbacks(go_on, at) != nullptr) registry->resume(at, go_on);
  }
  void after() { close(); }
};
CTS_PROGRAM(G6, WaitForAPausedCallback, wait_for_paused,
            "the same for a callback at which the notification has paused");

struct wait_inside : registry_stage<1, 1> {
  void before() {
    open(2);
    try_register(1);
    try_register(0);
    nodes[0]->then = [](node& n) {
      n.on.registry->unregister_and_wait(n);  // itself: it must not wait
      n.on.end(1);
    };
  }
  void first() {
    if (registry->is_cancellation_requested()) sees_the_cancel();
  }
  void second() { cancel(); }
  void after() {
    require(nodes[0]->runs == 1 && nodes[1] == nullptr, "a callback could not end another one");
    close();
  }
};
CTS_PROGRAM(G7, WaitInsideACallback, wait_inside, "a callback ends itself and an older one without waiting");

struct dispose_last : registry_stage<1, 1> {
  void before() {
    open(1);
    try_register(0);
  }
  void first() {
    if (unregister(0)) return;
    registry->await_return(*nodes[0]);
    require(nodes[0]->runs == 1, "a callback that could not be unregistered did not run");
    drop(registry);  // the cancel has called its last callback
  }
  void second() { cancel(); }
  void after() { close(); }
};
CTS_PROGRAM(G12, DisposeAfterTheLastCallback, dispose_last,
            "a dispose that comes after the last callback waits for the canceller on its way out");

struct disposed_inside : registry_stage<1, 1> {
  baton done;
  void before() {
    open(2);
    try_register(0);
    nodes[0]->then = [](node& n) {
      auto& on = static_cast<disposed_inside&>(n.on);
      on.done.wait();
      drop(on.registry);
    };
  }
  void first() {
    try_register(1);
    done.pass();
  }
  void second() { cancel(); }
  void after() {
    require(registry == nullptr && nodes[0]->runs == 1, "the callback has not destroyed the registry");
    close();
  }
};
CTS_PROGRAM(G13, DisposeInsideACallback, disposed_inside,
            "a callback destroys the registry after another thread's last registration");

struct all_destroyed_inside : registry_stage<1, 1> {
  baton done;
  void before() {
    open(2);
    try_register(1);
    try_register(0);
    nodes[0]->then = [](node& n) {
      auto& on = static_cast<all_destroyed_inside&>(n.on);
      on.done.wait();
      require(on.registry->unregister(*on.nodes[1]), "an older callback could not be unregistered");
      drop(on.registry);
      drop(on.nodes[1]);
      drop(on.nodes[0]);
    };
  }
  void first() {
    if (registry->is_cancellation_requested()) sees_the_cancel();
    done.pass();
  }
  void second() { cancel(); }
  void after() {
    require(registry == nullptr && nodes[0] == nullptr, "the callback has not destroyed everything");
    close();
  }
};
CTS_PROGRAM(G13, AllDestroyedInsideACallback, all_destroyed_inside,
            "a callback destroys the registry, an older callback and itself");

struct remove_beside_cancel : registry_stage<1, 1> {
  int removed[3] = {};
  void remove() {
    registry->remove_all([this](core::basic_callback<P>& c) {
      for (int i = 0; i < 3; ++i)
        if (&c == nodes[i]) ++removed[i];
    });
  }
  void before() {
    open(2);
    try_register(0);
    try_register(1);
  }
  void first() { remove(); }
  void second() { cancel(); }
  void after() {
    for (int i = 0; i < 2; ++i) require(removed[i] + nodes[i]->runs == 1, "not exactly one thread has the callback");
    close();
  }
};
CTS_PROGRAM(G2, RemoveAllBesideCancel, remove_beside_cancel, "remove_all beside a cancel: removed, or it runs");

struct remove_beside_register : remove_beside_cancel {
  void before() {
    open(2);
    try_register(0);
  }
  void second() { try_register(1); }
  void after() {
    cancel();
    for (int i = 0; i < 2; ++i) require(removed[i] + nodes[i]->runs == 1, "not exactly one thread has the callback");
    close();
  }
};
CTS_PROGRAM(G2, RemoveAllBesideRegister, remove_beside_register,
            "remove_all beside a registration: removed, or a later cancel runs it");

struct remove_then_register : registry_stage<2, 2> {
  void before() {
    open(4);
    try_register(0);
    try_register(1);
  }
  void first() {
    int next = 2;
    registry->remove_all([](core::basic_callback<P>&) {}, [this, &next] { try_register(next++); });
  }
  void second() { static_cast<void>(registry->is_cancellation_requested()); }
  void after() {
    cancel();
    exactly_once(2);
    exactly_once(3);
    close();
  }
};
CTS_PROGRAM(G5, RemoveAllThenRegisters, remove_then_register,
            "what remove_all's then() registers is not removed, and runs");

struct remove_beside_wait : remove_beside_cancel {
  void before() {
    open(1);
    try_register(0);
  }
  void second() {
    registry->unregister_and_wait(*nodes[0]);
    nodes[0]->payload = 2;  // its memory is the waiter's
  }
  void after() {
    require(removed[0] <= 1 && nodes[0]->runs == 0, "a removed callback has run");
    close();
  }
};
CTS_PROGRAM(G6, WaitBesideRemoveAll, remove_beside_wait, "a waiting unregister beside remove_all");

struct remove_beside_a_callback : registry_stage<1, 1> {
  void before() {
    open(2);
    try_register(0);
    try_register(1);
    nodes[1]->then = [](node& n) { n.on.end(0); };
  }
  void first() {
    registry->remove_all([this](core::basic_callback<P>& c) {
      static_cast<void>(registry->is_cancellation_requested());  // a step, before which the other thread may go on
      static_cast<node&>(c).turn = -1;
    });
  }
  void second() { cancel(); }
  void after() { close(); }
};
CTS_PROGRAM(G6, CancellerWaitsForARemoval, remove_beside_a_callback,
            "a callback of the cancel unregisters and destroys an older one, which remove_all may hold");

}  // namespace
}  // namespace cts::genmc
