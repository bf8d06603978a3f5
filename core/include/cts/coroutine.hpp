// SPDX-License-Identifier: BSL-1.0
/// @file
/// co_await cts::canceled(token): suspends a coroutine until its token is canceled.
///
/// The registration is in the coroutine's frame: no allocation, unless the token's registry must grow. The coroutine
/// goes on once: on the thread that cancels, inside its cancel(), or through an executor. If the cancel comes while the
/// coroutine is being suspended, it goes on at once on its own thread (detail/coroutines/suspension.hpp, G24).
///
/// Destroying the frame. A suspended frame may be destroyed by a thread that knows that no cancel resumes it: none has
/// begun, or the resumption, which the executor was given, will not be called. The frame's end takes the registration
/// back, and waits for a callback that is giving a resumption to the executor. Where the owner cannot know this,
/// because other threads cancel, it uses a resume_gate: the gate lets either the owner or the canceller have the frame.
#pragma once
#ifndef CTS_COROUTINE_HPP
#define CTS_COROUTINE_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <concepts>
#include <coroutine>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "cts/cancellation_callback.hpp"
#include "cts/detail/coroutines/suspension.hpp"

namespace cts {
inline namespace CTS_ABI {

namespace detail {
template <class Executor>
class canceled_awaiter;
}

/// What an executor is given: calling it, once, resumes the coroutine. Move-only. One that is destroyed without having
/// been called leaves the coroutine suspended; its frame may then be destroyed.
class resumption {
 public:
  /// Takes over the coroutine; `other` resumes none afterwards.
  resumption(resumption&& other) noexcept : suspended_(std::exchange(other.suspended_, nullptr)) {}
  /// Takes over the coroutine; the one that this object had stays suspended.
  resumption& operator=(resumption&& other) noexcept {
    suspended_ = std::exchange(other.suspended_, nullptr);
    return *this;
  }
  ~resumption() = default;
  /// Resumes the coroutine on this thread. Lets out what leaves the coroutine's unhandled_exception().
  void operator()() { std::exchange(suspended_, nullptr).resume(); }

 private:
  template <class>
  friend class detail::canceled_awaiter;
  explicit resumption(std::coroutine_handle<> suspended) noexcept : suspended_(suspended) {}
  std::coroutine_handle<> suspended_;
};

/// Decides, once, whether a coroutine that awaits canceled(token, gate) is resumed or its frame is left to its owner.
/// It is outside the frame and outlives both the await and the owner's close(). One gate for one co_await.
class resume_gate {
 public:
  resume_gate() = default;
  resume_gate(resume_gate const&) = delete;
  resume_gate& operator=(resume_gate const&) = delete;

  /// Called by the owner of a coroutine that is suspended at the co_await. O(1), waits for nothing.
  /// @return true: the coroutine will not be resumed, the owner may destroy it; false: it has been or is being resumed
  bool close() noexcept { return gate_.close(); }
  /// Called by an executor of the user's own, before it calls the resumption. O(1), waits for nothing.
  /// @return whether the resumption may be called
  bool try_pass() noexcept { return gate_.try_pass(); }

 private:
  detail::basic_gate<core::std_platform> gate_;
};

namespace detail {

/// Resumes on the thread that cancels.
struct resume_here {
  void operator()(resumption r) const { r(); }
};
struct resume_through_gate {
  resume_gate* gate;
  void operator()(resumption r) const {
    if (gate->try_pass()) r();
  }
};

/// In the frame, from the co_await to its end.
template <class Executor>
class canceled_awaiter {
 public:
  canceled_awaiter(cancellation_token token, Executor executor)
      : token_(std::move(token)), executor_(std::move(executor)) {}
  canceled_awaiter(canceled_awaiter const&) = delete;
  canceled_awaiter& operator=(canceled_awaiter const&) = delete;
  ~canceled_awaiter() = default;

  bool await_ready() const noexcept { return token_.is_cancellation_requested(); }
  /// TRICKY: not inlined, because Clang before 17 puts locals of an inlined await_suspend into the frame, which another
  /// thread may have resumed and destroyed by then.
  CTS_COLD bool await_suspend(std::coroutine_handle<> suspended) {
    suspended_ = suspended;
    return suspension_.suspend([this] { registration_.emplace(token_, on_cancel{this}); });
  }
  static void await_resume() noexcept {}

 private:
  struct on_cancel {
    canceled_awaiter* self;
    void operator()() const { self->resume(); }
  };
  void resume() {
    if (!suspension_.cancel()) return;
    resumption r(suspended_);
    Executor executor(std::move(executor_));  // the frame, and *this, may end before the executor returns
    executor(std::move(r));
  }

  cancellation_token const token_;
  Executor executor_;
  std::coroutine_handle<> suspended_;
  basic_suspension<core::std_platform> suspension_;
  std::optional<cancellation_callback<on_cancel>> registration_;  // last: its end comes first
};

/// What canceled() returns, to be awaited once.
template <class Executor>
class [[nodiscard]] canceled_awaitable {
 public:
  canceled_awaitable(cancellation_token token, Executor executor)
      : token_(std::move(token)), executor_(std::move(executor)) {}
  canceled_awaiter<Executor> operator co_await() && {
    return canceled_awaiter<Executor>(std::move(token_), std::move(executor_));
  }

 private:
  cancellation_token token_;
  Executor executor_;
};

}  // namespace detail

/// co_await canceled(token) suspends the coroutine until `token` is canceled, and not at all if it is; for ever if it
/// cannot be canceled or its source is disposed before. It is resumed on the thread that cancels, inside cancel(),
/// which then collects what leaves the coroutine (R28). The co_await throws std::bad_alloc if the token's registry
/// cannot grow. Three read-modify-writes.
[[nodiscard]] inline auto canceled(cancellation_token token) {
  return detail::canceled_awaitable<detail::resume_here>(std::move(token), {});
}
/// The same, but the thread that cancels calls executor(resumption), which calls the resumption where and when it
/// likes. It must not wait for that: the coroutine's way on may wait for the executor to return. What `executor` throws
/// is collected by cancel, and the coroutine stays suspended. Give a lambda that captures something a name first: GCC
/// 12 destroys what a lambda in the operand of co_await has captured twice.
template <class Executor>
requires std::move_constructible<Executor> && std::invocable<Executor&, resumption>
[[nodiscard]] auto canceled(cancellation_token token, Executor executor) {
  return detail::canceled_awaitable<Executor>(std::move(token), std::move(executor));
}
/// Resumed on the thread that cancels, unless `gate` was closed. The owner of the frame closes it before it destroys
/// the frame beside a cancel.
[[nodiscard]] inline auto canceled(cancellation_token token, resume_gate& gate) {
  return detail::canceled_awaitable<detail::resume_through_gate>(std::move(token), {std::addressof(gate)});
}

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_COROUTINE_HPP
