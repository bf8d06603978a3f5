// SPDX-License-Identifier: BSL-1.0
/// @file
/// The event of a state: made on request, once (G18). The status word says whether there is one (S3 of
/// protocol/state.hpp).
#pragma once
#ifndef CTS_PROTOCOL_SHARED_EVENT_HPP
#define CTS_PROTOCOL_SHARED_EVENT_HPP

#include <memory>

#include "cts/protocol/memory_orders.hpp"
#include "cts/protocol/status.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// @tparam Parts those of basic_state
template <class Parts>
class basic_shared_event {
 public:
  using event = typename Parts::event;

  /// As basic_state::watch says (S3).
  /// @param status_word the status word of the state
  /// @param set_flag sets the flag of its registry, which the winner of a cancel may not have come to yet
  template <class Word, class SetFlag>
  event* watch(Word& status_word, SetFlag set_flag) {
    status::word now = status_word.load(site::status_ask);
    if ((now & status::disposed) != 0) return nullptr;
    event* const e = std::addressof(find_or_make());
    e->share();
    if ((now & status::watched) == 0) now = status_word.fetch_or(status::watched, site::status_watch);
    if ((now & status::canceled) != 0) {
      set_flag();
      e->signal();  // R89
    }
    if ((now & status::disposed) != 0) {
      e->dispose();
      e->drop();
      return nullptr;
    }
    return e;
  }
  /// For a thread that has found `watched` in the status word, or that destroys the state. Null: there is none.
  event* get() const noexcept { return event_.load(site::event_take); }

 private:
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

  typename Parts::platform::template atomic<event*> event_{nullptr};
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_SHARED_EVENT_HPP
