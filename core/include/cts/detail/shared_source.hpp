// SPDX-License-Identifier: BSL-1.0
/// @file
/// How many stripes a shared source has.
#pragma once
#ifndef CTS_DETAIL_SHARED_SOURCE_HPP
#define CTS_DETAIL_SHARED_SOURCE_HPP

#include <algorithm>
#include <bit>
#include <cstddef>
#include <thread>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// A power of two: one for each processor at least, and 16 to 256. Asked of the system once.
CTS_SHARED_SYMBOL inline std::size_t stripes_of_a_shared_source() noexcept {
  static std::size_t const n = (std::clamp)((std::bit_ceil)(std::size_t{std::thread::hardware_concurrency()}),
                                            std::size_t{16}, std::size_t{256});
  return n;
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_SHARED_SOURCE_HPP
