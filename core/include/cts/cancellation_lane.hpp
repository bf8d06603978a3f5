// SPDX-License-Identifier: BSL-1.0
/// @file
/// A lane (lane.hpp) of a token: callbacks of one owner that come and go without any read-modify-write, for long-lived
/// tokens that many threads share.
#pragma once
#ifndef CTS_CANCELLATION_LANE_HPP
#define CTS_CANCELLATION_LANE_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <new>
#include <optional>
#include <utility>

#include "cts/cancellation_token.hpp"
#include "cts/cancellation_token_registration.hpp"
#include "cts/lane.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// A state as a lane's home.
class state_home {
 public:
  using platform = core::std_platform;
  using base = node;
  explicit state_home(state& s) noexcept : state_(s) {}
  core::register_result enter(core::callback& lane) const noexcept { return state_.enter(static_cast<node&>(lane)); }
  bool unregister(core::callback& lane) const noexcept { return state_.registry().unregister(lane); }
  void await_return(core::callback& lane) const noexcept { state_.await_return(lane); }
  bool is_running(core::callback const& lane) const noexcept { return state_.registry().is_running(lane); }
  bool runs_here() const noexcept { return state_.runs_here(); }
  bool is_cancellation_requested() const noexcept { return state_.is_cancellation_requested(); }
  bool shall_stop() const noexcept { return state_.shall_stop(); }

 private:
  state& state_;
};

class state_lane final : public basic_lane<state_home, process_barrier> {
  using lane = basic_lane<state_home, process_barrier>;

 public:
  explicit state_lane(state& s) noexcept : lane(state_home(s), &removed, node::at_once()) {}

 private:
  static void removed(node& n) noexcept { from(n).taken_out(); }
};
}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

namespace cts {
inline namespace CTS_ABI {

template <class F>
class cancellation_lane_callback;

/// Where one owner's cancellation_lane_callbacks are registered. Making one is one registration on the token;
/// immovable.
///
/// One owner at a time: to make and destroy callbacks of a lane, and the lane, must not overlap, from whichever threads
/// it is done. Only inside a callback of the lane, whichever thread runs it, may callbacks of the lane be destroyed
/// while the owner does the same.
class cancellation_lane {
 public:
  /// A lane of `token`, which it keeps. Waits for nothing; if there is no memory to register it, the first callback's
  /// constructor tries again. With a token that cannot be canceled its callbacks never run.
  explicit cancellation_lane(cancellation_token token) noexcept : token_(std::move(token)) {
    if (token_.state_ != nullptr) lane_.emplace(*token_.state_);
  }
  cancellation_lane(cancellation_lane const&) = delete;
  cancellation_lane& operator=(cancellation_lane const&) = delete;
  /// Its callbacks must be gone. Waits, if they are being run on another thread, until that has ended; not inside one
  /// of them.
  ~cancellation_lane() = default;

  cancellation_token const& token() const noexcept { return token_; }

 private:
  template <class>
  friend class cancellation_lane_callback;
  cancellation_token token_;
  std::optional<detail::state_lane> lane_;  // after the token, so that it goes first
};

/// A callback on a lane: what cancellation_callback is on a token, at the cost of a few plain loads and stores. In
/// .NET's terms a registration that is disposed by the destructor. F is called as in
/// cancellation_token::register_callback, at most once, on the thread that requests cancellation, newest first in its
/// lane; an exception is collected as any other (R28).
template <class F>
class [[nodiscard]] cancellation_lane_callback : private lane_callback {
  static_assert(detail::cancellation_function<F>, "F must be callable as f(cancellation_token) or f()");

 public:
  /// Registers `f`. If cancellation has been requested, calls it here and now and lets its exception out (R17);
  /// registers nothing on a lane whose token cannot be canceled or whose source is disposed. No read-modify-write,
  /// O(1), waits for nothing. Throws std::invalid_argument for a null `f`, std::bad_alloc if the lane cannot grow, and
  /// what moving `f` throws.
  CTS_HOT cancellation_lane_callback(cancellation_lane& l, F f)
      : lane_callback(&run), lane_(l), f_(std::forward<F>(f)) {
    detail::require_callback(f_, "cancellation_lane_callback");
    if (!lane_.lane_.has_value()) return;
    core::register_result const result = lane_.lane_->try_register(*this);
    if (result == core::register_result::registered) [[likely]]
      return;  // it may have run and destroyed *this
    if (result == core::register_result::out_of_memory) throw std::bad_alloc();
    if (result == core::register_result::canceled) detail::call(f_, *lane_.token_.state_);
  }
  cancellation_lane_callback(cancellation_lane_callback const&) = delete;
  cancellation_lane_callback& operator=(cancellation_lane_callback const&) = delete;
  /// Takes the function back; if it runs on another thread, waits until it has returned, and for no other callback.
  /// Inside the source's callbacks it does not wait. R46–R48.
  CTS_HOT ~cancellation_lane_callback() {
    if (lane_.lane_.has_value()) lane_.lane_->unregister_and_wait(*this);
  }

 private:
  static void run(lane_callback& c) noexcept {
    auto& self = static_cast<cancellation_lane_callback&>(c);
    detail::call_and_collect(self.f_, *self.lane_.token_.state_);  // *this may be gone
  }
  cancellation_lane& lane_;
  F f_;
};

template <class F>
cancellation_lane_callback(cancellation_lane&, F) -> cancellation_lane_callback<F>;

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CANCELLATION_LANE_HPP
