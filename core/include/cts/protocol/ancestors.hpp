// SPDX-License-Identifier: BSL-1.0
/// @file
/// Reading the states above one: those that its links lead to (S6 of protocol/state.hpp; G16).
///
///     reader    ·──status_read──▶ reading ── looks at the links ──status_left──▶ ·
///     dispose            ·──status_dispose──▶ disposed ── unlinks ──status_unlinked──▶ ·
///
/// If status_dispose finds `reading`, the later of status_left and status_unlinked finds the bit cleared: that thread
/// releases the parents.
#pragma once
#ifndef CTS_PROTOCOL_ANCESTORS_HPP
#define CTS_PROTOCOL_ANCESTORS_HPP

#include <cstddef>
#include <utility>

#include "cts/core/platform.hpp"
#include "cts/protocol/link.hpp"
#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/parents.hpp"
#include "cts/protocol/status.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// A step of the reader's walk: pushes `s`, in which the reader has announced itself, on the stack of states that it
/// must leave. It leaves the last one first. So each state that it still looks at is held by one that it has not left
/// (S6).
struct follow_path {
  template <class State>
  static void to(State& s, state_list<State>& path) noexcept {
    path.push(s);
  }
};

/// One reader's walk from a state to all above it.
/// @tparam Parts those of basic_state
template <class Parts, class State>
class ancestors {
  using follow = core::step<typename Parts::platform, follow_path>;

 public:
  /// Calls `visit` as basic_state::visit_above says.
  template <class Visit>
  static void visit(State& from, Visit& visit) noexcept {
    state_list<State> to_release;
    {
      typename Parts::one_reader const alone;
      state_list<State> path;
      walk(from, path, visit);
      leave(path, to_release);
    }
    while (!to_release.empty()) {  // without the lock: destroying a state may call anything
      State& s = to_release.pop();
      parents<Parts, State>::release(s);
      s.drop();
    }
  }
  /// For dispose, which has unlinked: @return whether dispose releases the parents, and not a reader
  static bool end_unlinking(State& s, status::word before_dispose) noexcept {
    if ((before_dispose & status::reading) == 0) return true;
    return (s.status_.fetch_and(~status::reading, site::status_unlinked) & status::reading) == 0;
  }

 private:
  /// @return whether the reader may look at the links of `s`: false if `s` is disposed, or on its path already
  static bool begin_reading(State& s) noexcept {
    status::word now = s.status_.load(site::status_peek);
    for (;;) {
      if ((now & (status::disposed | status::reading)) != 0) return false;
      if (s.status_.compare_exchange(now, now | status::reading, site::status_read)) return true;
    }
  }
  /// @return whether dispose was done with the links before, and has left releasing the parents to the reader
  static bool end_reading(State& s) noexcept {
    return (s.status_.fetch_and(~status::reading, site::status_left) & status::reading) == 0;
  }
  template <class Visit>
  static void walk(State& from, state_list<State>& path, Visit& visit) noexcept {
    state_list<State> found;
    if (!from.is_over() && begin_reading(from)) found.push(from);
    while (!found.empty()) {
      State& s = found.pop();
      follow::to(s, path);
      visit(s);
      for (std::size_t i = 0; i < s.link_count_; ++i) {
        State* const p = s.link_at(i).parent;
        if (p == nullptr || p->is_over() || !p->registry().is_registered(s.link_at(i)))
          continue;  // a try_reset of the parent has cut it off: R75
        if (p->link_count_ == 0) visit(*p);
        else if (begin_reading(*p)) found.push(*p);
      }
    }
  }
  static void leave(state_list<State>& path, state_list<State>& to_release) noexcept {
    while (!path.empty()) {
      State& s = path.pop();
      if (!end_reading(s)) continue;
      s.share();
      to_release.push(s);
    }
  }
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_ANCESTORS_HPP
