// SPDX-License-Identifier: BSL-1.0
/// @file
/// The models of the timer service of production (detail/timers/timer_service.hpp) by itself: its invariants W1 … W6
/// under G17, and its wheel (T1 … T3). With the states of sources it is in state_models.cpp.
#include "timers/timer_steps.hpp"

#include <system_error>

#include "cts/detail/timers/timer_service.hpp"

namespace cts::models {
namespace {

using P = platform<1, 1>;
using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr nanoseconds never = (nanoseconds::max)();

/// A timer in the model's memory. `held` counts the references that the service has.
template <class Service>
struct shot : Service::entry {
  shot() : Service::entry(actions_of_shots) {}
  P::var<int> runs{0};
  int held = 0;
  nanoseconds due{0};
  std::function<void()> then;

  static shot& of(detail::timer_entry& e) noexcept { return static_cast<shot&>(e); }
  static void acquire(detail::timer_entry& e) noexcept { of(e).hold(1); }
  static void release(detail::timer_entry& e) noexcept { of(e).hold(-1); }
  static void fire(detail::timer_entry& e) noexcept {
    shot& s = of(e);
    require(s.held > 0, "a timer fires without a reference");
    require(timer_world<P>::now() >= s.due, "a timer fires early");
    s.runs.set(s.runs.get() + 1);
    if (s.then) s.then();
    s.hold(-1);
  }
  void hold(int n) noexcept {
    the_reduction.touch(reduction::ends, true);
    held += n;
  }
  static constexpr detail::timer_actions actions_of_shots{&acquire, &release, &fire};
};

struct job : detail::background_job {
  job() : background_job(&ran) {}
  P::var<int> runs{0};
  baton done;
  static void ran(detail::background_job& j) noexcept {
    auto& me = static_cast<job&>(j);
    me.runs.set(me.runs.get() + 1);
    me.done.pass(1);
  }
};

/// A service, two timers and a job.
template <std::size_t Partitions = 1>
struct crew {
  using service = model_timer_service<timer_world<P, Partitions>>;
  using timer = shot<service>;
  service* s = nullptr;
  timer* t[3] = {};
  job* j = nullptr;
  bool armed[3] = {};  // and arm() has not thrown
  bool posted = false;
  baton fired;
  int last = -1;  // who has armed last
  unsigned lives = 0;

  /// @param threads how many can be started
  void open(unsigned threads) {
    now = execution{};
    the_time = {};
    the_time.available = threads;
    s = ::new (P::allocate(sizeof(service))) service;
    for (timer*& x : t) x = ::new (P::allocate(sizeof(timer))) timer;
    j = ::new (P::allocate(sizeof(job))) job;
    j->done.reset();
    fired.reset();
    armed[0] = armed[1] = armed[2] = posted = false;
    last = -1;
    lives = 0;
  }
  /// Threads that have nothing to do end at once; no wait is long.
  void rush() {
    the_time.rushes = true;
    the_time.horizon = never;
  }
  /// A thread is on its way.
  void start() {
    arm(0, 0ns);
    s->disarm(*t[0]);
    lives = 1;
  }
  bool arm(unsigned i, nanoseconds due) { return arm(i, i, due); }
  /// As caller `k`.
  bool arm(unsigned k, unsigned i, nanoseconds due) {
    bool ok = false;
    t[i]->due = due;
    try {
      s->arm(*t[i], due, [this, k] {
        last = static_cast<int>(k);
        return true;
      });
      ok = true;
    } catch (std::system_error const&) {}
    the_reduction.touch(reduction::ends, true);
    return armed[k] = ok;
  }
  void post() {
    posted = s->post(*j);
    if (!posted) job::ran(*j);
  }
  /// The threads that were started and have not run.
  void run_the_rest() {
    for (; lives < the_time.started; ++lives) s->run_thread();
  }
  void end() { the_time.end(); }
  int runs(unsigned i) { return t[i]->runs.get(); }
  void close() {
    require(s->threads() == 0, "a thread is counted that is not there");
    for (timer*& x : t) {
      require(x->held == 0, "a reference is left");
      x->~timer();
      P::deallocate(x, sizeof *x);
    }
    j->~job();
    P::deallocate(j, sizeof *j);
    s->~service();
    P::deallocate(s, sizeof *s);
  }
};

// --- W1
// ----------------------------------------------------------------------------------------------------
/// The keeper sleeps until the first timer is due, or without one, beyond the horizon; the second one is earlier.
template <class Crew, bool Idle>
struct arm_vs_sleep : rl::test_suite<arm_vs_sleep<Crew, Idle>, 2>, Crew {
  void before() {
    Crew::open(2);
    the_time.horizon = 100ms;
    if (Idle) Crew::start();
    else Crew::arm(0, 1s);
    Crew::t[1]->then = [this] { Crew::end(); };
  }
  void thread(unsigned i) {
    if (i == 0) Crew::arm(1, 50ms);
    else Crew::s->run_thread();
  }
  void after() {
    Crew::lives = 1;
    Crew::run_the_rest();
    require(Crew::runs(0) == (Idle ? 0 : 1) && Crew::runs(1) == 1, "did not run once");
    Crew::close();
  }
};
add<arm_vs_sleep<crew<>, false>> w1a("G17", "ArmEarlierVersusSleep",
                                     "a timer that is due before the one that the keeper sleeps for wakes it (W1)",
                                     full(), 1000000);
add<arm_vs_sleep<crew<>, true>> w1b("G17", "ArmVersusIdleKeeper",
                                    "a timer that is armed while the keeper goes to sleep wakes it (W1)", full(),
                                    1000000);
add<arm_vs_sleep<crew<2>, false>> w1c("G17", "ArmInAnotherWheel", "the same with a wheel for each thread (W1)", full(),
                                      1000000);

/// The first timer fires; the second one is due later, but before everything else.
struct arm_vs_fire : rl::test_suite<arm_vs_fire, 2>, crew<> {
  void before() {
    open(2);
    the_time.horizon = 100ms;
    arm(0, 50ms);
    t[1]->then = [this] { end(); };
  }
  void thread(unsigned i) {
    if (i == 0) arm(1, 80ms);
    else s->run_thread();
  }
  void after() {
    lives = 1;
    run_the_rest();
    require(runs(0) == 1 && runs(1) == 1, "did not run once");
    close();
  }
};
add<arm_vs_fire> w1e(
    "G17", "ArmLaterVersusFire",
    "a timer that is armed while the keeper fires another and looks for the next one is not overslept (W1)", full(),
    1000000);

struct arm_vs_end : rl::test_suite<arm_vs_end, 2>, crew<> {
  void before() {
    open(2);
    rush();
    start();
  }
  void thread(unsigned i) {
    if (i == 0) require(arm(1, 0ns), "a thread could be started, but the timer was refused");
    else s->run_thread();
  }
  void after() {
    run_the_rest();
    require(runs(1) == 1, "did not run once");
    close();
  }
};
add<arm_vs_end> w1d("G17", "ArmVersusEndOfTheKeeper",
                    "a timer that is armed while the keeper ends is served by it or by another thread (W1)", full(),
                    1000000);

// --- no thread can be started
// ---------------------------------------------------------------------------------------------------
struct two_arm : rl::test_suite<two_arm, 2>, crew<> {
  void before() {
    open(1);
    rush();
  }
  void thread(unsigned i) { arm(i, 0ns); }
  void after() {
    run_the_rest();
    require(armed[0] || armed[1], "a thread was started, but both timers were refused");
    for (unsigned i : {0u, 1u}) require(runs(i) == (armed[i] ? 1 : 0), "armed and not run, or refused and run");
    close();
  }
};
add<two_arm> w3a(
    "G17", "TwoArmAndOneStart",
    "two threads arm, one thread can be started: who is refused has armed nothing, who is not is served (W1)", full(),
    1000000);

struct two_arm_one : rl::test_suite<two_arm_one, 2>, crew<> {
  void before() {
    open(1);
    rush();
  }
  void thread(unsigned i) { arm(i, 0, 0ns); }
  void after() {
    run_the_rest();
    require(runs(0) == (armed[last] ? 1 : 0), "what has been armed last has not run, or has run though it was refused");
    close();
  }
};
add<two_arm_one> w3b("G17", "TwoArmTheSameAndOneStart",
                     "the same with one timer: who is refused takes back no more than its own arming (W1)", full(),
                     1000000);

struct arm_refused : rl::test_suite<arm_refused, 2>, crew<> {
  void before() {
    open(1);
    rush();
    start();
  }
  void thread(unsigned i) {
    if (i == 0) arm(1, 0ns);
    else s->run_thread();
  }
  void after() {
    require(armed[1] ? runs(1) == 1 : !s->any_armed(), "armed and not run, or refused and armed");
    close();
  }
};
add<arm_refused> w3c(
    "G17", "ArmRefusedVersusKeeper",
    "no thread can be started, beside a keeper that ends: armed and run, or refused and not armed (W1, W3)", full(),
    1000000);

// --- W2
// ----------------------------------------------------------------------------------------------------
/// A callback that waits for a timer which it has armed.
struct nested : rl::test_suite<nested, 2>, crew<> {
  void before() {
    open(2);
    the_time.horizon = 100ms;
    t[0]->then = [this] {
      arm(1, 0ns);
      P::await([this] { return fired.get() != 0; });
    };
    t[1]->then = [this] {
      end();
      fired.pass(1);
    };
    arm(0, 0ns);
  }
  void thread(unsigned i) { live(*s, i); }
  void after() {
    require(runs(0) == 1 && runs(1) == 1, "did not run once");
    close();
  }
};
add<nested> w2a("G17", "CallbackWaitsForItsTimer",
                "a callback waits for a timer that it has armed: another thread takes over and fires it (W2)", full(),
                1000000);

/// A short callback, and then one that waits: the watcher sleeps in between.
struct nested_second : rl::test_suite<nested_second, 2>, crew<> {
  void before() {
    open(2);
    the_time.horizon = 100ms;
    t[1]->then = [this] {
      arm(2, 0ns);
      P::await([this] { return fired.get() != 0; });
    };
    t[2]->then = [this] {
      end();
      fired.pass(1);
    };
    arm(0, 0ns);
    arm(1, 0ns);
  }
  void thread(unsigned i) { live(*s, i); }
  void after() {
    require(runs(0) == 1 && runs(1) == 1 && runs(2) == 1, "did not run once");
    close();
  }
};
add<nested_second> w2c("G17", "SecondCallbackWaitsForItsTimer",
                       "the same with a watcher that sleeps when the callback begins (W2)", large(3, 1), 100000);

/// No watcher can be started at first, and another thread arms.
struct nested_later : rl::test_suite<nested_later, 2>, crew<> {
  void before() {
    open(1);
    the_time.horizon = 100ms;
    t[0]->then = [this] {
      P::await([this] { return fired.get() != 0; });  // else this arm might rely on an attempt that fails
      fired.pass(0);
      the_reduction.touch(reduction::others, true);
      the_time.available = 1;
      arm(2, 0ns);
      P::await([this] { return fired.get() != 0; });
    };
    t[2]->then = [this] {
      end();
      fired.pass(1);
    };
    arm(0, 0ns);
  }
  void thread(unsigned i) {
    if (i == 1) {
      arm(1, 10s);
      fired.pass(1);
    }
    live(*s, i);
  }
  void after() {
    lives = 2;
    run_the_rest();
    require(runs(0) == 1 && runs(2) == 1, "did not run once");
    require(runs(1) == (armed[1] ? 1 : 0), "armed and not run, or refused and run");
    close();
  }
};
add<nested_later> w2b(
    "G17", "CallbackStartsItsWatcher",
    "no watcher could be started; the callback's own timer tries again, whatever others have armed (W2)", full(),
    1000000);

// --- W5
// ----------------------------------------------------------------------------------------------------
template <unsigned Threads>
struct post_vs_end : rl::test_suite<post_vs_end<Threads>, 2>, crew<> {
  void before() {
    open(Threads);
    rush();
    start();
  }
  void thread(unsigned i) {
    if (i == 0) post();
    else s->run_thread();
  }
  void after() {
    require(Threads == 1 || posted, "a thread could be started, but the job was refused");
    run_the_rest();
    require(j->runs.get() == 1, "did not run once");
    close();
  }
};
add<post_vs_end<2>> w5a("G17", "PostVersusEndOfTheKeeper", "a job that is posted while the keeper ends runs once (W5)",
                        full(), 1000000);
add<post_vs_end<1>> w5b("G17", "PostRefusedVersusKeeper",
                        "the same where no thread can be started: it runs, or is refused (W5)", full(), 1000000);

/// A callback that waits for the job.
template <unsigned Threads, bool Itself>
struct post_vs_blocked : rl::test_suite<post_vs_blocked<Threads, Itself>, 2>, crew<> {
  void before() {
    open(Threads);
    the_time.horizon = 100ms;
    t[0]->then = [this] {
      if (Itself) post();
      P::await([this] { return j->done.get() != 0; });
      end();
    };
    arm(0, 0ns);
  }
  void thread(unsigned i) {
    if (i == 0) s->run_thread();
    else if (Itself) live(*s, i);
    else post();
  }
  void after() {
    run_the_rest2();
    require(j->runs.get() == 1 && runs(0) == 1, "did not run once");
    close();
  }
  void run_the_rest2() {
    lives = Itself ? 2 : 1;
    run_the_rest();
  }
};
add<post_vs_blocked<2, true>> w5c(
    "G17", "CallbackWaitsForItsJob",
    "a callback waits for a job that it has posted: another thread takes over and runs it (W5)", full(), 1000000);
add<post_vs_blocked<1, false>> w5d(
    "G17", "CallbackWaitsForAJob",
    "a callback waits for another thread's job, and no watcher can be started: the job is refused or run (W5)", full(),
    1000000);

// --- stop
// ----------------------------------------------------------------------------------------------------
/// The keeper sleeps.
struct stop_vs_arm : rl::test_suite<stop_vs_arm, 3>, crew<> {
  void before() {
    open(1);
    start();
  }
  void thread(unsigned i) {
    if (i == 0) {
      require(s->stop(never), "threads are left");
    } else if (i == 1) s->run_thread();
    else arm(1, 0ns);
  }
  void after() {
    rush();
    the_time.available = 8;
    run_the_rest();
    require(arm(0, 0ns), "a thread could be started, but the timer was refused");
    run_the_rest();
    require(runs(0) == 1 && runs(1) == (armed[1] ? 1 : 0), "a timer that was armed beside a stop did not run");
    close();
  }
};
add<stop_vs_arm> st1("G17", "StopVersusArm",
                     "stop beside an arm: the keeper ends, and the next arm starts a thread that serves both (W1)",
                     full(), 100000);

struct stop_gives_up : rl::test_suite<stop_gives_up, 2>, crew<> {
  void before() {
    open(2);
    start();
    t[1]->then = [this] { end(); };
  }
  void thread(unsigned i) {
    if (i == 1) return s->run_thread();
    if (!s->stop(0ns)) require(arm(1, 0ns), "refused, but there is a thread");
    else end();
  }
  void after() {
    run_the_rest();
    require(runs(1) == (armed[1] ? 1 : 0), "a timer that was armed after a stop did not run");
    close();
  }
};
add<stop_gives_up> st2("G17", "StopThatGivesUp",
                       "a timer that is armed after a stop that has not waited is served (W1)", full(), 1000000);

struct stop_vs_post : rl::test_suite<stop_vs_post, 3>, crew<> {
  void before() {
    open(1);
    start();
  }
  void thread(unsigned i) {
    if (i == 0) require(s->stop(never), "threads are left");
    else if (i == 1) s->run_thread();
    else post();
  }
  void after() {
    require(j->runs.get() == 1, "did not run once");
    close();
  }
};
add<stop_vs_post> st3("G17", "StopVersusPost", "stop beside a post: the job runs once, or is refused (W5)", full(),
                      100000);

struct stop_vs_callback : rl::test_suite<stop_vs_callback, 2>, crew<> {
  bool stopped = false;
  void before() {
    open(1);
    stopped = false;
    t[0]->then = [this] {
      require(s->stop(never), "stop waits for its own thread");
      (void)fired.get();  // a step: others may come in between
      the_reduction.touch(reduction::ends, false);
      require(!stopped, "a callback runs after stop() has returned");
    };
    arm(0, 0ns);
  }
  void thread(unsigned i) {
    if (i == 1) return s->run_thread();
    require(s->stop(never), "threads are left");
    the_reduction.touch(reduction::ends, true);
    stopped = true;
  }
  void after() {
    require(runs(0) <= 1, "ran twice");
    close();
  }
};
add<stop_vs_callback> st4("G17", "StopVersusCallback",
                          "stop waits for a callback on another thread, not for the calling one", full(), 1000000);

/// A keeper with a callback, a watcher, and stop.
struct stop_vs_watcher : rl::test_suite<stop_vs_watcher, 3>, crew<> {
  void before() {
    open(2);
    the_time.horizon = 100ms;
    arm(0, 0ns);
  }
  void thread(unsigned i) {
    if (i < 2) return live(*s, i);
    require(s->stop(never), "threads are left");
    end();
  }
  void after() {
    require(runs(0) <= 1, "ran twice");
    close();
  }
};
add<stop_vs_watcher> st5("G17", "StopVersusKeeperAndWatcher",
                         "stop beside a keeper that runs a callback and its watcher: both end", full(), 100000);

/// A callback that waits for a timer which it has armed, and stop.
struct stop_vs_nested : rl::test_suite<stop_vs_nested, 3>, crew<> {
  void before() {
    open(2);
    the_time.horizon = 100ms;
    t[0]->then = [this] {
      P::await([this] { return fired.get() != 0; });  // stop() is about to wait
      fired.pass(0);
      require(arm(1, 0ns), "refused, but there is a thread");
      P::await([this] { return fired.get() != 0; });
    };
    t[1]->then = [this] { fired.pass(1); };
    arm(0, 0ns);
  }
  void thread(unsigned i) {
    if (i < 2) return live(*s, i);
    P::await([this] {
      the_reduction.touch(reduction::others, false);
      return the_time.started == 2;
    });
    fired.pass(1);
    require(s->stop(never), "threads are left");
    end();
  }
  void after() {
    require(runs(0) == 1 && runs(1) == 1, "did not run once");
    close();
  }
};
add<stop_vs_nested> st6("G17", "StopVersusCallbackThatWaitsForItsTimer",
                        "stop waits for a callback that waits for a timer: it fires, and all threads end (W6)", large(),
                        100000);

// --- the wheel
// ----------------------------------------------------------------------------------------------------
/// Three timers and whatever is done with them, drawn: a wheel beside a list that is searched.
struct wheel_vs_list : rl::test_suite<wheel_vs_list, 1> {
  using wheel = model_wheel;
  struct item : detail::timer_entry {
    item() : timer_entry(nothing) {}
    static void none(detail::timer_entry&) noexcept {}
    static constexpr detail::timer_actions nothing{&none, &none, &none};
  };
  static constexpr wheel::tick dues[] = {0, 1, 64, 70, 4100, 4099};
  wheel* w = nullptr;
  item* e[3] = {};
  wheel::tick due[3] = {}, time = 0;  // never: not armed
  bool late[3] = {};                  // armed when it was due already: its place is after those that are due

  void before() {
    now = execution{};
    w = ::new (P::allocate(sizeof(wheel))) wheel;
    for (item*& x : e) x = ::new (P::allocate(sizeof(item))) item;
    for (auto& d : due) d = wheel::never;
    time = 0;
  }
  wheel::tick earliest() const {
    wheel::tick least = wheel::never;
    for (auto const d : due)
      if (d < least) least = d;
    return least;
  }
  void arm(unsigned i) {
    w->disarm(*e[i]);
    due[i] = dues[rl::rand(6)];
    late[i] = due[i] <= time;
    w->arm(*e[i], due[i]);
    look();
  }
  void look() {
    wheel::tick const next = w->next(), least = earliest();
    require(least == wheel::never ? next == wheel::never : next <= least || next <= time, "a wheel sleeps too long");
    require(next == wheel::never || next <= time || next == least, "a wheel wakes for nothing");
    for (unsigned i = 0; i < 3; ++i)
      require(e[i]->is_armed() == (due[i] != wheel::never), "armed and not in the wheel, or in it and not armed");
  }
  bool pop(unsigned steps) {
    detail::timer_entry* const got = w->pop(time, steps);
    wheel::tick const least = earliest();
    if (got == nullptr) {
      require(least > time || steps == 0, "a timer is late");
      return steps == 0 && least <= time;
    }
    for (unsigned i = 0; i < 3; ++i) {
      if (got != e[i]) continue;
      require(due[i] <= time, "a timer is early");
      for (unsigned k = 0; k < 3; ++k) require(late[i] || late[k] || due[i] <= due[k], "a later timer comes first");
      due[i] = wheel::never;
      look();
      return true;
    }
    require(false, "what is popped is no timer");
    return false;
  }
  void thread(unsigned) {
    for (unsigned i : {0u, 1u, 2u}) arm(i);
    for (int k = 0; k < 2; ++k) {
      switch (rl::rand(4)) {
        case 0: arm(rl::rand(3)); break;
        case 1: {
          unsigned const i = rl::rand(3);
          w->disarm(*e[i]);
          due[i] = wheel::never;
          look();
          break;
        }
        case 2: pop(1); break;
        case 3:
          time += dues[1 + rl::rand(4)];
          pop(64);
          break;
      }
    }
    for (int n = 0; n < 30 && pop(2); ++n) {}
    time = 5000000;
    for (int n = 0; n < 30 && pop(2); ++n) {}
    require(earliest() == wheel::never, "a timer is lost");
  }
  void after() {
    for (item* x : e) P::deallocate(x, sizeof *x);
    P::deallocate(w, sizeof *w);
  }
};
add<wheel_vs_list> wh1(
    "G17", "WheelVersusList",
    "a wheel has the earliest timer, never early and never late, whatever is armed, disarmed and popped (T1, T2, T3)",
    full(), 0);

}  // namespace
}  // namespace cts::models
