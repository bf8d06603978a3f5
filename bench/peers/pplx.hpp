// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <pplx/pplxtasks.h>

struct bench_adapter {
  static constexpr char const* name = "pplx::cancellation_token";
  static constexpr bool in_place = false;
  static constexpr std::size_t most = 10'000;  // unregistering is a linear search
  using source = pplx::cancellation_token_source;
  static pplx::cancellation_token token_of(source& s) { return s.get_token(); }
  static bool requested(pplx::cancellation_token const& t) { return t.is_canceled(); }
  static void cancel(source& s) { s.cancel(); }

  template <class F>
  class registration {
   public:
    registration(pplx::cancellation_token const& t, F f) : token_(t), held_(token_.register_callback(f)) {}
    registration(registration const&) = delete;
    registration& operator=(registration const&) = delete;
    ~registration() { token_.deregister_callback(held_); }

   private:
    pplx::cancellation_token token_;
    pplx::cancellation_token_registration held_;
  };
};
