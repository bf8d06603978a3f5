// SPDX-License-Identifier: BSL-1.0
// The cost of each verb, counted exactly, and the memory held. G14, G15 and the bars of the core.
#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <optional>
#include <vector>

#include "counting_platform.hpp"
#include "node.hpp"

namespace {

using namespace cts::core;
using cts::test::cost;
using cts::test::counting_platform;
using cts::test::counts;
using cts::test::now;
using counting_registry = basic_registry<counting_platform>;
using node = cts::test::counted<counting_platform>;

constexpr std::size_t inline_slots = counting_platform::inline_slots;

class Cost : public testing::Test {
 protected:
  void SetUp() override { now = {}; }
  void TearDown() override {
    registry.reset();
    EXPECT_EQ(now.bytes, 0u) << "leaked";
    EXPECT_EQ(now.allocations, now.deallocations);
    EXPECT_EQ(now.wrong_kind, 0u) << "a site does not do what the table says";
  }
  counts enter(node& n) {
    return cost([&] { ASSERT_EQ(registry->try_register(n), register_result::registered); });
  }
  counts leave(node& n) {
    return cost([&] { ASSERT_TRUE(registry->unregister(n)); });
  }
  std::optional<counting_registry> registry{std::in_place};
};
class Memory : public Cost {};

void expect(counts const& c, std::size_t loads, std::size_t stores, std::size_t rmws) {
  EXPECT_EQ(c.loads, loads);
  EXPECT_EQ(c.stores, stores);
  EXPECT_EQ(c.rmws, rmws);
  EXPECT_EQ(c.hints, 0u);
  EXPECT_EQ(c.allocations, 0u);
}

// Finds its slot with loads of top, generation, cursor, the slot and the one below; publishes; reads generation and top
// again; advances the cursor.
TEST_F(Cost, RegisterTheFirst) {
  node n;
  expect(enter(n), 7, 1, 1);
  registry->unregister(n);
}

TEST_F(Cost, RegisterAnother) {
  node a, b;
  enter(a);
  counts const c = enter(b);
  expect(c, 7, 1, 1);
  EXPECT_EQ(c[site::slot_publish], 1u);
  EXPECT_EQ(c[site::slot_peek], 2u);
}

// The slot just below the frontier is taken again and the cursor is not written; one more load asks whether others died
// too.
TEST_F(Cost, RegisterAgain) {
  node a;
  enter(a);
  leave(a);
  for (int i = 0; i < 100; ++i) {
    expect(enter(a), 8, 0, 1);
    leave(a);
  }
}

TEST_F(Cost, UnregisterIsOneReadModifyWrite) {
  node n;
  enter(n);
  counts const c = leave(n);
  expect(c, 0, 0, 1);
  EXPECT_EQ(c[site::slot_unregister], 1u);
}

TEST_F(Cost, UnregisterOfOneNeverRegisteredIsFree) {
  node n;
  expect(cost([&] { registry->unregister(n); }), 0, 0, 0);
}

TEST_F(Cost, UnregisterAndWaitIsOneReadModifyWriteToo) {
  node n;
  enter(n);
  expect(cost([&] { registry->unregister_and_wait(n); }), 0, 0, 1);
}

TEST_F(Cost, PollIsOneLoad) {
  expect(cost([&] { (void)registry->is_cancellation_requested(); }), 1, 0, 0);
  registry->cancel();
  expect(cost([&] { (void)registry->is_cancellation_requested(); }), 1, 0, 0);
}

// G8: by this load an unregister that comes too late reads the flag as set
TEST_F(Cost, UnregisterAfterCancelIsOneReadModifyWriteAndOneLoad) {
  node n;
  enter(n);
  registry->cancel();
  bool out = true;
  expect(cost([&] { out = registry->unregister(n); }), 1, 0, 1);
  EXPECT_FALSE(out);
}

TEST_F(Cost, DisposeHasNoReadModifyWrite) {
  std::vector<node> all(1000);
  for (auto& n : all) enter(n);
  counts const c = cost([&] { registry->dispose(); });
  EXPECT_EQ(c.rmws, 0u);
  EXPECT_EQ(c.deallocations, now.allocations);
}

TEST_F(Cost, DisposeOfACanceledOneHasNoReadModifyWrite) {
  registry->cancel();
  EXPECT_EQ(cost([&] { registry.reset(); }).rmws, 0u);
}

TEST_F(Cost, CancelOfNothingIsOneReadModifyWrite) {
  counts const c = cost([&] { registry->cancel(); });
  expect(c, c[site::slot_scan] + 2, 3, 1);  // twice the link of the one segment
  EXPECT_EQ(c[site::slot_scan], inline_slots);
}

TEST_F(Cost, CancelIsOneReadModifyWriteAndOneStoreForEachCallback) {
  for (std::size_t n : {std::size_t{1}, std::size_t{8}, std::size_t{9}, std::size_t{1000}}) {
    registry.emplace();
    std::deque<node> all(n);
    for (auto& a : all) enter(a);
    counts const c = cost([&] { EXPECT_TRUE(registry->cancel()); });
    EXPECT_EQ(c.rmws, 1 + n);
    EXPECT_EQ(c.stores, 3 + n);
    EXPECT_EQ(c[site::slot_take], n);
    EXPECT_EQ(c.hints, 0u);
    EXPECT_EQ(c.allocations, 0u);
    for (auto& a : all) EXPECT_EQ(a.runs, 1);
  }
}

// No load but one for each slot, one for each prefetch and two for each segment.
TEST_F(Cost, CancelLoadsEachSlotOnceAndPrefetchesOnce) {
  std::deque<node> all(1000);
  for (auto& a : all) enter(a);
  counts const c = cost([&] { registry->cancel(); });
  constexpr std::size_t slots = counting_platform::segment_slots;
  std::size_t const grown = (c[site::slot_scan] - inline_slots) / slots;
  EXPECT_EQ(c[site::slot_scan], inline_slots + grown * slots);
  std::size_t const needed = (1000 - inline_slots + slots - 1) / slots;
  EXPECT_GE(grown, needed);
  EXPECT_LE(grown, needed + needed / counting_platform::slab_part) << "the rest of a slab is longer than allowed";
  EXPECT_LE(c[site::slot_peek], 1000u);
  EXPECT_EQ(c.loads, c[site::slot_scan] + c[site::slot_peek] + 2 * (1 + grown));
}

TEST_F(Cost, ASecondCancelIsOneReadModifyWriteAndOneLoad) {
  registry->cancel();
  expect(cost([&] { registry->cancel(); }), 1, 0, 1);
}

TEST_F(Cost, ARefusedRegistrationHasNoReadModifyWrite) {
  node n;
  registry->cancel();
  counts const c = cost([&] { (void)registry->try_register(n); });
  EXPECT_EQ(c.rmws, 0u);
  EXPECT_EQ(c.stores, 0u);
  EXPECT_LE(c.loads, 3u);
}

// The same with many others live, whichever is removed.
TEST_F(Cost, DoesNotDependOnHowManyAreLive) {
  std::deque<node> others(100'000);
  for (auto& o : others) enter(o);
  node n, m;
  enter(n);
  leave(n);
  expect(enter(n), 8, 0, 1);
  expect(leave(n), 0, 0, 1);
  expect(leave(others.front()), 0, 0, 1);
  expect(leave(others.back()), 0, 0, 1);
}

// Amortized: growth included, oldest removed first, a registration costs 1 + a small fraction of a read-modify-write.
TEST_F(Cost, RegisterIsConstantAmortizedWithTheOldestRemovedFirst) {
  std::deque<node> ring(10'000);
  for (auto& n : ring) enter(n);
  constexpr std::size_t rounds = 300'000;
  counts const c = cost([&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      node& n = ring[i % ring.size()];
      registry->unregister(n);
      (void)registry->try_register(n);
    }
  });
  EXPECT_LE(c.rmws, 2 * rounds + rounds / 5);
  EXPECT_LE(c.loads, 12 * rounds);
}

// ----------------------------------------------------------------------------------------------------------------
// memory

// G15
TEST_F(Memory, TheFirstFewRegistrationsAllocateNothing) {
  std::deque<node> all(inline_slots);
  for (auto& n : all) enter(n);
  EXPECT_EQ(now.allocations, 0u);
  registry->cancel();
  registry.reset();
  EXPECT_EQ(now.allocations, 0u);
}

// G14, G15
TEST_F(Memory, AMillionPairsAllocateNothing) {
  node n;
  for (int i = 0; i < 1'000'000; ++i) {
    (void)registry->try_register(n);
    registry->unregister(n);
  }
  EXPECT_EQ(now.allocations, 0u);
}

// G14: two that overlap never stay in one slot, so segments are reset again and again
TEST_F(Memory, AMillionOverlappingPairsAllocateNothingMore) {
  node n[2];
  enter(n[0]);
  auto const spin = [&](int rounds) {
    for (int i = 0; i < rounds; ++i) {
      (void)registry->try_register(n[(i + 1) % 2]);
      registry->unregister(n[i % 2]);
    }
  };
  spin(2000);
  std::size_t const warm = now.allocations;
  EXPECT_LE(warm, 3u);
  spin(1'000'000);
  EXPECT_EQ(now.allocations, warm);
}

// G14: unregistered callbacks leave room for as many again
TEST_F(Memory, ASecondBurstThatFitsInlineAllocatesNothing) {
  node all[inline_slots];
  for (int i = 0; i < 1000; ++i) {
    for (auto& n : all) enter(n);
    for (auto& n : all) leave(n);
  }
  EXPECT_EQ(now.allocations, 0u);
}

// G14: a thousand times the same small burst
TEST_F(Memory, RepeatedSmallBurstsStayBounded) {
  node all[100];
  for (int i = 0; i < 5000; ++i) {
    for (auto& n : all) enter(n);
    for (auto& n : all) leave(n);
  }
  EXPECT_LE(now.allocations, 6u);  // 1.5 times the three segments that are in use at once, and two
}

constexpr std::size_t burst = 100'000;

// G14
TEST_F(Memory, ABurstKeepsAtMost16BytesARegistration) {
  std::deque<node> all(burst);
  for (int i = 0; i < 3; ++i) {
    for (auto& n : all) enter(n);
    EXPECT_LE(now.bytes, 16 * burst) << "burst " << i;
    for (auto& n : all) leave(n);
    EXPECT_LE(now.bytes, 16 * burst) << "burst " << i;
  }
}

// G14
TEST_F(Memory, ASecondBurstReusesTheFirst) {
  std::deque<node> all(burst);
  for (auto& n : all) enter(n);
  for (auto& n : all) leave(n);
  std::size_t const before = now.allocations;
  for (auto& n : all) enter(n);
  EXPECT_EQ(now.allocations, before);
}

// G14: the same, the newest removed first
TEST_F(Memory, ASecondBurstReusesTheFirstAfterTheNewestWentFirst) {
  std::deque<node> all(burst);
  for (auto& n : all) enter(n);
  for (auto n = all.rbegin(); n != all.rend(); ++n) leave(*n);
  std::size_t const before = now.allocations;
  for (auto& n : all) enter(n);
  EXPECT_EQ(now.allocations, before);
}

// The segments of a large registry come in slabs. G14
TEST_F(Memory, ALargeBurstAllocatesInSlabs) {
  std::deque<node> all(burst);
  for (auto& n : all) enter(n);
  EXPECT_LE(now.allocations, 200u) << "of 1,786 segments";
  EXPECT_LE(now.bytes, 10 * burst);
}

// G14: wherever the first burst ends in its last segment
TEST_F(Memory, ASecondBurstOfAnySizeAddsNothing) {
  std::deque<node> all(400);
  for (std::size_t size = 1; size <= all.size(); ++size) {
    registry.emplace();
    for (std::size_t i = 0; i < size; ++i) enter(all[i]);
    for (std::size_t i = 0; i < size; ++i) leave(all[i]);
    std::size_t const before = now.allocations;
    for (int again = 0; again < 3; ++again) {
      for (std::size_t i = 0; i < size; ++i) enter(all[i]);
      for (std::size_t i = 0; i < size; ++i) leave(all[i]);
    }
    EXPECT_EQ(now.allocations, before) << size << " registrations";
  }
}

// G14
TEST_F(Memory, OneSurvivorOf64HoldsAtMostAKibibyte) {
  constexpr std::size_t rounds = 2000;
  std::deque<node> survivors(rounds);
  std::deque<node> passing(63);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < 32; ++i) enter(passing[i]);
    enter(survivors[round]);
    for (std::size_t i = 32; i < 63; ++i) enter(passing[i]);
    for (auto& p : passing) leave(p);
    ASSERT_LE(now.bytes, 1024 * (round + 1) + 2048) << "round " << round;
  }
  EXPECT_LE(now.bytes, 1024 * rounds);
}

// G14
TEST_F(Memory, ARingWithTheOldestRemovedFirstStaysBounded) {
  for (std::size_t live : {std::size_t{10}, std::size_t{1000}, std::size_t{10'000}}) {
    registry.emplace();
    std::size_t const start = now.allocations;
    std::deque<node> ring(live);
    for (auto& n : ring) enter(n);
    for (std::size_t i = 0; i < 50 * live; ++i) {
      leave(ring[i % live]);
      enter(ring[i % live]);
    }
    std::size_t const needed = live / counting_platform::segment_slots + 2;
    EXPECT_LE(now.allocations - start, needed + needed / 2 + 3) << live << " live";
  }
}

}  // namespace
