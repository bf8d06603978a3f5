// SPDX-License-Identifier: BSL-1.0
/// @file
/// Durations and points in time of any clock in fixed units, without overflow.
///
/// std::chrono converts by multiplying in the common type. That overflows for hours::max() and loses digits in floating
/// point. Here an integer count is scaled exactly, at any ratio. A number is a whole part and a rest, whose denominator
/// is that of the period. Multiplication adds and doubles such numbers. The whole part saturates. 64 bits are enough.
///
/// Any other count is scaled in its own floating-point type, or in long double if it has none. The product is rounded
/// once and the quotient once, as in std::chrono and in .NET's TimeSpan.TotalMilliseconds: 0.015 s is 15 ms. The result
/// may still be a little less than a whole number, and a delay then truncates it: 1.001 s is 1000 ms.
#pragma once
#ifndef CTS_DETAIL_TIMERS_DURATION_HPP
#define CTS_DETAIL_TIMERS_DURATION_HPP

#include <bit>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The largest whole part, which stands for all larger numbers, too.
inline constexpr std::uint64_t saturated = (std::numeric_limits<std::uint64_t>::max)() >> 1;

/// whole + rest / Den, exact as long as `whole` is below `saturated`. rest < Den < 2^63.
template <std::uint64_t Den>
struct fraction {
  std::uint64_t whole;
  std::uint64_t rest;

  constexpr fraction plus(fraction other) const noexcept {
    std::uint64_t const r = rest + other.rest;
    std::uint64_t const w = whole + other.whole + (r >= Den ? 1 : 0);  // 2^64 - 1 at most
    return {w < saturated ? w : saturated, r >= Den ? r - Den : r};
  }
  /// O(bits of n).
  constexpr fraction times(std::uint64_t n) const noexcept {
    fraction sum{0, 0};
    for (int bit = static_cast<int>(std::bit_width(n)); bit-- > 0;) {
      sum = sum.plus(sum);
      if ((n >> bit & 1) != 0) sum = sum.plus(*this);
    }
    return sum;
  }
};

/// `count` times Period, in units of which PerSecond make a second.
template <class Period, std::uint64_t PerSecond>
constexpr auto scale(std::uint64_t count) noexcept {
  constexpr auto num = static_cast<std::uint64_t>(Period::num), den = static_cast<std::uint64_t>(Period::den);
  using result = fraction<den>;
  constexpr result one = result{num / den, num % den}.times(PerSecond);
  if constexpr (one.rest == 0) {  // one multiplication
    return count <= saturated / one.whole ? result{count * one.whole, 0} : result{saturated, 0};
  } else if constexpr (num == 1 && den % PerSecond == 0) {  // one division
    constexpr std::uint64_t parts = den / PerSecond;
    return result{count / parts < saturated ? count / parts : saturated, count % parts * PerSecond};
  } else {
    return one.times(count);
  }
}

/// Whether durations that count in Rep are scaled exactly.
template <class Rep>
inline constexpr bool is_exact = std::numeric_limits<Rep>::is_integer&& std::numeric_limits<Rep>::digits <= 64 &&
                                 !std::chrono::treat_as_floating_point_v<Rep>;

/// `count` as a Number: directly, or by way of std::intmax_t, like std::chrono, if its class converts to nothing else.
template <class Number, class Rep>
constexpr Number number_of(Rep const& count) {
  if constexpr (requires { static_cast<Number>(count); }) return static_cast<Number>(count);
  else return static_cast<Number>(static_cast<std::intmax_t>(count));
}

/// An integer as its sign and its distance from zero.
struct magnitude {
  template <class Rep>
  explicit constexpr magnitude(Rep count) noexcept
      : negative(count < Rep(0)),
        value(negative ? std::uint64_t{0} - static_cast<std::uint64_t>(detail::number_of<std::int64_t>(count))
                       : detail::number_of<std::uint64_t>(count)) {}
  bool negative;
  std::uint64_t value;
};

template <class Rep>
using floating_of = std::conditional_t<std::is_floating_point_v<Rep>, Rep, long double>;

/// Like scale(), for a count that is not an integer.
template <std::intmax_t PerSecond, class Rep, class Period>
floating_of<Rep> scale_floating(std::chrono::duration<Rep, Period> time) {
  using number = floating_of<Rep>;
  constexpr std::intmax_t common = std::gcd(PerSecond, Period::den), times = PerSecond / common,
                          parts = Period::den / common;
  // TRICKY: volatile rounds each step to its type. Otherwise an x87 processor keeps more digits, and 0.015 s is 14 ms.
  number volatile v = detail::number_of<number>(time.count());
  if constexpr (Period::num != 1 || times != 1) v = v * (static_cast<number>(Period::num) * static_cast<number>(times));
  if constexpr (parts != 1) v = v / static_cast<number>(parts);
  return v;
}

/// False for NaN.
template <class Rep, class Period>
constexpr bool is_number(std::chrono::duration<Rep, Period> time) noexcept {
  if constexpr (is_exact<Rep>) return true;
  else return !std::isnan(detail::number_of<floating_of<Rep>>(time.count()));
}
template <class Rep, class Period>
void require_number(std::chrono::duration<Rep, Period> time, char const* where) {
  if (!detail::is_number(time))
    throw std::out_of_range(std::string(where) + ": the time is not a number (NaN); any number is allowed");
}

/// `time` in nanoseconds, rounded up, so that a wait does not end early. Saturates. Throws std::out_of_range for NaN.
template <class Rep, class Period>
std::chrono::nanoseconds nanoseconds_up(std::chrono::duration<Rep, Period> time, [[maybe_unused]] char const* where) {
  using limits = std::numeric_limits<std::int64_t>;
  if constexpr (is_exact<Rep>) {
    magnitude const m(time.count());
    auto const ns = detail::scale<Period, 1'000'000'000>(m.value);
    if (m.negative) return std::chrono::nanoseconds(-static_cast<std::int64_t>(ns.whole));
    return std::chrono::nanoseconds(static_cast<std::int64_t>(ns.whole) +
                                    (ns.rest != 0 && ns.whole < saturated ? 1 : 0));
  } else {
    detail::require_number(time, where);
    auto const ns = static_cast<long double>(detail::scale_floating<1'000'000'000>(time));
    if (ns >= static_cast<long double>((limits::max)())) return (std::chrono::nanoseconds::max)();
    if (ns <= static_cast<long double>((limits::min)())) return (std::chrono::nanoseconds::min)();
    return std::chrono::nanoseconds(static_cast<std::int64_t>(std::ceil(ns)));
  }
}

/// The end of a wait of `time` that begins now; now, if `time` is negative. Nothing if it is more than a hundred years
/// away, because some standard libraries overflow when they convert such a time. Throws std::out_of_range for NaN.
template <class Rep, class Period>
std::optional<std::chrono::steady_clock::time_point> end_of_wait(std::chrono::duration<Rep, Period> time,
                                                                 char const* where) {
  using clock = std::chrono::steady_clock;
  std::chrono::nanoseconds const ns = detail::nanoseconds_up(time, where);
  auto const now = clock::now();
  if (ns <= ns.zero()) return now;
  if (ns > std::chrono::hours(24 * 365 * 100)) return std::nullopt;
  return now + std::chrono::ceil<clock::duration>(ns);
}

/// A point in time: whole seconds, which saturate, and 0 to 1'000'000'000 nanoseconds more.
struct instant {
  std::int64_t seconds;
  std::int64_t nanoseconds;
};

enum class rounding : bool { down, up };

/// Throws std::out_of_range for NaN.
template <class Rep, class Period>
instant to_instant(std::chrono::duration<Rep, Period> since_epoch, rounding to, [[maybe_unused]] char const* where) {
  constexpr std::int64_t second = 1'000'000'000;
  constexpr auto most = static_cast<std::int64_t>(saturated);
  if constexpr (is_exact<Rep>) {
    magnitude const m(since_epoch.count());
    auto const s = detail::scale<Period, 1>(m.value);
    auto const ns = decltype(s){0, s.rest}.times(second);
    auto const seconds = static_cast<std::int64_t>(s.whole);
    bool const more = ns.rest != 0 && (to == rounding::up) != m.negative;
    std::int64_t const nanoseconds = static_cast<std::int64_t>(ns.whole) + (more ? 1 : 0);
    if (!m.negative) return {seconds, nanoseconds};
    return nanoseconds == 0 ? instant{-seconds, 0} : instant{-seconds - 1, second - nanoseconds};
  } else {
    detail::require_number(since_epoch, where);
    auto const s = static_cast<long double>(detail::scale_floating<1>(since_epoch));
    if (s >= static_cast<long double>(most)) return {most, 0};
    if (s <= -static_cast<long double>(most)) return {-most, 0};
    long double const whole = std::floor(s), ns = (s - whole) * static_cast<long double>(second);
    return {static_cast<std::int64_t>(whole),
            static_cast<std::int64_t>(to == rounding::up ? std::ceil(ns) : std::floor(ns))};
  }
}

/// The nanoseconds from `now` to `when` on one clock, rounded up. Exact if both count in nanoseconds or coarser units;
/// otherwise less than 2 ns too many. Saturates. Throws std::out_of_range for NaN.
template <class Rep1, class Period1, class Rep2, class Period2>
std::chrono::nanoseconds time_between(std::chrono::duration<Rep1, Period1> now,
                                      std::chrono::duration<Rep2, Period2> when, char const* where) {
  constexpr std::int64_t second = 1'000'000'000, most = (std::numeric_limits<std::int64_t>::max)() / second - 1;
  instant const b = detail::to_instant(when, rounding::up, where), a = detail::to_instant(now, rounding::down, where);
  using limits = std::numeric_limits<std::int64_t>;
  bool const beyond = a.seconds < 0 ? b.seconds > (limits::max)() + a.seconds : b.seconds < (limits::min)() + a.seconds;
  std::int64_t const seconds = beyond ? 0 : b.seconds - a.seconds;
  if (beyond ? a.seconds < 0 : seconds > most) return (std::chrono::nanoseconds::max)();
  if (beyond || seconds < -most) return (std::chrono::nanoseconds::min)();
  std::chrono::nanoseconds const left(seconds * second + (b.nanoseconds - a.nanoseconds));
  // Rounding up must not move a moment that has come into the future.
  if constexpr (std::is_same_v<Period1, Period2> && std::is_same_v<Rep1, Rep2>) {
    if (when.count() <= now.count() && left > left.zero()) return left.zero();
  }
  return left;
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_TIMERS_DURATION_HPP
