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

}  // namespace
}  // namespace cts::models::states
