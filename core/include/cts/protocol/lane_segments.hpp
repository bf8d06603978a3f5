// SPDX-License-Identifier: BSL-1.0
/// @file
/// The memory of a lane (protocol/lane.hpp): slots, segments of slots, and the owner's stack of segments. The owner
/// alone changes the stack, with plain loads and stores. The canceller follows the links from newest() down to the
/// oldest segment, from any of its steps to the next while the owner works.
///
/// A segment is one block of memory:
///
///     ┌ header: older, age, newer, live, capacity ┬ floor ┬ slot 0 ┬ slot 1 ┬ … ┬ slot capacity−1 ┐
///                                                  in use for ever   older ◀── position is age ──▶ newer
///
/// Invariants, with those of protocol/lane.hpp (G22):
///
///   L4  claim() returns a slot above all slots in use, and a newer segment stands above an older one. So position is
///       age (G9).
///   L5  Only the owner links and unlinks segments, and a segment lives as long as its lane. So the canceller may stand
///       on any of them.
///
/// An empty segment between others is unlinked and kept as a spare, which later goes on top. The canceller recognizes
/// a spare that was linked after its walk had passed the place: `age` grows with each link.
#pragma once
#ifndef CTS_PROTOCOL_LANE_SEGMENTS_HPP
#define CTS_PROTOCOL_LANE_SEGMENTS_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include "cts/core/platform.hpp"
#include "cts/core/slot.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The place of one registration. Its two words and their transitions are drawn in protocol/lane.hpp.
template <class Platform>
struct lane_slot {
  explicit lane_slot(std::uint32_t i, std::uintptr_t callback = 0) noexcept : registered(callback), fate(0), index(i) {}
  typename Platform::template atomic<std::uintptr_t> registered;  // the address of the callback; 0: none
  typename Platform::template atomic<std::uint32_t> fate;         // a value of lane_fate
  std::uint32_t const index;                                      // in its segment
};

/// The header of a segment; its slots follow it in memory.
template <class Platform>
struct lane_segment {
  using slot = lane_slot<Platform>;

  explicit lane_segment(std::uint32_t n) noexcept : capacity(n) {}

  static constexpr std::size_t bytes(std::size_t n) noexcept { return sizeof(lane_segment) + n * sizeof(slot); }
  /// Builds a segment of `n` slots in `storage`, which has bytes(n) bytes.
  static lane_segment* build(void* storage, std::uint32_t n) noexcept {
    static_assert(ends_with_its_floor(), "the floor must be the slot before the first one");
    lane_segment* const s = ::new (storage) lane_segment(n);
    for (std::uint32_t i = 0; i < n; ++i) ::new (static_cast<void*>(std::addressof(s->at(i)))) slot(i);
    return s;
  }
  /// Destroys a segment that build() has made; its memory stays.
  static void destroy(lane_segment* s) noexcept {
    for (std::uint32_t i = 0; i < s->capacity; ++i) std::destroy_at(std::addressof(s->at(i)));
    std::destroy_at(s);
  }
  static lane_segment& of(slot& at) noexcept {
    return reinterpret_cast<lane_segment*>(std::addressof(at) - at.index)[-1];
  }
  /// Links are addresses.
  std::uintptr_t address() noexcept { return reinterpret_cast<std::uintptr_t>(this); }
  static lane_segment* at_address(std::uintptr_t link) noexcept { return reinterpret_cast<lane_segment*>(link); }

  slot& at(std::uint32_t i) noexcept { return reinterpret_cast<slot*>(this + 1)[i]; }

  /// The next older segment as the canceller finds it; null at the end.
  lane_segment* walk_older() noexcept { return at_address(older.load(site::lane_walk)); }
  /// The same as the owner knows it.
  lane_segment* peek_older() noexcept { return at_address(older.load(site::lane_peek)); }

  /// Prefetches the callbacks that a walk from the last slot down meets soon after slot `i`.
  CTS_HOT void prefetch_below(std::uint32_t i) noexcept {
    constexpr std::uint32_t distance = Platform::prefetch_distance;
    if constexpr (distance > 0) {
      if (i + 1 == capacity)
        for (std::uint32_t k = i - (i < distance ? i : distance); k < i; ++k) prefetch(k);
      if (i >= distance) prefetch(i - distance);
    }
  }

  typename Platform::template atomic<std::uintptr_t> older{0};  // the next older segment
  typename Platform::template atomic<core::word> age{0};        // larger: linked later
  // The owner's fields.
  typename Platform::template var<lane_segment*> newer{nullptr};  // the next newer segment; of a spare: the next spare
  typename Platform::template var<std::uint32_t> live{0};  // registrations in it; not kept for the newest segment
  std::uint32_t const capacity;
  // TRICKY: the slot at index −1. It is in use for ever, so that a search downwards for a slot in use stops here.
  slot floor{0, 1};

 private:
  CTS_HOT void prefetch(std::uint32_t i) noexcept {
    Platform::prefetch(reinterpret_cast<void const*>(at(i).registered.load(site::lane_peek)));
  }
  /// The slots follow the header, so the floor must be its last member. The models' types have no offsets; all of them
  /// have one alignment.
  static constexpr bool ends_with_its_floor() noexcept {
    if constexpr (std::is_standard_layout_v<lane_segment>)
      return offsetof(lane_segment, floor) + sizeof(slot) == sizeof(lane_segment);
    else return alignof(lane_segment) == alignof(slot);
  }
};

/// The owner's stack of segments. The first segment is part of it; it grows by segments of Platform::segment_slots.
template <class Platform>
class lane_segments {
 public:
  using slot = lane_slot<Platform>;
  using segment = lane_segment<Platform>;

  lane_segments() noexcept : newest_(segment::build(inline_storage_, Platform::inline_slots)->address()) {
    current_.set(std::addressof(inline_segment()));
    frontier_.set(std::addressof(inline_segment().at(0)));
  }
  lane_segments(lane_segments const&) = delete;
  lane_segments& operator=(lane_segments const&) = delete;
  ~lane_segments() {
    for (segment* s = current_.get(); s != nullptr;) {
      segment* const below = s->peek_older();
      if (s != std::addressof(inline_segment())) free_segment(*s);
      s = below;
    }
    for (segment* s = spare_.get(); s != nullptr;) {
      segment* const following = s->newer.get();
      if (s != std::addressof(inline_segment())) free_segment(*s);
      s = following;
    }
    segment::destroy(std::addressof(inline_segment()));
  }

  // --- the owner's side ---

  /// A slot above all slots in use (L4); null if there is no memory. O(1), amortized over the slots that it skips.
  /// Registrations that come and go one at a time stay in one slot, and nothing but this slot is written.
  CTS_HOT slot* claim() noexcept {
    slot* const at = frontier_.get();
    if (at->registered.load(site::lane_peek) != 0) return claim_above(at);
    return at[-1].registered.load(site::lane_peek) == 0 ? claim_lowest(at) : at;
  }
  /// Notes that the registration in `at` has ended.
  CTS_HOT void release(slot& at) noexcept {
    if (std::addressof(at) != frontier_.get()) release_other(at);
  }
  /// Empties every slot and keeps the newest segment; the others become spare. No other thread may read the slots (L6).
  void clear() noexcept {
    segment* const newest = current_.get();
    for (segment* s = newest; s != nullptr;) {
      segment* const below = s->peek_older();
      for (std::uint32_t i = 0; i < s->capacity; ++i) {
        s->at(i).registered.store(0, site::lane_clear);
        s->at(i).fate.store(0, site::lane_clear_fate);
      }
      if (s != newest) keep_spare(*s);
      s = below;
    }
    newest->older.store(0, site::lane_link);
    frontier_.set(std::addressof(newest->at(0)));
  }

  // --- the canceller's side ---

  /// Where the canceller's walk begins.
  segment* walk_newest() noexcept { return segment::at_address(newest_.load(site::lane_walk)); }

 private:
  segment& inline_segment() noexcept { return *static_cast<segment*>(static_cast<void*>(inline_storage_)); }

  static void free_segment(segment& s) noexcept {
    std::size_t const size = segment::bytes(s.capacity);
    segment::destroy(std::addressof(s));
    Platform::deallocate(std::addressof(s), size);
  }
  void keep_spare(segment& s) noexcept {
    s.newer.set(spare_.get());
    spare_.set(std::addressof(s));
  }

  /// The lowest slot above all slots in use, so that a burst needs no more room than the one before.
  CTS_COLD slot* claim_lowest(slot* at) noexcept {
    while (at[-1].registered.load(site::lane_peek) == 0) --at;
    frontier_.set(at);
    return at;
  }
  CTS_HOT slot* claim_above(slot* at) noexcept {
    segment& s = *current_.get();
    if (at->index + 1 == s.capacity) [[unlikely]] {
      if (!grow(s)) return nullptr;
      at = frontier_.get();
    } else {
      frontier_.set(++at);
    }
    return at;
  }
  /// Puts an empty segment on top of `below`, whose last slot is in use. False if there is no memory.
  CTS_COLD bool grow(segment& below) noexcept {
    segment* s = spare_.get();
    if (s != nullptr) {
      spare_.set(s->newer.get());
    } else {
      void* const storage = Platform::allocate(segment::bytes(Platform::segment_slots));
      if (storage == nullptr) return false;
      s = segment::build(storage, Platform::segment_slots);
    }
    std::uint32_t live = 0;
    for (std::uint32_t i = 0; i < below.capacity; ++i)
      live += below.at(i).registered.load(site::lane_peek) != 0 ? 1U : 0U;
    below.live.set(live);
    below.newer.set(s);
    s->newer.set(nullptr);
    links_.set(links_.get() + 1);
    s->age.store(links_.get(), site::lane_age_set);
    s->older.store(below.address(), site::lane_link);
    newest_.store(s->address(), site::lane_link);
    current_.set(s);
    frontier_.set(std::addressof(s->at(0)));
    return true;
  }
  CTS_HOT void release_other(slot& at) noexcept {
    segment& s = segment::of(at);
    if (std::addressof(s) != current_.get()) [[unlikely]]
      release_below(s);
  }
  /// Counts down a segment below the newest one. An empty one is unlinked; a canceller that stands on it still finds
  /// its way down, for `older` stays.
  CTS_COLD void release_below(segment& s) noexcept {
    std::uint32_t const live = s.live.get() - 1;
    s.live.set(live);
    if (live != 0) return;
    segment* const above = s.newer.get();
    segment* const below = s.peek_older();
    above->older.store(reinterpret_cast<std::uintptr_t>(below), site::lane_link);
    if (below != nullptr) below->newer.set(above);
    keep_spare(s);
  }

  // The owner's fields; the first one stands in the lane's first cache line.
  typename Platform::template var<slot*> frontier_{nullptr};    // in the newest segment: no slot above it is in use
  typename Platform::template var<segment*> current_{nullptr};  // the newest segment
  typename Platform::template var<segment*> spare_{nullptr};
  typename Platform::template var<core::word> links_{0};       // how many segments were linked
  typename Platform::template atomic<std::uintptr_t> newest_;  // the same as current_, for the canceller

 public:
  /// The lane's own: the address of a bool on the canceller's stack, which the lane's destructor sets. It stands here,
  /// behind the owner's words and before the slots, so that the owner's words share a cache line with the lane's state.
  typename Platform::template var<std::uintptr_t> gone{0};

 private:
  alignas(segment) std::byte inline_storage_[segment::bytes(Platform::inline_slots)];
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_LANE_SEGMENTS_HPP
