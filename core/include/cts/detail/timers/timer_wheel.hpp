// SPDX-License-Identifier: BSL-1.0
/// @file
/// Armed timers by due time: a hierarchical timing wheel (Varghese and Lauck, "Hashed and hierarchical timing wheels",
/// SOSP 1987).
///
/// Time is counted in ticks of 2^17 ns (131 µs). A wheel has 11 levels of 64 buckets; a bucket of level n spans 64^n
/// ticks.
///
///   T1  an entry that is due at the tick d is in the list of due entries if d ≤ now_, else in the bucket of the level
///   of the highest
///       group of six bits in which d and now_ differ, at the index that d has in that group;
///   T2  so all entries of a level are due before those of the levels above it, and within a level the buckets are in
///   order: the first
///       bucket that is not empty, from the lowest level up, has the earliest entry;
///   T3  now_ moves to the beginning of that bucket only, and the bucket's entries are then spread over the levels
///   below. A bucket that is
///       not yet empty of them is the one that is spread first (spreading_).
///
/// To arm and to disarm is O(1) and touches the entry and its neighbours; nothing allocates. An entry is spread at most
/// 11 times before it is due. pop() spreads a bounded number of entries a call, so that whoever holds the lock of a
/// wheel holds it briefly.
#pragma once
#ifndef CTS_DETAIL_TIMERS_TIMER_WHEEL_HPP
#define CTS_DETAIL_TIMERS_TIMER_WHEEL_HPP

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "cts/core/platform.hpp"
#include "cts/core/slot.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

struct timer_entry;

/// What the owner of a timer does for its queue.
struct timer_actions {
  void (*acquire)(timer_entry&) noexcept;  ///< under the lock of the wheel: takes a reference to the owner
  void (*release)(timer_entry&) noexcept;  ///< without the lock: gives that reference back
  void (*fire)(timer_entry&) noexcept;     ///< without the lock: the timer is due; gives the reference back, too
};

/// A timer, in its owner's memory. Everything but `owner` is under the lock of its wheel.
struct timer_entry {
  explicit timer_entry(timer_actions const& a) noexcept : actions(&a) {}
  timer_entry(timer_entry const&) = delete;
  timer_entry& operator=(timer_entry const&) = delete;
  bool is_armed() const noexcept { return next != nullptr; }

  timer_actions const* const actions;
  timer_entry* next = nullptr;  // its neighbours in a circular list; null: it is not armed
  timer_entry* previous = nullptr;
  std::uint64_t due = 0;  // the tick
  std::uint16_t bucket = 0;
  bool has_fired = false;     // since it was made
  std::uint32_t armings = 0;  // how often it has been armed
};

/// Not thread-safe: its owner has the lock.
/// @tparam Platform says which defect is built in
template <class Platform>
class basic_timer_wheel {
 public:
  using tick = std::uint64_t;
  static constexpr tick never = ~tick{0};
  static constexpr unsigned tick_bits = 17;

  /// The tick by which `at` has come: a timer never fires early. Times before the epoch are due at once.
  static constexpr tick due_tick(std::chrono::nanoseconds at) noexcept {
    if (at.count() <= 0) return 0;
    return (static_cast<tick>(at.count()) + ((tick{1} << tick_bits) - 1)) >> tick_bits;
  }
  /// The tick that is over at `now`.
  static constexpr tick current_tick(std::chrono::nanoseconds now) noexcept {
    return now.count() <= 0 ? 0 : static_cast<tick>(now.count()) >> tick_bits;
  }
  /// When that tick begins; the largest number of nanoseconds if it is beyond that.
  static constexpr std::chrono::nanoseconds time_of(tick t) noexcept {
    constexpr tick end = static_cast<tick>((std::chrono::nanoseconds::max)().count()) >> tick_bits;
    if (t > end) return (std::chrono::nanoseconds::max)();
    return std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(t << tick_bits));
  }

  constexpr basic_timer_wheel() noexcept = default;
  basic_timer_wheel(basic_timer_wheel const&) = delete;
  basic_timer_wheel& operator=(basic_timer_wheel const&) = delete;

  /// Arms `e`, which is not armed. Entries of one tick fire in the order in which they were armed, if no spreading
  /// comes between. O(1).
  void arm(timer_entry& e, tick due) noexcept {
    e.due = due;
    ++e.armings;
    place(e);
  }
  /// O(1). Does nothing if `e` is not armed.
  void disarm(timer_entry& e) noexcept {
    if (e.is_armed() && !Platform::mutation(mutation::disarmed_in_vain)) unlink(e);
  }

  /// A tick before which nothing is due; the exact one unless many entries share the first bucket. `never`: nothing is
  /// armed.
  tick next() const noexcept {
    if (buckets_[due_list] != nullptr || spreading_ != none) return now_;
    std::size_t const b = first_bucket();
    if (b == none) return never;
    if (b < per_level) return start_of(b);
    timer_entry const* e = buckets_[b];
    tick least = e->due;
    for (unsigned n = 0; n < glance; ++n) {
      if (Platform::mutation(mutation::wheel_looks_at_one)) return least;
      e = e->next;
      if (e == buckets_[b]) return least;
      if (e->due < least) least = e->due;
    }
    return start_of(b);
  }

  /// Takes out the earliest entry that is due at the tick `now` (those that were due already when they were armed come
  /// last), with a reference to its owner; it counts as fired from here on. Null if there is none, or if spreading has
  /// used up `steps`; then it is to be called again.
  timer_entry* pop(tick now, unsigned& steps) noexcept {
    while (buckets_[due_list] == nullptr) {
      if (spreading_ == none) {
        std::size_t const b = first_bucket();
        if (b == none || (start_of(b) > now && !Platform::mutation(mutation::wheel_runs_ahead))) {
          if (now > now_) now_ = now;
          return nullptr;
        }
        if (!Platform::mutation(mutation::wheel_stands_still)) now_ = start_of(b);
        spreading_ = b;
      }
      if (!spread(steps)) return nullptr;
    }
    timer_entry& e = *buckets_[due_list];
    unlink(e);
    if (!Platform::mutation(mutation::shot_leaves_no_trace)) e.has_fired = true;
    e.actions->acquire(e);
    return &e;
  }

 private:
  static constexpr unsigned group = 6;
  static constexpr std::size_t per_level = std::size_t{1} << group;
  static constexpr std::size_t levels = 11;  // 66 bits
  static constexpr std::size_t due_list = levels * per_level;
  static constexpr std::size_t none = ~std::size_t{0};
  static constexpr unsigned glance = 8;  // how many entries next() looks at

  /// T1.
  void place(timer_entry& e) noexcept {
    std::size_t b = due_list;
    if (e.due > now_) {
      auto const level = static_cast<std::size_t>(63 - std::countl_zero(e.due ^ now_)) / group;
      auto const index = core::narrowed<std::size_t>((e.due >> (level * group)) % per_level);
      b = level * per_level + index;
      used_[level] |= std::uint64_t{1} << index;
    }
    e.bucket = static_cast<std::uint16_t>(b);
    timer_entry*& first = buckets_[b];
    if (first == nullptr) {
      first = e.next = e.previous = &e;
    } else {
      e.next = first;
      e.previous = first->previous;
      e.previous->next = &e;
      first->previous = &e;
    }
  }
  void unlink(timer_entry& e) noexcept {
    timer_entry*& first = buckets_[e.bucket];
    if (e.next == &e) {
      first = nullptr;
      if (e.bucket != due_list)
        used_[e.bucket / per_level] &= Platform::mutation(mutation::wheel_forgets_level)
                                           ? std::uint64_t{0}
                                           : ~(std::uint64_t{1} << (e.bucket % per_level));
      if (spreading_ == e.bucket) spreading_ = none;
    } else {
      e.previous->next = e.next;
      e.next->previous = e.previous;
      if (first == &e) first = e.next;
    }
    e.next = e.previous = nullptr;
  }
  /// T3. False if `steps` are used up first.
  bool spread(unsigned& steps) noexcept {
    while (spreading_ != none) {
      if (steps == 0) return false;
      --steps;
      timer_entry& e = *buckets_[spreading_];
      unlink(e);  // the last one ends the spreading
      place(e);
      if (Platform::mutation(mutation::wheel_spreads_one)) spreading_ = none;
    }
    return true;
  }
  /// T2.
  std::size_t first_bucket() const noexcept {
    for (std::size_t level = 0; level < levels; ++level)
      if (used_[level] != 0) return level * per_level + static_cast<std::size_t>(std::countr_zero(used_[level]));
    return none;
  }
  /// The first tick of a bucket of entries that are due after now_: the groups above its level are those of now_.
  tick start_of(std::size_t bucket) const noexcept {
    std::size_t const level = bucket / per_level, shift = level * group;
    tick const above = shift + group < 64 ? now_ >> (shift + group) << (shift + group) : 0;
    return above | tick{bucket % per_level} << shift;
  }

  tick now_ = 0;
  std::size_t spreading_ = none;
  std::uint64_t used_[levels]{};          // which buckets of a level are not empty
  timer_entry* buckets_[due_list + 1]{};  // each the first entry of a list; the last one: what is due
};

using timer_wheel = basic_timer_wheel<core::std_platform>;

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_TIMER_WHEEL_HPP
