// SPDX-License-Identifier: BSL-1.0
/// @file
/// Scenes for the scheduler that the programs for GenMC do not have: progress while a thread stands still, pauses, the
/// end of a callback inside itself, rare meetings, memory that does not grow.
#include <functional>

#include "genmc/lane_stage.hpp"
#include "genmc/registry_stage.hpp"

namespace cts::genmc {
namespace {

using core::site;

/// Something that has happened, for the direction of a scene. It orders nothing, and a thread waits for it only as long
/// as another one goes on.
class sign {
 public:
  void give() noexcept {
    schedules::step(nullptr);
    given_.store(true, std::memory_order_relaxed);
  }
  bool has_come() const noexcept { return given_.load(std::memory_order_relaxed); }
  void await() const noexcept {
    await_if_others_go_on([this] { return has_come(); });
  }
  template <class Done>
  static void await_if_others_go_on(Done done) noexcept {
    while (!done() && schedules::wait_if_others_go_on()) {}
  }

 private:
  std::atomic<bool> given_{false};
};

/// A directed scene: `act(thread, site)` comes before each step of the threads.
template <class Act>
class direction {
 public:
  void begin(Act act) noexcept {
    act_ = std::move(act);
    turns::before_step = [](void* self, core::site_info const& row) {
      static_cast<direction*>(self)->act_(schedules::thread(), row);
    };
    turns::director = this;
  }
  static void end() noexcept { turns::before_step = nullptr; }

 private:
  Act act_;
};
using any_direction = direction<std::function<void(unsigned, core::site_info const&)>>;
bool is(core::site_info const& row, site s) noexcept { return &row == &core::info(s); }

// --- G11: a thread stands still at any step, and hinders no other ---

struct restarts_and_stands_still : registry_stage<1, 1> {
  static constexpr bool lock_free = true;
  void before() {
    open(3);
    try_register(0);
    unregister(0);
  }
  void first() { try_register(1); }
  void second() {
    try_register(2);
    unregister(2);
  }
  void after() {
    cancel();
    exactly_once(1);
    exactly_once(2);
    close();
  }
};
CTS_PROGRAM(G11, RegisterBesideARestart, restarts_and_stands_still, "a registrant does not wait for a restart");

struct two_cancels_stand_still : registry_stage<1, 1> {
  static constexpr bool lock_free = true;
  void before() {
    open(1);
    try_register(0);
  }
  void first() { cancel(); }
  void second() { registry->cancel(); }
  void after() {
    exactly_once(0);
    close();
  }
};
CTS_PROGRAM(G11, TheSecondCancelDoesNotWait, two_cancels_stand_still, "a cancel that comes second does not wait");

struct all_verbs : registry_stage<1, 1> {
  static constexpr bool lock_free = true;
  void before() {
    open(4);
    try_register(3);
  }
  void first() {
    try_register(0);
    unregister(3);
    unregister(0);
  }
  void second() {
    try_register(1);
    if (unregister(1)) try_register(1);
    cancel();
  }
  void third() {
    nodes[2]->payload = 1;
    registered[2] = registry->try_register(*nodes[2]) == register_result::registered;
    static_cast<void>(registry->is_cancellation_requested());
  }
  void after() {
    for (int i = 0; i < 4; ++i) exactly_once(i);
    close();
  }
};
CTS_PROGRAM(G11, AllVerbs, all_verbs, "register, unregister, poll and cancel do not wait");

/// Two threads make room in a list of empty segments.
struct makes_room_twice : registry_stage<1, 1> {
  void before() {
    open(6);
    for (int i = 0; i < 4; ++i) try_register(i);
    for (int i = 0; i < 3; ++i) unregister(i);
  }
  void first() {
    try_register(4);
    unregister(4);
  }
  void second() {
    try_register(5);
    unregister(5);
  }
  void third() {
    try_register(0);
    unregister(0);
  }
  void after() {
    cancel();
    exactly_once(3);
    close();
  }
};
CTS_PROGRAM(G11, ClaimsComeToAnEnd, makes_room_twice, "threads that make room do not undo each other's work for ever");

/// Two registrants in lock-step. Each finds the segment on top sealed by the other one, which has moved it there, and
/// moves the next segment on top of it.
struct undo_each_other : registry_stage<1, 1> {
  class counter {
   public:
    int now() const noexcept { return n_.load(std::memory_order_relaxed); }
    void count() noexcept {
      n_.fetch_add(1, std::memory_order_relaxed);
      schedules::step(nullptr);
    }
    void await_more_than(int n) const noexcept {
      sign::await_if_others_go_on([this, n] { return now() > n; });
    }

   private:
    std::atomic<int> n_{0};
  };
  counter pushed[2], looked[2], opened[2];  // by thread
  bool opens[2] = {};                       // each thread's own
  any_direction directed;
  void before() {
    open(4);
    try_register(0);
    try_register(3);
    unregister(0);
    unregister(3);
    directed.begin([this](unsigned me, core::site_info const& row) { hold(me, row); });
  }
  void hold(unsigned me, core::site_info const& row) {
    unsigned const other = 1 - me;
    int const pushes = pushed[other].now(), looks = looked[other].now(), opens_of_other = opened[other].now();
    if (is(row, site::gen_open)) {
      opens[me] = true;
      pushed[me].count();
      looked[other].await_more_than(looks);
    } else if (is(row, site::hand_find)) {
      looked[me].count();
      if (pushes > opens_of_other) opened[other].await_more_than(opens_of_other);
    } else if (is(row, site::top_find) && std::exchange(opens[me], false)) {
      opened[me].count();
      pushed[other].await_more_than(pushes);
    }
  }
  void first() { try_register(1); }
  void second() { try_register(2); }
  void after() {
    directed.end();
    cancel();
    exactly_once(1);
    exactly_once(2);
    close();
  }
};
CTS_PROGRAM(G11, UndoEachOther, undo_each_other,
            "directed: two registrants that undo each other's steps come to an end");

// --- G14 ---

struct comes_and_goes_often : registry_stage<1, 1> {
  long at_first = 0;
  void before() {
    open(3);
    at_first = held.load(std::memory_order_relaxed);
  }
  void first() {
    for (int n = 0; n < 12; ++n) {
      try_register(0);
      try_register(1);
      unregister(0);
      unregister(1);
    }
  }
  void second() { static_cast<void>(registry->is_cancellation_requested()); }
  void after() {
    require(held.load(std::memory_order_relaxed) - at_first <= 6, "a registry of two callbacks grows and grows");
    close();
  }
};
CTS_PROGRAM(G14, MemoryStaysSmall, comes_and_goes_often, "callbacks that come and go do not make the registry grow");

// --- G6, G10, G13, G16, G21 ---

struct waits_for_one : registry_stage<1, 1> {
  baton waited;
  void before() {
    open(2);
    try_register(0);
    try_register(1);
    nodes[0]->then = [](node& n) { static_cast<waits_for_one&>(n.on).waited.wait_unordered(); };
  }
  void first() {
    end(1);
    waited.pass_unordered();
  }
  void second() { cancel(); }
  void after() { close(); }
};
CTS_PROGRAM(G6, WaitForOneCallbackOnly, waits_for_one, "a waiting unregister does not wait for other callbacks");

struct flag_before_callbacks : registry_stage<1, 1> {
  void before() {
    open(2);
    try_register(0);
    nodes[0]->then = [](node& n) {
      require(n.on.registry->is_cancellation_requested(), "a callback runs, but the flag is clear");
    };
  }
  void first() {
    if (registry->is_cancellation_requested()) sees_the_cancel();
  }
  void second() { cancel(); }
  void after() {
    exactly_once(0);
    close();
  }
};
CTS_PROGRAM(G10, FlagBeforeCallbacks, flag_before_callbacks, "the flag is set before the first callback runs");

struct destroys_itself : registry_stage<1, 1> {
  void before() {
    open(2);
    try_register(0);
    try_register(1);
    nodes[1]->then = [](node& n) {
      static_cast<void>(n.on.registry->unregister(n));
      drop(n.on.nodes[1]);
    };
  }
  void first() { static_cast<void>(registry->count()); }
  void second() { cancel(); }
  void after() {
    require(nodes[1] == nullptr, "the callback has not run");
    exactly_once(0);
    close();
  }
};
CTS_PROGRAM(G13, ACallbackDestroysItself, destroys_itself, "a callback destroys itself, and the canceller goes on");

/// The canceller runs the callbacks of a child while a callback of the parent is paused, as a chain of links does.
struct pauses_for_a_child : registry_stage<1, 1> {
  registry_type* child = nullptr;
  int child_is_over = 0;
  void before() {
    open(1);
    child = make<registry_type>();
    try_register(0);
    nodes[0]->then = [](node& n) { n.on.registry->pause_here(); };
  }
  void first() {
    registry->unregister_and_wait(*nodes[0]);
    if (nodes[0]->runs != 0) require(child_is_over == 1, "a waiting unregister returned during the pause");
    drop(nodes[0]);
  }
  void second() {
    auto const go_on = [] { return false; };
    registry_type::pause at;
    before_cancel = 1;
    registry->request_cancellation();
    if (registry->run_callbacks(go_on, at) == nullptr) return;
    child->cancel();
    child_is_over = 1;
    registry->resume(at, go_on);
  }
  void after() {
    drop(child);
    close();
  }
};
CTS_PROGRAM(G16, WaitDuringAPause, pauses_for_a_child, "a paused callback counts as running until it is resumed");

struct goes_on_after_a_pause : registry_stage<1, 1> {
  void before() {
    open(3);
    for (int i = 0; i < 3; ++i) try_register(i);
    nodes[2]->then = [](node& n) { n.on.registry->pause_here(); };
  }
  void first() { unregister(1); }
  void second() {
    auto const go_on = [] { return false; };
    registry_type::pause at;
    before_cancel = 1;
    registry->request_cancellation();
    if (registry->run_callbacks(go_on, at) != nullptr) registry->resume(at, go_on);
  }
  void after() {
    for (int i = 0; i < 3; ++i) exactly_once(i);
    close();
  }
};
CTS_PROGRAM(G21, TheRestAfterAPause, goes_on_after_a_pause, "a notification goes on after a pause");

// --- G9 ---

/// The first thread restarts a segment and stands late before it moves the cursor.
struct stale_slot : registry_stage<3, 3> {
  sign published, registered_it;
  baton told;
  any_direction directed;
  void before() {
    open(6);
    for (int i = 2; i < 5; ++i) try_register(i);
    unregister(2);
    unregister(4);
    directed.begin([this](unsigned me, core::site_info const& row) {
      if (me != 0 || !is(row, site::cursor_advance)) return;
      published.give();
      registered_it.await();
    });
  }
  void first() {
    unregister(3);
    try_register(5);
  }
  void second() {
    published.await();
    try_register(0);
    told.pass();
    registered_it.give();
  }
  void third() {
    told.wait();
    try_register(1);
  }
  void after() {
    directed.end();
    cancel();
    later_runs_first(1, 0);
    close();
  }
};
CTS_PROGRAM(G9, HoleOfAStaleSlot, stale_slot, "directed: a registrant in a new generation takes no dead slot for used");

/// The second thread has chosen a dead slot and is late: it sees the seal of the restart, and takes its slot back only
/// when the new generation is in use. The third one, late to move the cursor, must not find a hole there.
struct retracts_late : registry_stage<4, 4> {
  sign chosen, sealed, rechecked, low, above, retracted, restarted, last;
  any_direction directed;
  void before() {
    open(6);
    extra[0] = make<node>(*this);
    extra[1] = make<node>(*this);
    for (int i = 2; i < 5; ++i) try_register(i);
    unregister(4);
    directed.begin([this](unsigned me, core::site_info const& row) { hold(me, row); });
  }
  void hold(unsigned me, core::site_info const& row) {
    if (me == 1 && is(row, site::slot_publish) && !chosen.has_come()) {
      chosen.give();
      sealed.await();
    } else if (me == 0 && is(row, site::gen_open)) {
      sealed.give();
      rechecked.await();
    } else if (me == 1 && is(row, site::slot_retract) && !rechecked.has_come()) {
      rechecked.give();
      above.await();
    } else if (me == 1 && above.has_come() && is(row, site::top_find)) {
      retracted.give();
    } else if (me == 2 && is(row, site::cursor_advance) && !low.has_come()) {
      low.give();
      retracted.await();
    }
  }
  void register_extra(int i) {
    extra[i]->payload = 1;
    require(registry->try_register(*extra[i]) == register_result::registered, "register was refused");
  }
  void first() {
    chosen.await();
    try_register(4);
    try_register(5);
    for (int i = 2; i < 6; ++i) unregister(i);
    try_register(5);
    restarted.give();
    low.await();
    try_register(0);
    above.give();
    last.await();
    try_register(1);
  }
  void second() {
    register_extra(0);
    retracted.give();
  }
  void third() {
    restarted.await();
    register_extra(1);
    last.give();
  }
  void after() {
    directed.end();
    cancel();
    later_runs_first(1, 0);
    exactly_once(0);
    exactly_once(1);
    drop(extra[0]);
    drop(extra[1]);
    close();
  }
  node* extra[2] = {};
};
CTS_PROGRAM(G9, RetractsLate, retracts_late,
            "directed: a registrant that takes its slot back leaves no hole in the generation opened meanwhile");

/// The first thread moves a segment and is late to publish in it. The second one moves the next segment while the
/// third, the canceller, stands on that. So the canceller is led back to the top after the older registration has run
/// (I7).
struct led_back : registry_stage<1, 1> {
  sign unlinked, claimed, ready, standing, pushed, published;
  any_direction directed;
  void before() {
    open(6);
    for (int i = 0; i < 4; ++i) try_register(i);
    for (int i = 0; i < 3; ++i) unregister(i);
    directed.begin([this](unsigned me, core::site_info const& row) { hold(me, row); });
  }
  void hold(unsigned me, core::site_info const& row) {
    if (me == 0) {
      if (is(row, site::top_push)) meet(unlinked, claimed);
      if (is(row, site::slot_publish)) meet(ready, pushed);
      if (is(row, site::gen_recheck)) published.give();
    } else if (me == 1) {
      if (is(row, site::older_unlink)) meet(claimed, standing);
      if (is(row, site::gen_open)) pushed.give();
    } else if (is(row, site::slot_scan) && ran == 1) {
      meet(standing, published);
    }
  }
  static void meet(sign& mine, sign& other) {
    if (mine.has_come()) return;
    mine.give();
    other.await();
  }
  void first() { try_register(4); }
  void second() {
    unlinked.await();
    try_register(5);
  }
  void third() {
    ready.await();
    cancel();
  }
  void after() {
    directed.end();
    for (int i = 3; i < 6; ++i) exactly_once(i);
    later_runs_first(4, 3);
    later_runs_first(5, 3);
    close();
  }
};
CTS_PROGRAM(G9, LedBackToTheTop, led_back,
            "directed: a canceller that a moving segment leads back up runs no late registration after older ones");

/// The first thread stands in a remove_all that has come to the oldest segment. The third one registers above, cancels
/// and stands on a segment that the second one moves. It goes on below what has run, not below what is being removed
/// (I7).
struct led_back_beside_removal : registry_stage<1, 1> {
  sign removing, ready, claimed, standing, pushed, canceled;
  bool removed[most] = {};
  any_direction directed;
  void before() {
    open(5);
    for (int i = 0; i < 4; ++i) try_register(i);
    for (int i = 1; i < 4; ++i) unregister(i);
    directed.begin([this](unsigned me, core::site_info const& row) { hold(me, row); });
  }
  void hold(unsigned me, core::site_info const& row) {
    if (me == 1) {
      if (is(row, site::older_unlink)) led_back::meet(claimed, standing);
      if (is(row, site::gen_open)) pushed.give();
    } else if (me == 2 && is(row, site::slot_scan) && ran == 1) {
      led_back::meet(standing, pushed);
    }
  }
  void first() {
    registry->remove_all([this](auto& c) {
      for (int i = 0; i < 5; ++i) removed[i] = removed[i] || nodes[i] == &c;
      removing.give();
      canceled.await();
    });
  }
  void second() {
    ready.await();
    try_register(4);
  }
  void third() {
    removing.await();
    for (int i = 1; i < 4; ++i) try_register(i);
    unregister(2);
    ready.give();
    claimed.await();
    cancel();
    canceled.give();
  }
  void after() {
    directed.end();
    for (int i = 0; i < 5; ++i) {
      if (removed[i]) require(nodes[i]->runs == 0, "a callback was removed and ran");
      else exactly_once(i);
    }
    later_runs_first(3, 1);
    close();
  }
};
CTS_PROGRAM(G9, LedBackBesideARemoval, led_back_beside_removal,
            "directed: a canceller that is led back up takes nothing that is being removed for what has run");

/// The second thread registers between the first look and the seal of a restart, and once more in the new generation.
struct restart_beside_two : registry_stage<3, 3> {
  void before() {
    open(5);
    try_register(0);
    try_register(1);
    unregister(1);
  }
  void first() {
    unregister(0);
    try_register(2);
  }
  void second() {
    try_register(3);
    try_register(4);
  }
  void after() {
    cancel();
    later_runs_first(4, 3);
    for (int i = 0; i < 5; ++i) exactly_once(i);
    close();
  }
};
CTS_PROGRAM(G9, RestartBesideTwo, restart_beside_two, "two registrations beside a restart: the later one runs first");

/// The same, directed: the registrations come just then.
struct between_look_and_seal : restart_beside_two {
  sign chosen, looked, registered_3, registered_4;
  any_direction directed;
  void before() {
    restart_beside_two::before();
    directed.begin([this](unsigned me, core::site_info const& row) {
      if (me == 1 && is(row, site::slot_publish) && !chosen.has_come()) {
        chosen.give();
        looked.await();
      } else if (me == 0 && is(row, site::gen_seal) && !looked.has_come()) {
        looked.give();
        registered_3.await();
      } else if (me == 0 && is(row, site::slot_publish) && looked.has_come()) {
        registered_4.await();
      }
    });
  }
  void first() {
    chosen.await();
    restart_beside_two::first();
  }
  void second() {
    try_register(3);
    registered_3.give();
    try_register(4);
    registered_4.give();
  }
  void after() {
    directed.end();
    restart_beside_two::after();
  }
};
CTS_PROGRAM(G9, BetweenLookAndSeal, between_look_and_seal, "directed: a claimer reads the slots again after sealing");

/// The second thread has found the segment on top, and is late. The first one covers it, empties it and moves it. The
/// third one cancels before it is linked again.
struct late_in_a_moved_segment : registry_stage<1, 1> {
  sign moving, registered_it, canceled;
  any_direction directed;
  void before() {
    open(4);
    try_register(0);
    directed.begin([this](unsigned me, core::site_info const& row) {
      if (me == 1 && is(row, site::gen_find) && ++looks == 2) moving.await();  // the first look only finds it full
      if (me == 0 && is(row, site::older_unlink)) unlinks = true;
      if (me == 0 && is(row, site::top_push) && unlinks && !moving.has_come()) {
        moving.give();
        canceled.await();
      }
    });
  }
  bool unlinks = false;  // the first thread's
  int looks = 0;         // the second one's
  void first() {
    try_register(1);
    unregister(0);
    try_register(2);
  }
  void second() {
    try_register(3);
    registered_it.give();
  }
  void third() {
    registered_it.await();
    cancel();
    canceled.give();
  }
  void after() {
    directed.end();
    for (int i = 0; i < 4; ++i) exactly_once(i);
    close();
  }
};
CTS_PROGRAM(G14, LateInAMovedSegment, late_in_a_moved_segment,
            "directed: a segment takes no registration before it is linked again");

struct through_a_restart : registry_stage<3, 3> {
  baton told;
  void before() {
    open(6);
    for (int i = 2; i < 5; ++i) try_register(i);
    unregister(2);
    unregister(4);
  }
  void first() {
    unregister(3);
    try_register(5);
  }
  void second() {
    try_register(0);
    told.pass();
  }
  void third() {
    if (told.has_come()) try_register(1);
  }
  void after() {
    cancel();
    later_runs_first(1, 0);
    close();
  }
};
CTS_PROGRAM(G9, LifoAfterReset, through_a_restart,
            "a registrant in a new generation sees that the old slots have died");

// --- G22 ---

struct lane_told_too_late : lane_stage<1> {
  void before() {
    open(1);
    try_register(0);
    nodes[0]->then = [](node& n) {
      schedules::step(nullptr);
      n.turn = 0;  // its memory is still there
    };
  }
  void first() {
    if (!unregister(0)) lane->unregister_and_wait(*nodes[0]);
    drop(nodes[0]);
  }
  void after() { finish(); }
};
CTS_PROGRAM(G22, WaitAfterATooLateUnregister, lane_told_too_late, "a failed unregister can still be waited for");

/// The owner withdraws while the callback runs already.
struct lane_withdraws_late : lane_stage<1> {
  sign running, gone;
  any_direction directed;
  void before() {
    open(1);
    try_register(0);
    nodes[0]->then = [](node& n) {
      auto& on = static_cast<lane_withdraws_late&>(n.on);
      on.running.give();
      on.gone.await();
      n.turn = 0;  // its memory is still there
    };
    directed.begin([this](unsigned me, core::site_info const& row) {
      if (me == 0 && &row == &detail::info(detail::site::lane_withdraw)) running.await();
    });
  }
  void first() {
    if (!unregister(0)) lane->unregister_and_wait(*nodes[0]);
    drop(nodes[0]);
    gone.give();
  }
  void after() {
    directed.end();
    finish();
  }
};
CTS_PROGRAM(G22, WithdrawsLate, lane_withdraws_late, "directed: an unregister that comes too late can be waited for");

struct lane_asked_twice : lane_stage<1> {
  void before() {
    open(2);
    try_register(0);
  }
  void first() {
    if (!unregister(0)) return;
    try_register(1);
    require(!lane->unregister(*nodes[0]), "a callback that is not registered was unregistered");
  }
  void after() { finish(); }
};
CTS_PROGRAM(G22, UnregisterTwice, lane_asked_twice, "a slot belongs to the callback that has it now");

struct lane_begins_anew : lane_stage<1> {
  void before() {
    open(2);
    try_register(0);
    registry->remove_all([](core::basic_callback<P>& c) { lane_type::from(c).taken_out(); });
    static_cast<void>(lane->unregister(*nodes[0]));
    unregistered[0] = true;
  }
  void first() { try_register(1); }
  void after() { finish(); }
};
CTS_PROGRAM(G22, BeginsAnew, lane_begins_anew, "a lane that was removed from its registry begins anew");

/// Segments of one slot. While the walk is on its way, the owner empties a segment and links it on top again.
struct lane_moves_a_segment : lane_stage<1> {
  void before() {
    open(6);
    for (int i = 0; i < 4; ++i) try_register(i);
  }
  void first() {
    unregister_and_drop(1);
    try_register(4);
    unregister_and_drop(2);
    try_register(5);
  }
  void after() {
    later_runs_first(3, 0);
    later_runs_first(4, 3);
    later_runs_first(5, 4);
    later_runs_first(5, 3);
    finish();
  }
};
CTS_PROGRAM(G22, MovesASegment, lane_moves_a_segment, "a segment that is linked again: newest first, none lost");

}  // namespace
}  // namespace cts::genmc
