// SPDX-License-Identifier: BSL-1.0
/// @file
/// The thread that a synchronization context runs a callback on. It counts as the one that runs the callbacks (G21): it
/// may dispose everything that a callback on the canceller's thread may, and does not wait for the callback it runs.
/// If links have canceled the state, it counts so for the states above, too: their notifications are paused, and their
/// links count as running (S7). R91.
#pragma once
#ifndef CTS_PROTOCOL_DELEGATE_HPP
#define CTS_PROTOCOL_DELEGATE_HPP

#include <cstdint>
#include <memory>

#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/status.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

template <class Platform>
class basic_delegate {
 public:
  /// 0: none.
  std::uintptr_t thread() const noexcept { return thread_.load(site::delegate_ask); }
  bool is_this_thread() const noexcept { return thread() == Platform::this_thread(); }

  void set(std::uintptr_t thread) noexcept { thread_.store(thread, site::delegate_set); }

 private:
  typename Platform::template atomic<std::uintptr_t> thread_{0};
};

/// Makes the calling thread the delegate of a state and of those above whose links run it. The destructor restores the
/// former one, also after an exception. O(links on the way to the state that was canceled first).
template <class State>
class basic_delegation {
 public:
  explicit basic_delegation(State& s) noexcept : state_(s), before_(s.delegate_.thread()) {
    mark(State::platform::this_thread());
  }
  basic_delegation(basic_delegation const&) = delete;
  basic_delegation& operator=(basic_delegation const&) = delete;
  ~basic_delegation() { mark(before_); }

 private:
  void mark(std::uintptr_t thread) noexcept {
    for (State* s = std::addressof(state_);; s = s->cause_link().parent) {  // held by its child (S5)
      s->delegate_.set(thread);
      if (!status::is_canceled_by_link(s->status_.load(site::status_peek))) return;
    }
  }

  State& state_;
  std::uintptr_t const before_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_DELEGATE_HPP
