// SPDX-License-Identifier: BSL-1.0
/// @file
/// Promises of cancel_async and dispose_async. Their memory comes from the reserve, so neither fails for want of it.
#pragma once
#ifndef CTS_DETAIL_FUTURES_HPP
#define CTS_DETAIL_FUTURES_HPP

#include <cstddef>
#include <future>
#include <memory>

#include "cts/detail/memory/reserve.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

inline std::promise<void> make_promise() {
  return std::promise<void>(std::allocator_arg, reserve_allocator<std::byte>());
}
inline std::future<void> ready_future() {
  std::promise<void> p = make_promise();
  p.set_value();
  return p.get_future();
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_FUTURES_HPP
