// SPDX-License-Identifier: BSL-1.0
/// @file
/// The wait handle (S3 of protocol/state.hpp, protocol/shared_event.hpp): G18.
#include "state/scene.hpp"

namespace cts::models::states {
namespace {

struct watch_vs_cancel : rl::test_suite<watch_vs_cancel, 2>, scene {
  state_event* event = nullptr;
  void before() {
    open();
    add(0);
    states[0]->share();
    make_payload();
  }
  void thread(unsigned i) {
    if (i == 1) {
      payload->set(1);
      cancel(*states[0]);
      states[0]->drop();
      return;
    }
    event = states[0]->watch();
    if (event->is_signalled()) {
      require(states[0]->is_cancellation_requested(), "signalled before the flag");
      (void)payload->get();
    }
  }
  void after() {
    require(event->is_signalled(), "canceled, but the handle is not signalled");
    event->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<watch_vs_cancel> const add_watch_vs_cancel(
    "G18", "WatchVersusCancel",
    "making the handle beside cancel: it is signalled, after the flag, and shows what came before cancel", full(),
    1000000);

struct two_watch : rl::test_suite<two_watch, 3>, scene {
  state_event* event[2] = {};
  void before() {
    open();
    add(0);
  }
  void thread(unsigned i) {
    if (i == 2) {
      cancel(*states[0]);
      return;
    }
    event[i] = states[0]->watch();
  }
  void after() {
    require(event[0] == event[1], "two handles");
    require(event[0]->is_signalled(), "canceled, but the handle is not signalled");
    for (auto* x : event) x->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<two_watch> const add_two_watch("G18", "TwoWatchVersusCancel",
                                   "two threads make the handle beside cancel: both get the same one", large(2),
                                   400000);

struct two_watch_only : rl::test_suite<two_watch_only, 2>, scene {
  state_event* event[2] = {};
  void before() {
    open();
    add(0);
  }
  void thread(unsigned i) {
    event[i] = states[0]->watch();
    (void)event[i]->waiters();
  }
  void after() {
    require(event[0] == event[1], "two handles");
    states[0]->dispose();
    require(is_disposed(*event[0]), "disposed, but the handle is not");
    for (auto* x : event) x->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<two_watch_only> const add_two_watch_only("G18", "TwoWatch", "two threads make the handle: both get the same one",
                                             full(), 1000000);

struct watch_vs_dispose : rl::test_suite<watch_vs_dispose, 2>, scene {
  state_event* event = nullptr;
  void before() {
    open();
    add(0);
    states[0]->share();
    event = nullptr;
  }
  void thread(unsigned i) {
    if (i == 1) states[0]->dispose(), states[0]->drop();
    else event = states[0]->watch();
  }
  void after() {
    if (event != nullptr) {
      require(is_disposed(*event), "disposed, but a handle waits for ever");
      event->drop();
    }
    states[0]->dispose_and_drop();
    close();
  }
};
add<watch_vs_dispose> const add_watch_vs_dispose("G18", "WatchVersusDispose",
                                                 "making the handle beside dispose: it is refused or disposed", full(),
                                                 1000000);

struct signalled_first : rl::test_suite<signalled_first, 2>, scene {
  state_event* event = nullptr;
  void before() {
    open();
    add(0);
    event = states[0]->watch();
    register_callback(0);
    callbacks[0]->then = [this] { require(event->is_signalled(), "a callback ran before the handle was signalled"); };
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel(*states[0]);
      return;
    }
    if (event->is_signalled()) require(states[0]->is_cancellation_requested(), "signalled before the flag");
  }
  void after() {
    unregister_callback(0);
    event->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<signalled_first> const add_signalled_first(
    "G18", "SignalledAfterTheFlagBeforeCallbacks",
    "the handle is signalled after the flag is set and before any callback runs", full(), 1000000);

/// The waiter's handle outlives its source.
struct wait_vs_cancel_and_end : rl::test_suite<wait_vs_cancel_and_end, 2>, scene {
  state_event* event = nullptr;
  void before() {
    open();
    add(0);
    event = states[0]->watch();
    make_payload();
  }
  void thread(unsigned i) {
    if (i == 1) {
      payload->set(1);
      cancel(*states[0]);
      states[0]->dispose_and_drop();
      return;
    }
    try {
      require(event->wait(std::nullopt), "a wait without an end has ended without the cancel");
      (void)payload->get();
    } catch (object_disposed const&) {}
    event->drop();
  }
  void after() {
    require(now.deallocations == 2, "the state and its event are not freed once each");
    close();
  }
};
add<wait_vs_cancel_and_end> const add_wait_vs_cancel_and_end(
    "G18", "WaitVersusCancelAndEnd",
    "a wait beside cancel and the source's end: it ends, sees what came before cancel, and the event is freed once",
    full(), 0);

}  // namespace
}  // namespace cts::models::states
