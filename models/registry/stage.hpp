// SPDX-License-Identifier: BSL-1.0
/// @file
/// The stage of the registry's models: a registry and callbacks whose memory Relacy watches, and platforms with small
/// segments.
#pragma once

#include "checker/platform.hpp"

namespace cts::models {

using core::register_result;

/// A registry and callbacks in memory whose end of life Relacy sees.
template <class P, std::size_t Stripes = 1, class Layout = core::isolated>
struct stage {
  using registry = core::basic_registry<P, Stripes, Layout>;
  struct node : core::basic_callback<P> {
    explicit node(stage& s) : core::basic_callback<P>(&node::ran), on(s) {}
    stage& on;
    typename P::template var<int> runs{0};     // the callback writes it: a waiter must see it
    typename P::template var<int> payload{0};  // the registrant writes it before: the callback must see it
    int nth = 0;
    std::function<void(node&)> then;

    static void ran(core::basic_callback<P>& c) noexcept {
      node& n = static_cast<node&>(c);
      n.runs.set(n.runs.get() + 1);
      n.payload.get();
      the_reduction.touch(reduction::order_of_callbacks, true);
      n.nth = ++n.on.ran;
      if (n.then) n.then(n);
    }
  };

  using row = core::stripe_row<P>;
  static constexpr std::size_t row_size = 2;

  registry* shared = nullptr;
  row* stripes = nullptr;  // of a registry that is given its stripes
  node* nodes[8] = {};
  int ran = 0;
  bool destroyed = false;
  bool registered[8] = {};    // and not refused
  bool unregistered[8] = {};  // with success

  void open(std::size_t n, bool lifetimes = true) {
    now = execution{};
    now.lifetimes = lifetimes;
    now.touch = [](void* c) { static_cast<node*>(static_cast<core::basic_callback<P>*>(c))->payload.get(); };
    ran = 0;
    void* const at = P::allocate(sizeof(registry));
    if constexpr (Stripes == core::stripes_at_run_time)
      shared = ::new (at) registry(stripes = row::build(P::allocate(row::bytes(row_size)), row_size));
    else shared = ::new (at) registry;
    for (std::size_t i = 0; i < n; ++i) nodes[i] = ::new (P::allocate(sizeof(node))) node(*this);
    now.allocations = 0;
  }
  void close() {
    for (node*& n : nodes) drop(n);
    if (shared != nullptr) destroy();
  }
  void destroy() {
    registry* const gone = shared;
    shared = nullptr;
    destroyed = true;
    gone->~registry();
    P::deallocate(gone, sizeof(registry));
    if (row* const r = std::exchange(stripes, nullptr)) {
      row::destroy(r);
      P::deallocate(r, row::bytes(row_size));
    }
  }
  static void drop(node*& n) {
    if (n == nullptr) return;
    node* const gone = n;
    n = nullptr;
    gone->~node();
    P::deallocate(gone, sizeof(node));
  }
  bool try_register(std::size_t i) {
    register_result const result = shared->try_register(*nodes[i]);
    require(result == register_result::registered || result == register_result::canceled,
            "register neither succeeded nor was refused");
    registered[i] = result == register_result::registered;
    unregistered[i] = false;
    if (!registered[i]) require(shared->is_cancellation_requested(), "refused, but the flag reads as clear");
    return registered[i];
  }
  bool unregister(std::size_t i) { return unregistered[i] = shared->unregister(*nodes[i]); }
  int runs(std::size_t i) { return nodes[i]->runs.get(); }
  /// Of two registrations, one after the other, the later one runs first (G9).
  void later_runs_first(std::size_t later, std::size_t earlier) {
    if (runs(later) == 1 && runs(earlier) == 1)
      require(nodes[later]->nth < nodes[earlier]->nth, "an earlier registration ran before a later one");
  }
  /// Registered: it ran once unless it was unregistered. Refused: it did not run.
  void exactly_once(std::size_t i, bool canceled) {
    int const want = registered[i] && !unregistered[i] && canceled ? 1 : 0;
    require(runs(i) >= want, "a registered callback was lost");
    require(runs(i) <= want, "a callback ran too often, or although it was refused or unregistered");
  }
};

using tiny = platform<1, 1>;
using small = platform<1, 2>;
using three = platform<3, 3>;
using ahead = platform<2, 2, 2>;

/// A stage whose registry is as small as possible: slots in place, and the annex when it grows.
template <class P>
using compact_stage = stage<P, 1, core::compact>;

}  // namespace cts::models
