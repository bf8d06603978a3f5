// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_CANCELLATION_TOKEN_HPP
#define CTS_CANCELLATION_TOKEN_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <algorithm>
#include <any>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "cts/detail/callable.hpp"
#include "cts/detail/parts.hpp"
#include "cts/detail/timers/time_left.hpp"
#include "cts/object_disposed.hpp"
#include "cts/synchronization_context.hpp"
#include "cts/wait_handle.hpp"

namespace cts {
inline namespace CTS_ABI {

class cancellation_token_source;
class cancellation_token_registration;
template <class F>
class cancellation_callback;

/// Says whether an operation should be abandoned: .NET's CancellationToken. One pointer; a copy is one
/// read-modify-write. R7–R13. All members may be called concurrently, also with each other and with everything done to
/// the source. It may outlive the source.
class cancellation_token {
 public:
  /// none(): can never be canceled. R7.
  cancellation_token() noexcept = default;
  /// true: a token that is canceled already, the same for all; false: none(). R8.
  explicit cancellation_token(bool canceled) noexcept {
    if (canceled) (state_ = detail::canceled_state())->share();
  }
  cancellation_token(cancellation_token const& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->share();
  }
  cancellation_token(cancellation_token&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  cancellation_token& operator=(cancellation_token const& other) noexcept {
    cancellation_token(other).swap(*this);
    return *this;
  }
  cancellation_token& operator=(cancellation_token&& other) noexcept {
    cancellation_token taken(std::move(other));
    taken.swap(*this);
    return *this;
  }
  ~cancellation_token() {
    if (state_ != nullptr) state_->drop();
  }
  void swap(cancellation_token& other) noexcept { std::swap(state_, other.state_); }
  friend void swap(cancellation_token& a, cancellation_token& b) noexcept { a.swap(b); }

  static cancellation_token none() noexcept { return {}; }

  /// Whether cancellation has been requested. A plain load of a line that no registrant writes. Never goes back, never
  /// throws; reading true makes visible what happened before cancel (R93), but says nothing about callbacks or linked
  /// sources (R6). R1, R13.
  [[nodiscard]] bool is_cancellation_requested() const noexcept {
    return state_ != nullptr && state_->is_cancellation_requested();
  }
  /// Whether there is a source, disposed or not. R10.
  [[nodiscard]] bool can_be_canceled() const noexcept { return state_ != nullptr; }
  /// Throws operation_canceled, with this token, if cancellation has been requested. R11.
  void throw_if_cancellation_requested() const;

  /// Has `f` called, once, when cancellation is requested: on the thread that requests it, as f(cancellation_token) if
  /// it can be, which wins, or as f(); the last registered goes first (R26). An exception of `f` is collected by cancel
  /// (R28).
  ///
  /// If it has been requested already, `f` is called here and now and its exception propagates (R17); the registration
  /// returned is then a default one, as it is for a token that cannot be canceled (R15) or whose source is disposed
  /// (R20). One allocation, two read-modify-writes; waits for nothing. Throws std::invalid_argument for a null `f`,
  /// first of all (R14), and std::bad_alloc; then nothing is registered.
  template <class F>
  requires detail::cancellation_function<std::decay_t<F>>
  [[nodiscard]] cancellation_token_registration register_callback(
      F&& f, detail::location where = detail::location::current()) const;
  /// The same, but the callback is run through `where.send()` (R91), unless it is run here and now (R18). On the thread
  /// on which it then runs, waits for this source's callbacks do not wait.
  template <class F>
  requires detail::cancellation_function<std::decay_t<F>>
  [[nodiscard]] cancellation_token_registration register_callback(
      F&& f, synchronization_context& where, detail::location place = detail::location::current()) const;
  /// As register_callback, but never runs `f` itself: for callers that hold a lock.
  /// @return nothing if cancellation has been requested; `f` is not called then
  template <class F>
  requires detail::cancellation_function<std::decay_t<F>>
  [[nodiscard]] std::optional<cancellation_token_registration> try_register(
      F&& f, detail::location where = detail::location::current()) const;

  /// A handle to wait for the cancellation, made by the first call, the same each time. R12, R87.
  /// Throws object_disposed, also if the source was canceled (R58); std::bad_alloc.
  cts::wait_handle wait_handle() const {
    detail::event* const e = (state_ != nullptr ? state_ : detail::never_state())->watch();
    if (e == nullptr) throw object_disposed();
    return cts::wait_handle(e);
  }

  /// Why it was canceled: what cancellation_token_source::cancel_with_reason was given, here or on the source that a
  /// link led here from. Empty if it is not canceled or without a reason. O(links on the way), constant stack. Throws
  /// what copying the value throws.
  [[nodiscard]] std::any reason() const {
    std::any value;
    if (state_ != nullptr)
      state_->cause([&value](detail::state const&, detail::reason const* r) {
        if (r != nullptr) value = r->value;
      });
    return value;
  }
  /// The token of the source that was canceled first: this one's, or one that a link led here from; none() if it is not
  /// canceled.
  [[nodiscard]] cancellation_token origin() const noexcept {
    cancellation_token first;
    if (state_ != nullptr)
      state_->cause([&first](detail::state const& s, detail::reason const*) {
        first = cancellation_token(const_cast<detail::state&>(s));
      });
    return first;
  }

  /// When a timer will cancel it: the earliest of its source's and those of the sources that is linked to, each by its
  /// own clock. Nothing if none is armed, and once the source is disposed. O(links above, each once), constant stack,
  /// no allocation; a token with links waits for other threads that ask this. A snapshot.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> deadline() const noexcept {
    auto due = detail::alarm::never;
    if (state_ != nullptr) state_->visit_above([&due](detail::state& s) { due = (std::min)(due, s.timer().due()); });
    if (due == detail::alarm::never) return std::nullopt;
    return std::chrono::steady_clock::time_point(std::chrono::steady_clock::duration(due));
  }
  /// How long until then, by the clocks of the sources: zero if it is canceled or over. As deadline(), once more for
  /// every eight time_providers among them, which must outlive this call. Throws what their now() throws.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> remaining() const {
    if (state_ == nullptr) return std::nullopt;
    if (state_->is_cancellation_requested()) return std::chrono::nanoseconds::zero();
    auto const least = detail::time_left(*state_);
    if (!least && state_->is_cancellation_requested()) return std::chrono::nanoseconds::zero();
    return least;
  }

  /// Whether both have the same source, or none. R9.
  [[nodiscard]] friend bool operator==(cancellation_token const& a, cancellation_token const& b) noexcept {
    return a.state_ == b.state_;
  }

 private:
  friend cancellation_token_source;
  friend cancellation_token_registration;
  template <class>
  friend class cancellation_callback;
  friend class cancellation_lane;
  template <class>
  friend class cancellation_lane_callback;
  friend std::hash<cancellation_token>;
  friend detail::token_maker;
  explicit cancellation_token(detail::state& s) noexcept : state_(&s) { s.share(); }

  template <class F>
  cancellation_token_registration enroll(F&& f, synchronization_context* through, detail::location where) const;

  detail::state* state_ = nullptr;
};

}  // namespace CTS_ABI
}  // namespace cts

template <>
struct std::hash<cts::cancellation_token> {
  std::size_t operator()(cts::cancellation_token const& t) const noexcept { return std::hash<void const*>()(t.state_); }
};

#include "cts/cancellation_token_registration.hpp"
#include "cts/operation_canceled.hpp"

#endif  // CTS_CANCELLATION_TOKEN_HPP
