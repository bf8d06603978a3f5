// SPDX-License-Identifier: BSL-1.0
/// @file
/// A std::stop_token for a cancellation_token: for std::jthread, std::condition_variable_any and all other code that
/// takes the standard's tokens. The other way needs no bridge: cts/token_traits.hpp makes std::stop_token a token like
/// any other in generic code of cts.
///
/// CTS_HAS_STD_STOP_TOKEN is 1 where the standard library has <stop_token>. Where it has none (libc++ 14 to 17,
/// Apple's), it is 0 and this header defines nothing else, so that it can be included everywhere.
#pragma once
#ifndef CTS_STD_STOP_TOKEN_HPP
#define CTS_STD_STOP_TOKEN_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <utility>

#include "cts/cancellation_callback.hpp"
#include "cts/token_traits.hpp"

#if CTS_HAS_STD_STOP_TOKEN

namespace cts {
inline namespace CTS_ABI {

/// Owns a std::stop_source and requests a stop of it when its token is canceled. Immovable.
///
/// Lifetime: it stops tokens as long as it lives. Tokens from get_token may outlive it; those that are not stopped then
/// never are, and stop_possible() of theirs is false. It keeps nothing of the cancellation_token's source alive but its
/// state. get_token may be called by several threads at once.
class std_stop_bridge {
  struct request {
    std::stop_source* source;
    /// On a copy: a std::stop_callback may destroy the bridge. What one throws ends the program, as the standard has
    /// it.
    void operator()() const noexcept {
      std::stop_source held = *source;
      held.request_stop();
    }
  };

 public:
  /// If `token` is canceled, the tokens of this bridge are stopped from the beginning. Allocates what std::stop_source
  /// does and nothing more. Throws std::bad_alloc.
  explicit std_stop_bridge(cancellation_token token) : on_cancel_(std::move(token), request{&source_}) {}
  std_stop_bridge(std_stop_bridge const&) = delete;
  std_stop_bridge& operator=(std_stop_bridge const&) = delete;
  /// Waits for the stop request if the cancel is making it on another thread; not in a std::stop_callback.
  ~std_stop_bridge() = default;

  /// A token that is stopped when the cancellation_token is canceled, by the thread that cancels.
  [[nodiscard]] std::stop_token get_token() const noexcept { return source_.get_token(); }

 private:
  std::stop_source source_;
  cancellation_callback<request> on_cancel_;  // last: it is destroyed first
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_HAS_STD_STOP_TOKEN

#endif  // CTS_STD_STOP_TOKEN_HPP
