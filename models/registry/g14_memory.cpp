// SPDX-License-Identifier: BSL-1.0
/// @file
/// G14, memory: empty segments are reused, no registration is lost while they move, and their number stays bounded.
#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

struct recycle : rl::test_suite<recycle, 2>, stage<tiny> {
  void before() {
    open(6, true);
    for (std::size_t i = 0; i < 3; ++i) try_register(i);
    unregister(0);
    unregister(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      shared->cancel();
      return;
    }
    try_register(3);
  }
  void after() {
    for (std::size_t i = 0; i < 4; ++i) exactly_once(i, true);
    close();
  }
};
add<recycle> g14("G14", "MovedWhileCanceled",
                 "an empty segment moves to the top while a cancel walks: none lost, none twice", full(), 1000000);

template <bool More>
struct movers : rl::test_suite<movers<More>, 2>, stage<tiny> {
  void before() {
    open(6, true);
    for (std::size_t i = 0; i < 4; ++i) try_register(i);
    unregister(0);
    unregister(1);
    unregister(2);
  }
  void thread(unsigned i) {
    try_register(4 + i);
    if (!More) return;
    if (i == 0) {
      unregister(3);
      try_register(0);
    } else {
      try_register(1);
    }
  }
  void after() {
    if (More) unregistered[0] = unregistered[1] = false;
    shared->cancel();
    for (std::size_t i = 0; i < 6; ++i)
      if (i != 2) exactly_once(i, true);
    close();
  }
};
/// One thread only unregisters what the other one's sweep reads.
struct mover_and_leaver : rl::test_suite<mover_and_leaver, 2>, stage<tiny> {
  void before() {
    open(6, true);
    for (std::size_t i = 0; i < 4; ++i) try_register(i);
    unregister(0);
    unregister(1);
  }
  void thread(unsigned i) {
    if (i == 0) try_register(4);
    else {
      unregister(2);
      unregister(3);
    }
  }
  void after() {
    shared->cancel();
    exactly_once(4, true);
    close();
  }
};
add<mover_and_leaver> g14h("G14", "MoverVersusUnregister",
                           "a segment becomes empty and is moved beside the unregistrations that empty it", full(),
                           1000000);
add<movers<false>> g14b("G14", "TwoMovers", "two threads move neighbouring segments: the list keeps every registration",
                        large(), 1000000);
add<movers<true>> g14g("G14", "TwoMoversTwice", "the same, and they go on", large(0), 1000000);

/// Deep in the tree of the full search each thread registers only to find that the other has begun to claim that
/// segment.
struct hinders : movers<true> {
  static constexpr unsigned livelock_after = 700;
};
add<hinders> g11f("G11", "NobodyHindersForEver",
                  "two threads claim the segment that the other registers in: one of them finishes", first(20000), 0);

struct hand_over : rl::test_suite<hand_over, 2>, stage<tiny> {
  void before() {
    open(6, true);
    for (std::size_t i = 0; i < 3; ++i) try_register(i);
    unregister(0);
    unregister(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      try_register(3);
      try_register(4);
      unregister(2);
      try_register(0);
    } else try_register(5);
  }
  void after() {
    shared->cancel();
    exactly_once(0, true);
    for (std::size_t i = 3; i < 6; ++i) exactly_once(i, true);
    close();
  }
};
add<hand_over> g14f("G14", "SweepHandedOver", "one thread goes on with the sweep of another", large(0), 1000000);

struct mover_leaver_and_cancel : rl::test_suite<mover_leaver_and_cancel, 3>, stage<tiny> {
  void before() {
    open(4, true);
    for (std::size_t i = 0; i < 3; ++i) try_register(i);
    unregister(0);
    unregister(1);
  }
  void thread(unsigned i) {
    if (i == 0) try_register(3);
    else if (i == 1) unregister(2);
    else shared->cancel();
  }
  void after() {
    for (std::size_t i = 2; i < 4; ++i) exactly_once(i, true);
    close();
  }
};
add<mover_leaver_and_cancel> g14i("G14", "MoverVersusUnregisterAndCancel",
                                  "a segment is moved beside an unregistration and a cancel: none lost, none twice",
                                  full(), 1000000);

struct movers_and_cancel : rl::test_suite<movers_and_cancel, 3>, stage<tiny> {
  void before() {
    open(6, true);
    for (std::size_t i = 0; i < 4; ++i) try_register(i);
    unregister(0);
    unregister(1);
    unregister(2);
  }
  void thread(unsigned i) {
    if (i < 2) try_register(4 + i);
    else shared->cancel();
  }
  void after() {
    for (std::size_t i = 3; i < 6; ++i) exactly_once(i, true);
    close();
  }
};
add<movers_and_cancel> g14c("G14", "TwoMoversVersusCancel", "the same while a third thread cancels", large(1, 0),
                            5000000);

struct bounded_memory : rl::test_suite<bounded_memory, 2>, stage<tiny> {
  void before() {
    open(6);
    try_register(5);
  }
  void thread(unsigned i) {
    for (int k = 0; k < 40; ++k) {
      try_register(i);
      unregister(i);
    }
  }
  void after() {
    require(now.allocations <= 16, "memory grows although nothing stays registered");
    shared->cancel();
    close();
  }
};
add<bounded_memory> g14d("G14", "Bounded", "two threads churn: the segments stay bounded", bounded(0), 100000);

struct holds_one : rl::test_suite<holds_one, 1>, stage<tiny> {
  void before() {
    open(6);
    try_register(5);
  }
  void thread(unsigned) {
    for (int k = 0; k < 20; ++k) {
      try_register(0);
      try_register(1);
      unregister(0);
      try_register(2);
      unregister(1);
      unregister(2);
    }
    require(now.allocations <= 7, "memory grows although few stay registered");
  }
  void after() {
    registered[0] = registered[1] = registered[2] = false;
    shared->cancel();
    exactly_once(5, true);
    close();
  }
};
add<holds_one> g14e("G14", "BoundedBesideASurvivor",
                    "one registration stays, others come and go: the segments stay bounded", full(), 0);

/// Thread 1 moves a segment and has read top. Thread 2 covers that top by a new segment, moves the old top above it and
/// so makes it top again: thread 1's push succeeds, and must see the second push of what it covers. Then thread 2 moves
/// that one again. Thread 0 counts; it stands on thread 1's segment, from which a link now leads to the new one.
struct top_again : rl::test_suite<top_again, 3>, stage<tiny> {
  static constexpr unsigned livelock_after = 60000;
  bool stands, unlinked, back, pushed, over;
  int walks;
  void before() {
    open(8);
    stands = unlinked = back = pushed = over = false;
    walks = 0;
    for (std::size_t i = 0; i < 3; ++i) try_register(i);
    unregister(1);
    now.before = [this](site s) {
      unsigned const t = rl::thread_index();
      if (t == 0 && s == site::older_walk && ++walks == 4) {
        stands = true;
        hold_long_until([this] { return over; });
      }
      if (t == 1 && s == site::older_link && !std::exchange(unlinked, true)) hold_long_until([this] { return back; });
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      shared->count();
    } else if (i == 1) {
      hold_long_until([this] { return stands; });
      try_register(3);
      pushed = true;
    } else {
      hold_long_until([this] { return unlinked; });
      try_register(4);
      unregister(2);
      try_register(5);
      unregister(5);
      back = true;
      hold_long_until([this] { return pushed; });
      try_register(6);
      over = true;
    }
  }
  void after() {
    now.before = nullptr;
    close();
  }
};
add<top_again> g14q("G14", "TopIsWhatItWas",
                    "directed: a segment is pushed on a top that was covered and moved meanwhile", chance(), 12500);

}  // namespace
}  // namespace cts::models
