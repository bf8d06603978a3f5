// SPDX-License-Identifier: BSL-1.0
/// @file
/// G5, unregistered or ran; G6, a waiting unregister waits for its own callback; G7, no thread waits for itself.
#include "checker/harness.hpp"
#include "scenes.hpp"

namespace cts::models {
namespace {

add<unregister_vs_cancel<stage<tiny>, 2>> g5("G5", "UnregisterXorRan",
                                             "unregister true: it never runs, its memory may be reused at once", full(),
                                             2000000);

struct third_party : rl::test_suite<third_party, 3>, stage<tiny> {
  bool removed[2] = {};
  void before() {
    open(1);
    try_register(0);
  }
  void thread(unsigned i) {
    if (i == 0) removed[0] = shared->unregister(*nodes[0]);
    else if (i == 1) removed[1] = shared->unregister(*nodes[0]);
    else shared->cancel();
  }
  void after() {
    require(!(removed[0] && removed[1]), "two unregistrations succeeded");
    require((removed[0] || removed[1]) == (runs(0) == 0), "unregistered and ran, or neither");
    close();
  }
};
add<third_party> g5b("G5", "TwoUnregister", "two threads unregister the same callback while a third cancels", full(),
                     5000000);

struct remove_vs_cancel : rl::test_suite<remove_vs_cancel, 2>, stage<tiny> {
  int removed[2] = {};
  void before() {
    open(2);
    try_register(0);
    try_register(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      shared->cancel();
      return;
    }
    shared->remove_all([this](core::basic_callback<tiny>& c) { ++removed[&c == nodes[0] ? 0 : 1]; });
  }
  void after() {
    for (std::size_t k = 0; k < 2; ++k) require(removed[k] + runs(k) == 1, "removed and ran, or neither");
    close();
  }
};
add<remove_vs_cancel> g5c("G5", "RemovedXorRan", "remove_all beside a cancel: each callback is removed or runs", full(),
                          1000000);

add<remove_vs_register<stage<tiny>>> g5d(
    "G5", "RemoveVersusRegister",
    "remove_all beside registrations that restart and grow: a callback that is not removed runs", full(), 1000000);

/// Thread 0 cancels and is inside the callback of node 1, in the oldest segment; it has not come to node 0. Thread 2
/// walks behind it and stands on a segment that thread 1 moves. It must not take the segment that is being run for
/// done.
template <bool Counts>
struct behind_the_canceller : rl::test_suite<behind_the_canceller<Counts>, 3>, stage<platform<3, 1>> {
  static constexpr unsigned livelock_after = 60000;
  bool claimed, inside, stands, moved, over, removed;
  int scans;
  void before() {
    open(8);
    claimed = inside = stands = moved = over = removed = false;
    scans = 0;
    for (std::size_t i = 0; i < 5; ++i) try_register(i);
    unregister(3);
    nodes[1]->then = [this](auto&) {
      inside = true;
      hold_long_until([this] { return over; });
    };
    now.before = [this](site s) {
      unsigned const t = rl::thread_index();
      if (t == 1 && s == site::older_unlink && !std::exchange(claimed, true))
        hold_long_until([this] { return stands; });
      if (t == 1 && s == site::gen_open) moved = true;
      if (t == 2 && s == site::slot_scan && ++scans == 2) {
        stands = true;
        hold_long_until([this] { return moved; });
      }
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      hold_long_until([this] { return claimed; });
      shared->cancel();
    } else if (i == 1) {
      try_register(5);
      moved = true;
    } else {
      hold_long_until([this] { return inside; });
      if (Counts) {
        require(shared->count() > 0 || !inside, "count passed over a callback");
      } else {
        shared->remove_all([this](core::basic_callback<platform<3, 1>>& c) { removed = removed || &c == nodes[0]; });
        require(removed || !inside, "remove_all passed over a callback that has not begun to run");
      }
      over = true;
    }
  }
  void after() {
    now.before = nullptr;
    if (!removed) exactly_once(0, true);
    close();
  }
};
add<behind_the_canceller<false>> g5e("G5", "RemovesBehindTheCanceller",
                                     "directed: remove_all goes on in the segment that a cancel is running", chance(),
                                     4000);
add<behind_the_canceller<true>> g5f("G5", "CountsBehindTheCanceller", "directed: count does so, too", chance(), 4000);

/// A callback of the cancel unregisters an older one and destroys it, while another thread's remove_all hands that
/// over.
struct waits_for_the_removal : rl::test_suite<waits_for_the_removal, 2>, stage<tiny> {
  void before() {
    open(2);
    try_register(0);
    try_register(1);
    nodes[1]->then = [this](auto&) {
      shared->unregister_and_wait(*nodes[0]);
      drop(nodes[0]);
    };
  }
  void thread(unsigned i) {
    if (i == 0) shared->cancel();
    else shared->remove_all([](core::basic_callback<tiny>& c) { static_cast<node&>(c).payload.get(); });
  }
  void after() { close(); }
};
/// What remove_all's then() registers comes above the slots that are still to be visited, and no segment moves: it
/// stays registered, and remove_all comes to an end.
template <std::size_t Slots>
struct registers_in_then : rl::test_suite<registers_in_then<Slots>, 1>, stage<platform<Slots, Slots>> {
  static constexpr std::size_t before_it = 4;
  void before() {
    this->open(2 * before_it);
    for (std::size_t i = 0; i < before_it; ++i) this->try_register(i);
    this->unregister(0);
    this->unregister(2);
  }
  void thread(unsigned) {
    std::size_t next = before_it;
    this->shared->remove_all([](auto&) {},
                             [this, &next] {
                               require(next < 2 * before_it, "remove_all removes what its then() has registered");
                               this->try_register(next);
                               this->try_register(0);
                               this->unregister(0);
                               ++next;
                             });
    require(next == before_it + 2, "remove_all passed over a callback");
  }
  void after() {
    this->shared->cancel();
    for (std::size_t i = before_it; i < before_it + 2; ++i) this->exactly_once(i, true);
    this->close();
  }
};
add<registers_in_then<1>> g5g("G5", "RemoveAllThenRegisters", "what remove_all's then() registers stays", full(), 1);
add<registers_in_then<2>> g5h("G5", "RemoveAllThenRegistersInTwos", "the same with larger segments", full(), 1);

add<waits_for_the_removal> g6d("G6", "CancellerWaitsForARemoval",
                               "the canceller's thread, too, waits for a callback that remove_all hands over", full(),
                               100000);

add<waiting<stage<tiny>>> g6("G6", "WaitsForIt",
                             "after a waiting unregister the callback is not running and its effects are visible",
                             full(), 2000000);

struct waits_for_one : rl::test_suite<waits_for_one, 2>, stage<tiny> {
  models::baton returned;
  void before() {
    open(2);
    returned.reset();
    nodes[0]->then = [this](node&) { tiny::await([this] { return returned.get() != 0; }); };
    try_register(0);
    try_register(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      shared->cancel();
      return;
    }
    shared->unregister_and_wait(*nodes[1]);  // runs first, or has run while nodes[0] runs and waits for us
    returned.pass(1);
  }
  void after() { close(); }
};
add<waits_for_one> g6b("G6", "WaitsForItsOwnOnly", "the wait ends when that callback has returned, even if others run",
                       full(), 1000000);

struct inside : rl::test_suite<inside, 2>, stage<tiny> {
  void before() {
    open(4);
    nodes[2]->then = [this](node& n) {
      require(shared->is_cancellation_requested(), "the flag is clear inside a callback");
      require(!shared->unregister(n), "a running callback unregistered itself");
      shared->unregister_and_wait(n);
      unregistered[0] = shared->unregister(*nodes[0]);
      shared->unregister_and_wait(*nodes[1]);
      require(shared->try_register(*nodes[3]) == register_result::canceled,
              "register inside a callback was not refused");
      require(!shared->cancel(), "a nested cancel won");
    };
    try_register(0);
    try_register(1);
    try_register(2);
  }
  void thread(unsigned i) {
    if (i == 0) shared->cancel();
    else shared->is_cancellation_requested();
  }
  void after() {
    require(unregistered[0] && runs(0) == 0 && runs(1) == 0 && runs(2) == 1 && runs(3) == 0, "wrong callbacks ran");
    close();
  }
};
add<inside> g7("G7", "InsideACallback", "unregister self and siblings, register, cancel, poll inside a callback",
               full(), 200000);

struct mutual : rl::test_suite<mutual, 2>, stage<tiny> {
  void before() {
    open(2);
    nodes[1]->then = [this](node&) {
      shared->unregister_and_wait(*nodes[0]);
      shared->unregister_and_wait(*nodes[1]);
    };
    try_register(0);
    try_register(1);
  }
  void thread(unsigned i) {
    if (i == 0) shared->cancel();
    else shared->unregister_and_wait(*nodes[0]);
  }
  void after() { close(); }
};
add<mutual> g7b("G7", "SiblingsWhileOthersWait", "a callback waits for its siblings while another thread does", full(),
                500000);

}  // namespace
}  // namespace cts::models
