// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_OPERATION_CANCELED_HPP
#define CTS_OPERATION_CANCELED_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <any>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "cts/cancellation_token.hpp"

namespace cts {
inline namespace CTS_ABI {

/// What an operation throws that has been canceled: .NET's OperationCanceledException. R11. Copying does not throw.
class CTS_SHARED_SYMBOL operation_canceled : public std::exception {
 public:
  operation_canceled() noexcept = default;
  /// @param token the token whose cancellation is obeyed
  explicit operation_canceled(cancellation_token token) noexcept : token_(std::move(token)) {}
  /// With a message of its own. Throws std::bad_alloc.
  explicit operation_canceled(std::string message, cancellation_token token = {})
      : token_(std::move(token)), message_(std::make_shared<std::string const>(std::move(message))) {}

  /// The token it was made with; none() if without.
  cancellation_token token() const noexcept { return token_; }
  /// Why that token was canceled, see cancellation_token::reason.
  std::any reason() const { return token_.reason(); }
  /// The token of the source that was canceled first, see cancellation_token::origin.
  cancellation_token origin() const noexcept { return token_.origin(); }
  char const* what() const noexcept override {
    return message_ != nullptr ? message_->c_str() : "The operation was canceled.";
  }

 private:
  cancellation_token token_;
  std::shared_ptr<std::string const> message_;
};

inline void cancellation_token::throw_if_cancellation_requested() const {
  if (is_cancellation_requested()) [[unlikely]]
    throw operation_canceled(*this);
}

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_OPERATION_CANCELED_HPP
