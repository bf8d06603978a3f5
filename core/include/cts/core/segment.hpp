// SPDX-License-Identifier: BSL-1.0
/// @file
/// An array of slots with a generation. Slots are handed out in ascending order, so position is age:
///
///   I1  below the cursor (g, i) every slot has been used in generation g;
///   I2  in one generation an unused slot never becomes unused again, so the frontier (the first unused slot) only
///   rises; I3  a registration counts only if the generation it read is still there, unsealed, after it published
///   itself; I4  a new generation is opened only by the thread that sealed the old one and then saw no live slot.
///
/// By I1 and I2 a registration that happened before another one sits below it (G9). By I3, I4 and the seq_cst handshake
/// slot_publish / gen_recheck against gen_seal / slot_verify no live registration is in a segment that is reset or
/// moved.
#pragma once
#ifndef CTS_CORE_SEGMENT_HPP
#define CTS_CORE_SEGMENT_HPP

#include <cstddef>
#include <memory>
#include <new>
#include <numeric>
#include <utility>

#include "cts/core/platform.hpp"
#include "cts/core/slot.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// The header of a segment; its slots follow it in memory.
template <class Platform>
class segment {
 public:
  template <class T>
  using atomic = typename Platform::template atomic<T>;
  using slot = atomic<word>;

  static constexpr std::size_t bytes(std::size_t n) noexcept { return sizeof(segment) + n * sizeof(slot); }

  /// Builds a segment in `storage`, which has bytes(n) bytes, of n slots.
  static segment* build(void* storage, std::size_t n) noexcept {
    segment* const s = ::new (storage) segment(n);
    for (std::size_t i = 0; i < n; ++i) ::new (static_cast<void*>(std::addressof(s->at(i)))) slot(dead(0));
    return s;
  }
  /// Ends a segment that build() has made.
  static void destroy(segment* s) noexcept {
    for (std::size_t i = 0; i < s->capacity_; ++i) std::destroy_at(std::addressof(s->at(i)));
    std::destroy_at(s);
  }

  std::size_t capacity() const noexcept { return capacity_; }
  slot& at(std::size_t i) noexcept {
    void* const here =
        reinterpret_cast<std::byte*>(this) + (sizeof(segment) + i * sizeof(slot));  // i: -1 too, wrapping
    return *static_cast<slot*>(here);
  }

  /// Where the next registration of this generation goes.
  struct place {
    slot* where;  // null: nowhere in this generation
    word seen;    // what is in the slot now
    word cursor;  // what the cursor shall say once the slot is used; 0: it is that far already
  };
  static constexpr place full{nullptr, 0, 0};
  static constexpr place restarted{nullptr, 1, 0};  // there is a new generation, with room

  /// The frontier, or the slot just below it if that one has died in this generation.
  CTS_HOT place find(word gen, bool may_restart) noexcept {
    word const used = known_used(gen);
    if (used < capacity_) [[likely]] {  // so the generation is not sealed either
      auto const known = static_cast<std::size_t>(used);
      word const here = at(known).load(site::slot_peek);
      if (is_unused(here, gen)) [[likely]] {
        slot& last = at(known - 1);  // or the floor
        if (last.load(site::slot_peek) == gen) {
          // With two dead ones on top perhaps all are: then they are used again, so that a burst needs no more than the
          // last one.
          if (at(known - 2).load(site::slot_peek) == gen && may_restart && restart(gen)) [[unlikely]]
            return restarted;
          return {std::addressof(last), gen, 0};  // `gen`, not what was read: no need to wait for it
        }
        return {std::addressof(at(known)), here, gen + known + 1};
      }
    }
    return search(gen, used <= capacity_ ? static_cast<std::size_t>(used) : 0);
  }

  /// Records that the slots up to and including that of `p` have been used (I1).
  void advance(place const& p) noexcept {
    if (p.cursor != 0) cursor_.store(p.cursor, site::cursor_advance);
  }

  /// Some slots that are looked at together.
  struct block {
    static constexpr std::size_t size =
        std::gcd(std::gcd(Platform::inline_slots, Platform::segment_slots), std::size_t{4});
    word words[size];
    word merged() const noexcept {
      return [this]<std::size_t... K>(std::index_sequence<K...>) { return (words[K] | ...); }
      (std::make_index_sequence<size>());
    }
    bool any_live() const noexcept { return (merged() & 1) != 0; }  // or done
    bool all_dead() const noexcept { return is_dead(merged()); }
  };
  /// What is in the slots from `first` on.
  CTS_HOT block look(std::size_t first, site how) noexcept {
    return [&]<std::size_t... K>(std::index_sequence<K...>) { return block{{at(first + K).load(how)...}}; }
    (std::make_index_sequence<block::size>());
  }

  /// Tries to take the segment out of use (I4): true if it holds no registration and the caller alone may open it
  /// again.
  bool claim(word gen) noexcept {
    if (is_sealed(gen) || !all_dead(site::slot_peek)) return false;
    word expected = gen;
    if (!generation_.compare_exchange(expected, gen | seal, site::gen_seal)) return false;
    if (all_dead(site::slot_verify)) return true;
    unseal();
    return false;
  }
  /// Opens the next generation in place if no registration is in this one.
  CTS_COLD bool restart(word gen) noexcept {
    if (!claim(gen)) return false;
    open(gen);
    return true;
  }
  void unseal() noexcept { generation_.fetch_xor(seal, site::gen_unseal); }
  /// Opens the next generation: every slot is unused. Only for who claimed the segment.
  void open(word gen) noexcept { generation_.store(gen + generation_step, site::gen_open); }

  /// What is left in a slot that is given back when the generation `now` is there: it counts as used in that one or, if
  /// that is sealed, in the next, which may be open by then and whose registrants have passed the slot.
  static constexpr word dead_from(word now) noexcept { return is_sealed(now) ? dead(now) + generation_step : now; }
  /// The same for who has taken a slot that was live.
  word dead_from_now() noexcept { return dead_from(generation_.load(site::gen_recheck)); }

  atomic<word> generation_{generation_step};
  atomic<std::uintptr_t> older_{
      0};  // the next older segment; its low bit marks that this one is on its way out of the list

 protected:
  constexpr explicit segment(std::size_t n) noexcept : capacity_(n) {}

 private:
  static_assert(Platform::inline_slots < seal && Platform::segment_slots < seal, "a cursor must not reach the seal");

  /// How many slots are known to have been used in the generation `gen`; more than there are if the cursor is of
  /// another one.
  word known_used(word gen) noexcept { return cursor_.load(site::cursor_find) - gen; }

  /// The same as find() from slot `known` on, for the cases that are not usual.
  place search(word gen, std::size_t known) noexcept {
    if (is_sealed(gen)) return full;
    std::size_t i = known;
    word seen = 0;
    while (i < capacity_ && !is_unused(seen = at(i).load(site::slot_peek), gen)) ++i;
    if (i == capacity_) return full;  // not even its last slot is reused, so that it can become empty
    if (i > 0 && at(i - 1).load(site::slot_peek) == gen)
      return {std::addressof(at(i - 1)), gen, i > known ? gen + i : 0};
    return {std::addressof(at(i)), seen, gen + i + 1};
  }

  bool all_dead(site how) noexcept {
    for (std::size_t i = 0; i < capacity_; i += block::size)
      if (!look(i, how).all_dead()) return false;
    return true;
  }

  std::size_t const capacity_;
  atomic<word> cursor_{generation_step};  // generation + index: below index every slot has been used in that generation
  slot floor_{done};                      // just below the first slot: used for ever, so that no slot is a special case
};

/// A segment and its slots in one object, for a ledger to begin with. It can be constant-initialized, which storage
/// that build() fills cannot.
template <class Platform, std::size_t N>
class whole_segment : public segment<Platform> {
  using base = segment<Platform>;

 public:
  constexpr whole_segment() noexcept : whole_segment(std::make_index_sequence<N>()) {}

 private:
  template <std::size_t... K>
  constexpr explicit whole_segment(std::index_sequence<K...>) noexcept
      : base(N), array_{typename base::slot(dead(K * 0))...} {
    static_assert(sizeof(whole_segment) == base::bytes(N), "at() finds the slots just behind the header");
  }
  typename base::slot array_[N];
};

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_SEGMENT_HPP
