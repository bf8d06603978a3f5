// SPDX-License-Identifier: BSL-1.0
#pragma once

#define CTS_BENCH_REGISTER
#include "cts_callback.hpp"

struct bench_adapter : classes_adapter {
  static constexpr char const* name = "cts::cancellation_token::register_callback";
  template <class F>
  class registration {
   public:
    registration(cts::cancellation_token const& t, F f) : handle_(t.register_callback(f)) {}

   private:
    cts::cancellation_token_registration handle_;
  };
};
