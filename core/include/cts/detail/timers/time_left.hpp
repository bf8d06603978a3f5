// SPDX-License-Identifier: BSL-1.0
/// @file
/// The time until a timer cancels a source: its own timer, or one of a source above it.
#pragma once
#ifndef CTS_DETAIL_TIMERS_TIME_LEFT_HPP
#define CTS_DETAIL_TIMERS_TIME_LEFT_HPP

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>

#include "cts/detail/timers/duration.hpp"
#include "cts/detail/parts.hpp"
#include "cts/time_provider_interface.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The time until a timer cancels `s`; nothing if no timer will. Each timer counts by its own clock. A clock is foreign
/// code, so none is read under the readers' lock: a round notes up to eight clocks under it, in the order of their
/// addresses, and reads them afterwards. O(links), for each eight clocks. Throws what a clock throws.
inline std::optional<std::chrono::nanoseconds> time_left(state& s) {
  struct reading {
    time_provider* clock;  // null: the system's, which sorts first
    alarm::count due;
  };
  std::optional<std::chrono::nanoseconds> least;
  time_provider* last = nullptr;
  for (bool begun = false, more = true; more; begun = true) {
    std::array<reading, 8> found;
    std::size_t n = 0;
    more = false;
    s.visit_above([&](state& above) {
      alarm const* const a = above.timer();
      if (a == nullptr) return;
      reading r{a->clock(), a->due()};
      if (r.due == alarm::never || (begun && !std::less<>()(last, r.clock))) return;
      std::size_t i = 0;
      while (i < n && std::less<>()(found[i].clock, r.clock)) ++i;
      if (i < n && found[i].clock == r.clock) {
        found[i].due = (std::min)(found[i].due, r.due);
        return;
      }
      for (; i < n; ++i) std::swap(found[i], r);
      if (n < found.size()) found[n++] = r;
      else more = true;  // the highest address is left to the next round
    });
    for (std::size_t i = 0; i < n; ++i) {
      auto const now = found[i].clock != nullptr ? found[i].clock->now() : std::chrono::steady_clock::now();
      auto const left = (std::max)(
          std::chrono::nanoseconds::zero(),
          detail::time_between(now.time_since_epoch(), std::chrono::steady_clock::duration(found[i].due), "remaining"));
      if (!least || left < *least) least = left;
      last = found[i].clock;
    }
  }
  return least;
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_TIME_LEFT_HPP
