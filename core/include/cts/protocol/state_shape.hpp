// SPDX-License-Identifier: BSL-1.0
/// @file
/// What a state is made with (protocol/state.hpp).
#pragma once
#ifndef CTS_PROTOCOL_STATE_SHAPE_HPP
#define CTS_PROTOCOL_STATE_SHAPE_HPP

#include <cstddef>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The parts that share the one allocation of a state.
struct state_shape {
  std::size_t links = 0;
  std::size_t foreign = 0;  ///< the size of a class of foreign_links, which the caller then makes at foreign()
  std::size_t stripes = 0;  ///< of a shared source: a power of two, 2 to 65536; 0: a plain one
  bool timer = false;       ///< else it is made when it is first set
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_STATE_SHAPE_HPP
