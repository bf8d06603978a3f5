// SPDX-License-Identifier: BSL-1.0
/// @file
/// Looks at a state, for reports (dump.hpp).
#pragma once
#ifndef CTS_PROTOCOL_INSPECTOR_HPP
#define CTS_PROTOCOL_INSPECTOR_HPP

#include <cstddef>

#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/state.hpp"
#include "cts/protocol/status.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Loads only. The caller holds a reference to the state; every operation may overlap.
template <class Parts>
struct inspector<basic_state<Parts>> {
  using state = basic_state<Parts>;

  static status::word status_of(state const& s) noexcept { return s.status_.load(site::status_ask); }
  static std::size_t links(state const& s) noexcept { return s.link_count_; }
  /// The parent of the i-th link: an address to compare, because the parent may be gone. Null: linked to nothing.
  /// TRICKY: a plain read. The field is written before another thread knows the state, and never again.
  static void const* parent(state const& s, std::size_t i) noexcept { return s.link_at(i).parent; }
  /// The event; null if no thread has asked for a wait handle. It lives as long as the state.
  static typename Parts::event* event(state const& s) noexcept {
    return (status_of(s) & status::watched) != 0 ? s.event_.get() : nullptr;
  }
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_INSPECTOR_HPP
