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
/// All that is G28. The memory orders are in protocol/memory_orders.hpp, at the sites stop_….
///
///     registry: flag …, a gap │ slots │ counts_ … │ apart_        152 bytes
///
/// No poller reads a line that registrants, or copies of tokens, write: the gap keeps the flag from the slots and the
/// counts, and apart_ keeps the counts from the flag of a state in the next block. A registration writes a slot and the
/// counts, which often are one line.
#pragma once
#ifndef CTS_PROTOCOL_STOP_STATE_HPP
#define CTS_PROTOCOL_STOP_STATE_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "cts/core/registry.hpp"
#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/striped_count.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The looks of stop_possible. In this order: if the last source is gone, its request is visible.
struct sources_first {
  template <class State>
  CTS_HOT static bool possible(State const& s) noexcept {
    return s.has_source() || s.stop_requested();
  }
};

/// Parts has the platform, and the memory for a state:
///
///   platform         core/platform.hpp
///   allocate(n)      n bytes with the alignment of operator new; throws if there is no memory
///   deallocate(p)
template <class Parts>
class basic_stop_state {
  using platform = typename Parts::platform;
  using stripes = striped_count<platform>;

 public:
  using registry_type = core::basic_registry<platform, core::stripes_at_run_time, core::spaced>;
  using count = std::uint64_t;
  static constexpr count owner = 1;
  static constexpr count source = (count{1} << 32) | owner;

  /// @param n the stripes of a shared source, a power of two; 0: none
  /// @return a state with one source. O(1), one allocation; throws what Parts::allocate throws.
  static basic_stop_state* create(std::size_t n = 0) {
    std::size_t const in_front = stripes::bytes(n);
    std::size_t room = in_front + sizeof(basic_stop_state) + (n != 0 ? slack : 0);
    void* const block = Parts::allocate(room);
    void* at = block;
    // Only stripes need the alignment of a line. The block is larger by the alignment that is missing.
    if (n != 0) std::align(platform::line, in_front + sizeof(basic_stop_state), at, room);
    return ::new (stripes::build(at, n)) basic_stop_state(block, n);
  }
  basic_stop_state(basic_stop_state const&) = delete;
  basic_stop_state& operator=(basic_stop_state const&) = delete;

  /// A source or an owner more. The caller holds a reference (K4), for a source that of a source (K3).
  CTS_HOT void share(count what) noexcept {
    if (last_stripe_ != 0 && what == owner) [[unlikely]]
      return share_striped();
    counts_.fetch_add(what, site::stop_share);
  }

  /// Takes away what the caller holds. All drops are in one release sequence, as only read-modify-writes write the
  /// word.
  CTS_HOT void drop(count what) noexcept {
    if (last_stripe_ != 0) [[unlikely]]
      return drop_striped(what);
    if (counts_.fetch_add(minus(what), site::stop_drop) == what) [[unlikely]]
      destroy();
  }

  /// The same for a source, which often is the last owner: a thread that finds itself alone need not write, as by K4 no
  /// other thread can make a reference.
  void drop_source() noexcept {
    if (registry_.is_notifying() && leave_to_request()) return;
    if (counts_.load(site::stop_alone) == source) destroy();
    else drop(source);
  }

  bool stop_requested() const noexcept { return registry_.is_cancellation_requested(); }

  /// False: no stop was requested, and as by K3 there is no source, none can be.
  bool stop_possible() const noexcept { return core::step<platform, sources_first>::possible(*this); }
  bool has_source() const noexcept { return counts_.load(site::stop_ask) >= source; }

  /// Runs the callbacks if no stop was requested before.
  /// @return true for the one call that made the request, after its callbacks have returned
  bool request_stop() noexcept {
    if (registry_.is_cancellation_requested() || !registry_.request_cancellation()) return false;
    bool holds_source = false;  // K5
    request_.set(&holds_source);
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

  static constexpr std::size_t words = 2 * sizeof(count) + 2 * sizeof(void*);  // from counts_ to apart_
  // Allocators put at least a word before the next block.
  static constexpr std::size_t apart = platform::line > words + sizeof(count) ? platform::line - words - sizeof(count)
                                                                              : 1;

  basic_stop_state(void* block, std::size_t n) noexcept
      : registry_(stripes::row_of(this, n)),
        counts_(n != 0 ? source + bias : source),
        last_stripe_(static_cast<std::uint32_t>(n != 0 ? n - 1 : 0)),
        block_(block) {}
  ~basic_stop_state() = default;

  static constexpr count minus(count what) noexcept { return count{0} - what; }
  std::size_t stripe_count() const noexcept { return last_stripe_ == 0 ? 0 : last_stripe_ + std::size_t{1}; }

  CTS_APART void share_striped() noexcept {
    if (stripes::mine(this, stripe_count()).share()) [[unlikely]]
      counts_.fetch_add(owner, site::stop_late_share);
  }
  CTS_APART void drop_striped(count what) noexcept {
    if (what == owner) {
      if (stripes::mine(this, stripe_count()).drop() && counts_.fetch_add(minus(owner), site::stop_late_drop) == owner)
        destroy();
      return;
    }
    if (counts_.fetch_add(minus(source), site::stop_end) < 2 * (source - owner)) end_stripes();
  }
  /// K6: the last source has gone. The bias keeps the state until its counts are added.
  CTS_COLD void end_stripes() noexcept {
    auto const counted = static_cast<std::intptr_t>(stripes::mark_all(this, stripe_count()));
    count const less = bias - static_cast<count>(static_cast<std::int64_t>(counted));
    if (counts_.fetch_add(minus(less), site::stop_end_stripes) == less) destroy();
  }
  /// K5. False if this thread does not run the callbacks, or has left it a source before.
  CTS_COLD bool leave_to_request() noexcept {
    return registry_.canceller() == platform::this_thread() && !std::exchange(*request_.get(), true);
  }

  CTS_COLD void destroy() noexcept {
    void* const block = block_;
    std::size_t const n = stripe_count();
    this->~basic_stop_state();
    stripes::release(this, n);
    Parts::deallocate(block);
  }

  registry_type registry_;
  typename platform::template atomic<count> counts_;
  std::uint32_t const last_stripe_;  // 0: no stripes
  void* const block_;                // what Parts has allocated
  // On the stack of the stop request, for the callbacks that it runs.
  typename platform::template var<bool*> request_{nullptr};
  [[maybe_unused]] std::byte apart_[apart];
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_STOP_STATE_HPP
