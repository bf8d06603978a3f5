// SPDX-License-Identifier: BSL-1.0
/// @file
/// How generic code asks any token and registers with it: cancellation_token, stop_token, inplace_stop_token,
/// never_stop_token, std::stop_token where the standard library has one, and every other token that has P2300's
/// members.
///
/// C++20's std::stop_token does not name its callbacks, and cancellation_token speaks .NET's language. So generic code
/// of cts goes through token_traits. A program can specialize it for a token of its own that has other names.
#pragma once
#ifndef CTS_TOKEN_TRAITS_HPP
#define CTS_TOKEN_TRAITS_HPP

#include <version>

/// 1 if the standard library has std::stop_token. libc++ 14 to 17 and Apple's have none.
#if defined(__cpp_lib_jthread) && __cpp_lib_jthread >= 201911L
#define CTS_HAS_STD_STOP_TOKEN 1
#include <stop_token>
#else
#define CTS_HAS_STD_STOP_TOKEN 0
#endif

#include <concepts>
#include <type_traits>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

class cancellation_token;
template <class F>
class cancellation_callback;

/// How a `Token` is asked. Specialize it for a token with other members than P2300's; it then has these three.
template <class Token>
struct token_traits {};

/// Tokens with stop_requested, stop_possible and callback_type.
template <class Token>
requires requires(Token const& token) {
  token.stop_requested();
  token.stop_possible();
  typename Token::template callback_type<void (*)()>;
}
struct token_traits<Token> {
  /// The registration: made from a token and an F, it has F called once when the token is stopped, at once if it is.
  /// Its destructor takes F back or waits until F has returned.
  template <class F>
  using callback = typename Token::template callback_type<F>;
  /// Whether a stop has been requested. Never goes back.
  static bool stop_requested(Token const& token) noexcept { return token.stop_requested(); }
  /// Whether a stop has been or can be requested.
  static bool stop_possible(Token const& token) noexcept { return token.stop_possible(); }
};

/// Registering needs cts/cancellation_callback.hpp.
template <>
struct token_traits<cancellation_token> {
  /// The class that registers an F with a token.
  template <class F>
  using callback = cancellation_callback<F>;
  /// Whether the source of `token` was canceled.
  template <std::same_as<cancellation_token> Token>
  static bool stop_requested(Token const& token) noexcept {
    return token.is_cancellation_requested();
  }
  /// Whether `token` may still be canceled, or was.
  template <std::same_as<cancellation_token> Token>
  static bool stop_possible(Token const& token) noexcept {
    return token.can_be_canceled();
  }
};

#if CTS_HAS_STD_STOP_TOKEN
template <>
struct token_traits<std::stop_token> {
  template <class F>
  using callback = std::stop_callback<F>;
  static bool stop_requested(std::stop_token const& token) noexcept { return token.stop_requested(); }
  static bool stop_possible(std::stop_token const& token) noexcept { return token.stop_possible(); }
};
#endif

/// Any token that token_traits knows how to ask and to register with.
template <class Token>
concept any_stop_token = std::copy_constructible<Token> && requires(Token const& token) {
  { token_traits<Token>::stop_requested(token) } -> std::same_as<bool>;
  { token_traits<Token>::stop_possible(token) } -> std::same_as<bool>;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_TOKEN_TRAITS_HPP
