// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cts/stop_token.hpp"
#include "stop_token.hpp"

/// A source for many threads (cts::shared), where the benchmark makes a source.
struct stop_source_for_many : cts::stop_source {
  stop_source_for_many() : cts::stop_source(cts::shared) {}
};

struct bench_adapter : stop_token_adapter<stop_source_for_many, cts::stop_token, cts::stop_callback> {
  static constexpr char const* name = "cts::stop_token, shared source";
  static constexpr bool in_place = false;
};
