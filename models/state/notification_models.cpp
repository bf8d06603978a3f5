// SPDX-License-Identifier: BSL-1.0
/// @file
/// Notifications that go down through links and up again (S7 of protocol/state.hpp): G16 and the order of G21.
#include <vector>

#include "state/scene.hpp"

namespace cts::models::states {
namespace {

/// A chain with a callback on its lowest state, and the order in which callbacks ran.
struct chain_of_three : scene {
  std::vector<int> order;
  in_place* later = nullptr;  // registered with the root after its link
  void open_it() {
    open_chain();
    order.clear();
    register_callback(2);
    later = ::new (P::allocate(sizeof(in_place))) in_place;
    states[0]->share();
    require(states[0]->try_register(*later) == core::register_result::registered, "not registered");
  }
  void note(int what) {
    the_reduction.touch(reduction::order_of_callbacks, true);
    order.push_back(what);
  }
  void close_it() {
    states[0]->unregister_and_wait(*later);
    later->~in_place();
    P::deallocate(later, sizeof *later);
    states[0]->drop();
  }
};

struct walks_in_order : rl::test_suite<walks_in_order, 2>, chain_of_three {
  void before() {
    open();
    add(0);
    states[0]->share();
    register_callback(0);  // before the link: runs after all of the child's
    callbacks[0]->then = [this] { note(0); };
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
    states[1]->share();
    register_callback(1);
    callbacks[1]->then = [this] { note(1); };
    add(2, 1);
    require(states[2]->link_to(0, *states[1]), "no memory");
    register_callback(2);
    callbacks[2]->then = [this] { note(2); };
    later = ::new (P::allocate(sizeof(in_place))) in_place;
    later->then = [this] {
      require(!states[1]->is_cancellation_requested(), "a child is canceled before its link's turn has come");
      note(3);
    };
    states[0]->share();
    require(states[0]->try_register(*later) == core::register_result::registered, "not registered");
    order.clear();
  }
  void thread(unsigned i) {
    if (i == 0) cancel(*states[0]);
    else states[0]->drop();
  }
  void after() {
    close_it();
    require(order == std::vector<int>({3, 2, 1, 0}), "not in the order of the links, depth first");
    for (std::size_t i : {2u, 1u, 0u}) {
      unregister_callback(i);
      states[i]->dispose_and_drop();
    }
    states[1]->drop();
    close();
  }
};
add<walks_in_order> const add_walks_in_order(
    "G21", "DepthFirst",
    "a child's callbacks run in the middle of its parent's, over two links; the parent's later ones still run", full(),
    1000000);

struct walk_vs_child : rl::test_suite<walk_vs_child, 2>, chain_of_three {
  void before() { open_it(); }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*states[0]);
      return;
    }
    states[1]->dispose_and_drop();
    states[2]->dispose_and_drop();
  }
  void after() {
    require(later->runs.get() == 1, "did not run");
    require(runs(2) <= 1, "ran twice");
    unregister_callback(2);
    close_it();
    states[0]->dispose_and_drop();
    close();
  }
};
add<walk_vs_child> const add_walk_vs_child("G16", "WalkVersusMiddleAndLast",
                                           "a cancel over two links beside the ends of both children", full(), 1000000);

struct walk_vs_cancel_of_middle : rl::test_suite<walk_vs_cancel_of_middle, 2>, chain_of_three {
  void before() { open_it(); }
  void thread(unsigned i) {
    if (i == 0) cancel(*states[0]);
    else {
      cancel(*states[1]);
      states[1]->dispose_and_drop();
    }
  }
  void after() {
    require(later->runs.get() == 1 && runs(2) == 1, "did not run once");
    unregister_callback(2);
    states[2]->dispose_and_drop();
    close_it();
    states[0]->dispose_and_drop();
    close();
  }
};
add<walk_vs_cancel_of_middle> const add_walk_vs_cancel_of_middle(
    "G16", "WalkVersusCancelOfTheMiddle",
    "a cancel over two links beside a cancel of the middle source: one of them continues below, the other does not "
    "wait",
    full(), 1000000);

struct walk_ends_all : rl::test_suite<walk_ends_all, 2>, chain_of_three {
  void before() {
    open_it();
    states[2]->share();
    callbacks[2]->then = [this] {
      unregister_callback(2);
      states[1]->dispose_and_drop();
      states[2]->dispose_and_drop();
      states[0]->dispose_and_drop();
    };
  }
  void thread(unsigned i) {
    if (i == 0) cancel(*states[0]);
    else {
      (void)count_above(*states[2]);
      states[2]->drop();
    }
  }
  void after() {
    require(runs(2) == 1, "did not run");
    close_it();
    close();
  }
};
add<walk_ends_all> const add_walk_ends_all("G16", "TheLastCallbackEndsAllAbove",
                                           "a callback below two links ends all three sources beside a reader", full(),
                                           1000000);

struct walks_meet : rl::test_suite<walks_meet, 2>, scene {
  void before() {
    open();
    add(0);
    add(1);
    add(2, 2);
    add(3, 1);
    require(states[2]->link_to(0, *states[0]) && states[2]->link_to(1, *states[1]) && states[3]->link_to(0, *states[2]),
            "no memory");
    register_callback(3);
    states[2]->dispose_and_drop();  // its child alone holds it
  }
  void thread(unsigned i) {
    cancel(*states[i]);
    states[i]->dispose_and_drop();
  }
  void after() {
    require(runs(3) == 0, "canceled through a disposed source");
    unregister_callback(3);
    states[3]->dispose_and_drop();
    close();
  }
};
add<walks_meet> const add_walks_meet(
    "G16", "ADisposedOneInTheMiddle",
    "two parents' cancels and ends above a disposed source: they do not reach its child", full(), 1000000);

struct two_walks : rl::test_suite<two_walks, 2>, scene {
  void before() {
    open();
    add(0);
    add(1);
    add(2, 2);
    add(3, 1);
    require(states[2]->link_to(0, *states[0]) && states[2]->link_to(1, *states[1]) && states[3]->link_to(0, *states[2]),
            "no memory");
    register_callback(3);
  }
  void thread(unsigned i) {
    cancel(*states[i]);
    states[i]->dispose_and_drop();
  }
  void after() {
    require(runs(3) == 1, "did not run once");
    for (std::size_t i : {2u, 3u}) states[i]->dispose_and_drop();
    unregister_callback(3);
    close();
  }
};
add<two_walks> const add_two_walks(
    "G16", "TwoWalksMeet", "two cancels meet in a source below both: one continues below it, the other does not wait",
    full(), 1000000);

}  // namespace
}  // namespace cts::models::states
