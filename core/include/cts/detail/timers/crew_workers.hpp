// SPDX-License-Identifier: BSL-1.0
/// @file
/// The library threads of a service (timer_service.hpp), each in its own frame, and the list of them.
#pragma once
#ifndef CTS_DETAIL_TIMERS_CREW_WORKERS_HPP
#define CTS_DETAIL_TIMERS_CREW_WORKERS_HPP

#include <chrono>
#include <cstdint>

#include "cts/core/platform.hpp"
#include "cts/detail/timers/crew_rules.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// A library thread.
struct crew_worker {
  explicit crew_worker(std::uintptr_t thread) noexcept : name(thread) {}
  crew_worker* next = nullptr;
  std::uintptr_t const name;
  unsigned generation = 0;
  bool is_busy = false;          // it runs a callback,
  bool is_blocked = false;       // which has cost it the keeper's role,
  bool has_called_stop = false;  // or has called stop()
  std::chrono::nanoseconds idle_since{};
};

/// Not thread-safe. Every search is O(threads).
template <class Platform>
class crew_workers {
  using rules = core::step<Platform, crew_rules>;

 public:
  void add(crew_worker& w) noexcept {
    w.next = first_;
    first_ = &w;
  }
  void remove(crew_worker& w) noexcept {
    crew_worker** at = &first_;
    while (*at != &w) at = &(*at)->next;
    *at = w.next;
  }
  /// The calling thread, if it is one of them.
  crew_worker* find_calling() const noexcept {
    crew_worker* w = first_;
    while (w != nullptr && w->name != Platform::this_thread()) w = w->next;
    return w;
  }
  /// Whether stop() waits for a callback, on another thread than `but`.
  bool stop_waits_for_callback(crew_worker const* but = nullptr) const noexcept {
    for (crew_worker const* w = first_; w != nullptr; w = w->next)
      if (w != but && rules::stop_waits_for(w->is_busy, w->has_called_stop)) return true;
    return false;
  }
  /// Forgets the others, which a fork has not copied. @return the calling thread, if it is one of them
  crew_worker* keep_calling() noexcept {
    crew_worker* const mine = find_calling();
    if (mine != nullptr) {
      mine->next = nullptr;
      mine->is_blocked = false;
    }
    return first_ = mine;
  }

 private:
  crew_worker* first_ = nullptr;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_CREW_WORKERS_HPP
