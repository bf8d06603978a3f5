// SPDX-License-Identifier: BSL-1.0
/// @file
/// Lanes (G22): a lane is removed from its registry, as try_reset does, and begins anew (R84), L6.
#include "lane/stage.hpp"

namespace cts::models {
namespace {

template <class P, bool Full>
struct lane_taken_out : rl::test_suite<lane_taken_out<P, Full>, 2>, lane_stage<P> {
  void before() {
    this->open(4);
    this->try_register(0);
    if (Full) this->try_register(3);
  }
  void thread(unsigned i) {
    if (i == 1) {
      this->registry->remove_all([this](core::basic_callback<P>&) { this->lane->taken_out(); });
      return;
    }
    require(this->lane->try_register(*this->nodes[1]) == register_result::registered,
            "refused although nobody cancels");
    this->lane->unregister_and_wait(*this->nodes[0]);
    lane_stage<P>::drop(this->nodes[0]);
  }
  void after() {
    require(this->lane->try_register(*this->nodes[2]) == register_result::registered,
            "refused although nobody cancels");
    this->cancel();
    require(this->runs(2) == 1, "a registration made after the reset was lost");
    require(this->runs(1) <= 1, "a callback ran twice");
    if (Full) require(this->runs(3) == 0, "a callback of before the reset ran");
    this->close();
  }
};
add<lane_taken_out<platform<2, 2>, false>> reset_versus_owner(
    "G22", "ResetVersusOwner", "the lane is removed from its registry beside its owner's work, and begins anew", full(),
    200000);
add<lane_taken_out<tiny, true>> reset_versus_growing_owner("G22", "ResetVersusGrowingOwner",
                                                           "the same while the lane grows", full(), 200000);

struct lane_taken_out_and_ends : rl::test_suite<lane_taken_out_and_ends, 2>, lane_stage<tiny> {
  void before() {
    open(2);
    try_register(0);
  }
  void thread(unsigned i) {
    if (i == 1) {
      registry->remove_all([this](core::basic_callback<tiny>&) { lane->taken_out(); });
      return;
    }
    lane_type* const mine = lane;
    require(mine->try_register(*nodes[1]) == register_result::registered,
            "refused although nobody cancels");  // may begin anew
    for (std::size_t k = 0; k < 2; ++k) {
      mine->unregister_and_wait(*nodes[k]);
      drop(nodes[k]);
    }
    mine->~lane_type();
  }
  void after() {
    tiny::deallocate(lane, sizeof(lane_type));
    lane = nullptr;
    close();
  }
};
add<lane_taken_out_and_ends> reset_versus_end(
    "G22", "ResetVersusEnd", "the owner destroys the lane, which may have begun anew, while another thread removes it",
    full(), 100000);

struct lane_taken_out_or_canceled : rl::test_suite<lane_taken_out_or_canceled, 3>, lane_stage<tiny> {
  void before() {
    open(2);
    try_register(0);
  }
  void thread(unsigned i) {
    if (i == 1) cancel();
    else if (i == 2) registry->remove_all([this](core::basic_callback<tiny>&) { lane->taken_out(); });
    else if (lane->try_register(*nodes[1]) == register_result::canceled) sees_the_cancel();
  }
  void after() {
    require(runs(0) <= 1 && runs(1) <= 1, "a callback ran twice");
    close();
  }
};
add<lane_taken_out_or_canceled> reset_versus_cancel("G22", "ResetVersusCancel",
                                                    "a cancel and a reset beside the owner: the lane is run or removed",
                                                    full(), 1000000);

/// A callback of the home ends the lane on the canceller's thread, while another thread removes the lane from there.
struct lane_taken_out_and_ends_inside : rl::test_suite<lane_taken_out_and_ends_inside, 2>, lane_stage<tiny> {
  struct ends_the_lane : core::basic_callback<tiny> {
    explicit ends_the_lane(lane_taken_out_and_ends_inside& s) : core::basic_callback<tiny>(&ran), on(s) {}
    lane_taken_out_and_ends_inside& on;
    static void ran(core::basic_callback<tiny>& c) noexcept { static_cast<ends_the_lane&>(c).on.end(); }
  };
  ends_the_lane* newer = nullptr;
  lane_type* mine = nullptr;
  void end() { std::exchange(mine, nullptr)->~lane_type(); }
  void before() {
    open(1);
    mine = lane;
    newer = make<ends_the_lane>(*this);
    registry->try_register(*newer);
  }
  void thread(unsigned i) {
    if (i == 1) return cancel();
    lane_type* const taken = lane;
    registry->remove_all([this, taken](core::basic_callback<tiny>& c) {
      if (&c != newer) taken->taken_out();
    });
  }
  void after() {
    if (mine != nullptr) end();
    tiny::deallocate(std::exchange(lane, nullptr), sizeof(lane_type));
    drop(newer);
    close();
  }
};
add<lane_taken_out_and_ends_inside> reset_versus_end_inside(
    "G22", "ResetVersusEndInsideACallback",
    "a callback of the registry destroys the lane while another thread removes it", full(), 100000);

}  // namespace
}  // namespace cts::models
