// SPDX-License-Identifier: BSL-1.0
/// @file
/// The delays that sources accept. R76.
#pragma once
#ifndef CTS_DETAIL_DELAY_HPP
#define CTS_DETAIL_DELAY_HPP

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "cts/version.hpp"

namespace cts { inline namespace CTS_ABI {

/// As a delay: never. R77.
inline constexpr std::chrono::milliseconds infinite{-1};

namespace detail {

/// @return whole milliseconds, truncated toward zero; negative: never. Throws std::out_of_range for what lies outside
/// −1 … 4294967294 then, NaN included.
template <class Rep, class Period>
std::chrono::milliseconds checked_delay(std::chrono::duration<Rep, Period> delay, char const* where) {
  constexpr long double max = 4294967294.0L;
  long double const ms = static_cast<long double>(delay.count()) * (1000.0L * Period::num / Period::den);
  if (!(ms > -2.0L && ms < max + 1))
    throw std::out_of_range(std::string(where) + ": the delay is " + std::to_string(ms) +
                            " ms; allowed are 0 to 4294967294 ms, and -1 ms (cts::infinite) for never");
  return std::chrono::milliseconds(static_cast<std::int64_t>(ms));
}

}  // namespace detail
}  }  // namespace cts

#endif  // CTS_DETAIL_DELAY_HPP
