// SPDX-License-Identifier: BSL-1.0
/// @file
/// One token for several: stopped as soon as one of them is. Unlike a linked source it has no state of its own, so it
/// costs nothing until a callback is registered with it, and it never lags behind its parents.
#pragma once
#ifndef CTS_ANY_TOKEN_HPP
#define CTS_ANY_TOKEN_HPP

#include <concepts>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cts/core/platform.hpp"
#include "cts/protocol/joint_callback.hpp"
#include "cts/stoppable_token.hpp"
#include "cts/token_traits.hpp"

namespace cts {
inline namespace CTS_ABI {

template <class F, class... Tokens>
class any_of_callback;

/// The token that any_token returns: stopped as soon as one of its parents is.
///
/// It holds the parents and nothing else. Several threads may use different tokens, and const members of the same one,
/// at once. Parents are all tokens that token_traits knows, of any mix of types.
template <class... Tokens>
class any_of_token {
  static_assert(sizeof...(Tokens) > 0, "any_token needs one token or more");
  static_assert((std::is_nothrow_copy_constructible_v<Tokens> && ...), "copying a token must not throw");

 public:
  /// The callback for a function of type F.
  template <class F>
  using callback_type = any_of_callback<F, Tokens...>;

  /// A token of these parents.
  explicit any_of_token(Tokens... parents) noexcept : parents_(std::move(parents)...) {}

  /// Returns whether a parent is stopped. Asks each parent itself, so it is true as soon as that one says so; once
  /// true, always true. Waits for nothing. O(parents), a poll of each.
  [[nodiscard]] bool stop_requested() const noexcept {
    return std::apply([](Tokens const&... p) { return (token_traits<Tokens>::stop_requested(p) || ...); }, parents_);
  }
  /// Returns whether a parent is or can be stopped. Waits for nothing. O(parents).
  [[nodiscard]] bool stop_possible() const noexcept {
    return std::apply([](Tokens const&... p) { return (token_traits<Tokens>::stop_possible(p) || ...); }, parents_);
  }

  /// Exchanges the parents.
  void swap(any_of_token& other) noexcept { parents_.swap(other.parents_); }
  /// Exchanges the parents.
  friend void swap(any_of_token& a, any_of_token& b) noexcept { a.swap(b); }
  /// Returns whether the parents are equal, in order.
  [[nodiscard]] friend bool operator==(any_of_token const& a, any_of_token const& b) noexcept {
    return a.parents_ == b.parents_;
  }

 private:
  template <class, class...>
  friend class any_of_callback;
  std::tuple<Tokens...> parents_;
};

/// @cond implementation
namespace detail {
template <class Notice, class Token>
using registration_with = typename token_traits<Token>::template callback<Notice>;
template <class F, class... Tokens>
using joint_callback = basic_joint_callback<core::std_platform, F, registration_with, Tokens...>;
}  // namespace detail
/// @endcond

/// Calls its function once when the first of a token's parents is stopped, or in the constructor if one is already.
///
/// It contains one registration with each parent and allocates nothing. It cannot move. Its constructor and destructor
/// may overlap everything that other threads do with the parents. The function may destroy this object, except when the
/// constructor calls it.
template <class F, class... Tokens>
class [[nodiscard]] any_of_callback {
  static_assert(std::invocable<F>, "F must be invocable without arguments");
  static_assert(std::destructible<F>, "F must be destructible");
  using joint = detail::joint_callback<F, Tokens...>;

 public:
  /// The type of its function.
  using callback_type = F;

  /// Makes the function from `init` and registers it with each parent of `token`.
  ///
  /// If a parent is stopped before the constructor ends, calls the function here, and nothing stays registered. Waits
  /// at most until a parent's canceller has done one read-modify-write. O(parents): a registration with each, and one
  /// read-modify-write.
  ///
  /// An exception of the function goes where the stopped parent sends those of its callbacks: a cancellation_token
  /// collects them, the others end the program. Here the constructor lets it out. It also lets out what a registration
  /// throws (std::bad_alloc); nothing is registered then.
  template <class Initializer>
  requires std::constructible_from<F, Initializer>
  explicit any_of_callback(any_of_token<Tokens...> const& token, Initializer&& init) noexcept(
      std::is_nothrow_constructible_v<joint, Initializer, Tokens const&...>&& std::is_nothrow_invocable_v<F>)
      : any_of_callback(token, std::forward<Initializer>(init), std::index_sequence_for<Tokens...>()) {}
  any_of_callback(any_of_callback const&) = delete;
  any_of_callback& operator=(any_of_callback const&) = delete;
  /// Takes the function back or, if it runs on another thread, waits until it has returned. Waits for no other
  /// function, and not inside the function itself. O(parents).
  ~any_of_callback() = default;

 private:
  template <class Initializer, std::size_t... Number>
  any_of_callback(any_of_token<Tokens...> const& token, Initializer&& init, std::index_sequence<Number...>)
      : joint_(std::forward<Initializer>(init), std::get<Number>(token.parents_)...) {}

  joint joint_;
};

/// Deduces the type of the function.
template <class F, class... Tokens>
any_of_callback(any_of_token<Tokens...>, F) -> any_of_callback<F, Tokens...>;

/// Returns a token that is stopped as soon as one of `parents` is.
///
/// It polls its parents and registers with them only while a callback is registered with it. `parents` are tokens of
/// any types: cancellation_token (include cts/cancellation_callback.hpp to register), stop_token, inplace_stop_token,
/// std::stop_token, another any_of_token, or whatever token_traits knows. Allocates nothing, throws nothing.
template <class... Tokens>
requires(sizeof...(Tokens) > 0 && (any_stop_token<Tokens> && ...))
    [[nodiscard]] auto any_token(Tokens... parents) noexcept {
  return any_of_token<Tokens...>(std::move(parents)...);
}

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_ANY_TOKEN_HPP
