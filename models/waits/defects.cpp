// SPDX-License-Identifier: BSL-1.0
/// @file
/// The defects that the mutation gate builds into the waits that a token interrupts (G23).
#include "wait_world.hpp"

namespace cts::models {
namespace {

struct add_defects {
  add_defects() {
    auto const inside = [] { return in_room[rl::thread_index()]; };
    // V1
    add_defect("wait_asks_only_outside", "G23", "under the room's lock the waiter relies on what the token said before",
               {when(inside, stale(site::flag_poll, site::flag_poll))});
    // V1, V3
    add_defect("wait_locks_the_room_late", "G23",
               "the waiter asks the token and unlocks the user's lock before it locks the room",
               {replaces("room_enter")});
    // V1
    add_defect("wait_does_not_register", "G23", "the waiter registers no callback", {replaces("room_register")});
    // V2
    add_defect("notify_without_the_lock", "G23", "notifications are made without the room's lock",
               {replaces("room_notify")});
    // V4
    add_defect("wait_leaves_the_room_last", "G23", "the waiter locks the user's lock while it holds the room's",
               {replaces("room_leave")});
  }
} const add_all;

}  // namespace
}  // namespace cts::models
