// SPDX-License-Identifier: BSL-1.0
/// @file
/// A segment: an array of slots with a generation. Slots are handed out in ascending order, so position is age.
///
///   I1  Below the cursor (g, i) every slot has been used in generation g.
///   I2  In one generation a used slot never becomes unused, so the frontier, the first unused slot, only rises.
///   I3  A registration counts only if, after publishing, its registrant finds its generation again, unsealed.
///   I4  Only the thread that sealed a generation, and then saw no live slot, opens the next one.
///
/// By I1 and I2 a registration sits above those that happened before it (G9). By I3, I4 and the handshake slot_publish,
/// gen_recheck against gen_seal, slot_verify no live registration is in a segment that is reset or moved (G3), but for
/// one that a canceller or remove_all takes before its registrant retracts it.
#pragma once
#ifndef CTS_CORE_SEGMENT_HPP
#define CTS_CORE_SEGMENT_HPP

#include <cstddef>
#include <memory>
#include <new>
#include <numeric>
#include <utility>

#include "cts/core/slot.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// The words of a segment but for its slots.
template <class Platform>
class segment_header {
 protected:
  template <class T>
  using atomic = typename Platform::template atomic<T>;

  constexpr segment_header(std::size_t capacity, std::size_t slab) noexcept
      : capacity_(static_cast<std::uint16_t>(capacity)), slab_(static_cast<std::uint16_t>(slab)) {}

  atomic<word> generation_{generation_step};
  atomic<std::uintptr_t> older_{0};  // and bits: mark_bit while the segment is on its way out of the list, late_bit
  std::uint16_t const capacity_;
  std::uint16_t const slab_;  // of the first segment of a block of memory: how many are in it; of the others 0
  atomic<word> cursor_{generation_step};
};

/// A segment; its slots follow it in memory. Segments are alone in a block of memory, or with others in a slab, where
/// each is used and reused as if it were alone.
template <class Platform>
class segment : segment_header<Platform> {
 public:
  using slot = basic_slot<Platform>;
  using link = std::uintptr_t;  ///< the address of a segment, and bits

  static constexpr link mark_bit = 1;
  static constexpr link late_bit = 2;  ///< the segment is being put on top, or was put on top of a closed stack (I7)

  static constexpr std::size_t bytes(std::size_t n) noexcept { return sizeof(segment) + n * sizeof(slot); }
  /// Of a slab of `count` segments of `n` slots, each of which begins a cache line.
  static constexpr std::size_t bytes(std::size_t n, std::size_t count) noexcept {
    return (count - 1) * distance(n) + bytes(n);
  }

  /// `storage` has bytes(n, count) bytes. Returns the first segment; from there on each leads to the next one, and the
  /// last one to `older`.
  static segment* build(void* storage, std::size_t n, std::size_t count, link older) noexcept {
    for (std::size_t k = count; k != 0; --k) {
      segment* const s = ::new (part(storage, n, k - 1)) segment(n, k == 1 ? count : 0);
      for (std::size_t i = 0; i < n; ++i) ::new (static_cast<void*>(std::addressof(s->at(i)))) slot(dead(0));
      s->link_to(older);
      older = to(*s);
    }
    return from(older);
  }
  /// Destroys the segments of a block of memory, given by its first one. Returns the size of the block.
  static std::size_t destroy(segment* first) noexcept {
    std::size_t const n = first->capacity_, count = first->slab_;
    for (std::size_t k = count; k != 0; --k) {
      auto* const s = static_cast<segment*>(part(first, n, k - 1));
      for (std::size_t i = 0; i < n; ++i) std::destroy_at(std::addressof(s->at(i)));
      std::destroy_at(s);
    }
    return bytes(n, count);
  }
  bool begins_block() const noexcept { return slab_ != 0; }

  static link to(segment& s) noexcept { return reinterpret_cast<link>(std::addressof(s)); }
  static segment* from(link l) noexcept { return reinterpret_cast<segment*>(l & ~(mark_bit | late_bit)); }
  static bool is_late(link l) noexcept { return (l & late_bit) != 0; }

  std::size_t capacity() const noexcept { return capacity_; }
  /// TRICKY: at(-1), which wraps, is floor_. So the slot below a slot always exists.
  slot& at(std::size_t i) noexcept {
    static_assert(sizeof(segment) == sizeof(segment_header<Platform>) + sizeof(slot), "floor_ ends the segment");
    void* const here = reinterpret_cast<std::byte*>(this) + (sizeof(segment) + i * sizeof(slot));
    return *static_cast<slot*>(here);
  }

  enum class outcome : unsigned char {
    found,
    unclear,   ///< find() cannot tell, find_anew() can
    full,      ///< or sealed
    restarted  ///< there is a new generation
  };
  struct position {
    outcome what;
    bool moves_cursor = false;  ///< the cursor lags behind the slot
    slot* where = nullptr;
    word seen = 0;
    word cursor = 0;  ///< to store once the slot is used
  };

  word generation() noexcept { return generation_.load(site::gen_find); }
  word generation_again() noexcept { return generation_.load(site::gen_recheck); }

  /// The frontier, or the slot just below it if that one has died in this generation, where the cursor and the three
  /// slots there tell it.
  CTS_HOT position find(word gen) noexcept {
    word const used = cursor_.load(site::cursor_find) - gen;  // too large if the cursor belongs to another generation
    if (used < capacity_) [[likely]] {                        // so `gen` is not sealed either
      auto const known = static_cast<std::size_t>(used);
      word const here = at(known).peek();
      if (is_unused(here, gen)) [[likely]] {
        slot& below = at(known - 1);
        if (below.peek() != gen) return {outcome::found, true, std::addressof(at(known)), here, gen + known + 1};
        // The floor, which the second may be, is done. If two are dead, all may be.
        if (at(known - 2).peek() != gen) [[likely]]
          return {outcome::found, false, std::addressof(below), gen};  // equal to what was loaded
      }
    }
    return {outcome::unclear};
  }
  /// The same everywhere. If the two slots below the frontier are dead, it tries to restart the segment, so that a
  /// burst reuses the last one's memory (G14).
  position find_anew(word gen, bool may_restart) noexcept {
    if (is_sealed(gen)) return {outcome::full};
    word const used = cursor_.load(site::cursor_find) - gen;
    std::size_t const known = used <= capacity_ ? static_cast<std::size_t>(used) : 0;
    std::size_t i = known;
    word seen = 0;
    while (i < capacity_ && !is_unused(seen = at(i).peek(), gen)) ++i;
    if (i == capacity_) return {outcome::full};  // it reuses no slot, so that all can die
    if (i > 0 && at(i - 1).peek() == gen) {
      if (may_restart && at(i - 2).peek() == gen && restart(gen)) return {outcome::restarted};
      return {outcome::found, i > known, std::addressof(at(i - 1)), gen, gen + i};
    }
    return {outcome::found, true, std::addressof(at(i)), seen, gen + i + 1};
  }
  /// Records that the slots up to that of `p` have been used (I1).
  CTS_HOT void advance(position const& p) noexcept {
    if (p.moves_cursor) cursor_.store(p.cursor, site::cursor_advance);
  }

  /// The dead word to leave in a slot that is given back under generation `now`. If that is sealed, the next may be
  /// open already and its registrants past the slot: so it is left dead in the next (G9).
  static constexpr word dead_under(word now) noexcept { return is_sealed(now) ? dead(now) + generation_step : now; }

  /// kept → dead, by remove_all.
  void give_back(slot& at) noexcept {
    // TRICKY: between the look at the slot and its take the callback may have been unregistered and registered again.
    // The load comes after slot_publish in the order of all seq_cst operations, as the look did. So the generation is
    // found sealed if the claimer has not seen that registration. Else a used slot could become unused (I2).
    static_cast<void>(at.read(site::slot_scan));
    at.release(dead_under(generation_again()));
  }

  struct block {
    static constexpr std::size_t size =
        std::gcd(std::gcd(Platform::inline_slots, Platform::segment_slots), std::size_t{4});
    word words[size];
    word merged() const noexcept {
      return [this]<std::size_t... K>(std::index_sequence<K...>) { return (words[K] | ...); }
      (std::make_index_sequence<size>());
    }
    bool any_live() const noexcept { return (merged() & 1) != 0; }  // or held, or done
    bool all_dead() const noexcept { return is_dead(merged()); }
  };
  /// Whether a callback of it has returned from a cancel. None that remove_all holds counts, and a canceller that
  /// looks runs none (I7).
  bool has_run() noexcept {
    for (std::size_t i = 0; i < capacity_; ++i)
      if (at(i).peek() == done) return true;
    return false;
  }
  /// The slots from `first` on.
  CTS_HOT block look(std::size_t first, site how) noexcept {
    return [&]<std::size_t... K>(std::index_sequence<K...>) { return block{{at(first + K).read(how)...}}; }
    (std::make_index_sequence<block::size>());
  }

  /// Seals the generation if no slot is live (I4).
  bool claim(word gen) noexcept {
    if (is_sealed(gen) || !all_dead(site::slot_peek)) return false;
    word expected = gen;
    if (!generation_.compare_exchange(expected, gen | seal, site::gen_seal)) return false;
    if (all_dead(site::slot_verify)) return true;
    unseal();
    return false;
  }
  void unseal() noexcept { generation_.fetch_xor(seal, site::gen_unseal); }
  /// Makes every slot unused. For the claimer.
  void open(word gen) noexcept { generation_.store(gen + generation_step, site::gen_open); }
  /// Opens the next generation in place if no slot is live.
  CTS_COLD bool restart(word gen) noexcept {
    if (!claim(gen)) return false;
    open(gen);
    return true;
  }

  segment* older() noexcept { return from(older_link()); }
  link older_link() noexcept { return older_.load(site::older_walk); }
  void link_to(link below) noexcept { older_.store(below, site::older_link); }
  /// Keeps the segment below from being unlinked through this one. Returns the link.
  link mark() noexcept { return older_.fetch_or(mark_bit, site::older_mark); }
  void unmark(link bits = mark_bit) noexcept { older_.fetch_xor(bits, site::older_unmark); }
  bool unlink(segment& s, link below) noexcept {
    link expected = to(s);
    return older_.compare_exchange(expected, below, site::older_unlink);
  }
  /// For dispose, which comes last.
  segment* last_older() noexcept { return from(older_.load(site::top_dispose)); }

 protected:
  constexpr explicit segment(std::size_t n, std::size_t slab) noexcept : segment_header<Platform>(n, slab) {}

 private:
  static constexpr std::size_t distance(std::size_t n) noexcept {
    return (bytes(n) + Platform::line - 1) / Platform::line * Platform::line;
  }
  static void* part(void* storage, std::size_t n, std::size_t k) noexcept {
    return static_cast<std::byte*>(storage) + k * distance(n);
  }

  static_assert(Platform::inline_slots < seal && Platform::segment_slots < seal, "a cursor must not reach the seal");

  using segment_header<Platform>::generation_, segment_header<Platform>::older_;
  using segment_header<Platform>::capacity_, segment_header<Platform>::cursor_;
  using segment_header<Platform>::slab_;

  bool all_dead(site how) noexcept {
    for (std::size_t i = 0; i < capacity_; i += block::size)
      if (!look(i, how).all_dead()) return false;
    return true;
  }

  slot floor_{done};  // just below the first slot: used for ever, so that no slot is a special case
};

/// A segment and its slots in one object, which can be constant-initialized.
template <class Platform, std::size_t N>
class whole_segment : public segment<Platform> {
  using base = segment<Platform>;

 public:
  constexpr whole_segment() noexcept : whole_segment(std::make_index_sequence<N>()) {}

 private:
  template <std::size_t... K>
  constexpr explicit whole_segment(std::index_sequence<K...>) noexcept
      : base(N, 0), array_{typename base::slot(dead(K * 0))...} {
    static_assert(sizeof(whole_segment) == base::bytes(N), "the slots follow the header");
  }
  typename base::slot array_[N];
};

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_SEGMENT_HPP
