// SPDX-License-Identifier: BSL-1.0
/// @file
/// Callables that can be registered, and how they are called: as f(cancellation_token), which wins, or as f(). R14,
/// R35.
#pragma once
#ifndef CTS_DETAIL_CALLABLE_HPP
#define CTS_DETAIL_CALLABLE_HPP

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "cts/detail/parts.hpp"

namespace cts {
inline namespace CTS_ABI {

class cancellation_token;  // complete wherever a callable is registered

namespace detail {

/// F can be called once: as an lvalue if it allows that, else as an rvalue.
template <class F>
concept cancellation_function = std::invocable<F&, cancellation_token> || std::invocable<F&> ||
    std::invocable<F, cancellation_token> || std::invocable<F>;

/// F, as an argument, becomes such a callable.
template <class F>
concept cancellation_argument = cancellation_function<std::decay_t<F>>;

/// F is like std::function: made from nullptr it is empty, and it tells so. TRICKY: the comparison comes last, because
/// `f == nullptr` makes the compiler look into the namespaces of F, which not every callable survives.
template <class F>
concept nullable_function = std::is_class_v<F> && !std::is_aggregate_v<F> && requires(F const& f) {
  f.operator bool();
}
&&std::is_constructible_v<F, std::nullptr_t>&& requires(F const& f) { f == nullptr; };

/// Whether `f` holds nothing to call: a null pointer, or an empty std::function or its like.
template <class F>
bool is_null(F const& f) noexcept {
  if constexpr (std::is_pointer_v<F> || std::is_member_pointer_v<F>) return f == nullptr;
  else if constexpr (nullable_function<F>) return !f.operator bool();
  else return false;
}
/// Throws std::invalid_argument, with a message that begins with `what`, if `f` is null.
template <class F>
void require_callable(F const& f, char const* what) {
  if (detail::is_null(f)) throw std::invalid_argument(std::string(what) + " is null; it must be callable");
}
/// The same for a callback that the function `where` is given. R14.
template <class F>
void require_callback(F const& f, char const* where) {
  if (detail::is_null(f))
    throw std::invalid_argument(std::string(where) + ": the callback is null; it must be callable");
}

/// The friend of cancellation_token that makes one of a state and finds the state of one.
struct token_access {
  template <class Token>
  static Token make(state& s) noexcept {
    return Token(s);
  }
  template <class Token>
  static state* state_of(Token const& token) noexcept {
    return token.state_;
  }
};

/// Calls `f` with a token of `s` if it takes one, which wins, or without. R35.
/// @tparam Token is always cancellation_token; as a parameter it may be incomplete until the call
template <class F, class Token = cancellation_token>
void call(F& f, state& s) {
  if constexpr (std::invocable<F&, Token>) std::invoke(f, token_access::make<Token>(s));
  else if constexpr (std::invocable<F&>) std::invoke(f);
  else if constexpr (std::invocable<F, Token>) std::invoke(std::move(f), token_access::make<Token>(s));
  else std::invoke(std::move(f));
}
/// The same for the thread that runs the callbacks of `s`: an exception is kept for its canceller. R28, G21.
template <class F>
void call_and_collect(F& f, state& s) noexcept {
  try {
    detail::call(f, s);
  } catch (...) { s.collector().add(std::current_exception()); }
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_CALLABLE_HPP
