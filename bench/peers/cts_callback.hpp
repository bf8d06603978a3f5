// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>

#include "cts/cts.hpp"

struct classes_adapter {
  static constexpr bool in_place = false;
  using source = cts::cancellation_token_source;
  static cts::cancellation_token token_of(source& s) { return s.token(); }
  static bool requested(cts::cancellation_token const& t) noexcept { return t.is_cancellation_requested(); }
  static void cancel(source& s) { s.cancel(); }
  class linked {
   public:
    linked(cts::cancellation_token const& a, cts::cancellation_token const& b) : child_(source::create_linked(a, b)) {}

   private:
    source child_;
  };
  static void wait(cts::cancellation_token const& t) { t.wait_handle().wait(); }
  static void arm(source& s) { s.cancel_after(std::chrono::hours(1)); }
  static void disarm(source& s) { s.cancel_after(cts::infinite); }
};

#ifndef CTS_BENCH_REGISTER
struct bench_adapter : classes_adapter {
  static constexpr char const* name = "cts::cancellation_callback";
  template <class F>
  using registration = cts::cancellation_callback<F>;
};
#endif
