// SPDX-License-Identifier: BSL-1.0
/// @file
/// The models of what is built on the registry: G16 … G21 of docs/guarantees.md, on the templates that ship
/// (protocol/state.hpp, protocol/registration_node.hpp, detail/timers/system_alarm.hpp on
/// detail/timers/timer_service.hpp).
#include "timers/timer_steps.hpp"

#include <system_error>

#include "cts/protocol/registration_node.hpp"
#include "cts/protocol/state.hpp"
#include "cts/detail/timers/system_alarm.hpp"

namespace cts::models {
namespace {

using detail::verdict;
using P = platform<1, 1>;

struct model_parts;
using state = detail::basic_state<model_parts>;
using node = detail::basic_node<P>;

/// The timers of production, on the models' locks, clock and threads.
using timers = model_timer_service<timer_world<P>>;
inline timers* the_timers = nullptr;

/// What a wait handle waits for. Its users read `built`: a race if they do not see it made. Counted, as in production.
struct model_event {
  P::var<int> built{1};
  rl::atomic<int> flags, refs;
  model_event() {
    flags.store(0, rl::mo_relaxed, RL_INFO);
    refs.store(1, rl::mo_relaxed, RL_INFO);
  }
  void share() {
    announced const step(&refs, true, rl::mo_relaxed);
    refs.fetch_add(1, rl::mo_relaxed, RL_INFO);
  }
  void drop() {
    int before;
    {
      announced const step(&refs, true, rl::mo_acq_rel);
      before = refs.fetch_sub(1, rl::mo_acq_rel, RL_INFO);
    }
    if (before != 1) return;
    this->~model_event();
    P::deallocate(this, sizeof *this);
  }
  void signal() { set(1); }
  void dispose() { set(2); }
  bool is(int flag, rl::memory_order o = rl::mo_acquire) {
    announced const step(&flags, false, o);
    return (flags.load(o, RL_INFO) & flag) != 0;
  }

 private:
  void set(int flag) {
    (void)built.get();
    announced const step(&flags, true, rl::mo_acq_rel);
    flags.fetch_or(flag, rl::mo_acq_rel, RL_INFO);
  }
};

/// The timer of production; detail::alarm adds those of a time_provider and the deadline.
struct model_alarm : detail::basic_system_alarm<model_parts, timers> {
  explicit model_alarm(models::state& s) : basic_system_alarm(std::addressof(s)) {}
  bool reset() noexcept { return disarm(); }
};

class model_failures {
 public:
  bool any() const {
    the_reduction.touch(reduction::others, false);
    return count_ != 0;
  }
  void add_aggregate(model_failures& other) {
    require(other.any(), "an aggregate of nothing");
    count();
  }
  void count() {
    the_reduction.touch(reduction::others, true);
    ++count_;
  }

 private:
  int count_ = 0;
};

/// What states share: the lock of all readers, and each thread's dying ones.
struct shared_parts {
  lock_word readers{lock_word::unset{}};
  detail::dying_list<state> dying[reduction::most];
};
inline shared_parts* the_shared = nullptr;

struct model_parts {
  using platform = P;
  using event = model_event;
  using alarm = model_alarm;
  using failures = model_failures;
  struct reason {};
  struct extras {};
  struct waiting {
    waiting(state&, state::callback&) {}
  };
  static auto& timers() { return *the_timers; }
  static void unhandled(failures&) {}
  struct one_reader {
    one_reader() { the_shared->readers.lock(); }
    one_reader(one_reader const&) = delete;
    one_reader& operator=(one_reader const&) = delete;
    ~one_reader() { the_shared->readers.unlock(); }
  };
  static constexpr unsigned most_nested = 1;
  static detail::dying_list<state>& dying() { return the_shared->dying[rl::thread_index()]; }
  static failures* make_failures() { return ::new (P::allocate(sizeof(failures))) failures; }
  static void destroy_failures(failures* f) { P::deallocate(f, sizeof *f); }
  static event* make_event() { return ::new (P::allocate(sizeof(event))) event; }
  static void destroy_reason(reason*) {}
  static void* allocate(std::size_t n) { return P::allocate(n); }
  static void deallocate(void* p) { P::deallocate(p, 0); }
};

/// A thread of the timers: fires what is armed and ends.
void run_timers() { the_timers->run_thread(); }
/// The same for those that have been started and not run.
void run_started_timers(unsigned ran = 0) {
  for (; ran < the_time.started; ++ran) run_timers();
}

/// What a source does to cancel.
verdict cancel(state& s) {
  s.share();
  verdict const v = s.begin(nullptr);
  if (v == verdict::won) {
    model_failures f;
    s.notify(f, false);
  }
  s.drop();
  return v;
}

/// A callback in the model's own memory.
struct in_place : node {
  explicit in_place() : node(&ran) {}
  P::var<int> runs{0};
  std::function<void()> then;
  static void ran(state::callback& c) noexcept {
    auto& n = static_cast<in_place&>(c);
    n.runs.set(n.runs.get() + 1);
    if (n.then) n.then();
  }
};

struct model_waiter {
  model_waiter* next = nullptr;
  P::var<int> built{1};
  baton done;
  void complete() {
    (void)built.get();
    done.pass(1);
  }
};

/// A registration with a callable whose life is watched.
struct registration : detail::basic_registration_node<state, model_waiter> {
  using base = detail::basic_registration_node<state, model_waiter>;
  registration(state& s, int& destroyed_callables, int& freed_nodes)
      : base(s, &ran, &destroy_it), callables(destroyed_callables), nodes(freed_nodes) {
    s.share();
  }
  P::var<int> callable{1};
  P::var<int> effect{0};
  int& callables;
  int& nodes;
  std::function<void()> then, at_end;

  static void ran(state::callback& c) noexcept {
    auto& n = static_cast<registration&>(c);
    require(n.callable.get() == 1, "a destroyed callable was called");
    n.effect.set(1);
    if (n.then) n.then();
    n.end();
  }
  static void destroy_it(base& b, part what) noexcept {
    auto& n = static_cast<registration&>(b);
    if (what == part::place) return;
    if (what == part::callable) {
      require(n.callable.get() == 1, "a callable was destroyed twice");
      n.callable.set(0);
      the_reduction.touch(reduction::ends, true);
      ++n.callables;
      if (n.at_end) n.at_end();
      return;
    }
    the_reduction.touch(reduction::ends, true);
    ++n.nodes;
    n.~registration();
    P::deallocate(&n, sizeof n);
  }
};

/// Up to four states, a callback on each, a registration.
struct scene {
  shared_parts shared;
  state* s[4] = {};
  in_place* c[4] = {};
  registration* reg = nullptr;
  int callables = 0, nodes = 0;
  baton ready;
  P::var<int>* payload = nullptr;  // written before cancel: who learns of it must see that

  void open() {
    now = execution{};
    now.lifetimes = true;
    the_shared = &shared;
    shared.readers.reset();
    for (auto& d : shared.dying) d = {};
    callables = nodes = 0;
    ready.reset();
  }
  /// The same with timers, whose threads end when they have nothing to do.
  void open_timers() {
    open();
    the_time = {};
    the_timers = ::new (P::allocate(sizeof(timers))) timers;
    the_time.rushes = true;
    the_time.horizon = (std::chrono::nanoseconds::max)();
    the_time.available = 8;
  }
  /// A thread of the timers is on its way.
  void start_timers() {
    state* const other = state::create();
    other->arm([&](auto wanted) { other->timer().arm({}, wanted); });
    other->end();
  }
  void add(std::size_t i, std::size_t links = 0) {
    s[i] = state::create(links);
    c[i] = ::new (P::allocate(sizeof(in_place))) in_place;
  }
  /// Callback i, for whose state somebody holds a reference.
  void enter(std::size_t i) {
    s[i]->share();
    require(s[i]->enter(*c[i]) == core::register_result::registered, "not registered");
  }
  void leave(std::size_t i) {
    s[i]->leave(*c[i]);
    s[i]->drop();
  }
  void record(std::size_t i = 0) {
    reg = ::new (P::allocate(sizeof(registration))) registration(*s[i], callables, nodes);
    require(s[i]->enter(*reg) == core::register_result::registered, "not registered");
  }
  void carry() { payload = ::new (P::allocate(sizeof(P::var<int>))) P::var<int>(0); }
  int runs(std::size_t i) { return c[i]->runs.get(); }
  void close() {
    if (the_timers != nullptr) {
      the_timers->~timers();
      P::deallocate(the_timers, sizeof *the_timers);
      the_timers = nullptr;
    }
    if (payload != nullptr) {
      payload->~var();
      P::deallocate(payload, 0);
      payload = nullptr;
    }
    for (in_place*& n : c)
      if (n != nullptr) {
        n->~in_place();
        P::deallocate(n, sizeof *n);
        n = nullptr;
      }
  }
};

// --- G16: references and links
// -------------------------------------------------------------------------------------------
struct loser_sees_flag : rl::test_suite<loser_sees_flag, 2>, scene {
  void before() {
    open();
    add(0);
    s[0]->share();
    carry();
  }
  void thread(unsigned i) {
    if (i == 0) payload->set(1);
    bool const won = cancel(*s[0]) == verdict::won;
    require(s[0]->is_cancellation_requested(), "cancel returned, but the flag reads as clear");
    if (!won && i == 1) (void)payload->get();
    s[0]->drop();
  }
  void after() { close(); }
};
add<loser_sees_flag> g16a("G16", "LoserSeesTheFlag",
                          "who loses to another cancel reads the flag as set and sees what came before it", full(),
                          1000000);

struct too_late : rl::test_suite<too_late, 2>, scene {
  void before() {
    open();
    add(0);
    record();
    carry();
  }
  void thread(unsigned i) {
    if (i == 0) {
      payload->set(1);
      cancel(*s[0]);
      s[0]->end();
      return;
    }
    if (!reg->unregister()) {
      require(reg->owner().is_cancellation_requested(), "could not be unregistered, but the flag reads as clear");
      (void)payload->get();
      reg->dispose();
    }
    reg->leave();
  }
  void after() { close(); }
};
add<too_late> g16k("G16", "TooLateToUnregister",
                   "whose registration could not be unregistered reads the flag as set and sees what came before",
                   full(), 1000000);

struct two_cancels_and_a_drop : rl::test_suite<two_cancels_and_a_drop, 3>, scene {
  void before() {
    open();
    add(0);
    s[0]->share();
    s[0]->share();
    enter(0);
  }
  void thread(unsigned i) {
    if (i < 2) cancel(*s[0]);
    else leave(0);
    s[0]->drop();
  }
  void after() {
    require(runs(0) <= 1, "ran twice");
    close();
  }
};
add<two_cancels_and_a_drop> g16h("G16", "TwoCancelsAndAnEnd",
                                 "two cancels beside a callback's end: the last reference frees", full(), 1000000);

struct last_drop : rl::test_suite<last_drop, 2>, scene {
  void before() {
    open();
    add(0);
    s[0]->share();
  }
  void thread(unsigned i) {
    (void)s[0]->is_cancellation_requested();
    if (i == 0) s[0]->drop();
    else s[0]->end();
  }
  void after() { close(); }
};
add<last_drop> g16b("G16", "LastDrop", "a token's end beside its source's: the last one frees, after all use", full(),
                    1000000);

struct cancel_vs_last_drop : rl::test_suite<cancel_vs_last_drop, 2>, scene {
  void before() {
    open();
    add(0);
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 0) cancel(*s[0]), s[0]->end();
    else leave(0);
  }
  void after() {
    require(runs(0) <= 1, "ran twice");
    close();
  }
};
add<cancel_vs_last_drop> g16c("G16", "CancelVersusLastDrop", "a cancel and the source's end beside a callback's end",
                              full(), 1000000);

struct link_vs_parent : rl::test_suite<link_vs_parent, 2>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    require(s[1]->link_to(0, *s[0]), "no memory");
  }
  void thread(unsigned i) {
    if (i == 1) {
      s[1]->end();
      return;
    }
    model_failures f;
    require(s[0]->begin(nullptr) == verdict::won, "lost to nobody");
    s[0]->notify(f, false);
  }
  void after() {
    s[0]->end();
    close();
  }
};
add<link_vs_parent> g16i("G16", "LinkVersusParent", "a child's end beside its parent's cancel, without callbacks",
                         full(), 1000000);

struct child_vs_parent : rl::test_suite<child_vs_parent, 2>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    require(s[1]->link_to(0, *s[0]), "no memory");
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*s[0]);
      s[0]->end();
    } else {
      s[1]->leave(*c[1]);
      int const then = runs(1);
      s[1]->end();
      require(runs(1) == then, "ran after its child's dispose");
      s[1]->drop();
    }
  }
  void after() {
    require(runs(1) <= 1, "ran twice");
    close();
  }
};
add<child_vs_parent> g16d("G16", "ChildVersusParent", "the same with a callback on the child", full(), 1000000);

struct child_dispose_waits : rl::test_suite<child_dispose_waits, 2>, scene {
  int disposed = 0;
  void before() {
    open();
    disposed = 0;
    add(0);
    add(1, 1);
    require(s[1]->link_to(0, *s[0]), "no memory");
    enter(1);
    c[1]->then = [this] {
      the_reduction.touch(reduction::others, false);
      require(disposed == 0, "a child's callback ran after its dispose had returned");
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*s[0]);
      return;
    }
    s[1]->dispose();
    the_reduction.touch(reduction::others, true);
    disposed = 1;
    (void)runs(1);  // a race if the link's effects are not visible
  }
  void after() {
    require(s[0]->registry().count() == 0, "the child is still registered in its parent");
    leave(1);
    s[1]->drop();
    s[0]->end();
    close();
  }
};
add<child_dispose_waits> g16e(
    "G16", "ChildsDisposeWaits",
    "after a child's dispose its parent's cancel is out of it, and no trace is left in the parent", full(), 1000000);

/// Two parents and their child, with a callback.
void open_family(scene& f) {
  f.open();
  f.add(0);
  f.add(1);
  f.add(2, 2);
  require(f.s[2]->link_to(0, *f.s[0]) && f.s[2]->link_to(1, *f.s[1]), "no memory");
  f.enter(2);
}
struct child_of_two : rl::test_suite<child_of_two, 3>, scene {
  void before() { open_family(*this); }
  void thread(unsigned i) {
    if (i < 2) {
      cancel(*s[i]);
      s[i]->end();
    } else s[2]->end();
  }
  void after() {
    leave(2);
    require(runs(2) <= 1, "ran twice");
    close();
  }
};
add<child_of_two> g16f("G16", "ChildOfTwoParents", "two parents' cancels and ends beside their child's end",
                       large(2, 0), 1000000);

struct two_parents : rl::test_suite<two_parents, 2>, scene {
  void before() { open_family(*this); }
  void thread(unsigned i) {
    cancel(*s[i]);
    s[i]->end();
  }
  void after() {
    s[2]->end();
    leave(2);
    require(runs(2) == 1, "did not run once");
    close();
  }
};
add<two_parents> g16t("G16", "TwoParentsCancel", "two parents' cancels and ends: their child is canceled once", full(),
                      0);

struct child_ends_inside : rl::test_suite<child_ends_inside, 2>, scene {
  void before() {
    open();
    add(0);
    s[0]->share();
    add(1, 1);
    require(s[1]->link_to(0, *s[0]), "no memory");
    enter(1);
    c[1]->then = [this] {
      leave(1);
      s[1]->end();
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*s[0]);
      s[0]->end();
    } else s[0]->drop();
  }
  void after() {
    require(runs(1) == 1, "did not run");
    close();
  }
};
add<child_ends_inside> g16g("G16", "ChildEndsInItsOwnCallback",
                            "a child's callback, run by its parent's cancel, ends the child", full(), 1000000);

// --- G16: letting go, readers, notifications that pause
// ---------------------------------------------------------------------
/// Asks the states above `s` what is asked of them in production: words that die with them.
int ask(state& s) {
  int n = 0;
  s.visit_above([&n](state& above) { n += above.is_disposed() ? 0 : 1; });
  return n;
}
/// A root, its child and that one's child.
void open_chain(scene& f) {
  f.open();
  f.add(0);
  f.add(1, 1);
  f.add(2, 1);
  require(f.s[1]->link_to(0, *f.s[0]) && f.s[2]->link_to(0, *f.s[1]), "no memory");
}

struct lets_go : rl::test_suite<lets_go, 2>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    require(s[1]->link_to(0, *s[0]), "no memory");
    s[1]->share();  // a token of the child, which outlives everything
  }
  void thread(unsigned i) {
    if (i == 0) s[1]->end();
    else s[0]->end();
  }
  void after() {
    require(now.allocations - now.deallocations == 3,
            "a disposed child keeps its parent");  // the child, and two callbacks
    s[1]->drop();
    close();
  }
};
add<lets_go> g16l("G16", "ADisposedChildLetsGo", "a child's dispose beside its parent's end: only the child is left",
                  full(), 1000000);

struct reader_vs_dispose : rl::test_suite<reader_vs_dispose, 2>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    require(s[1]->link_to(0, *s[0]), "no memory");
    s[1]->share();
    s[0]->end();  // the child alone holds it now
  }
  void thread(unsigned i) {
    if (i == 0) s[1]->end();
    else {
      (void)ask(*s[1]);
      s[1]->drop();
    }
  }
  void after() { close(); }
};
add<reader_vs_dispose> g16m(
    "G16", "ReaderVersusDispose",
    "who asks the states above a child for their deadline beside its end: they stay as long as they are looked at",
    full(), 1000000);

struct two_readers_vs_dispose : rl::test_suite<two_readers_vs_dispose, 3>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    require(s[1]->link_to(0, *s[0]), "no memory");
    s[1]->share();
    s[1]->share();
    s[0]->end();
  }
  void thread(unsigned i) {
    if (i == 0) s[1]->end();
    else {
      (void)ask(*s[1]);
      s[1]->drop();
    }
  }
  void after() { close(); }
};
add<two_readers_vs_dispose> g16n("G16", "TwoReadersVersusDispose", "the same with two of them", large(), 1000000);

struct reader_of_a_chain : rl::test_suite<reader_of_a_chain, 2>, scene {
  void before() {
    open_chain(*this);
    s[0]->end();
    s[2]->share();
  }
  void thread(unsigned i) {
    if (i == 0) {
      s[1]->end();
      s[2]->end();
    } else {
      (void)ask(*s[2]);
      s[2]->drop();
    }
  }
  void after() { close(); }
};
add<reader_of_a_chain> g16o("G16", "ReaderOfAChain", "the same over two links, the child between ending first", full(),
                            1000000);

struct reader_from_below : rl::test_suite<reader_from_below, 2>, scene {
  void before() {
    open_chain(*this);
    s[0]->end();
    s[1]->share();
    s[1]->end();  // disposed: the chain ends there
    s[1]->drop();
    s[2]->share();
  }
  void thread(unsigned i) {
    if (i == 0) s[2]->end();
    else {
      require(ask(*s[2]) <= 1, "went on behind a disposed source");
      s[2]->drop();
    }
  }
  void after() { close(); }
};
add<reader_from_below> g16p("G16", "ReaderStopsAtADisposedOne",
                            "what is only reached through a disposed source is not looked at", full(), 1000000);

struct diamond_reader : rl::test_suite<diamond_reader, 2>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    add(2, 1);
    add(3, 2);
    require(s[1]->link_to(0, *s[0]) && s[2]->link_to(0, *s[0]) && s[3]->link_to(0, *s[1]) && s[3]->link_to(1, *s[2]),
            "no memory");
    s[3]->share();
    s[0]->end();
    s[1]->end();
  }
  void thread(unsigned i) {
    if (i == 0) {
      s[2]->end();
      s[3]->end();
    } else {
      (void)ask(*s[3]);
      s[3]->drop();
    }
  }
  void after() { close(); }
};
add<diamond_reader> g16q("G16", "ReaderOfADiamond", "the same in a diamond", full(), 1000000);

struct cause_stays : rl::test_suite<cause_stays, 2>, scene {
  void before() {
    open_chain(*this);
    s[2]->share();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*s[0]);
      s[0]->end();
      s[1]->end();
      s[2]->end();
    } else {
      state const* first = nullptr;
      int asked = 0;
      s[2]->cause([&](state const& from, model_parts::reason*) {
        first = &from;
        asked += from.is_disposed() ? 1 : 2;
      });
      if (first != nullptr) require(first == s[0], "not the state that was canceled first");
      s[2]->drop();
    }
  }
  void after() { close(); }
};
add<cause_stays> g16r("G16", "TheWayToTheCauseStays",
                      "who asks a grandchild for the cause beside the ends of all: the way there stays", full(),
                      1000000);

struct cause_is_kept : rl::test_suite<cause_is_kept, 2>, scene {
  void before() {
    open();
    add(0);
    add(1);
    add(2, 2);
    require(s[2]->link_to(0, *s[0]) && s[2]->link_to(1, *s[1]), "no memory");
    s[2]->share();
    s[1]->end();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*s[0]);
      s[0]->end();
    } else s[2]->end();
  }
  void after() {
    int found = 0;
    s[2]->cause([&](state const& from, model_parts::reason*) {
      ++found;
      require(&from == s[0], "not the parent that canceled it");
    });
    require(now.allocations - now.deallocations == 4 + found, "not only the parent that canceled it is kept");
    s[2]->drop();
    close();
  }
};
add<cause_is_kept> g16s(
    "G16", "OnlyTheCauseIsKept",
    "one of two parents' cancel and end beside their child's: it keeps the one that canceled it, and no other", full(),
    1000000);

/// What ran, in order.
struct chain_of_three : scene {
  std::vector<int> order;
  in_place* later = nullptr;  // registered with the root after its link
  void open_it() {
    open_chain(*this);
    order.clear();
    enter(2);
    later = ::new (P::allocate(sizeof(in_place))) in_place;
    s[0]->share();
    require(s[0]->enter(*later) == core::register_result::registered, "not registered");
  }
  void note(int what) {
    the_reduction.touch(reduction::order_of_callbacks, true);
    order.push_back(what);
  }
  void close_it() {
    s[0]->leave(*later);
    later->~in_place();
    P::deallocate(later, sizeof *later);
    s[0]->drop();
  }
};

struct walks_in_order : rl::test_suite<walks_in_order, 2>, chain_of_three {
  void before() {
    open();
    add(0);
    s[0]->share();
    enter(0);  // before the link: runs after all of the child's
    c[0]->then = [this] { note(0); };
    add(1, 1);
    require(s[1]->link_to(0, *s[0]), "no memory");
    s[1]->share();
    enter(1);
    c[1]->then = [this] { note(1); };
    add(2, 1);
    require(s[2]->link_to(0, *s[1]), "no memory");
    enter(2);
    c[2]->then = [this] { note(2); };
    later = ::new (P::allocate(sizeof(in_place))) in_place;
    later->then = [this] {
      require(!s[1]->is_cancellation_requested(), "a child is canceled before its link's turn has come");
      note(3);
    };
    s[0]->share();
    require(s[0]->enter(*later) == core::register_result::registered, "not registered");
    order.clear();
  }
  void thread(unsigned i) {
    if (i == 0) cancel(*s[0]);
    else s[0]->drop();
  }
  void after() {
    close_it();
    require(order == std::vector<int>({3, 2, 1, 0}), "not in the order of the links, depth first");
    for (std::size_t i : {2u, 1u, 0u}) {
      leave(i);
      s[i]->end();
    }
    s[1]->drop();
    close();
  }
};
add<walks_in_order> g21d(
    "G21", "DepthFirst",
    "a child's callbacks run in the middle of its parent's, over two links, and what comes after them runs, too",
    full(), 1000000);

struct walk_vs_child : rl::test_suite<walk_vs_child, 2>, chain_of_three {
  void before() { open_it(); }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*s[0]);
      return;
    }
    s[1]->end();
    s[2]->end();
  }
  void after() {
    require(later->runs.get() == 1, "did not run");
    require(runs(2) <= 1, "ran twice");
    leave(2);
    close_it();
    s[0]->end();
    close();
  }
};
add<walk_vs_child> g16u("G16", "WalkVersusMiddleAndLast", "a cancel over two links beside the ends of both children",
                        full(), 1000000);

struct walk_vs_cancel_of_middle : rl::test_suite<walk_vs_cancel_of_middle, 2>, chain_of_three {
  void before() { open_it(); }
  void thread(unsigned i) {
    if (i == 0) cancel(*s[0]);
    else {
      cancel(*s[1]);
      s[1]->end();
    }
  }
  void after() {
    require(later->runs.get() == 1 && runs(2) == 1, "did not run once");
    leave(2);
    s[2]->end();
    close_it();
    s[0]->end();
    close();
  }
};
add<walk_vs_cancel_of_middle> g16v(
    "G16", "WalkVersusCancelOfTheMiddle",
    "a cancel over two links beside a cancel of the middle one: one of them goes on below, the other does not wait",
    full(), 1000000);

struct walk_ends_all : rl::test_suite<walk_ends_all, 2>, chain_of_three {
  void before() {
    open_it();
    s[2]->share();
    c[2]->then = [this] {
      leave(2);
      s[1]->end();
      s[2]->end();
      s[0]->end();
    };
  }
  void thread(unsigned i) {
    if (i == 0) cancel(*s[0]);
    else {
      (void)ask(*s[2]);
      s[2]->drop();
    }
  }
  void after() {
    require(runs(2) == 1, "did not run");
    close_it();
    close();
  }
};
add<walk_ends_all> g16w("G16", "TheLastCallbackEndsAllAbove",
                        "a callback below two links ends all three sources, beside a reader", full(), 1000000);

struct walks_meet : rl::test_suite<walks_meet, 2>, scene {
  void before() {
    open();
    add(0);
    add(1);
    add(2, 2);
    add(3, 1);
    require(s[2]->link_to(0, *s[0]) && s[2]->link_to(1, *s[1]) && s[3]->link_to(0, *s[2]), "no memory");
    enter(3);
    s[2]->end();  // its child alone holds it
  }
  void thread(unsigned i) {
    cancel(*s[i]);
    s[i]->end();
  }
  void after() {
    require(runs(3) == 0, "canceled through a disposed source");
    leave(3);
    s[3]->end();
    close();
  }
};
add<walks_meet> g16x("G16", "ADisposedOneInTheMiddle",
                     "two parents' cancels and ends above a disposed source: its own child is not reached", full(),
                     1000000);

struct two_walks : rl::test_suite<two_walks, 2>, scene {
  void before() {
    open();
    add(0);
    add(1);
    add(2, 2);
    add(3, 1);
    require(s[2]->link_to(0, *s[0]) && s[2]->link_to(1, *s[1]) && s[3]->link_to(0, *s[2]), "no memory");
    enter(3);
  }
  void thread(unsigned i) {
    cancel(*s[i]);
    s[i]->end();
  }
  void after() {
    require(runs(3) == 1, "did not run once");
    for (std::size_t i : {2u, 3u}) s[i]->end();
    leave(3);
    close();
  }
};
add<two_walks> g16y("G16", "TwoWalksMeet",
                    "two cancels meet in a source below both: one goes on below it, the other does not wait", full(),
                    1000000);

/// A chain in which each holds the next by the link that canceled it: its last token frees all of them, one after the
/// other.
struct falls_one_by_one : rl::test_suite<falls_one_by_one, 2>, scene {
  void before() {
    open_chain(*this);
    s[2]->share();
    cancel(*s[0]);
    for (std::size_t i : {0u, 1u}) s[i]->end();
  }
  void thread(unsigned i) {
    if (i == 0) s[2]->end();
    else s[2]->drop();
  }
  void after() {
    require(now.allocations == now.deallocations + 3, "a state was not destroyed");
    close();
  }
};
add<falls_one_by_one> g16z("G16", "OneByOne", "the end of the last one of a canceled chain frees all above it", full(),
                           1000000);

// --- G17: timers
// ---------------------------------------------------------------------------------------------------------
void arm(state& s) {
  s.arm([&s](auto wanted) { s.timer().arm({}, wanted); });
}

struct fire_vs_end : rl::test_suite<fire_vs_end, 2>, scene {
  void before() {
    open_timers();
    add(0);
    arm(*s[0]);
  }
  void thread(unsigned i) {
    if (i == 0) run_timers();
    else s[0]->end();
  }
  void after() {
    require(!the_timers->any_armed(), "an armed timer was left");
    close();
  }
};
add<fire_vs_end> g17a("G17", "FireVersusEnd", "the timer fires beside the source's end", full(), 1000000);

struct fire_vs_last : rl::test_suite<fire_vs_last, 2>, scene {
  void before() {
    open_timers();
    add(0);
    s[0]->share();
    arm(*s[0]);
  }
  void thread(unsigned i) {
    if (i == 0) {
      run_timers();
      s[0]->drop();
    } else s[0]->end();
  }
  void after() {
    require(!the_timers->any_armed(), "an armed timer was left");
    close();
  }
};
add<fire_vs_last> g17e("G17", "FireVersusLastDrop", "the same with a token on the timer's thread", full(), 1000000);

struct arm_vs_cancel : rl::test_suite<arm_vs_cancel, 2>, scene {
  void before() {
    open_timers();
    add(0);
    s[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) arm(*s[0]);
    else cancel(*s[0]);
  }
  void after() {
    require(!the_timers->any_armed(), "a canceled source's timer stayed armed");
    s[0]->drop();
    s[0]->end();
    close();
  }
};
add<arm_vs_cancel> g17b("G17", "ArmVersusCancel", "cancel_after beside cancel: no timer stays armed", full(), 1000000);

struct arm_vs_dispose : rl::test_suite<arm_vs_dispose, 2>, scene {
  void before() {
    open_timers();
    add(0);
    s[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) arm(*s[0]);
    else s[0]->dispose();
  }
  void after() {
    require(!the_timers->any_armed(), "a disposed source's timer stayed armed");
    s[0]->drop();
    s[0]->end();
    close();
  }
};
add<arm_vs_dispose> g17c("G17", "ArmVersusDispose", "cancel_after beside dispose: no timer stays armed", full(),
                         1000000);

struct fire_ends_source : rl::test_suite<fire_ends_source, 2>, scene {
  void before() {
    open_timers();
    add(0);
    require(s[0]->enter(*c[0]) == core::register_result::registered, "not registered");
    c[0]->then = [this] { s[0]->end(); };
    start_timers();
  }
  void thread(unsigned i) {
    if (i == 0) arm(*s[0]);
    else run_timers();
  }
  void after() {
    run_started_timers(1);
    require(runs(0) == 1, "did not run once");
    close();
  }
};
add<fire_ends_source> g17f("G17", "FireEndsTheSource",
                           "a callback that the timer runs ends the source while cancel_after has not returned", full(),
                           1000000);

struct all_of_timers : rl::test_suite<all_of_timers, 3>, scene {
  void before() {
    open_timers();
    add(0);
    s[0]->share();
    s[0]->share();
    enter(0);
    arm(*s[0]);
  }
  void thread(unsigned i) {
    if (i == 0) run_timers();
    else if (i == 1) {
      arm(*s[0]);
      s[0]->dispose();
      s[0]->drop();
    } else {
      cancel(*s[0]);
      s[0]->drop();
    }
  }
  void after() {
    require(!the_timers->any_armed(), "an armed timer was left");
    require(runs(0) <= 1, "ran twice");
    leave(0);
    s[0]->drop();
    close();
  }
};
add<all_of_timers> g17d("G17", "FireVersusCancelVersusRearmAndDispose",
                        "the timer, cancel, cancel_after and dispose at once", large(), 100000);

struct fire_refused : rl::test_suite<fire_refused, 2>, scene {
  bool armed = false;
  void before() {
    open_timers();
    the_time.available = 1;
    add(0);
    require(s[0]->enter(*c[0]) == core::register_result::registered, "not registered");
    c[0]->then = [this] { s[0]->end(); };
    start_timers();
  }
  void thread(unsigned i) {
    if (i == 1) return run_timers();
    armed = false;
    try {
      arm(*s[0]);
      armed = true;
    } catch (std::system_error const&) {}
  }
  void after() {
    require(runs(0) == (armed ? 1 : 0), "armed and not run, or refused and run");
    if (!armed) s[0]->end();
    close();
  }
};
add<fire_refused> g17g("G17", "FireEndsTheSourceOfARefusedArm",
                       "the same where no further thread can be started: cancel_after reports that only if the timer "
                       "does not fire, and touches no source that has ended",
                       full(), 1000000);

struct reset_vs_fire : rl::test_suite<reset_vs_fire, 2>, scene {
  bool reset = false;
  void before() {
    open_timers();
    add(0);
    s[0]->share();
    reset = false;
    arm(*s[0]);
  }
  void thread(unsigned i) {
    if (i == 0) reset = s[0]->try_reset() == verdict::won;
    else run_timers();
  }
  void after() {
    require(!the_timers->any_armed(), "an armed timer was left");
    require(reset != s[0]->is_cancellation_requested(), "reset, and canceled by the timer of before; or neither");
    s[0]->drop();
    s[0]->end();
    close();
  }
};
add<reset_vs_fire> g17h("G17", "FireVersusReset",
                        "try_reset beside the timer: it is refused, or the timer does not fire", full(), 1000000);

// --- G18: the wait handle
// ------------------------------------------------------------------------------------------------
struct watch_vs_cancel : rl::test_suite<watch_vs_cancel, 2>, scene {
  model_event* e = nullptr;
  void before() {
    open();
    add(0);
    s[0]->share();
    carry();
  }
  void thread(unsigned i) {
    if (i == 1) {
      payload->set(1);
      cancel(*s[0]);
      s[0]->drop();
      return;
    }
    e = s[0]->watch();
    if (e->is(1)) {
      require(s[0]->is_cancellation_requested(), "signalled before the flag");
      (void)payload->get();
    }
  }
  void after() {
    require(e->is(1), "canceled, but the handle is not signalled");
    e->drop();
    s[0]->end();
    close();
  }
};
add<watch_vs_cancel> g18a(
    "G18", "WatchVersusCancel",
    "making the handle beside cancel: it is signalled, after the flag, and shows what came before cancel", full(),
    1000000);

struct two_watch : rl::test_suite<two_watch, 3>, scene {
  model_event* e[2] = {};
  void before() {
    open();
    add(0);
  }
  void thread(unsigned i) {
    if (i == 2) {
      cancel(*s[0]);
      return;
    }
    e[i] = s[0]->watch();
    (void)e[i]->built.get();
  }
  void after() {
    require(e[0] == e[1], "two handles");
    require(e[0]->is(1), "canceled, but the handle is not signalled");
    for (auto* x : e) x->drop();
    s[0]->end();
    close();
  }
};
add<two_watch> g18b("G18", "TwoWatchVersusCancel", "two threads make the handle beside cancel: it is the same one",
                    full(), 2000000);

struct two_watch_only : rl::test_suite<two_watch_only, 2>, scene {
  model_event* e[2] = {};
  void before() {
    open();
    add(0);
  }
  void thread(unsigned i) {
    e[i] = s[0]->watch();
    (void)e[i]->built.get();
  }
  void after() {
    require(e[0] == e[1], "two handles");
    s[0]->dispose();
    require(e[0]->is(2), "disposed, but the handle is not");
    for (auto* x : e) x->drop();
    s[0]->end();
    close();
  }
};
add<two_watch_only> g18e("G18", "TwoWatch", "two threads make the handle: it is the same one", full(), 1000000);

struct watch_vs_dispose : rl::test_suite<watch_vs_dispose, 2>, scene {
  model_event* e = nullptr;
  void before() {
    open();
    add(0);
    s[0]->share();
    e = nullptr;
  }
  void thread(unsigned i) {
    if (i == 1) s[0]->dispose(), s[0]->drop();
    else e = s[0]->watch();
  }
  void after() {
    if (e != nullptr) {
      require(e->is(2), "disposed, but a handle waits for ever");
      e->drop();
    }
    s[0]->end();
    close();
  }
};
add<watch_vs_dispose> g18c("G18", "WatchVersusDispose", "making the handle beside dispose: it is refused or disposed",
                           full(), 1000000);

struct signalled_first : rl::test_suite<signalled_first, 2>, scene {
  model_event* e = nullptr;
  void before() {
    open();
    add(0);
    e = s[0]->watch();
    enter(0);
    c[0]->then = [this] { require(e->is(1), "a callback ran before the handle was signalled"); };
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel(*s[0]);
      return;
    }
    if (e->is(1)) require(s[0]->is_cancellation_requested(), "signalled before the flag");
  }
  void after() {
    leave(0);
    e->drop();
    s[0]->end();
    close();
  }
};
add<signalled_first> g18d("G18", "SignalledAfterTheFlagBeforeCallbacks",
                          "the handle is signalled after the flag is set and before any callback runs", full(),
                          1000000);

// --- G19: try_reset
// ------------------------------------------------------------------------------------------------------
struct reset_vs_end : rl::test_suite<reset_vs_end, 2>, scene {
  void before() {
    open();
    add(0);
    record();
  }
  void thread(unsigned i) {
    if (i == 0) {
      require(s[0]->try_reset() == verdict::won, "not reset");
      s[0]->end();
    } else {
      reg->dispose();
      reg->leave();
    }
  }
  void after() {
    require(callables == 1 && nodes == 1, "not destroyed once");
    close();
  }
};
add<reset_vs_end> g19a("G19", "ResetVersusDispose",
                       "try_reset and the source's end beside a registration's: destroyed once, freed once", full(),
                       1000000);

struct reset_vs_unregister : rl::test_suite<reset_vs_unregister, 2>, scene {
  bool taken = false;
  void before() {
    open();
    taken = false;
    add(0);
    record();
  }
  void thread(unsigned i) {
    if (i == 0) (void)s[0]->try_reset();
    else taken = reg->unregister();
  }
  void after() {
    require(callables == 1, "the callable was not destroyed once");
    require(s[0]->registry().count() == 0, "still registered");
    require(!reg->unregister(), "unregistered twice");
    reg->leave();
    require(nodes == 1, "the node was not freed once");
    s[0]->end();
    close();
  }
};
add<reset_vs_unregister> g19b("G19", "ResetVersusUnregister",
                              "try_reset beside unregister: the callable is destroyed once", full(), 1000000);

struct reset_vs_cancel : rl::test_suite<reset_vs_cancel, 2>, scene {
  void before() {
    open();
    add(0);
    s[0]->share();
    record();
  }
  void thread(unsigned i) {
    if (i == 0) {
      (void)s[0]->try_reset();
      s[0]->drop();
    } else {
      cancel(*s[0]);
    }
  }
  void after() {
    require(callables == 1, "the callable was not destroyed once");
    reg->dispose();
    reg->leave();
    require(nodes == 1, "the node was not freed once");
    s[0]->end();
    close();
  }
};
add<reset_vs_cancel> g19c("G19", "ResetVersusCancel",
                          "try_reset beside cancel: memory-safe, each callable is destroyed once (R85)", full(),
                          1000000);

struct reset_of_owner : rl::test_suite<reset_of_owner, 2>, scene {
  void before() {
    open();
    add(0);
    record();
    s[0]->share();
    reg->at_end = [r = reg] {
      r->dispose();
      r->leave();
    };  // a callable that holds its own registration
  }
  void thread(unsigned i) {
    if (i == 0) (void)s[0]->try_reset();
    s[0]->drop();
  }
  void after() {
    require(callables == 1 && nodes == 1, "not destroyed once");
    close();
  }
};
add<reset_of_owner> g19d("G19", "ResetOfItsOwnOwner", "try_reset removes a callable that holds its own registration",
                         full(), 1000000);

// --- G20: cancel_async, dispose_async, the node's two owners
// ---------------------------------------------------------------
struct cancel_vs_end : rl::test_suite<cancel_vs_end, 2>, scene {
  void before() {
    open();
    add(0);
    record();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*s[0]);
      s[0]->end();
    } else {
      reg->dispose();
      require(callables == 1, "dispose returned before the callable was destroyed");
      reg->leave();
    }
  }
  void after() {
    require(callables == 1 && nodes == 1, "not destroyed once");
    close();
  }
};
add<cancel_vs_end> g20a("G20", "CancelVersusDispose",
                        "cancel beside a registration's dispose and end: destroyed once, freed once", full(), 1000000);

struct cancel_vs_detach : rl::test_suite<cancel_vs_detach, 2>, scene {
  void before() {
    open();
    add(0);
    record();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*s[0]);
      s[0]->end();
    } else reg->detach();
  }
  void after() {
    require(callables == 1 && nodes == 1, "not destroyed once");
    close();
  }
};
add<cancel_vs_detach> g20b("G20", "CancelVersusDetach", "cancel beside a detach: destroyed once, freed once", full(),
                           1000000);

struct async_vs_end : rl::test_suite<async_vs_end, 3>, scene {
  bool taken = false;
  void before() {
    open();
    taken = false;
    add(0);
    record();
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 0) {
      s[0]->share();
      require(s[0]->begin(nullptr) == verdict::won, "lost to nobody");
      ready.pass(1);
      s[0]->end();
    } else if (i == 1) {
      P::await([this] { return ready.get() != 0; });
      model_failures f;
      s[0]->notify(f, false);
      s[0]->drop();
    } else {
      taken = reg->unregister();
      reg->dispose();
      require(reg->effect.get() == (taken ? 0 : 1), "unregistered and ran, or neither");
      reg->leave();
    }
  }
  void after() {
    require(runs(0) == 1, "a callback was lost by the source's dispose");
    require(callables == 1 && nodes == 1, "not destroyed once");
    leave(0);
    close();
  }
};
add<async_vs_end> g20c("G20", "AsyncVersusUnregisterAndDispose",
                       "cancel_async, then the source's end, beside an unregistration: nothing is lost", full(),
                       2000000);

struct async_vs_dispose : rl::test_suite<async_vs_dispose, 2>, scene {
  void before() {
    open();
    add(0);
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 0) {
      s[0]->share();
      require(s[0]->begin(nullptr) == verdict::won, "lost to nobody");
      ready.pass(1);
      s[0]->end();
    } else {
      P::await([this] { return ready.get() != 0; });
      model_failures f;
      s[0]->notify(f, false);
      s[0]->drop();
    }
  }
  void after() {
    require(runs(0) == 1, "a callback was lost by the source's dispose");
    leave(0);
    close();
  }
};
add<async_vs_dispose> g20d("G20", "AsyncVersusDispose",
                           "cancel_async, then the source's end: the callbacks run all the same", full(), 1000000);

struct awaited_end : rl::test_suite<awaited_end, 2>, scene {
  model_waiter* w = nullptr;
  void before() {
    open();
    add(0);
    record();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*s[0]);
      return;
    }
    w = ::new (P::allocate(sizeof(model_waiter))) model_waiter;
    w->done.reset();
    if (reg->unregister()) return;
    if (!reg->complete_at_end(*w)) w->done.pass(2);
    if (w->done.get() == 1) require(reg->effect.get() == 1, "completed before the callback had run");
  }
  void after() {
    require(w->done.get() != 0 || !s[0]->is_cancellation_requested() || reg->effect.get() == 0,
            "nobody has told the one who awaits the end");
    reg->dispose();
    reg->leave();
    s[0]->end();
    w->~model_waiter();
    P::deallocate(w, 0);
    close();
  }
};
add<awaited_end> g20e("G20", "DisposeAsyncVersusCancel",
                      "dispose_async beside the callback: it completes, after the callback has run", full(), 1000000);

struct two_awaited : rl::test_suite<two_awaited, 3>, scene {
  model_waiter* w[2] = {};
  void before() {
    open();
    add(0);
    record();
  }
  void thread(unsigned i) {
    if (i == 2) {
      cancel(*s[0]);
      return;
    }
    w[i] = ::new (P::allocate(sizeof(model_waiter))) model_waiter;
    w[i]->done.reset();
    if (reg->unregister() || !reg->complete_at_end(*w[i])) w[i]->done.pass(2);
  }
  void after() {
    for (auto* x : w) {
      require(x->done.get() != 0, "nobody has told the one who awaits the end");
      x->~model_waiter();
      P::deallocate(x, 0);
    }
    reg->dispose();
    reg->leave();
    s[0]->end();
    close();
  }
};
add<two_awaited> g20f("G20", "TwoDisposeAsyncVersusCancel", "two dispose_async beside the callback: both complete",
                      full(), 2000000);

struct ends_inside : rl::test_suite<ends_inside, 2>, scene {
  void before() {
    open();
    add(0);
    record();
    reg->then = [r = reg] {
      r->dispose();
      r->leave();
    };
    s[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*s[0]);
      s[0]->end();
    } else s[0]->drop();
  }
  void after() {
    require(callables == 1 && nodes == 1, "not destroyed once");
    close();
  }
};
add<ends_inside> g20g("G20", "HandleEndsInItsOwnCallback",
                      "a callback ends its own registration: the callable lives until it returns", full(), 1000000);

// --- G21: exceptions
// -----------------------------------------------------------------------------------------------------
struct carried : rl::test_suite<carried, 2>, scene {
  bool told = false;
  void before() {
    open();
    told = false;
    add(0);
    add(1, 1);
    require(s[1]->link_to(0, *s[0]), "no memory");
    enter(1);
    c[1]->then = [this] { s[1]->collector().count(); };
  }
  void thread(unsigned i) {
    if (i == 0) {
      s[0]->share();
      model_failures f;
      if (s[0]->begin(nullptr) == verdict::won) s[0]->notify(f, false);
      told = f.any();
      s[0]->drop();
    } else {
      cancel(*s[1]);
    }
  }
  void after() {
    require(runs(1) == 1, "did not run once");
    require(told == (s[0]->registry().canceller() == 1 && s[1]->registry().canceller() == 1),
            "what a child's callback threw was lost");
    leave(1);
    s[1]->end();
    s[0]->end();
    close();
  }
};
add<carried> g21a("G21", "CarriedThroughLinks",
                  "what a child's callback throws reaches who cancels: the parent's canceller or the child's", full(),
                  1000000);

struct carried_far : rl::test_suite<carried_far, 2>, scene {
  int told = 0;
  void before() {
    open_chain(*this);
    told = 0;
    enter(2);
    c[2]->then = [this] { s[2]->collector().count(); };
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel(*s[1]);
      return;
    }
    s[0]->share();
    model_failures f;
    if (s[0]->begin(nullptr) == verdict::won) s[0]->notify(f, false);
    told = f.any() ? 1 : 0;
    s[0]->drop();
  }
  void after() {
    require(runs(2) == 1, "did not run once");
    require((told != 0) == (s[1]->registry().canceller() == 1), "what a grandchild's callback threw was lost");
    leave(2);
    for (std::size_t i : {2u, 1u, 0u}) s[i]->end();
    close();
  }
};
add<carried_far> g21e("G21", "CarriedThroughTwoLinks", "the same over two links", full(), 1000000);

struct child_ends_elsewhere : rl::test_suite<child_ends_elsewhere, 2>, scene {
  baton back;
  void before() {
    open();
    back.reset();
    add(0);
    add(1, 1);
    require(s[1]->link_to(0, *s[0]), "no memory");
    enter(1);
    c[1]->then = [this] {
      ready.pass(1);
      P::await([this] { return back.get() != 0; });
    };  // send
  }
  void thread(unsigned i) {
    if (i == 0) {
      cancel(*s[0]);
      return;
    }
    P::await([this] { return ready.get() != 0; });
    {
      state::delegate const here(*s[1]);
      leave(1);
      s[1]->end();  // not the last reference: the link has one
    }
    back.pass(1);
  }
  void after() {
    require(runs(1) == 1, "did not run");
    s[0]->end();
    close();
  }
};
add<child_ends_elsewhere> g21c(
    "G21", "ChildEndsInAContext",
    "a child's callback, sent to another thread by its parent's cancel, ends the child there", full(), 1000000);

struct delegated : rl::test_suite<delegated, 2>, scene {
  void before() {
    open();
    add(0);
    record();
    reg->then = [this] { (void)ready.get(); };  // a step: others may come in between
    s[0]->share();
  }
  void thread(unsigned i) {
    if (i == 0) {  // a context's thread: runs a callback of some other cancel, then waits like everybody else
      {
        state::delegate const here(*s[0]);
        require(s[0]->runs_here(), "the context's thread is not taken for the runner");
      }
      reg->dispose();
      require(callables == 1, "dispose did not wait");
      reg->leave();
      s[0]->drop();
    } else {
      cancel(*s[0]);
      s[0]->end();
    }
  }
  void after() {
    require(callables == 1 && nodes == 1, "not destroyed once");
    close();
  }
};
add<delegated> g21b("G21", "DelegateIsRestored",
                    "after a send, thrown out of or not, its thread waits as any other (P7)", full(), 1000000);

}  // namespace
}  // namespace cts::models
