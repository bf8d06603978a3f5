// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cts/cts.hpp"

struct bench_adapter {
  static constexpr char const* name = "cts::cancellation_lane_callback";
  static constexpr bool in_place = false;
  static constexpr bool one_owner = true;
  using source = cts::cancellation_token_source;
  /// A lane; a copy is another lane of the same token.
  class token {
   public:
    explicit token(cts::cancellation_token t) noexcept : lane_(std::move(t)) {}
    token(token const& other) noexcept : token(other.lane_.token()) {}
    token& operator=(token const&) = delete;
    ~token() = default;
    operator cts::cancellation_lane&() const noexcept { return lane_; }
    bool requested() const noexcept { return lane_.token().is_cancellation_requested(); }

   private:
    mutable cts::cancellation_lane lane_;
  };
  static token token_of(source& s) { return token(s.token()); }
  static bool requested(token const& t) noexcept { return t.requested(); }
  static void cancel(source& s) { s.cancel(); }
  template <class F>
  using registration = cts::cancellation_lane_callback<F>;
};
