// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cts/lane.hpp"

struct bench_adapter {
  static constexpr char const* name = "cts::lane";
  static constexpr bool in_place = true;
  static constexpr bool one_owner = true;
  using source = cts::core::registry;
  /// A lane; a copy is another lane of the same registry.
  class token {
   public:
    explicit token(source& s) noexcept : source_(s), lane_(s) {}
    token(token const& other) noexcept : token(other.source_) {}
    token& operator=(token const&) = delete;
    ~token() = default;
    operator cts::lane&() const noexcept { return lane_; }
    bool requested() const noexcept { return source_.is_cancellation_requested(); }

   private:
    source& source_;
    mutable cts::lane lane_;
  };
  static token token_of(source& s) noexcept { return token(s); }
  static bool requested(token const& t) noexcept { return t.requested(); }
  static void cancel(source& s) noexcept { s.cancel(); }

  template <class F>
  using registration = cts::lane_registration<F>;
};
