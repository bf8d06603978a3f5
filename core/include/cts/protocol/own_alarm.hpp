// SPDX-License-Identifier: BSL-1.0
/// @file
/// The timer of a state: in the state's allocation if the state was made with one, else made on request, once (G17).
/// The status word says whether it may be armed (S3 of protocol/state.hpp).
#pragma once
#ifndef CTS_PROTOCOL_OWN_ALARM_HPP
#define CTS_PROTOCOL_OWN_ALARM_HPP

#include <memory>
#include <new>

#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/status.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// @tparam Parts those of basic_state
template <class Parts, class State>
class basic_own_alarm {
 public:
  using alarm = typename Parts::alarm;

  /// @param storage where the timer is made now; null: it is made on request
  basic_own_alarm(void* storage, State& owner) noexcept
      : alarm_(storage != nullptr ? ::new (storage) alarm(owner) : nullptr) {}

  /// As basic_state::arm says (S3).
  /// @param status_word the status word of the owner
  template <class Word, class Set>
  request_result arm(State& owner, Word& status_word, Set& set) {
    status::word now = status_word.load(site::status_ask);
    if ((now & status::disposed) != 0) return request_result::disposed;
    if ((now & status::canceled) != 0) return request_result::lost;
    alarm& a = find_or_make(owner);
    if ((now & status::timed) == 0) now = status_word.fetch_or(status::timed, site::status_arm);
    if ((now & status::disposed) != 0) return request_result::disposed;
    if ((now & status::canceled) != 0) return request_result::lost;
    set(a, [&status_word] {
      return (status_word.load(site::status_wanted) & (status::canceled | status::disposed)) == 0;
    });
    return request_result::won;
  }
  /// Makes the timer unless there is one. Of two threads that make it, one destroys its own. Throws std::bad_alloc.
  alarm& find_or_make(State& owner) {
    alarm* a = alarm_.load(site::alarm_find);
    if (a != nullptr) return *a;
    alarm* const fresh = ::new (Parts::allocate(sizeof(alarm))) alarm(owner);
    if (alarm_.compare_exchange(a, fresh, site::alarm_publish)) return *fresh;
    destroy(*fresh);
    return *alarm_.load(site::alarm_find);
  }
  /// For any thread. Null: there is none.
  alarm* find() const noexcept { return alarm_.load(site::alarm_find); }
  /// For a thread that has found `timed` in the status word.
  alarm& get() const noexcept { return *alarm_.load(site::alarm_take); }

  /// For the thread that destroys the state.
  /// @param in_place it was made in given storage
  void end(bool in_place) noexcept {
    alarm* const a = alarm_.load(site::alarm_take);
    if (a == nullptr) return;
    if (in_place) std::destroy_at(a);
    else destroy(*a);
  }

 private:
  static void destroy(alarm& a) noexcept {
    std::destroy_at(std::addressof(a));
    Parts::deallocate(std::addressof(a));
  }

  typename Parts::platform::template atomic<alarm*> alarm_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_OWN_ALARM_HPP
