// SPDX-License-Identifier: BSL-1.0
#include "verbs.hpp"

#include <benchmark/benchmark.h>

#include <chrono>
#include <cstddef>
#include <vector>

#include "cts/core/registry.hpp"
#include "peer.hpp"

#if defined(__GNUC__) || defined(__clang__)
#define CTS_BENCH_FLATTEN [[gnu::flatten]]
#else
#define CTS_BENCH_FLATTEN
#endif

namespace cts::bench {
namespace {

using benchmark::State;
using core::register_result;
using core::registry;

struct node : core::callback {
  node() noexcept : callback([](callback& c) noexcept { keep(static_cast<node&>(c).target); }) {}
  void* target = nullptr;
};
static_assert(sizeof(void*) != 8 || sizeof(node) == 32);

/// A registry with nodes, registered in the order in which they lie in memory.
struct crowd {
  explicit crowd(std::size_t live) : nodes(live) {
    for (node& n : nodes) static_cast<void>(r.try_register(n));
  }
  std::vector<node> nodes;
  registry r;
};

void pair(State& state) {
  crowd others(static_cast<std::size_t>(state.range(0)));
  node n;
  for (auto _ : state) {
    register_result const result = others.r.try_register(n);
    benchmark::DoNotOptimize(result);
    bool const taken_back = others.r.unregister(n);
    benchmark::DoNotOptimize(taken_back);
  }
}
/// Unregisters the oldest and registers it anew as the newest.
void ring(State& state) {
  crowd all(static_cast<std::size_t>(state.range(0)));
  std::size_t oldest = 0;
  for (auto _ : state) {
    node& n = all.nodes[oldest];
    all.r.unregister(n);
    static_cast<void>(all.r.try_register(n));
    oldest = oldest + 1 == all.nodes.size() ? 0 : oldest + 1;
  }
}
/// Create, register, cancel, destroy. A callback that has run need not be unregistered. The verbs are inlined, as they
/// are in a program that has one place that cancels.
CTS_BENCH_FLATTEN void life(State& state) {
  for (auto _ : state) {
    registry r;
    node n;
    static_cast<void>(r.try_register(n));
    r.cancel();
    keep(r);
  }
}
void fan_out(State& state) {
  auto const live = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    crowd all(live);
    auto const start = std::chrono::steady_clock::now();
    all.r.cancel();
    state.SetIterationTime(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

}  // namespace

void add_verbs() {
  using benchmark::RegisterBenchmark;
  RegisterBenchmark("pair/verbs", &pair)->Arg(0)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);
  RegisterBenchmark("ring/verbs", &ring)->Arg(1)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);
  RegisterBenchmark("life/verbs", &life);
  RegisterBenchmark("fan_out/verbs", &fan_out)->Arg(1'000)->Arg(100'000)->Arg(1'000'000)->UseManualTime();
}

}  // namespace cts::bench
