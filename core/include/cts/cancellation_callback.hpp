// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_CANCELLATION_CALLBACK_HPP
#define CTS_CANCELLATION_CALLBACK_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <new>
#include <utility>

#include "cts/cancellation_token.hpp"

namespace cts {
inline namespace CTS_ABI {

/// A registration that holds its callable itself, for scopes that come and go often: no allocation, cancel included;
/// immovable. R46. F is called as in cancellation_token::register_callback, at most once, on the thread that requests
/// cancellation.
template <class F>
class [[nodiscard]] cancellation_callback : private detail::node {
  static_assert(detail::cancellation_function<F>, "F must be callable as f(cancellation_token) or f()");

 public:
  /// Registers `f`. If cancellation has been requested, calls it here and now and lets its exception out (R17);
  /// registers nothing on a token that cannot be canceled or whose source is disposed. Two read-modify-writes with a
  /// token that is copied; waits for nothing. Throws std::invalid_argument for a null `f`, std::bad_alloc if the
  /// registry cannot grow, and what moving `f` throws.
  CTS_HOT cancellation_callback(cancellation_token&& token, F f, detail::location where = detail::location::current())
      : detail::node(&run), place_(where), token_(std::move(token)), f_(std::forward<F>(f)) {
    detail::require_callback(f_, "cancellation_callback");
    enter();
  }
  /// The same, with a read-modify-write more for the reference, unless cancellation has been requested.
  CTS_HOT cancellation_callback(cancellation_token const& token, F f,
                                detail::location where = detail::location::current())
      : detail::node(&run), place_(where), f_(std::forward<F>(f)) {
    detail::require_callback(f_, "cancellation_callback");
    if (detail::state* const s = token.state_; s != nullptr && s->is_cancellation_requested()) [[unlikely]] {
      detail::call(f_, *s);
      return;
    }
    token_ = token;
    enter();
  }
  cancellation_callback(cancellation_callback const&) = delete;
  cancellation_callback& operator=(cancellation_callback const&) = delete;
  /// Takes the function back; if it runs on another thread, waits until it has returned, and for no other callback.
  /// Inside the source's callbacks it does not wait. A wait for a callback that waits for this thread is reported
  /// (set_wait_cycle_handler). R46–R48.
  ~cancellation_callback() {
    detail::state* const s = token_.state_;
    if (s == nullptr) return;
    s->leave(*this);
    s->more().remove(place_);
  }

 private:
  CTS_HOT void enter() {
    detail::state* const s = token_.state_;
    if (s == nullptr) return;
    s->more().add(place_);
    core::register_result const result = s->enter(*this);
    if (result == core::register_result::registered) [[likely]]
      return;  // it may have run and destroyed *this
    s->more().remove(place_);
    if (result == core::register_result::out_of_memory) throw std::bad_alloc();
    if (result == core::register_result::canceled) detail::call(f_, *s);
  }
  static void run(core::callback& c) noexcept {
    auto& self = static_cast<cancellation_callback&>(c);
    detail::call_and_collect(self.f_, *self.token_.state_);  // *this may be gone
  }

  [[no_unique_address]] detail::place place_;
  cancellation_token token_;
  F f_;
};

template <class F>
cancellation_callback(cancellation_token, F) -> cancellation_callback<F>;

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CANCELLATION_CALLBACK_HPP
