// SPDX-License-Identifier: BSL-1.0
/// @file
/// The node of a registration that has memory of its own.
///
///   owners:  handle | slot ──owners_end──▶ handle ──owners_leave──▶ freed
///                          ──owners_leave──▶ slot ──owners_end──▶ freed            (and a list of those who await the
///                          end)
///
///   N1  the slot's half ends with the callback: when it has run and the callable is destroyed, or when it has been
///   removed; who has
///       unregistered it ends that half itself;
///   N2  the handle's half ends with the handle, at most once, whether the callback has run or not; who ends the second
///   half frees
///       the node;
///   N3  who adds itself to the list finds the slot's half there, in the same word, so its end finds it.
#pragma once
#ifndef CTS_PROTOCOL_REGISTRATION_NODE_HPP
#define CTS_PROTOCOL_REGISTRATION_NODE_HPP

#include <cstddef>
#include <cstdint>
#include <memory>

#include "cts/core/registry.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// What a state's registry runs: a callback that knows how it is removed without being run.
template <class Platform>
struct basic_node : core::basic_callback<Platform> {
  using platform = Platform;
  using callback = core::basic_callback<Platform>;
  using removal = void (*)(basic_node&) noexcept;
  struct at_once {
  };  // its removal calls no foreign code: it is removed where it is found, and who waits for it finds it there
  explicit basic_node(typename callback::function run, removal r = nullptr) noexcept : callback(run), remove(r) {}
  basic_node(typename callback::function run, removal r, at_once) noexcept
      : callback(run), remove(r), next_removed(this) {}
  removal const remove;                // null: its owner takes care of it
  basic_node* next_removed = nullptr;  // this: at once
};

/// Removes everything from a registry without running it. What is removed is done away with afterwards, when nobody can
/// wait for it in the registry: to destroy a callable may end other registrations, its own included. R84.
template <class Registry, class Node>
void abandon_all(Registry& registry) noexcept {
  Node* removed = nullptr;
  registry.remove_all([&removed](typename Node::callback& c) noexcept {
    auto& n = static_cast<Node&>(c);
    if (n.remove == nullptr) return;
    if (n.next_removed == std::addressof(n) || Node::platform::mutation(mutation::abandon_under_scan))
      return n.remove(n);
    n.next_removed = removed;
    removed = std::addressof(n);
  });
  while (removed != nullptr) {
    Node& n = *removed;
    removed = n.next_removed;
    n.remove(n);
  }
}

/// @tparam Waiter `next`, and complete(), which may destroy it
template <class State, class Waiter>
class basic_registration_node : public basic_node<typename State::platform> {
  using platform = typename State::platform;
  using node = basic_node<platform>;

 public:
  using word = std::uintptr_t;

  State& owner() const noexcept { return state_; }

  /// For the handle: R43. O(1), wait-free.
  bool unregister() noexcept {
    if (is_over() || !state_.registry().unregister(*this)) return false;
    destroy_(*this, part::callable);
    owners_.store(handle, site::owners_alone);
    return true;
  }
  /// For the handle: R46.
  void dispose() noexcept {
    if (!unregister() && !is_over()) [[unlikely]]
      state_.await_return(*this);
  }
  /// For the handle: false if there is nothing to wait for; else `w` is completed at the end. R52.
  bool complete_at_end(Waiter& w) noexcept {
    if (!state_.registry().is_running(*this) || state_.runs_here()) return false;
    word now = owners_.load(site::owners_ask);
    for (;;) {
      if ((now & slot) == 0 && !platform::mutation(mutation::wait_without_looking)) return false;
      w.next = waiters(now);
      if (owners_.compare_exchange(now, (now & (handle | slot)) | reinterpret_cast<word>(std::addressof(w)),
                                   site::owners_wait))
        return true;
      now = owners_.load(site::owners_ask);
    }
  }
  /// The end of the handle, which has called dispose() or leaves the registration behind.
  void leave() noexcept {
    State& s = state_;
    bool const rash = platform::mutation(mutation::free_on_leave);
    if (rash || is_over() || (owners_.fetch_and(~handle, site::owners_leave) & slot) == 0) destroy_(*this, part::node);
    s.drop();
  }
  /// Leaves it registered for the source's life.
  void detach() noexcept {
    destroy_(*this, part::place);
    state_.note_detached();
    leave();
  }

 protected:
  enum class part : std::uint8_t { callable, place, node };  // place: where it was registered, that is no leak any more
  using destroyer = void (*)(basic_registration_node&, part) noexcept;

  /// With a reference to the state, which becomes the handle's.
  basic_registration_node(State& s, typename node::callback::function run, destroyer d) noexcept
      : node(run, &removed), state_(s), destroy_(d) {}

  /// The end of the slot's half (N1).
  void end() noexcept {
    bool const late = platform::mutation(mutation::callable_after_half);
    if (!late) destroy_(*this, part::callable);
    word const before = owners_.fetch_and(handle, site::owners_end);
    bool const alone = (before & handle) == 0;
    if (late) destroy_(*this, part::callable);
    for (Waiter* w = platform::mutation(mutation::end_without_list) ? nullptr : waiters(before); w != nullptr;) {
      Waiter* const next = w->next;
      w->complete();
      w = next;
    }
    if (alone) destroy_(*this, part::node);
  }

 private:
  static constexpr word handle = 1;
  static constexpr word slot = 2;
  static Waiter* waiters(word w) noexcept { return reinterpret_cast<Waiter*>(w & ~(handle | slot)); }
  static void removed(node& n) noexcept { static_cast<basic_registration_node&>(n).end(); }
  bool is_over() const noexcept { return (owners_.load(site::owners_ask) & slot) == 0; }

  State& state_;
  destroyer const destroy_;
  typename platform::template atomic<word> owners_{handle | slot};
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_REGISTRATION_NODE_HPP
