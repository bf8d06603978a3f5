// SPDX-License-Identifier: BSL-1.0
/// @file
/// Lanes of a token: callbacks of one owner that come and go without a read-modify-write. For long-lived tokens that
/// many threads share. The lanes of a registry, and how they work, are in lane.hpp.
#pragma once
#ifndef CTS_CANCELLATION_LANE_HPP
#define CTS_CANCELLATION_LANE_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <new>
#include <optional>
#include <utility>

#include "cts/cancellation_token.hpp"
#include "cts/cancellation_token_registration.hpp"
#include "cts/detail/state_lane.hpp"
#include "cts/lane.hpp"

namespace cts {
inline namespace CTS_ABI {

template <class F>
class cancellation_lane_callback;

/// Where the cancellation_lane_callbacks of one owner are registered. Making a lane is one registration on the token.
/// Immovable.
///
/// Thread-safety: one owner at a time. Making and destroying a lane and its callbacks must not overlap, from whichever
/// threads it is done. Only a callback of the lane, whichever thread runs it, may destroy callbacks of the lane while
/// the owner does so, too.
class cancellation_lane {
 public:
  /// Makes a lane of `token`, and keeps the token. Waits for nothing. If there is no memory to register the lane, the
  /// constructor of the first callback tries again. The callbacks of a token that cannot be canceled never run.
  explicit cancellation_lane(cancellation_token token) noexcept : token_(std::move(token)) {
    if (token_.state_ != nullptr) lane_.emplace(*token_.state_);
  }
  cancellation_lane(cancellation_lane const&) = delete;
  cancellation_lane& operator=(cancellation_lane const&) = delete;
  /// Ends the lane, whose callbacks must be gone. If another thread runs them, waits until they have returned, but
  /// never inside one of them.
  ~cancellation_lane() = default;

  /// The token that the lane was made of.
  cancellation_token const& token() const noexcept { return token_; }

 private:
  template <class>
  friend class cancellation_lane_callback;
  cancellation_token token_;
  std::optional<detail::state_lane> lane_;  // after the token, so that it is destroyed first
};

/// A callback on a lane: what cancellation_callback is on a token, for a few plain loads and stores. F is called as in
/// cancellation_token::register_callback: at most once, on the thread that requests cancellation, newest first in its
/// lane. Its exceptions are collected as those of other callbacks (R28). Thread-safety: see cancellation_lane.
template <class F>
class [[nodiscard]] cancellation_lane_callback : private lane_callback {
  static_assert(detail::cancellation_function<F>, "F must be callable as f(cancellation_token) or f()");

 public:
  /// Registers `f`. If cancellation has been requested, calls it in the constructor and lets its exception out (R17).
  /// On a lane whose token cannot be canceled or whose source is disposed, registers nothing. Waits for nothing. O(1),
  /// without a read-modify-write. Throws std::invalid_argument for a null `f`, std::bad_alloc if the lane cannot grow,
  /// and what moving `f` throws.
  CTS_HOT cancellation_lane_callback(cancellation_lane& on, F f)
      : lane_callback(&run), lane_(on), function_(std::forward<F>(f)) {
    detail::require_callback(function_, "cancellation_lane_callback");
    if (!lane_.lane_.has_value()) return;
    core::register_result const result = lane_.lane_->try_register(*this);
    if (result == core::register_result::registered) [[likely]]
      return;  // TRICKY: it may have run and destroyed *this
    if (result == core::register_result::out_of_memory) throw std::bad_alloc();
    if (result == core::register_result::canceled) detail::call(function_, *lane_.token_.state_);
  }
  cancellation_lane_callback(cancellation_lane_callback const&) = delete;
  cancellation_lane_callback& operator=(cancellation_lane_callback const&) = delete;
  /// Unregisters the function. If it runs on another thread, waits until it has returned, and for no other callback. On
  /// the thread that runs the source's callbacks it does not wait. R46–R48.
  CTS_HOT ~cancellation_lane_callback() {
    if (lane_.lane_.has_value()) lane_.lane_->unregister_and_wait(*this);
  }

 private:
  static void run(lane_callback& c) noexcept {
    auto& self = static_cast<cancellation_lane_callback&>(c);
    detail::call_and_collect(self.function_, *self.lane_.token_.state_);  // *this may be gone now
  }
  cancellation_lane& lane_;
  F function_;
};

/// Deduces the type of the function.
template <class F>
cancellation_lane_callback(cancellation_lane&, F) -> cancellation_lane_callback<F>;

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CANCELLATION_LANE_HPP
