// SPDX-License-Identifier: BSL-1.0
/// @file
/// The models of the registry: G1 … G15 of docs/guarantees.md, on the templates that ship, with segments of one to
/// three slots so that growth, reset and moving happen in almost every execution.
#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

// --- G1: one winner
// -----------------------------------------------------------------------------------------------------
struct one_winner : rl::test_suite<one_winner, 2>, stage<tiny> {
  int winners = 0;
  void before() {
    open(1);
    enter(0);
  }
  void thread(unsigned) {
    if (r->cancel()) ++winners;
    require(r->is_cancellation_requested(), "cancel returned, but the flag reads as clear");
  }
  void after() {
    require(winners == 1, "not exactly one cancel won");
    exactly_once(0, true);
    close();
  }
};
add<one_winner> g1("G1", "OneWinner", "two cancels: one wins, both see the flag", full(), 1000000);

struct halves : rl::test_suite<halves, 3>, stage<platform<2, 2>> {
  int winners = 0;
  void before() {
    open(2);
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 0) {
      if (r->request_cancellation()) {
        ++winners;
        r->run_callbacks([] { return false; });
      }
    } else if (i == 1) {
      if (r->cancel()) ++winners;
    } else leave(0);
  }
  void after() {
    require(winners == 1, "not exactly one cancel won");
    exactly_once(0, true);
    close();
  }
};
add<halves> g1b("G1", "InTwoHalves", "a cancel in two halves, a whole one and an unregistration", full(), 5000000);

// --- G2: at most once, G3: never lost, G4: on one side
// -----------------------------------------------------------------
template <std::size_t N>
struct register_vs_cancel : rl::test_suite<register_vs_cancel<N>, 2>, stage<tiny> {
  void before() { this->open(N); }
  void thread(unsigned i) {
    if (i == 1) this->r->cancel();
    else
      for (std::size_t k = 0; k < N; ++k) this->enter(k);
  }
  void after() {
    for (std::size_t k = 0; k < N; ++k) this->exactly_once(k, true);
    this->close();
  }
};
add<register_vs_cancel<1>> g3("G3", "RegisterVersusCancel", "a registration and a cancel: not lost, not twice", full(),
                              2000000);
add<register_vs_cancel<2>> g3b("G3", "GrowVersusCancel", "the same with a second registration, which grows", full(),
                               2000000);

template <class P, std::size_t Before>
struct two_registrants : rl::test_suite<two_registrants<P, Before>, 3>, stage<P> {
  void before() {
    this->open(2 + Before);
    for (std::size_t i = 0; i < Before; ++i) this->enter(2 + i);
  }
  void thread(unsigned i) {
    if (i < 2) this->enter(i);
    else this->r->cancel();
  }
  void after() {
    for (std::size_t i = 0; i < 2 + Before; ++i) this->exactly_once(i, true);
    this->close();
  }
};
add<two_registrants<platform<2, 2>, 0>> g4("G4", "TwoRegistrantsVersusCancel",
                                           "two threads register, a third cancels: each callback runs on one side",
                                           full(), 5000000);
add<two_registrants<tiny, 0>> g4e("G4", "TwoGrowOnceVersusCancel", "the same where one of the two has to grow", full(),
                                  1000000);
add<two_registrants<small, 1>> g4d("G4", "TwoGrowVersusCancel", "the same while the registry grows", large(1), 5000000);

struct two_cancels : rl::test_suite<two_cancels, 3>, stage<ahead> {
  void before() {
    open(2);
    enter(0);
  }
  void thread(unsigned i) {
    if (i < 2) r->cancel();
    else {
      enter(1);
      leave(0);
    }
  }
  void after() {
    for (std::size_t i = 0; i < 2; ++i) exactly_once(i, true);
    close();
  }
};
add<two_cancels> g2("G2", "AtMostOnce", "two cancels, a registration and an unregistration: no callback runs twice",
                    full(), 5000000);

// --- G5: unregister XOR ran
// ----------------------------------------------------------------------------------------------
struct unregister_vs_cancel : rl::test_suite<unregister_vs_cancel, 2>, stage<tiny> {
  void before() {
    open(2);
    enter(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      r->cancel();
      return;
    }
    for (std::size_t k = 0; k < 2; ++k)
      if (leave(k)) drop(nodes[k]);
  }
  void after() {
    for (std::size_t k = 0; k < 2; ++k)
      if (nodes[k] != nullptr) exactly_once(k, true);
    close();
  }
};
add<unregister_vs_cancel> g5("G5", "UnregisterXorRan",
                             "unregister true: it never runs, its memory may be reused at once", full(), 2000000);

struct third_party : rl::test_suite<third_party, 3>, stage<tiny> {
  void before() {
    open(1);
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 0) seen[1] = r->unregister(*nodes[0]);
    else if (i == 1) seen[2] = r->unregister(*nodes[0]);
    else r->cancel();
  }
  void after() {
    require(!(seen[1] && seen[2]), "two unregistrations succeeded");
    require((seen[1] || seen[2]) == (runs(0) == 0), "unregistered and ran, or neither");
    close();
  }
};
add<third_party> g5b("G5", "TwoUnregister", "two threads unregister the same callback while a third cancels", full(),
                     5000000);

struct remove_vs_cancel : rl::test_suite<remove_vs_cancel, 2>, stage<tiny> {
  int removed[2] = {};
  void before() {
    open(2);
    enter(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      r->cancel();
      return;
    }
    r->remove_all([this](core::basic_callback<tiny>& c) { ++removed[&c == nodes[0] ? 0 : 1]; });
  }
  void after() {
    for (std::size_t k = 0; k < 2; ++k) require(removed[k] + runs(k) == 1, "removed and ran, or neither");
    close();
  }
};
add<remove_vs_cancel> g5c("G5", "RemovedXorRan", "remove_all beside a cancel: each callback is removed or runs", full(),
                          1000000);

struct remove_vs_register : rl::test_suite<remove_vs_register, 2>, stage<tiny> {
  int removed[3] = {};
  void before() {
    open(3);
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 1) {
      enter(1);
      enter(2);
      return;
    }
    r->remove_all([this](core::basic_callback<tiny>& c) { ++removed[&c == nodes[0] ? 0 : &c == nodes[1] ? 1 : 2]; });
  }
  void after() {
    r->cancel();
    for (std::size_t k = 0; k < 3; ++k) require(removed[k] + runs(k) == 1, "removed and ran, or neither");
    close();
  }
};
add<remove_vs_register> g5d("G5", "RemoveVersusRegister",
                            "remove_all beside registrations that reset and grow: what is not removed runs", full(),
                            1000000);

// --- G6: waiting unregister
// ----------------------------------------------------------------------------------------------
struct waiting : rl::test_suite<waiting, 2>, stage<tiny> {
  void before() {
    open(2);
    enter(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      r->cancel();
      return;
    }
    for (std::size_t k = 0; k < 2; ++k) {
      r->unregister_and_wait(*nodes[k]);
      (void)runs(k);   // a race if its effects are not visible
      drop(nodes[k]);  // a race or a freed access if it still runs
    }
  }
  void after() { close(); }
};
add<waiting> g6("G6", "WaitsForIt",
                "after a waiting unregister the callback is not running and its effects are visible", full(), 2000000);

struct waits_for_one : rl::test_suite<waits_for_one, 2>, stage<tiny> {
  models::baton returned;
  void before() {
    open(2);
    returned.reset();
    nodes[0]->then = [this](node&) { tiny::await([this] { return returned.get() != 0; }); };
    enter(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      r->cancel();
      return;
    }
    r->unregister_and_wait(*nodes[1]);  // runs first, or has run while nodes[0] runs and waits for us
    returned.pass(1);
  }
  void after() { close(); }
};
add<waits_for_one> g6b("G6", "WaitsForItsOwnOnly",
                       "the wait ends when that callback has returned, whatever runs afterwards", full(), 1000000);

// --- G7: no self-deadlock
// ------------------------------------------------------------------------------------------------
struct inside : rl::test_suite<inside, 2>, stage<tiny> {
  void before() {
    open(4);
    nodes[2]->then = [this](node& n) {
      require(r->is_cancellation_requested(), "the flag is clear inside a callback");
      require(!r->unregister(n), "a running callback unregistered itself");
      r->unregister_and_wait(n);
      taken[0] = r->unregister(*nodes[0]);
      r->unregister_and_wait(*nodes[1]);
      require(r->try_register(*nodes[3]) == register_result::canceled, "register inside a callback was not refused");
      require(!r->cancel(), "a nested cancel won");
    };
    enter(0);
    enter(1);
    enter(2);
  }
  void thread(unsigned i) {
    if (i == 0) r->cancel();
    else r->is_cancellation_requested();
  }
  void after() {
    require(taken[0] && runs(0) == 0 && runs(1) == 0 && runs(2) == 1 && runs(3) == 0, "wrong callbacks ran");
    close();
  }
};
add<inside> g7("G7", "InsideACallback", "unregister self and siblings, register, cancel, poll inside a callback",
               full(), 200000);

struct mutual : rl::test_suite<mutual, 2>, stage<tiny> {
  void before() {
    open(2);
    nodes[1]->then = [this](node&) {
      r->unregister_and_wait(*nodes[0]);
      r->unregister_and_wait(*nodes[1]);
    };
    enter(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 0) r->cancel();
    else r->unregister_and_wait(*nodes[0]);
  }
  void after() { close(); }
};
add<mutual> g7b("G7", "SiblingsWhileOthersWait", "a callback waits for its siblings while another thread does", full(),
                500000);

// --- G8: publication
// -----------------------------------------------------------------------------------------------------
template <class Stage>
struct publication_base : Stage {
  typename tiny::var<int>* word = nullptr;
  void begin(std::size_t n) {
    this->open(n);
    word = ::new (tiny::allocate(sizeof(*word))) tiny::var<int>(0);
    now.allocations = 0;
  }
  void end() {
    word->~var();
    tiny::deallocate(word, 0);
    this->close();
  }
};
struct publication : rl::test_suite<publication, 2>, publication_base<stage<tiny>> {
  void before() {
    begin(1);
    nodes[0]->then = [this](node& n) {
      require(n.payload.get() == 7, "stale payload");
      require(word->get() == 9, "stale word");
    };
  }
  void thread(unsigned i) {
    if (i == 1) {
      word->set(9);
      r->cancel();
      return;
    }
    nodes[0]->payload.set(7);
    if (!enter(0)) require(word->get() == 9, "refused, but what happened before cancel is not visible");
  }
  void after() { end(); }
};
add<publication> g8("G8", "CallbackSees",
                    "the callback sees what happened before register and before cancel; so does who is refused", full(),
                    2000000);

struct poll_sees : rl::test_suite<poll_sees, 3>, publication_base<stage<tiny>> {
  void before() { begin(1); }
  void thread(unsigned i) {
    if (i == 0) {
      word->set(9);
      r->cancel();
    } else if (i == 1) r->try_register(*nodes[0]);
    else if (r->is_cancellation_requested()) require(word->get() == 9, "stale");
  }
  void after() { end(); }
};
add<poll_sees> g8b("G8", "PollSees",
                   "who reads the flag as set, from the canceller or from a helper, sees what happened before cancel",
                   full(), 5000000);

struct too_late : rl::test_suite<too_late, 2>, publication_base<stage<tiny>> {
  void before() {
    begin(2);
    enter(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      word->set(9);
      r->cancel();
      return;
    }
    for (std::size_t k = 0; k < 2; ++k)
      if (!leave(k)) {
        require(r->is_cancellation_requested(), "could not be unregistered, but the flag reads as clear");
        require(word->get() == 9, "stale");
      }
  }
  void after() { end(); }
};
add<too_late> g8e("G8", "TooLateToUnregister", "who could not unregister what was registered reads the flag as set",
                  full(), 500000);

struct loser_sees : rl::test_suite<loser_sees, 2>, publication_base<stage<tiny>> {
  void before() {
    begin(1);
    enter(0);
    nodes[0]->then = [this](node&) { word->set(3); };
  }
  void thread(unsigned i) {
    if (i == 0) {
      r->cancel();
    } else if (r->is_cancellation_requested()) {
      r->unregister_and_wait(*nodes[0]);
      (void)word->get();
    }
  }
  void after() { end(); }
};
add<loser_sees> g8c("G8", "WaiterSees", "who waits for a callback sees what it wrote", full(), 500000);

struct registered_again : rl::test_suite<registered_again, 2>, stage<three> {
  void before() { open(1); }
  void thread(unsigned i) {
    if (i == 1) {
      r->cancel();
      return;
    }
    nodes[0]->payload.set(7);
    if (!enter(0) || !leave(0)) return;
    nodes[0]->payload.set(8);
    enter(0);
  }
  void after() { close(); }
};
add<registered_again> g8d("G8", "RegisteredAgain", "the callback sees what happened before its last registration",
                          full(), 1000000);

// --- G9: LIFO over happens-before
// ----------------------------------------------------------------------------------------
/// The third thread registers once, comes and goes, or does that and registers again.
template <class P, int Churn>
struct order : rl::test_suite<order<P, Churn>, 3>, stage<P> {
  models::baton baton;
  void before() {
    this->open(4);
    baton.reset();
  }
  void thread(unsigned i) {
    if (i == 0) {
      this->enter(0);
      baton.pass(1);
    } else if (i == 1) {
      if (baton.get() == 1) this->enter(1);
    } else {
      this->enter(2);
      if (Churn > 0) this->leave(2);
      if (Churn > 1) this->enter(3);
    }
  }
  void after() {
    this->r->cancel();
    this->later_runs_first(1, 0);
    for (std::size_t i = 0; i < 4; ++i) this->exactly_once(i, true);
    this->close();
  }
};
add<order<three, 0>> g9(
    "G9", "LifoWhileFilling",
    "one registration after another, a third thread fills the same segment: the later one runs first", full(), 5000000);
add<order<three, 1>> g9c("G9", "LifoInASegment", "the same while the third comes and goes", full(), 5000000);
add<order<small, 0>> g9l("G9", "LifoAcrossSegments", "the same while the registry grows", full(), 5000000);
add<order<small, 1>> g9n("G9", "LifoWhileGrowing", "the same while the third comes and goes", full(), 1000000);
add<order<small, 2>> g9b("G9", "LifoWhileReset", "the same while segments are reset, pushed and moved", large(),
                         5000000);

struct stale_cursor : rl::test_suite<stale_cursor, 3>, stage<platform<4, 4>> {
  models::baton baton;
  void before() {
    open(6);
    baton.reset();
  }
  void thread(unsigned i) {
    if (i == 0) {
      enter(2);
      enter(3);
      leave(2);
    } else if (i == 1) {
      enter(0);
      baton.pass(1);
    } else if (baton.get() == 1) enter(1);
  }
  void after() {
    r->cancel();
    later_runs_first(1, 0);
    close();
  }
};
add<stale_cursor> g9d("G9", "LifoBehindTheCursor",
                      "a registrant that skipped slots by the cursor is not overtaken below them", full(), 5000000);

struct reset_order : rl::test_suite<reset_order, 3>, stage<platform<2, 2>> {
  models::baton baton;
  void before() {
    open(6);
    baton.reset();
    enter(2);
    enter(3);
    leave(2);
  }
  void thread(unsigned i) {
    if (i == 0) {
      leave(3);
      enter(4);
      leave(4);
      enter(5);
    } else if (i == 1) {
      enter(0);
      baton.pass(1);
    } else if (baton.get() == 1) enter(1);
  }
  void after() {
    r->cancel();
    later_runs_first(1, 0);
    close();
  }
};
add<reset_order> g9e("G9", "LifoThroughReset", "the same while the segment gets a new generation", large(1), 5000000);

/// Two threads, one of which does what the other's registration has to be seen after.
struct handed_over : rl::test_suite<handed_over, 2>, stage<small> {
  models::baton baton;
  void before() {
    open(4);
    baton.reset();
    enter(3);
  }
  void thread(unsigned i) {
    if (i == 0) {
      leave(3);
      enter(0);
      baton.pass(1);
      enter(2);
    } else if (baton.get() == 1) enter(1);
  }
  void after() {
    taken[3] = true;
    r->cancel();
    later_runs_first(1, 0);
    for (std::size_t k = 0; k < 3; ++k) exactly_once(k, true);
    close();
  }
};
add<handed_over> g9m("G9", "LifoHandedOver",
                     "who is told of a registration registers above it, while the first thread resets and grows",
                     full(), 1000000);

struct after_reset : rl::test_suite<after_reset, 3>, stage<three> {
  models::baton baton;
  void before() {
    open(6);
    baton.reset();
    enter(2);
    enter(3);
    enter(4);
    leave(2);
    leave(4);
  }
  void thread(unsigned i) {
    if (i == 0) {
      leave(3);
      enter(5);
    } else if (i == 1) {
      enter(0);
      baton.pass(1);
    } else if (baton.get() == 1) enter(1);
  }
  void after() {
    r->cancel();
    later_runs_first(1, 0);
    close();
  }
};
add<after_reset> g9f("G9", "LifoAfterReset",
                     "a registrant in a new generation sees that the slots of the old one have died", full(), 5000000);

// --- directed: the rare meetings of a late registrant with a reset
// ---------------------------------------------------------- The threads are held at a step until the others have come
// to theirs; the rest is left to the search.

/// Thread 0 resets the segment and is slow to say so in the cursor; thread 1 registers in the new generation. If it
/// takes a slot for used that has died in the old one, thread 2, who comes later, finds a hole below it.
struct stale_slot : rl::test_suite<stale_slot, 3>, stage<three> {
  bool published = false, entered = false;
  models::baton baton;
  void before() {
    open(6);
    baton.reset();
    enter(2);
    enter(3);
    enter(4);
    leave(2);
    leave(4);
    now.before = [this](site s) {
      if (rl::thread_index() == 0 && s == site::cursor_advance) {
        published = true;
        hold_until([this] { return entered; });
      }
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      leave(3);
      enter(5);
    } else if (i == 1) {
      hold_until([this] { return published; });
      enter(0);
      baton.pass(1);
      entered = true;
    } else {
      hold_until([this] { return entered && baton.peek() == 1; });
      if (baton.get() == 1) enter(1);
    }
  }
  void after() {
    now.before = nullptr;
    r->cancel();
    later_runs_first(1, 0);
    close();
  }
};
add<stale_slot> g9g("G9", "HoleOfAStaleSlot", "directed: a registrant in a new generation takes no dead slot for used",
                    bounded(0), 250000);

/// Thread 0 fills slots, thread 1 skips them by the cursor, thread 2, slow to say how far it has come, registers after
/// it.
struct stale_frontier : rl::test_suite<stale_frontier, 3>, stage<platform<4, 4>> {
  bool first = false, filled = false, entered = false;
  models::baton baton;
  void before() {
    open(6);
    baton.reset();
    now.before = [this](site s) {
      if (rl::thread_index() == 2 && s == site::cursor_advance && !first) {
        first = true;
        hold_until([this] { return entered; });
      }
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      hold_until([this] { return first; });
      enter(2);
      enter(3);
      leave(2);
      filled = true;
    } else if (i == 1) {
      hold_until([this] { return filled; });
      enter(0);
      baton.pass(1);
      entered = true;
    } else {
      enter(5);
      if (baton.get() == 1) enter(1);
    }
  }
  void after() {
    now.before = nullptr;
    r->cancel();
    later_runs_first(1, 0);
    close();
  }
};
add<stale_frontier> g9h("G9", "HoleOfAStaleFrontier",
                        "directed: who skipped slots by the cursor is not overtaken below them", bounded(1), 250000);

/// Thread 1 has chosen a dead slot and is late; thread 0 fills and empties the segment and resets it just then.
struct late_in_reset : rl::test_suite<late_in_reset, 2>, stage<platform<4, 4>> {
  bool chosen = false, sealing = false;
  models::baton baton;
  void before() {
    open(6);
    baton.reset();
    enter(2);
    enter(3);
    enter(4);
    leave(4);
    now.before = [this](site s) {
      if (rl::thread_index() == 1 && s == site::slot_publish && !chosen) {
        chosen = true;
        hold_until([this] { return sealing; });
      }
      if (rl::thread_index() == 0 && s == site::gen_seal) sealing = true;
    };
  }
  void thread(unsigned i) {
    if (i == 1) {
      enter(0);
      baton.pass(1);
      return;
    }
    hold_until([this] { return chosen; });
    enter(4);
    enter(5);
    leave(2);
    leave(3);
    leave(4);
    leave(5);
    enter(5);
    hold_until([this] { return baton.peek() == 1; });
    if (baton.get() == 1) enter(1);
  }
  void after() {
    now.before = nullptr;
    r->cancel();
    later_runs_first(1, 0);
    exactly_once(0, true);
    exactly_once(1, true);
    close();
  }
};
add<late_in_reset> g9i("G9", "LateInAReset",
                       "directed: a late registrant and the reset of its segment do not miss each other", bounded(0),
                       250000);

/// The same, but the late registrant sees the seal and takes its slot back only when the new generation is in use.
struct retracts_late : rl::test_suite<retracts_late, 3>, stage<platform<4, 4>> {
  bool chosen = false, sealed = false, rechecked = false, low = false, above = false, retracted = false;
  int pass = 0;
  void before() {
    open(8);
    enter(2);
    enter(3);
    enter(4);
    leave(4);
    now.before = [this](site s) {
      unsigned const t = rl::thread_index();
      if (t == 1 && s == site::slot_publish && !chosen) {
        chosen = true;
        hold_until([this] { return sealed; });
      }
      if (t == 0 && s == site::gen_open) {
        sealed = true;
        hold_until([this] { return rechecked; });
      }
      if (t == 1 && s == site::slot_retract && !rechecked) {
        rechecked = true;
        hold_until([this] { return above; });
      }
      if (t == 1 && rechecked && above && s == site::top_find) retracted = true;
      if (t == 2 && s == site::cursor_advance && !low) {
        low = true;
        hold_until([this] { return retracted; });
      }
    };
  }
  void thread(unsigned i) {
    if (i == 1) {
      enter(6);
      retracted = true;
      return;
    }
    if (i == 2) {
      hold_until([this] { return pass == 1; });
      enter(7);
      pass = 2;
      return;
    }
    hold_until([this] { return chosen; });
    enter(4);
    enter(5);
    leave(2);
    leave(3);
    leave(4);
    leave(5);
    enter(5);
    pass = 1;
    hold_until([this] { return low; });
    enter(0);
    above = true;
    hold_until([this] { return pass == 2; });
    enter(1);
  }
  void after() {
    now.before = nullptr;
    r->cancel();
    later_runs_first(1, 0);
    exactly_once(0, true);
    exactly_once(1, true);
    close();
  }
};
add<retracts_late> g9j(
    "G9", "RetractsLate",
    "directed: a registrant that takes its slot back leaves no hole in the generation that is opened meanwhile",
    bounded(0), 250000);

/// Thread 1 comes and goes in a slot between thread 0's first look and its seal. If thread 2, in the new generation,
/// still takes that slot for used, there is a hole below it.
struct brief_visit : rl::test_suite<brief_visit, 3>, stage<platform<4, 4>> {
  bool chosen = false, looked = false, gone = false, published = false, entered = false;
  models::baton baton;
  void before() {
    open(8);
    baton.reset();
    enter(2);
    enter(3);
    leave(3);
    now.before = [this](site s) {
      unsigned const t = rl::thread_index();
      if (t == 1 && s == site::slot_publish && !chosen) {
        chosen = true;
        hold_until([this] { return looked; });
      }
      if (t == 0 && s == site::gen_seal) {
        looked = true;
        hold_until([this] { return gone; });
      }
      if (t == 0 && s == site::cursor_advance && looked) {
        published = true;
        hold_until([this] { return entered; });
      }
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      hold_until([this] { return chosen; });
      enter(3);
      enter(4);
      enter(5);
      leave(2);
      leave(3);
      leave(4);
      leave(5);
      enter(5);
    } else if (i == 1) {
      enter(6);
      leave(6);
      gone = true;
      hold_until([this] { return entered; });
      if (baton.get() == 1) enter(1);
    } else {
      hold_until([this] { return published; });
      enter(0);
      baton.pass(1);
      entered = true;
    }
  }
  void after() {
    now.before = nullptr;
    r->cancel();
    later_runs_first(1, 0);
    close();
  }
};
add<brief_visit> g9k("G9", "HoleOfABriefVisit",
                     "directed: who came and went before the seal leaves no slot that looks used in the new generation",
                     bounded(0), 250000);

/// Thread 0 stops for good between sealing and opening the segment.
struct stops_while_resetting : rl::test_suite<stops_while_resetting, 2>, stage<tiny> {
  models::baton finished;
  void before() {
    open(3);
    finished.reset();
    enter(0);
    leave(0);
    now.before = [this](site s) {
      if (rl::thread_index() == 0 && s == site::gen_open) tiny::await([this] { return finished.peek() != 0; });
    };
  }
  void thread(unsigned i) {
    enter(1 + i);
    if (i == 1) {
      leave(2);
      finished.pass(1);
    }
  }
  void after() {
    now.before = nullptr;
    r->cancel();
    exactly_once(1, true);
    close();
  }
};
add<stops_while_resetting> g11c(
    "G11", "StopsWhileResetting",
    "directed: a thread stops while the segment is sealed; the other registers all the same", full(), 200000);

/// Thread 0 stops for good before it pushes a segment that it has moved. It has passed the segment that thread 1 moved
/// meanwhile, so that the top it links to must not be its own segment: who walks there would go round.
struct stops_while_moving : rl::test_suite<stops_while_moving, 2>, stage<tiny> {
  bool moved = false, moving = false, stopped = false, finished = false;
  void before() {
    open(4);
    enter(0);
    enter(1);
    leave(0);
    now.before = [this](site s) {
      if (rl::thread_index() != 0) return;
      if (s == site::hand_find) hold_until([this] { return moved; });
      moving = moving || s == site::older_unlink;
      if (s == site::top_push && moving && !stopped) {
        stopped = true;
        while (!finished) rl::yield(1, RL_INFO);
      }
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      enter(3);
      return;
    }
    enter(2);
    leave(1);
    moved = true;
    hold_until([this] { return stopped; });
    r->cancel();
    finished = true;
  }
  void after() {
    now.before = nullptr;
    for (std::size_t k = 1; k < 4; ++k) exactly_once(k, true);
    close();
  }
};
add<stops_while_moving> g11e("G11", "StopsWhileMoving",
                             "directed: a thread stops while it moves a segment; a walk beside it comes to its end",
                             bounded(0), 250000);

// --- G10: monotonic
// ------------------------------------------------------------------------------------------------------
struct monotonic : rl::test_suite<monotonic, 3>, stage<platform<2, 2>> {
  void before() { open(2); }
  void thread(unsigned i) {
    if (i == 0) r->cancel();
    else if (i == 1) r->try_register(*nodes[1]);
    else {
      bool const a = r->is_cancellation_requested(), b = r->is_cancellation_requested();
      require(!a || b, "the flag went back");
    }
  }
  void after() {
    require(r->is_cancellation_requested(), "the flag went back");
    close();
  }
};
add<monotonic> g10("G10", "Monotonic", "once set, the flag stays set, whoever set it", full(), 5000000);

struct poll_in_callback : rl::test_suite<poll_in_callback, 2>, stage<tiny> {
  models::baton ran_once;
  void before() {
    open(1);
    ran_once.reset();
    nodes[0]->then = [this](node&) { ran_once.pass(1); };
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 0) r->cancel();
    else if (ran_once.get() == 1) require(r->is_cancellation_requested(), "a callback ran before the flag was set");
  }
  void after() { close(); }
};
add<poll_in_callback> g10b("G10", "FlagBeforeCallbacks", "whoever knows that a callback ran reads the flag as set",
                           full(), 500000);

// --- G11: lock-freedom
// ---------------------------------------------------------------------------------------------------
/// Thread 0 stops at its n-th atomic step until all the others are done; n is a choice of the search.
template <unsigned N, class P, bool More>
struct suspended : rl::test_suite<suspended<N, P, More>, N>, stage<P> {
  models::baton others;
  void before() {
    this->open(6);
    this->enter(5);
    others.set(int(N) - 1);
    now.others = &others;
  }
  void thread(unsigned i) {
    if (i == 0) {
      now.stop_in = static_cast<int>(rl::rand(More ? 60 : 14));
      this->enter(0);
      if (More) this->enter(1);
      if (More) this->leave(5);
      this->leave(0);
      if (More) this->enter(4);
      if (More) this->leave(1);
      now.stop_in = -1;
    } else {
      this->enter(i + 1);
      if (this->leave(i + 1) && More) this->enter(i + 1);
      this->r->is_cancellation_requested();
      if (i == 1) this->r->cancel();
      others.count_down();
    }
  }
  void after() {
    for (std::size_t i = 0; i < 6; ++i) this->exactly_once(i, true);
    this->close();
  }
};
add<suspended<2, platform<4, 4>, false>> g11(
    "G11", "AnyStepMayBeTheLast",
    "one thread stops at any atomic step; the other registers, unregisters, polls and cancels to the end", full(),
    2000000);
add<suspended<2, tiny, true>> g11d("G11", "AnyStepOfMoreMayBeTheLast", "the same with more to do", large(0, 0),
                                   1000000);
add<suspended<3, small, true>> g11b("G11", "AnyStepMayBeTheLast3", "the same with two others", chance(), 5000000);

// --- G12: dispose comes last
// ---------------------------------------------------------------------------------------------
struct dispose_last : rl::test_suite<dispose_last, 3>, stage<platform<2, 2>> {
  models::baton left;
  void before() {
    open(4, true);
    left.set(3);
    enter(3);
  }
  void thread(unsigned i) {
    if (i == 0) enter(0);
    else if (i == 1) leave(3);
    else r->cancel();
    if (left.count_down() == 0) destroy();
  }
  void after() { close(); }
};
add<dispose_last> g12("G12", "LastIsClean", "whoever is last disposes: no race, no leak, nothing freed too early",
                      full(), 5000000);

struct last_of_two : rl::test_suite<last_of_two, 2>, stage<platform<2, 2>> {
  models::baton left;
  void before() {
    open(2, true);
    left.set(2);
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 0) leave(0);
    else r->cancel();
    if (left.count_down() == 0) destroy();
  }
  void after() { close(); }
};
add<last_of_two> g12b("G12", "LastOfTwoIsClean", "an unregistration and a cancel, and whoever is last disposes", full(),
                      0);

template <int Verb>
struct dispose_overlaps : rl::test_suite<dispose_overlaps<Verb>, 2>, stage<tiny> {
  void before() {
    this->open(4, true);
    this->enter(0);
    this->enter(1);
    if (Verb == 2) this->leave(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      auto* const gone = this->r;
      gone->~basic_registry();
      tiny::deallocate(gone, 0);
      return;
    }
    if (Verb == 0) this->r->try_register(*this->nodes[2]);
    if (Verb == 1) this->r->unregister(*this->nodes[1]);
    if (Verb == 2) this->r->unregister_and_wait(*this->nodes[0]);
    if (Verb == 3) this->r->cancel();
    if (Verb == 4) this->r->is_cancellation_requested();
  }
  void after() {
    this->r = nullptr;
    this->close();
  }
};
add<dispose_overlaps<0>> n0("G12", "RegisterOverlapsDispose", "a registration beside dispose: the defect is found",
                            full(), 0, expectation::fails);
add<dispose_overlaps<1>> n1("G12", "UnregisterOverlapsDispose", "an unregistration beside dispose: the defect is found",
                            full(), 0, expectation::fails);
add<dispose_overlaps<2>> n2("G12", "WaitOverlapsDispose",
                            "a waiting unregistration beside dispose: the defect is found", full(), 0,
                            expectation::fails);
add<dispose_overlaps<3>> n3("G12", "CancelOverlapsDispose", "a cancel beside dispose: the defect is found", full(), 0,
                            expectation::fails);
add<dispose_overlaps<4>> n4("G12", "PollOverlapsDispose",
                            "a poll beside the end of the registry's life: the defect is found", full(), 0,
                            expectation::fails);

// --- G13: the callback destroys
// ------------------------------------------------------------------------------------------
struct destroys_all : rl::test_suite<destroys_all, 2>, stage<tiny> {
  void before() {
    open(3, true);
    nodes[1]->then = [this](node&) {
      drop(nodes[1]);
      destroy();
    };
    enter(0);
    enter(1);
    enter(2);
  }
  void thread(unsigned i) {
    if (i == 0) r->cancel();
  }
  void after() {
    require(runs(0) == 0 && destroyed, "the registry was not destroyed in time");
    close();
  }
};
add<destroys_all> g13("G13", "DestroysItselfAndTheRegistry", "a callback destroys its own node and the registry",
                      full(), 1000);

struct destroyed_elsewhere : rl::test_suite<destroyed_elsewhere, 2>, stage<tiny> {
  models::baton ran_it;
  void before() {
    open(1, true);
    ran_it.reset();
    nodes[0]->then = [this](node&) { ran_it.pass(1); };
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 0) r->cancel();
    else {
      tiny::await([this] { return ran_it.get() == 1; });
      r->dispose();
      destroy();
    }
  }
  void after() { close(); }
};
add<destroyed_elsewhere> g13b("G13", "DestroyedWhenTheLastHasRun",
                              "another thread destroys the registry as soon as the last callback has run", full(),
                              1000000);

struct destroys_itself : rl::test_suite<destroys_itself, 2>, stage<tiny> {
  void before() {
    open(1, true);
    nodes[0]->then = [this](node&) { drop(nodes[0]); };
  }
  void thread(unsigned i) {
    if (i == 0) enter(0);
    else r->cancel();
  }
  void after() { close(); }
};
add<destroys_itself> g13c("G13", "DestroysItselfWhileRegistering",
                          "the callback destroys its node before its registration has returned", full(), 2000000);

// --- G14: memory
// ---------------------------------------------------------------------------------------------------------
struct recycle : rl::test_suite<recycle, 2>, stage<tiny> {
  void before() {
    open(6, true);
    for (std::size_t i = 0; i < 3; ++i) enter(i);
    leave(0);
    leave(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      r->cancel();
      return;
    }
    enter(3);
  }
  void after() {
    for (std::size_t i = 0; i < 4; ++i) exactly_once(i, true);
    close();
  }
};
add<recycle> g14("G14", "MovedWhileCanceled",
                 "an empty segment moves to the top while a cancel walks: none lost, none twice", full(), 1000000);

template <bool More>
struct movers : rl::test_suite<movers<More>, 2>, stage<tiny> {
  void before() {
    open(6, true);
    for (std::size_t i = 0; i < 4; ++i) enter(i);
    leave(0);
    leave(1);
    leave(2);
  }
  void thread(unsigned i) {
    enter(4 + i);
    if (!More) return;
    if (i == 0) {
      leave(3);
      enter(0);
    } else {
      enter(1);
    }
  }
  void after() {
    if (More) taken[0] = taken[1] = false;
    r->cancel();
    for (std::size_t i = 0; i < 6; ++i)
      if (i != 2) exactly_once(i, true);
    close();
  }
};
/// One of the two only takes away what the other one's sweep looks at.
struct mover_and_leaver : rl::test_suite<mover_and_leaver, 2>, stage<tiny> {
  void before() {
    open(6, true);
    for (std::size_t i = 0; i < 4; ++i) enter(i);
    leave(0);
    leave(1);
  }
  void thread(unsigned i) {
    if (i == 0) enter(4);
    else {
      leave(2);
      leave(3);
    }
  }
  void after() {
    r->cancel();
    exactly_once(4, true);
    close();
  }
};
add<mover_and_leaver> g14h("G14", "MoverVersusUnregister",
                           "a segment becomes empty and is moved beside the unregistrations that empty it", full(),
                           1000000);
add<movers<false>> g14b("G14", "TwoMovers", "two threads move neighbouring segments: the list keeps every registration",
                        large(), 1000000);
add<movers<true>> g14g("G14", "TwoMoversTwice", "the same, and they go on", large(1, 0), 1000000);

/// Deep in the tree of the full search each of the two registers only to find that the other has just begun to claim
/// that segment.
struct hinders : movers<true> {
  static constexpr unsigned livelock_after = 700;
};
add<hinders> g11f("G11", "NobodyHindersForEver",
                  "two threads claim what the other registers in: one of them comes to an end", first(20000), 0);

struct hand_over : rl::test_suite<hand_over, 2>, stage<tiny> {
  void before() {
    open(6, true);
    for (std::size_t i = 0; i < 3; ++i) enter(i);
    leave(0);
    leave(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      enter(3);
      enter(4);
      leave(2);
      enter(0);
    } else enter(5);
  }
  void after() {
    r->cancel();
    exactly_once(0, true);
    for (std::size_t i = 3; i < 6; ++i) exactly_once(i, true);
    close();
  }
};
add<hand_over> g14f("G14", "SweepHandedOver", "one thread goes on with the sweep of another", large(1, 0), 1000000);

struct mover_leaver_and_cancel : rl::test_suite<mover_leaver_and_cancel, 3>, stage<tiny> {
  void before() {
    open(4, true);
    for (std::size_t i = 0; i < 3; ++i) enter(i);
    leave(0);
    leave(1);
  }
  void thread(unsigned i) {
    if (i == 0) enter(3);
    else if (i == 1) leave(2);
    else r->cancel();
  }
  void after() {
    for (std::size_t i = 2; i < 4; ++i) exactly_once(i, true);
    close();
  }
};
add<mover_leaver_and_cancel> g14i("G14", "MoverVersusUnregisterAndCancel",
                                  "a segment is moved beside an unregistration and a cancel: none lost, none twice",
                                  full(), 1000000);

struct movers_and_cancel : rl::test_suite<movers_and_cancel, 3>, stage<tiny> {
  void before() {
    open(6, true);
    for (std::size_t i = 0; i < 4; ++i) enter(i);
    leave(0);
    leave(1);
    leave(2);
  }
  void thread(unsigned i) {
    if (i < 2) enter(4 + i);
    else r->cancel();
  }
  void after() {
    for (std::size_t i = 3; i < 6; ++i) exactly_once(i, true);
    close();
  }
};
add<movers_and_cancel> g14c("G14", "TwoMoversVersusCancel", "the same while a third thread cancels", large(1, 0),
                            5000000);

struct bounded_memory : rl::test_suite<bounded_memory, 2>, stage<tiny> {
  void before() {
    open(6);
    enter(5);
  }
  void thread(unsigned i) {
    for (int k = 0; k < 40; ++k) {
      enter(i);
      leave(i);
    }
  }
  void after() {
    require(now.allocations <= 16, "memory grows although nothing stays registered");
    r->cancel();
    close();
  }
};
add<bounded_memory> g14d("G14", "Bounded", "two threads churn: the segments stay bounded", bounded(0), 100000);

struct holds_one : rl::test_suite<holds_one, 1>, stage<tiny> {
  void before() {
    open(6);
    enter(5);
  }
  void thread(unsigned) {
    for (int k = 0; k < 20; ++k) {
      enter(0);
      enter(1);
      leave(0);
      enter(2);
      leave(1);
      leave(2);
    }
    require(now.allocations <= 7, "memory grows although few stay registered");
  }
  void after() {
    seen[0] = seen[1] = seen[2] = false;
    r->cancel();
    exactly_once(5, true);
    close();
  }
};
add<holds_one> g14e("G14", "BoundedBesideASurvivor",
                    "one registration stays, others come and go: the segments stay bounded", full(), 0);

template <bool More>
struct claim_vs_one : rl::test_suite<claim_vs_one<More>, 2>, stage<tiny> {
  void before() {
    open(4);
    enter(0);
    leave(0);
  }
  void thread(unsigned i) {
    if (i != 0) {
      enter(3);
      return;
    }
    enter(1);
    if (More) enter(2);
  }
  void after() {
    r->cancel();
    for (std::size_t i = 1; i < 4; ++i)
      if (More || i != 2) exactly_once(i, true);
    close();
  }
};
add<claim_vs_one<false>> g3f("G3", "ClaimVersusRegisterOnce",
                             "two threads register, one of which claims the empty segment", full(), 1000000);
add<claim_vs_one<true>> g3e("G3", "ClaimVersusOneRegister",
                            "a segment is claimed and reset while another thread registers in it", large(), 1000000);

struct claim_vs_register : rl::test_suite<claim_vs_register, 3>, stage<platform<2, 1>> {
  void before() {
    open(6);
    enter(0);
    leave(0);
  }
  void thread(unsigned i) {
    if (i == 0) {
      enter(1);
      enter(2);
      enter(3);
    } else if (i == 1) {
      enter(4);
      leave(4);
    } else {
      enter(5);
    }
  }
  void after() {
    r->cancel();
    for (std::size_t i = 1; i < 6; ++i) exactly_once(i, true);
    close();
  }
};
add<claim_vs_register> g3c("G3", "ClaimVersusRegister", "segments are claimed and reset while others register in them",
                           large(0, 0), 5000000);

struct reset_vs_late : rl::test_suite<reset_vs_late, 2>, stage<tiny> {
  void before() {
    open(6);
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 0) {
      leave(0);
      enter(1);
      leave(1);
      enter(2);
      enter(3);
    } else {
      enter(4);
      enter(5);
    }
  }
  void after() {
    r->cancel();
    for (std::size_t k = 1; k < 6; ++k) exactly_once(k, true);
    close();
  }
};
add<reset_vs_late> g3d("G3", "ResetVersusRegister", "a segment is reset and moved under a registrant that is late",
                       large(1, 0), 1000000);

// --- G15: failed allocation
// ----------------------------------------------------------------------------------------------
struct out_of_memory : rl::test_suite<out_of_memory, 2>, stage<tiny> {
  void before() {
    open(3);
    enter(0);
    now.failing = 0;
  }
  void thread(unsigned i) {
    if (i == 1) {
      r->cancel();
      return;
    }
    register_result const result = r->try_register(*nodes[1]);
    seen[1] = result == register_result::registered;
    seen[2] = false;
    if (result == register_result::out_of_memory) enter(2);
  }
  void after() {
    for (std::size_t i = 0; i < 3; ++i) exactly_once(i, true);
    close();
  }
};
add<out_of_memory> g15("G15", "FailedAllocation",
                       "a registration that cannot grow changes nothing; the next one succeeds", full(), 500000);

struct no_allocation : rl::test_suite<no_allocation, 2>, stage<three> {
  void before() {
    open(3);
    now.failing = 0;
  }
  void thread(unsigned i) {
    if (i == 0) {
      enter(0);
      leave(0);
      enter(1);
      r->is_cancellation_requested();
    } else {
      r->cancel();
    }
  }
  void after() {
    require(now.allocations == 0 && now.failing == 0, "something allocated");
    close();
  }
};
add<no_allocation> g15b("G15", "NothingAllocates", "within the inline slots nothing allocates", full(), 500000);

// --- stripes
// -------------------------------------------------------------------------------------------------------------
struct striped : rl::test_suite<striped, 3>, stage<tiny, 2> {
  void before() { open(3); }
  void thread(unsigned i) {
    if (i == 2) {
      r->cancel();
      return;
    }
    enter(i);
  }
  void after() {
    exactly_once(0, true);
    exactly_once(1, true);
    close();
  }
};
add<striped> g4b("G4", "Stripes", "two threads register on two stripes while a third cancels", full(), 5000000);

struct striped_lifo : rl::test_suite<striped_lifo, 2>, stage<three, 2> {
  void before() { open(4); }
  void thread(unsigned i) {
    enter(2 * i);
    enter(2 * i + 1);
  }
  void after() {
    r->cancel();
    for (std::size_t t = 0; t < 2; ++t) later_runs_first(2 * t + 1, 2 * t);
    for (std::size_t k = 0; k < 4; ++k) exactly_once(k, true);
    close();
  }
};
add<striped_lifo> g9s("G9", "StripedLifo", "on stripes the order is last in, first out for each thread", full(),
                      1000000);

struct striped_refusal : rl::test_suite<striped_refusal, 2>, stage<tiny, 2> {
  void before() { open(2); }
  void thread(unsigned i) {
    if (i == 0) {
      r->cancel();
      return;
    }
    bool const known = r->is_cancellation_requested();
    bool const in = enter(0);
    require(!known || !in, "registered although the flag was read as set");
  }
  void after() {
    exactly_once(0, true);
    close();
  }
};
add<striped_refusal> g4c("G4", "StripesRefuse", "who has read the flag as set is refused on every stripe", full(),
                         1000000);

}  // namespace
}  // namespace cts::models
