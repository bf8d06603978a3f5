// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cts/stop_token.hpp"
#include "stop_token.hpp"

struct bench_adapter
    : stop_token_adapter<cts::inplace_stop_source, cts::inplace_stop_token, cts::inplace_stop_callback> {
  static constexpr char const* name = "cts::inplace_stop_token";
  static constexpr bool in_place = true;
};
