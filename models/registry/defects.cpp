// SPDX-License-Identifier: BSL-1.0
/// @file
/// The mutants of the core: its table of memory orders, of which the gate weakens each row, and its defects. No mutant
/// is equivalent: every order and every step is needed.
#include "checker/defects.hpp"

#include "cts/core/slot.hpp"
#include "cts/protocol/memory_orders.hpp"

namespace cts::models {
namespace {

using core::site;
using core::wait;

add_table core_orders(core::site_table);
add_table orders_above(detail::site_table);

constexpr std::uint64_t closed = 1;    // the bit of top
constexpr std::uint64_t complete = 3;  // the flag after the callbacks

/// The value that this thread found last at the site `s`.
std::uint64_t found_at(site s) {
  step const* const last = recall(s);
  return last != nullptr ? last->found : 0;
}
bool runs_callbacks() { return recall(site::canceller_set) != nullptr; }
bool only_removes() { return !runs_callbacks(); }

void registration() {
  add_defect("no_recheck_of_top", "G3", "register does not read top again after publishing",
             {stale(site::top_recheck, site::top_find)});
  add_defect("no_recheck_of_generation", "G3", "register does not read the generation again after publishing",
             {stale(site::gen_recheck, site::gen_find)});
  add_defect("lose_on_failed_retract", "G4", "a registration that the canceller took reports \"canceled\"",
             {claims_success(site::slot_retract)});
  add_defect("retract_to_old_generation", "G9", "a retracted slot counts as unused in the present generation",
             {writes(site::slot_retract, [](std::uint64_t) { return found_at(site::gen_find); })});
  add_defect("retract_to_sealed_generation", "G9",
             "a slot retracted under a seal counts as unused in the generation that opens next",
             {writes(site::slot_retract, [](std::uint64_t) { return core::dead(found_at(site::gen_recheck)); })});
  add_defect("cursor_without_generation", "G9", "register believes the cursor of an earlier generation",
             {returns(site::cursor_find, [](std::uint64_t cursor) {
               return core::dead(found_at(site::gen_find)) + cursor % core::generation_step;
             })});
  add_defect("refuse_without_flag", "G8", "register reports \"canceled\" while the flag may still read as clear",
             {drops(site::flag_help)});
  add_defect("stay_registered_on_failure", "G15", "register reports a failed allocation as success",
             {replaces("failed_growth")});
}

void growth() {
  add_defect("reset_without_generation", "G14", "a reset opens no new generation",
             {writes(site::gen_open, [](std::uint64_t gen) { return gen - core::generation_step; })});
  add_defect("claim_without_verifying", "G3", "a claimer does not read the slots again after sealing",
             {answers(site::slot_verify, core::dead(0))});
  // The push follows top_find; a new segment's link does not. The opening of a moved segment follows older_unmark.
  add_defect("open_before_push", "G14", "a moved segment accepts registrations before it is linked again",
             {before(site::older_link,
                     [](step&) {
                       step const* const sealed = recall(site::gen_seal);
                       if (follows(site::top_find)() && sealed != nullptr)
                         sealed->word.store(core::dead(sealed->operand) + core::generation_step);
                     }),
              when(follows(site::older_unmark), drops(site::gen_open))});
  add_defect("led_back_unawares", "G9",
             "the link of a segment that moves does not say that it may lead a canceller back up",
             {fault_at{&info(site::older_link), [](step& x) {
                         x.operand &= ~std::uint64_t{2};
                         x.perform(x);
                       }}});
  add_defect(
      "removal_taken_for_a_run", "G9", "a canceller that is led back up takes what is being removed for what has run",
      {when(runs_callbacks,
            returns(site::slot_peek, [](std::uint64_t w) { return (w & 3) == 3 ? std::uint64_t{core::done} : w; }))});
  add_defect("unlink_without_mark", "G14", "two threads may unlink neighbours at the same time",
             {drops(site::older_mark), when(follows(site::older_unlink), drops(site::older_unmark))});
  add_defect("claim_for_ever", "G11", "two threads undo each other's claims and registrations",
             [](world& w) { w.most_claims = ~0u; });
  add_defect("never_recycle", "G14", "every full segment leads to a new one", {always_fails(site::gen_seal)});
  add_defect("wait_to_grow", "G11", "a registrant waits while another thread resets the segment",
             {after(site::gen_find, [](step& x) {
               if (!core::is_sealed(x.found)) return;
               await_others([&x] { return !core::is_sealed(x.word.load()); });
               x.perform(x);
             })});
  add_defect("leak_segments", "G12", "dispose frees no segment", {answers(site::top_dispose, 0)});
}

void unregistration() {
  add_defect("unregister_without_waiting", "G6", "the waiting unregister does not wait",
             {skips(wait::callback_returns)});
  add_defect("unregister_without_compare", "G5", "unregister overwrites whatever its slot holds",
             {overwrites(site::slot_unregister)});
  add_defect("remove_without_compare", "G5", "remove_all overwrites whatever the slot holds",
             {when(only_removes, overwrites(site::slot_take))});
  add_defect("removal_frees_its_slot", "G5", "remove_all gives a slot back before its then() has run",
             {writes(site::slot_done,
                     [](std::uint64_t w) { return w == core::kept ? core::dead(found_at(site::gen_find)) : w; })});
  add_defect("too_late_without_acquire", "G8", "a failed unregister does not read the slot once more",
             {answers(site::slot_too_late, 0)});
  add_defect("registers_on_unawares", "G9", "a registrant that cannot retract does not read the slot once more",
             {when(follows(site::slot_retract), answers(site::slot_too_late, 0))});
  add_defect("removal_taken_for_a_callback", "G6", "a wait takes what remove_all hands over for a callback that runs",
             {returns(site::slot_await, [](std::uint64_t w) { return (w & 3) == 3 && w != core::done ? w - 1 : w; })});
  add_defect("wait_on_own_thread", "G7", "a callback that unregisters itself waits for itself",
             {when(follows(site::slot_await), answers(site::canceller_ask, 0))});
  add_defect("wait_for_whole_notification", "G6", "unregister waits until all callbacks have run",
             {before(wait::callback_returns, [] {
               step const* const flag = recall_of_any(site::flag_set);
               if (flag != nullptr) await_others([&] { return flag->word.load() == complete; });
             })});
}

void cancellation() {
  add_defect("cancel_without_winner", "G1", "every cancel believes to be the first",
             {returns(site::top_close, [](std::uint64_t top) { return top & ~closed; })});
  add_defect("take_without_compare", "G2", "cancel overwrites whatever the slot holds",
             {when(runs_callbacks, overwrites(site::slot_take))});
  // It reads top as if it had closed it, and closes it after the scan.
  add_defect("scan_before_close", "G3", "cancel scans before it announces itself",
             {before(site::top_close, [](step& x) { x.operand = 0; }), before(site::flag_end, [](step&) {
                if (step const* const top = recall(site::top_close)) top->word.store(top->word.load() | closed);
              })});
  add_defect("loser_waits", "G11", "a cancel that comes second waits until the callbacks of the first have run",
             {after(site::top_close, [](step& x) {
               step const* const flag = recall_of_any(site::flag_set);
               if ((x.found & closed) != 0 && flag != nullptr)
                 await_others([&] { return flag->word.load() == complete; });
             })});
  add_defect("scan_oldest_first", "G9", "cancel runs callbacks in the order of registration",
             {replaces("newest_first")});
  add_defect("flag_after_callbacks", "G10", "the flag is set when the callbacks have run", {drops(site::flag_set)});
  add_defect("done_before_run", "G6", "the slot says \"done\" before the callback has run",
             {after(site::slot_take, [](step& x) {
               if (x.done && runs_callbacks()) x.word.store(core::done);
             })});
  add_defect("touch_callback_after_return", "G13", "cancel touches the callback after it has run",
             {before(site::slot_done, [](step&) {
               step const* const taken = recall(site::slot_take);
               if (runs_callbacks()) the_tool.touch(core::callback_of<void>(taken->operand));
             })});
  add_defect("done_at_pause", "G16", "the slot of a callback that pauses says that it has returned",
             {before(site::canceller_set, [](step&) {
               step const* const taken = recall(site::slot_take);
               if (taken != nullptr && runs_callbacks()) taken->word.store(core::done);
             })});
  add_defect("resume_without_done", "G16", "the slot of a callback that has paused never says that it has returned",
             {drops(site::slot_resume)});
  add_defect("forget_the_rest", "G21", "a notification that has paused does not go on",
             {when([] { return recall(site::slot_resume) != nullptr; }, answers(site::slot_scan, core::dead(0)))});
}

void disposal() {
  add_defect("dispose_without_waiting", "G13", "dispose does not wait for a canceller that is on its way out",
             {skips(wait::canceller_leaves)});
  // It takes the canceller for another thread, which it does not tell.
  add_defect("touch_registry_after_dispose", "G13", "cancel goes on although its callback destroyed the registry",
             {when(follows(site::flag_await), answers(site::canceller_ask, 0)), skips(wait::canceller_leaves)});
}

/// Those of the compact layout (J1 to J4).
void compact_layout() {
  add_defect("compact_lowest_slot", "G9", "a registrant takes the lowest dead slot in place, below live ones",
             {replaces("above_the_highest")});
  add_defect("compact_annex_last", "G9", "cancel runs the slots in place before the annex", {replaces("annex_first")});
  // The annex is closed next after top.
  add_defect("compact_annex_open", "G3", "cancel does not close the annex",
             {when(follows(site::top_close), returns(site::top_close, [](std::uint64_t top) { return top; })),
              when(follows(site::top_close), drops(site::top_close))});
  add_defect("compact_annex_left_to_the_first", "G3",
             "a cancel that finds top closed leaves the annex to the one before",
             {returns(site::top_close, [](std::uint64_t top) { return (top & 1) != 0 ? std::uint64_t{1} : top; })});
}

struct add_defects {
  add_defects() {
    compact_layout();
    registration();
    growth();
    unregistration();
    cancellation();
    disposal();
  }
} add_all;

}  // namespace
}  // namespace cts::models
