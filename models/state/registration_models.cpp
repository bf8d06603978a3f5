// SPDX-License-Identifier: BSL-1.0
/// @file
/// dispose_async and the two owners of a registration's node (protocol/registration_node.hpp): G20.
#include "state/scene.hpp"

namespace cts::models::states {
namespace {

struct cancel_vs_end : rl::test_suite<cancel_vs_end, 2>, scene {
  void before() {
    open();
    add(0);
    register_node();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*states[0]);
      states[0]->dispose_and_drop();
    } else {
      handle->unregister_and_wait();
      require(callables_destroyed == 1, "dispose returned before the callable was destroyed");
      handle->release_handle();
    }
  }
  void after() {
    require(callables_destroyed == 1 && nodes_freed == 1, "not destroyed once");
    close();
  }
};
add<cancel_vs_end> const add_cancel_vs_end(
    "G20", "CancelVersusDispose",
    "cancel beside a registration's dispose and end: the callable is destroyed once, the node freed once", full(),
    1000000);

struct cancel_vs_detach : rl::test_suite<cancel_vs_detach, 2>, scene {
  void before() {
    open();
    add(0);
    register_node();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*states[0]);
      states[0]->dispose_and_drop();
    } else handle->detach();
  }
  void after() {
    require(callables_destroyed == 1 && nodes_freed == 1, "not destroyed once");
    close();
  }
};
add<cancel_vs_detach> const add_cancel_vs_detach(
    "G20", "CancelVersusDetach", "cancel beside a detach: the callable is destroyed once, the node freed once", full(),
    1000000);

struct awaited_end : rl::test_suite<awaited_end, 2>, scene {
  model_waiter* waiter = nullptr;
  void before() {
    open();
    add(0);
    register_node();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*states[0]);
      return;
    }
    waiter = ::new (P::allocate(sizeof(model_waiter))) model_waiter;
    waiter->done.reset();
    if (handle->unregister()) return;
    if (!handle->complete_at_end(*waiter)) waiter->done.pass(2);
    if (waiter->done.get() == 1) require(handle->effect.get() == 1, "completed before the callback had run");
  }
  void after() {
    require(waiter->done.get() != 0 || !states[0]->is_cancellation_requested() || handle->effect.get() == 0,
            "a waiter for the end was never told");
    handle->unregister_and_wait();
    handle->release_handle();
    states[0]->dispose_and_drop();
    waiter->~model_waiter();
    P::deallocate(waiter, 0);
    close();
  }
};
add<awaited_end> const add_awaited_end("G20", "DisposeAsyncVersusCancel",
                                       "dispose_async beside the callback: it completes, after the callback has run",
                                       full(), 1000000);

struct two_awaited : rl::test_suite<two_awaited, 3>, scene {
  model_waiter* waiter[2] = {};
  void before() {
    open();
    add(0);
    register_node();
  }
  void thread(unsigned i) {
    if (i == 2) {
      cancel(*states[0]);
      return;
    }
    waiter[i] = ::new (P::allocate(sizeof(model_waiter))) model_waiter;
    waiter[i]->done.reset();
    if (handle->unregister() || !handle->complete_at_end(*waiter[i])) waiter[i]->done.pass(2);
  }
  void after() {
    for (auto* x : waiter) {
      require(x->done.get() != 0, "a waiter for the end was never told");
      x->~model_waiter();
      P::deallocate(x, 0);
    }
    handle->unregister_and_wait();
    handle->release_handle();
    states[0]->dispose_and_drop();
    close();
  }
};
add<two_awaited> const add_two_awaited("G20", "TwoDisposeAsyncVersusCancel",
                                       "two dispose_async beside the callback: both complete", full(), 2000000);

struct ends_inside : rl::test_suite<ends_inside, 2>, scene {
  void before() {
    open();
    add(0);
    register_node();
    handle->then = [r = handle] {
      r->unregister_and_wait();
      r->release_handle();
    };
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*states[0]);
      states[0]->dispose_and_drop();
    } else states[0]->drop();
  }
  void after() {
    require(callables_destroyed == 1 && nodes_freed == 1, "not destroyed once");
    close();
  }
};
add<ends_inside> const add_ends_inside("G20", "HandleEndsInItsOwnCallback",
                                       "a callback ends its own registration: the callable lives until it returns",
                                       full(), 1000000);

// --- the same with shared sources ---

add<of_shared<cancel_vs_end>> const add_shared_cancel_vs_end(
    "G26", "CancelVersusDispose", "a shared source's cancel and end beside a registration's dispose and end", full(),
    200000);
add<of_shared<cancel_vs_detach>> const add_shared_cancel_vs_detach("G26", "CancelVersusDetach",
                                                                   "a shared source's cancel and end beside a detach",
                                                                   full(), 200000);

}  // namespace
}  // namespace cts::models::states
