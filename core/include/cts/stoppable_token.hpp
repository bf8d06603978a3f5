// SPDX-License-Identifier: BSL-1.0
/// @file
/// The concepts of C++26's <stop_token>, which generic code requires of stop tokens, sources and callbacks, and the
/// token that is never stopped. Nothing here has a state.
///
/// The draft has two of the concepts for exposition only; here they have the names of P2300 and its implementations.
#pragma once
#ifndef CTS_STOPPABLE_TOKEN_HPP
#define CTS_STOPPABLE_TOKEN_HPP

#include <concepts>
#include <type_traits>

#include "cts/detail/stop/type_alias_exists.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// The type of a callback that calls a `CallbackFn` when the state of a `Token` is stopped. [thread.stoptoken.syn]
template <class Token, class CallbackFn>
using stop_callback_for_t = typename Token::template callback_type<CallbackFn>;

/// A token that can be copied, compared and polled, and that names its callbacks. [stoptoken.concepts]
template <class Token>
concept stoppable_token = requires(Token const tok) {
  typename detail::type_alias_exists<Token::template callback_type>;
  { tok.stop_requested() }
  noexcept->std::same_as<bool>;
  { tok.stop_possible() }
  noexcept->std::same_as<bool>;
  { Token(tok) }
  noexcept;
}
&&std::copyable<Token>&& std::equality_comparable<Token>;

/// A token that is known at compile time never to be stopped. [stoptoken.concepts]
/// The draft asks an object. Compilers of C++20 reject that; so this asks the type, and stop_possible must be static.
template <class Token>
concept unstoppable_token = stoppable_token<Token> && requires {
  requires std::bool_constant<(!Token::stop_possible())>::value;
};

/// Whether a `CallbackFn`, made from an `Initializer`, can be registered with a `Token`. [stoptoken.concepts]
template <class CallbackFn, class Token, class Initializer = CallbackFn>
concept stoppable_callback_for =
    std::invocable<CallbackFn> && std::constructible_from<CallbackFn, Initializer> && requires {
  typename stop_callback_for_t<Token, CallbackFn>;
} && std::constructible_from<stop_callback_for_t<Token, CallbackFn>, Token const&, Initializer>;

/// A source that makes stop requests and tokens. [stoptoken.concepts]
template <class Source>
concept stoppable_source = requires(Source& src, Source const csrc) {
  { csrc.get_token() } -> stoppable_token;
  { csrc.stop_possible() }
  noexcept->std::same_as<bool>;
  { csrc.stop_requested() }
  noexcept->std::same_as<bool>;
  { src.request_stop() } -> std::same_as<bool>;
};

/// A token that is never stopped: its callbacks do not even make their function. [stoptoken.never]
class never_stop_token {
  struct no_callback {
    explicit no_callback(never_stop_token, auto&&) noexcept {}
  };

 public:
  /// The callback of every function.
  template <class>
  using callback_type = no_callback;

  /// False. [stoptoken.never]
  [[nodiscard]] static constexpr bool stop_requested() noexcept { return false; }
  /// False. [stoptoken.never]
  [[nodiscard]] static constexpr bool stop_possible() noexcept { return false; }

  /// True.
  [[nodiscard]] bool operator==(never_stop_token const&) const = default;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_STOPPABLE_TOKEN_HPP
