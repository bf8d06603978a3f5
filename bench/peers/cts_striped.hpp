// SPDX-License-Identifier: BSL-1.0
#pragma once

#define CTS_BENCH_STRIPED
#include "cts_registry.hpp"

struct bench_adapter : registry_adapter<cts::core::striped_registry> {
  static constexpr char const* name = "cts::core::striped_registry";
};
