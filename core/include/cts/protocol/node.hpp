// SPDX-License-Identifier: BSL-1.0
/// @file
/// The callbacks in a state's registry, and their removal without being run (G19).
#pragma once
#ifndef CTS_PROTOCOL_NODE_HPP
#define CTS_PROTOCOL_NODE_HPP

#include <cstdint>
#include <memory>
#include <utility>

#include "cts/core/callback.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// What a node's function is told to end. A lane's and a link's know only the first.
enum class node_part : std::uint8_t {
  registration,  ///< it was removed from the registry without being run
  callable,      ///< the callable of a registration
  record,        ///< its leak record in a checked build: a detached registration is no leak
  storage        ///< the node itself
};

/// A callback that knows how to remove itself without being run. A state's registry holds no others.
template <class Platform>
struct basic_node : core::basic_callback<Platform> {
  using platform = Platform;
  using callback = core::basic_callback<Platform>;
  using removal = void (*)(basic_node&, node_part) noexcept;
  /// The removal calls no foreign code. So the scan that finds the node calls it, and a thread that waits for the node
  /// waits for its removal.
  struct at_once {};
  explicit basic_node(typename callback::function run, removal r = nullptr) noexcept : callback(run), remove(r) {}
  basic_node(typename callback::function run, removal r, at_once) noexcept
      : callback(run), remove(r), removed_at_once(true) {}
  removal const remove;  // null: the owner takes care of it
  bool removed_at_once = false;
};

/// After an unregister of `c` that came too late: whether another thread runs `c` or takes it out of the registry. On a
/// thread that runs the callbacks (R48) no other one does the first, but one may do the second.
template <class State>
bool is_used_elsewhere(State const& s, typename State::callback const& c) noexcept {
  core::slot_use const use = s.registry().use_of(c);
  return use == core::slot_use::held || (use == core::slot_use::running && !s.runs_here());
}

/// Removes everything from a registry without running it, newest first. R84.
/// Most nodes are removed when they have left their slots: destroying a callable may end other registrations, its own
/// included (G19).
template <class Registry, class Node>
void abandon_all(Registry& registry) noexcept {
  Node* taken = nullptr;
  registry.remove_all(
      [&taken](typename Node::callback& c) noexcept {
        auto& n = static_cast<Node&>(c);
        if (n.remove == nullptr) return;
        if (n.removed_at_once) n.remove(n, node_part::registration);
        else taken = std::addressof(n);
      },
      [&taken]() noexcept {
        if (Node* const n = std::exchange(taken, nullptr)) n->remove(*n, node_part::registration);
      });
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_NODE_HPP
