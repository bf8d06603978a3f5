// SPDX-License-Identifier: BSL-1.0
/// @file
/// The lane of a token's state: what cancellation_lane.hpp is made of.
#pragma once
#ifndef CTS_DETAIL_STATE_LANE_HPP
#define CTS_DETAIL_STATE_LANE_HPP

#include "cts/core/registry.hpp"
#include "cts/detail/parts.hpp"
#include "cts/detail/process_barrier.hpp"
#include "cts/protocol/lane.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The state of a source as the home of lanes; its members are those of lane_home.
class state_home {
 public:
  using platform = core::std_platform;
  using base = node;
  explicit state_home(state& s) noexcept : state_(s) {}
  core::register_result try_register(core::callback& lane) const noexcept {
    return state_.try_register(static_cast<node&>(lane));
  }
  bool unregister(core::callback& lane) const noexcept { return state_.registry().unregister(lane); }
  void await_return(core::callback& lane) const noexcept { state_.await_return(lane); }
  bool is_running(core::callback const& lane) const noexcept { return state_.registry().is_running(lane); }
  bool runs_here() const noexcept { return state_.runs_here(); }
  bool is_cancellation_requested() const noexcept { return state_.is_cancellation_requested(); }
  bool shall_stop() const noexcept { return state_.shall_stop(); }

 private:
  state& state_;
};

/// A lane of a state. If try_reset or dispose removes it from the state, it learns so (L6).
class state_lane final : public basic_lane<state_home, process_barrier> {
  using lane = basic_lane<state_home, process_barrier>;

 public:
  explicit state_lane(state& s) noexcept : lane(state_home(s), &removed, node::at_once()) {}

 private:
  static void removed(node& n, node_part) noexcept { from(n).taken_out(); }
};
}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_STATE_LANE_HPP
