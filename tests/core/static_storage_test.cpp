// SPDX-License-Identifier: BSL-1.0
// Registries and sources of static storage are constant-initialized: initializers of other files may use them.
// [stopsource.inplace] This file comes first on the linker's command line, so that its initializers run before those of
// static_storage.cpp.
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "node.hpp"
#include "static_storage.hpp"

namespace {

using cts::core::register_result;
using cts::test::static_registry;
using cts::test::static_source;
using cts::test::static_striped_registry;
using node = cts::test::counted<>;

constexpr cts::inplace_stop_token token = static_source.get_token();
static_assert(token.stop_possible());
static_assert(token == static_source.get_token());
static_assert(token != cts::inplace_stop_token());
static_assert([] {
  cts::inplace_stop_token a = token, b;
  swap(a, b);
  return !a.stop_possible() && b == token;
}());
static_assert(noexcept(cts::inplace_stop_source()) && noexcept(static_source.get_token()));

// More than fit into the registry, so that the initializer allocates segments, too.
struct many {
  explicit many(cts::core::registry& r) {
    for (node& n : nodes) registered += r.try_register(n) == register_result::registered ? 1 : 0;
  }
  int runs() const {
    int sum = 0;
    for (node const& n : nodes) sum += n.runs;
    return sum;
  }
  node nodes[200];
  int registered = 0;
};
many in_registry(static_registry);

node in_striped_registry;
auto const striped_result = static_striped_registry.try_register(in_striped_registry);

int stops = 0;
auto count_stop = [] { ++stops; };
using stop_callback = cts::inplace_stop_callback<decltype(count_stop)>;
// Not of static storage itself: it has to end before the source, and the order in which files end is not specified.
auto* in_source = new stop_callback(static_source.get_token(), count_stop);

TEST(StaticStorage, ARegistryAcceptsRegistrationsFromAnotherFilesInitializer) {
  EXPECT_EQ(in_registry.registered, 200);
  EXPECT_EQ(static_registry.count(), 200u);
  EXPECT_TRUE(static_registry.unregister(in_registry.nodes[0]));
  EXPECT_TRUE(static_registry.cancel());
  EXPECT_EQ(in_registry.runs(), 199);
  static_registry.dispose();
}

TEST(StaticStorage, AStripedRegistryAcceptsRegistrationsFromAnotherFilesInitializer) {
  EXPECT_EQ(striped_result, register_result::registered);
  EXPECT_TRUE(static_striped_registry.cancel());
  EXPECT_EQ(in_striped_registry.runs, 1);
}

TEST(StaticStorage, ASourceAcceptsCallbacksFromAnotherFilesInitializer) {
  EXPECT_FALSE(token.stop_requested());
  EXPECT_TRUE(static_source.request_stop());
  EXPECT_EQ(stops, 1);
  EXPECT_TRUE(token.stop_requested());
  delete std::exchange(in_source, nullptr);
}

// A registry of a function's static storage needs no guard, and no lock at its first use.
TEST(StaticStorage, ALocalRegistryIsConstantInitialized) {
  constinit static cts::core::registry local;
  node n;
  EXPECT_EQ(local.try_register(n), register_result::registered);
  EXPECT_TRUE(local.unregister(n));
}

}  // namespace
