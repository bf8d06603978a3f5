// SPDX-License-Identifier: BSL-1.0
/// @file
/// A stack of few slots in place, for a registry that is small itself. What growing needs is made when it grows: the
/// annex, a segment stack on the heap.
///
///     top      0          none but the slots in place
///              address    the annex: newer than the slots in place
///              | 1        closed to registrants
///
///   J1  A registrant takes the slot just above the highest used one, so it sits above each registration that happened
///       before it. If the last slot is used, it links the annex.
///   J2  A registrant that finds the annex enters only the annex, which stays until dispose. So each registration in
///       the annex is newer than those in place (G9).
///   J3  After top is closed, no annex is linked. Who may run callbacks closes the annex before it walks.
///   J4  No slot in place moves, and none is reset: a dead one holds 0, and there is no generation. A registrant whose
///       compare-and-swap finds the 0 of a later moment is concurrent with all that was in the slot meanwhile.
///
/// All bits of a new stack are zero, so making one costs few stores.
#pragma once
#ifndef CTS_CORE_COMPACT_STACK_HPP
#define CTS_CORE_COMPACT_STACK_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

#include "cts/core/callback.hpp"
#include "cts/core/segment_stack.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// Bytes that nothing is written to. Not initialized.
template <std::size_t Bytes>
struct gap {
  constexpr gap() noexcept {}  // NOLINT(modernize-use-equals-default): that would initialize them
  std::byte unused[Bytes];
};
template <>
struct gap<0> {};

/// Looks at every slot of a registry, for reports: core/inspector.hpp.
template <class Inspected>
struct inspector;

/// The step of a registrant that looks for a slot (J1).
template <class Platform>
struct above_the_highest {
  /// @return the number of the slot; that of slots: there is none
  template <class Slots>
  CTS_HOT static std::size_t find(Slots const& in_place) noexcept {
    std::size_t i = in_place.size();
    while (i != 0 && in_place[i - 1].peek() == dead(0)) --i;
    return i;
  }
};

/// The step of a canceller: the annex first, because it is newer (J2).
template <class Platform>
struct annex_first {
  template <class Annex, class Slots>
  CTS_HOT static bool scan(Annex annex, Slots in_place) noexcept {
    return annex() && in_place();
  }
};

/// As segment_stack.
/// @tparam Gap bytes between top and the slots
template <class Platform, std::size_t Gap = 0>
class compact_stack {
  template <class T>
  using atomic = typename Platform::template atomic<T>;
  // As a burst of a few callbacks needs: 256 bytes in production.
  using annex_stack = segment_stack<Platform, (std::min)(3 * Platform::inline_slots, Platform::segment_slots)>;
  using link = std::uintptr_t;
  using slot = basic_slot<Platform>;
  using callback = basic_callback<Platform>;

 public:
  /// Where a scan begins.
  using place = compact_stack;

  constexpr compact_stack() noexcept = default;
  compact_stack(compact_stack const&) = delete;
  compact_stack& operator=(compact_stack const&) = delete;

  CTS_HOT register_result try_register(callback& c) noexcept {
    for (;;) {
      link const top = top_.load(site::top_find);
      if (top != 0) [[unlikely]]
        return register_beyond(c, top);
      std::size_t const i = find::find(slots_);
      if (i == in_place) [[unlikely]] {
        if (!make_room()) return core::step<Platform, failed_growth<Platform>>::answer(c);
        continue;
      }
      attempt const made = publish(c, slots_[i]);
      if (made == attempt::registered) [[likely]]
        return register_result::registered;
      if (made == attempt::refused) return register_result::canceled;
    }
  }

  /// Closes the stack to registrants. Returns where a scan begins to the one thread that did it, else null (G1).
  place* close() noexcept {
    link const before = top_.fetch_or(closed, site::top_close);
    if ((before & ~closed) != 0) [[unlikely]]
      annex_of(before).close();  // J3
    return is_closed(before) ? nullptr : this;
  }
  place* top() const noexcept { return const_cast<place*>(this); }

  /// Visits the live slots, newest first (G9), as segment_stack::scan.
  template <class Visit>
  CTS_HOT bool scan(place*, Visit visit) noexcept {
    return scan_all(visit, [&](annex_stack& annex) { return annex.scan(annex.top(), visit); });
  }
  template <class Visit>
  bool scan(Visit visit) noexcept {
    return scan_all(visit, [&](annex_stack& annex) { return annex.scan(visit); });
  }
  /// The same from just below the slot `at`, which was visited in `in`.
  template <class Visit>
  bool scan_on(void* in, slot& at, Visit visit) noexcept {
    if (in == this) return scan_below(static_cast<std::size_t>(std::addressof(at) - slots_.data()), visit);
    return annex_of(top_.load(site::top_find)).scan_on(in, at, visit) && scan_below(in_place, visit);
  }

  /// For visitors of slots in place, as segment::give_back (J4).
  static void give_back(slot& at) noexcept { at.release(dead(0)); }

  /// Whether `at` is a slot of this stack. O(slots).
  bool holds(void const* at) const noexcept {
    for (slot const& s : slots_)
      if (std::addressof(s) == at) return true;
    link const top = top_.load(site::top_find) & ~closed;
    return top != 0 && annex_of(top).holds(at);
  }

  /// Frees the annex. Comes last.
  CTS_HOT void release_grown() noexcept {
    link const top = top_.load(site::top_dispose) & ~closed;
    if (top != 0) [[unlikely]]
      release(annex_of(top));
  }
  void forget() noexcept { top_.store(closed, site::top_forget); }

 private:
  friend inspector<compact_stack>;
  static constexpr link closed = 1;  ///< in top, beside the address
  static constexpr std::size_t in_place = (std::min)(Platform::inline_slots, std::size_t{4});
  using find = core::step<Platform, above_the_highest<Platform>>;

  enum class attempt { registered, refused, again };

  static bool is_closed(link top) noexcept { return (top & closed) != 0; }
  static annex_stack& annex_of(link top) noexcept { return *reinterpret_cast<annex_stack*>(top & ~closed); }

  /// For a registrant that finds the stack closed, or the annex.
  CTS_HOT register_result register_beyond(callback& c, link top) noexcept {
    if (!is_closed(top)) return annex_of(top).try_register(c);
    c.slot_.set(nullptr);  // it may lead into a registry that is gone
    return register_result::canceled;
  }
  /// `c` may be gone once it is published.
  CTS_HOT attempt publish(callback& c, slot& where) noexcept {
    c.slot_.set(std::addressof(where));
    c.dead_.set(dead(0));
    word const mine = core::live(c);
    if (!where.publish(dead(0), mine)) [[unlikely]]
      return collided();
    if (is_closed(top_.load(site::top_recheck))) [[unlikely]]
      return retract(c, where, mine);
    return attempt::registered;
  }
  /// Two registrants met in one slot: leaves the cache line to the other one for a while.
  CTS_COLD static attempt collided() noexcept {
    Platform::back_off();
    return attempt::again;
  }
  /// A canceller came in between: it has the callback, or the registration never was (G4).
  CTS_COLD static attempt retract(callback& c, slot& where, word mine) noexcept {
    if (!where.retract(mine, dead(0))) return attempt::registered;
    c.slot_.set(nullptr);
    return attempt::refused;
  }

  /// Links the annex. False: there is no memory, and no slot either (G15).
  CTS_COLD bool make_room() noexcept {
    void* const storage = Platform::allocate(sizeof(annex_stack));
    if (storage == nullptr) return find::find(slots_) != in_place || top_.load(site::top_find) != 0;
    auto& fresh = *::new (storage) annex_stack;
    link expected = 0;
    if (!top_.compare_exchange(expected, reinterpret_cast<link>(std::addressof(fresh)), site::top_push))
      release(fresh);  // another thread made room, or cancel came
    return true;
  }
  CTS_COLD static void release(annex_stack& annex) noexcept {
    annex.release_grown();
    std::destroy_at(std::addressof(annex));
    Platform::deallocate(std::addressof(annex), sizeof(annex_stack));
  }

  template <class Visit, class ScanAnnex>
  CTS_HOT bool scan_all(Visit& visit, ScanAnnex scan_annex) noexcept {
    return core::step<Platform, annex_first<Platform>>::scan(
        [&] {
          link const top = top_.load(site::top_find) & ~closed;
          if (top == 0) [[likely]]
            return true;
          return scan_annex(annex_of(top));
        },
        [&] { return scan_below(in_place, visit); });
  }
  /// The slots in place below number `i`.
  template <class Visit>
  CTS_HOT bool scan_below(std::size_t i, Visit& visit) noexcept {
    while (i-- != 0) {
      word const w = slots_[i].read(site::slot_scan);
      if (is_live(w) && !visit(*this, slots_[i], w)) return false;
    }
    return true;
  }

  template <std::size_t... K>
  static constexpr std::array<slot, in_place> all_dead(std::index_sequence<K...>) noexcept {
    return {slot(dead(K * 0))...};
  }

  atomic<link> top_{0};
  [[no_unique_address]] gap<Gap> gap_;
  std::array<slot, in_place> slots_ = all_dead(std::make_index_sequence<in_place>());
};

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_COMPACT_STACK_HPP
