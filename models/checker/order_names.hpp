// SPDX-License-Identifier: BSL-1.0
/// @file
/// The names of memory orders, as tables print them.
#pragma once

#include <atomic>

namespace cts::models {

constexpr char const* name_of(std::memory_order o) noexcept {
  switch (o) {
    case std::memory_order_relaxed: return "relaxed";
    case std::memory_order_consume: return "consume";
    case std::memory_order_acquire: return "acquire";
    case std::memory_order_release: return "release";
    case std::memory_order_acq_rel: return "acq_rel";
    case std::memory_order_seq_cst: break;
  }
  return "seq_cst";
}

}  // namespace cts::models
