// SPDX-License-Identifier: BSL-1.0
/// @file
/// The interface of <stop_token> on the lock-free core: that of C++20, and the additions of C++26.
///
///   stop_source ──get_token──▶ stop_token ──▶ stop_callback<F>                    one shared, counted state
///   inplace_stop_source ──▶ inplace_stop_token ──▶ inplace_stop_callback<F>       the source contains the state
///   never_stop_token, and the concepts                                            no state
///
/// The second line is in inplace_stop_token.hpp, the third in stoppable_token.hpp.
///
/// Members, constraints, exception specifications and semantics are those of [thread.stoptoken]. Beyond these:
/// callbacks run newest first, and the last one may destroy its registration and every source.
#pragma once
#ifndef CTS_STOP_TOKEN_HPP
#define CTS_STOP_TOKEN_HPP

#include <concepts>
#include <type_traits>
#include <utility>

#include "cts/detail/shared_source.hpp"
#include "cts/detail/stop/stop_invocation.hpp"
#include "cts/detail/stop/stop_state.hpp"
#include "cts/inplace_stop_token.hpp"
#include "cts/shared.hpp"
#include "cts/stoppable_token.hpp"

namespace cts {
inline namespace CTS_ABI {

/// Selects the constructor of a stop_source without a state. [thread.stoptoken.syn]
struct nostopstate_t {
  explicit nostopstate_t() = default;
};
/// The argument of that constructor.
inline constexpr nostopstate_t nostopstate{};

class stop_source;
template <class CallbackFn>
class stop_callback;

/// Asks whether a stop has been requested. [stoptoken]
/// One pointer; a copy is one read-modify-write. Several threads may use different tokens, and const members of the
/// same one, at once.
class stop_token {
 public:
  /// The callback for a function of type CallbackFn.
  template <class CallbackFn>
  using callback_type = stop_callback<CallbackFn>;

  /// A token without a state.
  stop_token() noexcept = default;
  /// The same state; a read-modify-write, if there is one.
  stop_token(stop_token const& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->share(state::owner);
  }
  /// Takes over the state of `other`, which has none then.
  stop_token(stop_token&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  /// The same state; a read-modify-write, if there is one.
  stop_token& operator=(stop_token const& other) noexcept {
    stop_token(other).swap(*this);
    return *this;
  }
  /// Takes over the state of `other`, which has none then.
  stop_token& operator=(stop_token&& other) noexcept {
    stop_token taken(std::move(other));
    taken.swap(*this);
    return *this;
  }
  /// Gives the reference to the state back.
  ~stop_token() {
    if (state_ != nullptr) state_->drop(state::owner);
  }

  /// Exchanges the states.
  void swap(stop_token& other) noexcept { std::swap(state_, other.state_); }
  /// Exchanges the states.
  friend void swap(stop_token& a, stop_token& b) noexcept { a.swap(b); }

  /// Whether a stop has been requested. A plain load; once true, always true. [stoptoken.mem]
  /// Reading true makes visible what happened before the request.
  [[nodiscard]] bool stop_requested() const noexcept { return state_ != nullptr && state_->stop_requested(); }
  /// Whether a stop has been requested or still can be: false without a state, or with neither a request nor a source.
  /// Once false, always false. [stoptoken.mem]
  [[nodiscard]] bool stop_possible() const noexcept { return state_ != nullptr && state_->stop_possible(); }

  /// Whether both have the same state, or none. [stoptoken.concepts]
  [[nodiscard]] friend bool operator==(stop_token const& a, stop_token const& b) noexcept {
    return a.state_ == b.state_;
  }

 private:
  using state = detail::stop_state;
  friend stop_source;
  template <class>
  friend class stop_callback;
  explicit stop_token(state* owned) noexcept : state_(owned) {}

  state* state_ = nullptr;
};

/// Makes stop requests. [stopsource]
/// One pointer; a copy is one read-modify-write. Several threads may use different sources, and const members of the
/// same one, at once; request_stop is one of these.
class stop_source {
 public:
  /// A source of a new state. One allocation; throws std::bad_alloc. [stopsource.cons]
  stop_source() : state_(state::create()) {}
  /// A source of a new state that is made for many threads: see shared_t. One allocation; throws std::bad_alloc.
  explicit stop_source(shared_t) : state_(state::create(detail::stripes_of_a_shared_source())) {}
  /// A source without a state. [stopsource.cons]
  explicit stop_source(nostopstate_t) noexcept {}
  /// The same state; a read-modify-write, if there is one.
  stop_source(stop_source const& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->share(state::source);
  }
  /// Takes over the state of `other`, which has none then.
  stop_source(stop_source&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  /// The same state; a read-modify-write, if there is one.
  stop_source& operator=(stop_source const& other) noexcept {
    stop_source(other).swap(*this);
    return *this;
  }
  /// Takes over the state of `other`, which has none then.
  stop_source& operator=(stop_source&& other) noexcept {
    stop_source taken(std::move(other));
    taken.swap(*this);
    return *this;
  }
  /// Requests no stop. Waits only for a request on another thread that runs callbacks, if this is the last owner.
  ~stop_source() {
    if (state_ != nullptr) state_->drop_source();
  }

  /// Exchanges the states.
  void swap(stop_source& other) noexcept { std::swap(state_, other.state_); }
  /// Exchanges the states.
  friend void swap(stop_source& a, stop_source& b) noexcept { a.swap(b); }

  /// A token of the same state, or without one. One read-modify-write. [stopsource.mem]
  [[nodiscard]] stop_token get_token() const noexcept {
    if (state_ != nullptr) state_->share(state::owner);
    return stop_token(state_);
  }
  /// Whether there is a state. [stopsource.mem]
  [[nodiscard]] bool stop_possible() const noexcept { return state_ != nullptr; }
  /// Whether a stop has been requested. A plain load; once true, always true. [stopsource.mem]
  [[nodiscard]] bool stop_requested() const noexcept { return state_ != nullptr && state_->stop_requested(); }

  /// Requests a stop and runs the callbacks on this thread, newest first. [stopsource.mem], [stoptoken.concepts]
  /// The callbacks may destroy this source, all others and all callbacks. A callback that throws ends the program.
  /// O(callbacks). Const, as in libstdc++ and beyond the standard ([member.functions] allows it): the source keeps its
  /// state.
  /// @return true for the one call that made the request, after its callbacks have returned; false, at once, for every
  /// other, and without a state
  bool request_stop() const noexcept { return state_ != nullptr && state_->request_stop(); }

  /// Whether both have the same state, or none. [stoptoken.concepts]
  [[nodiscard]] friend bool operator==(stop_source const& a, stop_source const& b) noexcept {
    return a.state_ == b.state_;
  }

 private:
  using state = detail::stop_state;
  state* state_ = nullptr;
};

/// Calls its function when a stop is requested, or in the constructor if that was before. [stopcallback]
/// Owns the state only while it is registered. Several threads may make and destroy different callbacks at once.
template <class CallbackFn>
class [[nodiscard]] stop_callback : private detail::stop_invocation<CallbackFn> {
  using invocation = detail::stop_invocation<CallbackFn>;
  using state = detail::stop_state;

 public:
  /// The type of its function.
  using callback_type = CallbackFn;

  /// Makes the function from `init` and registers it, or calls it here if a stop has been requested.
  /// Waits for nothing. Throws only what making the function throws. O(1) amortized, two read-modify-writes. Allocates
  /// only if many callbacks are registered at once; std::terminate if that fails. [stopcallback.cons],
  /// [stoptoken.concepts]
  template <class Initializer>
  requires std::constructible_from<CallbackFn, Initializer>
  explicit stop_callback(stop_token const& st,
                         Initializer&& init) noexcept(std::is_nothrow_constructible_v<CallbackFn, Initializer>)
      : invocation(std::forward<Initializer>(init)), state_(st.state_) {
    if (state_ == nullptr) return;
    if (state_->stop_requested()) [[unlikely]] {  // nothing to share
      state_ = nullptr;
      this->invoke();
      return;
    }
    state_->share(state::owner);  // first: once registered, the function may run and destroy *this
    if (state* const s = state_; !detail::try_register(s->registry(), *this)) {
      state_ = nullptr;
      s->drop(state::owner);  // not the last one: `st` has its own, and only the function called now may destroy it
      this->invoke();
    }
  }
  /// The same with one read-modify-write less: takes the state from `st`, but only if the function is registered.
  template <class Initializer>
  requires std::constructible_from<CallbackFn, Initializer>
  explicit stop_callback(stop_token&& st,
                         Initializer&& init) noexcept(std::is_nothrow_constructible_v<CallbackFn, Initializer>)
      : invocation(std::forward<Initializer>(init)), state_(st.state_) {
    if (state_ == nullptr) return;
    if (detail::try_register(state_->registry(), *this)) {
      st.state_ = nullptr;  // TRICKY: touch nothing of *this, which may be gone
    } else {
      state_ = nullptr;
      this->invoke();
    }
  }
  stop_callback(stop_callback const&) = delete;
  stop_callback(stop_callback&&) = delete;
  stop_callback& operator=(stop_callback const&) = delete;
  stop_callback& operator=(stop_callback&&) = delete;

  /// Unregisters the function or, if it runs on another thread, waits until it has returned. Waits for no other
  /// callback, and not inside the function itself. O(1), two read-modify-writes. [stopcallback.cons],
  /// [stoptoken.concepts]
  ~stop_callback() {
    if (state_ == nullptr) return;
    detail::unregister_and_wait(state_->registry(), *this);
    state_->drop(state::owner);
  }

 private:
  state* state_;  // null: not registered
};

/// Deduces the type of the function.
template <class CallbackFn>
stop_callback(stop_token, CallbackFn) -> stop_callback<CallbackFn>;

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_STOP_TOKEN_HPP
