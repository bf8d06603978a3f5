// SPDX-License-Identifier: BSL-1.0
/// @file
/// The node of a registration that has memory of its own (G20). Two owners share it: the registry, until the callback
/// has run or was removed, and the handle.
///
///     the word of owners:   bit  … 2                                1         0
///                           a list of those that wait for the end   registry  handle
///
///     handle, registry ──owners_end──▶ handle ──owners_release──▶ freed
///                      ──owners_release──▶ registry ──owners_end──▶ freed
///                      ──owners_alone──▶ handle            (the handle's thread has unregistered the callback)
///     registry         ────────────────▶ freed             (the same, and its callable has ended the handle)
///
///   N1  The registry's half ends once the callback has run, or was removed, and its callable is destroyed. A thread
///       that unregisters the callback ends that half itself.
///   N2  The handle's half ends once, with the handle, whether the callback has run or not. The thread that ends the
///       second half frees the node.
///   N3  While a thread destroys the callable of a callback that has not run, another thread's dispose waits for that.
///       A thread inside such a destructor does not, nor does one that runs callbacks: else each could wait for the
///       other.
///   N4  A waiter adds itself to the list only if it finds the registry's half in the same word. So the end finds it.
#pragma once
#ifndef CTS_PROTOCOL_REGISTRATION_NODE_HPP
#define CTS_PROTOCOL_REGISTRATION_NODE_HPP

#include <cstdint>
#include <memory>

#include "cts/protocol/dying_list.hpp"
#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/node.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The bits of the word of owners.
namespace owners {
using word = std::uintptr_t;
inline constexpr word handle = 1;
inline constexpr word registry = 2;
}  // namespace owners

/// @tparam Waiter has `next`, and complete(), which may destroy it
template <class State, class Waiter>
class basic_registration_node : public basic_node<typename State::platform> {
  using platform = typename State::platform;
  using node = basic_node<platform>;
  using removal = typename dying_list<State>::removal;

 public:
  using word = owners::word;

  State& owner() const noexcept { return state_; }

  /// For the handle: R43. O(1), wait-free.
  bool unregister() noexcept {
    if (is_over() || !state_.registry().unregister(*this)) return false;
    {
      removal const here(State::dying());
      this->remove(*this, part::callable);
    }
    if ((owners_.load(site::owners_ask) & owners::handle) != 0) [[likely]]
      owners_.store(owners::handle, site::owners_alone);
    else this->remove(*this, part::storage);
    return true;
  }
  /// For the handle: unregisters the callback or, if another thread runs or removes it, waits until its callable is
  /// destroyed. R46.
  void unregister_and_wait() noexcept {
    if (!unregister() && !is_over()) [[unlikely]]
      await_end();
  }
  /// After an unregister() that has returned false: whether unregister_and_wait() would return now.
  bool is_over_here() const noexcept {
    return is_over() || (!detail::is_used_elsewhere(state_, *this) && (is_over() || waits_not_here()));
  }
  /// For the handle: asks that `w` is completed at the end (N4). R52.
  /// @return false if there is nothing to wait for; `w` is then not used
  bool complete_at_end(Waiter& w) noexcept {
    // What is being removed does not run and never will. Unlike dispose(), nobody waits for its callable's end here: a
    // foreign destructor may wait for the thread that calls this.
    if (!state_.registry().is_running(*this) || state_.runs_here()) return false;
    word now = owners_.load(site::owners_ask);
    for (;;) {
      if ((now & owners::registry) == 0) return false;
      w.next = waiters(now);
      word const mine = (now & both) | reinterpret_cast<word>(std::addressof(w));
      if (owners_.compare_exchange(now, mine, site::owners_wait)) return true;
      now = owners_.load(site::owners_ask);
    }
  }
  /// Ends the handle's half (N2), after unregister_and_wait() or to leave the registration behind.
  void release_handle() noexcept {
    State& s = state_;
    if (is_over() || (owners_.fetch_and(~owners::handle, site::owners_release) & owners::registry) == 0)
      this->remove(*this, part::storage);
    s.drop();
  }
  /// Leaves it registered for the source's life.
  void detach() noexcept {
    this->remove(*this, part::record);
    state_.note_detached();
    release_handle();
  }

 protected:
  using part = node_part;

  /// The caller's reference to the state becomes the handle's.
  /// @param end destroys a part; for part::registration it calls end_registration()
  basic_registration_node(State& s, typename node::callback::function run, typename node::removal end) noexcept
      : node(run, end), state_(s) {}

  /// Ends the registry's half of a node that was removed without being run.
  void end_removed() noexcept {
    removal const here(State::dying());
    end_registration();
  }
  /// Ends the registry's half (N1): destroys the callable, completes the waiters, frees the node if the handle is gone.
  void end_registration() noexcept {
    this->remove(*this, part::callable);
    word const before = owners_.fetch_and(owners::handle, site::owners_end);
    bool const last = (before & owners::handle) == 0;
    // Without `last` the handle's thread may free *this from here on.
    for (Waiter* w = waiters(before); w != nullptr;) {
      Waiter* const next = w->next;
      w->complete();
      w = next;
    }
    if (last) this->remove(*this, part::storage);
  }

 private:
  static constexpr word both = owners::handle | owners::registry;
  static Waiter* waiters(word now) noexcept { return reinterpret_cast<Waiter*>(now & ~both); }
  bool is_over() const noexcept { return (owners_.load(site::owners_ask) & owners::registry) == 0; }
  bool waits_not_here() const noexcept {
    return State::dying().is_in_removal() || (state_.registry().is_notifying() && state_.runs_here());
  }
  CTS_COLD void await_end() noexcept {
    state_.await_return(*this);
    if (is_over() || waits_not_here()) return;
    platform::await(wait::registration_ends, [this] { return is_over(); });
  }

  State& state_;
  typename platform::template atomic<word> owners_{both};
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_REGISTRATION_NODE_HPP
