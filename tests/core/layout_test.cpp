// SPDX-License-Identifier: BSL-1.0
// The layouts of a registry: their bytes, exactly, and what the compact ones do otherwise than the isolated one, which
// the other tests of the core use.
#include "cts/core/registry.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <new>
#include <set>
#include <type_traits>
#include <vector>

#include "counting_platform.hpp"
#include "cts/cts.hpp"
#include "cts/stop_token.hpp"
#include "node.hpp"

namespace {

using namespace cts::core;
using cts::test::cost;
using cts::test::counting_platform;
using cts::test::counts;
using cts::test::now;
template <class Layout, class Platform = std_platform>
using registry_in = basic_registry<Platform, std::is_same_v<Layout, spaced> ? stripes_at_run_time : 1, Layout>;

constexpr std::size_t in_place = 4;
constexpr std::size_t in_annex = 24;

// --- bytes ---

TEST(Layout, BytesAreExact) {
  EXPECT_EQ(sizeof(registry_in<isolated>), 192u);
  EXPECT_EQ(alignof(registry_in<isolated>), std_platform::line);
  if (sizeof(void*) < 8) GTEST_SKIP() << "the rest is for 64 bits";
  EXPECT_EQ(sizeof(registry_in<compact>), 64u);
  EXPECT_EQ(sizeof(registry_in<spaced>), 96u);
  EXPECT_EQ(sizeof(cts::inplace_stop_source), 64u);
  EXPECT_EQ(sizeof(cts::detail::stop_state), 152u);
  EXPECT_EQ(sizeof(cts::detail::state), 176u);
}

// So an operation state that contains one needs no aligned allocation.
TEST(Layout, CompactOnesAreAlignedAsAWord) {
  EXPECT_EQ(alignof(registry_in<compact>), alignof(std::atomic<std::uint64_t>));
  EXPECT_EQ(alignof(registry_in<spaced>), alignof(std::atomic<std::uint64_t>));
  EXPECT_EQ(alignof(cts::inplace_stop_source), alignof(std::atomic<std::uint64_t>));
}

/// Remembers where a poll reads, and where anything is written.
struct locating_platform : std_platform {
  static inline std::set<std::uintptr_t> polled, written;
  static std::uintptr_t line_of(void const* p) { return reinterpret_cast<std::uintptr_t>(p) / line; }
  template <class T>
  class atomic {
   public:
    constexpr explicit atomic(T v) noexcept : word_(v) {}
    T load(site s) const noexcept {
      if (s == site::flag_poll) polled.insert(line_of(this));
      return word_.load(s);
    }
    void store(T v, site s) noexcept { written.insert(line_of(this)), word_.store(v, s); }
    bool compare_exchange(T& e, T v, site s) noexcept {
      return written.insert(line_of(this)), word_.compare_exchange(e, v, s);
    }
    T fetch_or(T v, site s) noexcept { return written.insert(line_of(this)), word_.fetch_or(v, s); }
    T fetch_xor(T v, site s) noexcept { return written.insert(line_of(this)), word_.fetch_xor(v, s); }

   private:
    std_platform::atomic<T> word_;
  };
};

// Wherever it lies, registrants in place write no line that pollers read.
TEST(Layout, SpacedKeepsRegistrantsFromPollers) {
  using registry = registry_in<spaced, locating_platform>;
  alignas(std_platform::line) std::byte storage[sizeof(registry) + std_platform::line];
  for (std::size_t at = 0; at < std_platform::line; at += alignof(registry)) {
    auto& r = *::new (static_cast<void*>(storage + at)) registry;
    locating_platform::polled.clear();
    locating_platform::written.clear();
    cts::test::counted<locating_platform> all[in_place];
    EXPECT_FALSE(r.is_cancellation_requested());
    ASSERT_EQ(locating_platform::polled.size(), 1u);
    for (int round = 0; round < 3; ++round) {
      for (auto& c : all) ASSERT_EQ(r.try_register(c), register_result::registered);
      for (auto& c : all) ASSERT_TRUE(r.unregister(c));
    }
    EXPECT_FALSE(locating_platform::written.contains(*locating_platform::polled.begin())) << "at offset " << at;
    r.~registry();
  }
}

// --- cost, on the platform that counts ---

class CompactCost : public testing::Test {
 protected:
  using registry_type = registry_in<compact, counting_platform>;
  using node = cts::test::counted<counting_platform>;
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
  static void expect(counts const& c, std::size_t loads, std::size_t stores, std::size_t rmws) {
    EXPECT_EQ(c.loads, loads);
    EXPECT_EQ(c.stores, stores);
    EXPECT_EQ(c.rmws, rmws);
    EXPECT_EQ(c.hints, 0u);
    EXPECT_EQ(c.allocations, 0u);
  }
  std::unique_ptr<registry_type> registry = std::make_unique<registry_type>();
};

TEST_F(CompactCost, MakingAndEndingIsFree) {
  expect(cost([&] { registry_type r; }), 2, 0, 0);  // the flag and top, in the destructor
}

// Loads of top, of the slots from the highest on, and of top again.
TEST_F(CompactCost, RegisterIsOneReadModifyWrite) {
  node a, b;
  expect(enter(a), 2 + in_place, 0, 1);
  expect(enter(b), 2 + in_place, 0, 1);
  expect(cost([&] { registry->unregister(b); }), 0, 0, 1);
  expect(enter(b), 2 + in_place, 0, 1);
}

// One for top, one a callback; with an annex one for its top.
TEST_F(CompactCost, CancelIsOneReadModifyWriteAndOneForEachCallback) {
  for (std::size_t n : {std::size_t{0}, std::size_t{1}, in_place, in_place + 1, std::size_t{1000}}) {
    registry = std::make_unique<registry_type>();
    std::deque<node> all(n);
    for (auto& c : all) enter(c);
    counts const c = cost([&] { EXPECT_TRUE(registry->cancel()); });
    EXPECT_EQ(c.rmws, 1 + n + (n > in_place ? 1 : 0)) << n;
    EXPECT_EQ(c.stores, 3 + n) << n;
    EXPECT_EQ(c.allocations, 0u);
    for (auto& a : all) EXPECT_EQ(a.runs, 1);
  }
}

// G15
TEST_F(CompactCost, AllocatesNothingForTheFirstFewAndOnceForABurst) {
  std::deque<node> all(in_place + in_annex + 1);
  for (std::size_t i = 0; i < in_place; ++i) enter(all[i]);
  EXPECT_EQ(now.allocations, 0u);
  for (std::size_t i = in_place; i < in_place + in_annex; ++i) enter(all[i]);
  EXPECT_EQ(now.allocations, 1u);
  if constexpr (sizeof(void*) == 8) { EXPECT_EQ(now.bytes, 256u); }
  EXPECT_LE(now.bytes, 256u);
  enter(all.back());
  EXPECT_EQ(now.allocations, 2u);
}

// G14
TEST_F(CompactCost, AMillionPairsAllocateNothing) {
  node n;
  for (int i = 0; i < 1'000'000; ++i) {
    (void)registry->try_register(n);
    registry->unregister(n);
  }
  EXPECT_EQ(now.allocations, 0u);
}

// G14: two that overlap climb out of the slots in place, once
TEST_F(CompactCost, AMillionOverlappingPairsAllocateNothingMore) {
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

// --- what it does, in each compact layout ---

template <class Layout>
class CompactLayout : public testing::Test {
 protected:
  using named = cts::test::named<>;
  void make(int n) {
    for (int i = 0; i < n; ++i) all.emplace_back(i, log);
  }
  void enter(int i) { ASSERT_EQ(registry.try_register(all[static_cast<std::size_t>(i)]), register_result::registered); }
  bool leave(int i) { return registry.unregister(all[static_cast<std::size_t>(i)]); }
  std::vector<int> log;
  std::deque<named> all;
  registry_in<Layout> registry;
};
using compact_layouts = testing::Types<compact, spaced>;
TYPED_TEST_SUITE(CompactLayout, compact_layouts);

std::vector<int> downward(int from) {
  std::vector<int> v;
  for (int i = from; i-- > 0;) v.push_back(i);
  return v;
}

// G9, with the annex and segments of it
TYPED_TEST(CompactLayout, RunsTheNewestFirst) {
  this->make(200);
  for (int i = 0; i < 200; ++i) this->enter(i);
  EXPECT_EQ(this->registry.count(), 200u);
  EXPECT_TRUE(this->registry.cancel());
  EXPECT_EQ(this->log, downward(200));
}

// G9: a hole below a live one is not used; when none is live above, the slots are used again.
TYPED_TEST(CompactLayout, RegistersAboveTheHighest) {
  this->make(6);
  this->enter(0);
  this->enter(1);
  EXPECT_TRUE(this->leave(0));
  this->enter(2);
  this->enter(0);
  EXPECT_TRUE(this->leave(1));
  this->enter(3);  // in the annex
  this->enter(4);
  EXPECT_TRUE(this->leave(3));
  this->enter(5);
  EXPECT_TRUE(this->registry.cancel());
  EXPECT_EQ(this->log, (std::vector{5, 4, 0, 2}));
}

TYPED_TEST(CompactLayout, RefusesAfterCancel) {
  this->make(8);
  for (int i = 0; i < 6; ++i) this->enter(i);
  EXPECT_FALSE(this->registry.is_cancellation_requested());
  EXPECT_TRUE(this->registry.cancel());
  EXPECT_FALSE(this->registry.cancel());
  EXPECT_TRUE(this->registry.is_cancellation_requested());
  EXPECT_EQ(this->registry.try_register(this->all[6]), register_result::canceled);
  EXPECT_FALSE(this->leave(6));
  EXPECT_FALSE(this->leave(0));
  EXPECT_FALSE(this->leave(5));
  EXPECT_EQ(this->log, downward(6));
}

TYPED_TEST(CompactLayout, RemovesAll) {
  this->make(10);
  for (int i = 0; i < 8; ++i) this->enter(i);
  std::size_t removed = 0;
  this->registry.remove_all([&](callback&) { ++removed; });
  EXPECT_EQ(removed, 8u);
  EXPECT_EQ(this->registry.count(), 0u);
  this->enter(8);
  this->enter(9);
  this->registry.cancel();
  EXPECT_EQ(this->log, (std::vector{9, 8}));
}

TYPED_TEST(CompactLayout, KnowsItsCallbacks) {
  this->make(6);
  for (int i = 0; i < 6; ++i) this->enter(i);
  for (auto const& c : this->all) EXPECT_TRUE(this->registry.is_registered(c));
  void const* const wanted[] = {&this->all[0], &this->all[5]};
  for (void const* w : wanted) EXPECT_TRUE(this->registry.any_registered([w](void const* at) { return at == w; }));
  EXPECT_TRUE(this->leave(0));
  EXPECT_TRUE(this->leave(5));
  for (void const* w : wanted) EXPECT_FALSE(this->registry.any_registered([w](void const* at) { return at == w; }));
}

// R29: the rest never run
TYPED_TEST(CompactLayout, StopsWhereItIsTold) {
  this->make(8);
  for (int i = 0; i < 8; ++i) this->enter(i);
  EXPECT_TRUE(this->registry.cancel([&] { return this->log.size() == 6; }));
  EXPECT_EQ(this->log, (std::vector{7, 6, 5, 4, 3, 2}));
}

TYPED_TEST(CompactLayout, PausesAndGoesOnInPlaceAndInTheAnnex) {
  std::vector<int> order;
  std::deque<cts::test::action<>> pausing;
  for (int i = 0; i < 7; ++i) {
    pausing.emplace_back([&, i] {
      order.push_back(i);
      this->registry.pause_here();
    });
    ASSERT_EQ(this->registry.try_register(pausing.back()), register_result::registered);
  }
  ASSERT_TRUE(this->registry.request_cancellation());
  typename registry_in<TypeParam>::pause at;
  int pauses = 0;
  auto const never = [] { return false; };
  for (callback* c = this->registry.run_callbacks(never, at); c != nullptr; c = this->registry.resume(at, never)) {
    EXPECT_TRUE(this->registry.is_running(*c));
    ++pauses;
  }
  EXPECT_EQ(pauses, 7);
  EXPECT_EQ(order, downward(7));
}

// G13
TYPED_TEST(CompactLayout, ACallbackMayDestroyIt) {
  for (int before : {0, 5}) {
    auto* r = new registry_in<TypeParam>;
    std::deque<cts::test::action<>> others(static_cast<std::size_t>(before));
    for (auto& o : others) ASSERT_EQ(r->try_register(o), register_result::registered);
    cts::test::action<> last([&] { delete r; });
    ASSERT_EQ(r->try_register(last), register_result::registered);
    EXPECT_TRUE(r->cancel());
    for (auto& o : others) EXPECT_EQ(o.runs, 0);
  }
}

TYPED_TEST(CompactLayout, IsDisposedOnce) {
  this->make(7);
  for (int i = 0; i < 6; ++i) this->enter(i);
  this->registry.dispose();
  this->registry.dispose();
  EXPECT_EQ(this->registry.try_register(this->all[6]), register_result::disposed);
}

constinit registry_in<compact> static_compact;
TEST(Layout, CompactCanBeConstantInitialized) {
  cts::test::counted<> c;
  ASSERT_EQ(static_compact.try_register(c), register_result::registered);
  EXPECT_TRUE(static_compact.unregister(c));
}

// G15: no room, no memory
TEST(Layout, AFailedAnnexChangesNothing) {
  struct failing_platform : std_platform {
    static void* allocate(std::size_t) noexcept { return nullptr; }
  };
  registry_in<compact, failing_platform> r;
  cts::test::counted<failing_platform> all[in_place + 1];
  for (std::size_t i = 0; i < in_place; ++i) ASSERT_EQ(r.try_register(all[i]), register_result::registered);
  EXPECT_EQ(r.try_register(all[in_place]), register_result::out_of_memory);
  EXPECT_FALSE(r.unregister(all[in_place]));
  EXPECT_TRUE(r.unregister(all[in_place - 1]));
  EXPECT_EQ(r.try_register(all[in_place]), register_result::registered);
  EXPECT_TRUE(r.cancel());
  EXPECT_EQ(all[in_place].runs, 1);
  EXPECT_EQ(all[in_place - 1].runs, 0);
}

}  // namespace
