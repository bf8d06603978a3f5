// SPDX-License-Identifier: BSL-1.0
/// @file
/// The delays that sources accept (R76).
#pragma once
#ifndef CTS_DETAIL_TIMERS_DELAY_HPP
#define CTS_DETAIL_TIMERS_DELAY_HPP

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "cts/detail/timers/duration.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// @param where the name of the called function, for the message
[[noreturn]] inline void throw_delay(double ms, char const* where) {
  char text[32];
  std::snprintf(text, sizeof text, "%.15g", ms);
  throw std::out_of_range(std::string(where) + ": the delay is " + text +
                          " ms; allowed are 0 to 4294967294 ms, and -1 ms (cts::infinite) for never");
}

/// The delay in whole milliseconds, truncated toward zero; negative means never. Integers are exact. A floating-point
/// delay is first rounded to milliseconds in its own type, like .NET's TimeSpan.TotalMilliseconds. Throws
/// std::out_of_range if the result is not in −1 … 4294967294, or is NaN. A constant expression if Rep is an integer.
template <class Rep, class Period>
constexpr std::chrono::milliseconds checked_delay(std::chrono::duration<Rep, Period> delay, char const* where) {
  if constexpr (is_exact<Rep>) {
    magnitude const m(delay.count());
    auto const ms = detail::scale<Period, 1000>(m.value).whole;
    if (ms <= (m.negative ? 1 : 4294967294))
      return std::chrono::milliseconds(m.negative ? -static_cast<std::int64_t>(ms) : static_cast<std::int64_t>(ms));
  } else {
    auto const ms = static_cast<long double>(detail::scale_floating<1000>(delay));
    if (ms > -2 && ms < 4294967295.0L) return std::chrono::milliseconds(static_cast<std::int64_t>(ms));
  }
  detail::throw_delay(static_cast<double>(detail::scale_floating<1000>(delay)), where);
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_DELAY_HPP
