// SPDX-License-Identifier: BSL-1.0
/// @file
/// PART: the name of the function that this file defines.
#include <chrono>
#include <exception>

#include <cts/cts.hpp>

/// The version of cts, or 0 if it does not work or already has an error sink, which would be the other version's.
int PART() {
  cts::cancellation_token_source source(std::chrono::milliseconds(1));
  bool const canceled = source.token().wait_handle().wait_for(std::chrono::minutes(1));
  bool const alone = cts::set_error_sink([](std::exception_ptr) noexcept {}) == nullptr;
  return canceled && alone ? CTS_VERSION : 0;
}
