// SPDX-License-Identifier: BSL-1.0
/// @file
/// The notification of a state and of the states below it (S7 of protocol/state.hpp; G16, G21).
#pragma once
#ifndef CTS_PROTOCOL_NOTIFICATION_CHAIN_HPP
#define CTS_PROTOCOL_NOTIFICATION_CHAIN_HPP

#include "cts/protocol/link.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// @tparam Parts those of basic_state
template <class Parts, class State>
class notification_chain {
  using link = basic_link<State>;
  using node = typename State::node;
  using callback = typename State::callback;
  using pause = typename State::registry_type::pause;

 public:
  /// Runs the callbacks of `first`, and those of the states below at the turn of their links. Constant stack.
  static void run(State& first) noexcept {
    pause at;
    callback* last = run_callbacks(first, at);
    for (State* s = &first; last != nullptr || s != &first;) {
      if (last != nullptr) {  // down: `last` is a link that has canceled its child
        link& down = static_cast<link&>(static_cast<node&>(*last));
        down.parents_pause = at;
        s = &down.child;
        last = run_callbacks(*s, at);
      } else {  // up
        at = s->cause_link().parents_pause;
        s = return_to_parent(*s);
        last = s->registry_.resume(at, [s] { return s->shall_stop(); });
      }
    }
  }

 private:
  static callback* run_callbacks(State& s, pause& at) noexcept {
    return s.registry_.run_callbacks([&s] { return s.shall_stop(); }, at);
  }
  /// Ends the notification of `s`, which may be gone then.
  /// @return the parent that has canceled it
  static State* return_to_parent(State& s) noexcept {
    State& above = *s.cause_link().parent;
    if (auto* const f = s.failures_.get()) {
      above.collector().add_aggregate(*f);  // R31, R32, G21
      Parts::destroy_failures(f);
    }
    s.template drop<site::link_drop>();
    return &above;
  }
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_NOTIFICATION_CHAIN_HPP
