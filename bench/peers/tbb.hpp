// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <oneapi/tbb/task_group.h>

/// It has no callbacks.
struct bench_adapter {
  static constexpr char const* name = "oneapi::tbb::task_group_context";
  static constexpr bool in_place = true;
  using source = oneapi::tbb::task_group_context;
  static oneapi::tbb::task_group_context* token_of(source& s) noexcept { return &s; }
  static bool requested(oneapi::tbb::task_group_context* t) { return t->is_group_execution_cancelled(); }
  static void cancel(source& s) { s.cancel_group_execution(); }
};
