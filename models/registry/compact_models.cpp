// SPDX-License-Identifier: BSL-1.0
/// @file
/// The compact layout (core/compact_stack.hpp): the guarantees of the registry where the steps of the stack are others,
/// with one to four slots in place and the annex.
#include "checker/harness.hpp"
#include "scenes.hpp"

namespace cts::models {
namespace {

using tiny_stage = compact_stage<tiny>;

add<one_winner<tiny_stage>> c1("G1", "CompactOneWinner", "compact: two cancels, one wins, both see the flag", full(),
                               1000000);
add<one_winner<tiny_stage, 2>> c1b("G1", "CompactOneWinnerOfTheAnnex", "the same with an annex", full(), 1000000);

add<register_vs_cancel<tiny_stage, 1>> c3("G3", "CompactRegisterVersusCancel",
                                          "compact: a registration in place and a cancel: not lost, not twice", full(),
                                          1000000);
add<register_vs_cancel<tiny_stage, 3>> c3b("G3", "CompactGrowVersusCancel",
                                           "compact: registrations that make the annex and grow in it beside a cancel",
                                           full(), 1000000);

add<two_registrants<compact_stage<platform<2, 2>>>> c4("G4", "CompactTwoRegistrantsVersusCancel",
                                                       "compact: two threads register in place, a third cancels",
                                                       full(), 1000000);
add<two_registrants<tiny_stage>> c4b("G4", "CompactTwoGrowOnceVersusCancel",
                                     "compact: two threads register, one of which makes the annex, a third cancels",
                                     full(), 1000000);
add<two_registrants<tiny_stage, 1>> c4c("G4", "CompactTwoGrowVersusCancel",
                                        "compact: two threads make the annex, a third cancels", large(1), 1000000);

/// A registration in place, and an annex for the next one, node 2.
struct beside_the_annex : tiny_stage {
  void begin() {
    open(3);
    try_register(0);
    try_register(1);
    unregister(1);
  }
  void end() {
    exactly_once(0, true);
    exactly_once(2, true);
    close();
  }
};

/// A registrant comes upon the annex while a canceller closes it after top.
struct compact_late : rl::test_suite<compact_late, 2>, beside_the_annex {
  void before() { begin(); }
  void thread(unsigned i) {
    if (i == 0) {
      shared->cancel();
      return;
    }
    bool const known = shared->is_cancellation_requested();
    bool const in = try_register(2);
    require(!known || !in, "registered although the flag was read as set");
  }
  void after() { end(); }
};
add<compact_late> c4d("G4", "CompactAnnexVersusCancel",
                      "compact: a registration in the annex beside a cancel: not lost; refused once the flag is set",
                      full(), 1000000);

/// The first thread is to run the callbacks, as a state has decided. The second one, which has come second, helps it.
/// It may close top and stand still before the annex, which the first one must not walk while it is open (J3).
struct compact_help : rl::test_suite<compact_help, 3>, beside_the_annex {
  void before() { begin(); }
  void thread(unsigned i) {
    if (i == 0) {
      static_cast<void>(shared->request_cancellation());
      shared->run_callbacks([] { return false; });
    } else if (i == 1) {
      shared->help_request();
    } else {
      try_register(2);
    }
  }
  void after() { end(); }
};
add<compact_help> c4e("G3", "CompactHelpVersusRegister",
                      "compact: who runs the callbacks walks no annex that a second cancel has left open", full(),
                      250000);

add<unregister_vs_cancel<compact_stage<platform<2, 1>>, 3>> c5(
    "G5", "CompactUnregisterXorRan", "compact: unregister true: it never runs, its memory may be reused at once",
    full(), 1000000);

add<remove_vs_register<tiny_stage>> c5b("G5", "CompactRemoveVersusRegister",
                                        "compact: remove_all beside registrations: a callback that is not removed runs",
                                        full(), 1000000);

add<waiting<tiny_stage>> c6("G6", "CompactWaits", "compact: a waiting unregister waits, in place and in the annex",
                            full(), 1000000);

add<order<compact_stage<three>, 1>> c9(
    "G9", "CompactLifoInPlace",
    "compact: one registration after another, a third thread comes and goes in place: the "
    "later one runs first",
    full(), 1000000);
add<order<compact_stage<platform<4, 1>>, 2>> c9b("G9", "CompactLifoInPlaceTwice",
                                                 "the same in four slots, and it comes again", full(), 1000000);
add<order<tiny_stage, 0>> c9c("G9", "CompactLifoIntoTheAnnex", "the same while the annex is made", full(), 1000000);
add<order<compact_stage<small>, 1>> c9d("G9", "CompactLifoWhileGrowing", "the same while it is made and grows", full(),
                                        1000000);

/// A registrant has found a slot dead; until it takes the slot, others come and go in it and above it.
struct compact_stale : rl::test_suite<compact_stale, 3>, compact_stage<platform<2, 2>> {
  models::baton baton;
  void before() {
    open(4);
    baton.reset();
    try_register(2);
  }
  void thread(unsigned i) {
    if (i == 0) {
      try_register(0);
      unregister(2);
      baton.pass(1);
    } else if (i == 1) {
      if (baton.get() == 1) try_register(1);
    } else try_register(3);
  }
  void after() {
    shared->cancel();
    later_runs_first(1, 0);
    exactly_once(0, true);
    exactly_once(1, true);
    exactly_once(3, true);
    close();
  }
};
add<compact_stale> c9e("G9", "CompactLifoAboveAHole",
                       "compact: a slot below a live one dies; a registrant that knows of that one stays above it",
                       full(), 1000000);

/// Thread 0 stops at its n-th atomic step until the other one is done; n is a choice of the search.
struct compact_suspended : rl::test_suite<compact_suspended, 2>, tiny_stage {
  models::baton others;
  void before() {
    open(4);
    others.set(1);
    now.others = &others;
  }
  void thread(unsigned i) {
    if (i == 0) {
      now.stop_in = static_cast<int>(rl::rand(14));
      try_register(0);
      unregister(0);
      now.stop_in = -1;
    } else {
      try_register(2);
      try_register(3);
      unregister(2);
      shared->is_cancellation_requested();
      shared->cancel();
      others.count_down();
    }
  }
  void after() {
    for (std::size_t i = 0; i < 4; ++i) exactly_once(i, true);
    close();
  }
};
add<compact_suspended> c11("G11", "CompactAnyStepMayBeTheLast",
                           "compact: one thread stops at any atomic step; the other grows and cancels to the end",
                           full(), 1000000);

add<dispose_last<tiny_stage>> c12("G12", "CompactLastIsClean",
                                  "compact: the last thread disposes: no race, no leak, nothing freed too early",
                                  full(), 1000000);

add<destroys_all<tiny_stage>> c13("G13", "CompactDestroysAll", "compact: a callback in the annex destroys the registry",
                                  full(), 1000);

struct compact_out_of_memory : rl::test_suite<compact_out_of_memory, 2>, tiny_stage {
  void before() {
    open(3);
    try_register(0);
    now.failing = 0;
  }
  void thread(unsigned i) {
    if (i == 1) {
      unregister(0);
      registered[2] = shared->try_register(*nodes[2]) == register_result::registered;
      return;
    }
    register_result const result = shared->try_register(*nodes[1]);
    registered[1] = result == register_result::registered;
  }
  void after() {
    shared->cancel();
    for (std::size_t i = 0; i < 3; ++i) exactly_once(i, true);
    close();
  }
};
add<compact_out_of_memory> c15("G15", "CompactFailedAllocation",
                               "compact: a registration that cannot make the annex changes nothing", full(), 500000);

/// The callback in the annex pauses the notification, then one in place does.
struct compact_pauses : rl::test_suite<compact_pauses, 2>, compact_stage<platform<2, 1>> {
  void before() {
    open(4);
    for (std::size_t i = 0; i < 4; ++i) {
      try_register(i);
      nodes[i]->then = [this](node&) { shared->pause_here(); };
    }
  }
  void thread(unsigned i) {
    if (i == 1) {
      for (std::size_t k = 0; k < 4; ++k) shared->unregister_and_wait(*nodes[k]);
      return;
    }
    shared->request_cancellation();
    typename registry::pause at;
    auto* c = shared->run_callbacks([] { return false; }, at);
    while (c != nullptr) c = shared->resume(at, [] { return false; });
  }
  void after() {
    for (std::size_t k = 0; k < 4; ++k)
      for (std::size_t m = 0; m < k; ++m) later_runs_first(k, m);
    close();
  }
};
add<compact_pauses> c16("G16", "CompactPauses",
                        "compact: each callback pauses, in place and in the annex; the notification goes on below it",
                        full(), 1000000);

}  // namespace
}  // namespace cts::models
