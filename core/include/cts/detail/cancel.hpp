// SPDX-License-Identifier: BSL-1.0
/// @file
/// Cancels a source for one of its calls: on the calling thread (G1, G16), or on a thread of the library (G20).
#pragma once
#ifndef CTS_DETAIL_CANCEL_HPP
#define CTS_DETAIL_CANCEL_HPP

#include <any>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <utility>

#include "cts/detail/callable.hpp"
#include "cts/detail/checked/source_calls.hpp"
#include "cts/detail/checked/source_scopes.hpp"
#include "cts/detail/failures.hpp"
#include "cts/detail/futures.hpp"
#include "cts/detail/memory/reserve.hpp"
#include "cts/detail/parts.hpp"
#include "cts/detail/timers/timer_service.hpp"
#include "cts/object_disposed.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

enum class if_disposed : bool { returns, throws };

/// The reason of a cancel_with_reason; or that the time was up, without a timer.
struct given_reason {
  std::unique_ptr<reason> value;
  void (*report)(std::any const&, state&) noexcept = nullptr;  // for checked builds, after the callbacks
  bool timeout = false;
};

/// Cancels `s` and runs its callbacks. A callback may destroy the source object (R34), whose reference `s` then keeps
/// until they have run: only `s` is used after them.
/// @return whether this call has canceled it. Throws what the callbacks have thrown
inline bool cancel(state& s, bool throw_on_first, if_disposed then, given_reason why = {}) {
  if (s.is_cancellation_requested() && !s.is_disposed()) return false;
  failures failed;
  {
    call_scope const call(s, source_verb::cancel);
    request_result const result = why.timeout ? s.request_timeout(false) : s.request_cancellation(why.value.get());
    if (result == request_result::disposed && then == if_disposed::throws) throw object_disposed();
    if (result != request_result::won) return false;
    reason const* const given = why.value.release();  // the state owns it now
    s.notify(failed, throw_on_first);                 // G21: `failed` keeps the exceptions
    if constexpr (core::std_platform::checked)
      if (given != nullptr) why.report(given->value, s);
  }
  if (!failed.any()) return true;
  if (throw_on_first) failed.throw_first();
  failed.throw_all();
}

/// Cancels `s` on this thread because its time is up.
inline void cancel_overdue(state& s) { detail::cancel(s, false, if_disposed::throws, {nullptr, nullptr, true}); }

/// The callbacks of a cancel_async, for a thread of the library. It holds the state, so a dispose meanwhile loses none
/// (G20).
class async_cancel : background_job {
 public:
  explicit async_cancel(state& s) : background_job(&run), state_(s), held_(s) {}

  std::promise<void>& promise() noexcept { return done_; }
  /// Runs the callbacks on a thread of the library; here if there is none and none can be started.
  static void start(std::shared_ptr<async_cancel> const& job) noexcept {
    job->self_ = job;
    if (!std_parts::timers().post(*job)) run(*job);
  }
  /// Runs the callbacks here. The caller holds the job.
  void run() noexcept {
    failures failed;
    state_.notify(failed, false);
    if (!failed.any()) return done_.set_value();
    try {
      failed.throw_all();
    } catch (...) { done_.set_exception(std::current_exception()); }
  }

 private:
  static void run(background_job& j) noexcept {
    auto const job = std::move(static_cast<async_cancel&>(j).self_);
    job->run();
  }

  state& state_;
  state::reference const held_;
  std::promise<void> done_ = detail::make_promise();
  std::shared_ptr<async_cancel> self_;  // until it has run
};

/// The callbacks of a cancel_async, for an executor: called, or else destroyed, it runs them. Move-only.
class posted_cancel {
 public:
  explicit posted_cancel(std::shared_ptr<async_cancel> job) noexcept : job_(std::move(job)) {}
  posted_cancel(posted_cancel&&) noexcept = default;
  posted_cancel& operator=(posted_cancel&& other) noexcept {
    posted_cancel taken(std::move(other));
    job_.swap(taken.job_);
    return *this;
  }
  ~posted_cancel() { (*this)(); }
  void operator()() noexcept {
    if (auto const job = std::move(job_)) job->run();
  }

 private:
  std::shared_ptr<async_cancel> job_;
};

inline std::exception_ptr disposed_error() noexcept {
  try {
    throw object_disposed();
  } catch (...) { return std::current_exception(); }
}

/// Cancels `s` and leaves its callbacks to `start(job)`, if there are any. Throws what `start` throws.
/// @return a future that is ready when they have run
template <class Start>
std::future<void> cancel_and_start(state& s, Start start) {
  state::reference const held(s);
  source_calls::scope const call(s.more(), source_verb::cancel, std::addressof(s));
  auto const job = std::allocate_shared<async_cancel>(reserve_allocator<async_cancel>(), s);
  std::future<void> done = job->promise().get_future();
  request_result const result = s.request_cancellation(nullptr);
  if (result == request_result::won && s.registry().count() != 0) {
    start(job);
    return done;
  }
  if (result == request_result::won) s.notify_nobody();
  if (result == request_result::disposed) job->promise().set_exception(detail::disposed_error());
  else job->promise().set_value();
  return done;
}
inline std::future<void> cancel_async(state& s) { return detail::cancel_and_start(s, &async_cancel::start); }
template <class Executor>
std::future<void> cancel_async(state& s, Executor&& executor) {
  detail::require_callable(executor, "cancel_async: the executor");
  return detail::cancel_and_start(s, [&executor](std::shared_ptr<async_cancel> const& job) {
    static_cast<void>(std::invoke(std::forward<Executor>(executor), posted_cancel(job)));
  });
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_CANCEL_HPP
