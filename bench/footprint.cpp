// SPDX-License-Identifier: BSL-1.0
/// @file
/// Counts the memory of each peer: this program's own malloc adds up the bytes that the allocator hands out. Writes a
/// JSON file in the format of Google Benchmark, with counters instead of times.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "peer.hpp"

#define CTS_BENCH_PEER(id) extern "C" cts::bench::peer const* cts_bench_peer_##id();
#include "peers.inc"
#undef CTS_BENCH_PEER

// glibc's own, under the names that stay when they are replaced.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {
struct heap {
  std::atomic<std::int64_t> bytes, blocks;
};
heap held{};
std::atomic<std::int64_t> floor_now{0}, peak{0};  // the peak above the floor

void* taken(void* p) {
  if (p != nullptr) {
    std::int64_t const now =
        held.bytes.fetch_add(static_cast<std::int64_t>(malloc_usable_size(p) + sizeof(std::size_t)),
                             std::memory_order_relaxed) +
        static_cast<std::int64_t>(malloc_usable_size(p) + sizeof(std::size_t)) - floor_now.load();
    if (now > peak.load()) peak = now;
    held.blocks.fetch_add(1, std::memory_order_relaxed);
  }
  return p;
}
void given_back(void* p) {
  if (p != nullptr)
    held.bytes.fetch_sub(static_cast<std::int64_t>(malloc_usable_size(p) + sizeof(std::size_t)),
                         std::memory_order_relaxed);
}
}  // namespace

extern "C" {
void* malloc(std::size_t n) { return taken(__libc_malloc(n)); }
void* calloc(std::size_t n, std::size_t size) { return taken(__libc_calloc(n, size)); }
void* realloc(void* p, std::size_t n) {
  given_back(p);
  return taken(__libc_realloc(p, n));
}
void* memalign(std::size_t alignment, std::size_t n) { return taken(__libc_memalign(alignment, n)); }
void* aligned_alloc(std::size_t alignment, std::size_t n) { return taken(__libc_memalign(alignment, n)); }
int posix_memalign(void** p, std::size_t alignment, std::size_t n) {
  *p = taken(__libc_memalign(alignment, n));
  return *p != nullptr || n == 0 ? 0 : ENOMEM;
}
void free(void* p) {
  given_back(p);
  __libc_free(p);
}
}

namespace {

using namespace cts::bench;

axis const* find(peer const& p, std::string_view name) {
  auto const* const end = p.axes + p.count;
  auto const* const found = std::find_if(p.axes, end, [name](axis const& a) { return name == a.name; });
  return found == end ? nullptr : found;
}
double bytes_now() { return static_cast<double>(held.bytes.load()); }
double blocks_now() { return static_cast<double>(held.blocks.load()); }

/// The bytes that `live` registrations add; the harness keeps each in sizeof_cell of them.
void footprint(benchmark::State& state, peer const& p) {
  axis const& a = *find(p, "poll");
  auto const live = static_cast<std::size_t>(state.range(0));
  auto const on_heap = [&a](std::size_t n, double& blocks) {
    double const before = bytes_now(), blocks_before = blocks_now();
    void* const stage = a.open({.live = n});
    double const with = bytes_now() - before;
    blocks = blocks_now() - blocks_before;
    a.close(stage);
    return with;
  };
  double blocks = 0, blocks_one = 0;
  for (auto _ : state) {
    on_heap(1, blocks_one);  // what is allocated once per process and thread
    double const one = on_heap(1, blocks_one);
    double const all = on_heap(live + 1, blocks);
    state.counters["bytes_per_registration"] = (all - one) / static_cast<double>(live);
    state.counters["allocations_per_registration"] = (blocks - blocks_one) / static_cast<double>(live);
  }
  state.counters["sizeof_source"] = static_cast<double>(p.source_bytes);
  state.counters["sizeof_token"] = static_cast<double>(p.token_bytes);
  state.counters["sizeof_registration"] = static_cast<double>(p.registration_bytes);
  state.counters["sizeof_cell"] = static_cast<double>(p.cell_bytes);
}

/// The bytes of a source on the heap.
void source_footprint(benchmark::State& state, peer const& p) {
  axis const& a = *find(p, "create");
  for (auto _ : state) {
    a.run(nullptr, 0, 1);  // what is allocated once per process and thread
    peak = 0;
    floor_now = held.bytes.load();
    a.run(nullptr, 0, 1);
    state.counters["heap_bytes"] = static_cast<double>(peak.load());
  }
  state.counters["sizeof_source"] = static_cast<double>(p.source_bytes);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  peer const* const peers[] = {
#define CTS_BENCH_PEER(id) cts_bench_peer_##id(),
#include "peers.inc"
#undef CTS_BENCH_PEER
  };
  for (peer const* const p : peers) {
    benchmark::RegisterBenchmark((std::string("source_memory/") + p->id).c_str(), [p](benchmark::State& s) {
      source_footprint(s, *p);
    })->Iterations(1);
    if (find(*p, "pair") == nullptr) continue;
    for (std::int64_t const n : {100, 100'000})
      if (static_cast<std::size_t>(n) <= p->most)
        benchmark::RegisterBenchmark((std::string("memory/") + p->id).c_str(),
                                     [p](benchmark::State& s) { footprint(s, *p); })
            ->Arg(n)
            ->Iterations(1);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
