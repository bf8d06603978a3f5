// SPDX-License-Identifier: BSL-1.0
/// @file
/// States of shared sources: registrations in stripes beside the cancel and the end of the source. G26. Threads 0 and 2
/// use one stripe, thread 1 the other. Further models of shared sources are beside those of plain ones, in state/.
#include "state/scene.hpp"

namespace cts::models::shared {
namespace {

using namespace states;

struct shared_scene : scene {
  void open_shared() {
    open();
    stripes = 2;
    add(0);
  }
  /// Registers callback i, which holds a reference, with state 0.
  bool try_register(std::size_t i) {
    states[0]->share();
    if (states[0]->try_register(*callbacks[i]) == core::register_result::registered) return true;
    states[0]->drop();
    return false;
  }
  void unregister(std::size_t i) {
    states[0]->unregister_and_wait(*callbacks[i]);
    states[0]->drop();
  }
  void make_callback(std::size_t i) { callbacks[i] = ::new (P::allocate(sizeof(in_place))) in_place; }
};

/// A pair beside the end: a token's thread copies, registers, unregisters and drops while the source ends.
struct pair_vs_end : rl::test_suite<pair_vs_end, 2>, shared_scene {
  void before() {
    open_shared();
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) return states[0]->dispose_and_drop();
    if (try_register(0)) unregister(0);
    states[0]->drop();
  }
  void after() { close(); }
};
add<pair_vs_end> const add_pair_vs_end("G26", "PairVersusEnd",
                                       "a callback comes and goes while the shared source ends: the last one frees all",
                                       full(), 1000000);

struct pair_vs_cancel : rl::test_suite<pair_vs_cancel, 2>, shared_scene {
  bool registered = false;
  void before() {
    open_shared();
    registered = false;
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*states[0]);
      states[0]->dispose_and_drop();
      return;
    }
    registered = try_register(0);
    if (!registered) require(states[0]->is_cancellation_requested() || states[0]->is_disposed(), "refused by nobody");
    if (registered) unregister(0);
    states[0]->drop();
  }
  void after() {
    require(runs(0) <= (registered ? 1 : 0), "ran twice, or although it was refused");
    close();
  }
};
add<pair_vs_cancel> const add_pair_vs_cancel("G26", "PairVersusCancel",
                                             "a callback comes and goes while the shared source is canceled and ends",
                                             full(), 1000000);

/// Two registrants of different stripes and a canceller.
struct never_lost : rl::test_suite<never_lost, 3>, shared_scene {
  bool registered[2] = {};
  void before() {
    open_shared();
    make_callback(1);
    states[0]->share();
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 2) cancel(*states[0]);
    else registered[i] = try_register(i);
  }
  void after() {
    for (std::size_t i = 0; i < 2; ++i) {
      require(runs(i) == (registered[i] ? 1 : 0), "a registered callback did not run once, or a refused one ran");
      if (registered[i]) unregister(i);
      states[0]->drop();
    }
    states[0]->dispose_and_drop();
    close();
  }
};
add<never_lost> const add_never_lost("G26", "TwoStripesVersusCancel",
                                     "two threads register on two stripes of a source while a third cancels it",
                                     large(1), 200000);

/// Two cancels and a registrant. The cancel that loses closes stripes and sets the flag for the winner, which must not
/// run the callbacks before every stripe is closed.
struct two_cancels : rl::test_suite<two_cancels, 3>, shared_scene {
  bool registered = false;
  void before() {
    open_shared();
    registered = false;
    states[0]->share();
  }
  void thread(unsigned i) {
    if (i == 1) registered = try_register(0);
    else cancel(*states[0]);
  }
  void after() {
    require(runs(0) == (registered ? 1 : 0), "a registered callback did not run once, or a refused one ran");
    if (registered) unregister(0);
    states[0]->drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<two_cancels> const add_two_cancels("G26", "TwoCancelsVersusRegister",
                                       "a callback is registered beside two cancels of a shared source", large(2),
                                       200000);

/// A notification pauses at a link in each stripe and goes on in that stripe (S7).
struct pauses : rl::test_suite<pauses, 2>, shared_scene {
  void before() {
    open_shared();
    for (std::size_t i = 1; i < 4; ++i) i == 3 ? make_callback(i) : add(i, 1);
    register_callback(1);
    register_callback(2);
  }
  void thread(unsigned i) {
    require(try_register(i == 0 ? 0 : 3), "not registered");
    require(states[1 + i]->link_to(0, *states[0]), "no memory");
  }
  void after() {
    cancel(*states[0]);
    for (std::size_t i = 0; i < 4; ++i)
      require(runs(i) == 1, "a callback in a stripe or below a link did not run once");
    unregister(0);
    unregister(3);
    for (std::size_t i = 1; i < 3; ++i) {
      unregister_callback(i);
      states[i]->dispose_and_drop();
    }
    states[0]->dispose_and_drop();
    close();
  }
};
add<pauses> const add_pauses("G26", "PausesInEachStripe",
                             "a link in each of two stripes pauses the notification: everything runs once", full(),
                             200000);

}  // namespace
}  // namespace cts::models::shared
