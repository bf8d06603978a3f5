// SPDX-License-Identifier: BSL-1.0
/// @file
/// The stage of the programs of registries: a registry and callbacks, each in memory of its own.
#pragma once

#include "genmc/program.hpp"

namespace cts::genmc {

using core::register_result;

template <std::size_t Inline, std::size_t Segment, std::size_t Stripes = 1, unsigned Claims = 3, bool Allocates = true,
          class Layout = core::isolated>
struct registry_stage {
  using P = platform<Inline, Segment, Claims, Allocates>;
  using registry_type = core::basic_registry<P, Stripes, Layout>;
  static constexpr int most = 6;

  struct node : core::basic_callback<P> {
    explicit node(registry_stage& s) noexcept : core::basic_callback<P>(&node::ran), on(s) {}
    registry_stage& on;
    int payload = 0;  // written before register; the callback must see it (G8)
    int runs = 0;     // written by the callback; a thread that waits for it must see it (G6)
    int turn = 0;
    void (*then)(node&) = nullptr;

    static void ran(core::basic_callback<P>& c) noexcept {
      node& n = static_cast<node&>(c);
      n.runs = n.runs + 1;
      require(n.payload == 1, "a callback does not see what was written before register");
      n.turn = ++n.on.ran;
      if (n.then != nullptr) n.then(n);
    }
  };

  registry_type* registry = nullptr;
  node* nodes[most] = {};
  int before_cancel = 0;  // written before cancel
  int ran = 0;
  bool registered[most] = {};    // its last registration succeeded
  bool unregistered[most] = {};  // its last unregister returned true

  void open(int callbacks) {
    registry = make<registry_type>();
    for (int i = 0; i < callbacks; ++i) nodes[i] = make<node>(*this);
  }
  void close() {
    for (node*& n : nodes) drop(n);
    drop(registry);
  }
  bool cancel() {
    before_cancel = 1;
    return registry->cancel();
  }
  /// The calling thread has learned that cancel was faster.
  void sees_the_cancel() {
    require(registry->is_cancellation_requested(), "cancel was faster, but the flag reads as clear");
    require(before_cancel == 1, "cancel was faster, but what was written before it is not visible");
  }
  bool try_register(int i) {
    nodes[i]->payload = 1;
    register_result const result = registry->try_register(*nodes[i]);
    require(result == register_result::registered || result == register_result::canceled,
            "register neither succeeded nor was refused");
    registered[i] = result == register_result::registered;
    unregistered[i] = false;
    if (!registered[i]) sees_the_cancel();
    return registered[i];
  }
  bool unregister(int i) {
    unregistered[i] = registry->unregister(*nodes[i]);
    if (registered[i] && !unregistered[i]) sees_the_cancel();
    return unregistered[i];
  }
  /// Unregisters or waits; the callback's memory is freed at once (G6).
  void end(int i) {
    registry->unregister_and_wait(*nodes[i]);
    require(nodes[i]->runs <= 1, "a callback ran twice");
    drop(nodes[i]);
  }
  /// G2, G3, G4, G5, after a cancel.
  void exactly_once(int i) {
    int const want = registered[i] && !unregistered[i] ? 1 : 0;
    require(nodes[i]->runs >= want, "a registered callback was lost");
    require(nodes[i]->runs <= want, "a callback ran too often, or although it was refused or unregistered");
  }
  /// G9.
  void later_runs_first(int later, int earlier) {
    if (nodes[later]->runs == 1 && nodes[earlier]->runs == 1)
      require(nodes[later]->turn < nodes[earlier]->turn, "an earlier registration ran before a later one");
  }
};

}  // namespace cts::genmc
