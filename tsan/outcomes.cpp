// SPDX-License-Identifier: BSL-1.0
/// @file
/// Outcome tables of the shipped code on this machine (outcomes.hpp): the two handshakes of the core, what the flag
/// makes visible, and the barrier of lanes. The races run the shipped classes, or the shipped steps of a handshake
/// where only they tell the outcomes apart. Every order is that of the shipped tables.
///
///     outcomes tables     fills and prints all tables; a forbidden outcome fails
///     outcomes weakened   the same races where announcements are plain stores and no thread passes the heavy barrier.
///                         Each must show its forbidden outcome, also on x86: a load overtakes an earlier store
///     outcomes relaxed    the flag without its orders. Only a weakly ordered machine can show what is forbidden: 77,
///                         which means skipped, on x86
#include "outcomes.hpp"

#include <cstdlib>
#include <cstring>

#include "cts/core/registry.hpp"
#include "cts/lane.hpp"

namespace {

using namespace outcomes;
using cts::core::register_result;
using cts::core::site;
using cts::core::std_platform;
using lane_site = cts::detail::site;

// --- what the self-tests weaken ---

constexpr bool announces(site s) { return s == site::slot_publish || s == site::top_close || s == site::gen_seal; }

/// The platform of production, but who announces itself in a handshake stores with release. A locked instruction would
/// order its later loads on x86 whatever the table said. Each word has one announcing thread, so a store is enough.
struct storing_platform : std_platform {
  template <class T>
  class atomic : public std_platform::atomic<T> {
    using base = std_platform::atomic<T>;

   public:
    using base::base;
    template <class Site>
    bool compare_exchange(T& expected, T desired, Site s) noexcept {
      if (!announces(s)) return base::compare_exchange(expected, desired, s);
      T const wanted = std::exchange(expected, base::load(site::slot_peek));
      if (expected != wanted) return false;
      base::store(desired, site::slot_done);
      return true;
    }
    template <class Site>
    T fetch_or(T value, Site s) noexcept {
      if (!announces(s)) return base::fetch_or(value, s);
      T const before = base::load(site::slot_peek);
      base::store(before | value, site::slot_done);
      return before;
    }
  };
};

constexpr bool of_the_flag(site s) { return s == site::flag_poll || s == site::flag_set || s == site::flag_help; }

/// The platform of production, but the flag is written and read without an order.
struct relaxed_platform : std_platform {
  template <class T>
  class atomic : public std_platform::atomic<T> {
    using base = std_platform::atomic<T>;

   public:
    using base::base;
    template <class Site>
    T load(Site s) const noexcept {
      return of_the_flag(s) ? base::load(site::slot_peek) : base::load(s);
    }
    template <class Site>
    void store(T value, Site s) noexcept {
      of_the_flag(s) ? base::store(value, site::flag_dispose) : base::store(value, s);
    }
  };
};

/// A barrier of lanes without its heavy side.
struct no_heavy_barrier {
  static constexpr bool one_sided() noexcept { return true; }
  static void order() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }
  static void light() noexcept { order(); }
  static void heavy() noexcept { order(); }
};

// --- cells ---

/// A word for what happened before. The races write and read it without an order of its own.
class effect {
 public:
  void happen() noexcept { word_.store(1, std::memory_order_relaxed); }
  bool is_visible() const noexcept { return word_.load(std::memory_order_relaxed) != 0; }

 private:
  std::atomic<int> word_{0};
};

/// A callback of the base `Base`. It notes that it ran, and whether it saw what happened before register.
template <class Base>
struct noted : Base {
  noted() noexcept : Base(&run) {}
  static void run(typename Base::callback& c) noexcept {
    auto& self = static_cast<noted&>(c);
    self.saw = self.before.is_visible();
    self.ran.happen();
  }
  effect before, ran;
  bool saw = true;
};
struct lane_base : cts::lane_callback {
  using callback = cts::lane_callback;
  using cts::lane_callback::lane_callback;
};

template <class Platform>
struct registry_cell {
  cts::core::basic_registry<Platform> registry;
  noted<cts::core::basic_callback<Platform>> callback;
  effect before_cancel;
  bool yes = false;         // what the thread beside the canceller was told
  bool sees = true;         // that thread saw the flag and what happened before cancel, if it had to
  bool sees_effect = true;  // and the effects of the callback

  void cancel() noexcept {
    before_cancel.happen();
    registry.cancel();
  }
  void look() noexcept {
    sees = registry.is_cancellation_requested();
    sees &= before_cancel.is_visible();
  }
  bool ran() const noexcept { return callback.ran.is_visible(); }
};

// --- the two handshakes, step by step ---

/// The registrant publishes itself and rereads top; the canceller closes top and scans.
template <class Platform>
struct publish_and_close {
  static constexpr std::size_t threads = 2, longest_pause = 24;
  struct cell {
    cell() noexcept { list.begin(segment); }
    cts::core::segment_list<Platform> list;
    cts::core::whole_segment<Platform, 8> segment;
    noted<cts::core::basic_callback<Platform>> callback;
    bool registrant_sees = false, canceller_sees = false;
  };
  static constexpr row rows[] = {{"neither sees the other: the callback is lost", rule::forbidden},
                                 {"only the canceller sees the registrant", rule::seen},
                                 {"only the registrant sees the canceller", rule::seen},
                                 {"both see each other: the slot decides", rule::allowed}};
  static void run(cell& c, std::size_t part) noexcept {
    using list = cts::core::segment_list<Platform>;
    if (part == 0) {
      c.segment.at(0).publish(cts::core::dead(0), cts::core::live(c.callback));
      c.registrant_sees = list::is_closed(c.list.top_again());
    } else {
      c.list.close();
      c.canceller_sees = cts::core::is_live(c.segment.at(0).read(site::slot_scan));
    }
  }
  static std::size_t outcome(cell const& c) noexcept {
    return (c.canceller_sees ? 1u : 0u) + (c.registrant_sees ? 2u : 0u);
  }
};

/// The registrant publishes itself and rereads the generation; the claimer seals it and reads the slots again.
template <class Platform>
struct publish_and_seal {
  static constexpr std::size_t threads = 2, longest_pause = 24;
  struct cell {
    cts::core::whole_segment<Platform, 8> segment;
    noted<cts::core::basic_callback<Platform>> callback;
    bool registered = false, claimed = false;
  };
  static constexpr row rows[] = {{"neither: the registrant retracts, the claimer unseals", rule::allowed},
                                 {"the claimer has the segment, the registrant retracts", rule::seen},
                                 {"registered, and the claimer gives up", rule::seen},
                                 {"registered in a segment that moves away", rule::forbidden}};
  static void run(cell& c, std::size_t part) noexcept {
    constexpr cts::core::word first = cts::core::generation_step;
    if (part == 0) {
      c.segment.at(0).publish(cts::core::dead(0), cts::core::live(c.callback));
      c.registered = c.segment.generation_again() == first;
    } else {
      c.claimed = c.segment.claim(first);
    }
  }
  static std::size_t outcome(cell const& c) noexcept { return (c.claimed ? 1u : 0u) + (c.registered ? 2u : 0u); }
};

// --- the registry ---

template <class Platform>
struct register_beside_cancel {
  static constexpr std::size_t threads = 2, longest_pause = 48;
  using cell = registry_cell<Platform>;
  static constexpr row rows[] = {{"registered, and ran", rule::seen},
                                 {"refused, did not run", rule::seen},
                                 {"registered, but lost", rule::forbidden},
                                 {"refused, but ran", rule::forbidden},
                                 {"ran without seeing what happened before register", rule::forbidden},
                                 {"refused without seeing the flag, or what happened before cancel", rule::forbidden}};
  static void run(cell& c, std::size_t part) noexcept {
    if (part == 1) return c.cancel();
    c.callback.before.happen();
    c.yes = c.registry.try_register(c.callback) == register_result::registered;
    if (!c.yes) c.look();
  }
  static std::size_t outcome(cell const& c) noexcept {
    if (!c.callback.saw) return 4;
    if (!c.sees) return 5;
    if (c.yes) return c.ran() ? 0 : 2;
    return c.ran() ? 3 : 1;
  }
};

template <class Platform>
struct unregister_beside_cancel {
  static constexpr std::size_t threads = 2, longest_pause = 48;
  struct cell : registry_cell<Platform> {
    cell() noexcept { this->registry.try_register(this->callback); }
  };
  static constexpr row rows[] = {{"unregistered, did not run", rule::seen},
                                 {"too late, and ran", rule::seen},
                                 {"unregistered, but ran", rule::forbidden},
                                 {"too late, but lost", rule::forbidden},
                                 {"too late without seeing the flag, or what happened before cancel", rule::forbidden}};
  static void run(cell& c, std::size_t part) noexcept {
    if (part == 1) {
      c.callback.before.happen();
      return c.cancel();
    }
    c.yes = c.registry.unregister(c.callback);
    if (!c.yes) c.look();
  }
  static std::size_t outcome(cell const& c) noexcept {
    if (!c.sees) return 4;
    if (c.yes) return c.ran() ? 2 : 0;
    return c.ran() ? 1 : 3;
  }
};

template <class Platform>
struct wait_beside_cancel {
  static constexpr std::size_t threads = 2, longest_pause = 48;
  using cell = typename unregister_beside_cancel<Platform>::cell;
  static constexpr row rows[] = {{"did not run", rule::seen},
                                 {"ran, and its effects are visible to the waiter", rule::seen},
                                 {"ran, and the waiter does not see its effects", rule::forbidden}};
  static void run(cell& c, std::size_t part) noexcept {
    if (part == 1) return c.cancel();
    c.registry.unregister_and_wait(c.callback);
    c.sees_effect = c.callback.ran.is_visible();
  }
  static std::size_t outcome(cell const& c) noexcept { return !c.ran() ? 0 : c.sees_effect ? 1 : 2; }
};

/// Message passing: what happened before request_cancellation, and the flag.
template <class Platform>
struct poll_beside_request {
  static constexpr std::size_t threads = 2, longest_pause = 48;
  struct cell : registry_cell<Platform> {
    bool flag = false, effect_visible = false;
  };
  static constexpr row rows[] = {{"the flag is clear, nothing is visible", rule::seen},
                                 {"the flag is clear, the effect is visible already", rule::allowed},
                                 {"the flag is set without the effect", rule::forbidden},
                                 {"the flag is set, the effect is visible", rule::seen}};
  static void run(cell& c, std::size_t part) noexcept {
    if (part == 1) {
      c.before_cancel.happen();
      if (c.registry.request_cancellation()) c.registry.run_callbacks([] { return false; });
    } else {
      c.flag = c.registry.is_cancellation_requested();
      c.effect_visible = c.before_cancel.is_visible();
    }
  }
  static std::size_t outcome(cell const& c) noexcept { return (c.effect_visible ? 1u : 0u) + (c.flag ? 2u : 0u); }
};

/// Two cancels and a poller. The one that comes second may be the one that sets the flag, and passes on what happened
/// before the first.
template <class Platform>
struct two_cancels_and_a_poll {
  static constexpr std::size_t threads = 3, longest_pause = 48;
  struct cell {
    cts::core::basic_registry<Platform> registry;
    effect before[2];
    bool won[2] = {}, saw_flag[2] = {}, flag = false, visible[2] = {};
  };
  static constexpr row rows[] = {{"the first thread wins", rule::seen},
                                 {"the second thread wins", rule::seen},
                                 {"not exactly one thread wins", rule::forbidden},
                                 {"a cancel returns while the flag is clear", rule::forbidden},
                                 {"the poller sees the flag, but not what happened before", rule::forbidden}};
  static void run(cell& c, std::size_t part) noexcept {
    if (part == 2) {
      c.flag = c.registry.is_cancellation_requested();
      for (std::size_t i = 0; i < 2; ++i) c.visible[i] = c.before[i].is_visible();
      return;
    }
    c.before[part].happen();
    c.won[part] = c.registry.cancel();
    c.saw_flag[part] = c.registry.is_cancellation_requested();
  }
  static std::size_t outcome(cell const& c) noexcept {
    if (c.won[0] == c.won[1]) return 2;
    if (!c.saw_flag[0] || !c.saw_flag[1]) return 3;
    std::size_t const winner = c.won[0] ? 0 : 1;
    return c.flag && !c.visible[winner] ? 4 : winner;
  }
};

// --- lanes ---

/// The barrier alone: each side writes, passes its side, and reads.
template <class Barrier>
struct sides_of_the_barrier {
  static constexpr std::size_t threads = 2, longest_pause = 200;
  struct cell {
    Barrier barrier;
    std_platform::atomic<std::uint32_t> closed{0}, published{0};
    bool owner_sees = false, canceller_sees = false;
  };
  static constexpr row rows[] = {{"neither sees the other", rule::forbidden},
                                 {"only the canceller sees the owner", rule::seen},
                                 {"only the owner sees the canceller", rule::seen},
                                 {"both see each other: the fate decides", rule::allowed}};
  static void run(cell& c, std::size_t part) noexcept {
    if (part == 0) {
      c.published.store(1, lane_site::lane_withdraw);
      if (c.barrier.one_sided()) Barrier::order();
      else c.barrier.light();
      c.owner_sees = c.closed.load(lane_site::lane_state_read) != 0;
    } else {
      c.closed.store(1, lane_site::lane_state_set);
      c.barrier.heavy();
      c.canceller_sees = c.published.load(lane_site::lane_scan) != 0;
    }
  }
  static std::size_t outcome(cell const& c) noexcept { return (c.canceller_sees ? 1u : 0u) + (c.owner_sees ? 2u : 0u); }
};

template <class Barrier>
struct lane_cell {
  cts::core::registry registry;
  cts::basic_lane<cts::lane_home<cts::core::registry>, Barrier> lane{registry};
  noted<lane_base> callback;
  effect before_cancel;
  bool yes = false, sees = true;

  void cancel() noexcept {
    before_cancel.happen();
    registry.cancel();
  }
  void look() noexcept {
    sees = registry.is_cancellation_requested();
    sees &= before_cancel.is_visible();
  }
  bool ran() const noexcept { return callback.ran.is_visible(); }
};

template <class Barrier>
struct lane_register_beside_cancel {
  static constexpr std::size_t threads = 2, longest_pause = 600;
  using cell = lane_cell<Barrier>;
  static constexpr auto& rows = register_beside_cancel<std_platform>::rows;
  static void run(cell& c, std::size_t part) noexcept {
    if (part == 1) return c.cancel();
    c.callback.before.happen();
    c.yes = c.lane.try_register(c.callback) == register_result::registered;
    if (!c.yes) c.look();
  }
  static std::size_t outcome(cell const& c) noexcept {
    if (!c.callback.saw) return 4;
    if (!c.sees) return 5;
    if (c.yes) return c.ran() ? 0 : 2;
    return c.ran() ? 3 : 1;
  }
};

template <class Barrier>
struct lane_unregister_beside_cancel {
  static constexpr std::size_t threads = 2, longest_pause = 600;
  struct cell : lane_cell<Barrier> {
    cell() noexcept { this->lane.try_register(this->callback); }
  };
  static constexpr auto& rows = unregister_beside_cancel<std_platform>::rows;
  static void run(cell& c, std::size_t part) noexcept {
    if (part == 1) {
      c.callback.before.happen();
      return c.cancel();
    }
    c.yes = c.lane.unregister(c.callback);
    if (!c.yes) c.look();
  }
  static std::size_t outcome(cell const& c) noexcept {
    if (!c.sees) return 4;
    if (c.yes) return c.ran() ? 2 : 0;
    return c.ran() ? 1 : 3;
  }
};

// --- the program ---

template <class Test>
bool holds(char const* name) {
  table<Test> t;
  t.fill({});
  t.print(name);
  if (t.seen_forbidden()) std::printf("  FAILED: a forbidden outcome was seen\n");
  if (!t.all_seen()) std::printf("  FAILED: the threads do not meet: an outcome that must occur was never seen\n");
  return t.all_seen() && !t.seen_forbidden();
}
/// True if a forbidden outcome shows within the time.
template <class Test>
bool fails(char const* name) {
  table<Test> t;
  for (auto const end = clock::now() + std::chrono::seconds(20); !t.seen_forbidden() && clock::now() < end;)
    t.fill({std::chrono::milliseconds(50), std::chrono::milliseconds(50)});
  t.print(name);
  std::printf("  %s\n", t.seen_forbidden() ? "the forbidden outcome shows, as it should" : "NOTHING FORBIDDEN SHOWS");
  return t.seen_forbidden();
}

bool all_tables() {
  using cts::detail::process_barrier;
  using pairwise = cts::detail::pairwise_barrier<std_platform>;
  bool right = true;
  right &= holds<publish_and_close<std_platform>>("handshake: slot_publish, top_recheck | top_close, slot_scan");
  right &= holds<publish_and_seal<std_platform>>("handshake: slot_publish, gen_recheck | gen_seal, slot_verify");
  right &= holds<register_beside_cancel<std_platform>>("registry: try_register | cancel");
  right &= holds<unregister_beside_cancel<std_platform>>("registry: unregister | cancel");
  right &= holds<wait_beside_cancel<std_platform>>("registry: unregister_and_wait | cancel");
  right &= holds<poll_beside_request<std_platform>>("flag: is_cancellation_requested | request_cancellation");
  right &= holds<two_cancels_and_a_poll<std_platform>>("flag: cancel | cancel | is_cancellation_requested");
  if (process_barrier::available()) {
    right &= holds<sides_of_the_barrier<process_barrier>>("one-sided barrier: order | heavy");
    right &= holds<lane_register_beside_cancel<process_barrier>>("lane, one-sided: try_register | cancel");
    right &= holds<lane_unregister_beside_cancel<process_barrier>>("lane, one-sided: unregister | cancel");
  } else {
    std::printf("one-sided barrier: skipped, because the operating system offers none\n");
  }
  right &= holds<sides_of_the_barrier<pairwise>>("pairwise barrier: light | heavy");
  right &= holds<lane_register_beside_cancel<pairwise>>("lane, pairwise: try_register | cancel");
  right &= holds<lane_unregister_beside_cancel<pairwise>>("lane, pairwise: unregister | cancel");
  return right;
}

bool all_weakened() {
  bool seen = true;
  seen &= fails<publish_and_close<storing_platform>>("handshake with top, announced by stores");
  seen &= fails<publish_and_seal<storing_platform>>("handshake with the generation, announced by stores");
  seen &= fails<register_beside_cancel<storing_platform>>("registry: try_register | cancel, announced by stores");
  seen &= fails<sides_of_the_barrier<no_heavy_barrier>>("barrier without its heavy side");
  seen &= fails<lane_register_beside_cancel<no_heavy_barrier>>("lane without a heavy barrier: try_register | cancel");
  seen &= fails<lane_unregister_beside_cancel<no_heavy_barrier>>("lane without a heavy barrier: unregister | cancel");
  return seen;
}

constexpr int skipped = 77;

int relaxed() {
  if (CTS_X86 != 0) {
    std::printf("skipped: x86 keeps the order of stores, and of loads, so a flag without its orders shows nothing\n");
    return skipped;
  }
  return fails<poll_beside_request<relaxed_platform>>("flag without its orders") ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  char const* const what = argc == 2 ? argv[1] : "";
  if (std::thread::hardware_concurrency() < 2) {
    std::printf("skipped: with one processor no two threads race\n");
    return skipped;
  }
  if (std::strcmp(what, "tables") == 0) return all_tables() ? 0 : 1;
  if (std::strcmp(what, "weakened") == 0) return all_weakened() ? 0 : 1;
  if (std::strcmp(what, "relaxed") == 0) return relaxed();
  std::fprintf(stderr, "usage: outcomes tables | weakened | relaxed\n");
  return 2;
}
