// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_OBJECT_DISPOSED_HPP
#define CTS_OBJECT_DISPOSED_HPP

#include <stdexcept>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// A member was called that its source's dispose has ended: .NET's ObjectDisposedException. R58.
class CTS_SHARED_SYMBOL object_disposed : public std::logic_error {
 public:
  object_disposed() : std::logic_error("The cancellation_token_source has been disposed.") {}
  using std::logic_error::logic_error;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_OBJECT_DISPOSED_HPP
