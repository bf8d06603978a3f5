// SPDX-License-Identifier: BSL-1.0
/// @file
/// The node of a registration as its handle sees it, and the waits for its callback that a handle offers beside
/// dispose().
#pragma once
#ifndef CTS_DETAIL_REGISTRATION_HPP
#define CTS_DETAIL_REGISTRATION_HPP

#include <algorithm>
#include <chrono>
#include <future>
#include <new>
#include <thread>

#include "cts/detail/futures.hpp"
#include "cts/detail/memory/reserve.hpp"
#include "cts/detail/parts.hpp"
#include "cts/detail/timers/duration.hpp"
#include "cts/protocol/registration_node.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// A dispose_async that waits for the callback, in the list of the node.
struct end_waiter {
  end_waiter* next = nullptr;
  std::promise<void> promise = make_promise();

  static end_waiter* create() { return ::new (reserve::take(sizeof(end_waiter))) end_waiter; }
  void complete() noexcept {
    promise.set_value();
    this->~end_waiter();
    reserve::give_back(this);
  }
};

using registration_base = basic_registration_node<state, end_waiter>;

/// Unregisters `registered` or waits for its callback, `time` at most.
/// @return whether dispose() would return now
template <class Rep, class Period>
bool dispose_for(registration_base& registered, std::chrono::duration<Rep, Period> time) noexcept {
  if (registered.unregister()) return true;
  auto const over = [&registered] { return registered.is_over_here(); };
  if (!detail::is_number(time)) return over();
  auto const end = detail::end_of_wait(time, "dispose_for");
  std::chrono::nanoseconds nap(100);
  while (!over()) {
    if (end && std::chrono::steady_clock::now() >= *end) return false;
    std::this_thread::sleep_for(nap);
    nap = (std::min)(2 * nap, std::chrono::nanoseconds(1'000'000));
  }
  return true;
}

/// Unregisters `registered`, or completes a future when its callback has returned. R52, G20.
inline std::future<void> dispose_async(registration_base& registered) noexcept {
  if (registered.unregister()) return detail::ready_future();
  end_waiter* const waiter = end_waiter::create();
  std::future<void> end = waiter->promise.get_future();
  if (!registered.complete_at_end(*waiter)) waiter->complete();
  return end;
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_REGISTRATION_HPP
