// SPDX-License-Identifier: BSL-1.0
/// @file
/// The state of stop sources, tokens and callbacks in production: protocol/stop_state.hpp on the platform of
/// production.
#pragma once
#ifndef CTS_DETAIL_STOP_STOP_STATE_HPP
#define CTS_DETAIL_STOP_STOP_STATE_HPP

#include <cstddef>
#include <new>

#include "cts/core/platform.hpp"
#include "cts/protocol/stop_state.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

struct stop_parts {
  using platform = core::std_platform;
  /// Not the aligned operator new: common allocators serve it from a slow path.
  static void* allocate(std::size_t bytes) { return ::operator new(bytes); }
  static void deallocate(void* block) noexcept { ::operator delete(block); }
};
using stop_state = basic_stop_state<stop_parts>;

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_STOP_STOP_STATE_HPP
