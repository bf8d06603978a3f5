// SPDX-License-Identifier: BSL-1.0
/// @file
/// The list of segments below `top`, and how a registrant makes room in it. A full top segment is, in this order:
/// restarted in place if it is empty; covered by an empty segment from further down; covered by a new one.
/// In a large list new ones come in slabs, so that a walk stays inside few pages. Those below the first of a slab are
/// empty segments from further down as all others.
///
/// An empty segment leaves the list by Harris' algorithm (DISC 2001): the mover marks the segment's own link, so that
/// the segment below cannot be unlinked through it, then swings the link above. Nobody helps or waits: a mover that
/// fails removes the mark and allocates (G11).
#pragma once
#ifndef CTS_CORE_RECYCLING_HPP
#define CTS_CORE_RECYCLING_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include "cts/core/segment.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

template <class Platform>
class segment_list {
  template <class T>
  using atomic = typename Platform::template atomic<T>;
  template <class T>
  using hint = typename Platform::template hint<T>;
  using segment = core::segment<Platform>;

 public:
  using link = typename segment::link;

  constexpr segment_list() noexcept {}  // top_ is set by begin()
  /// Puts `first`, which is constructed, on top. Comes first.
  constexpr void begin(segment& first) noexcept {
    if (std::is_constant_evaluated()) first_top_ = std::addressof(first);
    else ::new (static_cast<void*>(std::addressof(top_))) atomic<link>(segment::to(first));
  }
  segment_list(segment_list const&) = delete;
  segment_list& operator=(segment_list const&) = delete;
  ~segment_list() { std::destroy_at(std::addressof(top_)); }

  static constexpr link closed = 1;  ///< in top, beside the address
  static bool is_closed(link top) noexcept { return (top & closed) != 0; }

  link top() const noexcept { return top_.load(site::top_find); }
  link top_again() const noexcept { return top_.load(site::top_recheck); }
  /// Closes the list to registrants (G3). Returns top as it was.
  link close() noexcept { return top_.fetch_or(closed, site::top_close); }

  /// Makes room above or in the full or sealed top segment `s`. False: there is no memory (G15).
  CTS_COLD bool make_room(segment& s, word gen, bool may_claim) noexcept {
    if (may_claim) {
      if (s.restart(gen)) {
        sweep_from_top();
        return true;
      }
      if (sweep(segments_.get() >= limit_.get() ? everything : glance)) return true;
    }
    std::size_t const slab = (std::min)(segments_.get() / Platform::slab_part, std::size_t{Platform::slab_segments});
    return (slab > 1 && push_new(s, slab)) || push_new(s, 1) || s.restart(gen) || sweep(everything);
  }
  /// The next sweep begins at the top.
  void sweep_from_top() noexcept { hand_.store(0, site::hand_keep); }

  /// Frees every segment but `first`.
  CTS_HOT void release_grown(segment& first) noexcept {
    segment* const top = segment::from(top_.load(site::top_dispose));
    if (top != std::addressof(first) || first.last_older() != nullptr) [[unlikely]]
      release_all(top);
  }
  /// Closed from now on, for a registration after dispose.
  void forget(segment& first) noexcept { top_.store(segment::to(first) | closed, site::top_forget); }

 private:
  static constexpr std::uint32_t glance = 2;
  static constexpr std::uint32_t everything = ~std::uint32_t{0};

  /// Covers `s` with so many new segments, of which those below the top wait for a sweep. False: there is no memory.
  bool push_new(segment& s, std::size_t count) noexcept {
    constexpr std::size_t capacity = Platform::segment_slots;
    void* const storage = Platform::allocate(segment::bytes(capacity, count));
    if (storage == nullptr) return false;
    link expected = segment::to(s);
    segment& fresh = *segment::build(storage, capacity, count, expected);
    if (top_.compare_exchange(expected, segment::to(fresh), site::top_push)) {
      segments_.add(static_cast<std::uint32_t>(count));
      if (count > 1) sweep_from_top();
    } else release(fresh);  // another thread made room, or cancel came
    return true;
  }

  enum class move { moved, in_use, contended };

  /// Moves one empty segment to the top, if it finds one among `patience`. A glance looks at two, which a burst
  /// may have emptied. A whole sweep counts the segments in use; the next one comes when there are one and a half times
  /// as many: O(1) amortized, and bounded (G14).
  bool sweep(std::uint32_t patience) noexcept {
    for (;;) {
      segment* const hand = segment::from(hand_.load(site::hand_find));
      segment* const start = hand != nullptr ? hand : segment::from(top());
      std::uint32_t in_use = 1;  // not shared: overlapping sweeps must not add up
      segment* above = start;
      for (segment* s = above->older(); s != nullptr; above = s, s = s->older()) {
        move const m = move_to_top(*above, *s);
        if (m == move::moved) {
          hand_.store(segment::to(*above), site::hand_keep);
          return true;
        }
        if (m == move::in_use) ++in_use;
        if (s == start) in_use = 1;  // a moved segment has led back to the top
        if (--patience == 0) {
          sweep_from_top();
          return false;
        }
      }
      sweep_from_top();
      if (hand == nullptr) {
        limit_.set(in_use + in_use / 2 + 1);
        return false;
      }
      if (segments_.get() < limit_.get()) patience = glance;  // else the whole list
    }
  }

  move move_to_top(segment& above, segment& s) noexcept {
    word const gen = s.generation();
    if (is_sealed(gen)) return move::contended;
    if (!s.claim(gen)) return move::in_use;
    if (!unlink(above, s)) {
      s.unseal();
      return move::contended;
    }
    s.unmark(push_marked(s));
    s.open(gen);
    return move::moved;
  }

  /// Takes the claimed segment `s` from below `above`. On success its link stays marked.
  static bool unlink(segment& above, segment& s) noexcept {
    link const below = s.mark();
    if (above.unlink(s, below)) return true;
    s.unmark();
    return false;
  }

  /// Links `s` on top, even of a closed list (I7), its own link still marked: nobody may unlink through it before. From
  /// the first attempt on, its link may lead a canceller that stands on `s` back up, so it is late (I7).
  /// @return the bits of its link that end now: a link on top of an open list is no longer late
  link push_marked(segment& s) noexcept {
    for (;;) {
      link expected = top();  // again each time: the segment it links to must be visible here
      s.link_to((expected & ~closed) | segment::mark_bit | segment::late_bit);
      if (top_.compare_exchange(expected, segment::to(s) | (expected & closed), site::top_push))
        return segment::mark_bit | (is_closed(expected) ? link{0} : segment::late_bit);
    }
  }

  /// Two walks, as the list leads through slabs in any order.
  CTS_COLD static void release_all(segment* s) noexcept {
    segment* blocks = nullptr;
    for (segment* next; s != nullptr; s = next) {
      next = s->last_older();
      if (!s->begins_block()) continue;  // nor does the first segment of all
      s->link_to(reinterpret_cast<link>(blocks));
      blocks = s;
    }
    for (segment* next; blocks != nullptr; blocks = next) {
      next = blocks->last_older();
      release(*blocks);
    }
  }
  static void release(segment& s) noexcept {
    std::size_t const bytes = segment::destroy(std::addressof(s));
    Platform::deallocate(std::addressof(s), bytes);
  }

  // TRICKY: no constant expression turns an address into an integer, so a constant-initialized list begins with
  // first_top_; all code reads top_. GCC, Clang and MSVC define that for members of one size and representation, which
  // std_platform asserts. (With a distance instead, leak checkers would not find the segments.)
  union {
    segment* first_top_;
    atomic<link> top_;
  };
  atomic<link> hand_{0};  // where the next sweep begins; 0: at the top
  hint<std::uint32_t> segments_{1};
  hint<std::uint32_t> limit_{2};  // how many there may be before the next whole sweep
};

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_RECYCLING_HPP
