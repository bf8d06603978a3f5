// SPDX-License-Identifier: BSL-1.0
/// @file
/// What the verbs cost, beside std::stop_callback and beside the bare atomic operations they are made of, in one binary.
/// ratios.py compares them with the bars.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <stop_token>
#include <thread>
#include <vector>

#include "cts/core/registry.hpp"

namespace {

using benchmark::DoNotOptimize;
using benchmark::State;
using clock_type = std::chrono::steady_clock;

struct node : cts::core::callback {
  node() noexcept : cts::core::callback([](cts::core::callback&) noexcept {}) {}
};
struct nothing {
  void operator()() const noexcept {}
};

// ---- yardsticks

struct alignas(64) private_word {
  std::atomic<std::uint64_t> word{0};
};

void one_rmw(State& state) {
  private_word w;
  for (auto _ : state) {
    auto const before = w.word.fetch_add(1);
    DoNotOptimize(before);
  }
}
BENCHMARK(one_rmw);

/// One compare-and-swap in, an acquire load, one compare-and-swap out.
void two_rmws(State& state) {
  private_word slot, flag;
  DoNotOptimize(&slot);
  DoNotOptimize(&flag);
  for (auto _ : state) {
    std::uint64_t expected = 0;
    DoNotOptimize(slot.word.compare_exchange_strong(expected, 1));
    DoNotOptimize(flag.word.load(std::memory_order_acquire));
    expected = 1;
    DoNotOptimize(slot.word.compare_exchange_strong(expected, 0));
  }
}
BENCHMARK(two_rmws);
BENCHMARK(two_rmws)->Threads(2)->UseRealTime()->Name("two_rmws_own");

void three_rmws(State& state) {
  private_word slot, top;
  DoNotOptimize(&slot);
  DoNotOptimize(&top);
  for (auto _ : state) {
    std::uint64_t expected = 0;
    DoNotOptimize(slot.word.compare_exchange_strong(expected, 1));
    DoNotOptimize(top.word.fetch_add(1));
    expected = 1;
    DoNotOptimize(slot.word.compare_exchange_strong(expected, 0));
  }
}
BENCHMARK(three_rmws);

void plain_load(State& state) {
  private_word w;
  DoNotOptimize(&w);
  for (auto _ : state) DoNotOptimize(w.word.load(std::memory_order_acquire));
}
BENCHMARK(plain_load);

// ---- register and unregister

template <class Registry>
void pairs(State& state, Registry& registry) {
  node c;
  for (auto _ : state) {
    DoNotOptimize(registry.try_register(c));
    DoNotOptimize(registry.unregister(c));
  }
}

void pair(State& state) {
  cts::core::registry registry;
  pairs(state, registry);
}
BENCHMARK(pair);
BENCHMARK(pair)->Threads(2)->UseRealTime()->Name("pair_own");

void pair_shared(State& state) {
  static cts::core::registry registry;
  pairs(state, registry);
}
BENCHMARK(pair_shared)->Threads(2)->UseRealTime();

void pair_striped_alone(State& state) {
  auto const registry = std::make_unique<cts::core::striped_registry>();
  pairs(state, *registry);
}
BENCHMARK(pair_striped_alone);

void pair_striped(State& state) {
  static cts::core::striped_registry registry;
  pairs(state, registry);
}
BENCHMARK(pair_striped)->Threads(2)->UseRealTime();

void std_pairs(State& state, std::stop_token const& token) {
  for (auto _ : state) {
    std::stop_callback<nothing> c(token, nothing{});
    DoNotOptimize(c);
  }
}
void std_pair(State& state) {
  std::stop_source source;
  std_pairs(state, source.get_token());
}
BENCHMARK(std_pair);
void std_pair_shared(State& state) {
  static std::stop_source source;
  std_pairs(state, source.get_token());
}
BENCHMARK(std_pair_shared)->Threads(2)->UseRealTime();

/// With `range(0)` others live.
void pair_live(State& state) {
  cts::core::registry registry;
  std::vector<node> others(static_cast<std::size_t>(state.range(0)));
  for (auto& o : others) registry.try_register(o);
  pairs(state, registry);
}
BENCHMARK(pair_live)->Arg(1000)->Arg(100000);

/// `range(0)` live, one more comes and the oldest goes: every segment is passed through and reused.
void pair_oldest_first(State& state) {
  cts::core::registry registry;
  std::vector<node> all(static_cast<std::size_t>(state.range(0)) + 1);
  for (std::size_t i = 0; i + 1 < all.size(); ++i) registry.try_register(all[i]);
  std::size_t in = all.size() - 1;
  for (auto _ : state) {
    DoNotOptimize(registry.try_register(all[in]));
    in = in + 1 == all.size() ? 0 : in + 1;  // the oldest, and the next to come in
    DoNotOptimize(registry.unregister(all[in]));
  }
}
BENCHMARK(pair_oldest_first)->Arg(1)->Arg(1000)->Arg(100000);

// ---- poll

void poll(State& state) {
  cts::core::registry registry;
  DoNotOptimize(&registry);
  for (auto _ : state) DoNotOptimize(registry.is_cancellation_requested());
}
BENCHMARK(poll);

/// While another thread registers and unregisters.
template <class Poll, class Churn>
void poll_during(State& state, Poll poll_once, Churn churn_once) {
  std::atomic<bool> stop{false};
  std::jthread other([&] {
    while (!stop.load(std::memory_order_relaxed)) churn_once();
  });
  for (auto _ : state) DoNotOptimize(poll_once());
  stop.store(true, std::memory_order_relaxed);
}
void poll_churn(State& state) {
  cts::core::registry registry;
  DoNotOptimize(&registry);
  node c;
  poll_during(
      state, [&] { return registry.is_cancellation_requested(); },
      [&] {
        registry.try_register(c);
        registry.unregister(c);
      });
}
BENCHMARK(poll_churn)->UseRealTime();
/// The same load of a line that nobody writes, while another thread is as busy: what poll_churn is compared with.
void plain_load_churn(State& state) {
  private_word w, elsewhere;
  DoNotOptimize(&w);
  poll_during(
      state, [&] { return w.word.load(std::memory_order_acquire); },
      [&] {
        elsewhere.word.fetch_add(1);
        elsewhere.word.fetch_add(1);
      });
}
BENCHMARK(plain_load_churn)->UseRealTime();
void std_poll_churn(State& state) {
  std::stop_source source;
  std::stop_token const token = source.get_token();
  poll_during(
      state, [&] { return token.stop_requested(); },
      [&] {
        std::stop_callback<nothing> c(token, nothing{});
        DoNotOptimize(c);
      });
}
BENCHMARK(std_poll_churn)->UseRealTime();

// ---- lives

void create_destroy(State& state) {
  for (auto _ : state) {
    cts::core::registry registry;
    DoNotOptimize(&registry);
  }
}
BENCHMARK(create_destroy);
void std_create_destroy(State& state) {
  for (auto _ : state) {
    std::stop_source source;
    DoNotOptimize(source);
  }
}
BENCHMARK(std_create_destroy);

void one_shot_life(State& state) {
  for (auto _ : state) {
    cts::core::registry registry;
    node c;
    DoNotOptimize(registry.try_register(c));
    DoNotOptimize(registry.cancel());
  }
}
BENCHMARK(one_shot_life);
void std_one_shot_life(State& state) {
  for (auto _ : state) {
    std::stop_source source;
    std::stop_callback<nothing> c(source.get_token(), nothing{});
    DoNotOptimize(source.request_stop());
  }
}
BENCHMARK(std_one_shot_life);

// ---- fan-out: only the cancel is timed

std::vector<std::size_t> order(std::size_t n, bool shuffled) {
  std::vector<std::size_t> o(n);
  std::iota(o.begin(), o.end(), std::size_t{0});
  if (shuffled) std::shuffle(o.begin(), o.end(), std::mt19937_64(1));
  return o;
}

template <class Cancel>
void time_cancel(State& state, std::chrono::duration<double>& timed, Cancel cancel) {
  auto const start = clock_type::now();
  DoNotOptimize(cancel());
  timed += clock_type::now() - start;
  (void)state;
}

/// How many registries one timing covers: at least 64 callbacks, so that reading the clock does not count.
std::size_t batch_of(std::size_t n) { return n < 64 ? (64 + n - 1) / n : 1; }

template <bool Shuffled>
void fan_out(State& state) {
  auto const n = static_cast<std::size_t>(state.range(0));
  std::size_t const batch = batch_of(n);
  struct alignas(64) cold_node : node {};  // a line each, as if it were in its own object
  std::vector<cold_node> spread(Shuffled ? n * batch : 0);
  std::vector<node> dense(Shuffled ? 0 : n * batch);
  auto const in_order = order(n * batch, Shuffled);
  for (auto _ : state) {
    std::vector<std::unique_ptr<cts::core::registry>> registries;
    for (std::size_t b = 0; b < batch; ++b) {
      registries.push_back(std::make_unique<cts::core::registry>());
      for (std::size_t i = 0; i < n; ++i) {
        std::size_t const at = in_order[b * n + i];
        registries[b]->try_register(Shuffled ? static_cast<node&>(spread[at]) : dense[at]);
      }
    }
    std::chrono::duration<double> timed{0};
    time_cancel(state, timed, [&] {
      bool all = true;
      for (auto& r : registries) all &= r->cancel();
      return all;
    });
    state.SetIterationTime(timed.count());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n * batch));
}

template <bool Shuffled>
void std_fan_out(State& state) {
  auto const n = static_cast<std::size_t>(state.range(0));
  std::size_t const batch = batch_of(n);
  struct alignas(64) cell {
    std::optional<std::stop_callback<nothing>> c;
  };
  std::vector<cell> cells(n * batch);
  auto const in_order = order(n * batch, Shuffled);
  for (auto _ : state) {
    std::vector<std::stop_source> sources(batch);
    for (std::size_t b = 0; b < batch; ++b)
      for (std::size_t i = 0; i < n; ++i) cells[in_order[b * n + i]].c.emplace(sources[b].get_token(), nothing{});
    std::chrono::duration<double> timed{0};
    time_cancel(state, timed, [&] {
      bool all = true;
      for (auto& s : sources) all &= s.request_stop();
      return all;
    });
    state.SetIterationTime(timed.count());
    for (auto& c : cells) c.c.reset();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n * batch));
}

/// The best that a linked list can do: one read-modify-write a node, no lock, no call; at random addresses every node misses.
template <bool Shuffled>
void list_fan_out(State& state) {
  auto const n = static_cast<std::size_t>(state.range(0));
  struct alignas(64) link {
    link* next = nullptr;
    std::atomic<std::uint64_t> word{0};
  };
  std::vector<link> links(n);
  auto const in_order = order(n, Shuffled);
  link* head = nullptr;
  for (std::size_t const i : in_order) {
    links[i].next = head;
    head = &links[i];
  }
  for (auto _ : state) {
    std::chrono::duration<double> timed{0};
    time_cancel(state, timed, [&] {
      for (link* l = head; l != nullptr; l = l->next) l->word.fetch_add(1);
      return head;
    });
    state.SetIterationTime(timed.count());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n));
}

void sizes(benchmark::internal::Benchmark* b) {
  for (std::int64_t n = 1; n <= 1000000; n *= 10) b->Arg(n);
  b->UseManualTime();
}
BENCHMARK(fan_out<false>)->Name("fan_out_contiguous")->Apply(sizes);
BENCHMARK(fan_out<true>)->Name("fan_out_random")->Apply(sizes);
BENCHMARK(std_fan_out<false>)->Name("std_fan_out_contiguous")->Apply(sizes);
BENCHMARK(std_fan_out<true>)->Name("std_fan_out_random")->Apply(sizes);
BENCHMARK(list_fan_out<true>)->Name("list_fan_out_random")->Arg(1000)->Arg(100000)->Arg(1000000)->UseManualTime();

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("sizeof_callback", std::to_string(sizeof(cts::core::callback)));
  benchmark::AddCustomContext("sizeof_registry", std::to_string(sizeof(cts::core::registry)));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
