// SPDX-License-Identifier: BSL-1.0
/// @file
/// A registrant publishes in a segment that another thread has claimed, and the canceller takes it there before it is
/// retracted, so it counts (G4). The segment then moves although a callback in it runs or has run. It must not lead the
/// canceller back up to registrations that came after older ones that have run (I7, G9).
#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

/// As hold_until, for threads that wait while others run far.
template <class Ready>
void hold_longer(Ready ready) {
  rl::atomic<int> nothing;
  for (int i = 0; i < 8000 && !ready(); ++i)
    nothing.store(0, rl::mo_relaxed, rl::debug_info("hold", __FILE__, __LINE__));
}

/// Thread 0 is the canceller. Thread 1 is the registrant in the segment that thread 2 claims and moves. Thread 3
/// registers node 6 after node 4 and is late. Thread 4 moves the segment below.
template <class Self, class P, unsigned Threads>
struct taken_in_a_claimed_segment : rl::test_suite<Self, Threads>, stage<P> {
  static constexpr unsigned livelock_after = 60000;
  bool chosen, go, published, claimed, moves, moved, late_chosen, late_go, late_published, below_claimed, below_moves,
      below_out, canceled;
  baton late, mover, mover_below;

  static void meet(bool& mine, bool const& other) {
    if (mine) return;
    mine = true;
    hold_longer([&other] { return other; });
  }
  template <class F>
  static void await(F f) {
    hold_longer(f);
  }
  void direct() {
    chosen = go = published = claimed = moves = moved = late_chosen = late_go = late_published = false;
    below_claimed = below_moves = below_out = canceled = false;
    late.reset(), mover.reset(), mover_below.reset();
    now.before = [this](site s) {
      unsigned const t = rl::thread_index();
      if (t == 1 && s == site::slot_publish) meet(chosen, go);
      if (t == 1 && s == site::gen_recheck) meet(published, canceled);
      if (t == 2 && s == site::older_mark) meet(claimed, moves);
      if (t == 2 && s == site::gen_open) moved = true;
      if (t == 3 && s == site::slot_publish) meet(late_chosen, late_go);
      if (t == 3 && s == site::gen_recheck) meet(late_published, canceled);
      if (t == 4 && s == site::older_mark) meet(below_claimed, below_moves);
      if (t == 4 && s == site::top_push && below_moves) meet(below_out, canceled);
      if (t == 0) static_cast<Self*>(this)->canceller(s);
    };
  }
  void canceller(site) {}
  void register_when(baton& b, std::size_t i) {
    await([&b] { return b.peek() == 1; });
    if (b.get() == 1) this->try_register(i);
  }
  void other(unsigned i) {
    if (i == 1) this->try_register(7);
    if (i == 2) {
      register_when(mover, 1);
      moved = true;
    }
    if (i == 3) register_when(late, 6);
    if (i == 4) register_when(mover_below, 3);
  }
  /// Fills and empties the segment in which thread 1 has chosen its slot; node 4 is registered above it.
  void cover() {
    await([this] { return chosen; });
    for (std::size_t i : {1u, 2u, 3u}) this->try_register(i);
    this->try_register(4);
    this->unregister(3);
    this->try_register(3);
    this->unregister(3);
    late.pass(1);
    await([this] { return late_chosen; });
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
struct paused_in_it : taken_in_a_claimed_segment<paused_in_it, platform<3, 3>, 4> {
  void before() {
    open(8);
    try_register(1);
    unregister(1);
    direct();
    nodes[7]->then = [this](node&) { shared->pause_here(); };
  }
  void thread(unsigned i) {
    if (i != 0) return other(i);
    cover();
    mover.pass(1);
    await([this] { return claimed; });
    go = true;
    await([this] { return published; });
    shared->request_cancellation();
    typename registry::pause at;
    auto* c = shared->run_callbacks([] { return false; }, at);
    moves = true;
    await([this] { return moved; });
    late_go = true;
    await([this] { return late_published; });
    while (c != nullptr) c = shared->resume(at, [] { return false; });
    canceled = true;
  }
};
add<paused_in_it> g9n("G9", "PausedInAMovingSegment",
                      "directed: a notification that was paused in a segment which moves goes on below it", chance(),
                      4000);

/// The canceller stands on a segment that thread 4 moves. Between its look for the last segment that has run and the
/// step below it, that one moves as well.
struct moves_after_the_look : taken_in_a_claimed_segment<moves_after_the_look, platform<1, 3>, 5> {
  bool looks;
  int walks;
  void before() {
    open(8);
    looks = false;
    walks = 0;
    try_register(0);
    try_register(1);
    unregister(1);
    direct();
  }
  void canceller(site s) {
    if (s == site::slot_scan && ran == 3 && !looks) {
      looks = true;
      below_moves = true;
      await([this] { return below_out; });
    } else if (looks && s == site::older_walk && ++walks == 6) {
      moves = true;
      await([this] { return moved; });
      late_go = true;
      await([this] { return late_published; });
    }
  }
  void thread(unsigned i) {
    if (i != 0) return other(i);
    cover();
    unregister(0);
    mover.pass(1);
    await([this] { return claimed; });
    mover_below.pass(1);
    await([this] { return below_claimed; });
    go = true;
    await([this] { return published; });
    shared->cancel();
    canceled = moves = late_go = true;
  }
};
add<moves_after_the_look> g9o("G9", "MovesAfterTheLook",
                              "directed: a canceller that is led back up goes on where its look did", chance(), 4000);

}  // namespace
}  // namespace cts::models
