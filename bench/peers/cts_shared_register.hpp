// SPDX-License-Identifier: BSL-1.0
#pragma once

#define CTS_BENCH_REGISTER
#include "cts_callback.hpp"

struct bench_adapter : adapter_of_classes<source_for_many> {
  static constexpr char const* name = "cts::cancellation_token::register_callback, shared source";
  template <class F>
  class registration {
   public:
    registration(cts::cancellation_token const& t, F f) : handle_(t.register_callback(f)) {}

   private:
    cts::cancellation_token_registration handle_;
  };
};
