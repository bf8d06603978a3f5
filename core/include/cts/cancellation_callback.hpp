// SPDX-License-Identifier: BSL-1.0
/// @file
/// A callback that holds its callable itself, for scopes that begin and end often.
#pragma once
#ifndef CTS_CANCELLATION_CALLBACK_HPP
#define CTS_CANCELLATION_CALLBACK_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <concepts>
#include <new>
#include <utility>

#include "cts/cancellation_token.hpp"
#include "cts/detail/callable.hpp"
#include "cts/detail/checked/registration_list.hpp"
#include "cts/detail/parts.hpp"

namespace cts {
inline namespace CTS_ABI {

/// A callback that is registered from its constructor to its destructor, like std::stop_callback. R46.
///
/// It allocates nothing and cannot move. The thread that requests cancellation calls F, at most once, as
/// cancellation_token::register_callback describes. The constructor and the destructor may overlap every member of the
/// source and its tokens.
template <class F>
class [[nodiscard]] cancellation_callback : private detail::node {
  static_assert(detail::cancellation_function<F>, "F must be callable as f(cancellation_token) or f()");

 public:
  /// The type of its callable, as P2300 names it.
  using callback_type = F;

  /// Makes the callable from `f` and registers it with the source of `token`.
  ///
  /// If cancellation has been requested already, calls it here and lets its exception out (R17). Registers nothing
  /// if the token cannot be canceled (R15) or its source is disposed (R20). Waits for nothing. Two read-modify-writes.
  /// `where` defaults to the caller's line, which checked builds report.
  /// @throws std::invalid_argument if the callable is null (R14), and what making it throws
  /// @throws std::bad_alloc if the registry cannot grow; otherwise no allocation
  template <class Initializer = F>
  requires std::constructible_from<F, Initializer> CTS_HOT cancellation_callback(
      cancellation_token&& token, Initializer&& f, detail::location where = detail::location::current())
      : detail::node(&run), record_(where), token_(std::move(token)), f_(std::forward<Initializer>(f)) {
    detail::require_callback(f_, "cancellation_callback");
    register_here();
  }
  /// The same as the other constructor. One more read-modify-write, for the copy of the token, unless
  /// cancellation has been requested already.
  template <class Initializer = F>
  requires std::constructible_from<F, Initializer> CTS_HOT cancellation_callback(
      cancellation_token const& token, Initializer&& f, detail::location where = detail::location::current())
      : detail::node(&run), record_(where), f_(std::forward<Initializer>(f)) {
    detail::require_callback(f_, "cancellation_callback");
    if (detail::state* const s = token.state_; s != nullptr && s->is_cancellation_requested()) [[unlikely]] {
      detail::call(f_, *s);
      return;
    }
    token_ = token;
    register_here();
  }
  cancellation_callback(cancellation_callback const&) = delete;
  cancellation_callback& operator=(cancellation_callback const&) = delete;
  /// Takes the callback back or, if another thread runs it, waits until it has returned; waits for no other callback.
  ///
  /// Does not wait on the thread that runs the source's callbacks. A wait for a callback that waits for this thread is
  /// reported (set_wait_cycle_handler, R49–R51). R46–R48.
  ~cancellation_callback() {
    detail::state* const s = token_.state_;
    if (s == nullptr) return;
    s->unregister_and_wait(*this);
    s->more().remove(record_);
  }

 private:
  CTS_HOT void register_here() {
    detail::state* const s = token_.state_;
    if (s == nullptr) return;
    s->more().add(record_);
    core::register_result const result = s->try_register(*this);
    if (result == core::register_result::registered) [[likely]]
      return;  // it may have run and destroyed *this
    s->more().remove(record_);
    if (result == core::register_result::out_of_memory) throw std::bad_alloc();
    if (result == core::register_result::canceled) detail::call(f_, *s);
  }
  static void run(core::callback& c) noexcept {
    auto& self = static_cast<cancellation_callback&>(c);
    detail::call_and_collect(self.f_, *self.token_.state_);  // *this may be gone
  }

  [[no_unique_address]] detail::registration_record record_;
  cancellation_token token_;
  F f_;
};

/// Deduces F from the callable.
template <class F>
cancellation_callback(cancellation_token, F) -> cancellation_callback<F>;

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CANCELLATION_CALLBACK_HPP
