// SPDX-License-Identifier: BSL-1.0
/// @file
/// What cts::stop_token costs beside std::stop_token, in one binary: the same template over both, and over the in-place one.
#include <benchmark/benchmark.h>

#include <stop_token>
#include <utility>

#include "cts/stop_token.hpp"

namespace {

using benchmark::DoNotOptimize;
using benchmark::State;

struct nothing {
  void operator()() const noexcept {}
};

struct with_std {
  using source = std::stop_source;
  using callback = std::stop_callback<nothing>;
};
struct with_cts {
  using source = cts::stop_source;
  using callback = cts::stop_callback<nothing>;
};
struct in_place {
  using source = cts::inplace_stop_source;
  using callback = cts::inplace_stop_callback<nothing>;
};

/// A callback comes and goes, on a token that stays.
template <class With>
void pairs(State& state, typename With::source const& source) {
  auto const token = source.get_token();
  for (auto _ : state) {
    typename With::callback c(token, nothing{});
    DoNotOptimize(c);
  }
}
template <class With>
void pair(State& state) {
  typename With::source const source;
  pairs<With>(state, source);
}
BENCHMARK(pair<with_cts>)->Name("stop_callback_pair");
BENCHMARK(pair<with_std>)->Name("std_stop_callback_pair");
BENCHMARK(pair<in_place>)->Name("inplace_stop_callback_pair");

template <class With>
void pair_shared(State& state) {
  static typename With::source const source;
  pairs<With>(state, source);
}
BENCHMARK(pair_shared<with_cts>)->Threads(2)->UseRealTime()->Name("stop_callback_pair_shared");
BENCHMARK(pair_shared<with_std>)->Threads(2)->UseRealTime()->Name("std_stop_callback_pair_shared");
BENCHMARK(pair_shared<in_place>)->Threads(2)->UseRealTime()->Name("inplace_stop_callback_pair_shared");

/// The same, with a token made for it and moved in.
template <class With>
void pair_of_own_token(State& state) {
  typename With::source const source;
  for (auto _ : state) {
    typename With::callback c(source.get_token(), nothing{});
    DoNotOptimize(c);
  }
}
BENCHMARK(pair_of_own_token<with_cts>)->Name("stop_callback_pair_of_own_token");
BENCHMARK(pair_of_own_token<with_std>)->Name("std_stop_callback_pair_of_own_token");

template <class With>
void create_destroy(State& state) {
  for (auto _ : state) {
    typename With::source source;
    DoNotOptimize(source);
  }
}
BENCHMARK(create_destroy<with_cts>)->Name("stop_source_create_destroy");
BENCHMARK(create_destroy<with_std>)->Name("std_stop_source_create_destroy");
BENCHMARK(create_destroy<in_place>)->Name("inplace_stop_source_create_destroy");

template <class With>
void one_shot_life(State& state) {
  for (auto _ : state) {
    typename With::source source;
    typename With::callback c(source.get_token(), nothing{});
    DoNotOptimize(source.request_stop());
  }
}
BENCHMARK(one_shot_life<with_cts>)->Name("stop_source_one_shot_life");
BENCHMARK(one_shot_life<with_std>)->Name("std_stop_source_one_shot_life");
BENCHMARK(one_shot_life<in_place>)->Name("inplace_stop_source_one_shot_life");

template <class With>
void token_copy(State& state) {
  typename With::source const source;
  auto const token = source.get_token();
  for (auto _ : state) {
    auto copy = token;
    DoNotOptimize(copy);
  }
}
BENCHMARK(token_copy<with_cts>)->Name("stop_token_copy");
BENCHMARK(token_copy<with_std>)->Name("std_stop_token_copy");

template <class With>
void source_copy(State& state) {
  typename With::source const source;
  for (auto _ : state) {
    auto copy = source;
    DoNotOptimize(copy);
  }
}
BENCHMARK(source_copy<with_cts>)->Name("stop_source_copy");
BENCHMARK(source_copy<with_std>)->Name("std_stop_source_copy");

template <class With>
void poll(State& state) {
  typename With::source const source;
  auto token = source.get_token();
  DoNotOptimize(token);
  for (auto _ : state) DoNotOptimize(token.stop_requested());
}
BENCHMARK(poll<with_cts>)->Name("stop_token_poll");
BENCHMARK(poll<with_std>)->Name("std_stop_token_poll");
BENCHMARK(poll<in_place>)->Name("inplace_stop_token_poll");

}  // namespace
