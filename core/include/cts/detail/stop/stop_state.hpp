// SPDX-License-Identifier: BSL-1.0
/// @file
/// The state that stop sources, tokens and callbacks share: a registry and two counts, in one allocation.
///
///     counts_:   bit  63 … 32    31 … 0
///                     sources    owners           a source counts in both halves
///
///   K1  The owners are the sources, the tokens, the registered callbacks, and the stop request that runs callbacks.
///       The thread that drops the last owner destroys the state.
///   K2  Both counts are in one word, so copying or dropping a source is one read-modify-write.
///   K3  A source is made from a source only. Once there is none, there never will be.
///   K4  A reference is made from a reference that its maker holds, so the count of owners never rises from zero.
///
/// K1 keeps the state alive under a running stop request: its last callback, and other threads meanwhile, only count
/// down.
///
/// The counts have a cache line of their own. So copying tokens disturbs neither pollers nor registrants.
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

  /// @return a state with one source. O(1), one allocation; throws std::bad_alloc.
  static stop_state* create() {
    // Not the aligned operator new: common allocators serve it from a slow path. The block is larger by the alignment
    // that is missing, and the state begins at the first aligned address in it.
    void* const block = ::operator new(sizeof(stop_state) + slack);
    std::size_t room = sizeof(stop_state) + slack;
    void* at = block;
    return ::new (std::align(alignof(stop_state), sizeof(stop_state), at, room)) stop_state(block);
  }
  stop_state(stop_state const&) = delete;
  stop_state& operator=(stop_state const&) = delete;

  /// Relaxed: a thread that holds a reference needs no order to make another (K4).
  void share(count what) noexcept { counts_.fetch_add(what, std::memory_order_relaxed); }

  /// Release: each use through this reference comes before the state's end. Acquire, for the last drop: so does each
  /// use through the other references. All drops are in one release sequence, as only read-modify-writes write the
  /// word.
  CTS_HOT void drop(count what) noexcept {
    if (counts_.fetch_sub(what, std::memory_order_acq_rel) == what) [[unlikely]]
      destroy();
  }

  /// The same for an owner that often is the last one: a thread that finds itself alone need not write, as by K4 no
  /// other thread can make a reference. The acquire load reads from the same release sequence.
  void drop_perhaps_last(count what) noexcept {
    if (counts_.load(std::memory_order_acquire) == what) destroy();
    else drop(what);
  }

  bool stop_requested() const noexcept { return registry_.is_cancellation_requested(); }

  /// Looks for sources first: if the last one is gone, its request is visible (acquire, from the drop's release).
  bool stop_possible() const noexcept {
    return counts_.load(std::memory_order_acquire) >= source || registry_.is_cancellation_requested();
  }

  /// Runs the callbacks if no stop was requested before.
  /// @return true for the one call that made the request, after its callbacks have returned
  bool request_stop() noexcept {
    if (registry_.is_cancellation_requested()) return false;
    share(owner);  // K1
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
  void* const block_;  // the result of operator new
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_STOP_STOP_STATE_HPP
