// SPDX-License-Identifier: BSL-1.0
/// @file
/// References to a state (S1, S2 of protocol/state.hpp): G16.
#include "state/scene.hpp"

namespace cts::models::states {
namespace {

struct loser_sees_flag : rl::test_suite<loser_sees_flag, 2>, scene {
  void before() {
    open();
    add(0);
    states[0]->share();
    make_payload();
  }
  void thread(unsigned i) {
    if (i == 0) payload->set(1);
    bool const won = cancel(*states[0]) == request_result::won;
    require(states[0]->is_cancellation_requested(), "cancel returned, but the flag reads as clear");
    if (!won && i == 1) (void)payload->get();
    states[0]->drop();
  }
  void after() { close(); }
};
add<loser_sees_flag> const add_loser_sees_flag(
    "G16", "LoserSeesTheFlag",
    "a thread whose cancel loses reads the flag as set, and sees what came before the other cancel", full(), 1000000);

struct too_late : rl::test_suite<too_late, 2>, scene {
  void before() {
    open();
    add(0);
    register_node();
    make_payload();
  }
  void thread(unsigned i) {
    if (i == 0) {
      payload->set(1);
      cancel(*states[0]);
      states[0]->dispose_and_drop();
      return;
    }
    if (!handle->unregister()) {
      require(handle->owner().is_cancellation_requested(), "could not be unregistered, but the flag reads as clear");
      (void)payload->get();
      handle->unregister_and_wait();
    }
    handle->release_handle();
  }
  void after() { close(); }
};
add<too_late> const add_too_late(
    "G16", "TooLateToUnregister",
    "a thread that comes too late to unregister reads the flag as set, and sees what came before cancel", full(),
    1000000);

struct two_cancels_and_a_drop : rl::test_suite<two_cancels_and_a_drop, 3>, scene {
  void before() {
    open();
    add(0);
    states[0]->share();
    states[0]->share();
    register_callback(0);
  }
  void thread(unsigned i) {
    if (i < 2) cancel(*states[0]);
    else unregister_callback(0);
    states[0]->drop();
  }
  void after() {
    require(runs(0) <= 1, "ran twice");
    close();
  }
};
add<two_cancels_and_a_drop> const add_two_cancels_and_a_drop(
    "G16", "TwoCancelsAndAnEnd", "two cancels beside a callback's end: the last reference frees the state", full(),
    1000000);

struct last_drop : rl::test_suite<last_drop, 2>, scene {
  void before() {
    open();
    add(0);
    states[0]->share();
  }
  void thread(unsigned i) {
    (void)states[0]->is_cancellation_requested();
    if (i == 0) states[0]->drop();
    else states[0]->dispose_and_drop();
  }
  void after() { close(); }
};
add<last_drop> const add_last_drop("G16", "LastDrop",
                                   "a token's end beside its source's end: the last one frees the state, after all use",
                                   full(), 1000000);

struct cancel_vs_last_drop : rl::test_suite<cancel_vs_last_drop, 2>, scene {
  void before() {
    open();
    add(0);
    register_callback(0);
  }
  void thread(unsigned i) {
    if (i == 0) cancel(*states[0]), states[0]->dispose_and_drop();
    else unregister_callback(0);
  }
  void after() {
    require(runs(0) <= 1, "ran twice");
    close();
  }
};
add<cancel_vs_last_drop> const add_cancel_vs_last_drop("G16", "CancelVersusLastDrop",
                                                       "a cancel and the source's end beside a callback's end", full(),
                                                       1000000);

// --- the same with shared sources ---

add<of_shared<too_late>> const add_shared_too_late("G26", "TooLateToUnregister",
                                                   "too late to unregister from a shared source", full(), 200000);
add<of_shared<last_drop>> const add_shared_last_drop(
    "G26", "LastDrop", "a token's end beside a shared source's end: the last one frees the state", full(), 200000);
add<of_shared<cancel_vs_last_drop>> const add_shared_cancel_vs_last_drop(
    "G26", "CancelVersusLastDrop", "a shared source's cancel and end beside a callback's end", full(), 200000);
/// The callback waits for the token's thread, so that thread must not wait for the canceller.
struct ends_in_its_own_cancel : rl::test_suite<ends_in_its_own_cancel, 2>, scene {
  void before() {
    open();
    add(0);
    states[0]->share();
    register_callback(0);
    callbacks[0]->then = [this] {
      unregister_callback(0);
      states[0]->dispose_and_drop();
      P::await([this] { return ready.get() != 0; });
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*states[0]);
      return;
    }
    states[0]->drop();
    ready.pass(1);
  }
  void after() {
    require(runs(0) == 1, "did not run");
    close();
  }
};
add<ends_in_its_own_cancel> const add_ends_in_its_own_cancel(
    "G16", "TheSourceEndsInItsOwnCancel",
    "a callback ends the source beside a token's end, which waits for nothing: the canceller frees the state", full(),
    1000000);

}  // namespace
}  // namespace cts::models::states
