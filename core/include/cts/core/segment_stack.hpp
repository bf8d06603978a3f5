// SPDX-License-Identifier: BSL-1.0
/// @file
/// One stack of segments, the newest on top: the whole protocol but for the flag that pollers read.
///
///   top ─▶ segment ─older─▶ segment ─older─▶ … ─▶ inline segment ─older─▶ null
///
///   I5  a segment with a live registration is reachable from top; from any segment ever linked, following `older`
///   leads to
///       every linked segment below it;
///   I6  a segment on top is newer than those below it: registrants enter only the top one;
///   I7  after top is closed no segment is pushed but empty ones;
///   I8  segments are never freed before dispose, so a stale pointer is always readable;
///   I9  a registration that has made room most_claims times without coming to an end claims no segment any more, as
///   long as there
///       is memory.
///
/// A full top segment is, in this order: reset in place if it is empty; covered by an empty segment taken from further
/// down; covered by a new one. Taking one out of the list is Harris' algorithm ("A pragmatic implementation of
/// non-blocking linked lists", DISC 2001): its own link is marked, so that the segment below cannot be unlinked through
/// it at the same time, then its predecessor's link is swung. Nobody helps and nobody waits: who fails restores the
/// mark and allocates.
#pragma once
#ifndef CTS_CORE_SEGMENT_STACK_HPP
#define CTS_CORE_SEGMENT_STACK_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "cts/core/callback.hpp"
#include "cts/core/platform.hpp"
#include "cts/core/segment.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// What became of a registration.
enum class register_result : std::uint8_t {
  registered,     ///< it runs at the next cancel, or has been run by a concurrent one, unless it is unregistered first
  canceled,       ///< cancel came first: it is not registered and does not run
  out_of_memory,  ///< the registry could not grow: it is not registered, nothing else has changed
  disposed        ///< the registry has been disposed without being canceled: it is not registered
};

/// The step of a scan that visits the live slots of one block.
template <class Platform>
struct newest_first {
  using segment = core::segment<Platform>;
  using block = typename segment::block;

  /// Visits those of `b`, which was read from the slots from `first` on. False if `visit` said so.
  template <class Visit>
  CTS_HOT static bool visit(segment& s, std::size_t first, block const& b, Visit& visit) noexcept {
    return [&]<std::size_t... K>(std::index_sequence<K...>) {
      return (one(s.at(first + block::size - 1 - K), s, b.words[block::size - 1 - K], visit) && ...);
    }
    (std::make_index_sequence<block::size>());
  }

 protected:
  template <class Visit>
  CTS_HOT static bool one(typename segment::slot& here, segment& s, word w, Visit& visit) noexcept {
    return !is_live(w) || visit(s, here, w);
  }
};

/// The last step of a registration that found neither room nor memory.
template <class Platform>
struct failed_growth {
  static register_result answer(basic_callback<Platform>& c) noexcept {
    c.slot_.set(nullptr);
    return register_result::out_of_memory;
  }
};

template <class Platform>
class ledger {
  template <class T>
  using atomic = typename Platform::template atomic<T>;
  template <class T>
  using hint = typename Platform::template hint<T>;
  using segment = core::segment<Platform>;
  using slot = typename segment::slot;
  using callback = basic_callback<Platform>;

 public:
  constexpr ledger() noexcept {
    if (std::is_constant_evaluated()) first_top_ = std::addressof(inline_segment_);
    else ::new (static_cast<void*>(std::addressof(top_))) atomic<std::uintptr_t>(address(inline_segment_));
  }
  ledger(ledger const&) = delete;
  ledger& operator=(ledger const&) = delete;
  ~ledger() { std::destroy_at(std::addressof(top_)); }

  /// Registers, in the top segment.
  CTS_HOT register_result enter(callback& c) noexcept {
    unsigned grown = 0;
    for (bool first = true;; first = false) {
      std::uintptr_t const top = top_.load(site::top_find);
      if (is_closed(top)) [[unlikely]] {
        c.slot_.set(nullptr);  // it may be of a registry that is gone
        return register_result::canceled;
      }
      segment& s = *reinterpret_cast<segment*>(top);
      word const gen = s.generation_.load(site::gen_find);
      typename segment::place const p = s.find(gen, first);
      if (p.where != nullptr) [[likely]] {
        attempt const made = publish(c, s, top, gen, p);
        if (made == attempt::entered) [[likely]]
          return register_result::registered;
        if (made == attempt::refused) return register_result::canceled;
        continue;
      }
      if (p.seen == segment::restarted.seen) {
        hand_.store(0, site::hand_keep);  // the segments below may be empty too: look there first
        continue;
      }
      if (grow(s, gen, grown++ < Platform::most_claims)) [[likely]]
        continue;
      return core::step<Platform, failed_growth<Platform>>::answer(c);
    }
  }

  /// Closes the stack to registrants. Returns its top then to the one thread that did it, else null.
  segment* close() noexcept {
    std::uintptr_t const before = top_.fetch_or(closed, site::top_close);
    return is_closed(before) ? nullptr : segment_at(before);
  }
  segment* top() noexcept { return segment_at(top_.load(site::top_find)); }

  /// Visits what is registered from the segment `s` down, newest first; `visit(segment, slot, word)` returns false to
  /// stop. False if it was stopped.
  template <class Visit>
  CTS_HOT bool scan(segment* s, Visit visit) noexcept {
    for (; s != nullptr; s = older(*s))
      if (!scan_segment(*s, slots_of(s), visit)) return false;
    return true;
  }
  /// The same from just below the slot `at` of the segment `s` on. O(1) to find that place: a scan of n callbacks that
  /// stops at each and goes on looks at each slot of a block as often as the block has slots, not more.
  template <class Visit>
  bool scan_on(segment& s, slot& at, Visit visit) noexcept {
    using block = typename segment::block;
    std::size_t i = static_cast<std::size_t>(std::addressof(at) - std::addressof(s.at(0)));
    for (; i % block::size != 0; --i) {  // the rest of its block
      slot& here = s.at(i - 1);
      word const w = here.load(site::slot_scan);
      if (is_live(w) && !visit(s, here, w)) return false;
    }
    return scan_segment(s, i, visit) && scan(older(s), visit);
  }

  /// Whether `at` is a slot of this ledger. For checked builds; O(segments).
  bool holds(void const* at) const noexcept {
    for (segment* s = segment_at(top_.load(site::top_find)); s != nullptr; s = older(*s))
      for (std::size_t i = 0; i < s->capacity(); ++i)
        if (std::addressof(s->at(i)) == at) return true;
    return false;
  }

  /// Frees every segment but the inline one. Comes last.
  void release_grown() noexcept {
    segment* const top = segment_at(top_.load(site::top_dispose));
    if (top != std::addressof(inline_segment()) || top->older_.load(site::top_dispose) != 0) [[unlikely]]
      release_all(top);
  }
  /// From now on it is closed and empty, for who registers in a registry that has been disposed.
  void forget() noexcept { top_.store(address(inline_segment()) | closed, site::top_forget); }

 private:
  static constexpr std::uintptr_t closed = 1;  // in top_
  static constexpr std::uintptr_t marked = 1;  // in older_

  static constexpr std::uint32_t glance = 2;
  static constexpr std::uint32_t everything = ~std::uint32_t{0};

  enum class attempt { entered, refused, again };

  static std::uintptr_t address(segment& s) noexcept { return reinterpret_cast<std::uintptr_t>(std::addressof(s)); }
  static segment* segment_at(std::uintptr_t link) noexcept {
    return reinterpret_cast<segment*>(link & ~std::uintptr_t{1});
  }
  static bool is_closed(std::uintptr_t top) noexcept { return (top & closed) != 0; }
  static segment* older(segment& s) noexcept { return segment_at(s.older_.load(site::older_walk)); }
  /// Its capacity, without a load that the addresses of its slots would wait for.
  CTS_HOT std::size_t slots_of(segment* s) noexcept {
    return s == std::addressof(inline_segment()) ? Platform::inline_slots : Platform::segment_slots;
  }
  segment& inline_segment() noexcept { return inline_segment_; }

  /// unused or dead → live, and back if a canceller or a claimer came in between. `c` may be gone once it is published.
  CTS_HOT attempt publish(callback& c, segment& s, std::uintptr_t top, word gen,
                          typename segment::place const& p) noexcept {
    c.slot_.set(p.where);
    c.dead_.set(gen);
    word const mine = core::live(c);
    word expected = p.seen;
    if (!p.where->compare_exchange(expected, mine, site::slot_publish)) [[unlikely]]
      return collided();

    word const now = s.generation_.load(site::gen_recheck);
    std::uintptr_t const over = top_.load(site::top_recheck);
    if (now == gen && (over == top || !is_closed(over))) [[likely]] {
      s.advance(p);
      return attempt::entered;
    }
    return retract(c, p.where, mine, now, is_closed(over));
  }

  /// Two registrants met in one slot: time for the other one to go on without taking its cache lines away.
  CTS_COLD static attempt collided() noexcept {
    Platform::back_off();
    return attempt::again;
  }

  /// live → dead, as if the registration had not been.
  CTS_COLD attempt retract(callback& c, slot* where, word mine, word now, bool late) noexcept {
    word expected = mine;
    if (!where->compare_exchange(expected, segment::dead_from(now), site::slot_retract))
      return attempt::entered;  // the canceller has it
    c.slot_.set(nullptr);
    return late ? attempt::refused : attempt::again;
  }

  /// Makes room above or in the full (or sealed) top segment `s`; false if there is no memory.
  CTS_COLD bool grow(segment& s, word gen, bool may_claim) noexcept {
    if (may_claim) {
      if (s.restart(gen)) {
        hand_.store(0, site::hand_keep);
        return true;
      }
      if (recycle(segments_.get() >= limit_.get() ? everything : glance)) return true;
    }
    void* const storage = Platform::allocate(segment::bytes(Platform::segment_slots));
    if (storage == nullptr) return s.restart(gen) || recycle(everything);
    segment& fresh = *segment::build(storage, Platform::segment_slots);
    std::uintptr_t expected = address(s);
    fresh.older_.store(expected, site::older_link);
    if (top_.compare_exchange(expected, address(fresh), site::top_push)) {
      segments_.add(1);
    } else {
      release(fresh);  // another thread made room, or cancel came
    }
    return true;
  }

  enum class move { moved, in_use, contended };

  /// Moves one empty segment to the top, if it finds one before it has passed `patience` others. A glance sees what a
  /// burst has left. A sweep goes on where the last one stopped; a whole one knows how many segments are in use and
  /// lets the number of all grow to one and a half times that before the next one, so a registration pays O(1)
  /// amortized.
  bool recycle(std::uint32_t patience) noexcept {
    for (;;) {
      segment* const hand = segment_at(hand_.load(site::hand_find));
      segment* const start = hand != nullptr ? hand : segment_at(top_.load(site::top_find));
      std::uint32_t in_use = 1;  // the sweep's own count: overlapping sweeps must not add up
      segment* above = start;
      for (segment* s = older(*above); s != nullptr; above = s, s = older(*s)) {
        move const m = move_to_top(*above, *s);
        if (m == move::moved) {
          hand_.store(address(*above), site::hand_keep);
          return true;
        }
        if (m == move::in_use) ++in_use;
        if (s == start) in_use = 1;  // a segment moved under the sweep and led it back to the top: count anew
        if (--patience == 0) {
          hand_.store(0, site::hand_keep);
          return false;
        }
      }
      hand_.store(0, site::hand_keep);
      if (hand == nullptr) {
        limit_.set(in_use + in_use / 2 + 1);
        return false;
      }
      if (segments_.get() < limit_.get()) patience = glance;  // else the whole stack
    }
  }

  move move_to_top(segment& above, segment& s) noexcept {
    word const gen = s.generation_.load(site::gen_find);
    if (is_sealed(gen)) return move::contended;
    if (!s.claim(gen)) return move::in_use;
    if (!unlink(above, s)) {
      s.unseal();
      return move::contended;
    }
    push_marked(s);
    s.older_.fetch_xor(marked, site::older_unmark);
    s.open(gen);
    return move::moved;
  }

  /// Takes the claimed segment `s` from below `above`. On success its link stays marked.
  bool unlink(segment& above, segment& s) noexcept {
    std::uintptr_t const below = s.older_.fetch_or(marked, site::older_mark);
    std::uintptr_t expected = address(s);
    if (above.older_.compare_exchange(expected, below, site::older_unlink)) return true;
    s.older_.fetch_xor(marked, site::older_unmark);
    return false;
  }

  /// Links the segment `s` on top, even of a closed stack (I7); its own link stays marked until then, so that nobody
  /// unlinks through a segment that is not in the list.
  void push_marked(segment& s) noexcept {
    for (;;) {
      std::uintptr_t top = top_.load(site::top_find);  // again each time: what it links to must be visible here
      s.older_.store((top & ~closed) | marked, site::older_link);
      if (top_.compare_exchange(top, address(s) | (top & closed), site::top_push)) return;
    }
  }

  /// The slots of `s` below `from`, which is a multiple of a block, newest first.
  template <class Visit>
  CTS_HOT bool scan_segment(segment& s, std::size_t from, Visit& visit) noexcept {
    using block = typename segment::block;
    segment* const below = older(s);
    if constexpr (Platform::prefetch_distance > 0) Platform::prefetch(below);
    for (std::size_t i = from; i != 0;) {
      i -= block::size;
      block const b = s.look(i, site::slot_scan);
      prefetch_below(below, i);
      if (!b.any_live()) continue;
      prefetch_ahead(s, below, i);
      if (!core::step<Platform, newest_first<Platform>>::visit(s, i, b, visit)) return false;
    }
    return true;
  }

  /// Prefetches the line of `below` that the slot `i` is in, or where it would be if that segment has less slots: so
  /// segments far from each other are read ahead, a line at a time.
  CTS_HOT static void prefetch_below(segment* below, std::size_t i) noexcept {
    if constexpr (Platform::prefetch_distance > 0)
      Platform::prefetch(reinterpret_cast<void const*>(reinterpret_cast<std::uintptr_t>(below) + segment::bytes(i)));
  }
  /// Prefetches the callbacks of the block that comes `prefetch_distance` slots after the one from `first` on.
  CTS_HOT void prefetch_ahead(segment& s, segment* below, std::size_t first) noexcept {
    constexpr std::size_t ahead = Platform::prefetch_distance;
    static_assert(ahead % segment::block::size == 0, "a block ahead is a block");
    if constexpr (ahead > 0) {
      segment* const at = first >= ahead ? std::addressof(s) : below;
      if (at == nullptr) return;
      std::size_t const from = first >= ahead ? first - ahead : slots_of(at) + first - ahead;
      if (from >= slots_of(at)) return;  // it has less slots than that
      [&]<std::size_t... K>(std::index_sequence<K...>) {
        (Platform::prefetch(
             reinterpret_cast<void const*>(static_cast<std::uintptr_t>(at->at(from + K).load(site::slot_peek)))),
         ...);
      }
      (std::make_index_sequence<segment::block::size>());
    }
  }

  CTS_COLD void release_all(segment* s) noexcept {
    while (s != nullptr) {
      segment* const next = segment_at(s->older_.load(site::top_dispose));
      if (s != std::addressof(inline_segment())) release(*s);
      s = next;
    }
  }

  static void release(segment& s) noexcept {
    std::size_t const bytes = segment::bytes(s.capacity());
    segment::destroy(std::addressof(s));
    Platform::deallocate(std::addressof(s), bytes);
  }

  // TRICKY: top_ begins as the address of the inline segment, but no constant expression turns an address into an
  // integer. A ledger that is constant-initialized therefore begins with first_top_. No code ever stores that member,
  // the linker or the loader does; all code reads top_. The language leaves reading the other member of a union to the
  // compiler, and GCC, Clang and MSVC define it for members of one size and representation, as std_platform asserts
  // they are. A ledger whose constructor runs begins with top_. (A distance instead of an address would need no union,
  // but leak checkers would not find the segments of a registry that is never destroyed.)
  union {
    segment* first_top_;
    atomic<std::uintptr_t> top_;
  };
  // Where a sweep is, how many segments there are, and how many there may be before the next one.
  atomic<std::uintptr_t> hand_{0};
  hint<std::uint32_t> segments_{1};
  hint<std::uint32_t> limit_{2};
  // Here, so that its slots begin a line.
  whole_segment<Platform, Platform::inline_slots> inline_segment_;
};

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_SEGMENT_STACK_HPP
