// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "stop_token.hpp"

struct bench_adapter : stop_token_adapter<std::stop_source, std::stop_token, std::stop_callback> {
#ifdef _LIBCPP_VERSION
  static constexpr char const* name = "std::stop_token, libc++";
#elif defined(__GLIBCXX__)
  static constexpr char const* name = "std::stop_token, libstdc++";
#else
  static constexpr char const* name = "std::stop_token";
#endif
  static constexpr bool in_place = false;
  static void wait(std::stop_token const& t) {
    std::mutex m;
    std::condition_variable_any changed;
    std::unique_lock lock(m);
    changed.wait(lock, t, [] { return false; });
  }
};
