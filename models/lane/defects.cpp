// SPDX-License-Identifier: BSL-1.0
/// @file
/// The defects of lanes (G22) that the mutation gate builds in.
#include <array>
#include <memory>

#include "checker/defects.hpp"

#include "cts/protocol/lane.hpp"

namespace cts::models {
namespace {

using lane_site = detail::site;

/// The owner does not reread the lane's state after the announcement `blind`, lane_publish or lane_withdraw.
std::vector<flaw> does_not_reread_after(lane_site blind) {
  using by_thread = std::array<lane_site, tool::most_threads + 1>;
  auto const last = std::make_shared<by_thread>();  // what each thread announced last
  auto const mine = [last]() -> lane_site& { return (*last)[my_index()]; };
  auto const announces = [mine](lane_site s) { return after(s, [mine, s](step&) { mine() = s; }); };
  // Both announcements pass the barrier before they read the state again.
  auto const rereads = [mine, blind, passed = follows(lane_site::barrier_light)] {
    return passed() && mine() == blind;
  };
  return {announces(lane_site::lane_publish), announces(lane_site::lane_withdraw),
          when(rereads, stale(lane_site::lane_state_read, lane_site::lane_state_read))};
}
/// The store at `s` is not performed if it would write `value`.
fault_at drops_value(lane_site s, std::uint64_t value) {
  return {&info(s), [value](step& x) {
            if (x.operand != value) x.perform(x);
          }};
}
/// The running thread has begun to run callbacks of a registry.
bool is_canceller() { return recall(core::site::canceller_set) != nullptr; }

struct add_lane_defects {
  add_lane_defects() {
    // L1: announce, pass the barrier, look.
    add_defect("lane_without_light_barrier", "G22", "a lane's owner does not pass its side of the barrier",
               {drops(lane_site::barrier_light)});
    add_defect("lane_without_heavy_barrier", "G22", "the canceller does not pass its side of the barrier",
               {drops(lane_site::barrier_heavy)});
    add_defect("lane_never_closes", "G22", "the canceller does not close the lane",
               {drops_value(lane_site::lane_state_set, detail::lane_state::closed)});
    add_defect("lane_publishes_without_looking", "G22", "register does not reread the lane's state after it published",
               does_not_reread_after(lane_site::lane_publish));
    add_defect("lane_withdraws_without_looking", "G22", "unregister does not reread the lane's state after it withdrew",
               does_not_reread_after(lane_site::lane_withdraw));
    // L2: the fate decides.
    add_defect("lane_loses_on_failed_retract", "G22", "a registration that the canceller took reports \"canceled\"",
               {claims_success(lane_site::lane_retract)});
    add_defect("lane_runs_without_deciding", "G22", "the canceller runs what it finds, whatever its fate",
               {claims_success(lane_site::lane_take)});
    add_defect("lane_forgets_who_runs", "G22", "an unregister that comes too late leaves the slot empty",
               {drops(lane_site::lane_restore)});
    add_defect("lane_believes_old_slot", "G22", "unregister takes a slot for its own that another callback has by now",
               {replaces("lane_slot_ownership")});
    add_defect("lane_does_not_wait", "G22", "the waiting unregister does not wait",
               {skips(detail::wait::lane_callback_returns)});
    // L4: newest first (G9).
    add_defect("lane_scans_oldest_first", "G22", "the callbacks of a segment run in the order of registration",
               {replaces("lane_walk_order")});
    add_defect("lane_runs_what_moved", "G22",
               "the canceller runs, out of order, what it finds in a segment that was linked after the walk began",
               {returns(lane_site::lane_age_read, [](std::uint64_t) { return std::uint64_t{0}; })});
    // L6, and the end of a lane inside its callback.
    add_defect("lane_keeps_old_fates", "G22", "a lane that begins anew keeps the fates of its slots",
               {drops(lane_site::lane_clear_fate)});
    // The destructor does not see that its caller is one of the lane's callbacks, and so does not tell the walk.
    add_defect("lane_touched_after_end", "G22", "the walk goes on although a callback destroyed the lane",
               {when(is_canceller, answers(core::site::slot_await, 0))});
  }
} add_all;

}  // namespace
}  // namespace cts::models
