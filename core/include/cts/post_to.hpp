// SPDX-License-Identifier: BSL-1.0
/// @file
/// Callbacks that run on an executor: token.register_callback(cts::post_to(executor, f)).
///
/// An executor is anything that can be called with a move-only function without arguments, and calls that function,
/// once, where and when it likes: a lambda that posts to a thread pool, to the loop of a user interface, to an Asio
/// context. No thread is made.
///
///     registered ──cancel──▶ given to the executor ──the executor calls it──▶ runs
///         │                            └──the executor destroys it──▶ never runs
///         └──unregister() or dispose()──▶ never runs
#pragma once
#ifndef CTS_POST_TO_HPP
#define CTS_POST_TO_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <concepts>
#include <functional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cts/cancellation_token.hpp"
#include "cts/detail/callable.hpp"

namespace cts {
inline namespace CTS_ABI {

/// What an executor is given by post_to(): calling it, once, calls the callback. Move-only.
template <class F, class... Arguments>
class posted_callback {
 public:
  /// Takes over the callback and what it is called with.
  explicit posted_callback(F&& f, Arguments... arguments) : f_(std::move(f)), arguments_(std::move(arguments)...) {}
  /// Takes over the callback; `other` must not be called afterwards.
  posted_callback(posted_callback&& other) = default;  // NOLINT(performance-noexcept-move-constructor): as its parts
  /// Takes over the callback; `other` must not be called afterwards.
  posted_callback& operator=(posted_callback&& other) = default;  // NOLINT(performance-noexcept-move-constructor)
  ~posted_callback() = default;

  /// Calls the callback on this thread. Throws what the callback throws: that is the executor's to handle.
  void operator()() {
    if constexpr (std::invocable<F&, Arguments...>) static_cast<void>(std::apply(f_, std::move(arguments_)));
    else static_cast<void>(std::apply(std::move(f_), std::move(arguments_)));
  }

 private:
  F f_;
  [[no_unique_address]] std::tuple<Arguments...> arguments_;
};

/// A callback that gives another one to an executor: see post_to().
template <class Executor, class F>
class posting {
  static_assert(detail::cancellation_function<F>, "F must be callable as f(cancellation_token) or f()");
  static constexpr bool takes_nothing = std::invocable<F&> || std::invocable<F>;
  template <class Token>
  static constexpr bool takes_token = std::invocable<F&, Token> || std::invocable<F, Token>;

 public:
  /// As post_to() says.
  posting(Executor executor, F f) : executor_(std::move(executor)), f_(std::move(f)) {
    detail::require_callable(executor_, "post_to: the executor");
    detail::require_callable(f_, "post_to: the callback");
  }
  /// Gives f() to the executor. Called once, by the canceller.
  void operator()() requires(takes_nothing) { post(posted_callback<F>(std::move(f_))); }
  /// Gives f(token) to the executor. Called once, by the canceller.
  template <std::same_as<cancellation_token> Token>
  requires(takes_token<Token>) void operator()(Token token) {
    post(posted_callback<F, Token>(std::move(f_), std::move(token)));
  }

 private:
  template <class Posted>
  void post(Posted posted) {
    Executor executor(std::move(executor_));  // what it runs may end the registration, and *this with it
    static_cast<void>(std::invoke(executor, std::move(posted)));
  }

  Executor executor_;
  F f_;
};

/// Makes a callback that gives `f` to `executor` when it is called, for any registration of any token:
/// register_callback, cancellation_callback, lanes, stop_callback, std::stop_callback.
///
/// The canceller calls executor(g), and does not wait until g has run. `g` is a move-only function without arguments
/// that calls `f`, as f(cancellation_token) if `f` and the registration allow that, else as f().
/// - *Taking it back*: unregister() returns true only if `f` never runs. After it has returned false, and after
///   dispose() or the destructor of the registration, `f` may still be on its way or run: it owns what it uses.
/// - *Already canceled*: registering gives `f` to the executor at once, it does not call it.
/// - *Exceptions*: what `executor` throws is collected by cancel() as that of any callback (R28), and `f` does not run
/// if
///   it is destroyed by that. What `f` throws leaves `g`.
/// - *An executor that destroys `g` without calling it*: `f` does not run, on no other thread either.
/// - *Dispose*: `f` runs also if the source is disposed after the cancel.
///
/// Both are copied or moved into the callback; name an executor by std::ref if that must not be. No allocation of its
/// own.
/// @throws std::invalid_argument if `executor` or `f` is null
template <class Executor, class F>
requires detail::cancellation_argument<F>
[[nodiscard]] posting<std::decay_t<Executor>, std::decay_t<F>> post_to(Executor&& executor, F&& f) {
  return {std::forward<Executor>(executor), std::forward<F>(f)};
}

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_POST_TO_HPP
