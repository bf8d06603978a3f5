// SPDX-License-Identifier: BSL-1.0
/// @file
/// The state that sources, tokens and callbacks share: a registry and two counts, one allocation.
///
///   S1  owners are the sources, the tokens, the registered callbacks, and the stop request that is running callbacks;
///   who
///       drops the last one destroys the state;
///   S2  a source counts in both halves of one word, so every copy and every drop is one read-modify-write;
///   S3  sources come from sources only: once there are none there never will be;
///   S4  a reference is made from a reference that its maker holds, so the count of owners never rises from zero.
///
/// By S1 no callback and no other thread can take the state away from under a running stop request: what the last
/// callback destroys, and what is dropped meanwhile elsewhere, only counts down.
///
/// The counts have a line of their own: copying tokens disturbs neither those who poll nor those who register.
#pragma once
#ifndef CTS_DETAIL_STOP_STOP_STATE_HPP
#define CTS_DETAIL_STOP_STOP_STATE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "cts/core/registry.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

class stop_state {
 public:
  using count = std::uint64_t;
  static constexpr count owner = 1;
  static constexpr count source = (count{1} << 32) | owner;

  /// @return a state with one source. O(1), one allocation. Throws std::bad_alloc.
  static stop_state* create() {
    // Not the aligned operator new: common allocators serve that from a slow path. What is needed beyond the guaranteed
    // alignment is asked for and skipped.
    void* const block = ::operator new(sizeof(stop_state) + slack);
    std::size_t room = sizeof(stop_state) + slack;
    void* at = block;
    return ::new (std::align(alignof(stop_state), sizeof(stop_state), at, room)) stop_state(block);
  }
  stop_state(stop_state const&) = delete;
  stop_state& operator=(stop_state const&) = delete;

  /// Relaxed: who holds a reference needs no order to make another.
  void share(count what) noexcept { counts_.fetch_add(what, std::memory_order_relaxed); }

  /// Release: what was done through this reference is done before the state goes. Acquire, for the last one: so is what
  /// was done through all others (they are in one release sequence, as the word is only ever written by
  /// read-modify-writes).
  CTS_HOT void drop(count what) noexcept {
    if (counts_.fetch_sub(what, std::memory_order_acq_rel) == what) [[unlikely]]
      destroy();
  }

  /// The same, but who is alone need not write: by S4 nobody else can make a reference. For what often goes last.
  /// The acquire load reads from the same release sequence.
  void drop_perhaps_last(count what) noexcept {
    if (counts_.load(std::memory_order_acquire) == what) destroy();
    else drop(what);
  }

  bool stop_requested() const noexcept { return registry_.is_cancellation_requested(); }

  /// Looks for sources first: if the last one is gone, what it requested is visible (acquire, from the drop's release).
  bool stop_possible() const noexcept {
    return counts_.load(std::memory_order_acquire) >= source || registry_.is_cancellation_requested();
  }

  /// @return true for the one call that made the request, after its callbacks have returned
  bool request_stop() noexcept {
    if (registry_.is_cancellation_requested()) return false;
    share(owner);  // S1
    bool const made = registry_.cancel();
    drop(owner);
    return made;
  }

  core::registry& registry() noexcept { return registry_; }

 private:
  static constexpr std::size_t slack = core::std_platform::line > __STDCPP_DEFAULT_NEW_ALIGNMENT__
                                           ? core::std_platform::line - __STDCPP_DEFAULT_NEW_ALIGNMENT__
                                           : 0;

  explicit stop_state(void* block) noexcept : block_(block) {}
  ~stop_state() = default;

  CTS_COLD void destroy() noexcept {
    void* const block = block_;
    this->~stop_state();
    ::operator delete(block);
  }

  core::registry registry_;
  alignas(core::std_platform::line) std::atomic<count> counts_{source};
  void* const block_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_STOP_STOP_STATE_HPP
