// SPDX-License-Identifier: BSL-1.0
/// @file
/// Lanes (G22): register and unregister beside a cancel. L1 to L5, and of the guarantees G2 to G5, G8 and G9.
#include "lane/stage.hpp"

namespace cts::models {
namespace {

template <class P, std::size_t N>
struct lane_registers : rl::test_suite<lane_registers<P, N>, 2>, lane_stage<P> {
  void before() { this->open(N); }
  void thread(unsigned i) {
    if (i == 1) this->cancel();
    else
      for (std::size_t k = 0; k < N; ++k) this->try_register(k);
  }
  void after() {
    for (std::size_t k = 0; k < N; ++k) this->exactly_once(k);
    if (N == 2) this->later_runs_first(1, 0);
    this->close();
  }
};
add<lane_registers<tiny, 1>> register_versus_cancel("G22", "RegisterVersusCancel",
                                                    "the owner registers beside a cancel: the callback runs once or is "
                                                    "refused, and a refused owner reads the flag as set",
                                                    full(), 500000);
add<lane_registers<tiny, 2>> grow_versus_cancel(
    "G22", "GrowVersusCancel", "the owner registers two callbacks, and the second makes the lane grow: newest first",
    full(), 500000);

add<lane_registers<platform<2, 2>, 2>> newest_first("G22", "NewestFirst",
                                                    "two callbacks in one segment beside a cancel: newest first",
                                                    full(), 200000);

struct lane_unregisters : rl::test_suite<lane_unregisters, 2>, lane_stage<tiny> {
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
    for (std::size_t k = 0; k < 2; ++k)
      if (unregister(k)) drop(nodes[k]);
  }
  void after() {
    for (std::size_t k = 0; k < 2; ++k)
      if (nodes[k] != nullptr) exactly_once(k);
    close();
  }
};
add<lane_unregisters> unregister_xor_ran(
    "G22", "UnregisterXorRan",
    "unregister returns true: the callback never runs, and its memory may be reused at once; false: it ran or runs",
    full(), 500000);

/// The slot of an unregistered callback is used again (L4).
struct lane_reuses : rl::test_suite<lane_reuses, 2>, lane_stage<platform<2, 2>> {
  void before() {
    open(3);
    try_register(0);
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    if (unregister(0)) drop(nodes[0]);
    try_register(1);
    if (unregister(1)) drop(nodes[1]);
    try_register(2);
  }
  void after() {
    for (std::size_t k = 0; k < 3; ++k)
      if (nodes[k] != nullptr) exactly_once(k);
    close();
  }
};
add<lane_reuses> reuse_versus_cancel("G22", "ReuseVersusCancel", "callbacks come and go in one slot beside a cancel",
                                     full(), 1000000);

/// A segment becomes empty, is unlinked and linked again (L4, L5).
struct lane_recycles : rl::test_suite<lane_recycles, 2>, lane_stage<tiny> {
  void before() {
    open(5);
    try_register(0);
    try_register(1);
    try_register(2);
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel();
      return;
    }
    if (unregister(1)) drop(nodes[1]);  // its segment is between the others
    try_register(3);                    // in that segment, on top
    if (unregister(3)) drop(nodes[3]);
    try_register(4);
  }
  void after() {
    for (std::size_t k = 0; k < 5; ++k)
      if (nodes[k] != nullptr) exactly_once(k);
    if (nodes[0] != nullptr && nodes[2] != nullptr) later_runs_first(2, 0);
    if (nodes[3] != nullptr) later_runs_first(3, 2);
    later_runs_first(4, 2);
    close();
  }
};
add<lane_recycles> recycle_versus_cancel(
    "G22", "RecycleVersusCancel",
    "a segment between others becomes empty and is linked on top beside a cancel: newest first, nothing lost", full(),
    2000000);

}  // namespace
}  // namespace cts::models
