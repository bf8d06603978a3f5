// SPDX-License-Identifier: BSL-1.0
/// @file
/// The models of the event of wait handles (G18): the event of production, its invariants E1 to E5, and the wait for
/// any of several events (detail/wait_any.hpp).
#include "waits/event_world.hpp"

#include "cts/detail/wait_any.hpp"

namespace cts::models {
namespace {

using P = event_world::platform;

/// Events that live until after() and hold a reference for each thread.
struct ringer {
  model_event* events[2] = {};
  void open(unsigned threads, std::size_t count = 1) {
    now = execution{};
    now.lifetimes = true;
    for (bool& in : in_room) in = false;
    for (std::size_t i = 0; i < count; ++i) {
      events[i] = make_event();
      for (unsigned t = 0; t < threads; ++t) events[i]->share();
    }
  }
  void drop_all() {
    for (model_event* const e : events)
      if (e != nullptr) e->drop();
  }
  void signal(std::size_t i = 0) { events[i]->signal(); }
  void wait() {
    require(events[0]->wait(std::nullopt), "a wait without an end has ended without the signal");
    drop_all();
  }
  void close() {
    for (model_event*& e : events) {
      if (e == nullptr) continue;
      require(e->waiters() == 0, "a waiter that has gone is still counted");
      e->drop();
      e = nullptr;
    }
  }

  struct itself {
    model_event& operator()(model_event* e) const { return *e; }
  };
  using any = detail::any_wait<model_event*, itself>;
  /// In memory that is given back, so that a signal which tells an observer that has gone is found.
  std::optional<std::size_t> wait_any(std::optional<int> until, bool& is_disposed) {
    any* const a = ::new (P::allocate(sizeof(any))) any(std::span<model_event* const>(events), itself());
    std::optional<std::size_t> first;
    try {
      first = a->wait(until);
    } catch (object_disposed const&) { is_disposed = true; }
    the_reduction.touch_all();
    a->~any();
    P::deallocate(a, sizeof *a);
    if (first) require(events[*first]->is_signalled(), "the wait tells an event that is not signalled");
    drop_all();
    return first;
  }
};

// --- a wait for one event ---

struct wait_vs_signal : rl::test_suite<wait_vs_signal, 2>, ringer {
  void before() { open(2); }
  void thread(unsigned i) { i == 0 ? wait() : (signal(), drop_all()); }
  void after() { close(); }
};
add<wait_vs_signal> e1("G18", "WaitVersusSignal", "a signal between the question and the sleep wakes the waiter (E1)",
                       full(), 0);

struct two_waits_vs_signal : rl::test_suite<two_waits_vs_signal, 3>, ringer {
  void before() { open(3); }
  void thread(unsigned i) { i != 2 ? wait() : (signal(), drop_all()); }
  void after() { close(); }
};
add<two_waits_vs_signal> e2("G18", "TwoWaitsVersusSignal", "a signal wakes each of two waiters (E2)", large(2, 0),
                            20000);

struct end_vs_signal : rl::test_suite<end_vs_signal, 2>, ringer {
  void before() { open(2); }
  void thread(unsigned i) {
    if (i == 1) signal();
    else (void)events[0]->wait(0);
    drop_all();
  }
  void after() { close(); }
};
add<end_vs_signal> e3("G18", "EndOfTheWaitVersusSignal", "a waiter whose time is over is counted no more (E2)", full(),
                      0);

struct wait_vs_dispose : rl::test_suite<wait_vs_dispose, 2>, ringer {
  P::var<bool>* threw = nullptr;
  void before() {
    open(2);
    threw = ::new (P::allocate(sizeof *threw)) P::var<bool>(false);
  }
  void thread(unsigned i) {
    if (i == 1) {
      events[0]->dispose();
    } else {
      bool ended = false;
      try {
        events[0]->wait(std::nullopt);
      } catch (object_disposed const&) { ended = true; }
      threw->set(ended);
    }
    drop_all();
  }
  void after() {
    require(threw->get(), "a wait has outlived the dispose, or returned as if canceled");
    threw->~var();
    P::deallocate(threw, sizeof *threw);
    close();
  }
};
add<wait_vs_dispose> e4("G18", "WaitVersusDispose", "a dispose beside a wait ends it, with object_disposed (E1)",
                        full(), 0);

struct drop_vs_signal : rl::test_suite<drop_vs_signal, 2>, ringer {
  void before() {
    open(2);
    drop_all();  // the last reference is a thread's
  }
  void thread(unsigned i) {
    if (i == 1) signal();
    else (void)events[0]->waiters();
    drop_all();
  }
  void after() { require(now.deallocations == 1, "the event is not freed once"); }
};
add<drop_vs_signal> e5("G18", "DropVersusSignal",
                       "the last of two references frees the event, after the signal and all other use (E4)", full(),
                       0);

struct descriptor_vs_signal : rl::test_suite<descriptor_vs_signal, 2>, ringer {
  void before() { open(2); }
  void thread(unsigned i) {
    if (i == 1) signal();
    else (void)events[0]->descriptor();
    drop_all();
  }
  void after() {
    require(events[0]->descriptor() == 1, "the descriptor of a signalled event is not readable");
    close();
  }
};
add<descriptor_vs_signal> e6("G18", "DescriptorVersusSignal",
                             "a descriptor that is opened beside the signal becomes readable (E3)", full(), 0);

// --- a wait for any of two ---

struct any_vs_signals : rl::test_suite<any_vs_signals, 2>, ringer {
  void before() { open(2, 2); }
  void thread(unsigned i) {
    if (i == 1) return signal(1), signal(0), drop_all();
    bool is_disposed = false;
    require(wait_any(std::nullopt, is_disposed).has_value(), "a wait without an end has ended without a signal");
  }
  void after() { close(); }
};
add<any_vs_signals> e7("G18", "AnyVersusSignals",
                       "a wait for any of two events ends beside a signal of each, and its observer is not touched "
                       "once it has left (E3, E5)",
                       full(), 0);

struct any_vs_two_signals : rl::test_suite<any_vs_two_signals, 3>, ringer {
  void before() { open(3, 2); }
  void thread(unsigned i) {
    if (i != 2) return signal(i), drop_all();
    bool is_disposed = false;
    require(wait_any(std::nullopt, is_disposed).has_value(), "a wait without an end has ended without a signal");
  }
  void after() { close(); }
};
add<any_vs_two_signals> e8("G18", "AnyVersusTwoSignals", "the same with a thread for each signal", large(2, 0), 20000);

struct any_end_vs_signal : rl::test_suite<any_end_vs_signal, 2>, ringer {
  void before() { open(2, 2); }
  void thread(unsigned i) {
    if (i == 1) return signal(1), drop_all();
    bool is_disposed = false;
    auto const first = wait_any(0, is_disposed);
    require(!first || *first == 1, "the wait tells an event that nobody signals");
  }
  void after() { close(); }
};
add<any_end_vs_signal> e9("G18", "EndOfAnyVersusSignal",
                          "a wait for any whose time is over leaves no observer behind (E5)", full(), 0);

struct any_vs_dispose : rl::test_suite<any_vs_dispose, 2>, ringer {
  void before() { open(2, 2); }
  void thread(unsigned i) {
    if (i == 1) return events[1]->dispose(), drop_all();
    bool is_disposed = false;
    require(!wait_any(std::nullopt, is_disposed), "the wait tells an event that nobody signals");
    require(is_disposed, "the wait has not told the dispose");
  }
  void after() { close(); }
};
add<any_vs_dispose> e10("G18", "AnyVersusDispose",
                        "a dispose of one of two events beside a wait for any ends it, with object_disposed (E3, E5)",
                        full(), 0);

struct add_event_defects {
  add_event_defects() {
    add_defect("event_wakes_nobody", "G18", "a signal of the event sets its flag and wakes nobody (E1)",
               {replaces("event_wakes_nobody")});
    add_defect("event_unlocked", "G18", "an event is signalled and asked without its lock (E1)",
               {replaces("event_unlocked")});
    add_defect("event_sleeps_late", "G18", "a waiter gives the lock back between the question and the sleep (E1)",
               {replaces("event_sleeps_late")});
    add_defect("event_wakes_one_alone", "G18", "an event wakes nobody when two threads wait (E2)",
               {replaces("event_wakes_one_alone")});
    add_defect("event_forgets_late_observers", "G18", "an observer that comes after the signal is not told (E3)",
               {replaces("event_forgets_late_observers")});
    add_defect("event_opens_unreadable", "G18", "a descriptor that is opened after the signal is not readable (E3)",
               {replaces("event_opens_unreadable")});
    add_defect("event_sets_no_descriptor", "G18", "a signal does not make the descriptor readable (E3)",
               {replaces("event_sets_no_descriptor")});
    add_defect("event_freed_early", "G18", "the last but one reference frees the event (E4)",
               {returns(detail::site::event_drop, [](std::uint64_t found) { return found - 1; })});
    add_defect("event_not_freed", "G18", "no reference frees the event (E4)",
               {returns(detail::site::event_drop, [](std::uint64_t found) { return found + 1; })});
    add_defect("event_shares_nothing", "G18", "a handle takes no reference (E4)", {drops(detail::site::event_share)});
    add_defect("event_keeps_observers", "G18", "an observer that has left is told (E5)",
               {replaces("event_keeps_observers")});
  }
} const add_defects_of_events;

}  // namespace
}  // namespace cts::models
