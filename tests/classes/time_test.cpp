// SPDX-License-Identifier: BSL-1.0
// Delays (R76), waits with a limit (R87), points in time, and the manual clock: every unit, and the ends of each range.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <ratio>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "must_end.hpp"
#include "rules.hpp"

namespace cts::test {
namespace {

// --- delays ---

/// count * num * per / den, truncated, by long arithmetic. Digits of 16 bits, the lowest first.
class oracle {
 public:
  oracle(std::uint64_t count, std::uint64_t num, std::uint64_t per, std::uint64_t den) {
    std::vector<std::uint64_t> product{1};
    for (std::uint64_t const factor : {count, num, per}) product = times(product, factor);
    for (std::size_t i = product.size(); i-- > 0;)
      for (int bit = 16; bit-- > 0;) {
        rest_ = 2 * rest_ + (product[i] >> bit & 1);
        large_ = large_ || whole_ >> 63 != 0;
        whole_ = 2 * whole_ + (rest_ >= den ? 1 : 0);
        if (rest_ >= den) rest_ -= den;
      }
  }
  bool is_more_than(std::uint64_t n) const { return large_ || whole_ > n; }
  std::uint64_t whole() const { return whole_; }
  bool has_rest() const { return rest_ != 0; }

 private:
  static std::vector<std::uint64_t> times(std::vector<std::uint64_t> const& a, std::uint64_t b) {
    std::vector<std::uint64_t> sum(a.size() + 5);
    for (std::size_t i = 0; i < a.size(); ++i) {
      std::uint64_t carry = 0;
      for (std::size_t k = 0; k < 5; ++k) {
        std::uint64_t const digit = k < 4 ? b >> (16 * k) & 0xffff : 0;
        std::uint64_t const t = sum[i + k] + a[i] * digit + carry;
        sum[i + k] = t & 0xffff;
        carry = t >> 16;
      }
    }
    return sum;
  }
  std::uint64_t whole_ = 0, rest_ = 0;
  bool large_ = false;
};

/// Counts to try: the ends of the type, the counts at the ends of the range of delays, and random ones.
template <class Rep, class Period>
std::vector<Rep> counts() {
  using limits = std::numeric_limits<Rep>;
  std::vector<Rep> all;
  // Powers of two are exact even if a long double has 53 bits; Rep's greatest value is not.
  long double const above = std::ldexp(1.0L, limits::digits), lowest = limits::is_signed ? -above : 0.0L;
  auto const add = [&](long double v) {
    for (int d = -2; d <= 2; ++d)
      if (v + d >= lowest && v + d < above) all.push_back(static_cast<Rep>(v + d));
  };
  long double const unit =
      1000.0L * static_cast<long double>(Period::num) / static_cast<long double>(Period::den);  // ms
  for (long double const ms : {-2.0L, -1.5L, -1.0L, -0.5L, 0.0L, 0.5L, 1.0L, 1.5L, 14.0L, 1000.0L, 86400e3L,
                               4294967294.0L, 4294967295.0L, 4294967296.0L})
    add(std::floor(ms / unit));
  for (int d = 0; d < 3; ++d) {
    all.push_back(static_cast<Rep>((limits::min)() + static_cast<Rep>(d)));
    all.push_back(static_cast<Rep>((limits::max)() - static_cast<Rep>(d)));
  }
  std::mt19937_64 random(15);
  for (int n = 0; n < 300; ++n) {
    std::uint64_t const bits = random() >> random() % 64;
    all.push_back(static_cast<Rep>(bits));
    if (std::is_signed_v<Rep>) all.push_back(static_cast<Rep>(std::uint64_t{0} - bits));
    add(static_cast<long double>(random() % 4294967296) / unit);
  }
  return all;
}

template <class Rep, class Period>
void delays_are_exact() {
  using period = typename std::chrono::duration<Rep, Period>::period;
  int wrong = 0;
  for (Rep const count : counts<Rep, period>()) {
    bool const negative = count < Rep(0);
    std::uint64_t const size =
        negative ? std::uint64_t{0} - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
    oracle const want(size, static_cast<std::uint64_t>(period::num), 1000, static_cast<std::uint64_t>(period::den));
    bool const allowed = !want.is_more_than(negative ? 1 : 4294967294);
    std::string got, expected = "out of range";
    if (allowed)
      expected =
          std::to_string(negative ? -static_cast<std::int64_t>(want.whole()) : static_cast<std::int64_t>(want.whole()));
    try {
      got = std::to_string(detail::checked_delay(std::chrono::duration<Rep, Period>(count), "test").count());
    } catch (std::out_of_range const&) { got = "out of range"; }
    if (got != expected && ++wrong <= 3)
      ADD_FAILURE() << +count << " times " << period::num << "/" << period::den << " s is " << got << " ms instead of "
                    << expected;
  }
  EXPECT_EQ(wrong, 0) << "with " << period::num << "/" << period::den << " s";
}
template <class Period>
void delays_are_exact_in_every_type() {
  delays_are_exact<std::int8_t, Period>();
  delays_are_exact<std::uint8_t, Period>();
  delays_are_exact<std::int16_t, Period>();
  delays_are_exact<std::uint16_t, Period>();
  delays_are_exact<std::int32_t, Period>();
  delays_are_exact<std::uint32_t, Period>();
  delays_are_exact<std::int64_t, Period>();
  delays_are_exact<std::uint64_t, Period>();
}
template <class... Periods>
void delays_are_exact_in_all() {
  (delays_are_exact_in_every_type<Periods>(), ...);
}
TEST(Delay, IntegersAreConvertedExactlyInStandardUnits) {
  delays_are_exact_in_all<std::nano, std::micro, std::milli, std::centi, std::deci, std::ratio<1>, std::ratio<60>,
                          std::ratio<3600>, std::chrono::days::period, std::chrono::weeks::period,
                          std::chrono::months::period, std::chrono::years::period>();
}
TEST(Delay, IntegersAreConvertedExactlyInOddUnits) {
  constexpr std::intmax_t most = (std::numeric_limits<std::intmax_t>::max)();
  delays_are_exact_in_all<std::ratio<1, 30>, std::ratio<1001, 30000>, std::ratio<1, 60>, std::ratio<1, 44100>,
                          std::ratio<1, 90000>, std::ratio<1, 10'000'000>, std::ratio<7, 3>, std::ratio<1001>,
                          std::ratio<1, 1024>, std::pico, std::femto, std::atto, std::kilo, std::mega, std::giga,
                          std::tera, std::peta, std::exa>();
  delays_are_exact_in_all<std::ratio<1, most>, std::ratio<most>, std::ratio<most - 1, most>, std::ratio<most, most - 1>,
                          std::ratio<most, 2>, std::ratio<2, most>,
                          std::ratio<999'999'999'999'999'989, 1'000'000'000'000'000'000>,
                          std::ratio<1'000'000'007, 998'244'353'000'000'003>, std::ratio<6, 4000>>();
}
static_assert(detail::checked_delay(14000us, "test") == 14ms);
TEST(Delay, FloatingOnesAreRoundedToMillisecondsOfTheirTypeFirst) {
  auto const ms = [](auto d) { return detail::checked_delay(d, "test").count(); };
  using namespace std::chrono;
  for (int n = 0; n < 20000; ++n) {
    double volatile const seconds = n / 1000.0,
                          product = seconds * 1000;  // each step in double, like TimeSpan.TotalMilliseconds
    ASSERT_EQ(ms(duration<double>(seconds)), static_cast<std::int64_t>(product));
    ASSERT_EQ(ms(duration<double, std::micro>(n * 1000.0)), n);
    ASSERT_EQ(ms(duration<double, std::nano>(n * 1e6)), n);
  }
  EXPECT_EQ(ms(duration<double>(0.015)), 15);
  EXPECT_EQ(ms(duration<float>(0.015F)), 15);
  EXPECT_EQ(ms(duration<double>(1.001)), 1000) << "the product is less than 1001";
  EXPECT_EQ(ms(duration<double, std::milli>(-1.9)), -1);
  EXPECT_EQ(ms(duration<double, std::milli>(-0.5)), 0);
  EXPECT_EQ(ms(duration<double, std::milli>(1.9)), 1);
  EXPECT_EQ(ms(duration<double, std::milli>(4294967294.9)), 4294967294);
  EXPECT_EQ(ms(duration<double, std::exa>(4e-15)), 4'000'000);
  EXPECT_EQ(ms(duration<long double, std::atto>(14e15L)), 14);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (double const bad : {-2.0, 4294967295.0, 1e300, -1e300, infinity, -infinity, std::nan("")})
    EXPECT_THROW((void)ms(duration<double, std::milli>(bad)), std::out_of_range) << bad;
  EXPECT_THROW((void)ms(duration<double, std::exa>(1e300)), std::out_of_range);
  EXPECT_THROW((void)ms(duration<float, std::milli>(4294967296.0F)), std::out_of_range);
}

/// The count of a library of units.
struct ticks {
  double value = 0;
  ticks() = default;
  template <class T>
  requires std::is_arithmetic_v<T>
  constexpr explicit(false) ticks(T v) : value(static_cast<double>(v)) {}
  explicit operator long double() const { return value; }
  friend auto operator<=>(ticks const&, ticks const&) = default;
};
TEST(Delay, OtherCountsAreTakenForFloatingOnes) {
  EXPECT_EQ(detail::checked_delay(std::chrono::duration<ticks, std::ratio<1, 1000>>(ticks(14)), "test"), 14ms);
  EXPECT_THROW((void)detail::checked_delay(std::chrono::duration<ticks>(ticks(1e10)), "test"), std::out_of_range);
  source s(std::chrono::duration<ticks, std::milli>(ticks(0)));
  EXPECT_TRUE(s.is_cancellation_requested());
}
/// A count that converts to std::intmax_t only, and only explicitly.
struct strict {
  std::intmax_t value = 0;
  strict() = default;
  constexpr explicit strict(std::intmax_t v) : value(v) {}
  constexpr explicit operator std::intmax_t() const { return value; }
  friend constexpr auto operator<=>(strict const&, strict const&) = default;
};
/// The same, and numeric_limits says that it is an integer.
struct whole : strict {
  using strict::strict;
  friend constexpr auto operator<=>(whole const&, whole const&) = default;
};
template <class Rep>
void converts_by_intmax() {
  using ms = std::chrono::duration<Rep, std::milli>;
  EXPECT_EQ(detail::checked_delay(ms(Rep(14)), "test"), 14ms);
  EXPECT_EQ(detail::checked_delay(ms(Rep(-1)), "test"), infinite);
  EXPECT_THROW((void)detail::checked_delay(ms(Rep(-2)), "test"), std::out_of_range);
  EXPECT_EQ(detail::nanoseconds_up(ms(Rep(14)), "test"), 14ms);
  EXPECT_EQ(detail::nanoseconds_up(ms(Rep(-14)), "test"), -14ms);
  source const s;
  EXPECT_FALSE(s.token().wait_handle().wait_for(ms(Rep(-1))));
}
}  // namespace
}  // namespace cts::test
template <>
struct std::numeric_limits<cts::test::whole> : std::numeric_limits<std::intmax_t> {};
namespace cts::test {
namespace {
TEST(Delay, CountsMayConvertToIntmaxAlone) {
  converts_by_intmax<strict>();
  converts_by_intmax<whole>();
}
TEST(Delay, TheMessageNamesTheValueAndWhatIsAllowed) {
  source s;
  std::string const message = thrown([&] { s.cancel_after(-2000us); });
  EXPECT_NE(message.find("-2 ms"), std::string::npos) << message;
  EXPECT_NE(message.find("4294967294"), std::string::npos) << message;
  EXPECT_NE(thrown([&] { s.cancel_after(4294967295ms); }).find("4294967295 ms"), std::string::npos);
}
TEST(Delay, WholeMillisecondsInSmallerUnitsAreNotShortened) {
  manual_time_provider clock;
  for (int n = 1; n < 200; ++n) {
    source s(std::chrono::microseconds(n * 1000), clock);
    clock.advance(std::chrono::milliseconds(n) - 1ns);
    EXPECT_FALSE(s.is_cancellation_requested()) << n << " ms";
    clock.advance(1ns);
    EXPECT_TRUE(s.is_cancellation_requested()) << n << " ms";
  }
}

// --- waits ---

/// Waits on a source that is never canceled, and on a canceled one.
class Wait : public testing::Test {
 protected:
  source never, done;
  wait_handle open = never.token().wait_handle(), closed = done.token().wait_handle();
  void SetUp() override { done.cancel(); }
};
using fractional = std::chrono::duration<double>;

TEST_F(Wait, ForANegativeTimeReturnsAtOnce) {
  auto const at_once = [this](auto time) {
    EXPECT_FALSE(open.wait_for(time));
    EXPECT_TRUE(closed.wait_for(time));
    EXPECT_FALSE(wait_handle::wait_any_for(std::array{open}, time));
    EXPECT_EQ(wait_handle::wait_any_for(std::array{open, closed}, time), 1u);
  };
  at_once(0s);
  at_once(infinite);
  at_once(-1ns);
  at_once(-2ms);
  at_once(-5s);
  at_once((std::chrono::nanoseconds::min)());
  at_once((std::chrono::hours::min)());
  at_once(std::chrono::duration<std::int64_t, std::exa>::min());
  at_once(fractional(-1e-300));
  at_once(fractional(-1e300));
  at_once(fractional(-std::numeric_limits<double>::infinity()));
  at_once(std::chrono::steady_clock::now() - std::chrono::steady_clock::now());
}
TEST_F(Wait, ForAHugeTimeDoesNotOverflow) {
  auto const any = [this](auto time) {
    EXPECT_TRUE(closed.wait_for(time));
    EXPECT_EQ(wait_handle::wait_any_for(std::array{closed}, time), 0u);
    std::future<bool> waits = std::async(std::launch::async, [time] {
      source s;
      std::thread later([&s] { std::this_thread::sleep_for(2ms), s.cancel(); });
      bool const came = s.token().wait_handle().wait_for(time);
      later.join();
      return came;
    });
    EXPECT_TRUE(waits.get());
  };
  any((std::chrono::nanoseconds::max)());
  any((std::chrono::hours::max)());
  any(std::chrono::duration<std::uint64_t, std::exa>::max());
  any(std::chrono::years(290));
  any(fractional(1e300));
  any(fractional(std::numeric_limits<double>::infinity()));
}
TEST_F(Wait, ForATimeThatIsNoNumberThrows) {
  fractional const nan(std::nan(""));
  EXPECT_THROW((void)open.wait_for(nan), std::out_of_range);
  EXPECT_THROW((void)wait_handle::wait_any_for(std::array{open}, nan), std::out_of_range);
  EXPECT_THROW((void)open.wait_until(std::chrono::time_point<std::chrono::steady_clock, fractional>(nan)),
               std::out_of_range);
  registration r;
  EXPECT_TRUE(r.dispose_for(nan));
}
TEST_F(Wait, LastsNoLessThanItsTime) {
  for (auto const time : {1500us, 999us}) {
    auto const start = std::chrono::steady_clock::now();
    EXPECT_FALSE(open.wait_for(time));
    EXPECT_GE(std::chrono::steady_clock::now() - start, time);
  }
}
TEST_F(Wait, UntilAnyPointOfAnyClock) {
  auto const past = [this](auto point) {
    EXPECT_FALSE(open.wait_until(point));
    EXPECT_TRUE(closed.wait_until(point));
  };
  auto const future = [this](auto point) { EXPECT_TRUE(closed.wait_until(point)); };
  using std::chrono::steady_clock, std::chrono::system_clock, std::chrono::time_point;
  past((steady_clock::time_point::min)());
  past(steady_clock::time_point());
  past(steady_clock::now());
  past((system_clock::time_point::min)());
  past(system_clock::now() - 1h);
  past((time_point<system_clock, std::chrono::hours>::min)());
  past(time_point<system_clock, fractional>(fractional(-1e300)));
  past(std::chrono::floor<std::chrono::days>(system_clock::now()));
  future((steady_clock::time_point::max)());
  future((system_clock::time_point::max)());
  future((time_point<system_clock, std::chrono::years>::max)());
  future(time_point<steady_clock, fractional>(fractional(1e300)));
  EXPECT_FALSE(open.wait_until(system_clock::now() + 1ms));
  EXPECT_FALSE(open.wait_until(steady_clock::now() + 1ms));
}

/// A clock that each reading moves by a step.
struct hand_clock {
  using duration = std::chrono::duration<std::int64_t, std::ratio<1, 3>>;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<hand_clock>;
  [[maybe_unused]] static constexpr bool is_steady = false;
  static inline rep at = 0, step = 0;
  static time_point now() { return time_point(duration(at += step)); }
};
TEST_F(Wait, UntilAPointOfAClockThatIsSetBackWaitsOn) {
  hand_clock::at = 1000;
  hand_clock::step = 1;
  EXPECT_FALSE(open.wait_until(hand_clock::time_point(hand_clock::duration(1001))));
  hand_clock::step = 0;
  std::future<bool> waits =
      std::async(std::launch::async, [this] { return open.wait_until(hand_clock::time_point::max()); });
  EXPECT_EQ(waits.wait_for(20ms), std::future_status::timeout);
  never.cancel();
  EXPECT_TRUE(waits.get());
}
/// A clock that is an hour back from its second reading on.
struct turned_back_clock {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<turned_back_clock>;
  [[maybe_unused]] static constexpr bool is_steady = false;
  static inline std::atomic<int> readings{0};
  static time_point now() { return time_point(readings++ == 0 ? 0ms : duration(-1h)); }
};
TEST_F(Wait, UntilAPointOfAClockThatIsSetBackMeanwhileReadsItAgain) {
  std::future<bool> waits = std::async(std::launch::async, [this] {
    return open.wait_until(turned_back_clock::time_point(turned_back_clock::duration(1)));
  });
  while (turned_back_clock::readings < 2 && waits.wait_for(1ms) == std::future_status::timeout) {}
  never.cancel();
  EXPECT_TRUE(waits.get());
}
TEST_F(Wait, DisposeForTakesTheSameTimes) {
  blocker b;
  source s;
  registration r = s.token().register_callback(b.callback());
  std::thread canceller([&] { s.cancel(); });
  b.running.wait();
  EXPECT_FALSE(r.dispose_for(infinite));
  EXPECT_FALSE(r.dispose_for(-5s));
  EXPECT_FALSE(r.dispose_for((std::chrono::hours::min)()));
  EXPECT_FALSE(r.dispose_for(fractional(-1e300)));
  EXPECT_FALSE(r.dispose_for(fractional(std::nan("")))) << "it is noexcept: no number, no wait";
  EXPECT_FALSE(r.dispose_for(1500us));
  std::thread later([&] { std::this_thread::sleep_for(2ms), b.go.open(); });
  EXPECT_TRUE(r.dispose_for(std::chrono::duration<std::uint64_t, std::exa>::max()));
  EXPECT_TRUE(r.dispose_for((std::chrono::hours::max)()));
  EXPECT_TRUE(r.dispose_for(fractional(1e300)));
  later.join();
  canceller.join();
}

// --- points in time ---

using steady = std::chrono::steady_clock;

TEST(CancelAt, CancelsWhenItsClockShowsThePointAndNotBefore) {
  manual_time_provider clock;
  clock.advance(1s);
  for (auto const left : {1ns, 999'999ns, 1'000'001ns, 14'999'999ns, 3'600'000'000'001ns}) {
    source s(infinite, clock);
    steady::time_point const when = clock.now() + left;
    s.cancel_at(when);
    EXPECT_EQ(s.token().deadline(), when);
    clock.advance(left - 1ns);
    EXPECT_FALSE(s.is_cancellation_requested()) << left.count() << " ns";
    clock.advance(1ns);
    EXPECT_TRUE(s.is_cancellation_requested()) << left.count() << " ns";
  }
}
TEST(CancelAt, IsNeverEarlyByItsOwnClock) {
  source a, b, c;
  gate fired_a, fired_b, fired_c;
  steady::time_point at_a;
  std::chrono::system_clock::time_point at_b;
  using coarse = std::chrono::time_point<steady, std::chrono::duration<std::int64_t, std::ratio<1, 3000>>>;
  steady::time_point at_c;
  auto const ra = a.token().register_callback([&] { at_a = steady::now(), fired_a.open(); });
  auto const rb = b.token().register_callback([&] { at_b = std::chrono::system_clock::now(), fired_b.open(); });
  auto const rc = c.token().register_callback([&] { at_c = steady::now(), fired_c.open(); });
  steady::time_point const when_a = steady::now() + 1'999'999ns;
  auto const when_b = std::chrono::system_clock::now() + 2ms;
  auto const when_c = std::chrono::ceil<coarse::duration>(steady::now()) + coarse::duration(5);
  a.cancel_at(when_a);
  b.cancel_at(when_b);
  c.cancel_at(when_c);
  fired_a.wait(), fired_b.wait(), fired_c.wait();
  EXPECT_GE(at_a, when_a);
  EXPECT_GE(at_b, when_b);
  EXPECT_GE(at_c, when_c);
}
TEST(CancelAt, APointThatHasPassedCancelsHereAndNow) {
  auto const cancels = [](auto when) {
    source s;
    std::thread::id where;
    auto const r = s.token().register_callback([&] { where = std::this_thread::get_id(); });
    s.cancel_at(when);
    EXPECT_TRUE(s.is_cancellation_requested());
    EXPECT_EQ(where, std::this_thread::get_id());
  };
  using std::chrono::system_clock, std::chrono::time_point;
  cancels(steady::now());
  cancels(steady::now() - 1ns);
  cancels(steady::time_point());
  cancels((steady::time_point::min)());
  cancels(system_clock::now() - 1h);
  cancels((system_clock::time_point::min)());
  cancels((time_point<system_clock, std::chrono::years>::min)());
  cancels(time_point<system_clock, fractional>(fractional(-1e300)));
  source s;
  auto const r = s.token().register_callback([] { throw 7; });
  EXPECT_EQ(thrown([&] { s.cancel_at(steady::now()); }), "[7]") << "as cancel() does";
}
TEST(CancelAt, APointBeyondTheClockIsNever) {
  manual_time_provider clock;
  auto const never = [&clock](auto when) {
    for (bool const manual : {false, true}) {
      source s(1h, manual ? clock : time_provider::system());
      EXPECT_NO_THROW(s.cancel_at(when));
      EXPECT_FALSE(s.token().deadline()) << "what was set before is taken back";
      EXPECT_FALSE(s.is_cancellation_requested());
    }
  };
  using std::chrono::system_clock, std::chrono::time_point;
  never((steady::time_point::max)());
  never((system_clock::time_point::max)());
  never((time_point<steady, std::chrono::hours>::max)());
  never((time_point<system_clock, std::chrono::years>::max)());
  never(time_point<system_clock, fractional>(fractional(1e300)));
  never(time_point<steady, fractional>(fractional(std::numeric_limits<double>::infinity())));
  never(time_point<system_clock, std::chrono::duration<std::uint64_t, std::exa>>::max());
  source s(infinite, clock);
  s.cancel_at((steady::time_point::max)());
  clock.advance((std::chrono::nanoseconds::max)());
  EXPECT_FALSE(s.is_cancellation_requested());
}
TEST(CancelAt, TakesAnyClockWithNow) {
  hand_clock::step = 0;
  for (std::int64_t const epoch :
       {std::int64_t{0}, std::int64_t{1} << 60, -(std::int64_t{1} << 60)}) {  // epochs far away
    hand_clock::at = epoch;
    manual_time_provider clock;
    source s(infinite, clock);
    s.cancel_at(hand_clock::time_point(hand_clock::duration(epoch + 1)));
    clock.advance(333'333'333ns);
    EXPECT_FALSE(s.is_cancellation_requested()) << "a third of a second, rounded up";
    clock.advance(2ns);
    EXPECT_TRUE(s.is_cancellation_requested());
    source now;
    now.cancel_at(hand_clock::time_point(hand_clock::duration(epoch)));
    EXPECT_TRUE(now.is_cancellation_requested());
  }
}
TEST(CancelAt, AfterOtherCalls) {
  manual_time_provider clock;
  source s(5ms, clock);
  s.cancel_at(clock.now() + 9ms);
  clock.advance(8ms);
  EXPECT_FALSE(s.is_cancellation_requested()) << "it replaces what was set before";
  s.cancel_after(5ms);
  clock.advance(4ms);
  EXPECT_FALSE(s.is_cancellation_requested()) << "and is replaced";
  s.cancel_at(clock.now());
  EXPECT_TRUE(s.is_cancellation_requested());
  EXPECT_NO_THROW(s.cancel_at(clock.now() + 1s)) << "on a canceled source it does nothing";
  EXPECT_NO_THROW(s.cancel_at(clock.now()));
  s.dispose();
  EXPECT_THROW(s.cancel_at(clock.now() + 1s), object_disposed);
  EXPECT_THROW(s.cancel_at(clock.now()), object_disposed);
  EXPECT_THROW(s.cancel_at((steady::time_point::max)()), object_disposed);
  source n;
  EXPECT_THROW(n.cancel_at(std::chrono::time_point<steady, fractional>(fractional(std::nan("")))), std::out_of_range);
}
TEST(CancelAt, ACallbackMayDestroyTheSource) {
  auto s = std::make_unique<source>();
  s->token().register_callback([&] { s.reset(); }).detach();
  s->cancel_at(steady::now());
  EXPECT_EQ(s, nullptr);
}

/// The time between two points: exact if that is a whole number of nanoseconds, otherwise less than 2 ns too many.
template <class A, class B>
void times_between_are_exact(int most_ns) {
  std::mt19937_64 random(16);
  using a = typename A::period;
  using b = typename B::period;
  for (int n = 0; n < 20000; ++n) {
    auto const ca = static_cast<std::int64_t>(random() >> random() % 64),
               cb = static_cast<std::int64_t>(random() >> random() % 64);
    long double const want =
        (static_cast<long double>(cb) * b::num / b::den - static_cast<long double>(ca) * a::num / a::den) * 1e9L;
    auto const got = static_cast<long double>(detail::time_between(A(ca), B(cb), "test").count());
    constexpr long double most = 9.2e18L;
    long double const slack = 1e-12L *
                                  (std::abs(static_cast<long double>(cb) * b::num / b::den) +
                                   std::abs(static_cast<long double>(ca) * a::num / a::den)) *
                                  1e9L +
                              1e-3L;
    if (want > most + slack) ASSERT_GE(got, most) << ca << " to " << cb;
    else if (want < -most - slack) ASSERT_LE(got, -most) << ca << " to " << cb;
    else if (std::abs(want) < most - slack) {
      ASSERT_GE(got, want - slack) << ca << " to " << cb;
      ASSERT_LE(got, want + slack + most_ns) << ca << " to " << cb;
    }
  }
}
TEST(CancelAt, TheTimeBetweenTwoPointsIsExactInNanoseconds) {
  using namespace std::chrono;
  std::mt19937_64 random(17);
  for (int n = 0; n < 20000; ++n) {
    auto const a = nanoseconds(static_cast<std::int64_t>(random()) >> random() % 64),
               b = nanoseconds(static_cast<std::int64_t>(random()) >> random() % 64);
    auto const half = b.count() / 2 - a.count() / 2;
    auto const got = detail::time_between(a, b, "test").count();
    if (half > 4'611'686'017'000'000'000) ASSERT_GE(got, 9'223'372'034'000'000'000);
    else if (half < -4'611'686'017'000'000'000) ASSERT_LE(got, -9'223'372'034'000'000'000);
    else ASSERT_EQ(got, b.count() - a.count()) << a.count() << " to " << b.count();
  }
  times_between_are_exact<nanoseconds, nanoseconds>(0);
  times_between_are_exact<nanoseconds, hours>(0);
  times_between_are_exact<hours, milliseconds>(0);
  times_between_are_exact<duration<std::int64_t, std::ratio<1, 3>>, nanoseconds>(2);
  times_between_are_exact<duration<std::int64_t, std::pico>, duration<std::int64_t, std::ratio<1001, 30000>>>(2);
  times_between_are_exact<duration<std::int64_t, std::exa>, duration<std::int64_t, std::atto>>(2);
}

TEST(NanosecondsUp, ARestCountsAsOneMore) {
  using picoseconds = std::chrono::duration<std::int64_t, std::pico>;
  EXPECT_EQ(detail::nanoseconds_up(picoseconds(1), "test"), 1ns);
  EXPECT_EQ(detail::nanoseconds_up(picoseconds(1000), "test"), 1ns);
  EXPECT_EQ(detail::nanoseconds_up(picoseconds(1001), "test"), 2ns);
  EXPECT_EQ(detail::nanoseconds_up(picoseconds(0), "test"), 0ns);
}

// --- the manual clock ---

TEST(ManualClock, AdvancedToTheEndOfTimeItFiresEverything) {
  manual_time_provider clock;
  clock.advance(1s);
  source soon(10s, clock), late(4294967294ms, clock);
  int fired = 0;
  auto const never = clock.create_timer([&] { ++fired; }, (std::chrono::nanoseconds::max)());
  auto const disarmed = clock.create_timer([&] { fired += 100; }, -1ns);
  clock.advance((std::chrono::nanoseconds::max)());
  EXPECT_TRUE(soon.is_cancellation_requested());
  EXPECT_TRUE(late.is_cancellation_requested());
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(clock.now(), (std::chrono::steady_clock::time_point::max)()) << "where it stays";
  EXPECT_NO_THROW(clock.advance((std::chrono::nanoseconds::max)()));
  EXPECT_NO_THROW(clock.advance(0ns));
  EXPECT_EQ(fired, 1);
  EXPECT_TRUE(never->change(1s));
  source after(1s, clock);
  clock.advance(1ns);
  EXPECT_EQ(fired, 2) << "there, everything that is armed is due with the next advance";
  EXPECT_TRUE(after.is_cancellation_requested());
}
TEST(ManualClock, DoesNotGoBack) {
  manual_time_provider clock;
  clock.advance(1s);
  source s(1ms, clock);
  auto const before = clock.now();
  std::string const message = thrown([&] { clock.advance(-1ns); });
  EXPECT_NE(message.find("-1 ns"), std::string::npos) << message;
  EXPECT_THROW(clock.advance((std::chrono::nanoseconds::min)()), std::out_of_range);
  EXPECT_EQ(clock.now(), before);
  EXPECT_FALSE(s.is_cancellation_requested());
}
TEST(ManualClock, ATimerThatIsArmedForTheEndOfTimeByItsOwnShotFiresOnce) {
  manual_time_provider clock;
  clock.advance(1s);
  int fired = 0;
  std::unique_ptr<time_provider::timer> t;
  t = clock.create_timer([&] { ++fired, t->change((std::chrono::nanoseconds::max)()); }, 1s);
  clock.advance((std::chrono::nanoseconds::max)());
  EXPECT_EQ(fired, 1);
  clock.advance(1ns);
  EXPECT_EQ(fired, 2);
}
TEST(ManualClock, ATimerThatIsSetTwiceFiresOnce) {
  manual_time_provider clock;
  int fired = 0;
  auto const t = clock.create_timer([&] { ++fired; }, 1ms);
  t->change(2ms);
  clock.advance(1ms);
  EXPECT_EQ(fired, 0) << "the second time replaces the first";
  clock.advance(1h);
  EXPECT_EQ(fired, 1);
}
TEST(ManualClock, ATimersFunctionMayDestroyItWithWhatUsesTheClock) {
  manual_time_provider clock;
  auto owned = std::make_unique<source>(1h, clock);
  token const t = owned->token();
  std::unique_ptr<time_provider::timer> timer;
  timer = clock.create_timer([&timer, s = std::shared_ptr<source>(std::move(owned))] { timer.reset(); }, 1ms);
  {
    must_end const watch("the function's captures are destroyed under the lock");
    clock.advance(1ms);
  }
  EXPECT_EQ(timer, nullptr);
  EXPECT_THROW((void)t.wait_handle(), object_disposed) << "the source lives on";
}
TEST(ManualClock, CallbacksMayArmAndAdvance) {
  manual_time_provider clock;
  std::string log;
  std::unique_ptr<time_provider::timer> a, b, c;
  b = clock.create_timer([&] { log += 'b'; }, 2s);
  c = clock.create_timer([&] { log += 'c'; }, 5s);
  int again = 3;
  a = clock.create_timer(
      [&] {
        log += 'a';
        if (--again > 0) a->change(0ns);  // due at once: in the same advance, at the same time
        else clock.advance(2s);
      },
      1s);
  clock.advance(4s);
  EXPECT_EQ(log, "aaab");
  EXPECT_EQ(clock.now().time_since_epoch(), 4s) << "the outer one is over at its own end";
  again = 1;
  a->change(0ns);
  clock.advance(0s);
  EXPECT_EQ(log, "aaabac");
  EXPECT_EQ(clock.now().time_since_epoch(), 6s) << "the inner one went further";
}
TEST(ManualClock, ADeadlineBeyondItsEndIsNone) {
  manual_time_provider clock;
  clock.advance((std::chrono::nanoseconds::max)() - 1ms);
  source s(1h, clock);
  EXPECT_FALSE(s.is_cancellation_requested());
  EXPECT_FALSE(s.token().deadline());
}

}  // namespace
}  // namespace cts::test
