// SPDX-License-Identifier: BSL-1.0
/// @file
/// A link from a child to one parent: the callback that the parent runs to cancel the child (S4, S7 of
/// protocol/state.hpp), and lists of states that are chained through their first link. Guarantee G16.
#pragma once
#ifndef CTS_PROTOCOL_LINK_HPP
#define CTS_PROTOCOL_LINK_HPP

#include <cstddef>

#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/node.hpp"
#include "cts/protocol/status.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The links of a state stand behind it in its allocation.
template <class State>
struct basic_link : basic_node<typename State::platform> {
  using platform = typename State::platform;
  using node = basic_node<platform>;
  using callback = typename node::callback;

  explicit basic_link(State& c) noexcept : node(&run), child(c) {}

  State* parent = nullptr;  // the link holds a reference to it; null: linked to nothing
  State& child;
  typename State::registry_type::pause parents_pause;  // of the parent's notification while the child's runs (S7)
  typename platform::template var<State*> next_in_list{nullptr};  // of a state's first link: in a state_list

 private:
  /// Cancels the child. If that wins, the parent's notification pauses here, and the child's callbacks run next.
  static void run(callback& c) noexcept {
    auto& self = static_cast<basic_link&>(c);
    State& below = self.child;
    below.template share<site::link_share>();  // it is alive: its dispose waits for this link (S4)
    if (below.request_cancellation(status::cause_of_link(below.index_of(self)), true) == request_result::won)
      self.parent->registry().pause_here();
    else below.template drop<site::link_drop>();
  }
};

/// A stack of states, chained through their first links. Of one reader (S6).
template <class State>
class state_list {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  void push(State& s) noexcept {
    s.link_at(0).next_in_list.set(first_);
    first_ = &s;
  }
  State& pop() noexcept {
    State& s = *first_;
    first_ = s.link_at(0).next_in_list.get();
    return s;
  }

 private:
  State* first_ = nullptr;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_LINK_HPP
