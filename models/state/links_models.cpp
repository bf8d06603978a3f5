// SPDX-License-Identifier: BSL-1.0
/// @file
/// Links between a parent and its child (S4, S5 of protocol/state.hpp): G16.
#include "state/scene.hpp"

namespace cts::models::states {
namespace {

struct link_vs_parent : rl::test_suite<link_vs_parent, 2>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
  }
  void thread(unsigned i) {
    if (i == 1) {
      states[1]->dispose_and_drop();
      return;
    }
    model_failures f;
    require(states[0]->request_cancellation(nullptr) == request_result::won, "lost to nobody");
    states[0]->notify(f, false);
  }
  void after() {
    states[0]->dispose_and_drop();
    close();
  }
};
add<link_vs_parent> const add_link_vs_parent("G16", "LinkVersusParent",
                                             "a child's end beside its parent's cancel, without callbacks", full(),
                                             1000000);

/// A source may be disposed long before it is destroyed. Its parents are released by the dispose.
struct disposed_child_outlives : rl::test_suite<disposed_child_outlives, 2>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
  }
  void thread(unsigned i) {
    if (i == 0) states[0]->dispose_and_drop();
    else states[1]->dispose();
  }
  void after() {
    states[1]->dispose_and_drop();  // its parent is gone
    close();
  }
};
add<disposed_child_outlives> const add_disposed_child_outlives(
    "G16", "ADisposedChildOutlivesItsParent", "the end of a source that was disposed does not touch its parent", full(),
    1000000);

struct child_vs_parent : rl::test_suite<child_vs_parent, 2>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
    register_callback(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*states[0]);
      states[0]->dispose_and_drop();
    } else {
      states[1]->unregister_and_wait(*callbacks[1]);
      int const then = runs(1);
      states[1]->dispose_and_drop();
      require(runs(1) == then, "ran after its child's dispose");
      states[1]->drop();
    }
  }
  void after() {
    require(runs(1) <= 1, "ran twice");
    close();
  }
};
add<child_vs_parent> const add_child_vs_parent(
    "G16", "ChildVersusParent", "a child's end beside its parent's cancel and end, with a callback on the child",
    full(), 1000000);

struct child_dispose_waits : rl::test_suite<child_dispose_waits, 2>, scene {
  int disposed = 0;
  void before() {
    open();
    disposed = 0;
    add(0);
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
    register_callback(1);
    callbacks[1]->then = [this] {
      the_reduction.touch(reduction::others, false);
      require(disposed == 0, "a child's callback ran after its dispose had returned");
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*states[0]);
      return;
    }
    states[1]->dispose();
    the_reduction.touch(reduction::others, true);
    disposed = 1;
    (void)runs(1);  // a race if the link's effects are not visible
  }
  void after() {
    require(states[0]->registry().count() == 0, "the child is still registered in its parent");
    unregister_callback(1);
    states[1]->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<child_dispose_waits> const add_child_dispose_waits(
    "G16", "ChildsDisposeWaits",
    "after a child's dispose its parent's cancel has left it, and the parent keeps no trace of it", full(), 1000000);

/// Two parents and their child, with a callback.
void open_family(scene& f) {
  f.open();
  f.add(0);
  f.add(1);
  f.add(2, 2);
  require(f.states[2]->link_to(0, *f.states[0]) && f.states[2]->link_to(1, *f.states[1]), "no memory");
  f.register_callback(2);
}
struct child_of_two : rl::test_suite<child_of_two, 3>, scene {
  void before() { open_family(*this); }
  void thread(unsigned i) {
    if (i < 2) {
      cancel(*states[i]);
      states[i]->dispose_and_drop();
    } else states[2]->dispose_and_drop();
  }
  void after() {
    unregister_callback(2);
    require(runs(2) <= 1, "ran twice");
    close();
  }
};
add<child_of_two> const add_child_of_two("G16", "ChildOfTwoParents",
                                         "two parents' cancels and ends beside their child's end", large(1), 1000000);

struct two_parents : rl::test_suite<two_parents, 2>, scene {
  void before() { open_family(*this); }
  void thread(unsigned i) {
    cancel(*states[i]);
    states[i]->dispose_and_drop();
  }
  void after() {
    states[2]->dispose_and_drop();
    unregister_callback(2);
    require(runs(2) == 1, "did not run once");
    close();
  }
};
add<two_parents> const add_two_parents("G16", "TwoParentsCancel",
                                       "two parents' cancels and ends: their child is canceled once", full(), 0);

struct child_ends_inside : rl::test_suite<child_ends_inside, 2>, scene {
  void before() {
    open();
    add(0);
    states[0]->share();
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
    register_callback(1);
    callbacks[1]->then = [this] {
      unregister_callback(1);
      states[1]->dispose_and_drop();
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*states[0]);
      states[0]->dispose_and_drop();
    } else states[0]->drop();
  }
  void after() {
    require(runs(1) == 1, "did not run");
    close();
  }
};
add<child_ends_inside> const add_child_ends_inside("G16", "ChildEndsInItsOwnCallback",
                                                   "a child's callback, run by its parent's cancel, ends the child",
                                                   full(), 1000000);

struct lets_go : rl::test_suite<lets_go, 2>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
    states[1]->share();  // a token of the child, which outlives everything
  }
  void thread(unsigned i) {
    if (i == 0) states[1]->dispose_and_drop();
    else states[0]->dispose_and_drop();
  }
  void after() {
    require(now.allocations - now.deallocations == 3,
            "a disposed child keeps its parent");  // the child, and two callbacks
    states[1]->drop();
    close();
  }
};
add<lets_go> const add_lets_go("G16", "ADisposedChildLetsGo",
                               "a child's dispose beside its parent's end: only the child is left", full(), 1000000);

// --- the same with shared sources ---

add<of_shared<child_vs_parent>> const add_shared_child_vs_parent(
    "G26", "ChildVersusParent", "a shared child's end beside its shared parent's cancel and end", full(), 200000);
add<of_shared<two_parents>> const add_shared_two_parents(
    "G26", "TwoParentsCancel", "two shared parents cancel and end: their shared child is canceled once", full(),
    200000);
add<of_shared<child_ends_inside>> const add_shared_child_ends_inside(
    "G26", "ChildEndsInItsOwnCallback", "a shared child's callback, run by its parent's cancel, ends the child", full(),
    200000);
add<of_shared<lets_go>> const add_shared_lets_go(
    "G26", "ADisposedChildLetsGo", "a shared child's dispose beside its shared parent's end: only the child is left",
    full(), 200000);

}  // namespace
}  // namespace cts::models::states
