// SPDX-License-Identifier: BSL-1.0
/// @file
/// The barrier of lanes, and its definition as it is model-checked (G22). It has two sides: light(), which the owner of
/// a lane passes all the time, and heavy(), which the canceller passes once.
///
///     owner                canceller
///     x = 1                y = 1
///     light()              heavy()
///     read y               read x           at least one of them reads 1
///
///   B1  The side whose call comes second sees after it what the other side wrote before its call.
///   B2  A barrier says at its construction whether it is one_sided(), and that never changes. If it is, the owner
///       calls order() in the place of light().
///
/// pairwise_barrier is the definition: both sides update one word, so one of the two updates reads from the other. The
/// models run it, and production runs it where the operating system offers nothing better. detail/process_barrier.hpp
/// is the barrier of production.
#pragma once
#ifndef CTS_PROTOCOL_ASYMMETRIC_BARRIER_HPP
#define CTS_PROTOCOL_ASYMMETRIC_BARRIER_HPP

#include "cts/core/platform.hpp"
#include "cts/core/slot.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// One for each lane.
template <class Platform>
class pairwise_barrier {
 public:
  static constexpr bool one_sided() noexcept { return false; }
  /// Never called, since the barrier is not one-sided.
  static void order() noexcept {}
  void light() noexcept { meeting_.fetch_add(1, site::barrier_light); }
  void heavy() noexcept { meeting_.fetch_add(1, site::barrier_heavy); }

 private:
  typename Platform::template atomic<core::word> meeting_{0};  // the count means nothing
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_ASYMMETRIC_BARRIER_HPP
