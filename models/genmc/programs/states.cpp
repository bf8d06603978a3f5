// SPDX-License-Identifier: BSL-1.0
/// @file
/// G16, G19, G21: references to a state, its links, and its reset.
#include "genmc/state_stage.hpp"

namespace cts::genmc {
namespace {

struct last_drop : state_stage {
  void before() {
    add(0);
    states[0]->share();
  }
  void first() {
    static_cast<void>(states[0]->is_cancellation_requested());
    states[0]->drop();
  }
  void second() {
    static_cast<void>(states[0]->is_cancellation_requested());
    states[0]->dispose_and_drop();
  }
  void after() { close(); }
};
CTS_PROGRAM(G16, LastDrop, last_drop,
            "a token's end beside its source's end: the last one frees the state, after all use");

struct loser_sees_the_cancel : state_stage {
  void before() {
    add(0);
    states[0]->share();
  }
  void first() {
    before_cancel = 1;
    cancel(0);
    states[0]->drop();
  }
  void second() {
    if (states[0]->request_cancellation(nullptr) == request_result::lost) sees_the_cancel(*states[0]);
    else states[0]->notify_nobody();
    states[0]->drop();
  }
  void after() { close(); }
};
CTS_PROGRAM(G16, LoserSeesTheCancel, loser_sees_the_cancel,
            "a thread whose cancel loses reads the flag as set, and sees what came before the other cancel");

struct cancel_beside_end : state_stage {
  void before() {
    add(0);
    register_callback(0);
  }
  void first() { unregister_callback(0); }
  void second() {
    cancel(0);
    states[0]->dispose_and_drop();
  }
  void after() {
    require(callbacks[0]->runs <= 1, "a callback ran twice");
    close();
  }
};
CTS_PROGRAM(G16, CancelBesideEnd, cancel_beside_end, "a cancel and the source's end beside a callback's end");

/// State 1 is linked to state 0.
struct linked : state_stage {
  void before() {
    add(0);
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
    register_callback(1);
  }
  void after() {
    require(callbacks[1]->runs <= 1, "a callback ran twice");
    close();
  }
};
struct child_ends_beside_cancel : linked {
  void first() {
    unregister_callback(1);
    states[1]->dispose_and_drop();
  }
  void second() {
    cancel(0);
    states[0]->dispose_and_drop();
  }
};
CTS_PROGRAM(G16, ChildEndsBesideCancel, child_ends_beside_cancel, "a child's end beside its parent's cancel and end");

struct child_and_parent_cancel : linked {
  void first() {
    cancel(1);
    require(states[1]->is_cancellation_requested(), "cancel returned, but the flag reads as clear");
    unregister_callback(1);
    states[1]->dispose_and_drop();
  }
  void second() {
    cancel(0);
    states[0]->dispose_and_drop();
  }
};
CTS_PROGRAM(G16, ChildAndParentCancel, child_and_parent_cancel, "cancels of a child and of its parent, and their ends");

/// The child's source ends in its callback, so nothing but the count orders the notification before a token's end.
struct child_ends_inside : linked {
  void before() {
    linked::before();
    states[1]->share();
    callbacks[1]->on = states[1];
    callbacks[1]->then = [](in_place& c) {
      state& s = *static_cast<state*>(c.on);
      s.drop();  // the registration's reference
      s.dispose_and_drop();
    };
  }
  void first() {
    static_cast<void>(states[1]->is_cancellation_requested());
    states[1]->drop();
  }
  void second() {
    cancel(0);
    states[0]->dispose_and_drop();
  }
};
CTS_PROGRAM(G16, ChildEndsInsideItsCallback, child_ends_inside,
            "a child's end in its own callback, which its parent's cancel runs, beside the end of a token");

struct link_beside_cancel : state_stage {
  void before() {
    add(0);
    states[0]->share();
  }
  void first() {
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
    if (states[1]->is_cancellation_requested())
      require(before_cancel == 1, "what was written before cancel is not visible");
    states[0]->drop();
    states[1]->dispose_and_drop();
  }
  void second() {
    before_cancel = 1;
    cancel(0);
    states[0]->dispose_and_drop();
  }
  void after() { close(); }
};
CTS_PROGRAM(G16, LinkBesideCancel, link_beside_cancel, "a child is linked beside its parent's cancel and end");

/// A reader looks at the states above state 1 beside its dispose.
struct reader_beside_dispose : state_stage {
  void before() {
    add(0);
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
    states[0]->drop();  // so the child holds its parent alone
    states[1]->share();
  }
  void first() {
    states[1]->visit_above([](state& above) { static_cast<void>(above.is_disposed()); });
    states[1]->drop();
  }
  void second() { states[1]->dispose_and_drop(); }
  void after() { close(); }
};
CTS_PROGRAM(G16, ReaderBesideDispose, reader_beside_dispose,
            "a reader of the links beside the dispose that releases the parents");

struct cause_beside_cancel : state_stage {
  void before() {
    add(0);
    states[0]->share();
  }
  void first() {
    bool const canceled = states[0]->cause([](state const&, parts::reason*) {});
    if (canceled) require(before_cancel == 1, "what was written before cancel is not visible");
    states[0]->drop();
  }
  void second() {
    before_cancel = 1;
    cancel(0);
    states[0]->dispose_and_drop();
  }
  void after() { close(); }
};
CTS_PROGRAM(G16, CauseBesideCancel, cause_beside_cancel, "a reader of the cause sees what was written before cancel");

struct reset_beside_cancel : state_stage {
  void before() {
    add(0);
    register_node(0);
    states[0]->share();
  }
  void first() {
    states[0]->try_reset();
    states[0]->drop();
  }
  void second() {
    cancel(0);
    handle->unregister_and_wait();
    handle->release_handle();
    states[0]->dispose_and_drop();
  }
  void after() {
    require(ended.callables == 1 && ended.nodes == 1, "a registration was not destroyed once");
    close();
  }
};
CTS_PROGRAM(G19, ResetBesideCancel, reset_beside_cancel, "a reset beside a cancel and a registration's end");

struct delegate_ends : state_stage {
  void before() {
    add(0);
    register_callback(0);
    callbacks[0]->on = states[0];
    callbacks[0]->then = [](in_place& c) {
      state& s = *static_cast<state*>(c.on);
      state::delegate const here(s);
      s.unregister_and_wait(c);  // itself: it must not wait
    };
  }
  void first() { unregister_callback(0); }
  void second() {
    cancel(0);
    states[0]->dispose_and_drop();
  }
  void after() { close(); }
};
CTS_PROGRAM(G21, DelegateDoesNotWait, delegate_ends,
            "a callback that runs on behalf of the canceller ends itself beside another thread's wait");

}  // namespace
}  // namespace cts::genmc
