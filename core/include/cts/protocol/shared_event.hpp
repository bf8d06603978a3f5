// SPDX-License-Identifier: BSL-1.0
/// @file
/// The event of a state: made on request, once (G18). The status word says whether there is one (S3 of
/// protocol/state.hpp).
#pragma once
#ifndef CTS_PROTOCOL_SHARED_EVENT_HPP
#define CTS_PROTOCOL_SHARED_EVENT_HPP

#include "cts/protocol/memory_orders.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// @tparam Parts those of basic_state
template <class Parts>
class basic_shared_event {
 public:
  using event = typename Parts::event;

  /// Makes the event unless there is one. Of two threads that make it, one drops its own. Throws what make_event
  /// throws.
  event& find_or_make() {
    event* e = event_.load(site::event_find);
    if (e != nullptr) return *e;
    event* const fresh = Parts::make_event();
    if (event_.compare_exchange(e, fresh, site::event_publish)) return *fresh;
    fresh->drop();
    return *event_.load(site::event_find);
  }
  /// For a thread that has found `watched` in the status word, or that destroys the state. Null: there is none.
  event* get() const noexcept { return event_.load(site::event_take); }

 private:
  typename Parts::platform::template atomic<event*> event_{nullptr};
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_SHARED_EVENT_HPP
