// SPDX-License-Identifier: BSL-1.0
/// @file
/// Linking a child to its parents, and letting go of them again (S4, S5 of protocol/state.hpp; G16).
///
///     ·──link_to──▶ linked ──dispose: unlink──▶ unlinked ──release──▶ let go
///                     └──the parent's cancel──▶ the cause ──the child is destroyed──▶ let go
#pragma once
#ifndef CTS_PROTOCOL_PARENTS_HPP
#define CTS_PROTOCOL_PARENTS_HPP

#include <cstddef>
#include <cstdint>
#include <utility>

#include "cts/core/registry.hpp"
#include "cts/protocol/link.hpp"
#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/status.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// @tparam Parts those of basic_state
template <class Parts, class State>
class parents {
  using link = basic_link<State>;

 public:
  /// As basic_state::link_to says.
  static bool link_to(State& child, std::size_t i, State& parent) noexcept {
    link& l = child.link_at(i);
    parent.template share<site::parent_share>();
    l.parent = &parent;
    core::register_result const result = parent.try_register(l);
    if (result == core::register_result::canceled) {
      typename Parts::failures none;  // nobody has registered with the child yet
      if (child.request_cancellation(status::cause_of_link(i), true) == request_result::won) child.notify(none, false);
    }
    if (result != core::register_result::disposed) return result != core::register_result::out_of_memory;
    parent.template drop<site::parent_drop>();  // R59: it will never be canceled
    l.parent = nullptr;
    return true;
  }
  /// S4: unregisters the i-th link, or waits until it has returned.
  static void unlink(State& child, std::size_t i) noexcept {
    link& l = child.link_at(i);
    if (l.parent == nullptr || l.parent->registry().unregister(l)) return;
    l.parent->await_return(l);
  }
  /// For the thread that holds the only reference to `child`: unregisters the links and lets go of the parents, unless
  /// a link runs or has run.
  /// @return false: dispose has still to do that
  static bool leave(State& child) noexcept {
    for (std::size_t i = 0; i < child.link_count_; ++i)
      if (link& l = child.link_at(i); l.parent != nullptr && !l.parent->registry().unregister(l)) return false;
    for (std::size_t i = 0; i < child.link_count_; ++i)
      if (State* const p = child.link_at(i).parent) p->template drop<site::parent_drop>();
    return true;
  }
  /// S5. No link can run any more but the one that has canceled the child, which may be above on the stack. Destroying
  /// a parent may end the child; so the parents are destroyed only after the last look at the links.
  static void release(State& child) noexcept {
    auto& dying = Parts::dying();
    unsigned const nested = std::exchange(dying.nested, Parts::most_nested);
    link const* const kept =
        status::is_canceled_by_link(child.status_.load(site::status_peek)) ? &child.cause_link() : nullptr;
    for (std::size_t i = 0; i < child.link_count_; ++i)
      if (link const& l = child.link_at(i); l.parent != nullptr && &l != kept)
        l.parent->template drop<site::parent_drop>();
    dying.nested = nested;
    State::destroy_deferred(dying);
  }

  /// As basic_state::cause says.
  template <class Visit>
  static bool cause(State const& from, Visit& visit) {
    State const* s = &from;
    status::word now = s->status_.load(site::status_ask);
    if ((now & status::canceled) == 0) return false;
    while (status::is_canceled_by_link(now)) {
      s = s->link_at(status::link_index(now)).parent;  // held as long as its child (S5)
      now = s->status_.load(site::status_ask);
    }
    visit(*s, status::reason_in<typename Parts::reason>(now));
    return true;
  }
  /// As basic_state::is_parent_of says.
  static bool is_linked_from(State& parent, std::uintptr_t address) noexcept {
    constexpr std::size_t first = 16;
    return parent.registry().any_registered([address](void const* at) {
      auto const offset = reinterpret_cast<std::uintptr_t>(at) - address;
      return offset >= sizeof(State) && offset < sizeof(State) + first * sizeof(link);
    });
  }
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_PARENTS_HPP
