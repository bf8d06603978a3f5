// SPDX-License-Identifier: BSL-1.0
/// @file
/// A cancel_async: the request on the calling thread, the callbacks in a job for another one (G20).
///
///   F1  The job holds the state from before the request until its callbacks have run. So a dispose meanwhile, or the
///       source's end, loses none of them.
///   F2  A job that was started runs once: on the thread that takes it, or on the starting thread if none does. A
///       function for an executor runs it when it is called, or else when it is destroyed.
///   F3  The future becomes ready after the last callback has returned. It is ready on return if this call leaves no
///       callbacks.
///   F4  A job for a library thread holds itself until that thread has run it. The last reference to a job frees it.
///
/// F1 to F4 are model-checked (G20, models/state/cancel_async_models.cpp). A template over what it is made of, so that
/// the models run it. `World` has
///   state                         a basic_state
///   reference                     a reference to a state for as long as it lives
///   call                          call(state&): a scope around the request
///   shared<T>, make_shared<T>(…)  counted references to a T that the call makes
///   promise, make_promise()       get_future(), set_value()
///   settle(promise&, failures&)   keeps the exceptions of callbacks
///   refuse(promise&)              keeps that the source is disposed
///   post(background_job&)         false: no thread takes it
#pragma once
#ifndef CTS_DETAIL_ASYNC_CANCEL_HPP
#define CTS_DETAIL_ASYNC_CANCEL_HPP

#include <cstddef>
#include <functional>
#include <utility>

#include "cts/core/platform.hpp"
#include "cts/detail/timers/background_jobs.hpp"
#include "cts/protocol/status.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// What a cancel_async decides.
struct async_rules {
  /// F3. Whether a request that has won leaves callbacks to a job.
  static bool leaves_callbacks(std::size_t registered) noexcept { return registered != 0; }
  /// F2. Whether the starting thread runs the job.
  static bool runs_here(bool is_taken) noexcept { return !is_taken; }
  /// F2. Whether the end of a function runs the callbacks.
  static bool runs_at_end(bool was_called) noexcept { return !was_called; }
};

/// The callbacks of a cancel_async, for a library thread.
template <class World>
class basic_async_cancel : background_job {
 public:
  using state = typename World::state;
  using failures = typename state::failures;
  using pointer = typename World::template shared<basic_async_cancel>;
  using rules = core::step<typename state::platform, async_rules>;

  explicit basic_async_cancel(state& s) : background_job(&run), state_(s), held_(s) {}

  typename World::promise& promise() noexcept { return done_; }
  /// Runs the callbacks on a library thread; here if there is none and none can be started.
  static void start(pointer const& job) noexcept {
    job->self_ = job;
    if (rules::runs_here(World::post(*job))) run(*job);
  }
  /// Runs the callbacks here. The caller holds the job.
  void run() noexcept {
    failures failed;
    state_.notify(failed, false);
    if (!failed.any()) done_.set_value();  // F3
    else World::settle(done_, failed);
  }

 private:
  static void run(background_job& j) noexcept {
    auto const job = std::move(static_cast<basic_async_cancel&>(j).self_);  // F4
    job->run();
  }

  state& state_;
  typename World::reference const held_;  // F1
  typename World::promise done_ = World::make_promise();
  pointer self_;  // until it has run
};

/// The callbacks of a cancel_async, for an executor: called, or else destroyed, it runs them. Move-only.
template <class World>
class basic_posted_cancel {
  using job = basic_async_cancel<World>;

 public:
  explicit basic_posted_cancel(typename job::pointer j) noexcept : job_(std::move(j)) {}
  basic_posted_cancel(basic_posted_cancel&&) noexcept = default;
  basic_posted_cancel& operator=(basic_posted_cancel&& other) noexcept {
    basic_posted_cancel taken(std::move(other));
    job_.swap(taken.job_);
    return *this;
  }
  ~basic_posted_cancel() {
    if (job::rules::runs_at_end(job_ == nullptr)) (*this)();
  }
  void operator()() noexcept {
    if (auto const j = std::move(job_)) j->run();
  }

 private:
  typename job::pointer job_;
};

/// Cancels `s` and leaves its callbacks to `start(job)`, if there are any. Throws what `start` throws.
/// @return a future that is ready when they have run
template <class World, class Start>
auto cancel_and_start(typename World::state& s, Start start) {
  using job_type = basic_async_cancel<World>;
  typename World::call const call(s);
  auto const job = World::template make_shared<job_type>(s);
  auto done = job->promise().get_future();
  request_result const result = s.request_cancellation(nullptr);
  if (result == request_result::won && job_type::rules::leaves_callbacks(s.registry().count())) {
    start(job);
    return done;
  }
  if (result == request_result::won) s.notify_nobody();
  if (result == request_result::disposed) World::refuse(job->promise());
  else job->promise().set_value();
  return done;
}
/// The same, with the callbacks left to a library thread.
template <class World>
auto cancel_and_post(typename World::state& s) {
  return detail::cancel_and_start<World>(s, &basic_async_cancel<World>::start);
}
/// The same, with the callbacks left to `executor`. Throws what the executor throws.
template <class World, class Executor>
auto cancel_and_execute(typename World::state& s, Executor&& executor) {
  return detail::cancel_and_start<World>(s, [&executor](typename basic_async_cancel<World>::pointer const& job) {
    static_cast<void>(std::invoke(std::forward<Executor>(executor), basic_posted_cancel<World>(job)));
  });
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_ASYNC_CANCEL_HPP
