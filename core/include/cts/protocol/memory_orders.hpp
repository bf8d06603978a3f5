// SPDX-License-Identifier: BSL-1.0
/// @file
/// The table of memory orders of the protocols above the registry: the state, the registration's node, the timers, the
/// lane. It follows the rules of the core's table (core/memory_orders.hpp): each operation is named once, documented
/// and mutated from here.
///
/// No row is seq_cst. Where two threads must not miss each other, both write one word, the state's status, by a
/// read-modify-write; the later one in its modification order sees the earlier one.
#pragma once
#ifndef CTS_PROTOCOL_MEMORY_ORDERS_HPP
#define CTS_PROTOCOL_MEMORY_ORDERS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cts/core/memory_orders.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The name of an atomic operation.
enum class site : std::uint8_t {
  // the count of references; a child's to its parents; a link's to its child while the link runs
  refs_share,
  refs_alone,
  refs_drop,
  parent_share,
  parent_drop,
  link_share,
  link_drop,
  // the count of references to a shared source: a stripe of it, and the central count beside the stripes
  stripe_share,
  stripe_drop,
  stripe_mark,
  late_share,
  late_drop,
  stripes_end,
  // the counts of a stop state: its sources and its owners, and beside the stripes of a shared one
  stop_share,
  stop_drop,
  stop_alone,
  stop_ask,
  stop_late_share,
  stop_late_drop,
  stop_end,
  stop_end_stripes,
  // the status word: canceled, disposed, the cause, and the parts that cancel and dispose must tell
  status_peek,
  status_wanted,
  status_ask,
  status_cancel,
  status_dispose,
  status_watch,
  status_arm,
  status_detach,
  status_read,
  status_left,
  status_unlinked,
  // the wait handle's event
  event_find,
  event_publish,
  event_take,
  event_share,
  event_drop,
  // the timer of a state
  alarm_find,
  alarm_publish,
  alarm_take,
  // the owners of a registration's node, and the threads that wait for its end
  owners_ask,
  owners_alone,
  owners_wait,
  owners_release,
  owners_end,
  // the thread that a synchronization context runs a callback on
  delegate_set,
  delegate_ask,
  // the tick until which the timers' keeper sleeps, and the wheel of a timer
  timer_wake_look,
  timer_wake_sleep,
  timer_wake_poke,
  timer_wake_retry,
  timer_wake_end,
  timer_wake_stop,
  timer_wake_ask,
  timer_home_ask,
  timer_home_set,
  // a lane: whether it is open, its slots and their fates, its segments
  lane_state_read,
  lane_state_set,
  lane_publish,
  lane_withdraw,
  lane_restore,
  lane_peek,
  lane_scan,
  lane_retract,
  lane_unregister,
  lane_take,
  lane_done,
  lane_await,
  lane_clear,
  lane_clear_fate,
  lane_link,
  lane_walk,
  lane_age_set,
  lane_age_read,
  // the word in which a lane's owner and its canceller meet
  barrier_light,
  barrier_heavy,
  count
};

inline constexpr std::size_t site_count = static_cast<std::size_t>(site::count);

// clang-format off
/// The table, in the order of `site`. A failed compare-and-swap is relaxed everywhere.
inline constexpr core::site_info site_table[site_count] = {
  {"refs_share", core::operation::rmw, std::memory_order_relaxed, "none",
   "nothing: a thread that holds a reference needs no order to make another (G16)"},
  {"refs_alone", core::operation::load, std::memory_order_acquire, "refs_drop, link_drop",
   "the last thread would free a state that another one has just stopped using (G16)"},
  {"refs_drop", core::operation::rmw, std::memory_order_acq_rel, "refs_drop, refs_alone, parent_drop, link_drop",
   "the last thread would free a state that another one has just stopped using (G16)"},
  {"parent_share", core::operation::rmw, std::memory_order_relaxed, "none",
   "nothing: the thread that makes a link holds a reference to the parent (G16)"},
  {"parent_drop", core::operation::rmw, std::memory_order_acq_rel, "refs_drop, parent_drop",
   "the last thread would free a parent that a child or another owner has just stopped using (G16)"},
  {"link_share", core::operation::rmw, std::memory_order_relaxed, "none",
   "nothing: the child's dispose waits for its link, so a running link finds the child alive (G16)"},
  {"link_drop", core::operation::rmw, std::memory_order_acq_rel, "refs_drop, refs_alone",
   "the last thread would free a child that a notification has just left (G16)"},

  {"stripe_share", core::operation::rmw, std::memory_order_relaxed, "none",
   "nothing: a thread that holds a reference needs no order to make another (G26)"},
  {"stripe_drop", core::operation::rmw, std::memory_order_release, "stripe_mark",
   "the last thread would free a state that another one has stopped using before the source's end (G26)"},
  {"stripe_mark", core::operation::rmw, std::memory_order_acquire, "stripe_drop",
   "the last thread would free a state that another one has stopped using before the source's end (G26)"},
  {"late_share", core::operation::rmw, std::memory_order_relaxed, "none",
   "nothing: a thread that holds a reference needs no order to make another (G26)"},
  {"late_drop", core::operation::rmw, std::memory_order_acq_rel, "late_drop, stripes_end",
   "the last thread would free a state that another one has just stopped using (G26)"},
  {"stripes_end", core::operation::rmw, std::memory_order_acq_rel, "late_drop",
   "the last thread would free a state that another one, or the source's end, has just stopped using (G26)"},

  {"stop_share", core::operation::rmw, std::memory_order_relaxed, "none",
   "nothing: a thread that holds a reference needs no order to make another (G28)"},
  {"stop_drop", core::operation::rmw, std::memory_order_acq_rel, "stop_drop, stop_alone, stop_ask",
   "the last thread would free a state that another one has just stopped using; a thread that finds no source would "
   "not see the last one's request (G28)"},
  {"stop_alone", core::operation::load, std::memory_order_acquire, "stop_drop",
   "the last source would free a state that another thread has just stopped using (G28)"},
  {"stop_ask", core::operation::load, std::memory_order_acquire, "stop_drop, stop_end",
   "a thread that finds no source would not see the last one's request (G28)"},
  {"stop_late_share", core::operation::rmw, std::memory_order_relaxed, "none",
   "nothing: a thread that holds a reference needs no order to make another (G28)"},
  {"stop_late_drop", core::operation::rmw, std::memory_order_acq_rel, "stop_late_drop, stop_end_stripes",
   "the last thread would free a state that another one has just stopped using (G28)"},
  {"stop_end", core::operation::rmw, std::memory_order_release, "stop_ask, stop_end_stripes",
   "the last thread would free a state that a source has just stopped using; a thread that finds no source would not "
   "see its request (G28)"},
  {"stop_end_stripes", core::operation::rmw, std::memory_order_acq_rel, "stop_end, stop_late_drop",
   "the last thread would free a state that another one, or the end of the stripes, has just stopped using (G28)"},

  {"status_peek", core::operation::load, std::memory_order_relaxed, "none",
   "nothing: a registration that races with the source's dispose may be kept or dropped (G16)"},
  {"status_wanted", core::operation::load, std::memory_order_relaxed, "none",
   "nothing: the timers' lock, which disarming takes after cancel or dispose, orders it (G17)"},
  {"status_ask", core::operation::load, std::memory_order_acquire, "status_cancel, status_watch, status_arm",
   "a canceller would signal an event whose construction it does not see; a thread that loses would set the flag, or "
   "a reader ask for the reason, without seeing what was written before cancel (G16)"},
  {"status_cancel", core::operation::rmw, std::memory_order_release, "status_ask, status_watch",
   "a thread that loses to it, or makes the event after it, would not see what was written before cancel; status_ask "
   "has acquired what it reads itself (G18)"},
  {"status_dispose", core::operation::rmw, std::memory_order_acquire, "status_watch, status_arm, status_left",
   "dispose would close an event whose construction it does not see, or release a parent that a reader has just "
   "looked at (G18)"},
  {"status_watch", core::operation::rmw, std::memory_order_acq_rel, "status_cancel, status_dispose",
   "the canceller would signal an event whose construction it does not see; the waiter would not see what was "
   "written before cancel (G18)"},
  {"status_arm", core::operation::rmw, std::memory_order_release, "status_ask, status_dispose",
   "the canceller would disarm a timer whose construction it does not see; under the timers' lock both sides look "
   "again (G17)"},
  {"status_detach", core::operation::rmw, std::memory_order_relaxed, "none",
   "nothing: the thread that detaches holds a reference, and the last drop comes after it (G16)"},
  {"status_read", core::operation::rmw, std::memory_order_relaxed, "status_dispose",
   "nothing: the word's modification order decides whether dispose sees the reader, and the links are older than any "
   "token (G16)"},
  {"status_left", core::operation::rmw, std::memory_order_acq_rel, "status_dispose, status_unlinked",
   "a thread would release the parents while a reader, or the dispose that left them to it, still looks at them (G16)"},
  {"status_unlinked", core::operation::rmw, std::memory_order_acq_rel, "status_left",
   "a thread would release the parents while the reader, or the dispose that left them to it, still looks at them "
   "(G16)"},

  {"event_find", core::operation::load, std::memory_order_acquire, "event_publish",
   "a second getter would use an event whose construction it does not see (G18)"},
  {"event_publish", core::operation::rmw, std::memory_order_release, "event_find",
   "a second getter would use an event whose construction it does not see (G18)"},
  {"event_take", core::operation::load, std::memory_order_relaxed, "none",
   "nothing: status_ask or status_dispose has read what status_watch wrote, which comes after event_publish (G18)"},
  {"event_share", core::operation::rmw, std::memory_order_relaxed, "none",
   "nothing: a thread that holds a reference needs no order to make another (G18)"},
  {"event_drop", core::operation::rmw, std::memory_order_acq_rel, "event_drop",
   "the last thread would free an event that another one has just stopped using (G18)"},

  {"alarm_find", core::operation::load, std::memory_order_acquire, "alarm_publish",
   "a second thread that sets the timer would use one whose construction it does not see (G17)"},
  {"alarm_publish", core::operation::rmw, std::memory_order_release, "alarm_find",
   "a second thread that sets the timer would use one whose construction it does not see (G17)"},
  {"alarm_take", core::operation::load, std::memory_order_relaxed, "none",
   "nothing: status_ask or status_dispose has read what status_arm wrote, which comes after alarm_publish (G17)"},

  {"owners_ask", core::operation::load, std::memory_order_acquire, "owners_end, owners_alone",
   "a handle would free a node whose callable is still being destroyed (G20)"},
  {"owners_alone", core::operation::store, std::memory_order_release, "owners_ask",
   "a second thread's dispose would return without seeing the callable's end (G20)"},
  {"owners_wait", core::operation::rmw, std::memory_order_release, "owners_end",
   "the end would complete a waiter whose construction it does not see (G20)"},
  {"owners_release", core::operation::rmw, std::memory_order_acq_rel, "owners_end",
   "the node would be freed while the other owner still uses it (G20)"},
  {"owners_end", core::operation::rmw, std::memory_order_acq_rel, "owners_ask, owners_release, owners_wait",
   "the node would be freed while the other owner still uses it, or a waiter completed whose construction is not "
   "seen (G20)"},

  {"delegate_set", core::operation::store, std::memory_order_relaxed, "delegate_ask",
   "nothing: a thread finds its own name only if it wrote that itself (G21)"},
  {"delegate_ask", core::operation::load, std::memory_order_relaxed, "delegate_set",
   "nothing: every other value means that another thread runs the callback (G21)"},

  {"timer_wake_look", core::operation::store, std::memory_order_relaxed, "timer_wake_ask",
   "nothing: the keeper takes the wheel's lock after it, and a thread that arms a timer after that reads it under "
   "the same lock (G17)"},
  {"timer_wake_sleep", core::operation::store, std::memory_order_relaxed, "timer_wake_ask",
   "nothing: a thread that reads an older value finds 'always' and calls the keeper in vain (G17)"},
  {"timer_wake_poke", core::operation::store, std::memory_order_relaxed, "timer_wake_ask",
   "nothing: a thread that reads an older value calls the keeper once more (G17)"},
  {"timer_wake_retry", core::operation::store, std::memory_order_relaxed, "timer_wake_ask",
   "nothing: the callback arms its timers on the same thread; another thread that reads an older value leaves the "
   "new attempt to the next one (G17)"},
  {"timer_wake_end", core::operation::store, std::memory_order_relaxed, "timer_wake_ask",
   "nothing: beside stop(), a thread that still reads 'poked' leaves its timer armed, and the next keeper serves it "
   "(G17)"},
  {"timer_wake_stop", core::operation::store, std::memory_order_relaxed, "timer_wake_ask",
   "nothing: the next keeper looks at every wheel before it sleeps, whatever a thread that arms a timer has read "
   "(G17)"},
  {"timer_wake_ask", core::operation::load, std::memory_order_relaxed, "timer_wake_look, timer_wake_sleep, "
   "timer_wake_poke, timer_wake_retry, timer_wake_end, timer_wake_stop",
   "nothing: the wheel's lock, which the arming thread holds, orders it after timer_wake_look or before the keeper's "
   "look (G17)"},
  {"timer_home_ask", core::operation::load, std::memory_order_relaxed, "timer_home_set",
   "nothing: the word is written once, and the lock of the wheel that it names orders the rest (G17)"},
  {"timer_home_set", core::operation::rmw, std::memory_order_relaxed, "timer_home_ask",
   "nothing: the word's modification order decides which wheel it names (G17)"},

  {"lane_state_read", core::operation::load, std::memory_order_acquire, "lane_state_set",
   "an owner that finds its lane closed would not see what was written before cancel (G22)"},
  {"lane_state_set", core::operation::store, std::memory_order_release, "lane_state_read",
   "an owner that finds its lane closed would not see what was written before cancel (G22)"},
  {"lane_publish", core::operation::store, std::memory_order_release, "lane_scan",
   "the callback would run without seeing what was written before register (G22)"},
  {"lane_withdraw", core::operation::store, std::memory_order_relaxed, "none",
   "nothing: either the barrier makes it visible to the canceller's scan, or the slot's fate decides (G22)"},
  {"lane_restore", core::operation::store, std::memory_order_relaxed, "none",
   "nothing: only the owner relies on it (G22)"},
  {"lane_peek", core::operation::load, std::memory_order_relaxed, "none",
   "nothing: the owner reads its own stores; the canceller uses the value for prefetching only (G22)"},
  {"lane_scan", core::operation::load, std::memory_order_acquire, "lane_publish",
   "the callback would run without seeing what was written before register (G22)"},
  {"lane_retract", core::operation::rmw, std::memory_order_relaxed, "lane_take",
   "nothing: the fate's modification order decides, and only the winner touches the callback (G22)"},
  {"lane_unregister", core::operation::rmw, std::memory_order_relaxed, "lane_take",
   "nothing: the fate's modification order decides, and lane_state_read has ordered the rest (G22)"},
  {"lane_take", core::operation::rmw, std::memory_order_relaxed, "lane_retract, lane_unregister",
   "nothing: the fate's modification order decides, and lane_scan has ordered the rest (G22)"},
  {"lane_done", core::operation::store, std::memory_order_release, "lane_await",
   "a waiting unregister would return before it sees the callback's effects (G22)"},
  {"lane_await", core::operation::load, std::memory_order_acquire, "lane_done",
   "a waiting unregister would return before it sees the callback's effects (G22)"},
  {"lane_clear", core::operation::store, std::memory_order_relaxed, "none",
   "nothing: no other thread reads the slots of a lane that was removed from its home (G22)"},
  {"lane_clear_fate", core::operation::store, std::memory_order_relaxed, "none",
   "nothing: no other thread reads the slots of a lane that was removed from its home (G22)"},
  {"lane_link", core::operation::store, std::memory_order_release, "lane_walk",
   "the canceller would enter a segment whose construction it does not see, or walk in a circle (G22)"},
  {"lane_walk", core::operation::load, std::memory_order_acquire, "lane_link",
   "the canceller would enter a segment whose construction it does not see, or walk in a circle (G22)"},
  {"lane_age_set", core::operation::store, std::memory_order_relaxed, "none",
   "nothing: a canceller that has read a callback from lane_publish sees the age of its segment (G22)"},
  {"lane_age_read", core::operation::load, std::memory_order_relaxed, "none",
   "nothing: lane_scan comes before it (G22)"},

  {"barrier_light", core::operation::rmw, std::memory_order_acq_rel, "barrier_heavy",
   "the owner and the canceller would miss each other: a callback is lost, or runs although it was unregistered (G22)"},
  {"barrier_heavy", core::operation::rmw, std::memory_order_acq_rel, "barrier_light",
   "the owner and the canceller would miss each other: a callback is lost, or runs although it was unregistered (G22)"},
};
// clang-format on

/// The row of a site.
constexpr core::site_info const& info(site s) noexcept { return site_table[static_cast<std::size_t>(s)]; }

/// The name of a wait.
enum class wait : std::uint8_t {
  lane_callback_returns,  ///< a lane's unregister_and_wait, for the callback that the canceller runs (G22)
  registration_ends       ///< in dispose of a registration, for its callable's end on another thread (G20)
};
constexpr core::wait_info info(wait w) noexcept {
  return {w == wait::lane_callback_returns ? "lane_callback_returns" : "registration_ends"};
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_MEMORY_ORDERS_HPP
