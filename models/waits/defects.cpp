// SPDX-License-Identifier: BSL-1.0
/// @file
/// Defects of waits that a token interrupts (G23).
#include "wait_world.hpp"

namespace cts::models {
namespace {

struct add_defects {
  add_defects() {
    auto const in_the_room = [] { return in_room[record_index()]; };
    // V1: the waiter relies on what the token said before it has taken the room's lock.
    defects().emplace_back("wait_asks_only_before", "G23",
                           std::vector{when(in_the_room, stale(site::flag_poll, site::flag_poll))});
    // V1, V3: the waiter asks the token, and unlocks the user's lock, before it takes the room's.
    defects().emplace_back("wait_locks_late", "G23", std::vector<fault_at>(), std::vector{skips("room_enter")});
    // V1: no callback is registered.
    defects().emplace_back("wait_unregistered", "G23", std::vector<fault_at>(), std::vector{skips("room_register")});
    // V2: a notification is made without the room's lock.
    defects().emplace_back("notify_without_lock", "G23", std::vector<fault_at>(), std::vector{skips("room_notify")});
    // V4: the waiter takes the user's lock while it holds the room's.
    defects().emplace_back("wait_leaves_room_last", "G23", std::vector<fault_at>(), std::vector{skips("room_leave")});
  }
} add_all;

}  // namespace
}  // namespace cts::models
