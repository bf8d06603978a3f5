// SPDX-License-Identifier: BSL-1.0
// The classes on the core, beside std::stop_token in the same binary.
#include <benchmark/benchmark.h>

#include <chrono>
#include <deque>
#include <stop_token>

#include "cts/cts.hpp"

namespace {

using namespace std::chrono_literals;

void cts_callback(benchmark::State& state) {
  cts::cancellation_token_source s;
  cts::cancellation_token const t = s.token();
  for (auto _ : state) {
    cts::cancellation_callback c(t, [] {});
    benchmark::DoNotOptimize(&c);
  }
}
BENCHMARK(cts_callback);

void cts_register_dispose(benchmark::State& state) {
  cts::cancellation_token_source s;
  cts::cancellation_token const t = s.token();
  for (auto _ : state) {
    auto r = t.register_callback([] {});
    benchmark::DoNotOptimize(&r);
    r.dispose();
  }
}
BENCHMARK(cts_register_dispose);

void cts_life(benchmark::State& state) {
  int n = 0;
  for (auto _ : state) {
    cts::cancellation_token_source s;
    cts::cancellation_callback const c(s.token(), [&n] { ++n; });
    s.cancel();
  }
  benchmark::DoNotOptimize(n);
}
BENCHMARK(cts_life);

void std_life(benchmark::State& state) {
  int n = 0;
  for (auto _ : state) {
    std::stop_source s;
    std::stop_callback const c(s.get_token(), [&n] { ++n; });
    s.request_stop();
  }
  benchmark::DoNotOptimize(n);
}
BENCHMARK(std_life);

void cts_linked(benchmark::State& state) {
  cts::cancellation_token_source a, b;
  cts::cancellation_token const ta = a.token(), tb = b.token();
  for (auto _ : state) {
    auto k = cts::cancellation_token_source::create_linked(ta, tb);
    benchmark::DoNotOptimize(&k);
  }
}
BENCHMARK(cts_linked);

/// With so many others armed.
void cts_cancel_after(benchmark::State& state) {
  std::deque<cts::cancellation_token_source> others;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    others.emplace_back();
    others.back().cancel_after(1h + std::chrono::milliseconds(i * 7919 % 1000003));
  }
  cts::cancellation_token_source s;
  for (auto _ : state) {
    s.cancel_after(1h);
    s.cancel_after(cts::infinite);
  }
}
BENCHMARK(cts_cancel_after)->Arg(0)->Arg(1000)->Arg(100000)->Arg(1000000);

/// The same with a source of its own each time, disposed at the end.
void cts_timed_source(benchmark::State& state) {
  std::deque<cts::cancellation_token_source> others;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    others.emplace_back();
    others.back().cancel_after(1h + std::chrono::milliseconds(i * 7919 % 1000003));
  }
  for (auto _ : state) cts::cancellation_token_source const s(1h);
}
BENCHMARK(cts_timed_source)->Arg(100000);

}  // namespace
