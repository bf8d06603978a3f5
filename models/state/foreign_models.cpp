// SPDX-License-Identifier: BSL-1.0
/// @file
/// Links to foreign tokens (S9 of protocol/state.hpp), and links of a source whose timer is set before them: G16. A
/// state without a link plays the foreign source: its registry is one that the child knows nothing of.
#include "state/scene.hpp"

namespace cts::models::states {
namespace {

/// A link by a callback object, which is in the model's own memory.
struct links_to_one : state::foreign_links {
  links_to_one(state& child, state& f) : state::foreign_links(child, &destroy), foreign(f) {
    on_cancel.then = [this] { cancel(); };
    require(foreign.try_register(on_cancel) == core::register_result::registered, "not registered");
  }
  state& foreign;
  in_place on_cancel;

 private:
  static void destroy(state::foreign_links& l) noexcept {
    auto& self = static_cast<links_to_one&>(l);
    if (is_replaced("foreign_links.wait")) (void)self.foreign.registry().unregister(self.on_cancel);
    else self.foreign.unregister_and_wait(self.on_cancel);
    self.on_cancel.~in_place();
  }
};

/// States 0 and 1: the foreign source, and its child with a callback.
struct foreign_scene : scene {
  links_to_one* links = nullptr;
  void open_foreign() {
    open();
    add(0);
    states[1] = state::create({.foreign = sizeof(links_to_one)});
    callbacks[1] = ::new (P::allocate(sizeof(in_place))) in_place;
    links = ::new (static_cast<void*>(&states[1]->foreign())) links_to_one(*states[1], *states[0]);
    register_callback(1);
  }
};

struct foreign_vs_dispose : rl::test_suite<foreign_vs_dispose, 2>, foreign_scene {
  void before() { open_foreign(); }
  void thread(unsigned i) {
    if (i == 0) {
      states::cancel(*states[0]);
      return;
    }
    states[1]->dispose();
    int const then = runs(1);  // a race if the foreign callback still runs
    states[1]->drop();
    require(runs(1) == then, "ran after its child's dispose");
  }
  void after() {
    require(states[0]->registry().count() == 0, "the child is still registered with the foreign source");
    require(runs(1) <= 1, "ran twice");
    unregister_callback(1);
    states[0]->dispose_and_drop();
    close();
  }
};
add<foreign_vs_dispose> const add_foreign_vs_dispose(
    "G16", "ForeignCancelVersusDispose",
    "a child's dispose beside the cancel of a foreign source: afterwards the foreign source has left the child", full(),
    1000000);

struct foreign_vs_cancel : rl::test_suite<foreign_vs_cancel, 2>, foreign_scene {
  void before() { open_foreign(); }
  void thread(unsigned i) {
    states::cancel(*states[i]);
    if (i == 1) states[1]->dispose_and_drop();
  }
  void after() {
    require(runs(1) == 1, "did not run once");
    unregister_callback(1);
    states[0]->dispose_and_drop();
    close();
  }
};
add<foreign_vs_cancel> const add_foreign_vs_cancel(
    "G16", "ForeignCancelVersusCancelAndEnd",
    "a child's cancel and end beside the cancel of a foreign source: its callback runs once", full(), 1000000);

struct foreign_ends_inside : rl::test_suite<foreign_ends_inside, 2>, foreign_scene {
  void before() {
    open_foreign();
    states[1]->share();
    callbacks[1]->then = [this] {
      unregister_callback(1);
      states[1]->dispose_and_drop();
    };
  }
  void thread(unsigned i) {
    if (i == 0) states::cancel(*states[0]);
    else states[1]->drop();
  }
  void after() {
    require(runs(1) == 1, "did not run once");
    states[0]->dispose_and_drop();
    close();
  }
};
add<foreign_ends_inside> const add_foreign_ends_inside("G16", "ChildEndsInAForeignCancel",
                                                       "a child's callback, run by a foreign cancel, ends the child",
                                                       full(), 1000000);

struct foreign_and_context : rl::test_suite<foreign_and_context, 2>, foreign_scene {
  baton back;
  void before() {
    open_foreign();
    back.reset();
    callbacks[1]->then = [this] {
      ready.pass(1);
      P::await([this] { return back.get() != 0; });
    };  // as send() does
  }
  void thread(unsigned i) {
    if (i == 0) {
      states::cancel(*states[0]);
      return;
    }
    P::await([this] { return ready.get() != 0; });
    {
      state::delegate const here(*states[1]);
      states[1]->dispose();  // a wait would never end
    }
    back.pass(1);
  }
  void after() {
    require(states[0]->registry().count() == 0, "the child is still registered with the foreign source");
    unregister_callback(1);
    states[1]->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<foreign_and_context> const add_foreign_and_context(
    "G16", "AContextDisposesInAForeignCancel",
    "a foreign cancel brings a child's callback to another thread, which disposes the child: it does not wait", full(),
    1000000);

/// create_linked with a delay: the timer is set first, the links come after it.
struct timer_vs_linking : rl::test_suite<timer_vs_linking, 3>, scene {
  void before() {
    open_timers();
    add(0);
    states[1] = state::create({.links = 1, .timer = true});
    callbacks[1] = ::new (P::allocate(sizeof(in_place))) in_place;
    states[0]->share();
    start_timers();
  }
  void thread(unsigned i) {
    if (i == 0) {
      states[1]->arm([](model_alarm& a, auto wanted) { a.arm({}, wanted); });
      require(states[1]->link_to(0, *states[0]), "no memory");
      states[1]->dispose_and_drop();
    } else if (i == 1) run_timers();
    else {
      states::cancel(*states[0]);
      states[0]->drop();
    }
  }
  void after() {
    run_started_timers(1);
    require(!the_timers->any_armed(), "an armed timer was left");
    require(states[0]->registry().count() == 0, "the child is still registered in its parent");
    states[0]->dispose_and_drop();
    close();
  }
};
add<timer_vs_linking> const add_timer_vs_linking(
    "G16", "TimerVersusLinkingAndTheParentsCancel",
    "a source whose timer is set before its links: the timer, the linking, the parent's cancel and its own end at once",
    large(1, 0), 100000);

}  // namespace
}  // namespace cts::models::states
