// SPDX-License-Identifier: BSL-1.0
/// @file
/// The state that stop sources, tokens and callbacks share: a registry and two counts, in one allocation.
///
///     counts_:   bit  63 … 32    31 … 0
///                     sources    owners           a source counts in both halves
///
///   K1  The owners are the sources, the tokens and the registered callbacks. The thread that drops the last owner
///       destroys the state.
///   K2  Both counts are in one word, so copying or dropping a source is one read-modify-write.
///   K3  A source is made from a source only. Once there is none, there never will be.
///   K4  A reference is made from a reference that its maker holds, so the count of owners never rises from zero.
///
///   K5  The source that a stop request is called on owns the state while the request runs callbacks. If a callback
///       ends a source, it leaves the source's count to the request, on whose stack it finds room.
///
/// K5 keeps the state alive under a running stop request: its last callback, and other threads meanwhile, only count
/// down.
///
///   K6  A shared source has stripes (H1 to H4 of protocol/striped_count.hpp): its sources are counted here, the other
///       owners in the stripes until the last source ends. That thread marks the stripes. Until it has added their
///       counts, the count of owners has a bias.
///
///     registry: flag …, a gap │ slots │ counts_ … │ apart_        152 bytes
///
/// No poller reads a line that registrants, or copies of tokens, write: the gap keeps the flag from the slots and the
/// counts, and apart_ keeps the counts from the flag of a state in the next block. A registration writes a slot and the
/// counts, which often are one line.
#pragma once
#ifndef CTS_DETAIL_STOP_STOP_STATE_HPP
#define CTS_DETAIL_STOP_STOP_STATE_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "cts/core/registry.hpp"
#include "cts/detail/shared_source.hpp"
#include "cts/protocol/striped_count.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

class stop_state {
  using platform = core::std_platform;
  using stripes = striped_count<platform>;

 public:
  using registry_type = core::basic_registry<platform, core::stripes_at_run_time, core::spaced>;
  using count = std::uint64_t;
  static constexpr count owner = 1;
  static constexpr count source = (count{1} << 32) | owner;

  /// @return a state with one source. O(1), one allocation; throws std::bad_alloc.
  static stop_state* create() { return create_with(0); }
  /// The same for a shared source.
  static stop_state* create_shared() { return create_with(detail::stripes_of_a_shared_source()); }
  stop_state(stop_state const&) = delete;
  stop_state& operator=(stop_state const&) = delete;

  /// Relaxed: a thread that holds a reference needs no order to make another (K4).
  CTS_HOT void share(count what) noexcept {
    if (last_stripe_ != 0 && what == owner) [[unlikely]]
      return share_striped();
    counts_.fetch_add(what, std::memory_order_relaxed);
  }

  /// Release: each use through this reference comes before the state's end. Acquire, for the last drop: so does each
  /// use through the other references. All drops are in one release sequence, as only read-modify-writes write the
  /// word.
  CTS_HOT void drop(count what) noexcept {
    if (last_stripe_ != 0) [[unlikely]]
      return drop_striped(what);
    if (counts_.fetch_sub(what, std::memory_order_acq_rel) == what) [[unlikely]]
      destroy();
  }

  /// The same for a source, which often is the last owner: a thread that finds itself alone need not write, as by K4 no
  /// other thread can make a reference. The acquire load reads from the same release sequence.
  void drop_source() noexcept {
    if (registry_.is_notifying() && leave_to_request()) return;
    if (counts_.load(std::memory_order_acquire) == source) destroy();
    else drop(source);
  }

  bool stop_requested() const noexcept { return registry_.is_cancellation_requested(); }

  /// Looks for sources first: if the last one is gone, its request is visible (acquire, from the drop's release).
  bool stop_possible() const noexcept {
    return counts_.load(std::memory_order_acquire) >= source || registry_.is_cancellation_requested();
  }

  /// Runs the callbacks if no stop was requested before.
  /// @return true for the one call that made the request, after its callbacks have returned
  bool request_stop() noexcept {
    if (registry_.is_cancellation_requested() || !registry_.request_cancellation()) return false;
    bool holds_source = false;  // K5
    request_ = &holds_source;
    registry_.run_callbacks([] { return false; });
    if (holds_source) [[unlikely]]
      drop(source);
    return true;
  }

  registry_type& registry() noexcept { return registry_; }

 private:
  static constexpr std::size_t slack =
      platform::line > __STDCPP_DEFAULT_NEW_ALIGNMENT__ ? platform::line - __STDCPP_DEFAULT_NEW_ALIGNMENT__ : 0;

  static constexpr count bias = count{1} << 30;  // more than there can be owners

  stop_state(void* block, std::size_t n) noexcept
      : registry_(stripes::row_of(this, n)),
        counts_(n != 0 ? source + bias : source),
        last_stripe_(static_cast<std::uint32_t>(n != 0 ? n - 1 : 0)),
        block_(block) {}
  ~stop_state() = default;

  /// @param n the stripes; 0: none
  static stop_state* create_with(std::size_t n) {
    std::size_t const in_front = stripes::bytes(n);
    std::size_t room = in_front + sizeof(stop_state) + (n != 0 ? slack : 0);
    void* const block = ::operator new(room);
    void* at = block;
    // Only stripes need the alignment of a line. Not the aligned operator new: common allocators serve it from a slow
    // path. The block is larger by the alignment that is missing.
    if (n != 0) std::align(platform::line, in_front + sizeof(stop_state), at, room);
    return ::new (stripes::build(at, n)) stop_state(block, n);
  }
  std::size_t stripe_count() const noexcept { return last_stripe_ == 0 ? 0 : last_stripe_ + std::size_t{1}; }

  CTS_APART void share_striped() noexcept {
    if (stripes::mine(this, stripe_count()).share()) [[unlikely]]
      counts_.fetch_add(owner, std::memory_order_relaxed);
  }
  CTS_APART void drop_striped(count what) noexcept {
    if (what == owner) {
      if (stripes::mine(this, stripe_count()).drop() && counts_.fetch_sub(owner, std::memory_order_acq_rel) == owner)
        destroy();
      return;
    }
    if (counts_.fetch_sub(source, std::memory_order_acq_rel) < 2 * (source - owner)) end_stripes();
  }
  /// K6: the last source has gone. The bias keeps the state until its counts are added.
  CTS_COLD void end_stripes() noexcept {
    auto const counted = static_cast<std::intptr_t>(stripes::mark_all(this, stripe_count()));
    count const less = bias - static_cast<count>(static_cast<std::int64_t>(counted));
    if (counts_.fetch_sub(less, std::memory_order_acq_rel) == less) destroy();
  }
  /// K5. False if this thread does not run the callbacks, or has left it a source before.
  CTS_COLD bool leave_to_request() noexcept {
    return registry_.canceller() == platform::this_thread() && !std::exchange(*request_, true);
  }

  CTS_COLD void destroy() noexcept {
    void* const block = block_;
    std::size_t const n = stripe_count();
    this->~stop_state();
    stripes::release(this, n);
    ::operator delete(block);
  }

  registry_type registry_;
  std::atomic<count> counts_;
  std::uint32_t const last_stripe_;  // 0: no stripes
  void* const block_;                // the result of operator new
  bool* request_ = nullptr;          // on the stack of the stop request, for the callbacks that it runs
  // Allocators put at least a word before the next block.
  [[maybe_unused]] std::byte apart_[platform::line - 3 * sizeof(count) - 2 * sizeof(void*)];
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_STOP_STOP_STATE_HPP
