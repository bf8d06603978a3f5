// SPDX-License-Identifier: BSL-1.0
/// @file
/// A registrant publishes in a segment that another thread has claimed, and the canceller takes it there before it is
/// retracted, so it counts (G4). The segment then moves although a callback in it runs or has run. It must not lead the
/// canceller back up to registrations that came after older ones that have run (I7, G9).
#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

/// Thread 0 is the canceller. Thread 1 is the registrant in the segment that thread 2 claims and moves. Thread 3
/// registers node 6 after node 4 and is late. Thread 4 moves the segment below.
template <class Self, class P, unsigned Threads, std::size_t Stripes = 1>
struct taken_in_a_claimed_segment : rl::test_suite<Self, Threads>, stage<P, Stripes> {
  static constexpr unsigned livelock_after = 60000;
  static constexpr bool stays_out = false;       // thread 2 links the segment on top only after the cancel
  static constexpr bool stays_late = false;      // thread 2 ends its move only after the cancel
  static constexpr bool below_stays_out = true;  // thread 4 links its segment on top only after the cancel
  bool chosen, go, published, claimed, moves, out, moved, late_chosen, late_go, late_published, below_claimed,
      below_moves, below_out, below_registered, pushed, canceled;
  baton late, mover, mover_below;

  static void meet(bool& mine, bool const& other) {
    if (mine) return;
    mine = true;
    hold_long_until([&other] { return other; });
  }
  void direct() {
    chosen = go = published = claimed = moves = out = moved = late_chosen = late_go = late_published = false;
    below_claimed = below_moves = below_out = below_registered = pushed = canceled = false;
    late.reset(), mover.reset(), mover_below.reset();
    now.before = [this](site s) {
      unsigned const t = rl::thread_index();
      if (t == 1 && s == site::slot_publish) meet(chosen, go);
      if (t == 1 && s == site::gen_recheck) meet(published, canceled);
      if (t == 2 && s == site::older_mark) meet(claimed, moves);
      if (t == 2 && s == site::top_push && moves && Self::stays_out) meet(out, canceled);
      if (t == 2 && s == site::older_unmark && moves && Self::stays_late) meet(pushed, canceled);
      if (t == 2 && s == site::gen_open) moved = true;
      if (t == 3 && s == site::slot_publish) meet(late_chosen, late_go);
      if (t == 3 && s == site::gen_recheck) meet(late_published, canceled);
      if (t == 4 && s == site::older_mark) meet(below_claimed, below_moves);
      if (t == 4 && s == site::top_push && below_moves && Self::below_stays_out) meet(below_out, canceled);
      if (t == 0) static_cast<Self*>(this)->canceller(s);
    };
  }
  void canceller(site) {}
  void open_with_one_below() {
    this->open(8);
    this->try_register(0);
    this->try_register(1);
    this->unregister(1);
    direct();
  }
  void register_when(baton& b, std::size_t i) {
    hold_long_until([&b] { return b.peek() == 1; });
    if (b.get() == 1) this->try_register(i);
  }
  void other(unsigned i) {
    if (i == 1) this->try_register(7);
    if (i == 2) {
      register_when(mover, 1);
      moved = true;
    }
    if (i == 3) register_when(late, 6);
    if (i == 4) {
      register_when(mover_below, 3);
      below_registered = true;
    }
  }
  /// Fills and empties the segment in which thread 1 has chosen its slot; node 4 is registered above it.
  void cover() {
    hold_long_until([this] { return chosen; });
    for (std::size_t i : {1u, 2u, 3u}) this->try_register(i);
    this->try_register(4);
    this->unregister(3);
    this->try_register(3);
    this->unregister(3);
    late.pass(1);
    hold_long_until([this] { return late_chosen; });
    this->try_register(3);
    this->unregister(2);
    this->try_register(2);
    this->unregister(3);
    this->unregister(1);
  }
  void after() {
    now.before = nullptr;
    for (std::size_t i : {4u, 6u, 7u}) this->exactly_once(i, true);
    this->later_runs_first(6, 4);
    this->close();
  }
};

/// The notification pauses at the callback in the segment that moves.
template <class P, std::size_t Stripes, bool StaysOut>
struct paused_in_it : taken_in_a_claimed_segment<paused_in_it<P, Stripes, StaysOut>, P, 4, Stripes> {
  using pause = typename stage<P, Stripes>::registry::pause;
  static constexpr bool stays_out = StaysOut;
  void before() {
    this->open(8);
    this->try_register(1);
    this->unregister(1);
    this->direct();
    this->nodes[7]->then = [this](auto&) { this->shared->pause_here(); };
  }
  void thread(unsigned i) {
    if (i != 0) return this->other(i);
    this->cover();
    this->mover.pass(1);
    hold_long_until([this] { return this->claimed; });
    this->go = true;
    hold_long_until([this] { return this->published; });
    this->shared->request_cancellation();
    pause at;
    auto* c = this->shared->run_callbacks([] { return false; }, at);
    this->moves = true;
    hold_long_until([this] { return this->out || this->moved; });
    if (!stays_out) {
      this->late_go = true;
      hold_long_until([this] { return this->late_published; });
    }
    while (c != nullptr) c = this->shared->resume(at, [] { return false; });
    this->canceled = this->late_go = true;
  }
};
add<paused_in_it<platform<3, 3>, 1, false>> g9n(
    "G9", "PausedInAMovingSegment",
    "directed: a notification that was paused in a segment which moves goes on below it", chance(), 4000);

/// All threads are in the second of two stripes.
struct in_one_stripe : platform<3, 3> {
  static std::size_t thread_index() noexcept { return 1; }
};
add<paused_in_it<in_one_stripe, 2, false>> g9p("G9", "PausedInAMovingSegmentOfAStripe",
                                               "directed: the same in a stripe", chance(), 4000);
add<paused_in_it<in_one_stripe, 2, true>> g3h(
    "G3", "PausedInASegmentOfNoStripe",
    "directed: a paused notification goes on in its stripe, while its segment is in none", chance(), 4000);

/// The canceller stands on a segment that thread 4 moves. Between its look for the last segment that has run and the
/// step below it, that one moves as well.
struct moves_after_the_look : taken_in_a_claimed_segment<moves_after_the_look, platform<1, 3>, 5> {
  bool looks;
  int walks;
  void before() {
    looks = false;
    walks = 0;
    open_with_one_below();
  }
  void canceller(site s) {
    if (s == site::slot_scan && ran == 3 && !looks) {
      looks = true;
      below_moves = true;
      hold_long_until([this] { return below_out; });
    } else if (looks && s == site::older_walk && ++walks == 6) {
      moves = true;
      hold_long_until([this] { return moved; });
      late_go = true;
      hold_long_until([this] { return late_published; });
    }
  }
  void thread(unsigned i) {
    if (i != 0) return other(i);
    cover();
    unregister(0);
    mover.pass(1);
    hold_long_until([this] { return claimed; });
    mover_below.pass(1);
    hold_long_until([this] { return below_claimed; });
    go = true;
    hold_long_until([this] { return published; });
    shared->cancel();
    canceled = moves = late_go = true;
  }
};
add<moves_after_the_look> g9o("G9", "MovesAfterTheLook",
                              "directed: a canceller that is led back up goes on where its look did", chance(), 4000);

/// Thread 4 moves its segment to the top and registers node 3 there, before the cancel. The segment of thread 1 comes
/// above it. The notification pauses in that, whose link is late, and goes on in the one of thread 4, although the
/// canceller may read its link as it was before, late too.
struct paused_above_a_stale_link : taken_in_a_claimed_segment<paused_above_a_stale_link, platform<1, 3>, 5> {
  static constexpr bool stays_late = true;
  static constexpr bool below_stays_out = false;
  void before() {
    open_with_one_below();
    nodes[7]->then = [this](auto&) { shared->pause_here(); };
  }
  void thread(unsigned i) {
    if (i != 0) return other(i);
    cover();
    unregister(0);
    mover.pass(1);
    hold_long_until([this] { return claimed; });
    below_moves = true;
    mover_below.pass(1);
    hold_long_until([this] { return below_registered; });
    go = true;
    hold_long_until([this] { return published; });
    moves = true;
    hold_long_until([this] { return pushed; });
    shared->request_cancellation();
    registry::pause at;
    auto* c = shared->run_callbacks([] { return false; }, at);
    while (c != nullptr) c = shared->resume(at, [] { return false; });
    canceled = late_go = true;
  }
  void after() {
    exactly_once(3, true);
    taken_in_a_claimed_segment::after();
  }
};
add<paused_above_a_stale_link> g3i("G3", "PausedAboveAStaleLink",
                                   "directed: a paused notification goes on in each segment below a late link",
                                   chance(), 12500);

/// Thread 0 registers node 5 in a segment that thread 1 has claimed to restart it. Thread 2 closes the stack and takes
/// the node there, so that thread 0 cannot retract it. What thread 0 registers next must not go into the new
/// generation, below node 5: the slot that it could not retract tells it of the close.
template <class Stage>
struct registers_on : rl::test_suite<registers_on<Stage>, 3>, Stage {
  static constexpr unsigned livelock_after = 60000;
  bool chosen, verified, published, runs_it, opened, again, published_again, canceled;
  void before() {
    this->open(8);
    chosen = verified = published = runs_it = opened = again = published_again = canceled = false;
    fill_what_is_in_place();
    this->try_register(0);
    this->try_register(1);
    this->unregister(1);
    this->nodes[5]->then = [this](auto&) {
      runs_it = true;
      hold_long_until([this] { return published_again; });
    };
    now.before = [this](site s) {
      unsigned const t = rl::thread_index();
      if (t == 0 && s == site::slot_publish && !std::exchange(chosen, true))
        hold_long_until([this] { return verified; });
      if (t == 0 && s == site::slot_retract && !std::exchange(published, true))
        hold_long_until([this] { return runs_it && opened; });
      if (t == 0 && s == site::gen_recheck && again) {
        published_again = true;
        hold_long_until([this] { return canceled; });
      }
      if (t == 1 && s == site::gen_open && !std::exchange(verified, true))
        hold_long_until([this] { return published; });
      else if (t == 1 && s == site::hand_keep && verified) open_until_published_again();
    };
  }
  void fill_what_is_in_place() {
    if constexpr (std::is_same_v<Stage, compact_stage<platform<1, 3>>>) this->try_register(7);
  }
  void open_until_published_again() {
    opened = true;
    hold_long_until([this] { return published_again; });
  }
  void thread(unsigned i) {
    if (i == 0) {
      again = this->try_register(5);
      if (again) this->try_register(6);
      published_again = true;
    } else if (i == 1) {
      hold_long_until([this] { return chosen; });
      for (std::size_t k : {2u, 3u}) this->try_register(k);
      for (std::size_t k : {0u, 2u, 3u}) this->unregister(k);
      this->try_register(4);  // restarts the segment
      opened = true;
      this->unregister(4);
    } else {
      hold_long_until([this] { return published; });
      this->shared->cancel();
      canceled = published_again = true;
    }
  }
  void after() {
    now.before = nullptr;
    for (std::size_t k : {5u, 6u}) this->exactly_once(k, true);
    this->later_runs_first(6, 5);
    this->close();
  }
};
add<registers_on<stage<three>>> g9q("G9", "TakenLateThenRegistersAgain",
                                    "directed: a registrant whose registration was taken late knows of the cancel",
                                    chance(), 12500);
add<registers_on<compact_stage<platform<1, 3>>>> g9r("G9", "CompactTakenLateThenRegistersAgain",
                                                     "directed: the same in the annex", chance(), 12500);

}  // namespace
}  // namespace cts::models
