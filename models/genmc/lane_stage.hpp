// SPDX-License-Identifier: BSL-1.0
/// @file
/// The stage of the programs of lanes (G22): a registry, a lane of it and callbacks. The first thread owns the lane,
/// the second one cancels. The barrier is pairwise_barrier.
#pragma once

#include "genmc/program.hpp"

#include "cts/protocol/lane.hpp"

namespace cts::genmc {

using core::register_result;

template <std::size_t Slots>
struct lane_stage {
  using P = platform<Slots, Slots>;
  using registry_type = core::basic_registry<P>;
  using lane_type = basic_lane<lane_home<registry_type>>;
  static constexpr int most = 6;

  struct node : basic_lane_callback<P> {
    explicit node(lane_stage& s) noexcept : basic_lane_callback<P>(&node::ran), on(s) {}
    lane_stage& on;
    int payload = 0;  // written before register; the callback must see it (G8)
    int runs = 0;
    int turn = 0;
    void (*then)(node&) = nullptr;

    static void ran(basic_lane_callback<P>& c) noexcept {
      node& n = static_cast<node&>(c);
      n.runs = n.runs + 1;
      require(n.payload == 1, "a callback does not see what was written before register");
      n.turn = ++n.on.ran;
      if (n.then != nullptr) n.then(n);
    }
  };

  registry_type* registry = nullptr;
  lane_type* lane = nullptr;
  node* nodes[most] = {};
  int before_cancel = 0;
  int ran = 0;
  bool registered[most] = {};
  bool unregistered[most] = {};

  void open(int callbacks) {
    registry = make<registry_type>();
    lane = make<lane_type>(lane_home<registry_type>(*registry));
    for (int i = 0; i < callbacks; ++i) nodes[i] = make<node>(*this);
  }
  void close() {
    for (node*& n : nodes) drop(n);
    drop(lane);
    drop(registry);
  }
  void second() {
    before_cancel = 1;
    registry->cancel();
  }
  void sees_the_cancel() {
    require(registry->is_cancellation_requested(), "cancel was faster, but the flag reads as clear");
    require(before_cancel == 1, "cancel was faster, but what was written before it is not visible");
  }
  bool try_register(int i) {
    nodes[i]->payload = 1;
    register_result const result = lane->try_register(*nodes[i]);
    require(result == register_result::registered || result == register_result::canceled,
            "register neither succeeded nor was refused");
    registered[i] = result == register_result::registered;
    unregistered[i] = false;
    if (!registered[i]) sees_the_cancel();
    return registered[i];
  }
  bool unregister(int i) {
    unregistered[i] = lane->unregister(*nodes[i]);
    if (registered[i] && !unregistered[i]) sees_the_cancel();
    return unregistered[i];
  }
  /// Frees the memory of callback i if it could be unregistered.
  void unregister_and_drop(int i) {
    if (unregister(i)) drop(nodes[i]);
  }
  void exactly_once(int i) {
    int const want = registered[i] && !unregistered[i] ? 1 : 0;
    require(nodes[i]->runs >= want, "a registered callback was lost");
    require(nodes[i]->runs <= want, "a callback ran too often, or although it was refused or unregistered");
  }
  void later_runs_first(int later, int earlier) {
    if (nodes[later] == nullptr || nodes[earlier] == nullptr) return;
    if (nodes[later]->runs == 1 && nodes[earlier]->runs == 1)
      require(nodes[later]->turn < nodes[earlier]->turn, "an earlier registration ran before a later one");
  }
  void finish() {
    for (int i = 0; i < most; ++i)
      if (nodes[i] != nullptr) exactly_once(i);
    close();
  }
};

}  // namespace cts::genmc
