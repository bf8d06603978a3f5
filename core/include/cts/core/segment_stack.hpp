// SPDX-License-Identifier: BSL-1.0
/// @file
/// A stack of segments, the newest on top: the whole protocol but for the flag that pollers read.
///
///   top ─▶ segment ─older─▶ segment ─older─▶ … ─▶ inline segment ─older─▶ null
///
///   I5  A segment with a live registration is reachable from top. From any segment ever linked, `older` leads to every
///       linked segment below it.
///   I6  A segment on top is newer than those below it: registrants enter only the top one.
///   I7  After top is closed, only segments are pushed that were empty when they were claimed. Their links are late:
///       they lead a canceller that stands on such a segment back up. It goes on below the last segment of which a
///       callback has run, so that no registration that came too late for its walk runs after older ones (G9), and none
///       is passed over (G3). Such a segment may itself have run a callback: one that came after the claim and was
///       taken before its registrant retracted it (G4).
///   I8  Segments are not freed before dispose, so a stale pointer is readable.
///   I9  After `most_claims` attempts to make room, a registration stops claiming segments and allocates, unless
///       allocation fails (G11).
///   I10 Who pushes a segment sees the construction of all segments below: the push acquires that of the one it covers,
///       even if that one is not where it was when the pusher chose it (G14). So a link may be swung without a release.
#pragma once
#ifndef CTS_CORE_SEGMENT_STACK_HPP
#define CTS_CORE_SEGMENT_STACK_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "cts/core/callback.hpp"
#include "cts/core/recycling.hpp"
#include "cts/core/segment.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// The result of try_register.
enum class register_result : std::uint8_t {
  registered,     ///< a cancel runs it, or is running it, unless it is unregistered first
  canceled,       ///< cancel came first: it is not registered and does not run
  out_of_memory,  ///< the registry could not grow: it is not registered, nothing else has changed
  disposed        ///< the registry was disposed without being canceled: it is not registered
};

/// The step of a scan that visits a block.
template <class Platform>
struct newest_first {
  using segment = core::segment<Platform>;
  using block = typename segment::block;

  template <class Visit>
  CTS_HOT static bool visit_block(segment& s, std::size_t first, block const& b, Visit& visit) noexcept {
    return [&]<std::size_t... K>(std::index_sequence<K...>) {
      return (visit_one(s, first + block::size - 1 - K, b.words[block::size - 1 - K], visit) && ...);
    }
    (std::make_index_sequence<block::size>());
  }

 protected:
  template <class Visit>
  CTS_HOT static bool visit_one(segment& s, std::size_t i, word w, Visit& visit) noexcept {
    return !is_live(w) || visit(s, s.at(i), w);
  }
};

/// The last step of a registration that found neither room nor memory (G15).
template <class Platform>
struct failed_growth {
  static register_result answer(basic_callback<Platform>& c) noexcept {
    c.slot_.set(nullptr);
    return register_result::out_of_memory;
  }
};

/// @tparam InlineSlots slots in it, before it grows
template <class Platform, std::size_t InlineSlots = Platform::inline_slots>
class segment_stack {
  using list = segment_list<Platform>;
  using link = typename list::link;
  using slot = basic_slot<Platform>;
  using callback = basic_callback<Platform>;

 public:
  using segment = core::segment<Platform>;
  using place = segment;  ///< where a scan begins

  constexpr segment_stack() noexcept { list_.begin(inline_segment_); }

  /// Registers in the top segment: finds a slot, publishes, reads top and the generation again (G3).
  CTS_HOT register_result try_register(callback& c) noexcept {
    link const top = list_.top();
    if (list::is_closed(top)) [[unlikely]]
      return refuse(c);
    segment& s = *reinterpret_cast<segment*>(top);
    word const gen = s.generation();
    if (position const p = s.find(gen); p.what == outcome::found) [[likely]]
      if (publish(c, s, top, gen, p) == attempt::registered) [[likely]]
        return register_result::registered;
    return try_register_anew(c);
  }

  /// Closes the stack to registrants. Returns its top to the one thread that did it, else null (G1).
  segment* close() noexcept {
    link const before = list_.close();
    return list::is_closed(before) ? nullptr : segment::from(before);
  }
  segment* top() const noexcept { return segment::from(list_.top()); }

  /// For the canceller: visits the live slots from the segment `s` down, newest first (G9); `visit(segment, slot,
  /// word)` returns false to stop. False if it stopped.
  template <class Visit>
  CTS_HOT bool scan(segment* s, Visit visit) noexcept {
    return scan_from<walker::canceller>(s, false, visit);
  }
  /// For others: the same from the top.
  template <class Visit>
  bool scan(Visit visit) noexcept {
    return scan_from<walker::other>(top(), false, visit);
  }
  /// The same from just below the slot `at` of the segment `in`, which it finds in O(1).
  template <class Visit>
  bool scan_on(void* in, slot& at, Visit visit) noexcept {
    segment& s = *static_cast<segment*>(in);
    std::size_t i = static_cast<std::size_t>(std::addressof(at) - std::addressof(s.at(0)));
    for (; i % block::size != 0; --i) {  // the rest of its block
      slot& here = s.at(i - 1);
      word const w = here.read(site::slot_scan);
      if (is_live(w) && !visit(s, here, w)) return false;
    }
    bool begun = true;
    return scan_segment(s, i, visit) && scan_from<walker::canceller>(below<walker::canceller>(s, begun), begun, visit);
  }

  /// Whether `at` is a slot of this stack. O(slots).
  bool holds(void const* at) const noexcept {
    for (segment* s = top(); s != nullptr; s = s->older())
      for (std::size_t i = 0; i < s->capacity(); ++i)
        if (std::addressof(s->at(i)) == at) return true;
    return false;
  }

  /// Frees every segment but the inline one. Comes last.
  CTS_HOT void release_grown() noexcept { list_.release_grown(inline_segment_); }
  void forget() noexcept { list_.forget(inline_segment_); }

 private:
  using outcome = typename segment::outcome;
  using position = typename segment::position;
  using block = typename segment::block;

  enum class attempt { registered, refused, again };
  enum class walker { canceller, other };

  /// Its capacity, without a load that the addresses of its slots would wait for.
  CTS_HOT std::size_t slots_of(segment* s) noexcept {
    return s == std::addressof(inline_segment_) ? InlineSlots : Platform::segment_slots;
  }

  static register_result refuse(callback& c) noexcept {
    c.slot_.set(nullptr);  // it may lead into a registry that is gone
    return register_result::canceled;
  }
  /// The rest of try_register(): it is out of line, so that the first attempt needs few registers and no stack.
  CTS_COLD register_result try_register_anew(callback& c) noexcept {
    unsigned attempts = 0;
    for (bool first = true;; first = false) {
      link const top = list_.top();
      if (list::is_closed(top)) return refuse(c);
      segment& s = *reinterpret_cast<segment*>(top);
      word const gen = s.generation();
      position const p = s.find_anew(gen, first);
      if (p.what == outcome::found) {
        attempt const made = publish(c, s, top, gen, p);
        if (made == attempt::registered) return register_result::registered;
        if (made == attempt::refused) return register_result::canceled;
      } else if (p.what == outcome::restarted) {
        list_.sweep_from_top();  // the segments below may be empty, too
      } else if (!list_.make_room(s, gen, attempts++ < Platform::most_claims)) {
        return core::step<Platform, failed_growth<Platform>>::answer(c);
      }
    }
  }

  /// `c` may be gone once it is published.
  CTS_HOT attempt publish(callback& c, segment& s, link top, word gen, position const& p) noexcept {
    c.slot_.set(p.where);
    c.dead_.set(gen);
    word const mine = core::live(c);
    if (!p.where->publish(p.seen, mine)) [[unlikely]]
      return collided();
    word const now = s.generation_again();
    link const over = list_.top_again();
    if (now == gen && (over == top || !list::is_closed(over))) [[likely]] {
      s.advance(p);
      return attempt::registered;
    }
    return retract(c, *p.where, mine, now, list::is_closed(over));
  }
  /// Two registrants met in one slot: leaves the cache lines to the other one for a while.
  CTS_COLD static attempt collided() noexcept {
    Platform::back_off();
    return attempt::again;
  }
  /// A canceller or a claimer came in between: it has the callback, or the registration never was (G4).
  CTS_COLD attempt retract(callback& c, slot& where, word mine, word now, bool late) noexcept {
    if (!where.retract(mine, segment::dead_under(now))) {
      // TRICKY: the load orders what this thread registers next after the canceller's close. Else it could go into the
      // generation that has begun meanwhile, below this one (G9).
      static_cast<void>(where.read(site::slot_too_late));
      return attempt::registered;
    }
    c.slot_.set(nullptr);
    return late ? attempt::refused : attempt::again;
  }

  /// @param begun whether a link that is not late has been followed; those above the first such link lead down
  template <walker Who, class Visit>
  CTS_HOT bool scan_from(segment* s, bool begun, Visit& visit) noexcept {
    while (s != nullptr) {
      if (!scan_segment(*s, slots_of(s), visit)) return false;
      s = below<Who>(*s, begun);
    }
    return true;
  }
  template <walker Who>
  CTS_HOT segment* below(segment& at, bool& begun) noexcept {
    link const next = at.older_link();
    bool const late = segment::is_late(next);
    segment* const on = late && begun ? behind_late_link(at, next, Who) : segment::from(next);
    begun = begun || !late;
    return on;
  }
  /// Where a walk goes on that stands on `at`, whose link is late. If `at` is in the stack, its pusher is on its way,
  /// and the link leads down. Else the canceller goes on below the last segment of which a callback has run: it visited
  /// each slot above, so what is live there came too late and is retracted (G3). If none has run, it begins anew. So do
  /// others, as the canceller may be in the middle of that segment.
  CTS_COLD segment* behind_late_link(segment& at, link next, walker who) noexcept {
    for (;;) {
      segment* const first = first_not_late();
      segment* on = first;  // read at once, with the look: a segment that has run may move after it
      bool found = false;
      segment* s = first;
      do {
        bool const ran = who == walker::canceller && s->has_run();
        found = found || s == std::addressof(at);
        s = s->older();
        if (ran) on = s;
      } while (s != nullptr && s != first);
      // This look was led back up if it meets `first` again, or if `first` has moved.
      if (s == nullptr && first == first_not_late()) return found ? segment::from(next) : on;
    }
  }
  /// TRICKY: who registers in a segment has seen that its link is no longer late. So the slots are read first: else the
  /// link could read as late still, and a paused notification would pass over the segment (G3).
  segment* first_not_late() noexcept {
    for (segment* s = top();;) {
      for (std::size_t i = 0; i < s->capacity(); i += block::size) static_cast<void>(s->look(i, site::slot_scan));
      link const below = s->older_link();
      if (!segment::is_late(below)) return s;
      s = segment::from(below);
    }
  }
  template <class Visit>
  CTS_HOT bool scan_segment(segment& s, std::size_t from, Visit& visit) noexcept {
    segment* const below = s.older();
    if constexpr (Platform::prefetch_distance > 0) Platform::prefetch(below);
    for (std::size_t i = from; i != 0;) {
      i -= block::size;
      block const b = s.look(i, site::slot_scan);
      prefetch_below(below, i);
      if (!b.any_live()) continue;
      prefetch_ahead(s, below, i);
      if (!core::step<Platform, newest_first<Platform>>::visit_block(s, i, b, visit)) return false;
    }
    return true;
  }
  /// Prefetches `below`, line by line as the scan goes on.
  CTS_HOT static void prefetch_below(segment* below, std::size_t i) noexcept {
    if constexpr (Platform::prefetch_distance > 0)
      Platform::prefetch(reinterpret_cast<void const*>(reinterpret_cast<std::uintptr_t>(below) + segment::bytes(i)));
  }
  /// Prefetches the callbacks of the block `prefetch_distance` slots ahead.
  CTS_HOT void prefetch_ahead(segment& s, segment* below, std::size_t first) noexcept {
    constexpr std::size_t ahead = Platform::prefetch_distance;
    static_assert(ahead % block::size == 0, "a block ahead is a block");
    if constexpr (ahead > 0) {
      segment* const at = first >= ahead ? std::addressof(s) : below;
      if (at == nullptr) return;
      std::size_t const from = first >= ahead ? first - ahead : slots_of(at) + first - ahead;
      if (from >= slots_of(at)) return;  // it has fewer slots
      [&]<std::size_t... K>(std::index_sequence<K...>) {
        (Platform::prefetch(reinterpret_cast<void const*>(static_cast<std::uintptr_t>(at->at(from + K).peek()))), ...);
      }
      (std::make_index_sequence<block::size>());
    }
  }

  list list_;
  static_assert(InlineSlots % block::size == 0, "a segment is scanned in whole blocks");

  whole_segment<Platform, InlineSlots> inline_segment_;  // last, so that its slots begin a line
};

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_SEGMENT_STACK_HPP
