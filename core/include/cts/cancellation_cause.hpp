// SPDX-License-Identifier: BSL-1.0
/// @file
/// Why a token is canceled.
#pragma once
#ifndef CTS_CANCELLATION_CAUSE_HPP
#define CTS_CANCELLATION_CAUSE_HPP

#include <cstdint>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// Why a token is canceled: see cancellation_token::cause.
enum class cancellation_cause : std::uint8_t {
  none,       ///< it is not canceled
  requested,  ///< a call has canceled it
  timeout     ///< the time was up: of cancel_after, of cancel_at, or of the delay that the source was made with
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CANCELLATION_CAUSE_HPP
