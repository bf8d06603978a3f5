// SPDX-License-Identifier: BSL-1.0
/// @file
/// The token of a source, the registration of a callback with it, and the exception that ends a canceled operation.
///
/// A cancellation_token_source requests cancellation; its tokens hand the request to operations. An operation polls its
/// token, registers a callback with it, or waits for its wait handle. The token models P2300's stoppable_token.
///
/// The three classes are in one header because each names the others. cancellation_token_registration.hpp and
/// operation_canceled.hpp include it.
#pragma once
#ifndef CTS_CANCELLATION_TOKEN_HPP
#define CTS_CANCELLATION_TOKEN_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <algorithm>
#include <any>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "cts/cancellation_cause.hpp"
#include "cts/detail/callable.hpp"
#include "cts/detail/function_node.hpp"
#include "cts/detail/parts.hpp"
#include "cts/detail/registration.hpp"
#include "cts/detail/timers/time_left.hpp"
#include "cts/object_disposed.hpp"
#include "cts/synchronization_context.hpp"
#include "cts/time_provider.hpp"  // so that time_provider::system() can be called
#include "cts/wait_handle.hpp"

namespace cts {
inline namespace CTS_ABI {

class cancellation_token_source;
class cancellation_token_registration;
template <class F>
class cancellation_callback;

/// Tells an operation whether to stop: .NET's CancellationToken. R7–R13.
///
/// Thread-safe: all members may be called concurrently, also on one object, and with every member of the source. Not
/// assignment, a move or the destructor of the same object. One pointer; it may outlive the source. std::hash hashes it
/// by its source.
class cancellation_token {
 public:
  /// Makes none(), which can never be canceled. R7.
  cancellation_token() noexcept = default;
  /// Makes a token that is canceled already, the same for all callers, or none(). R8.
  explicit cancellation_token(bool canceled) noexcept {
    if (canceled) (state_ = detail::canceled_state())->share();
  }
  /// Makes another token of the same source. One read-modify-write.
  cancellation_token(cancellation_token const& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->share();
  }
  /// Leaves none() in `other`.
  cancellation_token(cancellation_token&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  /// Becomes a token of the same source as `other`.
  cancellation_token& operator=(cancellation_token const& other) noexcept {
    cancellation_token(other).swap(*this);
    return *this;
  }
  /// Becomes `other` and leaves none() there.
  cancellation_token& operator=(cancellation_token&& other) noexcept {
    cancellation_token taken(std::move(other));
    taken.swap(*this);
    return *this;
  }
  /// Gives back its share of the source's memory. One read-modify-write.
  ~cancellation_token() {
    if (state_ != nullptr) state_->drop();
  }
  /// Exchanges two tokens.
  void swap(cancellation_token& other) noexcept { std::swap(state_, other.state_); }
  /// Exchanges two tokens.
  friend void swap(cancellation_token& a, cancellation_token& b) noexcept { a.swap(b); }

  /// Returns the token that can never be canceled. R7.
  static cancellation_token none() noexcept { return {}; }

  /// Returns whether cancellation has been requested; once true, it stays true.
  ///
  /// True makes visible what happened before the request (R93). It says nothing about callbacks or linked sources (R6).
  /// One plain load, of a cache line that no registrant writes. R1, R13.
  [[nodiscard]] bool is_cancellation_requested() const noexcept {
    return state_ != nullptr && state_->is_cancellation_requested();
  }
  /// Returns whether the token has a source, disposed or not. R10.
  [[nodiscard]] bool can_be_canceled() const noexcept { return state_ != nullptr; }
  /// The callback object of F, as P2300's stoppable_token names it. Complete with cts/cancellation_callback.hpp.
  template <class F>
  using callback_type = cancellation_callback<F>;
  /// As is_cancellation_requested(), under its name in P2300.
  [[nodiscard]] bool stop_requested() const noexcept { return is_cancellation_requested(); }
  /// As can_be_canceled(), under its name in P2300.
  [[nodiscard]] bool stop_possible() const noexcept { return can_be_canceled(); }
  /// Throws if cancellation has been requested. R11.
  /// @throws operation_canceled with this token
  void throw_if_cancellation_requested() const;

  /// Registers `f` to be called once, when cancellation is requested.
  ///
  /// The thread that requests cancellation calls `f`, as f(cancellation_token) if `f` allows that, else as f(). It
  /// calls the newest registration first (R26) and collects an exception of `f` (R28). If cancellation has been
  /// requested already, register_callback calls `f` itself and lets its exception out (R17).
  ///
  /// Waits for nothing. One allocation, two read-modify-writes.
  /// @return the registration, whose destructor takes `f` back. A default one if `f` has been called, if the token
  ///   cannot be canceled (R15) or if its source is disposed (R20)
  /// @throws std::invalid_argument if `f` is null, before anything else (R14)
  /// @throws std::bad_alloc; then nothing is registered
  template <detail::cancellation_argument F>
  [[nodiscard]] cancellation_token_registration register_callback(
      F&& f, detail::location where = detail::location::current()) const;
  /// Registers `f` to be called through `context.send()`. R91.
  ///
  /// As the other overload, but if cancellation has been requested already, it calls `f` without the context (R18). On
  /// the context's thread `f` may do to the source, and to those above it up to a link to a token of another kind, all
  /// that it may on the canceller's.
  template <detail::cancellation_argument F>
  [[nodiscard]] cancellation_token_registration register_callback(
      F&& f, synchronization_context& context, detail::location where = detail::location::current()) const;
  /// Registers `f` unless cancellation has been requested; never calls `f` itself.
  ///
  /// For callers that hold a lock. Otherwise as register_callback.
  /// @return nothing if cancellation has been requested
  template <detail::cancellation_argument F>
  [[nodiscard]] std::optional<cancellation_token_registration> try_register(
      F&& f, detail::location where = detail::location::current()) const;

  /// Returns a handle that waits for the request, the same one each time. R12, R87.
  ///
  /// The first call allocates it.
  /// @throws object_disposed if the source is disposed, also if it was canceled before (R58)
  /// @throws std::bad_alloc
  cts::wait_handle wait_handle() const {
    detail::event* const e = (state_ != nullptr ? state_ : detail::never_state())->watch();
    if (e == nullptr) throw object_disposed();
    return cts::wait_handle(e);
  }

  /// Returns whether a call or a timer has canceled the token: on the source that was canceled first, see origin().
  ///
  /// Never changes once the token is canceled. A delay of zero and a cancel_at() in the past are timeouts. One plain
  /// load if it is not canceled; else O(links between the two sources), constant stack.
  /// @return cancellation_cause::none as long as is_cancellation_requested() is false
  [[nodiscard]] cancellation_cause cause() const noexcept {
    bool timeout = false;
    if (!is_cancellation_requested()) return cancellation_cause::none;
    state_->cause([&timeout](auto const& first, auto const*) { timeout = first.is_timed_out(); });
    return timeout ? cancellation_cause::timeout : cancellation_cause::requested;
  }
  /// Returns the reason that cancel_with_reason was given, on the source that was canceled first: see origin().
  ///
  /// Throws what copying the reason throws. O(links between the two sources), constant stack.
  /// @return an empty std::any if the token is not canceled, or without a reason
  [[nodiscard]] std::any reason() const {
    std::any value;
    if (state_ != nullptr)
      state_->cause([&value](detail::state const&, detail::reason const* r) {
        if (r != nullptr) value = r->value;
      });
    return value;
  }
  /// Returns a token of the source that was canceled first: this token's, or one that links lead to.
  ///
  /// O(links between the two sources), constant stack.
  /// @return none() if the token is not canceled
  [[nodiscard]] cancellation_token origin() const noexcept {
    cancellation_token first;
    if (state_ != nullptr)
      state_->cause([&first](detail::state const& s, detail::reason const*) {
        first = cancellation_token(const_cast<detail::state&>(s));
      });
    return first;
  }

  /// Returns when a timer will cancel the token: the earliest due time of its source and of all sources that links lead
  /// to, each by its own clock.
  ///
  /// A snapshot; if calls of cancel_after overlap on a source with a time_provider, that of either. A token with links
  /// waits for other threads that call this or remaining(). O(links above, each once), constant stack, no allocation.
  /// @return nothing if no timer is armed or the source is disposed
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> deadline() const noexcept {
    auto due = detail::alarm::never;
    if (state_ != nullptr) state_->visit_above([&due](detail::state& s) { due = (std::min)(due, detail::due_of(s)); });
    if (due == detail::alarm::never) return std::nullopt;
    return std::chrono::steady_clock::time_point(std::chrono::steady_clock::duration(due));
  }
  /// Returns the time until the deadline, by the clocks of the sources.
  ///
  /// As deadline(), once more for every eight time_providers among the sources; those must outlive the call. Throws
  /// what their now() throws.
  /// @return zero if the token is canceled or the deadline has passed; nothing if no timer is armed
  [[nodiscard]] std::optional<std::chrono::nanoseconds> remaining() const {
    if (state_ == nullptr) return std::nullopt;
    if (state_->is_cancellation_requested()) return std::chrono::nanoseconds::zero();
    auto const least = detail::time_left(*state_);
    if (!least && state_->is_cancellation_requested()) return std::chrono::nanoseconds::zero();
    return least;
  }

  /// Returns whether both have the same source, or none. R9.
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
  friend detail::token_access;
  explicit cancellation_token(detail::state& s) noexcept : state_(&s) { s.share(); }
  detail::state* state_ = nullptr;
};

/// The right to take a callback back: .NET's CancellationTokenRegistration. R43–R56.
///
/// Thread-safe: all members may be called concurrently, also on one object, and with every member of the source and its
/// tokens. Not assignment, a move, swap(), detach() or the destructor of the same object. Move-only, one pointer; it
/// may outlive the source. std::hash hashes it by its identity.
class cancellation_token_registration {
 public:
  /// Makes a registration of nothing. All of these are equal. R55.
  cancellation_token_registration() noexcept = default;
  /// Leaves a registration of nothing in `other`.
  cancellation_token_registration(cancellation_token_registration&& other) noexcept
      : node_(std::exchange(other.node_, nullptr)) {}
  /// Becomes `other`, after the dispose() of the registration that it was.
  cancellation_token_registration& operator=(cancellation_token_registration&& other) noexcept {
    cancellation_token_registration taken(std::move(other));
    taken.swap(*this);
    return *this;
  }
  /// As dispose().
  ~cancellation_token_registration() {
    if (node_ == nullptr) return;
    node_->unregister_and_wait();
    node_->release_handle();
  }
  /// Exchanges two registrations.
  void swap(cancellation_token_registration& other) noexcept { std::swap(node_, other.node_); }
  /// Exchanges two registrations.
  friend void swap(cancellation_token_registration& a, cancellation_token_registration& b) noexcept { a.swap(b); }

  /// Takes the callback back unless it has begun to run.
  ///
  /// Never waits, so it is safe under a lock that the callback takes (R51). O(1), one read-modify-write. R43, R44, R53.
  /// @return true: the callback has not run and never will, and the callable is destroyed. False: it runs or has run,
  ///   and the token reads as canceled, or it is not registered; that says nothing about its effects (R93d)
  bool unregister() noexcept { return node_ != nullptr && node_->unregister(); }
  /// Takes the callback back or, if another thread runs it or destroys its callable, waits for that. Idempotent.
  ///
  /// Afterwards it does not run and never will, its effects are visible and the callable is destroyed. Waits for no
  /// other callback, nor where the source's callbacks run, nor in a callable's destructor for another's. A wait for a
  /// callback that waits for this thread is reported (set_wait_cycle_handler, R49–R51). R46–R48.
  void dispose() noexcept {
    if (node_ != nullptr) node_->unregister_and_wait();
  }
  /// As dispose(), but waits `time` at most; not at all if it is negative, cts::infinite included, or NaN.
  /// @return whether dispose() would return now
  template <class Rep, class Period>
  bool dispose_for(std::chrono::duration<Rep, Period> time) noexcept {
    return node_ == nullptr || detail::dispose_for(*node_, time);
  }
  /// As dispose(), but does not wait. R52.
  /// @return a future that is ready when the callback has returned or never runs; its destructor does not wait
  std::future<void> dispose_async() noexcept {
    return node_ != nullptr ? detail::dispose_async(*node_) : detail::ready_future();
  }
  /// Leaves the callback registered as long as the source and its tokens live; this becomes a registration of nothing.
  ///
  /// The callback must not hold a token of its own source, which would then never be freed. It can take one as its
  /// argument.
  void detach() noexcept {
    if (node_ != nullptr) std::exchange(node_, nullptr)->detach();
  }
  /// Returns whether the callback has neither begun to run nor been taken back. A snapshot.
  [[nodiscard]] bool is_registered() const noexcept {
    return node_ != nullptr && node_->owner().registry().is_registered(*node_);
  }
  /// Returns a token of the source, also after dispose() or a run. R54.
  /// @return none() for a registration of nothing
  [[nodiscard]] cancellation_token token() const noexcept {
    return node_ != nullptr ? cancellation_token(node_->owner()) : cancellation_token();
  }
  /// Returns whether this is, or was, the registration of a callback. See is_registered() for whether it still is.
  explicit operator bool() const noexcept { return node_ != nullptr; }
  /// Returns whether both are the same registration, or of nothing. R55.
  [[nodiscard]] friend bool operator==(cancellation_token_registration const& a,
                                       cancellation_token_registration const& b) noexcept {
    return a.node_ == b.node_;
  }

 private:
  friend cancellation_token;
  friend std::hash<cancellation_token_registration>;
  explicit cancellation_token_registration(detail::registration_base* node) noexcept : node_(node) {}

  detail::registration_base* node_ = nullptr;
};

/// The exception that ends a canceled operation: .NET's OperationCanceledException. R11. Copying it does not throw.
class CTS_SHARED_SYMBOL operation_canceled : public std::exception {
 public:
  /// Makes an exception without a token.
  operation_canceled() noexcept = default;
  /// Makes an exception of an operation that obeys `token`.
  explicit operation_canceled(cancellation_token token) noexcept : token_(std::move(token)) {}
  /// Makes an exception with a message of its own.
  /// @throws std::bad_alloc
  explicit operation_canceled(std::string message, cancellation_token token = {})
      : token_(std::move(token)), message_(std::make_shared<std::string const>(std::move(message))) {}

  /// Returns the token that the operation obeyed; none() if it was not told.
  cancellation_token token() const noexcept { return token_; }
  /// Returns the reason of that token: see cancellation_token::reason.
  std::any reason() const { return token_.reason(); }
  /// Returns the origin of that token: see cancellation_token::origin.
  cancellation_token origin() const noexcept { return token_.origin(); }
  /// Returns why that token was canceled: see cancellation_token::cause. None without a token.
  cancellation_cause cause() const noexcept { return token_.cause(); }
  /// Returns the message.
  char const* what() const noexcept override {
    return message_ != nullptr ? message_->c_str() : "The operation was canceled.";
  }

 private:
  cancellation_token token_;
  std::shared_ptr<std::string const> message_;
};

// The members of cancellation_token that need the other two classes.

inline void cancellation_token::throw_if_cancellation_requested() const {
  if (is_cancellation_requested()) [[unlikely]]
    throw operation_canceled(*this);
}

template <detail::cancellation_argument F>
cancellation_token_registration cancellation_token::register_callback(F&& f, detail::location where) const {
  detail::require_callback(f, "register_callback");
  if (state_ == nullptr) return {};
  return cancellation_token_registration(detail::register_or_call(*state_, std::forward<F>(f), nullptr, where));
}

template <detail::cancellation_argument F>
cancellation_token_registration cancellation_token::register_callback(F&& f, synchronization_context& context,
                                                                      detail::location where) const {
  detail::require_callback(f, "register_callback");
  if (state_ == nullptr) return {};
  return cancellation_token_registration(
      detail::register_or_call(*state_, std::forward<F>(f), std::addressof(context), where));
}

template <detail::cancellation_argument F>
std::optional<cancellation_token_registration> cancellation_token::try_register(F&& f, detail::location where) const {
  detail::require_callback(f, "try_register");
  if (state_ == nullptr) return cancellation_token_registration();
  bool canceled = state_->is_cancellation_requested();
  detail::registration_base* const n = canceled ? nullptr
                                                : detail::register_function(*state_, std::forward<F>(f), nullptr, where,
                                                                            [&canceled](auto&) { canceled = true; });
  if (canceled) return std::nullopt;
  return cancellation_token_registration(n);
}

}  // namespace CTS_ABI
}  // namespace cts

/// @cond implementation

template <>
struct std::hash<cts::cancellation_token> {
  std::size_t operator()(cts::cancellation_token const& t) const noexcept { return std::hash<void const*>()(t.state_); }
};

template <>
struct std::hash<cts::cancellation_token_registration> {
  std::size_t operator()(cts::cancellation_token_registration const& r) const noexcept {
    return std::hash<void const*>()(r.node_);
  }
};

/// @endcond

#endif  // CTS_CANCELLATION_TOKEN_HPP
