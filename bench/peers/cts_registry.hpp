// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cts/core/registry.hpp"

template <class Registry>
struct registry_adapter {
  static constexpr bool in_place = true;
  using source = Registry;
  static Registry* token_of(source& s) noexcept { return &s; }
  static bool requested(Registry* t) noexcept { return t->is_cancellation_requested(); }
  static void cancel(source& s) noexcept { s.cancel(); }

  template <class F>
  class registration : Registry::callback {
    using callback = typename Registry::callback;

   public:
    registration(Registry* t, F f) noexcept : callback(&run), registry_(*t), f_(f) {
      if (registry_.try_register(*this) == cts::core::register_result::canceled) f_();
    }
    registration(registration const&) = delete;
    registration& operator=(registration const&) = delete;
    ~registration() { registry_.unregister_and_wait(*this); }

   private:
    static void run(callback& c) noexcept { static_cast<registration&>(c).f_(); }
    Registry& registry_;
    F f_;
  };
};

#ifndef CTS_BENCH_STRIPED
struct bench_adapter : registry_adapter<cts::core::registry> {
  static constexpr char const* name = "cts::core::registry";
};
#endif
