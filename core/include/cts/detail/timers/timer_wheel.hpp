// SPDX-License-Identifier: BSL-1.0
/// @file
/// Armed timers by due time: a hierarchical timing wheel (Varghese and Lauck, "Hashed and hierarchical timing wheels",
/// SOSP 1987). Guarantee G17.
///
/// Time is counted in ticks of 2^17 ns (131 µs). A wheel has 11 levels of 64 buckets. A bucket of level n spans 64^n
/// ticks. A due tick is read as groups of six bits, one for each level:
///
///     level 10      …      level 2     level 1     level 0
///     bits 60–63    …      12–17       6–11        0–5
///
///   T1  An entry with the due tick d is in the list of due entries if d ≤ now. Otherwise it is in the level of the
///       highest group in which d and now differ, in the bucket whose index is that group of d.
///   T2  So every entry of a level is due before every entry of a higher level, and the buckets of a level are in
///   order.
///       The first nonempty bucket, from the lowest level up, holds the earliest entry.
///   T3  `now` moves to the beginning of that bucket only. The bucket's entries are then spread over the levels below.
///       While some of them are left, the bucket is named by `spreading` and is spread before anything else.
///
/// Arming and disarming are O(1), touch the entry and its neighbours, and allocate nothing. An entry is spread at most
/// 11 times. One call of pop() spreads a bounded number of entries, so a wheel's lock is held briefly.
#pragma once
#ifndef CTS_DETAIL_TIMERS_TIMER_WHEEL_HPP
#define CTS_DETAIL_TIMERS_TIMER_WHEEL_HPP

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "cts/core/slot.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

struct timer_entry;

/// The owner of a timer, as the timers see it.
struct timer_actions {
  void (*acquire)(timer_entry&) noexcept;  ///< takes a reference to the owner; called under the wheel's lock
  void (*release)(timer_entry&) noexcept;  ///< gives that reference back; called without the lock
  void (*fire)(timer_entry&) noexcept;     ///< runs the timer and gives the reference back; called without the lock
};

/// A timer, in its owner's memory. Everything but `actions` is read and written under the lock of its wheel.
struct timer_entry {
  explicit timer_entry(timer_actions const& a) noexcept : actions(&a) {}
  timer_entry(timer_entry const&) = delete;
  timer_entry& operator=(timer_entry const&) = delete;
  bool is_armed() const noexcept { return next != nullptr; }

  timer_actions const* const actions;
  timer_entry* next = nullptr;  // the neighbours in a circular list; null: not armed
  timer_entry* previous = nullptr;
  std::uint64_t due = 0;  // in ticks
  std::uint16_t bucket = 0;
  bool has_fired = false;     // since it was made
  std::uint32_t armings = 0;  // how often it has been armed
};

/// The wheel's arithmetic: where an entry belongs and how the wheel moves.
struct wheel_moves {
  using tick = std::uint64_t;
  static constexpr unsigned group_bits = 6;
  static constexpr std::size_t per_level = std::size_t{1} << group_bits;
  static constexpr std::size_t levels = 11;  // of 6 bits each: 66 bits
  static constexpr std::size_t due_list = levels * per_level;
  static constexpr std::size_t none = ~std::size_t{0};
  /// How many entries of a bucket next() compares.
  static constexpr unsigned most_compared = 8;

  /// T3. How far the wheel has moved.
  struct position {
    tick now = 0;
    std::size_t spreading = none;  // the bucket that is being spread
  };

  /// T1. The bucket of an entry that is due at `due`.
  static std::size_t bucket_of(tick due, tick now) noexcept {
    if (due <= now) return due_list;
    auto const level = static_cast<std::size_t>(63 - std::countl_zero(due ^ now)) / group_bits;
    return level * per_level + core::narrowed<std::size_t>((due >> (level * group_bits)) % per_level);
  }
  /// The first tick of a bucket whose entries are due after `now`: above its level, the groups are those of `now`.
  static tick start_of(std::size_t bucket, tick now) noexcept {
    std::size_t const level = bucket / per_level, shift = level * group_bits;
    tick const above = shift + group_bits < 64 ? now >> (shift + group_bits) << (shift + group_bits) : 0;
    return above | tick{bucket % per_level} << shift;
  }
  static bool has_begun(tick start, tick now) noexcept { return start <= now; }
  /// T3. The wheel moves to the beginning of `bucket`, which is then spread.
  static position begin_spreading(position at, std::size_t bucket) noexcept {
    return {start_of(bucket, at.now), bucket};
  }
  /// T3. An entry of `bucket` was taken out. The last one ends the spreading.
  static position after_unlink(position at, std::size_t bucket, bool is_empty) noexcept {
    return is_empty && at.spreading == bucket ? position{at.now, none} : at;
  }
  /// The nonempty buckets of a level, a bit each, when `bucket` has become empty.
  static std::uint64_t without(std::uint64_t used, std::size_t bucket) noexcept {
    return used & ~(std::uint64_t{1} << (bucket % per_level));
  }
  /// A tick before which no entry of a bucket is due: exact if all entries were compared, else the bucket's beginning.
  static tick earliest(bool all_compared, tick least, tick start) noexcept { return all_compared ? least : start; }
};

/// Not thread-safe: the caller holds the wheel's lock.
template <class Moves>
class basic_timer_wheel {
 public:
  using tick = wheel_moves::tick;
  static constexpr tick never = ~tick{0};
  static constexpr unsigned tick_bits = 17;

  /// The tick at whose beginning `at` has come: a timer never fires early. Times before the epoch are due at once.
  static constexpr tick due_tick(std::chrono::nanoseconds at) noexcept {
    if (at.count() <= 0) return 0;
    return (static_cast<tick>(at.count()) + ((tick{1} << tick_bits) - 1)) >> tick_bits;
  }
  /// The last tick that has begun at `now`.
  static constexpr tick current_tick(std::chrono::nanoseconds now) noexcept {
    return now.count() <= 0 ? 0 : static_cast<tick>(now.count()) >> tick_bits;
  }
  /// The beginning of a tick; the largest number of nanoseconds if it is later than that.
  static constexpr std::chrono::nanoseconds time_of(tick t) noexcept {
    constexpr tick end = static_cast<tick>((std::chrono::nanoseconds::max)().count()) >> tick_bits;
    if (t > end) return (std::chrono::nanoseconds::max)();
    return std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(t << tick_bits));
  }

  constexpr basic_timer_wheel() noexcept = default;
  basic_timer_wheel(basic_timer_wheel const&) = delete;
  basic_timer_wheel& operator=(basic_timer_wheel const&) = delete;

  /// Arms `e`, which is not armed. Entries of one tick fire in the order in which they were armed, unless one of them
  /// was spread meanwhile. O(1).
  void arm(timer_entry& e, tick due) noexcept {
    e.due = due;
    ++e.armings;
    link(e);
  }
  /// Disarms `e`; does nothing if it is not armed. O(1).
  void disarm(timer_entry& e) noexcept {
    if (e.is_armed()) unlink(e);
  }

  /// @return a tick before which nothing is due; the exact one unless the first bucket has many entries; `never` if
  /// nothing is armed
  tick next() const noexcept {
    if (buckets_[due_list] != nullptr || at_.spreading != none) return at_.now;
    std::size_t const b = first_bucket();
    if (b == none) return never;
    tick const start = Moves::start_of(b, at_.now);
    if (b < per_level) return start;
    timer_entry const* const first = buckets_[b];
    timer_entry const* e = first->next;
    tick least = first->due;
    for (unsigned compared = 1; e != first && compared < Moves::most_compared; ++compared) {
      if (e->due < least) least = e->due;
      e = e->next;
    }
    return Moves::earliest(e == first, least, start);
  }

  /// Takes out the earliest entry that is due at the tick `now`, with a reference to its owner. The entry counts as
  /// fired from here on. Entries that were due already when they were armed come last.
  /// @return null if nothing is due, or if spreading has used up `steps`; in that case call again
  timer_entry* pop(tick now, unsigned& steps) noexcept {
    while (buckets_[due_list] == nullptr) {
      if (at_.spreading == none && !begin_spreading(now)) return nullptr;
      if (!spread(steps)) return nullptr;
    }
    timer_entry& e = *buckets_[due_list];
    unlink(e);
    e.has_fired = true;
    e.actions->acquire(e);  // W3
    return &e;
  }

 private:
  static constexpr std::size_t per_level = wheel_moves::per_level;
  static constexpr std::size_t levels = wheel_moves::levels;
  static constexpr std::size_t due_list = wheel_moves::due_list;
  static constexpr std::size_t none = wheel_moves::none;

  void link(timer_entry& e) noexcept {
    std::size_t const b = Moves::bucket_of(e.due, at_.now);
    if (b != due_list) used_[b / per_level] |= std::uint64_t{1} << (b % per_level);
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
    std::size_t const b = e.bucket;
    timer_entry*& first = buckets_[b];
    bool const is_last = e.next == &e;
    if (is_last) {
      first = nullptr;
      if (b != due_list) used_[b / per_level] = Moves::without(used_[b / per_level], b);
    } else {
      e.previous->next = e.next;
      e.next->previous = e.previous;
      if (first == &e) first = e.next;
    }
    at_ = Moves::after_unlink(at_, b, is_last);
    e.next = e.previous = nullptr;
  }
  /// False if no bucket has begun at `now`; then the wheel moves to `now`.
  bool begin_spreading(tick now) noexcept {
    std::size_t const b = first_bucket();
    if (b != none && Moves::has_begun(Moves::start_of(b, at_.now), now)) {
      at_ = Moves::begin_spreading(at_, b);
      return true;
    }
    if (now > at_.now) at_.now = now;
    return false;
  }
  /// T3. False if `steps` are used up before the bucket is empty.
  bool spread(unsigned& steps) noexcept {
    while (at_.spreading != none) {
      if (steps == 0) return false;
      --steps;
      timer_entry& e = *buckets_[at_.spreading];
      unlink(e);  // the last one ends the spreading
      link(e);
    }
    return true;
  }
  /// T2.
  std::size_t first_bucket() const noexcept {
    for (std::size_t level = 0; level < levels; ++level)
      if (used_[level] != 0) return level * per_level + static_cast<std::size_t>(std::countr_zero(used_[level]));
    return none;
  }

  wheel_moves::position at_;
  std::uint64_t used_[levels]{};          // the nonempty buckets of each level, a bit each
  timer_entry* buckets_[due_list + 1]{};  // the first entry of each list; the last list holds the due entries
};

using timer_wheel = basic_timer_wheel<wheel_moves>;

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_TIMER_WHEEL_HPP
