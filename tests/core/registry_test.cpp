// SPDX-License-Identifier: BSL-1.0
// The registry verb by verb, on one thread. R… are rules of the semantics, G… guarantees of the design.
#include "cts/core/registry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <random>
#include <string_view>
#include <thread>
#include <type_traits>
#include <vector>

#include "node.hpp"

namespace {

using namespace cts::core;
using cts::test::sized_platform;
using action = cts::test::action<>;
using named = cts::test::named<>;

/// Registers `n` named callbacks 0 … n-1 in a registry and remembers which ran.
template <class Platform = std_platform, std::size_t Stripes = 1>
struct crowd {
  explicit crowd(int n) {
    for (int i = 0; i < n; ++i) all.emplace_back(i, log);
  }
  void enter(int i) { ASSERT_EQ(registry.try_register(all[static_cast<std::size_t>(i)]), register_result::registered); }
  void enter(int from, int to) {
    for (int i = from; i < to; ++i) enter(i);
  }
  bool leave(int i) { return registry.unregister(all[static_cast<std::size_t>(i)]); }
  void leave(int from, int to) {
    for (int i = from; i < to; ++i) ASSERT_TRUE(leave(i)) << i;
  }

  std::vector<int> log;
  std::deque<cts::test::named<Platform>> all;
  basic_registry<Platform, Stripes> registry;
};

std::vector<int> downward(int from, int to) {  // from-1 … to
  std::vector<int> v;
  for (int i = from; i-- > to;) v.push_back(i);
  return v;
}

// ---------------------------------------------------------------------------------------------------- sizes and layout

TEST(Size, CallbackIsAtMost32Bytes) { EXPECT_LE(sizeof(callback), 32u); }
TEST(Size, RegistryIsAtMost192Bytes) { EXPECT_LE(sizeof(registry), 192u); }

// The flag lives on a line that no registrant writes: it starts the registry, which is aligned, and a poll touches it
// only.
TEST(Size, RegistryIsAlignedToALine) {
  EXPECT_EQ(alignof(registry), std_platform::line);
  EXPECT_EQ(sizeof(registry) % std_platform::line, 0u);
}

/// Remembers where each site was touched.
struct locating_platform : std_platform {
  static inline std::vector<std::uintptr_t> polled, written;
  template <class T>
  class atomic {
   public:
    constexpr explicit atomic(T v) noexcept : word_(v) {}
    T load(site s) const noexcept {
      if (s == site::flag_poll) polled.push_back(line_of(this));
      return word_.load(s);
    }
    void store(T v, site s) noexcept { note(s), word_.store(v, s); }
    bool compare_exchange(T& e, T v, site s) noexcept { return note(s), word_.compare_exchange(e, v, s); }
    T fetch_or(T v, site s) noexcept { return note(s), word_.fetch_or(v, s); }
    T fetch_xor(T v, site s) noexcept { return note(s), word_.fetch_xor(v, s); }

   private:
    static std::uintptr_t line_of(void const* p) { return reinterpret_cast<std::uintptr_t>(p) / line; }
    void note(site) const { written.push_back(line_of(this)); }
    std_platform::atomic<T> word_;
  };
  template <class T>
  class hint {
   public:
    constexpr explicit hint(T v) noexcept : word_(v) {}
    T get() const noexcept { return word_.get(); }
    void add(T v) noexcept {
      written.push_back(reinterpret_cast<std::uintptr_t>(this) / line);
      word_.add(v);
    }
    void set(T v) noexcept {
      written.push_back(reinterpret_cast<std::uintptr_t>(this) / line);
      word_.set(v);
    }

   private:
    std_platform::hint<T> word_;
  };
};

// Pollers must not feel registrants.
TEST(Size, RegistrantsNeverWriteTheLineThatPollersRead) {
  crowd<locating_platform> c(500);
  locating_platform::polled.clear();
  locating_platform::written.clear();
  EXPECT_FALSE(c.registry.is_cancellation_requested());
  ASSERT_EQ(locating_platform::polled.size(), 1u);
  for (int round = 0; round < 3; ++round) {
    c.enter(0, 500);
    c.leave(0, 500);
  }
  EXPECT_EQ(
      std::count(locating_platform::written.begin(), locating_platform::written.end(), locating_platform::polled[0]),
      0);
}

// G9 per thread; stripes write no common line.
TEST(Size, StripesShareNoLine) {
  EXPECT_GE(sizeof(basic_registry<std_platform, 4>), std_platform::line + 4 * 2 * std_platform::line);
}

TEST(Types, RegistryAndCallbackStayWhereTheyAre) {
  EXPECT_FALSE(std::is_move_constructible_v<registry>);
  EXPECT_FALSE(std::is_copy_constructible_v<registry>);
  EXPECT_FALSE(std::is_move_constructible_v<callback>);
  EXPECT_FALSE(std::is_copy_assignable_v<callback>);
}

TEST(Types, EveryVerbIsNoexcept) {
  registry* r = nullptr;
  callback* c = nullptr;
  EXPECT_TRUE(noexcept(r->try_register(*c)));
  EXPECT_TRUE(noexcept(r->unregister(*c)));
  EXPECT_TRUE(noexcept(r->unregister_and_wait(*c)));
  EXPECT_TRUE(noexcept(r->cancel()));
  EXPECT_TRUE(noexcept(r->is_cancellation_requested()));
  EXPECT_TRUE(noexcept(r->dispose()));
}

// ------------------------------------------------------------------------------------------------------------------
// poll

// R1
TEST(Poll, IsFalseAtFirst) {
  registry r;
  EXPECT_FALSE(r.is_cancellation_requested());
}

// R1, G10
TEST(Poll, IsTrueForEverAfterCancel) {
  registry r;
  r.cancel();
  EXPECT_TRUE(r.is_cancellation_requested());
  r.cancel();
  r.dispose();
  EXPECT_TRUE(r.is_cancellation_requested());
}

// R1, G8
TEST(Poll, IsTrueInsideACallback) {
  registry r;
  bool seen = false;
  action a([&] { seen = r.is_cancellation_requested(); });
  (void)r.try_register(a);
  r.cancel();
  EXPECT_TRUE(seen);
}

// R13, R57
TEST(Poll, StaysFalseAfterDispose) {
  registry r;
  r.dispose();
  EXPECT_FALSE(r.is_cancellation_requested());
}

// --------------------------------------------------------------------------------------------------------------
// register

// R16
TEST(Register, ReportsRegistered) {
  crowd<> c(1);
  EXPECT_EQ(c.registry.try_register(c.all[0]), register_result::registered);
  EXPECT_TRUE(c.log.empty());
}

// R16, R26, G3
TEST(Register, IsRunByCancelOnce) {
  crowd<> c(1);
  c.enter(0);
  EXPECT_TRUE(c.registry.cancel());
  EXPECT_EQ(c.log, std::vector<int>{0});
}

// R19, G4
TEST(Register, AfterCancelReportsCanceledAndDoesNotRun) {
  crowd<> c(2);
  c.registry.cancel();
  EXPECT_EQ(c.registry.try_register(c.all[0]), register_result::canceled);
  EXPECT_EQ(c.registry.try_register(c.all[0]), register_result::canceled) << "again";
  EXPECT_FALSE(c.leave(0)) << "it was never registered";
  EXPECT_FALSE(c.registry.cancel());
  EXPECT_TRUE(c.log.empty());
}

// R16
TEST(Register, WorksAgainAfterUnregister) {
  crowd<> c(1);
  for (int i = 0; i < 1000; ++i) {
    c.enter(0);
    ASSERT_TRUE(c.leave(0));
  }
  c.enter(0);
  c.registry.cancel();
  EXPECT_EQ(c.log, std::vector<int>{0});
}

// R26, G9
TEST(Register, AgainMakesACallbackTheNewest) {
  crowd<> c(3);
  c.enter(0, 3);
  c.leave(0);
  c.enter(0);
  c.registry.cancel();
  EXPECT_EQ(c.log, (std::vector<int>{0, 2, 1}));
}

TEST(Register, WorksInAnotherRegistryAfterTheRunInTheFirst) {
  crowd<> c(1);
  c.enter(0);
  c.registry.cancel();
  registry second;
  EXPECT_EQ(second.try_register(c.all[0]), register_result::registered);
  EXPECT_TRUE(second.cancel());
  EXPECT_EQ(c.log, (std::vector<int>{0, 0}));
}

// "May be registered again after that": the first registry, and its memory, may be gone.
TEST(Register, WorksInAnotherRegistryAfterTheFirstIsDestroyed) {
  std::vector<int> log;
  std::deque<named> all;
  for (int i = 0; i < 200; ++i) all.emplace_back(i, log);
  auto first = std::make_unique<registry>();
  for (auto& n : all) ASSERT_EQ(first->try_register(n), register_result::registered);
  first.reset();
  registry second;
  for (auto& n : all) ASSERT_EQ(second.try_register(n), register_result::registered);
  second.cancel();
  EXPECT_EQ(log, downward(200, 0));
}

// ------------------------------------------------------------------------------------------------------------
// unregister

// R43, G5
TEST(Unregister, IsTrueOnceAndTheCallbackDoesNotRun) {
  crowd<> c(1);
  c.enter(0);
  EXPECT_TRUE(c.leave(0));
  EXPECT_FALSE(c.leave(0));
  c.registry.cancel();
  EXPECT_TRUE(c.log.empty());
}

// R43: no error
TEST(Unregister, OfOneNeverRegisteredIsFalse) {
  crowd<> c(1);
  EXPECT_FALSE(c.leave(0));
  c.registry.unregister_and_wait(c.all[0]);
  c.registry.cancel();
  EXPECT_FALSE(c.leave(0));
  EXPECT_TRUE(c.log.empty());
}

// R43, G5
TEST(Unregister, OfOneThatRanIsFalse) {
  crowd<> c(1);
  c.enter(0);
  c.registry.cancel();
  EXPECT_FALSE(c.leave(0));
  c.registry.unregister_and_wait(c.all[0]);
  EXPECT_EQ(c.log.size(), 1u);
}

// R46, G6
TEST(Unregister, AndWaitTakesBackWhatHasNotRun) {
  crowd<> c(1);
  c.enter(0);
  c.registry.unregister_and_wait(c.all[0]);
  c.registry.cancel();
  EXPECT_TRUE(c.log.empty());
}

// G5: the slot has a new tenant, which an old handle must not evict.
TEST(Unregister, OfAFormerTenantLeavesTheNewOneAlone) {
  crowd<> c(2);
  c.enter(0);
  c.leave(0);
  c.enter(1);
  EXPECT_FALSE(c.leave(0));
  c.registry.cancel();
  EXPECT_EQ(c.log, std::vector<int>{1});
}

// "false: it was not registered (that is no error)", wherever it was registered before. Run under AddressSanitizer: the
// memory of the first registry is gone.
TEST(Unregister, OfOneThatAnEarlierRegistryHeldTouchesNoFreedMemory) {
  std::vector<int> log;
  std::deque<named> all;
  for (int i = 0; i < 100; ++i) all.emplace_back(i, log);
  auto first = std::make_unique<registry>();
  for (auto& n : all) ASSERT_EQ(first->try_register(n), register_result::registered);
  for (auto& n : all) ASSERT_TRUE(first->unregister(n));
  first.reset();
  registry second;
  second.cancel();
  for (auto& n : all) EXPECT_EQ(second.try_register(n), register_result::canceled);
  for (auto& n : all) EXPECT_FALSE(second.unregister(n));
}

// -----------------------------------------------------------------------------------------------------------------
// order

// R26, G9
TEST(Cancel, RunsCallbacksNewestFirst) {
  crowd<> c(8);
  c.enter(0, 8);
  c.registry.cancel();
  EXPECT_EQ(c.log, downward(8, 0));
}

// R26, G9
TEST(Cancel, RunsCallbacksNewestFirstThroughGrowth) {
  crowd<> c(1000);
  c.enter(0, 1000);
  c.registry.cancel();
  EXPECT_EQ(c.log, downward(1000, 0));
}

// R26, G9
TEST(Cancel, KeepsTheOrderAroundHoles) {
  crowd<> c(200);
  c.enter(0, 100);
  for (int i = 0; i < 100; i += 2) c.leave(i);
  c.enter(100, 200);
  c.registry.cancel();
  std::vector<int> expected = downward(200, 100);
  for (int i = 100; i-- > 0;)
    if (i % 2 == 1) expected.push_back(i);
  EXPECT_EQ(c.log, expected);
}

// R26, G9
TEST(Cancel, KeepsTheOrderAfterAFullSegmentIsReset) {
  crowd<sized_platform<4, 4>> c(8);
  c.enter(0, 4);
  c.leave(0, 4);
  c.enter(4, 8);
  c.registry.cancel();
  EXPECT_EQ(c.log, downward(8, 4));
}

// R26, G9: an empty segment from below becomes the newest
TEST(Cancel, KeepsTheOrderWhenSegmentsAreRecycled) {
  crowd<sized_platform<2, 2>> c(40);
  c.enter(0, 20);
  c.leave(4, 12);
  c.enter(20, 40);
  c.registry.cancel();
  std::vector<int> expected = downward(40, 12);
  for (int i : {3, 2, 1, 0}) expected.push_back(i);
  EXPECT_EQ(c.log, expected);
}

/// Compares with the obvious model, a list with the newest in front.
template <class Platform>
void compare_with_list(unsigned seed) {
  std::mt19937 engine(seed);
  auto const random = [&] { return static_cast<unsigned>(engine()); };
  int const population = 1 + static_cast<int>(random() % 40);
  crowd<Platform> c(population);
  std::list<int> model;
  unsigned const fullness = 1 + random() % 9;
  unsigned const steps = 20 + random() % 400;
  for (unsigned k = 0; k < steps; ++k) {
    int const i = static_cast<int>(random() % static_cast<unsigned>(population));
    auto const found = std::find(model.begin(), model.end(), i);
    if (found == model.end() && random() % 10 < fullness) {
      c.enter(i);
      model.push_front(i);
    } else {
      ASSERT_EQ(c.leave(i), found != model.end()) << "seed " << seed << " step " << k;
      if (found != model.end()) model.erase(found);
    }
    if (random() % 200 == 0) {  // all of them, oldest or newest first
      bool const forward = random() % 2 == 0;
      while (!model.empty()) {
        ASSERT_TRUE(c.leave(forward ? model.back() : model.front()));
        forward ? model.pop_back() : model.pop_front();
      }
    }
  }
  EXPECT_TRUE(c.registry.cancel());
  ASSERT_EQ(c.log, std::vector<int>(model.begin(), model.end())) << "seed " << seed;
}

// R26, G2, G3, G5, G9
TEST(Cancel, RunsWhatAListWouldHoldInItsOrder) {
  for (unsigned seed = 0; seed < 600; ++seed) {
    compare_with_list<sized_platform<1, 1>>(seed);
    compare_with_list<sized_platform<1, 2>>(seed);
    compare_with_list<sized_platform<2, 3>>(seed);
    compare_with_list<sized_platform<3, 5>>(seed);
    compare_with_list<std_platform>(seed);
    if (HasFatalFailure() || HasFailure()) return;
  }
}

// -------------------------------------------------------------------------------------------------------------- cancel

// R2, G1
TEST(Cancel, IsTrueForTheFirstCallOnly) {
  registry r;
  EXPECT_TRUE(r.cancel());
  EXPECT_FALSE(r.cancel());
}

// R25, G2
TEST(Cancel, ASecondTimeRunsNothing) {
  crowd<> c(3);
  c.enter(0, 3);
  c.registry.cancel();
  c.registry.cancel();
  EXPECT_EQ(c.log.size(), 3u);
}

// R29
TEST(Cancel, StopsWhenThePredicateSaysSo) {
  crowd<> c(100);
  c.enter(0, 100);
  EXPECT_TRUE(c.registry.cancel([&] { return c.log.size() == 3; }));
  EXPECT_EQ(c.log, downward(100, 97));
  EXPECT_TRUE(c.registry.is_cancellation_requested());
}

// R25, R29
TEST(Cancel, AfterAStoppedOneRunsNothing) {
  crowd<> c(4);
  c.enter(0, 4);
  c.registry.cancel([] { return true; });
  EXPECT_FALSE(c.registry.cancel());
  EXPECT_EQ(c.log, std::vector<int>{3});
}

// R30
TEST(Cancel, LeavesTheRestToBeUnregisteredOnceAfterItWasStopped) {
  crowd<> c(100);
  c.enter(0, 100);
  c.registry.cancel([] { return true; });
  EXPECT_FALSE(c.leave(99)) << "it ran";
  for (int i = 0; i < 99; ++i) {
    EXPECT_TRUE(c.leave(i)) << i;
    EXPECT_FALSE(c.leave(i)) << i;
  }
}

// R29: it is asked after each callback, not before the first
TEST(Cancel, AsksThePredicateOncePerCallback) {
  crowd<> c(5);
  c.enter(0, 5);
  int asked = 0;
  c.registry.cancel([&] { return ++asked, false; });
  EXPECT_EQ(asked, 5);
}

// R1: stopping the first cancel leaves the registry canceled
TEST(Cancel, RefusesRegistrationsAfterItWasStopped) {
  crowd<> c(2);
  c.enter(0);
  c.registry.cancel([] { return true; });
  EXPECT_EQ(c.registry.try_register(c.all[1]), register_result::canceled);
}

// ------------------------------------------------------------------------------------------------------ inside a
// callback

// R43, R48, G7
TEST(InsideACallback, UnregisteringItselfIsFalse) {
  registry r;
  bool result = true;
  action a;
  a.set([&] { result = r.unregister(a); });
  (void)r.try_register(a);
  r.cancel();
  EXPECT_FALSE(result);
}

// R47, R48, G7
TEST(InsideACallback, WaitingForItselfReturnsAtOnce) {
  registry r;
  action a;
  a.set([&] { r.unregister_and_wait(a); });
  (void)r.try_register(a);
  r.cancel();
  EXPECT_EQ(a.runs, 1);
}

// R27, R48, G5
TEST(InsideACallback, UnregisteringASiblingThatHasNotRunIsTrue) {
  registry r;
  action older;
  bool result = false;
  action newer([&] { result = r.unregister(older); });
  (void)r.try_register(older);
  (void)r.try_register(newer);
  r.cancel();
  EXPECT_TRUE(result);
  EXPECT_EQ(older.runs, 0);
}

// R43, R48
TEST(InsideACallback, UnregisteringASiblingThatRanIsFalse) {
  registry r;
  action newer;
  bool result = true;
  action older([&] {
    result = r.unregister(newer);
    r.unregister_and_wait(newer);
  });
  (void)r.try_register(older);
  (void)r.try_register(newer);
  r.cancel();
  EXPECT_FALSE(result);
  EXPECT_EQ(newer.runs, 1);
}

// R48, G7: all the others, across segments
TEST(InsideACallback, UnregisteringAllOthersStopsThem) {
  registry r;
  std::deque<action> others(300);
  action last([&] {
    for (auto& o : others) EXPECT_TRUE(r.unregister(o));
  });
  for (auto& o : others) (void)r.try_register(o);
  (void)r.try_register(last);
  r.cancel();
  for (auto& o : others) EXPECT_EQ(o.runs, 0);
}

// R19, G4, G7
TEST(InsideACallback, RegisteringIsRefused) {
  registry r;
  action another;
  register_result result{};
  action a([&] { result = r.try_register(another); });
  (void)r.try_register(a);
  r.cancel();
  EXPECT_EQ(result, register_result::canceled);
  EXPECT_EQ(another.runs, 0);
}

// R19, G7: even the one that runs
TEST(InsideACallback, RegisteringItselfIsRefused) {
  registry r;
  register_result result{};
  action a;
  a.set([&] { result = r.try_register(a); });
  (void)r.try_register(a);
  r.cancel();
  EXPECT_EQ(result, register_result::canceled);
  EXPECT_EQ(a.runs, 1);
}

// R25, G1, G7
TEST(InsideACallback, CancelIsFalseAndRunsNothing) {
  registry r;
  bool result = true;
  action older;
  int older_had_run = -1;
  action newer([&] {
    result = r.cancel();
    older_had_run = older.runs;
  });
  (void)r.try_register(older);
  (void)r.try_register(newer);
  r.cancel();
  EXPECT_FALSE(result);
  EXPECT_EQ(older_had_run, 0);
  EXPECT_EQ(older.runs, 1);
}

// G13
TEST(InsideACallback, ItMayDestroyItself) {
  registry r;
  int runs = 0;
  std::vector<std::unique_ptr<action>> all(100);
  for (auto& a : all) {
    a = std::make_unique<action>();
    a->set([&a, &runs] {
      ++runs;
      a.reset();
    });
    (void)r.try_register(*a);
  }
  r.cancel();
  EXPECT_EQ(runs, 100);
}

// G13, R48
TEST(InsideACallback, ItMayDestroyASiblingItHasUnregistered) {
  registry r;
  auto older = std::make_unique<action>();
  action newer([&] {
    EXPECT_TRUE(r.unregister(*older));
    older.reset();
  });
  (void)r.try_register(*older);
  (void)r.try_register(newer);
  EXPECT_TRUE(r.cancel());
}

// G7, G12, R57
TEST(InsideACallback, TheLastOneMayDisposeTheRegistry) {
  registry r;
  action a([&] { r.dispose(); });
  (void)r.try_register(a);
  EXPECT_TRUE(r.cancel());
  EXPECT_TRUE(r.is_cancellation_requested());
}

// G13
TEST(InsideACallback, TheLastOneMayDestroyTheRegistry) {
  for (int others : {0, 1, 7, 8, 9, 500}) {
    auto r = std::make_unique<registry>();
    std::deque<action> newer(static_cast<std::size_t>(others));
    action oldest([&] { r.reset(); });
    (void)r->try_register(oldest);
    for (auto& o : newer) (void)r->try_register(o);
    EXPECT_TRUE(r->cancel());
    for (auto& o : newer) EXPECT_EQ(o.runs, 1);
  }
}

// G13: callbacks that are still registered do not run
TEST(InsideACallback, OneInTheMiddleMayDestroyTheRegistry) {
  for (int around : {1, 7, 8, 500}) {
    auto r = std::make_unique<registry>();
    std::deque<action> older(static_cast<std::size_t>(around)), newer(static_cast<std::size_t>(around));
    action middle([&] { r.reset(); });
    for (auto& o : older) (void)r->try_register(o);
    (void)r->try_register(middle);
    for (auto& o : newer) (void)r->try_register(o);
    EXPECT_TRUE(r->cancel());
    for (auto& o : newer) EXPECT_EQ(o.runs, 1);
    for (auto& o : older) EXPECT_EQ(o.runs, 0);
  }
}

// G13: itself and the registry
TEST(InsideACallback, ItMayDestroyItselfAndTheRegistry) {
  auto r = std::make_unique<registry>();
  auto a = std::make_unique<action>();
  a->set([&] {
    a.reset();
    r.reset();
  });
  (void)r->try_register(*a);
  EXPECT_TRUE(r->cancel());
  EXPECT_EQ(r, nullptr);
}

// G13, R29: the predicate is not asked on behalf of a registry that is gone
TEST(InsideACallback, NobodyAsksThePredicateOfADestroyedRegistry) {
  auto r = std::make_unique<registry>();
  action a([&] { r.reset(); });
  (void)r->try_register(a);
  int asked = 0;
  EXPECT_TRUE(r->cancel([&] { return ++asked, false; }));
  EXPECT_EQ(asked, 0);
}

// G7: dispose of another registry that is being canceled further out on the same thread
TEST(InsideACallback, ARegistryThatIsCanceledFurtherOutMayBeDestroyed) {
  auto outer = std::make_unique<registry>();
  registry inner;
  action from_inner([&] { outer.reset(); });
  action from_outer([&] { inner.cancel(); });
  action never;
  (void)inner.try_register(from_inner);
  (void)outer->try_register(never);
  (void)outer->try_register(from_outer);
  EXPECT_TRUE(outer->cancel());
  EXPECT_EQ(from_inner.runs, 1);
  EXPECT_EQ(never.runs, 0);
}

// ---------------------------------------------------------------------------------------------------------------
// dispose

// R57
TEST(Dispose, IsIdempotent) {
  crowd<> c(500);
  c.enter(0, 500);
  c.registry.dispose();
  c.registry.dispose();
}

// R57
TEST(Dispose, RunsNothingAndDoesNotCancel) {
  crowd<> c(100);
  c.enter(0, 100);
  c.registry.dispose();
  EXPECT_FALSE(c.registry.is_cancellation_requested());
  EXPECT_TRUE(c.log.empty());
}

#if !CTS_CHECKED
TEST(Dispose, RefusesRegistrationsAfterwards) {
  crowd<> c(100);
  c.enter(0, 99);
  c.registry.dispose();
  EXPECT_EQ(c.registry.try_register(c.all[99]), register_result::disposed);
  EXPECT_EQ(c.registry.try_register(c.all[99]), register_result::disposed);
}

TEST(Dispose, OfACanceledRegistryRefusesAsCanceled) {
  crowd<> c(1);
  c.registry.cancel();
  c.registry.dispose();
  EXPECT_EQ(c.registry.try_register(c.all[0]), register_result::canceled);
}

TEST(Dispose, MakesCancelFalseAndRunNothing) {
  crowd<> c(100);
  c.enter(0, 100);
  c.registry.dispose();
  EXPECT_FALSE(c.registry.cancel());
  EXPECT_TRUE(c.log.empty());
}

// R1, R57: a refused cancel does not cancel
TEST(Dispose, IsNotUndoneByCancel) {
  registry r;
  r.dispose();
  r.cancel();
  EXPECT_FALSE(r.is_cancellation_requested());
  action a;
  EXPECT_EQ(r.try_register(a), register_result::disposed);
}
#endif

// ---------------------------------------------------------------------------------------------------------------
// stripes

using striped = basic_registry<std_platform, 4>;

// G9 per thread
TEST(Stripes, RunTheCallbacksOfOneThreadNewestFirst) {
  crowd<std_platform, 4> c(300);
  c.enter(0, 300);
  EXPECT_TRUE(c.registry.cancel());
  EXPECT_EQ(c.log, downward(300, 0));
}

// G2, G3, G9 per thread
TEST(Stripes, RunTheCallbacksOfAllThreadsOnce) {
  crowd<std_platform, 4> c(600);
  for (int t = 0; t < 6; ++t) std::thread([&] { c.enter(100 * t, 100 * (t + 1)); }).join();
  EXPECT_TRUE(c.registry.cancel());
  ASSERT_EQ(c.log.size(), 600u);
  for (int t = 0; t < 6; ++t) {
    std::vector<int> of_thread;
    std::copy_if(c.log.begin(), c.log.end(), std::back_inserter(of_thread), [&](int i) { return i / 100 == t; });
    EXPECT_EQ(of_thread, downward(100 * (t + 1), 100 * t));
  }
}

// R43
TEST(Stripes, UnregisterFromAnyThread) {
  crowd<std_platform, 4> c(100);
  for (int t = 0; t < 5; ++t) std::thread([&] { c.enter(20 * t, 20 * (t + 1)); }).join();
  c.leave(0, 100);
  c.registry.cancel();
  EXPECT_TRUE(c.log.empty());
}

// R2, R19, G1
TEST(Stripes, CancelOnceAndRefuseAfterwardsOnEveryThread) {
  striped r;
  EXPECT_TRUE(r.cancel());
  EXPECT_FALSE(r.cancel());
  for (int t = 0; t < 5; ++t)
    std::thread([&] {
      action a;
      EXPECT_EQ(r.try_register(a), register_result::canceled);
    }).join();
}

// R29, R30
TEST(Stripes, StopAcrossStripes) {
  crowd<std_platform, 4> c(40);
  for (int t = 0; t < 4; ++t) std::thread([&] { c.enter(10 * t, 10 * (t + 1)); }).join();
  c.registry.cancel([&] { return c.log.size() == 15; });
  EXPECT_EQ(c.log.size(), 15u);
  int rest = 0;
  for (int i = 0; i < 40; ++i) rest += c.leave(i) ? 1 : 0;
  EXPECT_EQ(rest, 25);
}

// G13
TEST(Stripes, ACallbackMayDestroyTheRegistry) {
  auto r = std::make_unique<striped>();
  std::deque<action> all(8);
  int runs = 0;
  for (auto& a : all) {
    a.set([&] {
      if (++runs == 3) r.reset();
    });
    std::thread([&] { (void)r->try_register(a); }).join();
  }
  EXPECT_TRUE(r->cancel());
  EXPECT_EQ(runs, 3);
}

#if !CTS_CHECKED
// R57
TEST(Stripes, DisposeRefusesOnEveryThread) {
  striped r;
  r.dispose();
  EXPECT_FALSE(r.cancel());
  for (int t = 0; t < 5; ++t)
    std::thread([&] {
      action a;
      EXPECT_EQ(r.try_register(a), register_result::disposed);
    }).join();
}
#endif

// ----------------------------------------------------------------------------------------------------- the table of
// orders

TEST(Table, EveryRowHasAPartnerAndAReason) {
  for (auto const& row : site_table) {
    EXPECT_NE(std::string_view(row.name), "");
    EXPECT_NE(std::string_view(row.partner), "") << row.name;
    EXPECT_NE(std::string_view(row.why), "") << row.name;
    EXPECT_NE(std::string_view(row.why).find("(G"), std::string_view::npos) << row.name << " names no guarantee";
  }
}

TEST(Table, EveryPartnerIsASite) {
  for (auto const& row : site_table) {
    std::string_view rest = row.partner;
    if (rest == "none") continue;
    while (!rest.empty()) {
      std::string_view const one = rest.substr(0, rest.find(", "));
      EXPECT_TRUE(
          std::any_of(std::begin(site_table), std::end(site_table), [&](auto const& r) { return r.name == one; }))
          << row.name << " names " << one;
      rest.remove_prefix(std::min(rest.size(), one.size() + 2));
    }
  }
}

TEST(Table, EveryOrderFitsItsOperation) {
  for (auto const& row : site_table) {
    if (row.kind == operation::load) {
      EXPECT_TRUE(row.order != std::memory_order_release && row.order != std::memory_order_acq_rel) << row.name;
    }
    if (row.kind == operation::store) {
      EXPECT_TRUE(row.order != std::memory_order_acquire && row.order != std::memory_order_acq_rel) << row.name;
    }
  }
}

// ------------------------------------------------------------------------------------- the halves of cancel, and
// observers

TEST(RequestCancellation, SetsTheFlagAndRunsNothing) {
  crowd<> c(3);
  c.enter(0, 2);
  EXPECT_TRUE(c.registry.request_cancellation());
  EXPECT_TRUE(c.registry.is_cancellation_requested());
  EXPECT_TRUE(c.log.empty());
  EXPECT_EQ(c.registry.try_register(c.all[2]), register_result::canceled);
  c.registry.run_callbacks([] { return false; });
  EXPECT_EQ(c.log, downward(2, 0));
}
TEST(RequestCancellation, WinsOnceTogetherWithCancel) {
  crowd<> c(1);
  EXPECT_TRUE(c.registry.request_cancellation());
  EXPECT_FALSE(c.registry.request_cancellation());
  EXPECT_FALSE(c.registry.cancel());
  c.registry.run_callbacks([] { return false; });
}
// R41: between the halves unregister still succeeds.
TEST(RequestCancellation, LeavesWhatIsRegisteredToUnregister) {
  crowd<> c(2);
  c.enter(0, 2);
  ASSERT_TRUE(c.registry.request_cancellation());
  EXPECT_TRUE(c.leave(1));
  std::thread([&] { c.registry.run_callbacks([] { return false; }); }).join();
  EXPECT_EQ(c.log, downward(1, 0));
}

template <class Crowd, class Node>
int name_of(Crowd& c, Node& node) {
  for (std::size_t i = 0; i < c.all.size(); ++i)
    if (&node == &c.all[i]) return static_cast<int>(i);
  return -1;
}

TEST(RemoveAll, TakesEverythingBackNewestFirstAndRunsNothing) {
  crowd<sized_platform<2, 3>> c(20);
  c.enter(0, 20);
  ASSERT_TRUE(c.leave(7));
  std::vector<int> removed;
  c.registry.remove_all([&](auto& node) noexcept { removed.push_back(name_of(c, node)); });
  std::vector<int> expected = downward(20, 0);
  expected.erase(std::find(expected.begin(), expected.end(), 7));
  EXPECT_EQ(removed, expected);
  EXPECT_EQ(c.registry.count(), 0u);
  EXPECT_FALSE(c.leave(3));
  c.registry.cancel();
  EXPECT_TRUE(c.log.empty());
}
TEST(RemoveAll, LeavesTheRegistryUsableAndItsSlotsReusable) {
  crowd<sized_platform<2, 3>> c(5);
  for (int round = 0; round < 1000; ++round) {
    c.enter(0, 5);
    c.registry.remove_all([](auto&) noexcept {});
  }
  c.enter(0, 5);
  EXPECT_EQ(c.registry.count(), 5u);
  c.registry.cancel();
  EXPECT_EQ(c.log, downward(5, 0));
}

TEST(Observers, FollowALife) {
  registry r;
  bool registered = true, running = false;
  action a;
  a.set([&] {
    registered = r.is_registered(a);
    running = r.is_running(a);
  });
  EXPECT_FALSE(r.is_registered(a));
  ASSERT_EQ(r.try_register(a), register_result::registered);
  EXPECT_TRUE(r.is_registered(a));
  EXPECT_FALSE(r.is_running(a));
  EXPECT_EQ(r.count(), 1u);
  r.cancel();
  EXPECT_FALSE(registered);
  EXPECT_TRUE(running);
  EXPECT_FALSE(r.is_registered(a));
  EXPECT_FALSE(r.is_running(a));
}

}  // namespace
