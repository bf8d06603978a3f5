// SPDX-License-Identifier: BSL-1.0
// Lanes (G22): behaviour, cost counted exactly, memory, threads. The models are in models/lane/.
#include "cts/lane.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include "counting_platform.hpp"
#include "node.hpp"

namespace {

using cts::core::register_result;
using small_platform = cts::test::sized_platform<2, 2>;

/// A one-sided barrier that does nothing. Only for tests in which one thread is owner and canceller.
struct free_barrier {
  static constexpr bool one_sided() noexcept { return true; }
  static void order() noexcept {}
  static void light() noexcept {}
  static void heavy() noexcept {}
};

template <class Platform>
struct node : cts::basic_lane_callback<Platform> {
  explicit node(std::vector<int>* l = nullptr, int n = 0) noexcept
      : cts::basic_lane_callback<Platform>(&run), log(l), name(n) {}
  static void run(cts::basic_lane_callback<Platform>& c) noexcept {
    auto& self = static_cast<node&>(c);
    ++self.runs;
    if (self.log != nullptr) self.log->push_back(self.name);
    if (self.then) {
      auto const then = self.then;  // it may destroy *this
      then();
    }
  }
  std::vector<int>* log;
  int name;
  int runs = 0;
  std::function<void()> then;
};

template <class P, class B>
struct kind {
  using platform = P;
  using registry = cts::core::basic_registry<P>;
  using lane = cts::basic_lane<cts::lane_home<registry>, B>;
  using callback = node<P>;
};
template <class Kind>
class Lane : public testing::Test {
 protected:
  using callback = typename Kind::callback;
  typename Kind::registry registry;
  std::optional<typename Kind::lane> lane{std::in_place, registry};
  std::vector<int> log;
  bool try_register(callback& c) { return lane->try_register(c) == register_result::registered; }
};
using kinds = testing::Types<kind<cts::core::std_platform, cts::detail::process_barrier>,
                             kind<cts::core::std_platform, cts::detail::pairwise_barrier<cts::core::std_platform>>,
                             kind<small_platform, cts::detail::process_barrier>,
                             kind<small_platform, cts::detail::pairwise_barrier<small_platform>>>;
TYPED_TEST_SUITE(Lane, kinds);

// G2, G3
TYPED_TEST(Lane, CancelRunsWhatIsRegisteredOnce) {
  typename TypeParam::callback a, b, c;
  EXPECT_TRUE(this->try_register(a));
  EXPECT_TRUE(this->try_register(b));
  EXPECT_TRUE(this->try_register(c));
  EXPECT_TRUE(this->lane->unregister(b));
  EXPECT_TRUE(this->registry.cancel());
  EXPECT_EQ(a.runs, 1);
  EXPECT_EQ(b.runs, 0);
  EXPECT_EQ(c.runs, 1);
  EXPECT_FALSE(this->registry.cancel());
  EXPECT_EQ(a.runs, 1);
}

// G5
TYPED_TEST(Lane, UnregisterIsTrueOnce) {
  typename TypeParam::callback a, b;
  EXPECT_FALSE(this->lane->unregister(a)) << "never registered";
  this->try_register(a);
  EXPECT_TRUE(this->lane->unregister(a));
  EXPECT_FALSE(this->lane->unregister(a));
  this->try_register(b);  // in the slot that a had
  EXPECT_FALSE(this->lane->unregister(a));
  this->lane->unregister_and_wait(a);
  this->registry.cancel();
  EXPECT_EQ(b.runs, 1);
  EXPECT_FALSE(this->lane->unregister(b));
  this->lane->unregister_and_wait(b);
}

// G9
TYPED_TEST(Lane, RunsTheNewestFirstWhateverWasTakenBack) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    typename TypeParam::registry r;
    typename TypeParam::lane l(r);
    std::deque<typename TypeParam::callback> all;
    std::vector<int> order, expected;
    std::vector<typename TypeParam::callback*> live;
    for (int i = 0; i < 300; ++i) {
      if (!live.empty() && random() % 2 == 0) {
        std::size_t const k = random() % live.size();
        ASSERT_TRUE(l.unregister(*live[k]));
        live.erase(live.begin() + static_cast<std::ptrdiff_t>(k));
      } else {
        all.emplace_back(&order, i);
        ASSERT_EQ(l.try_register(all.back()), register_result::registered);
        live.push_back(&all.back());
      }
    }
    for (auto i = live.rbegin(); i != live.rend(); ++i) expected.push_back((*i)->name);
    r.cancel();
    ASSERT_EQ(order, expected);
  }
}

// G9
TYPED_TEST(Lane, StandsInItsRegistryWhereItWasMade) {
  cts::test::named<typename TypeParam::platform> before(1, this->log), after(3, this->log);
  typename TypeParam::registry r;
  ASSERT_EQ(r.try_register(before), register_result::registered);
  typename TypeParam::lane l(r);
  ASSERT_EQ(r.try_register(after), register_result::registered);
  typename TypeParam::callback mine(&this->log, 2);
  l.try_register(mine);
  r.cancel();
  EXPECT_EQ(this->log, (std::vector{3, 2, 1}));
}

// R16
TYPED_TEST(Lane, RefusesAfterCancel) {
  typename TypeParam::callback a, b;
  this->registry.cancel();
  EXPECT_EQ(this->lane->try_register(a), register_result::canceled);
  EXPECT_FALSE(this->lane->unregister(a));
  typename TypeParam::lane late(this->registry);
  EXPECT_EQ(late.try_register(b), register_result::canceled);
  EXPECT_EQ(a.runs + b.runs, 0);
}

// R29: the cancel stops at a callback that is newer than the lane.
TYPED_TEST(Lane, RefusesWhenACancelHasStoppedBeforeIt) {
  typename TypeParam::callback a, b;
  this->try_register(a);
  cts::test::counted<typename TypeParam::platform> newest;
  ASSERT_EQ(this->registry.try_register(newest), register_result::registered);
  this->registry.cancel([] { return true; });
  EXPECT_EQ(this->lane->try_register(b), register_result::canceled);
  EXPECT_TRUE(this->lane->unregister(a)) << "it never runs";
  EXPECT_EQ(a.runs, 0);
}

// G7
TYPED_TEST(Lane, ACallbackMayTakeBackItselfAndSiblings) {
  typename TypeParam::callback a, b, c;
  this->try_register(a);
  this->try_register(b);
  this->try_register(c);
  c.then = [&] {
    EXPECT_FALSE(this->lane->unregister(c));
    this->lane->unregister_and_wait(c);
    EXPECT_TRUE(this->lane->unregister(a));
    EXPECT_FALSE(this->lane->unregister(a));
    EXPECT_EQ(this->lane->try_register(a), register_result::canceled);
    EXPECT_TRUE(this->registry.is_cancellation_requested());
    EXPECT_FALSE(this->registry.cancel());
  };
  this->registry.cancel();
  EXPECT_EQ(a.runs, 0);
  EXPECT_EQ(b.runs, 1);
  EXPECT_EQ(c.runs, 1);
}

// G13
TYPED_TEST(Lane, ACallbackMayDestroyTheLane) {
  auto a = std::make_unique<typename TypeParam::callback>();
  auto b = std::make_unique<typename TypeParam::callback>();
  this->try_register(*a);
  this->try_register(*b);
  b->then = [&] {
    this->lane->unregister(*a);
    a.reset();
    b.reset();
    this->lane.reset();
  };
  EXPECT_TRUE(this->registry.cancel());
  EXPECT_FALSE(this->lane.has_value());
}

TYPED_TEST(Lane, EndsBeforeCancel) {
  typename TypeParam::callback a;
  this->try_register(a);
  this->lane.reset();
  this->registry.cancel();
  EXPECT_EQ(a.runs, 0);
}

// G6
TYPED_TEST(Lane, WaitsForACallbackThatRunsElsewhere) {
  typename TypeParam::callback a;
  std::atomic<bool> running{false}, may_end{false};
  int effect = 0;
  a.then = [&] {
    running = true;
    while (!may_end) std::this_thread::yield();
    effect = 1;
  };
  this->try_register(a);
  std::thread canceller([&] { this->registry.cancel(); });
  while (!running) std::this_thread::yield();
  std::thread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    may_end = true;
  });
  EXPECT_FALSE(this->lane->unregister(a));
  this->lane->unregister_and_wait(a);
  EXPECT_EQ(effect, 1);
  this->lane.reset();
  canceller.join();
  later.join();
}

/// Beside a cancel each callback either runs or is unregistered (G2 to G5).
TYPED_TEST(Lane, ComesAndGoesBesideACancel) {
  for (int round = 0; round < 1500; ++round) {
    typename TypeParam::registry r;
    typename TypeParam::lane l(r);
    std::atomic<int> ready{0};
    std::thread canceller([&] {
      ++ready;
      while (ready != 2) std::this_thread::yield();
      for (int i = round % 64; i > 0; --i) std::atomic_signal_fence(std::memory_order_seq_cst);
      r.cancel();
    });
    ++ready;
    while (ready != 2) std::this_thread::yield();
    for (int i = 0; i < 200; ++i) {
      typename TypeParam::callback a, b;
      bool const in_a = l.try_register(a) == register_result::registered;
      bool const in_b = l.try_register(b) == register_result::registered;
      bool const out_a = l.unregister(a);
      l.unregister_and_wait(a);
      bool const out_b = l.unregister(b);
      l.unregister_and_wait(b);
      ASSERT_EQ(a.runs, in_a && !out_a ? 1 : 0);
      ASSERT_EQ(b.runs, in_b && !out_b ? 1 : 0);
      if (!in_a) break;
    }
    canceller.join();
  }
}

TYPED_TEST(Lane, GoesFromThreadToThread) {
  typename TypeParam::callback a, b;
  std::thread([&] { EXPECT_TRUE(this->try_register(a)); }).join();
  EXPECT_TRUE(this->lane->unregister(a));
  EXPECT_TRUE(this->try_register(b));
  std::thread([&] { EXPECT_TRUE(this->lane->unregister(b)); }).join();
}

// --- lane_registration ---

TEST(LaneRegistration, RunsAtCancelOrAtOnce) {
  cts::core::registry r;
  cts::lane l(r);
  int n = 0;
  auto const count = [&n]() noexcept { ++n; };
  { cts::lane_registration const gone(l, count); }
  {
    cts::lane_registration const kept(l, count);
    r.cancel();
    EXPECT_EQ(n, 1);
  }
  cts::lane_registration const late(l, count);
  EXPECT_EQ(n, 2);
}

TEST(LaneRegistration, IsThreeWordsAndItsFunction) {
  EXPECT_EQ(sizeof(cts::lane_callback), 2 * sizeof(void*));
  struct empty {
    void operator()() const noexcept {}
  };
  EXPECT_EQ(sizeof(cts::lane_registration<empty>), 3 * sizeof(void*));
}

// --- cost ---

using cts::test::cost;
using cts::test::counting_platform;
using cts::test::counts;
using cts::test::now;
template <class Barrier>
struct counted_lane {
  cts::core::basic_registry<counting_platform> registry;
  cts::basic_lane<cts::lane_home<cts::core::basic_registry<counting_platform>>, Barrier> lane{registry};
};
using one_sided = counted_lane<free_barrier>;
using paired = counted_lane<cts::detail::pairwise_barrier<counting_platform>>;
using counted_node = node<counting_platform>;

class LaneCost : public testing::Test {
 protected:
  void SetUp() override { now = {}; }
  void TearDown() override {
    EXPECT_EQ(now.bytes, 0u) << "leaked";
    EXPECT_EQ(now.wrong_kind, 0u) << "a site does not do what the table says";
  }
};

TEST_F(LaneCost, NoReadModifyWriteBeforeCancel) {
  one_sided s;
  std::deque<counted_node> others(1000);
  counts const all = cost([&] {
    for (auto& o : others) (void)s.lane.try_register(o);
  });
  EXPECT_EQ(all.rmws, 0u);
  for (auto* n : {&others.front(), &others.back(), &others[500]}) {
    counts const out = cost([&] { EXPECT_TRUE(s.lane.unregister(*n)); });
    EXPECT_EQ(out.rmws, 0u);
    EXPECT_EQ(out.stores, 1u);
    EXPECT_EQ(out.loads, 3u);  // the slot, and the lane's state twice
  }
}

TEST_F(LaneCost, APairIsTwoStores) {
  one_sided s;
  counted_node n;
  for (int i = 0; i < 10; ++i) {
    counts const in = cost([&] { (void)s.lane.try_register(n); });
    EXPECT_EQ(in.rmws, 0u);
    EXPECT_EQ(in.stores, 1u);
    EXPECT_EQ(in.loads, 5u);  // the flag, the lane's state twice, the slot and the one below
    counts const out = cost([&] { EXPECT_TRUE(s.lane.unregister(n)); });
    EXPECT_EQ(out.rmws, 0u);
    EXPECT_EQ(out.stores, 1u);
    EXPECT_EQ(out.loads, 3u);
    EXPECT_LE(out.lines.size(), 2u);
  }
}

TEST_F(LaneCost, WithoutAProcessBarrierAPairIsTwoReadModifyWrites) {
  paired s;
  counted_node n;
  EXPECT_EQ(cost([&] { (void)s.lane.try_register(n); }).rmws, 1u);
  EXPECT_EQ(cost([&] { EXPECT_TRUE(s.lane.unregister(n)); }).rmws, 1u);
}

TEST_F(LaneCost, CancelIsOneReadModifyWriteACallback) {
  one_sided s;
  std::deque<counted_node> all(100);
  for (auto& n : all) (void)s.lane.try_register(n);
  counts const c = cost([&] { s.registry.cancel(); });
  EXPECT_EQ(c.rmws, 2u + all.size());  // closing the registry, taking the lane, and each callback
  EXPECT_EQ(cost([&] { EXPECT_FALSE(s.lane.unregister(all[0])); }).rmws, 1u);
}

// G12
TEST_F(LaneCost, MillionsComeAndGoWithoutMoreMemory) {
  one_sided s;
  counted_node ring[3];
  for (auto& n : ring) (void)s.lane.try_register(n);
  auto const spin = [&](int rounds) {
    for (int i = 0; i < rounds; ++i) {
      s.lane.unregister(ring[i % 3]);
      (void)s.lane.try_register(ring[i % 3]);
    }
  };
  spin(1000);
  std::size_t const warm = now.allocations;
  EXPECT_LE(warm, 3u);
  spin(1'000'000);
  EXPECT_EQ(now.allocations, warm);
}

TEST_F(LaneCost, ASecondBurstReusesTheFirst) {
  one_sided s;
  std::deque<counted_node> all(100'000);
  for (auto& n : all) (void)s.lane.try_register(n);
  EXPECT_LE(now.bytes, 18 * all.size());
  for (auto& n : all) s.lane.unregister(n);
  std::size_t const before = now.allocations;
  for (int i = 0; i < 3; ++i) {
    for (auto& n : all) (void)s.lane.try_register(n);
    for (auto n = all.rbegin(); n != all.rend(); ++n) s.lane.unregister(*n);
  }
  EXPECT_EQ(now.allocations, before);
}

TEST_F(LaneCost, OneSurvivorOf64HoldsAtMostAKibibyte) {
  constexpr std::size_t rounds = 500;
  one_sided s;
  std::deque<counted_node> survivors(rounds), passing(63);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < 32; ++i) (void)s.lane.try_register(passing[i]);
    (void)s.lane.try_register(survivors[round]);
    for (std::size_t i = 32; i < 63; ++i) (void)s.lane.try_register(passing[i]);
    for (auto& p : passing) s.lane.unregister(p);
    ASSERT_LE(now.bytes, 1024 * (round + 1) + 2048) << "round " << round;
  }
}

// --- allocation ---

struct failing_platform : cts::core::std_platform {
  static constexpr std::size_t inline_slots = 2;
  static constexpr std::size_t segment_slots = 3;
  static inline std::size_t made = 0, failing = 0;
  static inline std::ptrdiff_t held = 0;
  static void* allocate(std::size_t n) noexcept {
    if (++made == failing) return nullptr;
    ++held;
    return cts::core::std_platform::allocate(n);
  }
  static void deallocate(void* p, std::size_t n) noexcept {
    --held;
    cts::core::std_platform::deallocate(p, n);
  }
};

class LaneAllocation : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(EveryOne, LaneAllocation, testing::Range<std::size_t>(1, 12));

/// G15
TEST_P(LaneAllocation, AFailureIsReportedAndChangesNothing) {
  failing_platform::made = 0;
  failing_platform::failing = GetParam();
  {
    cts::core::basic_registry<failing_platform> r;
    cts::basic_lane<cts::lane_home<cts::core::basic_registry<failing_platform>>, free_barrier> l(r);
    std::vector<int> log, expected;
    std::deque<node<failing_platform>> all;
    std::size_t failures = 0;
    for (int i = 0; i < 40; ++i) {
      all.emplace_back(&log, i);
      register_result const result = l.try_register(all.back());
      if (result == register_result::out_of_memory) {
        ++failures;
        EXPECT_FALSE(l.unregister(all.back()));
        EXPECT_EQ(l.try_register(all.back()), register_result::registered);
      }
      expected.insert(expected.begin(), i);
    }
    EXPECT_EQ(failures, 1u);
    r.cancel();
    EXPECT_EQ(log, expected);
  }
  EXPECT_EQ(failing_platform::held, 0);
}

/// G15: there is no memory to register the lane in its registry.
TEST(LaneAllocation, ALaneThatCouldNotBeRegisteredTriesAgain) {
  failing_platform::failing = 0;
  cts::core::basic_registry<failing_platform> r;
  cts::test::counted<failing_platform> full[2];
  for (auto& f : full) ASSERT_EQ(r.try_register(f), register_result::registered);
  failing_platform::made = 0;
  failing_platform::failing = 1;
  cts::basic_lane<cts::lane_home<cts::core::basic_registry<failing_platform>>, free_barrier> l(r);
  node<failing_platform> a, b;
  failing_platform::made = 0;
  EXPECT_EQ(l.try_register(a), register_result::out_of_memory);
  failing_platform::failing = 0;
  EXPECT_EQ(l.try_register(b), register_result::registered);
  r.cancel();
  EXPECT_EQ(a.runs, 0);
  EXPECT_EQ(b.runs, 1);
}

}  // namespace
