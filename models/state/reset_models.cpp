// SPDX-License-Identifier: BSL-1.0
/// @file
/// try_reset (abandon_all in protocol/node.hpp): G19.
#include "state/scene.hpp"

namespace cts::models::states {
namespace {

struct reset_vs_end : rl::test_suite<reset_vs_end, 2>, scene {
  void before() {
    open();
    add(0);
    register_node();
  }
  void thread(unsigned i) {
    if (i == 0) {
      require(states[0]->try_reset() == request_result::won, "not reset");
      states[0]->dispose_and_drop();
    } else {
      handle->unregister_and_wait();
      handle->release_handle();
    }
  }
  void after() {
    require(callables_destroyed == 1 && nodes_freed == 1, "not destroyed once");
    close();
  }
};
add<reset_vs_end> const add_reset_vs_end(
    "G19", "ResetVersusDispose",
    "try_reset and the source's end beside a registration's end: the callable is destroyed once, the node freed once",
    full(), 1000000);

struct reset_vs_unregister : rl::test_suite<reset_vs_unregister, 2>, scene {
  bool taken = false;
  void before() {
    open();
    taken = false;
    add(0);
    register_node();
  }
  void thread(unsigned i) {
    if (i == 0) (void)states[0]->try_reset();
    else taken = handle->unregister();
  }
  void after() {
    require(callables_destroyed == 1, "the callable was not destroyed once");
    require(states[0]->registry().count() == 0, "still registered");
    require(!handle->unregister(), "unregistered twice");
    handle->release_handle();
    require(nodes_freed == 1, "the node was not freed once");
    states[0]->dispose_and_drop();
    close();
  }
};
add<reset_vs_unregister> const add_reset_vs_unregister("G19", "ResetVersusUnregister",
                                                       "try_reset beside unregister: the callable is destroyed once",
                                                       full(), 1000000);

struct reset_vs_cancel : rl::test_suite<reset_vs_cancel, 2>, scene {
  void before() {
    open();
    add(0);
    states[0]->share();
    register_node();
  }
  void thread(unsigned i) {
    if (i == 0) {
      (void)states[0]->try_reset();
      states[0]->drop();
    } else {
      cancel(*states[0]);
    }
  }
  void after() {
    require(callables_destroyed == 1, "the callable was not destroyed once");
    handle->unregister_and_wait();
    handle->release_handle();
    require(nodes_freed == 1, "the node was not freed once");
    states[0]->dispose_and_drop();
    close();
  }
};
add<reset_vs_cancel> const add_reset_vs_cancel(
    "G19", "ResetVersusCancel", "try_reset beside cancel: memory-safe, each callable is destroyed once (R85)", full(),
    1000000);

/// The newest callback ends an older one, whose owner takes care of it, while try_reset looks whether to remove it.
struct reset_vs_end_inside : rl::test_suite<reset_vs_end_inside, 2>, scene {
  void before() {
    open();
    add(0);
    callbacks[1] = ::new (P::allocate(sizeof(in_place))) in_place;
    states[0]->share();
    register_callback(0);
    states[0]->share();
    require(states[0]->try_register(*callbacks[1]) == core::register_result::registered, "not registered");
    callbacks[1]->then = [this] { end(callbacks[0]); };
  }
  void end(in_place*& c) {
    states[0]->unregister_and_wait(*c);
    require(!detail::is_used_elsewhere(*states[0], *c), "destroyed while try_reset holds it");
    in_place* const gone = std::exchange(c, nullptr);
    gone->~in_place();
    P::deallocate(gone, sizeof *gone);
    states[0]->drop();
  }
  void thread(unsigned i) {
    if (i == 0) {
      (void)states[0]->try_reset();
      states[0]->drop();
    } else {
      cancel(*states[0]);
    }
  }
  void after() {
    if (callbacks[0] != nullptr) end(callbacks[0]);
    states[0]->unregister_and_wait(*callbacks[1]);
    states[0]->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<reset_vs_end_inside> const add_reset_vs_end_inside(
    "G19", "ResetVersusEndInsideACallback", "try_reset beside a callback of the cancel that ends an older one", full(),
    1000000);

/// Beside try_reset, or another thread's end of the same registration: dispose returns when the callable is destroyed.
template <bool Resets>
struct dispose_vs_removal : rl::test_suite<dispose_vs_removal<Resets>, 2>, scene {
  void before() {
    open();
    add(0);
    register_node();
    if (Resets) states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 1) {
      handle->unregister_and_wait();
      require(handle->callable.get() == 0, "dispose has returned, but the callable lives");
    } else if (Resets) {
      (void)states[0]->try_reset();
      states[0]->drop();
    } else {
      (void)handle->unregister();
    }
  }
  void after() {
    handle->release_handle();
    require(callables_destroyed == 1 && nodes_freed == 1, "not destroyed once");
    states[0]->dispose_and_drop();
    close();
  }
};
add<dispose_vs_removal<true>> const add_dispose_vs_reset("G20", "DisposeBesideReset",
                                                         "dispose waits while try_reset destroys the callable", full(),
                                                         1000000);
add<dispose_vs_removal<false>> const add_dispose_vs_unregister(
    "G20", "DisposeBesideUnregister", "dispose waits while another thread's unregister destroys the callable", full(),
    1000000);

/// Two registrations of one state; a model says what one's callback or callable does to the other.
struct two_registrations : scene {
  registration *older = nullptr, *newer = nullptr;
  void open_two() {
    open();
    add(0);
    register_node();
    older = handle;
    register_node();
    newer = handle;
  }
  void reset() {
    (void)states[0]->try_reset();
    states[0]->drop();
  }
  void close_two() {
    for (auto* r : {older, newer}) {
      r->unregister_and_wait();
      r->release_handle();
    }
    require(callables_destroyed == 2 && nodes_freed == 2, "not destroyed once");
    states[0]->dispose_and_drop();
    close();
  }
};

/// A callback of the cancel disposes an older registration, beside try_reset. The older callable owns the registration
/// of that callback.
struct reset_vs_dispose_inside : rl::test_suite<reset_vs_dispose_inside, 2>, two_registrations {
  void before() {
    open_two();
    newer->then = [this] { older->unregister_and_wait(); };
    older->at_end = [this] { newer->unregister_and_wait(); };
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) reset();
    else cancel(*states[0]);
  }
  void after() { close_two(); }
};
add<reset_vs_dispose_inside> const add_reset_vs_dispose_inside(
    "G20", "DisposeInsideACallbackBesideReset",
    "a callback disposes a registration that try_reset destroys, and does not wait for it", full(), 200000);

/// A callback of the cancel asks for the end of an older registration and waits for it, beside try_reset. The older
/// callable owns the registration of that callback: whoever destroys it waits for the callback.
struct reset_vs_async_end : rl::test_suite<reset_vs_async_end, 2>, two_registrations {
  model_waiter* waiter = nullptr;
  void before() {
    open_two();
    waiter = ::new (P::allocate(sizeof(model_waiter))) model_waiter;
    waiter->done.reset();
    newer->then = [this] {
      if (older->unregister() || !older->complete_at_end(*waiter)) return;
      P::await([this] { return waiter->done.get() != 0; });
    };
    older->at_end = [this] { newer->unregister_and_wait(); };
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) reset();
    else cancel(*states[0]);
  }
  void after() {
    close_two();
    waiter->~model_waiter();
    P::deallocate(waiter, sizeof *waiter);
  }
};
add<reset_vs_async_end> const add_reset_vs_async_end(
    "G20", "AsyncDisposeBesideReset", "a callback waits for the end of one that try_reset takes out, and gets it",
    full(), 200000);

/// Two try_reset, each of which destroys a callable that disposes the other's registration.
struct two_resets : rl::test_suite<two_resets, 2>, two_registrations {
  void before() {
    open_two();
    newer->at_end = [this] { older->unregister_and_wait(); };
    older->at_end = [this] { newer->unregister_and_wait(); };
    states[0]->share();
    states[0]->share();
  }
  void thread(unsigned) { reset(); }
  void after() { close_two(); }
};
add<two_resets> const add_two_resets("G20", "TwoResetsEndEachOther",
                                     "the destructors of two callables dispose each other's registrations", full(),
                                     200000);

/// The callable that try_reset destroys first disposes the registration of an older one, which it destroys next.
struct reset_ends_the_next : rl::test_suite<reset_ends_the_next, 1>, two_registrations {
  void before() {
    open_two();
    auto const ends = [this](registration* other) {
      return [this, other] {
        if (callables_destroyed != 1) return;
        other->unregister_and_wait();
        require(other->callable.get() == 0, "dispose has returned, but the callable lives");
      };
    };
    newer->at_end = ends(older);
    older->at_end = ends(newer);
  }
  void thread(unsigned) { (void)states[0]->try_reset(); }
  void after() { close_two(); }
};
add<reset_ends_the_next> const add_reset_ends_the_next(
    "G20", "DisposeInsideAReset", "a callable that try_reset destroys disposes the registration of another one", full(),
    1000);

struct reset_of_owner : rl::test_suite<reset_of_owner, 2>, scene {
  void before() {
    open();
    add(0);
    register_node();
    states[0]->share();
    handle->at_end = [r = handle] {
      r->unregister_and_wait();
      r->release_handle();
    };  // a callable that holds its own registration
  }
  void thread(unsigned i) {
    if (i == 0) (void)states[0]->try_reset();
    states[0]->drop();
  }
  void after() {
    require(callables_destroyed == 1 && nodes_freed == 1, "not destroyed once");
    close();
  }
};
add<reset_of_owner> const add_reset_of_owner("G19", "ResetOfItsOwnOwner",
                                             "try_reset removes a callable that holds its own registration", full(),
                                             1000000);

/// A callable that owns its registration is taken back through it.
struct owner_taken_back : rl::test_suite<owner_taken_back, 2>, scene {
  void before() {
    open();
    add(0);
    register_node();
    handle->at_end = [r = handle] {
      r->unregister_and_wait();
      r->release_handle();
    };
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) handle->unregister();
    else states[0]->dispose_and_drop();
  }
  void after() {
    states[0]->drop();
    require(callables_destroyed == 1 && nodes_freed == 1, "not destroyed once");
    close();
  }
};
add<owner_taken_back> const add_owner_taken_back("G20", "ACallableThatOwnsItsRegistration",
                                                 "unregister destroys a callable that ends its own handle", full(),
                                                 1000);

// --- the same with shared sources ---

add<of_shared<reset_vs_end>> const add_shared_reset_vs_end(
    "G26", "ResetVersusDispose", "try_reset and a shared source's end beside a registration's end", full(), 200000);

}  // namespace
}  // namespace cts::models::states
