// SPDX-License-Identifier: BSL-1.0
/// @file
/// Links to foreign tokens (S9 of protocol/state.hpp), and links of a source whose timer is set before them: G16. A
/// state without a link plays the foreign source: its registry is one that the child knows nothing of.
#include <optional>

#include "state/scene.hpp"

namespace cts::models::states {
namespace {

/// Links by callback objects, which are in the model's own memory.
struct foreign_links_of_models : state::foreign_links {
  explicit foreign_links_of_models(state& child) : state::foreign_links(child, &destroy) {}
  void link_to(state& foreign) {
    one& l = links[count];
    l.foreign = &foreign;
    l.on_cancel.emplace();
    l.on_cancel->then = [this, i = count] { cancel(i); };
    ++count;
    require(foreign.try_register(*l.on_cancel) == core::register_result::registered, "not registered");
  }
  /// How many callback objects there are.
  int alive() const {
    the_reduction.touch(reduction::others, false);
    return links[0].on_cancel.has_value() + links[1].on_cancel.has_value();
  }

 private:
  struct one {
    state* foreign = nullptr;
    std::optional<in_place> on_cancel;
  };
  static void destroy(state::foreign_links& l, std::size_t except) noexcept {
    auto& self = static_cast<foreign_links_of_models&>(l);
    if (except != none && is_replaced("foreign_links.idle")) return;
    for (std::size_t i = 0; i < self.count; ++i)
      if (i != except) destroy(self.links[i]);
  }
  static void destroy(one& l) noexcept {
    the_reduction.touch(reduction::others, true);
    if (!l.on_cancel) return;
    if (is_replaced("foreign_links.wait")) (void)l.foreign->registry().unregister(*l.on_cancel);
    else l.foreign->unregister_and_wait(*l.on_cancel);
    l.on_cancel.reset();
  }
  one links[2];
  std::size_t count = 0;
};

/// States 0 and 1: the foreign source, and its child with a callback. State 2: another foreign source of the child.
struct foreign_scene : scene {
  foreign_links_of_models* links = nullptr;
  void open_foreign(bool two = false) {
    open();
    add(0);
    if (two) add(2);
    states[1] = state::create({.foreign = sizeof(foreign_links_of_models)});
    callbacks[1] = ::new (P::allocate(sizeof(in_place))) in_place;
    links = ::new (static_cast<void*>(&states[1]->foreign())) foreign_links_of_models(*states[1]);
    links->link_to(*states[0]);
    if (two) links->link_to(*states[2]);
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

/// A context runs the child's callback on thread 1: that one disposes the child.
struct foreign_and_context_scene : foreign_scene {
  baton back;
  void open_context(bool two) {
    open_foreign(two);
    back.reset();
    callbacks[1]->then = [this] {
      ready.pass(1);
      P::await([this] { return back.get() != 0; });
    };  // as send() does
  }
  void run_in_context(std::function<void()> const& then) {
    P::await([this] { return ready.get() != 0; });
    {
      state::delegate const here(*states[1]);
      states[1]->dispose();  // a wait would never end
      then();
    }
    back.pass(1);
  }
  void end_context() {
    require(states[0]->registry().count() == 0, "the child is still registered with the foreign source");
    unregister_callback(1);
    states[1]->drop();
    states[0]->dispose_and_drop();
    close();
  }
};

struct foreign_and_context : rl::test_suite<foreign_and_context, 2>, foreign_and_context_scene {
  void before() { open_context(false); }
  void thread(unsigned i) {
    if (i == 0) states::cancel(*states[0]);
    else run_in_context([] {});
  }
  void after() { end_context(); }
};
add<foreign_and_context> const add_foreign_and_context(
    "G16", "AContextDisposesInAForeignCancel",
    "a foreign cancel brings a child's callback to another thread, which disposes the child: it does not wait", full(),
    1000000);

struct idle_foreign_ends_in_context : rl::test_suite<idle_foreign_ends_in_context, 2>, foreign_and_context_scene {
  void before() { open_context(true); }
  void thread(unsigned i) {
    if (i == 0) states::cancel(*states[0]);
    else
      run_in_context([this] {
        require(links->alive() == 1, "an idle callback object is left, or the one that runs is not");
        states[2]->dispose_and_drop();
      });
  }
  void after() { end_context(); }
};
add<idle_foreign_ends_in_context> const add_idle_foreign_ends_in_context(
    "G16", "AnIdleForeignSourceEndsInAContext",
    "the same with a second foreign source, which the other thread ends after the dispose", full(), 1000000);

struct foreign_and_context_here : rl::test_suite<foreign_and_context_here, 2>, foreign_scene {
  void before() {
    open_foreign(true);
    callbacks[1]->then = [this] {
      state::delegate const here(*states[1]);
      states[1]->dispose();
      require(links->alive() == 0, "a callback object is left after dispose");
    };
  }
  void thread(unsigned i) { states::cancel(*states[2 * i]); }
  void after() {
    require(runs(1) == 1, "did not run once");
    unregister_callback(1);
    states[1]->drop();
    for (std::size_t i : {0, 2}) states[i]->dispose_and_drop();
    close();
  }
};
add<foreign_and_context_here> const add_foreign_and_context_here(
    "G16", "AContextOnTheForeignCancellersThread",
    "two foreign sources are canceled; a context runs the child's callback on the canceller's own thread, which "
    "disposes the child: no callback object is left",
    full(), 1000000);

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
