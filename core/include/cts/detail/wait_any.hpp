// SPDX-License-Identifier: BSL-1.0
/// @file
/// Waits for the first of several events. R87, G18.
#pragma once
#ifndef CTS_DETAIL_WAIT_ANY_HPP
#define CTS_DETAIL_WAIT_ANY_HPP

#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// A thread that waits for the first of several events.
/// @tparam EventOf gives the event of a handle
template <class Handle, class EventOf>
class any_wait {
 public:
  using event = std::remove_reference_t<std::invoke_result_t<EventOf const&, Handle const&>>;

  any_wait(std::span<Handle const> handles, EventOf event_of) : handles_(handles), event_of_(event_of) {}
  any_wait(any_wait const&) = delete;
  any_wait& operator=(any_wait const&) = delete;
  ~any_wait() {
    while (added_ != 0) event_of_(handles_[--added_]).remove(told_);  // E5
  }

  /// Waits until an event is signalled, or until `until`. Called once.
  /// @return the index of the first that is signalled; nothing: none is. Throws object_disposed, std::bad_alloc
  std::optional<std::size_t> wait(std::optional<typename event::time_point> until) {
    for (; added_ != handles_.size(); ++added_) event_of_(handles_[added_]).add(told_);
    told_.wait(until);
    for (std::size_t i = 0; i < handles_.size(); ++i)
      if (event_of_(handles_[i]).is_signalled()) return i;
    return std::nullopt;
  }

 private:
  std::span<Handle const> const handles_;
  EventOf const event_of_;
  typename event::observer told_{};
  std::size_t added_ = 0;
};

/// Waits as any_wait does.
template <class Handle, class EventOf>
std::optional<std::size_t> wait_any(std::span<Handle const> handles, EventOf event_of,
                                    std::optional<typename any_wait<Handle, EventOf>::event::time_point> until) {
  return any_wait<Handle, EventOf>(handles, event_of).wait(until);
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_WAIT_ANY_HPP
