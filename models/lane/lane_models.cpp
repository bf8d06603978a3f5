// SPDX-License-Identifier: BSL-1.0
/// @file
/// The models of lane.hpp: G22 of docs/guarantees.md. Thread 0 owns the lane, thread 1 cancels. The barrier is
/// pairwise_barrier: a read-modify-write on each side of one word that the two share, and nothing stronger.
#include "lane/stage.hpp"

namespace cts::models {
namespace {

// --- register, unregister
// ------------------------------------------------------------------------------------------------
template <class P, std::size_t N>
struct lane_registers : rl::test_suite<lane_registers<P, N>, 2>, lane_stage<P> {
  void before() { this->open(N); }
  void thread(unsigned i) {
    if (i == 1) this->cancel();
    else
      for (std::size_t k = 0; k < N; ++k) this->enter(k);
  }
  void after() {
    for (std::size_t k = 0; k < N; ++k) this->exactly_once(k);
    if (N == 2) this->later_runs_first(1, 0);
    this->close();
  }
};
add<lane_registers<tiny, 1>> l1(
    "G22", "RegisterVersusCancel",
    "the owner registers beside a cancel: not lost, not twice; refused, it knows of the cancel", full(), 500000);
add<lane_registers<tiny, 2>> l2("G22", "GrowVersusCancel", "the same with a second one, which grows: newest first",
                                full(), 500000);

add<lane_registers<platform<2, 2>, 2>> l16("G22", "NewestFirst", "two in one segment beside a cancel: newest first",
                                           full(), 200000);

struct lane_unregisters : rl::test_suite<lane_unregisters, 2>, lane_stage<tiny> {
  void before() {
    open(2);
    enter(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    for (std::size_t k = 0; k < 2; ++k)
      if (leave(k)) drop(nodes[k]);
  }
  void after() {
    for (std::size_t k = 0; k < 2; ++k)
      if (nodes[k] != nullptr) exactly_once(k);
    close();
  }
};
add<lane_unregisters> l3("G22", "UnregisterXorRan",
                         "unregister true: it never runs, its memory may be reused at once; false: it ran or runs",
                         full(), 500000);

/// The slot of one that has been taken back is used again.
struct lane_reuses : rl::test_suite<lane_reuses, 2>, lane_stage<platform<2, 2>> {
  void before() {
    open(3);
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    if (leave(0)) drop(nodes[0]);
    enter(1);
    if (leave(1)) drop(nodes[1]);
    enter(2);
  }
  void after() {
    for (std::size_t k = 0; k < 3; ++k)
      if (nodes[k] != nullptr) exactly_once(k);
    close();
  }
};
add<lane_reuses> l4("G22", "ReuseVersusCancel", "callbacks come and go in one slot beside a cancel", full(), 1000000);

/// Segments are emptied, taken out and linked again.
struct lane_recycles : rl::test_suite<lane_recycles, 2>, lane_stage<tiny> {
  void before() {
    open(5);
    enter(0);
    enter(1);
    enter(2);
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    if (leave(1)) drop(nodes[1]);  // between the others
    enter(3);                      // in the segment that has become empty, on top
    if (leave(3)) drop(nodes[3]);
    enter(4);
  }
  void after() {
    for (std::size_t k = 0; k < 5; ++k)
      if (nodes[k] != nullptr) exactly_once(k);
    if (nodes[0] != nullptr && nodes[2] != nullptr) later_runs_first(2, 0);
    if (nodes[3] != nullptr) later_runs_first(3, 2);
    later_runs_first(4, 2);
    close();
  }
};
add<lane_recycles> l5(
    "G22", "RecycleVersusCancel",
    "a segment between others becomes empty and is linked on top beside a cancel: newest first, nothing lost", full(),
    2000000);

// --- waiting
// -------------------------------------------------------------------------------------------------------------
struct lane_waits : rl::test_suite<lane_waits, 2>, lane_stage<tiny> {
  void before() {
    open(2);
    enter(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    for (std::size_t k = 0; k < 2; ++k) {
      lane->unregister_and_wait(*nodes[k]);
      (void)runs(k);  // a race if its effects are not visible
      drop(nodes[k]);
    }
  }
  void after() { close(); }
};
add<lane_waits> l6("G22", "WaitsForIt",
                   "after a waiting unregister the callback is not running and its effects are visible", full(),
                   500000);

/// A callback takes itself, a sibling and what the owner is about to take back, on the canceller's thread.
struct lane_from_inside : rl::test_suite<lane_from_inside, 2>, lane_stage<platform<2, 2>> {
  bool other = false;
  void before() {
    open(2);
    other = false;
    nodes[1]->then = [this](node& n) {
      lane->unregister_and_wait(n);
      other = lane->unregister(*nodes[0]);
      require(lane->try_register(*nodes[1]) == register_result::canceled, "registered although the lane is closed");
    };
    enter(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 1) cancel();
    else leave(0);
  }
  void after() {
    require(!(taken[0] && other), "two unregistrations succeeded");
    taken[0] = taken[0] || other;
    exactly_once(0);
    exactly_once(1);
    close();
  }
};
add<lane_from_inside> l7("G22", "FromInside",
                         "a callback unregisters itself and a sibling that the owner unregisters too", full(), 500000);

/// Who has come too late may wait afterwards.
struct lane_asks_again : rl::test_suite<lane_asks_again, 2>, lane_stage<tiny> {
  void before() {
    open(1);
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    if (!leave(0)) lane->unregister_and_wait(*nodes[0]);
    drop(nodes[0]);
  }
  void after() { close(); }
};
add<lane_asks_again> l14("G22", "AsksAgain", "after an unregister that came too late a waiting one still waits", full(),
                         200000);

/// A slot that another callback has by now is not taken for one's own.
struct lane_stale : rl::test_suite<lane_stale, 2>, lane_stage<platform<2, 2>> {
  void before() {
    open(2);
    enter(0);
    leave(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    require(!lane->unregister(*nodes[0]), "unregistered twice");
    lane->unregister_and_wait(*nodes[0]);
  }
  void after() {
    exactly_once(1);
    require(runs(0) == 0, "ran although it was unregistered");
    close();
  }
};
add<lane_stale> l15("G22", "TakenBackBefore", "what has been taken back is not taken back again, whoever has its slot",
                    full(), 50000);

// --- the end
// -------------------------------------------------------------------------------------------------------------
struct lane_ends : rl::test_suite<lane_ends, 2>, lane_stage<tiny> {
  void before() {
    open(2);
    enter(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    lane->unregister_and_wait(*nodes[1]);
    drop(nodes[1]);
    lane->unregister_and_wait(*nodes[0]);
    drop(nodes[0]);
    drop(lane);
  }
  void after() { close(); }
};
add<lane_ends> l8("G22", "EndVersusCancel", "the owner destroys the lane beside a cancel, which may be in it", full(),
                  500000);

template <std::size_t Which>
struct lane_ends_alone : rl::test_suite<lane_ends_alone<Which>, 1>, lane_stage<tiny> {
  using node = typename lane_stage<tiny>::node;
  void before() {
    this->open(2);
    this->nodes[Which]->then = [this](node& self) {
      if (Which == 1) this->lane->unregister(*this->nodes[0]);
      node* other = this->nodes[1 - Which];
      node* me = &self;
      this->nodes[0] = this->nodes[1] = nullptr;
      lane_stage<tiny>::drop(other);
      lane_stage<tiny>::drop(me);
      lane_stage<tiny>::drop(this->lane);
      lane_stage<tiny>::drop(this->r);
    };
    this->enter(0);
    this->enter(1);
  }
  void thread(unsigned) { this->cancel(); }
  void after() { this->close(); }
};
add<lane_ends_alone<0>> l9("G22", "EndsInLast", "the last callback destroys the lane, the callbacks and the registry",
                           full(), 1000);
add<lane_ends_alone<1>> l10("G22", "EndsInFirst", "an earlier callback takes the rest back and does the same", full(),
                            1000);

// --- taken out of its home, as try_reset does
// ------------------------------------------------------------------------------
template <class P, bool Full>
struct lane_taken_out : rl::test_suite<lane_taken_out<P, Full>, 2>, lane_stage<P> {
  void before() {
    this->open(4);
    this->enter(0);
    if (Full) this->enter(3);
  }
  void thread(unsigned i) {
    if (i == 1) {
      this->r->remove_all([this](core::basic_callback<P>&) { this->lane->taken_out(); });
      return;
    }
    require(this->lane->try_register(*this->nodes[1]) == register_result::registered,
            "refused although nobody cancels");
    this->lane->unregister_and_wait(*this->nodes[0]);
    lane_stage<P>::drop(this->nodes[0]);
  }
  void after() {
    require(this->lane->try_register(*this->nodes[2]) == register_result::registered,
            "refused although nobody cancels");
    this->cancel();
    require(this->runs(2) == 1, "a registration made after the reset was lost");
    require(this->runs(1) <= 1, "a callback ran twice");
    if (Full) require(this->runs(3) == 0, "a callback of before the reset ran");
    this->close();
  }
};
add<lane_taken_out<platform<2, 2>, false>> l17(
    "G22", "ResetVersusOwner", "the lane is taken out of its registry beside its owner's work, and begins anew", full(),
    200000);
add<lane_taken_out<tiny, true>> l18("G22", "ResetVersusGrowingOwner", "the same while it grows", full(), 200000);

struct lane_taken_out_and_ends : rl::test_suite<lane_taken_out_and_ends, 2>, lane_stage<tiny> {
  void before() {
    open(2);
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 1) {
      r->remove_all([this](core::basic_callback<tiny>&) { lane->taken_out(); });
      return;
    }
    lane_type* const mine = lane;
    require(mine->try_register(*nodes[1]) == register_result::registered,
            "refused although nobody cancels");  // may begin anew
    for (std::size_t k = 0; k < 2; ++k) {
      mine->unregister_and_wait(*nodes[k]);
      drop(nodes[k]);
    }
    mine->~lane_type();
  }
  void after() {
    tiny::deallocate(lane, sizeof(lane_type));
    lane = nullptr;
    close();
  }
};
add<lane_taken_out_and_ends> l19("G22", "ResetVersusEnd",
                                 "the owner ends the lane, which may have begun anew, while it is being taken out",
                                 full(), 100000);

struct lane_taken_out_or_canceled : rl::test_suite<lane_taken_out_or_canceled, 3>, lane_stage<tiny> {
  void before() {
    open(2);
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 1) cancel();
    else if (i == 2) r->remove_all([this](core::basic_callback<tiny>&) { lane->taken_out(); });
    else if (lane->try_register(*nodes[1]) == register_result::canceled) learned();
  }
  void after() {
    require(runs(0) <= 1 && runs(1) <= 1, "a callback ran twice");
    close();
  }
};
add<lane_taken_out_or_canceled> l20("G22", "ResetVersusCancel",
                                    "a cancel and a reset beside the owner: the lane is run or taken out", full(),
                                    1000000);

// --- memory, lock-freedom
// ------------------------------------------------------------------------------------------------
struct lane_no_memory : rl::test_suite<lane_no_memory, 2>, lane_stage<tiny> {
  void before() {
    open(3);
    enter(0);
    now.failing = 0;
    now.allocations = 0;
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    register_result const result = lane->try_register(*nodes[1]);
    require(result != register_result::registered, "registered without memory");
    require(!lane->unregister(*nodes[1]), "unregistered what was not registered");
    enter(2);
  }
  void after() {
    require(runs(1) == 0, "ran although it was not registered");
    exactly_once(0);
    exactly_once(2);
    close();
  }
};
add<lane_no_memory> l11("G22", "NoMemory", "growing fails beside a cancel: nothing is lost, and the next one succeeds",
                        full(), 200000);

/// One of the two stops at any atomic step until the other one has finished.
template <bool Owner>
struct lane_suspended : rl::test_suite<lane_suspended<Owner>, 2>, lane_stage<tiny> {
  models::baton others;
  void before() {
    this->open(4);
    this->enter(3);
    others.set(1);
    now.others = &others;
  }
  void thread(unsigned i) {
    if (i == 0) now.stop_in = static_cast<int>(rl::rand(30));
    if ((i == 0) == Owner) {
      this->enter(0);
      this->enter(1);
      this->leave(3);
      this->leave(0);
      this->enter(2);
    } else {
      this->cancel();
    }
    if (i == 0) now.stop_in = -1;
    else others.count_down();
  }
  void after() {
    for (std::size_t i = 0; i < 4; ++i) this->exactly_once(i);
    this->close();
  }
};
add<lane_suspended<true>> l12("G22", "TheOwnerMayStop",
                              "the owner stops at any atomic step; the cancel comes to its end", full(), 300000);
add<lane_suspended<false>> l13("G22", "TheCancellerMayStop",
                               "the canceller stops at any atomic step; the owner goes on", full(), 300000);

}  // namespace
}  // namespace cts::models
