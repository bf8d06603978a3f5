// SPDX-License-Identifier: BSL-1.0
/// @file
/// An interface for callbacks that must run on a certain thread.
#pragma once
#ifndef CTS_SYNCHRONIZATION_CONTEXT_HPP
#define CTS_SYNCHRONIZATION_CONTEXT_HPP

#include <functional>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// Runs the callbacks that are registered with it: .NET's SynchronizationContext. R91.
///
/// Derive from it, for instance to run callbacks on the thread of a user interface. It must outlive the registrations
/// that name it.
struct synchronization_context {
  /// Ends the context.
  virtual ~synchronization_context() = default;
  /// Runs `callback` on a thread of its choice and returns when `callback` has returned.
  ///
  /// The canceller calls it. An exception of `callback`, or of the context, must leave it; cancel collects it (R28).
  virtual void send(std::function<void()> callback) = 0;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_SYNCHRONIZATION_CONTEXT_HPP
