// SPDX-License-Identifier: BSL-1.0
/// @file
/// The exception of calls that come after dispose.
#pragma once
#ifndef CTS_OBJECT_DISPOSED_HPP
#define CTS_OBJECT_DISPOSED_HPP

#include <stdexcept>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// Thrown by a member of a source, or of one of its wait handles, after dispose: .NET's ObjectDisposedException. R58.
class CTS_SHARED_SYMBOL object_disposed : public std::logic_error {
 public:
  /// Makes an exception with a fixed message.
  object_disposed() : std::logic_error("The cancellation_token_source has been disposed.") {}
  /// Makes an exception with a message of the caller's.
  using std::logic_error::logic_error;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_OBJECT_DISPOSED_HPP
