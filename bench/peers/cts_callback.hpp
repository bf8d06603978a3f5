// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <utility>

#include "cts/cts.hpp"

template <class Source>
struct adapter_of_classes {
  static constexpr bool in_place = false;
  using source = Source;
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
using classes_adapter = adapter_of_classes<cts::cancellation_token_source>;

/// A source for many threads (cts::shared), where the benchmark makes a source.
struct source_for_many : cts::cancellation_token_source {
  source_for_many() : cts::cancellation_token_source(cts::shared) {}
  static source_for_many create_linked(cts::cancellation_token const& a, cts::cancellation_token const& b) {
    return source_for_many(cts::cancellation_token_source::create_linked(cts::shared, a, b));
  }

 private:
  explicit source_for_many(cts::cancellation_token_source&& s) noexcept
      : cts::cancellation_token_source(std::move(s)) {}
};

#ifndef CTS_BENCH_REGISTER
struct bench_adapter : classes_adapter {
  static constexpr char const* name = "cts::cancellation_callback";
  template <class F>
  using registration = cts::cancellation_callback<F>;
};
#endif
