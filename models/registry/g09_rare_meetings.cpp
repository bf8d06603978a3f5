// SPDX-License-Identifier: BSL-1.0
/// @file
/// G9, directed: the rare meetings of a late registrant with a restart.
///
/// The threads are held at a step until the others have come to theirs; the rest is left to the search.
#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

// The threads are held at a step until the others have come
// to theirs; the rest is left to the search.

/// Thread 0 resets the segment and is late to advance the cursor; thread 1 registers in the new generation. If it
/// takes a slot that died in the old one for used, thread 2, which comes later, finds a hole below it.
struct stale_slot : rl::test_suite<stale_slot, 3>, stage<three> {
  bool published = false, registered_it = false;
  models::baton baton;
  void before() {
    open(6);
    baton.reset();
    try_register(2);
    try_register(3);
    try_register(4);
    unregister(2);
    unregister(4);
    now.before = [this](site s) {
      if (rl::thread_index() == 0 && s == site::cursor_advance) {
        published = true;
        hold_until([this] { return registered_it; });
      }
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      unregister(3);
      try_register(5);
    } else if (i == 1) {
      hold_until([this] { return published; });
      try_register(0);
      baton.pass(1);
      registered_it = true;
    } else {
      hold_until([this] { return registered_it && baton.peek() == 1; });
      if (baton.get() == 1) try_register(1);
    }
  }
  void after() {
    now.before = nullptr;
    shared->cancel();
    later_runs_first(1, 0);
    close();
  }
};
add<stale_slot> g9g("G9", "HoleOfAStaleSlot", "directed: a registrant in a new generation takes no dead slot for used",
                    bounded(0), 250000);

/// Thread 0 fills slots, thread 1 skips them by the cursor; thread 2, late to advance the cursor, registers after it.
struct stale_frontier : rl::test_suite<stale_frontier, 3>, stage<platform<4, 4>> {
  bool first = false, filled = false, registered_it = false;
  models::baton baton;
  void before() {
    open(6);
    baton.reset();
    now.before = [this](site s) {
      if (rl::thread_index() == 2 && s == site::cursor_advance && !first) {
        first = true;
        hold_until([this] { return registered_it; });
      }
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      hold_until([this] { return first; });
      try_register(2);
      try_register(3);
      unregister(2);
      filled = true;
    } else if (i == 1) {
      hold_until([this] { return filled; });
      try_register(0);
      baton.pass(1);
      registered_it = true;
    } else {
      try_register(5);
      if (baton.get() == 1) try_register(1);
    }
  }
  void after() {
    now.before = nullptr;
    shared->cancel();
    later_runs_first(1, 0);
    close();
  }
};
add<stale_frontier> g9h("G9", "HoleOfAStaleFrontier",
                        "directed: a registrant that skipped slots by the cursor is not overtaken below them", large(0),
                        250000);

/// Thread 1 has chosen a dead slot and is late; thread 0 fills and empties the segment and resets it just then.
struct late_in_reset : rl::test_suite<late_in_reset, 2>, stage<platform<4, 4>> {
  bool chosen = false, sealing = false;
  models::baton baton;
  void before() {
    open(6);
    baton.reset();
    try_register(2);
    try_register(3);
    try_register(4);
    unregister(4);
    now.before = [this](site s) {
      if (rl::thread_index() == 1 && s == site::slot_publish && !chosen) {
        chosen = true;
        hold_until([this] { return sealing; });
      }
      if (rl::thread_index() == 0 && s == site::gen_seal) sealing = true;
    };
  }
  void thread(unsigned i) {
    if (i == 1) {
      try_register(0);
      baton.pass(1);
      return;
    }
    hold_until([this] { return chosen; });
    try_register(4);
    try_register(5);
    unregister(2);
    unregister(3);
    unregister(4);
    unregister(5);
    try_register(5);
    hold_until([this] { return baton.peek() == 1; });
    if (baton.get() == 1) try_register(1);
  }
  void after() {
    now.before = nullptr;
    shared->cancel();
    later_runs_first(1, 0);
    exactly_once(0, true);
    exactly_once(1, true);
    close();
  }
};
add<late_in_reset> g9i("G9", "LateInAReset",
                       "directed: a late registrant and the reset of its segment do not miss each other", bounded(0),
                       250000);

/// The same, but the late registrant sees the seal and takes its slot back only when the new generation is in use.
struct retracts_late : rl::test_suite<retracts_late, 3>, stage<platform<4, 4>> {
  bool chosen = false, sealed = false, rechecked = false, low = false, above = false, retracted = false;
  int pass = 0;
  void before() {
    open(8);
    try_register(2);
    try_register(3);
    try_register(4);
    unregister(4);
    now.before = [this](site s) {
      unsigned const t = rl::thread_index();
      if (t == 1 && s == site::slot_publish && !chosen) {
        chosen = true;
        hold_until([this] { return sealed; });
      }
      if (t == 0 && s == site::gen_open) {
        sealed = true;
        hold_until([this] { return rechecked; });
      }
      if (t == 1 && s == site::slot_retract && !rechecked) {
        rechecked = true;
        hold_until([this] { return above; });
      }
      if (t == 1 && rechecked && above && s == site::top_find) retracted = true;
      if (t == 2 && s == site::cursor_advance && !low) {
        low = true;
        hold_until([this] { return retracted; });
      }
    };
  }
  void thread(unsigned i) {
    if (i == 1) {
      try_register(6);
      retracted = true;
      return;
    }
    if (i == 2) {
      hold_until([this] { return pass == 1; });
      try_register(7);
      pass = 2;
      return;
    }
    hold_until([this] { return chosen; });
    try_register(4);
    try_register(5);
    unregister(2);
    unregister(3);
    unregister(4);
    unregister(5);
    try_register(5);
    pass = 1;
    hold_until([this] { return low; });
    try_register(0);
    above = true;
    hold_until([this] { return pass == 2; });
    try_register(1);
  }
  void after() {
    now.before = nullptr;
    shared->cancel();
    later_runs_first(1, 0);
    exactly_once(0, true);
    exactly_once(1, true);
    close();
  }
};
add<retracts_late> g9j(
    "G9", "RetractsLate",
    "directed: a registrant that takes its slot back leaves no hole in the generation that is opened meanwhile",
    bounded(0), 250000);

/// Thread 1 comes and goes in a slot between thread 0's first look and its seal. If thread 2, in the new generation,
/// still takes that slot for used, there is a hole below it.
struct brief_visit : rl::test_suite<brief_visit, 3>, stage<platform<4, 4>> {
  bool chosen = false, looked = false, gone = false, published = false, registered_it = false;
  models::baton baton;
  void before() {
    open(8);
    baton.reset();
    try_register(2);
    try_register(3);
    unregister(3);
    now.before = [this](site s) {
      unsigned const t = rl::thread_index();
      if (t == 1 && s == site::slot_publish && !chosen) {
        chosen = true;
        hold_until([this] { return looked; });
      }
      if (t == 0 && s == site::gen_seal) {
        looked = true;
        hold_until([this] { return gone; });
      }
      if (t == 0 && s == site::cursor_advance && looked) {
        published = true;
        hold_until([this] { return registered_it; });
      }
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      hold_until([this] { return chosen; });
      try_register(3);
      try_register(4);
      try_register(5);
      unregister(2);
      unregister(3);
      unregister(4);
      unregister(5);
      try_register(5);
    } else if (i == 1) {
      try_register(6);
      unregister(6);
      gone = true;
      hold_until([this] { return registered_it; });
      if (baton.get() == 1) try_register(1);
    } else {
      hold_until([this] { return published; });
      try_register(0);
      baton.pass(1);
      registered_it = true;
    }
  }
  void after() {
    now.before = nullptr;
    shared->cancel();
    later_runs_first(1, 0);
    close();
  }
};
add<brief_visit> g9k(
    "G9", "HoleOfABriefVisit",
    "directed: a registration that came and went before the seal leaves no slot that looks used in the new generation",
    bounded(0), 250000);

/// Thread 0 moves a segment and is late to publish in it; thread 1 moves the next one while thread 2, the canceller,
/// stands on that. So the canceller is led back to the top after the older registration has run (I7).
struct led_back : rl::test_suite<led_back, 3>, stage<tiny> {
  bool unlinked = false, claimed = false, ready = false, standing = false, pushed = false, published = false;
  void before() {
    open(6);
    unlinked = claimed = ready = standing = pushed = published = false;
    for (std::size_t i = 0; i < 4; ++i) try_register(i);
    for (std::size_t i = 0; i < 3; ++i) unregister(i);
    now.before = [this](site s) {
      unsigned const t = rl::thread_index();
      if (t == 0) {
        if (s == site::top_push && !unlinked) meet(unlinked, claimed);
        if (s == site::slot_publish && !ready) meet(ready, pushed);
        if (s == site::gen_recheck) published = true;
      } else if (t == 1) {
        if (s == site::older_unlink && !claimed) meet(claimed, standing);
        if (s == site::gen_open) pushed = true;
      } else if (s == site::slot_scan && ran == 1 && !standing) {
        meet(standing, published);
      }
    };
  }
  static void meet(bool& mine, bool const& other) {
    mine = true;
    hold_until([&other] { return other; });
  }
  void thread(unsigned i) {
    if (i == 0) {
      try_register(4);
    } else if (i == 1) {
      hold_until([this] { return unlinked; });
      try_register(5);
    } else {
      hold_until([this] { return ready; });
      shared->cancel();
    }
  }
  void after() {
    now.before = nullptr;
    for (std::size_t i = 3; i < 6; ++i) exactly_once(i, true);
    later_runs_first(4, 3);
    later_runs_first(5, 3);
    close();
  }
};
add<led_back> g9l(
    "G9", "LedBackToTheTop",
    "directed: a canceller that a moving segment leads back up runs no late registration after older ones", bounded(0),
    100000);

/// Thread 0 stands inside a remove_all that has passed all segments but the oldest. Thread 2 registers above, cancels
/// and stands on a segment that thread 1 moves. It has to go on below what has run, not below what is being removed
/// (I7).
struct look_beside_removal : rl::test_suite<look_beside_removal, 3>, stage<tiny> {
  bool removing = false, ready = false, claimed = false, standing = false, pushed = false, canceled = false;
  bool removed[8] = {};
  void before() {
    open(8);
    removing = ready = claimed = standing = pushed = canceled = false;
    for (bool& r : removed) r = false;
    for (std::size_t i = 0; i < 4; ++i) try_register(i);
    for (std::size_t i = 1; i < 4; ++i) unregister(i);
    now.before = [this](site s) {
      unsigned const t = rl::thread_index();
      if (t == 1) {
        if (s == site::older_unlink && !claimed) led_back::meet(claimed, standing);
        if (s == site::gen_open) pushed = true;
      } else if (t == 2 && s == site::slot_scan && ran == 1 && !standing) {
        led_back::meet(standing, pushed);
      }
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      shared->remove_all([this](core::basic_callback<tiny>& c) {
        for (std::size_t n = 0; n < 8; ++n) removed[n] = removed[n] || &c == nodes[n];
        removing = true;
        hold_until([this] { return canceled; });
      });
    } else if (i == 1) {
      hold_until([this] { return ready; });
      try_register(7);
    } else {
      hold_until([this] { return removing; });
      for (std::size_t n = 4; n < 7; ++n) try_register(n);
      unregister(5);
      ready = true;
      hold_until([this] { return claimed; });
      shared->cancel();
      canceled = true;
    }
  }
  void after() {
    now.before = nullptr;
    for (std::size_t i : {0u, 4u, 5u, 6u, 7u}) {
      if (removed[i]) require(runs(i) == 0, "a callback was removed and ran");
      else exactly_once(i, true);
    }
    later_runs_first(6, 4);
    close();
  }
};
add<look_beside_removal> g9m(
    "G9", "LedBackBesideARemoval",
    "directed: a canceller that a moving segment leads back up passes over nothing because another thread removes",
    chance(), 200000);

}  // namespace
}  // namespace cts::models
