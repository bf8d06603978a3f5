// SPDX-License-Identifier: BSL-1.0
/// @file
/// G1 to G4, G8, G10, G15: registrations and polls beside a cancel.
#include "genmc/registry_stage.hpp"

namespace cts::genmc {
namespace {

struct two_cancels : registry_stage<1, 1> {
  bool won[2] = {};
  void before() {
    open(1);
    before_cancel = 1;
    try_register(0);
  }
  void cancel_as(int i) {
    won[i] = registry->cancel();
    require(registry->is_cancellation_requested(), "cancel returned, but the flag reads as clear");
  }
  void first() { cancel_as(0); }
  void second() { cancel_as(1); }
  void after() {
    require(won[0] != won[1], "not exactly one cancel has won");
    exactly_once(0);
    close();
  }
};
CTS_PROGRAM(G1, OneOfTwoCancels, two_cancels, "two cancels: one wins, and both find the flag set");

struct cancel_in_halves : registry_stage<1, 1> {
  void before() { open(2); }
  void first() { try_register(0); }
  void second() {
    before_cancel = 1;
    require(registry->request_cancellation(), "the only cancel has not won");
    registry->run_callbacks([] { return false; });
  }
  void third() {
    if (registry->is_cancellation_requested()) sees_the_cancel();
  }
  void after() {
    exactly_once(0);
    close();
  }
};
CTS_PROGRAM(G1, CancelInHalves, cancel_in_halves, "the two halves of cancel beside a registration and a poll");

struct register_beside_cancel : registry_stage<1, 1> {
  void before() { open(1); }
  void first() { try_register(0); }
  void second() { cancel(); }
  void after() {
    exactly_once(0);
    close();
  }
};
CTS_PROGRAM(G3, RegisterBesideCancel, register_beside_cancel, "a registration beside a cancel runs or is refused");

struct grow_beside_cancel : registry_stage<1, 1> {
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
CTS_PROGRAM(G3, GrowBesideCancel, grow_beside_cancel, "two registrations, and the second makes the registry grow");

struct two_grow_beside_cancel : registry_stage<1, 1> {
  void before() { open(2); }
  void first() { try_register(0); }
  void second() { try_register(1); }
  void third() { cancel(); }
  void after() {
    exactly_once(0);
    exactly_once(1);
    close();
  }
};
CTS_PROGRAM(G3, TwoRegistrantsBesideCancel, two_grow_beside_cancel,
            "two registrants, one of which makes the registry grow, beside a cancel");

struct stripes_beside_cancel : registry_stage<1, 1, 2> {
  void before() { open(2); }
  void first() { try_register(0); }
  void second() { try_register(1); }
  void third() { cancel(); }
  void after() {
    exactly_once(0);
    exactly_once(1);
    close();
  }
};
CTS_PROGRAM(G3, StripesBesideCancel, stripes_beside_cancel, "two registrants on two stripes beside a cancel");

struct register_again : registry_stage<1, 1> {
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
CTS_PROGRAM(G4, RegisterAgainBesideCancel, register_again, "a callback that is registered twice beside a cancel");

struct poll_beside_cancel : registry_stage<1, 1> {
  void before() { open(1); }
  void first() { try_register(0); }
  void second() {
    if (registry->is_cancellation_requested()) sees_the_cancel();
  }
  void third() { cancel(); }
  void after() {
    exactly_once(0);
    close();
  }
};
CTS_PROGRAM(G8, PollBesideCancel, poll_beside_cancel,
            "a poller that reads the flag as set sees what was written before cancel");

struct flag_stays : registry_stage<1, 1> {
  void before() { open(1); }
  void first() { try_register(0); }
  void second() { cancel(); }
  void third() {
    if (!registry->is_cancellation_requested()) return;
    require(registry->is_cancellation_requested(), "the flag went back");
  }
  void after() {
    require(registry->is_cancellation_requested(), "the flag went back");
    close();
  }
};
CTS_PROGRAM(G10, FlagStays, flag_stays, "a poller that has read the flag as set reads it so again");

struct no_memory : registry_stage<1, 1, 1, 3, false> {
  void before() { open(2); }
  void first() {
    try_register(0);
    nodes[1]->payload = 1;
    register_result const result = registry->try_register(*nodes[1]);
    if (result == register_result::canceled) sees_the_cancel();
    else
      require(result == (registered[0] ? register_result::out_of_memory : register_result::registered),
              "a registry without memory has taken two callbacks");
    registered[1] = result == register_result::registered;
  }
  void second() { cancel(); }
  void after() {
    exactly_once(0);
    exactly_once(1);
    close();
  }
};
CTS_PROGRAM(G15, NoMemoryBesideCancel, no_memory, "a registry that cannot grow refuses the second callback");

}  // namespace
}  // namespace cts::genmc
