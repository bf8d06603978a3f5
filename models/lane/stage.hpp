// SPDX-License-Identifier: BSL-1.0
/// @file
/// The stage of the lane models (G22): a registry, a lane of it and callbacks. Thread 0 owns the lane, thread 1
/// cancels. The barrier is pairwise_barrier: both sides update one word, and nothing stronger.
#pragma once

#include "checker/harness.hpp"
#include "registry/stage.hpp"

#include "cts/lane.hpp"

namespace cts::models {

/// The lane's steps, wrong if the running mutant replaces them.
struct walk_order : detail::lane_walk_order {
  static std::uint32_t visited(std::uint32_t n, std::uint32_t capacity) {
    return is_replaced("lane_walk_order") ? n : detail::lane_walk_order::visited(n, capacity);
  }
};
struct slot_ownership : detail::lane_slot_ownership {
  static bool holds(std::uintptr_t found, std::uintptr_t mine) {
    return (is_replaced("lane_slot_ownership") && found != 0) || detail::lane_slot_ownership::holds(found, mine);
  }
};

}  // namespace cts::models

namespace cts {
inline namespace CTS_ABI {
namespace core {
template <std::size_t InlineSlots, std::size_t SegmentSlots, std::size_t Prefetch>
struct replaced<models::platform<InlineSlots, SegmentSlots, Prefetch>, cts::detail::lane_walk_order> {
  using type = models::walk_order;
};
template <std::size_t InlineSlots, std::size_t SegmentSlots, std::size_t Prefetch>
struct replaced<models::platform<InlineSlots, SegmentSlots, Prefetch>, cts::detail::lane_slot_ownership> {
  using type = models::slot_ownership;
};
}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

namespace cts::models {

/// A registry, a lane of it and callbacks in memory whose end of life Relacy sees.
template <class P>
struct lane_stage {
  using registry_type = core::basic_registry<P>;
  using lane_type = basic_lane<lane_home<registry_type>>;
  struct node : basic_lane_callback<P> {
    explicit node(lane_stage& s) : basic_lane_callback<P>(&node::ran), on(s) {}
    lane_stage& on;
    typename P::template var<int> runs{0};     // written by the callback; a waiter must see it (G6)
    typename P::template var<int> payload{0};  // written before register; the callback must see it (G8)
    int nth = 0;
    std::function<void(node&)> then;

    static void ran(basic_lane_callback<P>& c) noexcept {
      node& n = static_cast<node&>(c);
      n.runs.set(n.runs.get() + 1);
      n.payload.get();
      the_reduction.touch(reduction::order_of_callbacks, true);
      n.nth = ++n.on.ran;
      if (n.then) n.then(n);
    }
  };

  registry_type* registry = nullptr;
  lane_type* lane = nullptr;
  node* nodes[6] = {};
  typename P::template var<int>* before_cancel = nullptr;  // written before cancel
  int ran = 0;
  bool registered[6] = {};    // its last registration succeeded
  bool unregistered[6] = {};  // its last unregister returned true

  template <class T, class... A>
  static T* make(A&&... a) {
    return ::new (P::allocate(sizeof(T))) T(std::forward<A>(a)...);
  }
  template <class T>
  static void drop(T*& t) {
    if (t == nullptr) return;
    T* const gone = t;
    t = nullptr;
    gone->~T();
    P::deallocate(gone, sizeof(T));
  }

  void open(std::size_t n) {
    now = execution{};
    now.lifetimes = true;
    ran = 0;
    registry = make<registry_type>();
    lane = make<lane_type>(*registry);
    before_cancel = make<typename P::template var<int>>(0);
    for (std::size_t i = 0; i < n; ++i) nodes[i] = make<node>(*this);
    for (std::size_t i = 0; i < 6; ++i) registered[i] = unregistered[i] = false;
    now.allocations = 0;
  }
  void close() {
    for (node*& n : nodes) drop(n);
    drop(lane);
    drop(registry);
    drop(before_cancel);
  }
  void cancel() {
    before_cancel->set(1);
    registry->cancel();
  }
  bool try_register(std::size_t i) {
    nodes[i]->payload.set(1);
    register_result const result = lane->try_register(*nodes[i]);
    require(result == register_result::registered || result == register_result::canceled,
            "register neither succeeded nor was refused");
    registered[i] = result == register_result::registered;
    unregistered[i] = false;
    if (!registered[i]) sees_the_cancel();
    return registered[i];
  }
  bool unregister(std::size_t i) {
    unregistered[i] = lane->unregister(*nodes[i]);
    if (!unregistered[i] && registered[i]) sees_the_cancel();
    return unregistered[i];
  }
  /// The calling thread has learned that cancel was faster: it reads the flag as set and sees what was written before
  /// cancel (G8).
  void sees_the_cancel() {
    require(registry->is_cancellation_requested(), "cancel was faster, but the flag reads as clear");
    require(before_cancel->get() == 1, "cancel was faster, but what was written before it is not visible");
  }
  int runs(std::size_t i) { return nodes[i]->runs.get(); }
  /// G9.
  void later_runs_first(std::size_t later, std::size_t earlier) {
    if (runs(later) == 1 && runs(earlier) == 1)
      require(nodes[later]->nth < nodes[earlier]->nth, "an earlier registration ran before a later one");
  }
  /// G2, G3, G4, G5.
  void exactly_once(std::size_t i) {
    int const want = registered[i] && !unregistered[i] ? 1 : 0;
    require(runs(i) >= want, "a registered callback was lost");
    require(runs(i) <= want, "a callback ran too often, or although it was refused or unregistered");
  }
};

}  // namespace cts::models
