// SPDX-License-Identifier: BSL-1.0
/// @file
/// The defects of states and registrations that the mutation gate builds in: G16, and G18 … G21; of G17 those that the
/// state's own code could have.
#include "state/scene.hpp"

namespace cts::models::states {

namespace {

using detail::site;
namespace status = detail::status;
namespace owners = detail::owners;

/// An exchange is not performed, and says that it has succeeded.
template <class Site>
fault_at pretends_success(Site s) {
  return {&info(s), [](step& x) { x.done = true; }};
}
/// Reading a word with these bits set, or cleared.
template <class Site>
fault_at sees(Site s, std::uint64_t bits) {
  return returns(s, [bits](std::uint64_t found) { return found | bits; });
}
template <class Site>
fault_at overlooks(Site s, std::uint64_t bits) {
  return returns(s, [bits](std::uint64_t found) { return found & ~bits; });
}
/// The first time in this thread.
template <class Site>
auto first(Site s) {
  return [s] { return recall(s) == nullptr; };
}
template <class Site>
auto been_at(Site s) {
  return [s] { return recall(s) != nullptr; };
}

/// The event that a thread of the running execution has made for its state. There is one.
state_event* made_event() {
  for (thread_records const& thread : the_records)
    if (step const* const last = thread.find(info(site::event_publish)); last != nullptr && last->done)
      return of_bits<state_event*>(last->operand);
  return nullptr;
}
void signal_late() {
  if (model_event* const e = std::exchange(state_event::unsignalled, nullptr)) e->signal();
}
void destroy_late_callable() {
  if (registration* const n = std::exchange(late_callable(), nullptr)) n->destroy_callable();
}

constexpr std::uint64_t not_last = 2;  // of a count of references, before a drop

void add_defects_of_links() {
  add_defect("link_without_reference", "G16", "a link runs its child's callbacks without a reference to the child",
             {drops(site::link_share), answers(site::link_drop, not_last)});
  add_defect("link_without_parent", "G16", "a child does not hold its parent",
             {drops(site::parent_share), answers(site::parent_drop, not_last)});
  add_defect("unlink_without_waiting", "G16", "dispose does not wait for the child's link that runs",
             {when(been_at(site::status_dispose), answers(core::site::slot_await, 0))});
  add_defect("never_unlink", "G16", "dispose leaves the child's link in its parents",
             {when(been_at(site::status_dispose), pretends_success(core::site::slot_unregister))});
  add_defect("never_let_go", "G16", "a disposed child keeps the parents that have not canceled it",
             {sees(site::status_dispose, status::reading), sees(site::status_unlinked, status::reading)});
  add_defect("let_go_of_cause", "G16", "a disposed child releases the parent that canceled it, too",
             {returns(site::status_peek, [](std::uint64_t found) {
               return (found & status::disposed) != 0 ? found & ~status::linked : found;
             })});
  add_defect("dispose_beside_foreign_callback", "G16", "dispose does not wait for a foreign callback that runs",
             {replaces("foreign_links.wait")});
  add_defect("dispose_waits_in_context", "G16",
             "dispose waits for a foreign canceller that waits for the calling thread's synchronization context",
             {when(been_at(site::status_dispose), answers(site::delegate_ask, 0))});
  add_defect("idle_foreign_callbacks_left", "G16",
             "a dispose in a synchronization context leaves the links to foreign tokens that do not run",
             {replaces("foreign_links.idle")});
  add_defect("foreign_callback_left_on_its_thread", "G16",
             "a dispose in a synchronization context on the foreign canceller's own thread leaves the link that runs",
             {when(been_at(site::status_dispose), answers(core::site::canceller_ask, 0))});
  add_defect("forget_the_dying", "G16", "states whose destruction was deferred are never destroyed",
             {replaces("dying_list.take")});
}

void add_defects_of_readers() {
  add_defect("let_go_beside_reader", "G16", "dispose releases the parents beside a reader",
             {overlooks(site::status_dispose, status::reading)});
  add_defect("read_without_announcing", "G16", "a reader does not announce itself before it looks at the links",
             {pretends_success(site::status_read), answers(site::status_left, status::reading)});
  add_defect("reader_never_lets_go", "G16", "a reader that leaves after dispose does not release the parents",
             {sees(site::status_left, status::reading)});
  add_defect("reader_leaves_below_first", "G16",
             "a reader leaves a child before the parents that it reached through it", {replaces("follow_path")});
}

void add_defects_of_cancel() {
  auto const has_lost = [] {
    step const* const asked = recall(site::status_ask);
    return !has_won() && asked != nullptr && (asked->found & status::canceled) != 0;
  };
  add_defect("lose_without_flag", "G16", "a cancel that comes second returns before the flag is set",
             {when(has_lost, when(first(core::site::flag_poll), answers(core::site::flag_poll, 1)))});
  auto const has_failed = [] {
    step const* const tried = recall(site::status_cancel);
    return tried != nullptr && !tried->done;
  };
  add_defect(
      "believe_failed_exchange", "G16",
      "a cancel relies on a value that a failed compare-and-swap has read without an order",
      {when(has_failed, {&info(site::status_ask), [](step& x) { x.found = recall(site::status_cancel)->expected; }})});
  // The source's end asks for the flag, then for the canceller.
  add_defect("end_under_canceller", "G16", "a source that ends in its own callback drops its reference at once",
             {when(follows(core::site::flag_poll), answers(core::site::canceller_ask, 0)),
              when(been_at(core::site::flag_poll), answers(site::delegate_ask, 0))});
  add_defect("keep_left_source", "G16", "the canceller never drops the reference of a source that ended in a callback",
             {when(follows(core::site::flag_end), drops(site::refs_drop))});
  add_defect("end_although_timed", "G17", "a source that finds itself alone forgets that a timer may be on its way",
             {overlooks(site::status_peek, status::timed)});
  add_defect("replace_alarm", "G17", "the second of two threads that make the timer replaces the first one's",
             {overwrites(site::alarm_publish)});
  add_defect("leave_a_running_link", "G16", "a source that finds itself alone takes a link that runs for unregistered",
             {when(follows(site::status_peek), claims_success(core::site::slot_unregister))});
  add_defect("arm_without_looking", "G17",
             "a thread that arms the timer does not look, under the timers' lock, for cancel",
             {overlooks(site::status_wanted, status::canceled | status::disposed)});
}

void add_defects_of_the_cause() {
  auto const by_timer = [](step const& x) {
    return (x.operand & ~(cts::detail::cause_alignment - std::uint64_t{1})) == status::cause_of_timer;
  };
  add_defect("timer_without_cause", "G16", "a timer cancels as a call does, without its cause",
             {before(site::status_cancel, [by_timer](step& x) {
               if (by_timer(x)) x.operand &= ~status::cause_of_timer;
             })});
  add_defect("cause_after_cancel", "G16", "the timer sets its cause in a second step, after it has canceled",
             {fault_at{&info(site::status_cancel), [by_timer](step& x) {
                         bool const timer = by_timer(x);
                         if (timer) x.operand &= ~status::cause_of_timer;
                         x.perform(x);
                         if (timer && x.done) x.word.store(x.word.load() | status::cause_of_timer);
                       }}});
  add_defect("loser_sets_cause", "G16", "a timer that comes second replaces the cause of the cancel",
             {after(site::status_cancel, [by_timer](step& x) {
               if (by_timer(x) && !x.done) x.word.store(x.word.load() | status::cause_of_timer);
             })});
}

void add_defects_of_the_event() {
  add_defect("watch_without_announcing", "G18", "a thread that makes the event only looks at the status word",
             {drops(site::status_watch)});
  add_defect("signal_before_flag", "G18", "the event is signalled before the flag is set",
             {after(site::status_cancel, [](step& x) {
               if (x.done && (x.expected & status::watched) != 0) made_event()->model_event::signal();
             })});
  add_defect(
      "signal_without_flag", "G18", "a thread that makes the event signals it before the flag is set",
      {when(been_at(site::status_watch), when(first(core::site::flag_poll), answers(core::site::flag_poll, 1)))});
  add_defect("signal_after_callbacks", "G18", "the event is signalled after the callbacks have run",
             {replaces("event.signal"), after(core::site::flag_end, [](step&) { signal_late(); })});
  add_defect("replace_event", "G18", "the second of two getters replaces the first one's event",
             {overwrites(site::event_publish)});
}

void add_defects_of_registrations() {
  add_defect("abandon_under_scan", "G19", "try_reset destroys a removed callable before its slot is free",
             {replaces("node.removal")});
  add_defect("removal_awaited_in_a_removal", "G20", "a callable's destructor waits for the end of its own destruction",
             {replaces("dying_list.is_in_removal")});
  add_defect("removal_not_awaited", "G20", "dispose does not wait while another thread destroys the callable",
             {skips(detail::wait::registration_ends)});
  add_defect("removal_awaited_in_a_callback", "G20",
             "dispose in a callback waits for a callable's destructor, which waits for that callback",
             {when(follows(site::owners_ask), answers(core::site::flag_poll, 3))});
  add_defect("owner_taken_back", "G20", "a node whose callable has ended the handle is left to the handle",
             {when(been_at(site::owners_release), sees(site::owners_ask, owners::handle))});
  add_defect("free_on_leave", "G20", "the handle frees the node though its callback runs",
             {overlooks(site::owners_release, owners::registry)});
  add_defect(
      "end_without_list", "G20", "the end of a callback forgets the threads that wait for it",
      {returns(site::owners_end, [](std::uint64_t found) { return found & (owners::handle | owners::registry); })});
  // The waiter adds itself to a word without the registry's half.
  add_defect("wait_without_looking", "G20", "a waiter does not look whether the end has come",
             {sees(site::owners_ask, owners::registry), before(site::owners_wait, [](step& x) {
                if ((x.word.load() & owners::registry) != 0) return;
                x.expected &= ~std::uint64_t{owners::registry};
                x.operand &= ~std::uint64_t{owners::registry};
              })});
  add_defect("callable_after_half", "G20", "the callable is destroyed after the registry's half has ended",
             {replaces("callable.destroy"), after(site::owners_end, [](step&) { destroy_late_callable(); }),
              after(site::owners_alone, [](step&) { destroy_late_callable(); })});
  add_defect(
      "dispose_drops_callbacks", "G20", "a dispose after cancel_async keeps its callbacks from running (R42)",
      {when([] { return recall_of_any(site::status_dispose) != nullptr; }, always_fails(core::site::slot_take))});
}

void add_defects_of_callbacks() {
  add_defect("swallow_failures", "G21", "exceptions of a child's callbacks are lost",
             {replaces("failures.add_aggregate")});
  add_defect("delegate_not_restored", "G21", "after a send its thread still counts as the one that runs callbacks (P7)",
             {when(been_at(site::delegate_set), drops(site::delegate_set))});
  add_defect("delegate_of_one_state", "G21", "the context's thread counts so for the state below the links alone",
             {when(follows(site::status_peek), drops(site::delegate_set))});
}

struct add_all_defects {
  add_all_defects() {
    add_defects_of_links();
    add_defects_of_readers();
    add_defects_of_cancel();
    add_defects_of_the_cause();
    add_defects_of_the_event();
    add_defects_of_registrations();
    add_defects_of_callbacks();
  }
} const all_defects;

}  // namespace
}  // namespace cts::models::states
