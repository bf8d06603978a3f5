// SPDX-License-Identifier: BSL-1.0
/// @file
/// C++26's stop source that contains its state in 64 bytes: no reference counts, no allocation for the first four
/// callbacks, tokens that are a bare pointer. The source must outlive all uses of its tokens and callbacks.
///
/// The last callback that a request runs may destroy the source; so may another thread as soon as that callback has
/// returned. The destructor waits until the request has left the source, or tells it that the source is gone (G13).
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

/// Asks an inplace_stop_source whether a stop has been requested. [stoptoken.inplace]
/// One pointer, trivially copyable. Several threads may use different tokens, and const members of the same one, at
/// once.
class inplace_stop_token {
 public:
  /// The callback for a function of type CallbackFn.
  template <class CallbackFn>
  using callback_type = inplace_stop_callback<CallbackFn>;

  /// A token of no source.
  inplace_stop_token() = default;

  /// Whether both are of the same source, or of none.
  [[nodiscard]] bool operator==(inplace_stop_token const&) const = default;

  /// Whether a stop has been requested. A plain load; once true, always true. [stoptoken.inplace.mem]
  /// Reading true makes visible what happened before the request.
  [[nodiscard]] bool stop_requested() const noexcept;
  /// Whether there is a source. Does not touch it: it may be gone. [stoptoken.inplace.mem]
  [[nodiscard]] constexpr bool stop_possible() const noexcept { return source_ != nullptr; }

  /// Exchanges the sources.
  constexpr void swap(inplace_stop_token& other) noexcept { std::swap(source_, other.source_); }
  /// Exchanges the sources.
  friend constexpr void swap(inplace_stop_token& a, inplace_stop_token& b) noexcept { a.swap(b); }

 private:
  friend inplace_stop_source;
  template <class>
  friend class inplace_stop_callback;
  constexpr explicit inplace_stop_token(inplace_stop_source const* source) noexcept : source_(source) {}

  inplace_stop_source const* source_ = nullptr;
};

/// Makes stop requests, and contains the state. [stopsource.inplace]
/// Several threads may call all members at once, also from inside callbacks. The destructor comes last, with one
/// exception: the last callback of a request may call it, and so may any thread once that callback has returned.
class inplace_stop_source {
 public:
  /// A source on which no stop has been requested. [stopsource.inplace.cons]
  /// A source of static storage can be declared constinit; initializers of other files may then use it. A callback that
  /// they register must end before the source does, or never.
  constexpr inplace_stop_source() noexcept = default;
  inplace_stop_source(inplace_stop_source&&) = delete;
  inplace_stop_source(inplace_stop_source const&) = delete;
  inplace_stop_source& operator=(inplace_stop_source&&) = delete;
  inplace_stop_source& operator=(inplace_stop_source const&) = delete;
  /// Frees the memory that the source has grown. Waits only for a request on another thread that has run its last
  /// callback, until it has left the source. O(segments).
  ~inplace_stop_source() = default;

  /// A token of this source. O(1). A constant expression for a source of static storage. [stopsource.inplace.mem]
  [[nodiscard]] constexpr inplace_stop_token get_token() const noexcept { return inplace_stop_token(this); }
  /// True. [stopsource.inplace.mem]
  [[nodiscard]] static constexpr bool stop_possible() noexcept { return true; }
  /// Whether a stop has been requested. A plain load; once true, always true. [stopsource.inplace.mem]
  [[nodiscard]] bool stop_requested() const noexcept { return registry_.is_cancellation_requested(); }

  /// Requests a stop and runs the callbacks on this thread, newest first. [stopsource.inplace.mem],
  /// [stoptoken.concepts] A callback that throws ends the program. O(callbacks).
  /// @return true for the one call that made the request, after its callbacks have returned; false, at once, for every
  /// other
  bool request_stop() noexcept { return registry_.cancel(); }

 private:
  template <class>
  friend class inplace_stop_callback;

  using registry = core::basic_registry<core::std_platform, 1, core::compact>;
  mutable registry registry_;  // tokens, which register callbacks, are made from const sources
};

inline bool inplace_stop_token::stop_requested() const noexcept {
  return source_ != nullptr && source_->stop_requested();
}

/// Calls its function when a stop is requested, or in the constructor if that was before. [stopcallback.inplace]
/// Several threads may make and destroy different callbacks of one source at once.
template <class CallbackFn>
class [[nodiscard]] inplace_stop_callback : private detail::stop_invocation<CallbackFn> {
  using invocation = detail::stop_invocation<CallbackFn>;

 public:
  /// The type of its function.
  using callback_type = CallbackFn;

  /// Makes the function from `init` and registers it, or calls it here if a stop has been requested.
  /// Waits for nothing. Throws only what making the function throws. O(1) amortized, one read-modify-write. Allocates
  /// only if many callbacks are registered at once; std::terminate if that fails. [stopcallback.inplace.cons]
  template <class Initializer>
  requires std::constructible_from<CallbackFn, Initializer>
  explicit inplace_stop_callback(inplace_stop_token st,
                                 Initializer&& init) noexcept(std::is_nothrow_constructible_v<CallbackFn, Initializer>)
      : invocation(std::forward<Initializer>(init)), source_(st.source_) {
    if (source_ == nullptr || detail::try_register(source_->registry_, *this))
      return;  // registered: *this may be gone already
    source_ = nullptr;
    this->invoke();
  }
  inplace_stop_callback(inplace_stop_callback&&) = delete;
  inplace_stop_callback(inplace_stop_callback const&) = delete;
  inplace_stop_callback& operator=(inplace_stop_callback&&) = delete;
  inplace_stop_callback& operator=(inplace_stop_callback const&) = delete;

  /// Unregisters the function or, if it runs on another thread, waits until it has returned. Waits for no other
  /// callback, and not inside the function itself. O(1), one read-modify-write. [stoptoken.concepts]
  ~inplace_stop_callback() {
    if (source_ != nullptr) detail::unregister_and_wait(source_->registry_, *this);
  }

 private:
  inplace_stop_source const* source_;  // null: not registered
};

/// Deduces the type of the function.
template <class CallbackFn>
inplace_stop_callback(inplace_stop_token, CallbackFn) -> inplace_stop_callback<CallbackFn>;

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_INPLACE_STOP_TOKEN_HPP
