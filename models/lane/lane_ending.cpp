// SPDX-License-Identifier: BSL-1.0
/// @file
/// Lanes (G22): the end of a lane beside a cancel and inside its callbacks (G13), L5.
#include "lane/stage.hpp"

namespace cts::models {
namespace {

struct lane_ends : rl::test_suite<lane_ends, 2>, lane_stage<tiny> {
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
    lane->unregister_and_wait(*nodes[1]);
    drop(nodes[1]);
    lane->unregister_and_wait(*nodes[0]);
    drop(nodes[0]);
    drop(lane);
  }
  void after() { close(); }
};
add<lane_ends> end_versus_cancel("G22", "EndVersusCancel",
                                 "the owner destroys the lane beside a cancel, which may be running its callbacks",
                                 full(), 500000);

template <std::size_t Which>
struct lane_ends_alone : rl::test_suite<lane_ends_alone<Which>, 1>, lane_stage<tiny> {
  using node = typename lane_stage<tiny>::node;
  void before() {
    this->open(2);
    this->nodes[Which]->then = [this](node& self) {
      if (Which == 1) this->lane->unregister(*this->nodes[0]);
      node* other = this->nodes[1 - Which];
      node* me = &self;
      this->nodes[0] = this->nodes[1] = nullptr;
      lane_stage<tiny>::drop(other);
      lane_stage<tiny>::drop(me);
      lane_stage<tiny>::drop(this->lane);
      lane_stage<tiny>::drop(this->registry);
    };
    this->try_register(0);
    this->try_register(1);
  }
  void thread(unsigned) { this->cancel(); }
  void after() { this->close(); }
};
add<lane_ends_alone<0>> ends_in_last("G22", "EndsInLast",
                                     "the last callback destroys the lane, the callbacks and the registry", full(),
                                     1000);
add<lane_ends_alone<1>> ends_in_first("G22", "EndsInFirst",
                                      "an earlier callback unregisters the rest and does the same", full(), 1000);

}  // namespace
}  // namespace cts::models
