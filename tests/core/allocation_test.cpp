// SPDX-License-Identifier: BSL-1.0
// Every allocation fails once: register reports it, nothing else changes, the registry stays usable. G15.
#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <vector>

#include "node.hpp"

namespace {

using namespace cts::core;

/// Fails its k-th allocation and, if told so, all later ones.
struct failing_platform : std_platform {
  static constexpr std::size_t inline_slots = 2;
  static constexpr std::size_t segment_slots = 3;
  static constexpr std::size_t slab_segments = 1;  // else a failed allocation may be followed by a smaller one
  static inline std::size_t made = 0, failing = 0, held = 0;
  static inline bool for_ever = false;
  static void start(std::size_t k, bool from_then_on) {
    made = 0;
    failing = k;
    for_ever = from_then_on;
  }
  static void* allocate(std::size_t n) noexcept {
    ++made;
    if (made == failing || (for_ever && made > failing)) return nullptr;
    ++held;
    return std_platform::allocate(n);
  }
  static void deallocate(void* p, std::size_t n) noexcept {
    --held;
    std_platform::deallocate(p, n);
  }
};
using failing_registry = basic_registry<failing_platform>;
using named = cts::test::named<failing_platform>;

constexpr std::size_t population = 60;
constexpr std::size_t allocations = 20;  // as many as `population` needs

class Allocation : public testing::TestWithParam<std::size_t> {
 protected:
  Allocation() {
    for (std::size_t i = 0; i < population; ++i) all.emplace_back(static_cast<int>(i), log);
  }
  void TearDown() override { EXPECT_EQ(failing_platform::held, 0u) << "leaked"; }
  std::vector<int> log;
  std::deque<named> all;
};

INSTANTIATE_TEST_SUITE_P(EveryOne, Allocation, testing::Range<std::size_t>(1, allocations));

/// There is a segment above the inline one.
class AllocationAbove : public Allocation {};
INSTANTIATE_TEST_SUITE_P(AllButTheFirst, AllocationAbove, testing::Range<std::size_t>(2, allocations));

// G15
TEST_P(Allocation, FailingIsReportedOnceAndTheNextRegistrationWorks) {
  failing_platform::start(GetParam(), false);
  std::vector<int> expected;
  {
    failing_registry r;
    std::size_t failures = 0;
    for (std::size_t i = 0; i < population; ++i) {
      register_result const result = r.try_register(all[i]);
      if (result == register_result::out_of_memory) {
        ++failures;
        EXPECT_FALSE(r.is_cancellation_requested());
        EXPECT_FALSE(r.unregister(all[i])) << "it is not registered";
      } else {
        ASSERT_EQ(result, register_result::registered);
        expected.insert(expected.begin(), static_cast<int>(i));
      }
    }
    EXPECT_EQ(failures, 1u);
    EXPECT_TRUE(r.cancel());
  }
  EXPECT_EQ(log, expected);  // G9; and none is lost: G3
}

// G15: unregistering makes room again, memory or not. (Not for all of them: a slot below a live one is not used again.)
TEST_P(Allocation, FailingForEverLeavesTheRegistryUsable) {
  failing_platform::start(GetParam(), true);
  {
    failing_registry r;
    std::size_t live = 0;
    while (live < population && r.try_register(all[live]) == register_result::registered) ++live;
    ASSERT_LT(live, population);
    EXPECT_EQ(r.try_register(all[live]), register_result::out_of_memory) << "again";
    for (std::size_t i = 0; i < live; ++i) ASSERT_TRUE(r.unregister(all[i]));
    std::size_t again = 0;
    while (again < live && r.try_register(all[again]) == register_result::registered) ++again;
    EXPECT_GE(again + failing_platform::segment_slots, live);
    EXPECT_TRUE(r.cancel());
    ASSERT_EQ(log.size(), again);
    for (std::size_t i = 0; i < again; ++i) EXPECT_EQ(log[i], static_cast<int>(again - 1 - i));
  }
}

// G15: an empty segment further down is used before register gives up
TEST_P(AllocationAbove, FailingIsNotReportedWhileASegmentIsEmpty) {
  failing_platform::start(GetParam(), true);
  {
    failing_registry r;
    std::size_t live = 0;
    while (r.try_register(all[live]) == register_result::registered) ++live;
    ASSERT_TRUE(r.unregister(all[0]));
    ASSERT_TRUE(r.unregister(all[1]));  // the inline segment
    EXPECT_EQ(r.try_register(all[0]), register_result::registered);
    EXPECT_EQ(r.try_register(all[1]), register_result::registered);
    EXPECT_EQ(r.try_register(all[live]), register_result::out_of_memory);
    EXPECT_TRUE(r.cancel());
    EXPECT_EQ(log.size(), live);
    EXPECT_EQ(log.front(), 1);
  }
}

/// A registration that has had to make room so often that it claims no segment any more (I9): here, at once.
struct unclaiming_platform : failing_platform {
  static constexpr unsigned most_claims = 0;
};
template <class Platform>
register_result registers_above_dead_ones() {
  std::vector<int> log;
  std::deque<cts::test::named<Platform>> all;
  for (int i = 0; i < 3; ++i) all.emplace_back(i, log);
  basic_registry<Platform> r;
  (void)r.try_register(all[0]);
  (void)r.try_register(all[1]);
  EXPECT_TRUE(r.unregister(all[0]) && r.unregister(all[1]));
  register_result const result = r.try_register(all[2]);
  EXPECT_TRUE(r.cancel());
  EXPECT_EQ(log.size(), result == register_result::registered ? 1u : 0u);
  return result;
}
// G11
TEST(AllocationFailure, WhoClaimsNoMoreAllocates) {
  failing_platform::start(0, false);
  EXPECT_EQ(registers_above_dead_ones<failing_platform>(), register_result::registered);
  EXPECT_EQ(failing_platform::made, 0u);
  EXPECT_EQ(registers_above_dead_ones<unclaiming_platform>(), register_result::registered);
  EXPECT_EQ(failing_platform::made, 1u);
}
// G15
TEST(AllocationFailure, WhoClaimsNoMoreDoesSoBeforeItGivesUp) {
  failing_platform::start(0, true);
  EXPECT_EQ(registers_above_dead_ones<unclaiming_platform>(), register_result::registered);
  EXPECT_EQ(failing_platform::made, 1u);
}

// G15
TEST(AllocationFailure, DoesNotHinderCancelPollAndDispose) {
  std::vector<int> log;
  std::deque<named> all;
  for (int i = 0; i < 3; ++i) all.emplace_back(i, log);
  failing_platform::start(1, true);
  failing_registry r;
  (void)r.try_register(all[0]);
  (void)r.try_register(all[1]);
  ASSERT_EQ(r.try_register(all[2]), register_result::out_of_memory);
  EXPECT_FALSE(r.is_cancellation_requested());
  EXPECT_TRUE(r.cancel());
  EXPECT_EQ(r.try_register(all[2]), register_result::canceled);
  r.dispose();
  EXPECT_EQ(log, (std::vector<int>{1, 0}));
}

}  // namespace
