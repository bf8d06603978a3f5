// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once

#include <functional>

namespace cts {

/// Where callbacks run that were registered with it: .NET's SynchronizationContext. R91. Must outlive those registrations.
struct synchronization_context {
  virtual ~synchronization_context() = default;
  /// Runs `what`, on a thread of its choice, and returns when it has run. An exception of `what`, or one of its own, leaves it.
  virtual void send(std::function<void()> what) = 0;
};

}  // namespace cts
