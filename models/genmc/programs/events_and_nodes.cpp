// SPDX-License-Identifier: BSL-1.0
/// @file
/// G18: the event behind a wait handle. G20: a registration with memory of its own.
#include "genmc/state_stage.hpp"

namespace cts::genmc {
namespace {

struct watch_beside_cancel : state_stage {
  counted_event* event = nullptr;
  void before() {
    add(0);
    states[0]->share();
  }
  void first() {
    event = states[0]->watch();
    if (event->is(counted_event::signalled)) sees_the_cancel(*states[0]);
  }
  void second() {
    before_cancel = 1;
    cancel(0);
    states[0]->drop();
  }
  void after() {
    require(event->is(counted_event::signalled), "canceled, but the handle is not signalled");
    event->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
CTS_PROGRAM(G18, WatchBesideCancel, watch_beside_cancel,
            "an event made beside a cancel is signalled, after the flag, and shows what came before cancel");

struct watch_beside_dispose : state_stage {
  counted_event* event = nullptr;
  void before() {
    add(0);
    states[0]->share();
  }
  void first() { event = states[0]->watch(); }
  void second() {
    states[0]->dispose();
    states[0]->drop();
  }
  void after() {
    if (event != nullptr) {
      require(event->is(counted_event::disposed), "disposed, but a handle waits for ever");
      event->drop();
    }
    states[0]->dispose_and_drop();
    close();
  }
};
CTS_PROGRAM(G18, WatchBesideDispose, watch_beside_dispose, "an event made beside dispose is refused or disposed");

struct two_watch : state_stage {
  counted_event* events[2] = {};
  void watch(int i) {
    events[i] = states[0]->watch();
    require(events[i]->built == 1, "an event is used that is not there");
  }
  void before() { add(0); }
  void first() { watch(0); }
  void second() { watch(1); }
  void after() {
    require(events[0] == events[1], "two events");
    states[0]->dispose();
    require(events[0]->is(counted_event::disposed), "disposed, but the event is not");
    for (counted_event* e : events) e->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
CTS_PROGRAM(G18, TwoWatch, two_watch, "two threads make the event: both get the same one");

struct node_ends_beside_cancel : state_stage {
  void before() {
    add(0);
    register_node(0);
  }
  void first() {
    handle->unregister_and_wait();
    require(ended.callables == 1, "the wait returned before the callable was destroyed");
    handle->release_handle();
  }
  void second() {
    cancel(0);
    states[0]->dispose_and_drop();
  }
  void after() {
    require(ended.callables == 1 && ended.nodes == 1, "a registration was not destroyed once");
    close();
  }
};
CTS_PROGRAM(G20, EndBesideCancel, node_ends_beside_cancel,
            "a registration's dispose beside a cancel: the callable is destroyed once, the node freed once");

struct too_late : state_stage {
  void before() {
    add(0);
    register_node(0);
  }
  void first() {
    if (!handle->unregister()) {
      sees_the_cancel(handle->owner());
      handle->unregister_and_wait();
    }
    handle->release_handle();
  }
  void second() {
    before_cancel = 1;
    cancel(0);
    states[0]->dispose_and_drop();
  }
  void after() {
    require(ended.callables == 1 && ended.nodes == 1, "a registration was not destroyed once");
    close();
  }
};
CTS_PROGRAM(G20, TooLateToUnregister, too_late,
            "an unregister that comes too late sees what was written before cancel");

struct release_beside_cancel : state_stage {
  void before() {
    add(0);
    register_node(0);
  }
  void first() { handle->release_handle(); }
  void second() {
    cancel(0);
    states[0]->dispose_and_drop();
  }
  void after() {
    require(ended.callables == 1 && ended.nodes == 1, "a registration was not destroyed once");
    close();
  }
};
CTS_PROGRAM(G20, ReleaseBesideCancel, release_beside_cancel,
            "the end of a handle beside a cancel: the later of the two owners frees the node");

struct completes : state_stage {
  waiter* last = nullptr;
  bool waits = false;
  void before() {
    add(0);
    register_node(0);
  }
  void first() {
    last = make<waiter>();
    waits = handle->complete_at_end(*last);
    if (waits) last->ended.wait();
    handle->unregister_and_wait();
    require(ended.callables == 1, "completed before the callable was destroyed");
    handle->release_handle();
  }
  void second() {
    cancel(0);
    states[0]->dispose_and_drop();
  }
  void after() {
    drop(last);
    require(ended.callables == 1 && ended.nodes == 1, "a registration was not destroyed once");
    close();
  }
};
CTS_PROGRAM(G20, CompletedAtTheEnd, completes,
            "a waiter is completed after the callable is destroyed, beside a cancel");

}  // namespace
}  // namespace cts::genmc
