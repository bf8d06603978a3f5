// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <condition_variable>
#include <mutex>

#include "cts/stop_token.hpp"
#include "stop_token.hpp"

struct bench_adapter : stop_token_adapter<cts::stop_source, cts::stop_token, cts::stop_callback> {
  static constexpr char const* name = "cts::stop_token";
  static constexpr bool in_place = false;
};
