// SPDX-License-Identifier: BSL-1.0
/// @file
/// The compact layout (core/compact_stack.hpp): the guarantees of the registry where the steps of the stack are others,
/// with one to four slots in place and the annex.
#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

using tiny_stage = compact_stage<tiny>;

/// @tparam Before how many are registered: with two the annex is there
template <std::size_t Before>
struct compact_winner : rl::test_suite<compact_winner<Before>, 2>, tiny_stage {
  int winners = 0;
  void before() {
    open(Before);
    for (std::size_t i = 0; i < Before; ++i) try_register(i);
  }
  void thread(unsigned) {
    if (shared->cancel()) ++winners;
    require(shared->is_cancellation_requested(), "cancel returned, but the flag reads as clear");
  }
  void after() {
    require(winners == 1, "not exactly one cancel won");
    for (std::size_t i = 0; i < Before; ++i) exactly_once(i, true);
    close();
  }
};
add<compact_winner<1>> c1("G1", "CompactOneWinner", "compact: two cancels, one wins, both see the flag", full(),
                          1000000);
add<compact_winner<2>> c1b("G1", "CompactOneWinnerOfTheAnnex", "the same with an annex", full(), 1000000);

template <std::size_t N>
struct compact_register : rl::test_suite<compact_register<N>, 2>, tiny_stage {
  void before() { open(N); }
  void thread(unsigned i) {
    if (i == 1) shared->cancel();
    else
      for (std::size_t k = 0; k < N; ++k) try_register(k);
  }
  void after() {
    for (std::size_t k = 0; k < N; ++k) exactly_once(k, true);
    close();
  }
};
add<compact_register<1>> c3("G3", "CompactRegisterVersusCancel",
                            "compact: a registration in place and a cancel: not lost, not twice", full(), 1000000);
add<compact_register<3>> c3b("G3", "CompactGrowVersusCancel",
                             "compact: registrations that make the annex and grow in it beside a cancel", full(),
                             1000000);

/// Two registrants meet in a slot, or both make the annex; a third thread cancels.
template <class P, std::size_t Before>
struct compact_registrants : rl::test_suite<compact_registrants<P, Before>, 3>, compact_stage<P> {
  void before() {
    this->open(2 + Before);
    for (std::size_t i = 0; i < Before; ++i) this->try_register(2 + i);
  }
  void thread(unsigned i) {
    if (i < 2) this->try_register(i);
    else this->shared->cancel();
  }
  void after() {
    for (std::size_t i = 0; i < 2 + Before; ++i) this->exactly_once(i, true);
    this->close();
  }
};
add<compact_registrants<platform<2, 2>, 0>> c4("G4", "CompactTwoRegistrantsVersusCancel",
                                               "compact: two threads register in place, a third cancels", full(),
                                               1000000);
add<compact_registrants<tiny, 0>> c4b("G4", "CompactTwoGrowOnceVersusCancel",
                                      "compact: two threads register, one of which makes the annex, a third cancels",
                                      full(), 1000000);
add<compact_registrants<tiny, 1>> c4c("G4", "CompactTwoGrowVersusCancel",
                                      "compact: two threads make the annex, a third cancels", large(1), 1000000);

/// A registrant comes upon the annex while a canceller closes it after top.
struct compact_late : rl::test_suite<compact_late, 2>, tiny_stage {
  void before() {
    open(3);
    try_register(0);
    try_register(1);
    unregister(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      shared->cancel();
      return;
    }
    bool const known = shared->is_cancellation_requested();
    bool const in = try_register(2);
    require(!known || !in, "registered although the flag was read as set");
  }
  void after() {
    exactly_once(0, true);
    exactly_once(2, true);
    close();
  }
};
add<compact_late> c4d("G4", "CompactAnnexVersusCancel",
                      "compact: a registration in the annex beside a cancel: not lost; refused once the flag is set",
                      full(), 1000000);

struct compact_unregister : rl::test_suite<compact_unregister, 2>, compact_stage<platform<2, 1>> {
  void before() {
    open(3);
    for (std::size_t k = 0; k < 3; ++k) try_register(k);
  }
  void thread(unsigned i) {
    if (i == 1) {
      shared->cancel();
      return;
    }
    for (std::size_t k = 0; k < 3; ++k)
      if (unregister(k)) drop(nodes[k]);
  }
  void after() {
    for (std::size_t k = 0; k < 3; ++k)
      if (nodes[k] != nullptr) exactly_once(k, true);
    close();
  }
};
add<compact_unregister> c5("G5", "CompactUnregisterXorRan",
                           "compact: unregister true: it never runs, its memory may be reused at once", full(),
                           1000000);

struct compact_remove : rl::test_suite<compact_remove, 2>, tiny_stage {
  int removed[3] = {};
  void before() {
    open(3);
    try_register(0);
  }
  void thread(unsigned i) {
    if (i == 1) {
      try_register(1);
      try_register(2);
      return;
    }
    shared->remove_all([this](core::basic_callback<tiny>& c) {
      ++removed[&c == nodes[0] ? 0 : &c == nodes[1] ? 1 : 2];
    });
  }
  void after() {
    shared->cancel();
    for (std::size_t k = 0; k < 3; ++k) require(removed[k] + runs(k) == 1, "removed and ran, or neither");
    close();
  }
};
add<compact_remove> c5b("G5", "CompactRemoveVersusRegister",
                        "compact: remove_all beside registrations: a callback that is not removed runs", full(),
                        1000000);

struct compact_waiting : rl::test_suite<compact_waiting, 2>, tiny_stage {
  void before() {
    open(2);
    try_register(0);
    try_register(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      shared->cancel();
      return;
    }
    for (std::size_t k = 0; k < 2; ++k) {
      shared->unregister_and_wait(*nodes[k]);
      drop(nodes[k]);
    }
  }
  void after() { close(); }
};
add<compact_waiting> c6("G6", "CompactWaits", "compact: a waiting unregister waits, in place and in the annex", full(),
                        1000000);

/// The third thread registers once, comes and goes, or does that and registers again.
template <class P, int Churn>
struct compact_order : rl::test_suite<compact_order<P, Churn>, 3>, compact_stage<P> {
  models::baton baton;
  void before() {
    this->open(4);
    baton.reset();
  }
  void thread(unsigned i) {
    if (i == 0) {
      this->try_register(0);
      baton.pass(1);
    } else if (i == 1) {
      if (baton.get() == 1) this->try_register(1);
    } else {
      this->try_register(2);
      if (Churn > 0) this->unregister(2);
      if (Churn > 1) this->try_register(3);
    }
  }
  void after() {
    this->shared->cancel();
    this->later_runs_first(1, 0);
    for (std::size_t i = 0; i < 4; ++i) this->exactly_once(i, true);
    this->close();
  }
};
add<compact_order<three, 1>> c9("G9", "CompactLifoInPlace",
                                "compact: one registration after another, a third thread comes and goes in place: the "
                                "later one runs first",
                                full(), 1000000);
add<compact_order<platform<4, 1>, 2>> c9b("G9", "CompactLifoInPlaceTwice", "the same in four slots, and it comes again",
                                          full(), 1000000);
add<compact_order<tiny, 0>> c9c("G9", "CompactLifoIntoTheAnnex", "the same while the annex is made", full(), 1000000);
add<compact_order<small, 1>> c9d("G9", "CompactLifoWhileGrowing", "the same while it is made and grows", full(),
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

struct compact_last : rl::test_suite<compact_last, 3>, tiny_stage {
  models::baton left;
  void before() {
    open(4, true);
    left.set(3);
    try_register(3);
  }
  void thread(unsigned i) {
    if (i == 0) try_register(0);
    else if (i == 1) unregister(3);
    else shared->cancel();
    if (left.count_down() == 0) destroy();
  }
  void after() { close(); }
};
add<compact_last> c12("G12", "CompactLastIsClean",
                      "compact: the last thread disposes: no race, no leak, nothing freed too early", full(), 1000000);

struct compact_destroys : rl::test_suite<compact_destroys, 2>, tiny_stage {
  void before() {
    open(3, true);
    nodes[1]->then = [this](node&) {
      drop(nodes[1]);
      destroy();
    };
    try_register(0);
    try_register(1);
    try_register(2);
  }
  void thread(unsigned i) {
    if (i == 0) shared->cancel();
  }
  void after() {
    require(runs(0) == 0 && destroyed, "the registry was not destroyed in time");
    close();
  }
};
add<compact_destroys> c13("G13", "CompactDestroysAll", "compact: a callback in the annex destroys the registry", full(),
                          1000);

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
