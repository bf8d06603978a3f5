// SPDX-License-Identifier: BSL-1.0
/// @file
/// Callbacks that a synchronization context runs on another thread (protocol/delegate.hpp): G21.
#include "state/scene.hpp"

namespace cts::models::states {
namespace {

/// A callback that a context sends to thread 1, while the canceller, thread 0, waits inside send().
struct sent_to_a_context : scene {
  baton back;
  void open_and_link() {
    open();
    add(0);
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
  }
  void send(std::size_t i) {
    back.reset();
    register_callback(i);
    callbacks[i]->then = [this] {
      ready.pass(1);
      P::await([this] { return back.get() != 0; });
    };
  }
  /// Thread 1: `f()` is the callback of state i. It has ended the callback's registration first.
  template <class F>
  void run_there(std::size_t i, F f) {
    P::await([this] { return ready.get() != 0; });
    {
      state::delegate const here(*states[i]);
      unregister_callback(i);
      f();
    }
    require(states[0] == nullptr || !states[0]->runs_here(), "the context's thread still counts for the state above");
    back.pass(1);
  }
  void end(std::size_t i) { std::exchange(states[i], nullptr)->dispose_and_drop(); }
};

struct child_ends_elsewhere : rl::test_suite<child_ends_elsewhere, 2>, sent_to_a_context {
  void before() {
    open_and_link();
    send(1);
  }
  void thread(unsigned i) {
    if (i == 0) cancel(*states[0]);
    else run_there(1, [this] { end(1); });  // not the last reference: the link has one
  }
  void after() {
    require(runs(1) == 1, "did not run");
    end(0);
    close();
  }
};
add<child_ends_elsewhere> const add_child_ends_elsewhere(
    "G21", "ChildEndsInAContext",
    "a child's callback, sent to another thread by its parent's cancel, ends the child there", full(), 1000000);

/// The same, and then the parent, whose notification is paused.
struct parent_ends_elsewhere : rl::test_suite<parent_ends_elsewhere, 2>, sent_to_a_context {
  void before() {
    open_and_link();
    send(1);
  }
  void thread(unsigned i) {
    if (i == 0) cancel(*states[0]);
    else run_there(1, [this] { end(1), end(0); });
  }
  void after() {
    require(runs(1) == 1, "did not run");
    close();
  }
};
add<parent_ends_elsewhere> const add_parent_ends_elsewhere(
    "G21", "ParentEndsInAContextOfItsChild",
    "a child's callback, sent to another thread by its parent's cancel, ends child and parent there", full(), 1000000);

/// A callback of a grandchild ends the state between, which a link above runs.
struct middle_ends_elsewhere : rl::test_suite<middle_ends_elsewhere, 2>, sent_to_a_context {
  void before() {
    open_chain();
    send(2);
  }
  void thread(unsigned i) {
    if (i == 0) cancel(*states[0]);
    else run_there(2, [this] { end(1); });
  }
  void after() {
    end(2), end(0);
    close();
  }
};
add<middle_ends_elsewhere> const add_middle_ends_elsewhere(
    "G21", "MiddleEndsInAContextOfTheLeaf", "a grandchild's callback, sent to another thread, ends the state between",
    full(), 1000000);

struct source_ends_elsewhere : rl::test_suite<source_ends_elsewhere, 2>, sent_to_a_context {
  void before() {
    open();
    add(0);
    send(0);
  }
  void thread(unsigned i) {
    if (i == 0) cancel(*states[0]);
    else run_there(0, [this] { end(0); });  // the last reference, which the canceller needs
  }
  void after() {
    require(runs(0) == 1, "did not run");
    close();
  }
};
add<source_ends_elsewhere> const add_source_ends_elsewhere(
    "G21", "SourceEndsInAContext", "a callback, sent to another thread by its source's cancel, ends the source there",
    full(), 1000000);

struct delegated : rl::test_suite<delegated, 2>, scene {
  void before() {
    open();
    add(0);
    register_node();
    handle->then = [this] { (void)ready.get(); };  // a step: another thread may come in between
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) {  // a context's thread: runs a callback of another cancel, then waits as any other thread
      {
        state::delegate const here(*states[0]);
        require(states[0]->runs_here(), "the context's thread does not count as the one that runs callbacks");
      }
      handle->unregister_and_wait();
      require(callables_destroyed == 1, "dispose did not wait");
      handle->release_handle();
      states[0]->drop();
    } else {
      cancel(*states[0]);
      states[0]->dispose_and_drop();
    }
  }
  void after() {
    require(callables_destroyed == 1 && nodes_freed == 1, "not destroyed once");
    close();
  }
};
add<delegated> const add_delegated("G21", "DelegateIsRestored",
                                   "after a send, also one that an exception ends, its thread waits as any other (P7)",
                                   full(), 1000000);

}  // namespace
}  // namespace cts::models::states
