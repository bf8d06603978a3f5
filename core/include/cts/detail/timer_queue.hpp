// SPDX-License-Identifier: BSL-1.0
/// @file
/// Armed timers by due time: a binary heap whose entries know where they are, so that any of them leaves in O(log n).
#pragma once
#ifndef CTS_DETAIL_TIMER_QUEUE_HPP
#define CTS_DETAIL_TIMER_QUEUE_HPP

#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "cts/version.hpp"

namespace cts { inline namespace CTS_ABI { namespace detail {

/// A timer, in its owner's memory. All of it is under its queue's lock.
struct timer_entry {
  using action = void (*)(timer_entry&) noexcept;

  timer_entry(action acquire_owner, action fire_and_release) noexcept : acquire(acquire_owner), fire(fire_and_release) {}
  timer_entry(timer_entry const&) = delete;
  timer_entry& operator=(timer_entry const&) = delete;

  action const acquire;  // under the lock: takes a reference to the owner
  action const fire;     // without the lock: fires, and gives the reference back
  static constexpr std::size_t nowhere = ~std::size_t{0};
  std::size_t place = nowhere;
  bool has_fired = false;  // since it was made
};

/// Not thread-safe: its owner has the lock.
class timer_queue {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Arms `e`, or changes when it is due. O(log n), usually O(1) for one that is due after the others. Throws std::bad_alloc; then
  /// nothing has changed.
  /// @return whether it is the first to be due now
  bool arm(timer_entry& e, time_point due) {
    if (e.place == timer_entry::nowhere) {
      heap_.push_back({due, &e});
      e.place = heap_.size() - 1;
      up(e.place);
    } else {
      heap_[e.place].due = due;
      up(e.place);
      down(e.place);
    }
    return e.place == 0;
  }
  /// O(log n).
  void disarm(timer_entry& e) noexcept {
    std::size_t const at = e.place;
    if (at == timer_entry::nowhere) return;
    e.place = timer_entry::nowhere;
    slot const last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) return;
    put(at, last);
    up(at);
    down(last.entry->place);
  }
  /// @return one that is due, with a reference to its owner, or null. It is disarmed and has fired from here on.
  timer_entry* pop(time_point now) noexcept {
    if (heap_.empty() || now < heap_[0].due) return nullptr;
    timer_entry& e = *heap_[0].entry;
    disarm(e);
    e.has_fired = true;
    e.acquire(e);
    return &e;
  }
  /// When the next one is due.
  std::optional<time_point> next() const noexcept {
    if (heap_.empty()) return std::nullopt;
    return heap_[0].due;
  }

 private:
  struct slot {
    time_point due;
    timer_entry* entry;
  };
  void put(std::size_t at, slot s) noexcept {
    heap_[at] = s;
    s.entry->place = at;
  }
  void up(std::size_t at) noexcept {
    slot const s = heap_[at];
    for (; at != 0 && s.due < heap_[(at - 1) / 2].due; at = (at - 1) / 2) put(at, heap_[(at - 1) / 2]);
    put(at, s);
  }
  void down(std::size_t at) noexcept {
    slot const s = heap_[at];
    for (std::size_t below; (below = 2 * at + 1) < heap_.size(); at = below) {
      if (below + 1 < heap_.size() && heap_[below + 1].due < heap_[below].due) ++below;
      if (!(heap_[below].due < s.due)) break;
      put(at, heap_[below]);
    }
    put(at, s);
  }
  std::vector<slot> heap_;
};

}  }  }  // namespace cts::detail

#endif  // CTS_DETAIL_TIMER_QUEUE_HPP
