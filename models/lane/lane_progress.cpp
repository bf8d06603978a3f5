// SPDX-License-Identifier: BSL-1.0
/// @file
/// Lanes (G22): growing that fails (G15), and threads that stop at any step (G11).
#include "lane/stage.hpp"

namespace cts::models {
namespace {

struct lane_no_memory : rl::test_suite<lane_no_memory, 2>, lane_stage<tiny> {
  void before() {
    open(3);
    try_register(0);
    now.failing = 0;
    now.allocations = 0;
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    register_result const result = lane->try_register(*nodes[1]);
    require(result != register_result::registered, "registered without memory");
    require(!lane->unregister(*nodes[1]), "unregistered a callback that was not registered");
    try_register(2);
  }
  void after() {
    require(runs(1) == 0, "ran although it was not registered");
    exactly_once(0);
    exactly_once(2);
    close();
  }
};
add<lane_no_memory> no_memory("G22", "NoMemory",
                              "growing fails beside a cancel: nothing is lost, and the next registration succeeds",
                              full(), 200000);

/// One of the two threads stops at any atomic step until the other one has finished (G11).
template <bool Owner>
struct lane_suspended : rl::test_suite<lane_suspended<Owner>, 2>, lane_stage<tiny> {
  models::baton others;
  void before() {
    this->open(4);
    this->try_register(3);
    others.set(1);
    now.others = &others;
  }
  void thread(unsigned i) {
    if (i == 0) now.stop_in = static_cast<int>(rl::rand(30));
    if ((i == 0) == Owner) {
      this->try_register(0);
      this->try_register(1);
      this->unregister(3);
      this->unregister(0);
      this->try_register(2);
    } else {
      this->cancel();
    }
    if (i == 0) now.stop_in = -1;
    else others.count_down();
  }
  void after() {
    for (std::size_t i = 0; i < 4; ++i) this->exactly_once(i);
    this->close();
  }
};
add<lane_suspended<true>> the_owner_may_stop("G22", "TheOwnerMayStop",
                                             "the owner stops at any atomic step; cancel finishes", full(), 300000);
add<lane_suspended<false>> the_canceller_may_stop("G22", "TheCancellerMayStop",
                                                  "the canceller stops at any atomic step; the owner finishes", full(),
                                                  300000);

}  // namespace
}  // namespace cts::models
