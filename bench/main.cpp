// SPDX-License-Identifier: BSL-1.0
/// @file
/// The matrix: every axis for every peer that was built in, and yardsticks made of bare atomic operations, in one
/// binary, so that one interleaved run compares them. Names are axis/peer[/live registrations][/threads:n].
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iterator>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bench_context.hpp"
#include "peer.hpp"
#include "verbs.hpp"

#define CTS_BENCH_PEER(id) extern "C" cts::bench::peer const* cts_bench_peer_##id();
#include "peers.inc"
#undef CTS_BENCH_PEER

namespace {

using benchmark::State;
using cts::bench::axis;
using cts::bench::layout;
using cts::bench::peer;
using cts::bench::shape;
using cts::bench::timing;

// --- yardsticks ---

struct alignas(128) private_word {
  std::atomic<std::uint64_t> word{0};
};
bool exchange(private_word& w, std::uint64_t from, std::uint64_t to) {
  return w.word.compare_exchange_strong(from, to);
}

void one_rmw(State& state) {
  private_word w;
  for (auto _ : state) benchmark::DoNotOptimize(w.word.fetch_add(1));
}
/// One compare-and-swap in, an acquire load, one compare-and-swap out.
void two_rmws(State& state) {
  private_word slot, flag;
  benchmark::DoNotOptimize(&slot);
  benchmark::DoNotOptimize(&flag);
  for (auto _ : state) {
    benchmark::DoNotOptimize(exchange(slot, 0, 1));
    benchmark::DoNotOptimize(flag.word.load(std::memory_order_acquire));
    benchmark::DoNotOptimize(exchange(slot, 1, 0));
  }
}
void three_rmws(State& state) {
  private_word slot, top;
  benchmark::DoNotOptimize(&slot);
  benchmark::DoNotOptimize(&top);
  for (auto _ : state) {
    benchmark::DoNotOptimize(exchange(slot, 0, 1));
    benchmark::DoNotOptimize(top.word.fetch_add(1));
    benchmark::DoNotOptimize(exchange(slot, 1, 0));
  }
}
void plain_load(State& state) {
  private_word w;
  benchmark::DoNotOptimize(&w);
  for (auto _ : state) benchmark::DoNotOptimize(w.word.load(std::memory_order_acquire));
}
/// A load of a line that nobody writes, while another thread is as busy as one that registers.
void plain_load_churn(State& state) {
  private_word w, elsewhere;
  benchmark::DoNotOptimize(&w);
  std::atomic<bool> stop{false};
  std::jthread other([&] {
    while (!stop.load(std::memory_order_relaxed)) elsewhere.word.fetch_add(1);
  });
  for (auto _ : state) benchmark::DoNotOptimize(w.word.load(std::memory_order_acquire));
  stop.store(true, std::memory_order_relaxed);
}
/// The best that a linked list can do: one read-modify-write a node, no lock, no call. At random addresses every node
/// is a cache miss.
void list_fan_out(State& state) {
  auto const n = static_cast<std::size_t>(state.range(0));
  struct alignas(64) node {
    node* next = nullptr;
    std::atomic<std::uint64_t> word{0};
  };
  std::vector<node> nodes(n);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  node* head = nullptr;
  for (std::size_t const i : order) {
    nodes[i].next = head;
    head = &nodes[i];
  }
  for (auto _ : state)
    for (node* l = head; l != nullptr; l = l->next) l->word.fetch_add(1);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n));
}

// --- the matrix ---

/// What the threads of a benchmark share. The first thread makes it; the others find it once all have begun.
struct shared_stage {
  void* at = nullptr;
};

/// The time that the calling thread has had a core; negative where the system does not tell.
double seconds_on_a_core() {
#if defined(CLOCK_THREAD_CPUTIME_ID)
  timespec t{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0)
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
#endif
  return -1;
}

void steady(State& state, axis const& a, shape const& s, shared_stage& shared) {
  constexpr benchmark::IterationCount batch = 1024;  // a token of its own, and a lane, once for so many
  if (state.thread_index() == 0) shared.at = a.open(s);
  std::atomic<bool> stop{false};
  std::jthread other;
  if (a.disturb != nullptr)
    other = std::jthread([&] {
      while (!stop.load(std::memory_order_relaxed)) a.disturb(shared.at);
    });
  auto const thread = static_cast<std::size_t>(state.thread_index());
  double core = 0;
  std::chrono::steady_clock::time_point begin;
  bool first = true;
  while (state.KeepRunningBatch(batch)) {
    if (std::exchange(first, false)) {
      begin = std::chrono::steady_clock::now();
      core = seconds_on_a_core();
    }
    a.run(shared.at, thread, batch);
  }
  std::chrono::duration<double> const wall = std::chrono::steady_clock::now() - begin;
  // The threads' shares add up: repeat.py measures again where a thread had no core of its own.
  if (s.threads > 1 && core >= 0)
    state.counters["cores"] = (std::min)(1.0, (seconds_on_a_core() - core) / wall.count());
  stop.store(true, std::memory_order_relaxed);
  if (other.joinable()) other.join();
  if (state.thread_index() == 0) a.close(shared.at);
}

void fresh(State& state, axis const& a, shape const& s) {
  for (auto _ : state) {
    void* const stage = a.open(s);
    auto const start = std::chrono::steady_clock::now();
    a.run(stage, 0, 1);
    std::chrono::duration<double> const taken = std::chrono::steady_clock::now() - start;
    state.SetIterationTime(a.how == timing::reported ? a.seconds(stage) : taken.count());
    a.close(stage);
  }
  if (a.how == timing::fresh)
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(s.live * s.sources));
}

class matrix {
 public:
  explicit matrix(peer const& p) : peer_(p) {}

  /// Registers `as`/peer`suffix` if the peer has the axis and can hold that many registrations.
  benchmark::internal::Benchmark* add(std::string_view as, char const* which, shape const& s,
                                      std::string const& suffix = "") const {
    auto const* const end = peer_.axes + peer_.count;
    auto const* const found =
        std::find_if(peer_.axes, end, [which](axis const& a) { return std::string_view(a.name) == which; });
    if (found == end || s.live * s.sources > peer_.most || (s.where == layout::threads && peer_.one_owner))
      return nullptr;
    std::string const name = std::string(as) + "/" + peer_.id + suffix;
    axis const a = *found;
    if (a.how == timing::steady) {
      auto* const shared = new shared_stage;  // for as long as the program runs, as the benchmark
      auto* const b =
          benchmark::RegisterBenchmark(name.c_str(), [a, s, shared](State& state) { steady(state, a, s, *shared); });
      if (s.threads > 1) b->Threads(static_cast<int>(s.threads))->UseRealTime();
      return b;
    }
    auto* const b = benchmark::RegisterBenchmark(name.c_str(), [a, s](State& state) { fresh(state, a, s); });
    b->UseManualTime();
    return b;
  }

  void add_all() const {
    for (char const* which : {"poll", "token_copy", "create", "life", "pair", "late_pair", "poll_churn"})
      add(which, which, {});
    add("linked", "linked", {.sources = 2});
    for (std::size_t threads = 2; threads <= std::max(2u, std::thread::hardware_concurrency()) && threads <= 64;
         threads *= 2) {
      add("pair_shared", "pair", {.threads = threads});
      add("pair_own", "pair_own", {.sources = threads, .threads = threads});
    }
    for (std::size_t const n : {1'000, 100'000, 1'000'000})
      add("pair_live", "pair", {.live = n}, "/" + std::to_string(n));
    for (std::size_t const n : {1, 1'000, 100'000, 1'000'000})
      add("ring", "ring", {.live = n}, "/" + std::to_string(n));
    for (std::size_t n = 1; n <= 1'000'000; n *= 10) {
      add("fan_out", "fan_out", {.live = n, .sources = batch(n)}, "/" + std::to_string(n));
      add("fan_out_scattered", "fan_out", {.live = n, .where = layout::scattered, .sources = batch(n)},
          "/" + std::to_string(n));
    }
    for (std::size_t const n : {1'000, 100'000})
      add("fan_out_threads", "fan_out", {.live = n, .where = layout::threads}, "/" + std::to_string(n));
    for (std::size_t const n : {1, 1'000, 100'000})
      add("leave_canceled", "leave_canceled", {.live = n, .sources = batch(n)}, "/" + std::to_string(n));
    for (std::size_t const n : {1, 1'000})
      if (auto* const b = add("to_first", "to_first", {.live = n}, "/" + std::to_string(n)))
        b->Iterations(n == 1 ? 2000 : 50);
    if (auto* const b = add("to_waiter", "to_waiter", {})) b->Iterations(50);
    for (std::size_t const n : {0, 1'000, 100'000, 1'000'000})
      add("timer", "timer", {.live = n}, "/" + std::to_string(n));
    for (std::size_t const threads : {1, 2, 4, 8})
      add("timer_own", "timer_own", {.sources = threads, .threads = threads});
  }

 private:
  /// At least 64 callbacks, so that reading the clock does not matter.
  static std::size_t batch(std::size_t n) { return n < 64 ? (64 + n - 1) / n : 1; }
  peer const& peer_;
};

/// The processor's name as the operating system gives it; empty where it is not Linux.
std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;

  for (auto const& [name, run] : {std::pair{"yardstick/one_rmw", &one_rmw},
                                  {"yardstick/two_rmws", &two_rmws},
                                  {"yardstick/three_rmws", &three_rmws},
                                  {"yardstick/plain_load", &plain_load},
                                  {"yardstick/plain_load_churn", &plain_load_churn}})
    benchmark::RegisterBenchmark(name, run);
  benchmark::RegisterBenchmark("yardstick/list", &list_fan_out)->Arg(1'000)->Arg(100'000)->Arg(1'000'000);
  cts::bench::add_verbs();

  peer const* const peers[] = {
#define CTS_BENCH_PEER(id) cts_bench_peer_##id(),
#include "peers.inc"
#undef CTS_BENCH_PEER
  };
  std::string ids;
  for (peer const* const p : peers) {
    matrix(*p).add_all();
    benchmark::AddCustomContext(std::string("peer.") + p->id,
                                std::string(p->in_place ? "in place: " : "shared: ") + p->name);
  }
  benchmark::AddCustomContext("skipped", CTS_BENCH_SKIPPED);
  benchmark::AddCustomContext("compiler", CTS_BENCH_COMPILER);
  benchmark::AddCustomContext("processor", processor());
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
