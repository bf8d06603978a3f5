// SPDX-License-Identifier: BSL-1.0
/// @file
/// Cancels a source for one of its calls: on the calling thread (G1, G16), or on a thread of the library (G20).
#pragma once
#ifndef CTS_DETAIL_CANCEL_HPP
#define CTS_DETAIL_CANCEL_HPP

#include <any>
#include <exception>
#include <future>
#include <memory>
#include <utility>

#include "cts/detail/async_cancel.hpp"
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

inline std::exception_ptr disposed_error() noexcept {
  try {
    throw object_disposed();
  } catch (...) { return std::current_exception(); }
}

/// The world of a cancel_async in production (async_cancel.hpp).
struct std_async_world {
  using state = detail::state;
  using reference = state::reference;
  using promise = std::promise<void>;
  template <class T>
  using shared = std::shared_ptr<T>;
  struct call : call_scope {
    explicit call(state& s) noexcept : call_scope(s, source_verb::cancel) {}
  };

  template <class T>
  static std::shared_ptr<T> make_shared(state& s) {
    return std::allocate_shared<T>(reserve_allocator<T>(), s);
  }
  static promise make_promise() { return detail::make_promise(); }
  static void settle(promise& done, failures& failed) noexcept {
    try {
      failed.throw_all();
    } catch (...) { done.set_exception(std::current_exception()); }
  }
  static void refuse(promise& done) { done.set_exception(detail::disposed_error()); }
  static bool post(background_job& job) noexcept { return std_parts::timers().post(job); }
};
using posted_cancel = basic_posted_cancel<std_async_world>;

inline std::future<void> cancel_async(state& s) { return detail::cancel_and_post<std_async_world>(s); }
template <class Executor>
std::future<void> cancel_async(state& s, Executor&& executor) {
  detail::require_callable(executor, "cancel_async: the executor");
  return detail::cancel_and_execute<std_async_world>(s, std::forward<Executor>(executor));
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_CANCEL_HPP
