// SPDX-License-Identifier: BSL-1.0
/// @file
/// C++26's stop state that lives inside its source: no reference counts, no allocation for the first few callbacks,
/// tokens that are a bare pointer. The source must outlive all uses of its tokens and callbacks.
///
/// The source may be destroyed by the last callback that its request runs, and by another thread as soon as that
/// callback has returned; what the request still has to do is done, or given up, before the memory is gone.
#pragma once
#ifndef CTS_INPLACE_STOP_TOKEN_HPP
#define CTS_INPLACE_STOP_TOKEN_HPP

#include <concepts>
#include <type_traits>
#include <utility>

#include "cts/detail/stop/stop_invocation.hpp"
#include "cts/stoppable_token.hpp"

namespace cts {
inline namespace CTS_ABI {

class inplace_stop_source;
template <class CallbackFn>
class inplace_stop_callback;

/// A pointer to a source. Trivially copyable. [stoptoken.inplace]
/// Different tokens, and const members of the same one, may be used by several threads at once.
class inplace_stop_token {
 public:
  template <class CallbackFn>
  using callback_type = inplace_stop_callback<CallbackFn>;

  /// A token of no source.
  inplace_stop_token() = default;

  [[nodiscard]] bool operator==(inplace_stop_token const&) const = default;

  /// Whether a stop has been requested: a plain load. Never goes back. [stoptoken.inplace.mem]
  /// Reading true makes visible what happened before the request.
  [[nodiscard]] bool stop_requested() const noexcept;
  /// Whether there is a source; touches it not, it may be gone. [stoptoken.inplace.mem]
  [[nodiscard]] constexpr bool stop_possible() const noexcept { return source_ != nullptr; }

  constexpr void swap(inplace_stop_token& other) noexcept { std::swap(source_, other.source_); }
  friend constexpr void swap(inplace_stop_token& a, inplace_stop_token& b) noexcept { a.swap(b); }

 private:
  friend inplace_stop_source;
  template <class>
  friend class inplace_stop_callback;
  constexpr explicit inplace_stop_token(inplace_stop_source const* source) noexcept : source_(source) {}

  inplace_stop_source const* source_ = nullptr;
};

/// The state itself. [stopsource.inplace]
/// All members may be called by several threads at once, also from inside callbacks. The destructor comes last; only
/// the request that runs callbacks may still be under way: it may be called from the last callback, or once that has
/// returned.
class inplace_stop_source {
 public:
  /// A source on which no stop has been requested. A source of static storage can be declared constinit; initializers
  /// of other files may then use it. What they register must end before the source does, or never.
  /// [stopsource.inplace.cons]
  constexpr inplace_stop_source() noexcept = default;
  inplace_stop_source(inplace_stop_source&&) = delete;
  inplace_stop_source(inplace_stop_source const&) = delete;
  inplace_stop_source& operator=(inplace_stop_source&&) = delete;
  inplace_stop_source& operator=(inplace_stop_source const&) = delete;
  /// O(memory grown). Waits only for a request on another thread that has run its last callback, until it has left.
  ~inplace_stop_source() = default;

  /// A token of this source. O(1). A constant expression for a source of static storage. [stopsource.inplace.mem]
  [[nodiscard]] constexpr inplace_stop_token get_token() const noexcept { return inplace_stop_token(this); }
  [[nodiscard]] static constexpr bool stop_possible() noexcept { return true; }
  /// Whether a stop has been requested: a plain load. [stopsource.inplace.mem]
  [[nodiscard]] bool stop_requested() const noexcept { return registry_.is_cancellation_requested(); }

  /// Requests a stop and runs the callbacks on this thread, newest first. One that throws ends the program.
  /// [stopsource.inplace.mem], [stoptoken.concepts]
  /// @return true for the one call that made the request, after its callbacks have returned; false, at once, for all
  /// others
  bool request_stop() noexcept { return registry_.cancel(); }

 private:
  template <class>
  friend class inplace_stop_callback;

  mutable core::registry registry_;  // tokens, which register callbacks, are made from const sources
};

inline bool inplace_stop_token::stop_requested() const noexcept {
  return source_ != nullptr && source_->stop_requested();
}

/// Calls its function when a stop is requested, or in the constructor if it has been. [stopcallback.inplace]
template <class CallbackFn>
class [[nodiscard]] inplace_stop_callback : private detail::stop_invocation<CallbackFn> {
  using invocation = detail::stop_invocation<CallbackFn>;

 public:
  using callback_type = CallbackFn;

  /// Makes the function from `init` and registers it; calls it here and now if a stop has been requested. Throws only
  /// what making it throws. O(1) amortized, one read-modify-write; waits for nothing. Allocates only when many
  /// callbacks are registered at once; if that fails, std::terminate. [stopcallback.inplace.cons]
  template <class Initializer>
  requires std::constructible_from<CallbackFn, Initializer>
  explicit inplace_stop_callback(inplace_stop_token st,
                                 Initializer&& init) noexcept(std::is_nothrow_constructible_v<CallbackFn, Initializer>)
      : invocation(std::forward<Initializer>(init)), source_(st.source_) {
    if (source_ == nullptr || detail::enter(source_->registry_, *this))
      return;  // registered: *this may be gone already
    source_ = nullptr;
    this->invoke();
  }
  inplace_stop_callback(inplace_stop_callback&&) = delete;
  inplace_stop_callback(inplace_stop_callback const&) = delete;
  inplace_stop_callback& operator=(inplace_stop_callback&&) = delete;
  inplace_stop_callback& operator=(inplace_stop_callback const&) = delete;

  /// Takes the function back. If it runs on another thread, waits until it has returned, and for no other callback;
  /// inside the function itself it does not wait. One read-modify-write. [stoptoken.concepts]
  ~inplace_stop_callback() {
    if (source_ != nullptr) detail::leave(source_->registry_, *this);
  }

 private:
  inplace_stop_source const* source_;  // null: not registered
};

template <class CallbackFn>
inplace_stop_callback(inplace_stop_token, CallbackFn) -> inplace_stop_callback<CallbackFn>;

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_INPLACE_STOP_TOKEN_HPP
