// SPDX-License-Identifier: BSL-1.0
/// @file
/// Lanes (G22): unregister that waits, comes too late or comes from inside a callback (G6, G7), L2.
#include "lane/stage.hpp"

namespace cts::models {
namespace {

struct lane_waits : rl::test_suite<lane_waits, 2>, lane_stage<tiny> {
  void before() {
    open(2);
    try_register(0);
    try_register(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    for (std::size_t k = 0; k < 2; ++k) {
      lane->unregister_and_wait(*nodes[k]);
      (void)runs(k);  // a data race if its effects are not visible
      drop(nodes[k]);
    }
  }
  void after() { close(); }
};
add<lane_waits> waits_for_it("G22", "WaitsForIt",
                             "after a waiting unregister the callback is not running, and its effects are visible",
                             full(), 500000);

/// On the canceller's thread a callback unregisters itself and a sibling, which the owner unregisters too (G7).
struct lane_from_inside : rl::test_suite<lane_from_inside, 2>, lane_stage<platform<2, 2>> {
  bool other = false;
  void before() {
    open(2);
    other = false;
    nodes[1]->then = [this](node& n) {
      lane->unregister_and_wait(n);
      other = lane->unregister(*nodes[0]);
      require(lane->try_register(*nodes[1]) == register_result::canceled, "registered although the lane is closed");
    };
    try_register(0);
    try_register(1);
  }
  void thread(unsigned i) {
    if (i == 1) cancel();
    else unregister(0);
  }
  void after() {
    require(!(unregistered[0] && other), "two unregistrations succeeded");
    unregistered[0] = unregistered[0] || other;
    exactly_once(0);
    exactly_once(1);
    close();
  }
};
add<lane_from_inside> from_inside("G22", "FromInside",
                                  "a callback unregisters itself and a sibling that the owner unregisters too", full(),
                                  500000);

/// An owner whose unregister has come too late waits afterwards (G6).
struct lane_asks_again : rl::test_suite<lane_asks_again, 2>, lane_stage<tiny> {
  void before() {
    open(1);
    try_register(0);
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    if (!unregister(0)) lane->unregister_and_wait(*nodes[0]);
    drop(nodes[0]);
  }
  void after() { close(); }
};
add<lane_asks_again> asks_again("G22", "AsksAgain",
                                "after an unregister that came too late, a waiting unregister still waits", full(),
                                200000);

/// A callback that was unregistered before does not take the slot of the next one for its own.
struct lane_stale : rl::test_suite<lane_stale, 2>, lane_stage<platform<2, 2>> {
  void before() {
    open(2);
    try_register(0);
    unregister(0);
    try_register(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    require(!lane->unregister(*nodes[0]), "unregistered twice");
    lane->unregister_and_wait(*nodes[0]);
  }
  void after() {
    exactly_once(1);
    require(runs(0) == 0, "ran although it was unregistered");
    close();
  }
};
add<lane_stale> taken_back_before("G22", "TakenBackBefore",
                                  "a callback is unregistered once, whichever callback has its slot by now", full(),
                                  50000);

}  // namespace
}  // namespace cts::models
