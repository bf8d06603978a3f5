// SPDX-License-Identifier: BSL-1.0
/// @file
/// The way from a state to the one that was canceled first, and its end (S5, S8 of protocol/state.hpp): G16.
#include "state/scene.hpp"

namespace cts::models::states {
namespace {

struct cause_stays : rl::test_suite<cause_stays, 2>, scene {
  void before() {
    open_chain();
    states[2]->share();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*states[0]);
      states[0]->dispose_and_drop();
      states[1]->dispose_and_drop();
      states[2]->dispose_and_drop();
    } else {
      state const* first = nullptr;
      int asked = 0;
      states[2]->cause([&](state const& from, model_parts::reason*) {
        first = &from;
        asked += from.is_disposed() ? 1 : 2;
      });
      if (first != nullptr) require(first == states[0], "not the state that was canceled first");
      states[2]->drop();
    }
  }
  void after() { close(); }
};
add<cause_stays> const add_cause_stays(
    "G16", "TheWayToTheCauseStays",
    "a reader of a grandchild's cause beside the ends of all sources: the way there stays", full(), 1000000);

struct cause_is_kept : rl::test_suite<cause_is_kept, 2>, scene {
  void before() {
    open();
    add(0);
    add(1);
    add(2, 2);
    require(states[2]->link_to(0, *states[0]) && states[2]->link_to(1, *states[1]), "no memory");
    states[2]->share();
    states[1]->dispose_and_drop();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*states[0]);
      states[0]->dispose_and_drop();
    } else states[2]->dispose_and_drop();
  }
  void after() {
    int found = 0;
    states[2]->cause([&](state const& from, model_parts::reason*) {
      ++found;
      require(&from == states[0], "not the parent that canceled it");
    });
    require(now.allocations - now.deallocations == 4 + found, "not only the parent that canceled it is kept");
    states[2]->drop();
    close();
  }
};
add<cause_is_kept> const add_cause_is_kept("G16", "OnlyTheCauseIsKept",
                                           "one of two parents' cancel and end beside their child's end: the child "
                                           "keeps the parent that canceled it, and no other",
                                           full(), 1000000);

/// A chain in which each state holds the one above by the link that canceled it. Its last token frees all of them, one
/// after the other.
struct falls_one_by_one : rl::test_suite<falls_one_by_one, 2>, scene {
  void before() {
    open_chain();
    states[2]->share();
    cancel(*states[0]);
    for (std::size_t i : {0u, 1u}) states[i]->dispose_and_drop();
  }
  void thread(unsigned i) {
    if (i == 0) states[2]->dispose_and_drop();
    else states[2]->drop();
  }
  void after() {
    require(now.allocations == now.deallocations + 3, "a state was not destroyed");
    close();
  }
};
add<falls_one_by_one> const add_falls_one_by_one(
    "G16", "OneByOne", "the end of the lowest state of a canceled chain frees all states above it", full(), 1000000);

/// Why a state was canceled, as each thread sees it: 0 not, 1 by a call, 2 by its timer.
int cause_seen(state const& s) {
  int seen = 0;
  s.cause([&](state const& first, model_parts::reason* r) {
    require(r == nullptr, "a reason that nobody has given");
    seen = first.is_timed_out() ? 2 : 1;
  });
  return seen;
}

struct timer_vs_cancel : rl::test_suite<timer_vs_cancel, 3>, scene {
  request_result result{};
  int seen[2];
  void before() {
    open_timers();
    add(0);
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
    states[1]->share();
    for (int& s : seen) s = 0;
    states[0]->arm([](model_alarm& a, auto wanted) { a.arm({}, wanted); });
  }
  void thread(unsigned i) {
    if (i == 0) run_timers();
    else if (i == 1) result = cancel(*states[0]);
    else {
      bool const canceled = states[1]->is_cancellation_requested();
      seen[0] = cause_seen(*states[1]);
      seen[1] = cause_seen(*states[0]);
      require(!canceled || seen[0] != 0, "canceled without a cause");
    }
  }
  void after() {
    int const winner = result == request_result::won ? 1 : 2;
    require(cause_seen(*states[0]) == winner, "not the cause of the winner");
    require(cause_seen(*states[1]) == winner, "not the winner's cause through the link");
    for (int const s : seen) require(s == 0 || s == winner, "a thread has seen another cause");
    require(seen[0] == 0 || seen[1] != 0, "the child was canceled before its parent");
    states[1]->drop();
    states[1]->dispose_and_drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<timer_vs_cancel> const add_timer_vs_cancel(
    "G16", "TimerVersusCancelAndACauseReader",
    "a parent's timer beside its cancel: all threads see the winner's cause, at once and for ever, also on the child",
    large(2, 0), 100000);

// --- the same with shared sources ---

add<of_shared<cause_stays>> const add_shared_cause_stays(
    "G26", "TheWayToTheCauseStays", "a reader of a grandchild's cause beside the ends of shared sources", full(),
    200000);

}  // namespace
}  // namespace cts::models::states
