// SPDX-License-Identifier: BSL-1.0
/// @file
#pragma once
#ifndef CTS_CANCELLATION_TOKEN_SOURCE_HPP
#define CTS_CANCELLATION_TOKEN_SOURCE_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include <any>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <future>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "cts/cancellation_token.hpp"
#include "cts/detail/timers/delay.hpp"
#include "cts/detail/timers/duration.hpp"
#include "cts/time_provider.hpp"

namespace cts {
inline namespace CTS_ABI {

/// Requests cancellation: .NET's CancellationTokenSource. Movable, one pointer; a moved-from source may only be
/// destroyed or assigned. Members may be called concurrently, but dispose() comes last: what overlaps it is memory-safe
/// (R61), and reported in checked builds. The destructor and an assignment over it dispose; tokens and registrations
/// may live on.
class cancellation_token_source {
 public:
  /// One allocation. Throws std::bad_alloc.
  cancellation_token_source() : state_(detail::state::create()) {}
  /// Will be canceled after `delay`, in whole milliseconds, truncated; −1 ms (cts::infinite): never; 0: is so already,
  /// without a timer (R78), but for a positive delay below a millisecond, which is armed. R76–R78. Throws
  /// std::out_of_range for other delays, std::bad_alloc, std::system_error if there is no thread for timers and none
  /// can be started.
  template <class Rep, class Period>
  explicit cancellation_token_source(std::chrono::duration<Rep, Period> delay)
      : cancellation_token_source(detail::checked_delay(delay, "cancellation_token_source"), delay > delay.zero(),
                                  time_provider::system()) {}
  /// The same by the clock and timers of `clock`, which must outlive this source. R83. Throws what `clock` throws, too.
  template <class Rep, class Period>
  cancellation_token_source(std::chrono::duration<Rep, Period> delay, time_provider& clock)
      : cancellation_token_source(detail::checked_delay(delay, "cancellation_token_source"), delay > delay.zero(),
                                  clock) {}
  cancellation_token_source(cancellation_token_source&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)) {}
  cancellation_token_source& operator=(cancellation_token_source&& other) noexcept {
    cancellation_token_source taken(std::move(other));
    taken.swap(*this);
    return *this;
  }
  /// dispose(). R57
  ~cancellation_token_source() {
    if (state_ == nullptr) return;
    { dispose_scope const scope(*state_); }
    std::exchange(state_, nullptr)->end();
  }
  void swap(cancellation_token_source& other) noexcept { std::swap(state_, other.state_); }
  friend void swap(cancellation_token_source& a, cancellation_token_source& b) noexcept { a.swap(b); }

  /// A source that is canceled when any of `parents` is, in the middle of that one's callbacks (R69), and when it is
  /// itself. Canceled already if one of them is. Disposing it ends every trace of it in them; not disposing it keeps it
  /// registered there (R70). One allocation. O(parents). Throws std::bad_alloc. R65–R75.
  template <class... Tokens>
  requires(sizeof...(Tokens) > 0) && (std::same_as<Tokens, cancellation_token> && ...) static cancellation_token_source
      create_linked(Tokens const&... parents) {
    return linked(std::array{parents.state_...});
  }
  /// The same. Throws std::invalid_argument if there are none. R66.
  static cancellation_token_source create_linked(std::span<cancellation_token const> parents) {
    if (parents.empty()) throw std::invalid_argument("No tokens were supplied: create_linked needs at least one.");
    return linked(parents);
  }

  /// Throws object_disposed. R58.
  [[nodiscard]] cancellation_token token() const& {
    call_scope const scope(*state_, core::verb::token);
    if (state_->is_disposed()) throw object_disposed();
    return cancellation_token(*state_);
  }
  /// The source ends here: its timer never fires, and what is linked to it is never canceled by it.
  cancellation_token token() const&& = delete;
  /// See cancellation_token::is_cancellation_requested. R13.
  [[nodiscard]] bool is_cancellation_requested() const noexcept { return state_->is_cancellation_requested(); }

  /// Cancels: stops the timer, signals the wait handle, runs the callbacks on this thread, the last registered first,
  /// each once (R26). Does nothing, and waits for nothing, if that has been done or begun (R25). A callback may destroy
  /// this source (R34). Throws aggregate_exception, after the last callback, with what they have thrown (R28);
  /// object_disposed, also if it was canceled before (R24).
  void cancel() { cancel(false); }
  /// @param throw_on_first_exception the first exception leaves at once, as it was; the callbacks that have not run
  /// never will. R29
  void cancel(bool throw_on_first_exception) { do_cancel(nullptr, throw_on_first_exception, true); }
  /// The same with a reason, an std::exception_ptr or any other copyable value, for cancellation_token::reason. Throws
  /// what copying it throws, and std::bad_alloc, before anything is done.
  template <class T>
  void cancel_with_reason(T&& value, bool throw_on_first_exception = false) {
    auto why = std::make_unique<detail::reason>(std::any(std::forward<T>(value)));
    do_cancel(std::move(why), throw_on_first_exception, true);
  }
  /// cancel() that does not throw object_disposed.
  /// @return whether this call has canceled it. Throws aggregate_exception then
  bool try_cancel() { return do_cancel(nullptr, false, false); }

  /// Requests cancellation, like cancel(), but runs the callbacks on a thread of the library, where they delay nothing
  /// else; those that have not begun can still be taken back (R41). Runs them also if the source is disposed meanwhile.
  /// If there is no thread and none can be started, runs them here, before it returns: the request is never lost.
  /// @return a future that is ready when the last callback has returned, with their aggregate_exception; at once if
  /// there are none or if
  ///   cancellation was requested before (R38, R40). Its destructor does not wait. R36: it holds object_disposed if
  ///   that is so.
  std::future<void> cancel_async() {
    detail::state& s = *state_;
    reference const held(s);
    call_scope const scope(s, core::verb::cancel);
    auto const job = std::allocate_shared<async_cancel>(detail::reserve_allocator<async_cancel>(), s);
    std::future<void> done = job->done.get_future();
    detail::verdict const v = s.begin(nullptr);
    if (v == detail::verdict::won && s.registry().count() != 0) {
      async_cancel::start(job);
      return done;
    }
    if (v == detail::verdict::won) s.notify_nobody();
    if (v == detail::verdict::disposed) job->done.set_exception(disposed_error());
    else job->done.set_value();
    return done;
  }

  /// Cancels after `delay`, counted from now, in whole milliseconds, truncated, on the timer's thread; it replaces what
  /// was set before (R80); −1 ms (cts::infinite) only takes that back. Does nothing if it is canceled (R81). O(log
  /// timers) at worst, usually O(1). Throws std::out_of_range, checked first; object_disposed; std::bad_alloc,
  /// std::system_error if the timer's thread cannot be started. An exception of a callback that a timer runs goes to
  /// the error sink or ends the process (set_error_sink, R33).
  template <class Rep, class Period>
  void cancel_after(std::chrono::duration<Rep, Period> delay) {
    std::chrono::milliseconds const due = detail::checked_delay(delay, "cancel_after");
    detail::state& s = *state_;
    checked_reference const held(s);
    call_scope const scope(s, core::verb::cancel_after);
    arm(s, [&](auto wanted) { s.timer().arm(due, wanted); });
  }
  /// Cancels when its clock shows `when`, never earlier; it replaces what was set before, as cancel_after does. For any
  /// clock with now().
  ///
  /// If `when` has passed, this is cancel(): the callbacks run on this thread before it returns, and their exceptions
  /// leave it as an aggregate_exception. cancel_after(0ms) would run them elsewhere (R79), but a source that is past
  /// its deadline should read as canceled at once. If `when` is the largest of its type, or further away than the
  /// steady clock reaches (292 years), the source is never canceled by it; that only takes back what was set before.
  ///
  /// Points of the steady clock are compared with the clock of the source's time_provider. The time to a point of any
  /// other clock is taken once, in this call: setting that clock afterwards does not move it. To the nanosecond,
  /// rounded up. Does nothing if it is canceled. O(log timers) at worst, usually O(1). Throws object_disposed,
  /// std::bad_alloc, std::system_error as cancel_after does, and what reading the clock throws; std::out_of_range only
  /// for NaN.
  template <class Clock, class Dur>
  void cancel_at(std::chrono::time_point<Clock, Dur> when) {
    detail::state& s = *state_;
    std::chrono::nanoseconds due(-1);  // disarms
    {
      checked_reference const held(s);
      call_scope const scope(s, core::verb::cancel_after);
      if (s.is_disposed()) throw object_disposed();
      auto const left = detail::time_between(now_of<Clock>(s), when.time_since_epoch(), "cancel_at");
      bool const passed = left <= left.zero();
      if (!passed) {
        if (left < (left.max)() && when < (when.max)()) due = left;
        arm(s, [&](auto wanted) { s.timer().arm(due, wanted); });
        return;
      }
    }
    do_cancel(nullptr, false, true);
  }
  /// Makes it as new for its next use: stops the timer and removes all registrations, linked sources included, without
  /// running them.
  /// @return false, and nothing has changed, if it is canceled, if its timer has ever fired or is not the system's
  /// Throws object_disposed. Not to be raced with cancel (R85). R84–R86.
  bool try_reset() {
    detail::state& s = *state_;
    checked_reference const held(s);
    call_scope const scope(s, core::verb::try_reset);
    detail::verdict const v = s.try_reset();
    if (v == detail::verdict::disposed) throw object_disposed();
    return v == detail::verdict::won;
  }
  /// Comes last. Ends the links to its parents, waiting for one that is just canceling it on another thread, and stops
  /// the timer. Does not cancel; callbacks that have not run never will. Idempotent. R57–R64, R71–R74.
  void dispose() noexcept {
    if (state_ == nullptr) return;
    checked_reference const held(*state_);
    dispose_scope const scope(*state_);
    state_->dispose();  // what it lets go of may end this source
  }

  /// How many callbacks are registered, linked sources included. O(registrations at their peak). A snapshot.
  [[nodiscard]] std::size_t registration_count() const noexcept { return state_->registry().count(); }

 private:
  using reference = detail::state::reference;
  /// For call_scope, where the state holds itself as long as it needs.
  struct no_reference {
    explicit no_reference(detail::state&) noexcept {}
    ~no_reference() {}
  };
  using checked_reference = std::conditional_t<core::std_platform::checked, reference, no_reference>;
  /// For checked builds: a call on this object.
  struct call_scope {
    call_scope(detail::state& s, core::verb v) noexcept : checks(s.more(), v, &s) {}
    detail::source_checks::scope checks;
  };
  struct dispose_scope {
    explicit dispose_scope(detail::state& s) noexcept : checks(s.more(), &s, checked && s.runs_here()) {
      if (checked && !s.is_cancellation_requested() && !s.is_disposed()) s.more().report_leaks(&s);
    }
    static constexpr bool checked = core::std_platform::checked;
    detail::source_checks::disposing checks;
  };

  explicit cancellation_token_source(detail::state& s) noexcept : state_(&s) {}
  cancellation_token_source(std::chrono::milliseconds due, bool positive, time_provider& clock)
      : cancellation_token_source() {
    bool const system = &clock == &time_provider::system();
    if (due.count() == 0 && !positive) do_cancel(nullptr, false, true);
    else if (!system) arm(*state_, [&](auto) { state_->timer().use(clock, due); });
    else if (due.count() >= 0) arm(*state_, [&](auto wanted) { state_->timer().arm(due, wanted); });
  }
  /// What Clock shows now; of the steady clock, what the source's time_provider shows.
  template <class Clock>
  static auto now_of(detail::state& s) {
    if constexpr (std::is_same_v<Clock, std::chrono::steady_clock>) return s.timer().now().time_since_epoch();
    else return Clock::now().time_since_epoch();
  }
  template <class Set>
  static void arm(detail::state& s, Set set) {
    if (s.arm(set) == detail::verdict::disposed) throw object_disposed();
  }

  static detail::state* state_of(detail::state* s) noexcept { return s; }
  static detail::state* state_of(cancellation_token const& t) noexcept { return t.state_; }
  template <class Parents>
  static cancellation_token_source linked(Parents const& parents) {
    std::size_t n = 0;
    for (auto const& p : parents) n += state_of(p) != nullptr;
    cancellation_token_source child(*detail::state::create(n));
    n = 0;
    for (auto const& p : parents)
      if (detail::state* const s = state_of(p); s != nullptr && !child.state_->link_to(n++, *s)) throw std::bad_alloc();
    return child;
  }

  /// @return whether this call has canceled it
  bool do_cancel(std::unique_ptr<detail::reason> why, bool throw_on_first, bool throw_if_disposed) {
    detail::state& s = *state_;
    if (s.is_cancellation_requested() && !s.is_disposed()) return false;
    detail::failures failed;
    {
      reference const held(s);
      call_scope const scope(s, core::verb::cancel);
      detail::verdict const v = s.begin(why.get());
      if (v == detail::verdict::disposed && throw_if_disposed) throw object_disposed();
      if (v != detail::verdict::won) return false;
      detail::reason const* const given = why.release();  // the state's
      s.notify(failed, throw_on_first);
      if constexpr (core::std_platform::checked)
        if (given != nullptr && leads_to(given->value, s)) detail::source_checks::report_reason(&s);
    }
    if (!failed.any()) return true;
    if (throw_on_first) failed.throw_first();
    failed.throw_all();
  }
  /// The token that a reason is, or that it carries as an operation_canceled; none() if none that we know of.
  static cancellation_token token_in(std::any const& reason) noexcept {
    if (auto const* const given = std::any_cast<cancellation_token>(&reason)) return *given;
    if (auto const* const e = std::any_cast<std::exception_ptr>(&reason); e != nullptr && *e != nullptr) {
      try {
        std::rethrow_exception(*e);
      } catch (operation_canceled const& canceled) { return canceled.token(); } catch (...) {
        // It holds no token that we know of.
      }
    }
    return {};
  }
  /// Whether a reason leads back to `s`: its token's origin is `s`, or has a reason that leads there. For checked
  /// builds; follows a thousand reasons at most.
  static bool leads_to(std::any const& reason, detail::state& s) noexcept {
    cancellation_token const mine(s);
    cancellation_token origin = token_in(reason).origin();
    for (int n = 0; n < 1000 && origin.state_ != nullptr; ++n) {
      if (origin == mine) return true;
      cancellation_token next;
      origin.state_->cause([&next](detail::state const&, detail::reason const* r) noexcept {
        if (r != nullptr) next = token_in(r->value).origin();
      });
      origin = std::move(next);
    }
    return false;
  }
  static std::exception_ptr disposed_error() noexcept {
    try {
      throw object_disposed();
    } catch (...) { return std::current_exception(); }
  }

  /// What cancel_async leaves to a thread of the library.
  struct async_cancel : detail::background_job {
    explicit async_cancel(detail::state& s) : background_job(&run), of(s), held(s) {}
    detail::state& of;
    reference const held;
    std::promise<void> done = detail::make_promise();
    std::shared_ptr<async_cancel> self;  // until it has run

    static void start(std::shared_ptr<async_cancel> const& job) noexcept {
      job->self = job;
      if (!detail::std_parts::timers().post(*job)) run(*job);
    }
    static void run(background_job& j) noexcept {
      auto const job = std::move(static_cast<async_cancel&>(j).self);
      detail::failures failed;
      job->of.notify(failed, false);
      if (!failed.any()) return job->done.set_value();
      try {
        failed.throw_all();
      } catch (...) { job->done.set_exception(std::current_exception()); }
    }
  };

  detail::state* state_;
};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CANCELLATION_TOKEN_SOURCE_HPP
