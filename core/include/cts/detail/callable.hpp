// SPDX-License-Identifier: BSL-1.0
/// @file
/// What can be registered: anything callable as f(cancellation_token) or f(). R14, R35.
#pragma once
#ifndef CTS_DETAIL_CALLABLE_HPP
#define CTS_DETAIL_CALLABLE_HPP

#include <concepts>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "cts/detail/parts.hpp"

namespace cts {
inline namespace CTS_ABI {
class cancellation_token;

}  // namespace CTS_ABI
}  // namespace cts

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// What F is called as, once: an lvalue if that is possible.
template <class F>
concept cancellation_function = std::invocable<F&, cancellation_token> || std::invocable<F&> ||
    std::invocable<F, cancellation_token> || std::invocable<F>;

/// Whether F is like std::function: made from nullptr it is empty, and it tells so. The order matters: `f == nullptr`
/// makes the compiler look into the namespaces of F, which a callable that is no such wrapper need not bear.
template <class F>
concept nullable_function = std::is_class_v<F> && !std::is_aggregate_v<F> && requires(F const& f) {
  f.operator bool();
}
&&std::is_constructible_v<F, std::nullptr_t>&& requires(F const& f) { f == nullptr; };

/// Whether `f` holds nothing to call: a null pointer, an empty std::function or its like.
template <class F>
bool is_null(F const& f) noexcept {
  if constexpr (std::is_pointer_v<F> || std::is_member_pointer_v<F>) return f == nullptr;
  else if constexpr (nullable_function<F>) return !f.operator bool();
  else return false;
}
template <class F>
void require_callback(F const& f, char const* where) {
  if (detail::is_null(f))
    throw std::invalid_argument(std::string(where) + ": the callback is null; it must be callable");
}

struct token_maker {
  static cancellation_token make(state& s) noexcept;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_CALLABLE_HPP
