// SPDX-License-Identifier: BSL-1.0
#pragma once

#define CTS_BENCH_REGISTER
#include "cts_callback.hpp"

struct bench_adapter : adapter_of_classes<source_for_many> {
  static constexpr char const* name = "cts::cancellation_callback, shared source";
  template <class F>
  using registration = cts::cancellation_callback<F>;
};
