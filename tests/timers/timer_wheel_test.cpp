// SPDX-License-Identifier: BSL-1.0
// G17: the timing wheel (T1, T2, T3) beside a sorted map: no timer is early or late, and the earliest comes first. The
// models explore the same with three timers in full (models/timers/wheel_models.cpp).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "cts/detail/timers/timer_wheel.hpp"

namespace {

using cts::detail::timer_actions;
using cts::detail::timer_entry;
using cts::detail::timer_wheel;
using tick = timer_wheel::tick;
using std::chrono::nanoseconds;

struct item : timer_entry {
  item() : timer_entry(actions_of_items) {}
  int acquired = 0;
  tick armed_for = timer_wheel::never;  // never: not armed
  tick armed_at = 0;

  static void acquire(timer_entry& e) noexcept { ++static_cast<item&>(e).acquired; }
  static void nothing(timer_entry&) noexcept {}
  static constexpr timer_actions actions_of_items{&acquire, &nothing, &nothing};
};

/// Pops at `now`, with as many calls as that takes.
item* pop(timer_wheel& w, tick now) {
  for (;;) {
    unsigned steps = 3;
    if (timer_entry* const e = w.pop(now, steps)) return static_cast<item*>(e);
    if (steps != 0) return nullptr;
  }
}

struct random_wheel {
  explicit random_wheel(unsigned seed, std::size_t entries) : random(seed), items(entries) {
    for (auto& i : items) i = std::make_unique<item>();
  }
  std::mt19937_64 random;
  timer_wheel wheel;
  std::vector<std::unique_ptr<item>> items;
  std::multimap<tick, item*> oracle;
  tick now = 0;

  std::uint64_t draw(std::uint64_t below) { return random() % below; }
  /// A distance of any length, so that every level of the wheel is used.
  tick distance() { return random() >> draw(64); }
  tick later(tick by) const { return by > timer_wheel::never - 1 - now ? timer_wheel::never - 1 : now + by; }

  void forget(item& i) {
    for (auto [at, end] = oracle.equal_range(i.armed_for); at != end; ++at)
      if (at->second == &i) {
        oracle.erase(at);
        break;
      }
    i.armed_for = timer_wheel::never;
  }
  void arm(item& i) {
    disarm(i);
    i.armed_for = draw(8) == 0 ? draw(now + 1) : draw(4) == 0 ? later(draw(70)) : later(distance());
    i.armed_at = now;
    oracle.emplace(i.armed_for, &i);
    wheel.arm(i, i.armed_for);
  }
  void disarm(item& i) {
    wheel.disarm(i);
    if (i.armed_for != timer_wheel::never) forget(i);
  }
  void look() {
    tick const next = wheel.next();
    if (oracle.empty()) {
      ASSERT_EQ(next, timer_wheel::never);
    } else {
      ASSERT_LE(next, (std::max)(oracle.begin()->first, now)) << "the keeper would sleep too long";
    }
  }
  /// False: nothing is due.
  bool take(unsigned steps) {
    timer_entry* const e = wheel.pop(now, steps);
    if (e == nullptr) {
      if (steps != 0 && !oracle.empty()) { EXPECT_GT(oracle.begin()->first, now) << "a timer is late"; }
      return steps == 0;
    }
    item& i = *static_cast<item*>(e);
    EXPECT_FALSE(i.is_armed());
    EXPECT_TRUE(i.has_fired);
    EXPECT_EQ(i.acquired, 1);
    i.acquired = 0;
    EXPECT_NE(i.armed_for, timer_wheel::never) << "a timer fires that is not armed";
    EXPECT_LE(i.armed_for, now) << "a timer is early";
    if (i.armed_for > i.armed_at)
      for (auto const& [due, other] : oracle) {
        if (due >= i.armed_for) break;
        EXPECT_LE(due, other->armed_at) << "a later timer comes first";  // an overdue timer fires behind the others
      }
    forget(i);
    return true;
  }
  void advance() {
    tick const by = draw(3) == 0 ? draw(70) : distance() >> draw(32);
    now = later(by);
  }
};

// T1, T2, T3.
TEST(TimerWheel, IsAsASortedMap) {
  for (unsigned seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    random_wheel r(seed, seed % 4 == 0 ? 300 : 1 + seed % 12);
    for (int step = 0; step < 4000 && !HasFailure(); ++step) {
      item& i = *r.items[static_cast<std::size_t>(r.draw(r.items.size()))];
      switch (r.draw(6)) {
        case 0:
        case 1: r.arm(i); break;
        case 2: r.disarm(i); break;
        case 3: r.take(static_cast<unsigned>(r.draw(5))); break;
        case 4:
          for (int n = 0; n < 40 && r.take(1000); ++n) {}
          break;
        case 5: r.advance(); break;
      }
      r.look();
      ASSERT_EQ(i.is_armed(), i.armed_for != timer_wheel::never);
    }
    r.now = timer_wheel::never - 1;
    while (r.take(1000)) {}
    EXPECT_TRUE(r.oracle.empty()) << "a timer is lost";
    EXPECT_EQ(r.wheel.next(), timer_wheel::never);
  }
}

TEST(TimerWheel, FiresInTheOrderOfTicks) {
  timer_wheel w;
  item i[7];
  tick const due[7] = {5000000, 70, 1, 64, 4096, 63, 262144};
  for (int k = 0; k < 7; ++k) w.arm(i[k], due[k]);
  for (int k : {2, 5, 3, 1, 4, 6, 0}) {
    EXPECT_EQ(pop(w, due[k] - 1), nullptr) << "early by a tick";
    EXPECT_EQ(w.next(), due[k]);
    EXPECT_EQ(pop(w, due[k]), &i[k]) << "late";
  }
  EXPECT_EQ(w.next(), timer_wheel::never);
}

TEST(TimerWheel, FiresTimersOfOneTickInTheOrderOfArming) {
  timer_wheel w;
  item i[4];
  for (item& x : i) w.arm(x, 17);
  w.disarm(i[1]);
  for (int k : {0, 2, 3}) EXPECT_EQ(pop(w, 17), &i[k]);
  EXPECT_EQ(pop(w, 17), nullptr);
}

TEST(TimerWheel, SpreadsNoMoreEntriesThanItsSteps) {
  timer_wheel w;
  std::vector<std::unique_ptr<item>> many(100);
  for (auto& x : many) w.arm(*(x = std::make_unique<item>()), 64 + 63);
  int calls = 0;
  for (;; ++calls) {
    unsigned steps = 7;
    if (w.pop(64 + 62, steps) != nullptr) FAIL() << "early";
    if (steps != 0) break;
  }
  EXPECT_EQ(calls, 100 / 7) << "seven entries a call";
}

TEST(TimerWheel, CanBeDisarmedWhileItsBucketIsSpread) {
  timer_wheel w;
  item i[3];
  for (item& x : i) w.arm(x, 100);
  unsigned steps = 1;
  EXPECT_EQ(w.pop(100, steps), nullptr);
  EXPECT_EQ(steps, 0u);
  for (item& x : i) w.disarm(x);
  EXPECT_EQ(w.next(), timer_wheel::never);
  EXPECT_EQ(pop(w, 1000), nullptr);
  w.arm(i[0], 2000);
  EXPECT_EQ(pop(w, 2000), &i[0]);
}

TEST(TimerWheel, TakesOverdueTimersAtOnce) {
  timer_wheel w;
  item first, second;
  EXPECT_EQ(pop(w, 1000000), nullptr);
  w.arm(first, 3);
  w.arm(second, 0);
  EXPECT_LE(w.next(), 1000000u);
  EXPECT_EQ(pop(w, 1000000), &first);
  EXPECT_EQ(pop(w, 1000000), &second);
}

TEST(TimerWheel, ReachesTheEndOfTime) {
  timer_wheel w;
  item last;
  tick const end = timer_wheel::due_tick((nanoseconds::max)());
  w.arm(last, end);
  EXPECT_EQ(pop(w, end - 1), nullptr);
  EXPECT_EQ(pop(w, end), &last);
}

// A timer never fires early: its tick begins at its due time, or less than a tick later.
TEST(TimerWheel, TicksAreRoundedUp) {
  constexpr nanoseconds one(nanoseconds::rep{1} << timer_wheel::tick_bits);
  EXPECT_EQ(timer_wheel::due_tick(nanoseconds(0)), 0u);
  EXPECT_EQ(timer_wheel::due_tick(-(nanoseconds::max)()), 0u);
  EXPECT_EQ(timer_wheel::current_tick(nanoseconds(-1)), 0u);
  EXPECT_EQ(timer_wheel::time_of(timer_wheel::never), (nanoseconds::max)());
  std::mt19937_64 random(1);
  for (int n = 0; n < 100000; ++n) {
    nanoseconds const at(static_cast<nanoseconds::rep>((random() >> 1) >> (random() % 63)));
    tick const due = timer_wheel::due_tick(at);
    nanoseconds const begins = timer_wheel::time_of(due);
    ASSERT_GE(begins, at);
    ASSERT_LT(begins - at, one);
    if (begins != (nanoseconds::max)()) { ASSERT_EQ(timer_wheel::current_tick(begins), due); }
    if (at.count() != 0 && due != 0) { ASSERT_LT(timer_wheel::current_tick(at - nanoseconds(1)), due); }
  }
}

}  // namespace
