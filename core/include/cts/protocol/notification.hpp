// SPDX-License-Identifier: BSL-1.0
/// @file
/// The callbacks of a cancel, through the links (S7 of protocol/state.hpp), and the canceller's frame (S2).
#pragma once
#ifndef CTS_PROTOCOL_NOTIFICATION_HPP
#define CTS_PROTOCOL_NOTIFICATION_HPP

#include <memory>

#include "cts/protocol/link.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// On the canceller's stack, for the callbacks that it runs.
template <class Platform>
struct canceller_frame {
  explicit canceller_frame(bool stop) noexcept : stop_on_first(stop) {}
  bool const stop_on_first;
  typename Platform::template var<bool> holds_source{false};  // the source has ended and left its reference (S2)
};

/// @tparam Parts those of basic_state
template <class Parts, class State>
class notification {
  using link = basic_link<State>;
  using node = basic_node<typename State::platform>;
  using callback = typename State::callback;
  using failures = typename Parts::failures;
  using pause = typename State::registry_type::pause;

 public:
  /// As basic_state::notify says.
  static void run(State& root, failures& f, bool stop_on_first) noexcept {
    canceller_frame<typename State::platform> frame(stop_on_first);
    root.failures_.set(&f);
    root.frame_.set(std::addressof(frame));
    pause at;
    callback* last = run_callbacks(root, at);
    for (State* s = &root; last != nullptr || s != &root;) {
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
    if (frame.holds_source.get()) [[unlikely]]
      root.drop_source();
  }
  /// The source of `s` ends in a callback of `s`: leaves its reference in the canceller's frame.
  /// @return false if a link has canceled `s`: then the notification has a reference of its own
  static bool leave_source(State& s) noexcept {
    auto* const frame = s.frame_.get();
    if (frame == nullptr) return false;
    frame->holds_source.set(true);
    return true;
  }

 private:
  static callback* run_callbacks(State& s, pause& at) noexcept {
    return s.registry_.run_callbacks([&s] { return s.shall_stop(); }, at);
  }
  /// Ends the notification of `s`, which may be gone then.
  /// @return the parent that has canceled it
  static State* return_to_parent(State& s) noexcept {
    State& above = *s.cause_link().parent;
    if (failures* const f = s.failures_.get()) {
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

#endif  // CTS_PROTOCOL_NOTIFICATION_HPP
