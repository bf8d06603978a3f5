// SPDX-License-Identifier: BSL-1.0
/// @file
/// Waits for the first of several events. R87, G18.
#pragma once
#ifndef CTS_DETAIL_WAIT_ANY_HPP
#define CTS_DETAIL_WAIT_ANY_HPP

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>

#include "cts/detail/event.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Waits until an event is signalled, or until `until`.
/// @tparam EventOf gives the event of a handle
/// @return the index of the first that is signalled; nothing: none is. Throws object_disposed, std::bad_alloc
template <class Handle, class EventOf>
std::optional<std::size_t> wait_any(std::span<Handle const> handles, EventOf event_of,
                                    std::optional<std::chrono::steady_clock::time_point> until) {
  struct observation {
    std::span<Handle const> const handles;
    EventOf const event_of;
    event::observer told{};
    std::size_t added = 0;
    ~observation() {
      while (added != 0) event_of(handles[--added]).remove(told);
    }
  } observed{handles, event_of};
  for (; observed.added != handles.size(); ++observed.added) event_of(handles[observed.added]).add(observed.told);
  observed.told.wait(until);
  for (std::size_t i = 0; i < handles.size(); ++i)
    if (event_of(handles[i]).is_signalled()) return i;
  return std::nullopt;
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_WAIT_ANY_HPP
