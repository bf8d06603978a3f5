// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once

#include <stdexcept>

namespace cts {

/// A member was called that its source's dispose has ended: .NET's ObjectDisposedException. R58.
class object_disposed : public std::logic_error {
 public:
  object_disposed() : std::logic_error("The cancellation_token_source has been disposed.") {}
  using std::logic_error::logic_error;
};

}  // namespace cts
