// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_SYNCHRONIZATION_CONTEXT_HPP
#define CTS_SYNCHRONIZATION_CONTEXT_HPP

#include <functional>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// Where callbacks run that were registered with it: .NET's SynchronizationContext. R91. Must outlive those
/// registrations.
struct synchronization_context {
  virtual ~synchronization_context() = default;
  /// Runs `what`, on a thread of its choice, and returns when it has run. An exception of `what`, or one of its own,
  /// leaves it.
  virtual void send(std::function<void()> what) = 0;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_SYNCHRONIZATION_CONTEXT_HPP
