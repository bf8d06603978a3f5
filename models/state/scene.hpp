// SPDX-License-Identifier: BSL-1.0
/// @file
/// The stage of the models of states (G16 … G21 of docs/guarantees.md): parts for the templates that ship
/// (protocol/state.hpp, protocol/registration_node.hpp, and the timers of detail/timers), and a scene of up to four
/// states. The models of one guarantee or scenario are in a file, X_models.cpp; defects.cpp has the defects.
///
/// A part can be replaced by a defect, as a step of the checked code can: `replaces(name)` in defects.cpp and
/// `is_replaced(name)` here.
#pragma once

#include "timers/timer_steps.hpp"
#include "waits/event_world.hpp"

#include "cts/detail/timers/system_alarm.hpp"
#include "cts/protocol/registration_node.hpp"
#include "cts/protocol/state.hpp"

namespace cts::models::states {

using detail::request_result;
using P = platform<1, 1>;

struct model_parts;
using state = detail::basic_state<model_parts>;
using node = detail::basic_node<P>;

/// The timers of production, on the models' locks, clock and threads.
using timers = model_timer_service<timer_world<P>>;
inline timers* the_timers = nullptr;

/// Whether the running thread's last cancel has won. For defects.
inline bool has_won() {
  step const* const tried = recall(detail::site::status_cancel);
  return tried != nullptr && tried->done;
}

// --- parts ---

/// The event of production. Of a defect, the canceller signals it later.
struct state_event : model_event {
  void signal() noexcept {
    if (is_replaced("event.signal") && has_won()) unsignalled = this;
    else model_event::signal();
  }
  inline static model_event* unsignalled = nullptr;
};

/// The timer of production; detail::alarm adds those of a time_provider and the deadline.
struct model_alarm : detail::basic_system_alarm<model_parts, timers> {
  using base = detail::basic_system_alarm<model_parts, timers>;
  explicit model_alarm(states::state& s) : base(std::addressof(s)) {}
  P::var<int> built{1};  // its users read it: a race if they do not see it made
  template <class Wanted>
  void arm(std::chrono::nanoseconds when, Wanted wanted) {
    (void)built.get();
    base::arm(when, wanted);
  }
  bool disarm() noexcept {
    (void)built.get();
    return base::disarm();
  }
  bool reset() noexcept { return disarm(); }
};

/// Counts exceptions.
class model_failures {
 public:
  bool any() const {
    the_reduction.touch(reduction::others, false);
    return count_ != 0;
  }
  void add_aggregate(model_failures& other) {
    require(other.any(), "an aggregate of nothing");
    if (!is_replaced("failures.add_aggregate")) count();
  }
  void count() {
    the_reduction.touch(reduction::others, true);
    ++count_;
  }

 private:
  int count_ = 0;
};

struct model_dying_list : detail::dying_list<state> {
  bool is_in_removal() const noexcept {
    return !is_replaced("dying_list.is_in_removal") && detail::dying_list<state>::is_in_removal();
  }
  state* take() noexcept { return is_replaced("dying_list.take") ? nullptr : detail::dying_list<state>::take(); }
};

/// The parts that all states share: the lock of readers, and each thread's dying states.
struct shared_parts {
  lock_word readers{lock_word::unset{}};
  model_dying_list dying[reduction::most];
};
inline shared_parts* the_shared = nullptr;

struct model_parts {
  using platform = P;
  using event = state_event;
  using alarm = model_alarm;
  using failures = model_failures;
  struct reason {};
  struct extras {};
  struct waiting {
    waiting(state&, core::basic_callback<P>&) {}
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
  static model_dying_list& dying() { return the_shared->dying[rl::thread_index()]; }
  static failures* make_failures() { return ::new (P::allocate(sizeof(failures))) failures; }
  static void destroy_failures(failures* f) { P::deallocate(f, sizeof *f); }
  static event* make_event() { return ::new (P::allocate(sizeof(event))) event; }
  static void destroy_reason(reason*) {}
  static void* allocate(std::size_t n) { return P::allocate(n); }
  static void deallocate(void* p) { P::deallocate(p, 0); }
  static void* allocate_lines(std::size_t n) { return P::allocate(n); }
  static void deallocate_lines(void* p) { P::deallocate(p, 0); }
};

/// A step of the reader's walk that a defect replaces: the reader leaves the states that it has reached first before
/// those that it has reached through them.
struct faulty_follow_path {
  template <class State>
  static void to(State& s, detail::state_list<State>& path) noexcept {
    if (!is_replaced("follow_path")) return detail::follow_path::to(s, path);
    detail::state_list<State> before;
    while (!path.empty()) before.push(path.pop());
    path.push(s);
    while (!before.empty()) path.push(before.pop());
  }
};

// --- callbacks ---

/// A callback in the model's own memory.
struct in_place : node {
  explicit in_place() : node(&run) {}
  P::var<int> runs{0};
  std::function<void()> then;
  static void run(callback& c) noexcept {
    auto& n = static_cast<in_place&>(c);
    n.runs.set(n.runs.get() + 1);
    if (n.then) n.then();
  }
};

/// A thread that waits for a registration's end.
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
  registration(state& s, int& destroyed, int& freed)
      : base(s, &run, &destroy), callables_destroyed(destroyed), nodes_freed(freed) {
    s.share();
    removed_at_once = is_replaced("node.removal");
  }
  P::var<int> callable{1};
  P::var<int> effect{0};
  int& callables_destroyed;
  int& nodes_freed;
  std::function<void()> then, at_end;

  void destroy_callable() {
    require(callable.get() == 1, "a callable was destroyed twice");
    callable.set(0);
    the_reduction.touch(reduction::ends, true);
    ++callables_destroyed;
    if (at_end) at_end();
  }

 private:
  static void run(callback& c) noexcept {
    auto& n = static_cast<registration&>(c);
    require(n.callable.get() == 1, "a destroyed callable was called");
    n.effect.set(1);
    if (n.then) n.then();
    n.end_registration();
  }
  static void destroy(detail::basic_node<P>& b, part what) noexcept;
};

/// By thread: a callable that a defect destroys too late.
inline registration* the_late_callable[reduction::most] = {};
inline registration*& late_callable() { return the_late_callable[rl::thread_index()]; }

inline void registration::destroy(detail::basic_node<P>& b, part what) noexcept {
  auto& n = static_cast<registration&>(b);
  if (what == part::registration) return n.end_removed();
  if (what == part::record) return;
  if (what == part::callable) {
    if (is_replaced("callable.destroy")) late_callable() = &n;
    else n.destroy_callable();
    return;
  }
  the_reduction.touch(reduction::ends, true);
  ++n.nodes_freed;
  n.~registration();
  P::deallocate(&n, sizeof n);
}

// --- the scene ---

/// Up to four states, a callback on each, and a registration.
struct scene {
  shared_parts shared;
  state* states[4] = {};
  std::size_t stripes = 0;  // of each state; 0: plain ones
  in_place* callbacks[4] = {};
  registration* handle = nullptr;
  int callables_destroyed = 0, nodes_freed = 0;
  baton ready;
  P::var<int>* payload = nullptr;  // written before cancel: a thread that learns of cancel must see it

  void open() {
    now = execution{};
    now.lifetimes = true;
    state_event::unsignalled = nullptr;
    the_timers = nullptr;  // an execution that failed may have left its own
    the_shared = &shared;
    shared.readers.reset();
    for (auto& d : shared.dying) d = {};
    callables_destroyed = nodes_freed = 0;
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
    other->arm([](model_alarm& a, auto wanted) { a.arm({}, wanted); });
    other->dispose_and_drop();
  }
  void add(std::size_t i, std::size_t links = 0) {
    states[i] = state::create({.links = links, .stripes = stripes});
    callbacks[i] = ::new (P::allocate(sizeof(in_place))) in_place;
  }
  /// A root, its child, and the child's child.
  void open_chain() {
    open();
    add(0);
    add(1, 1);
    add(2, 1);
    require(states[1]->link_to(0, *states[0]) && states[2]->link_to(0, *states[1]), "no memory");
  }
  /// Registers callback i. It holds a reference to its state.
  void register_callback(std::size_t i) {
    states[i]->share();
    require(states[i]->try_register(*callbacks[i]) == core::register_result::registered, "not registered");
  }
  void unregister_callback(std::size_t i) {
    states[i]->unregister_and_wait(*callbacks[i]);
    states[i]->drop();
  }
  /// Registers a node with memory of its own in state i.
  void register_node(std::size_t i = 0) {
    handle = ::new (P::allocate(sizeof(registration))) registration(*states[i], callables_destroyed, nodes_freed);
    require(states[i]->try_register(*handle) == core::register_result::registered, "not registered");
  }
  void make_payload() { payload = ::new (P::allocate(sizeof(P::var<int>))) P::var<int>(0); }
  int runs(std::size_t i) { return callbacks[i]->runs.get(); }
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
    for (in_place*& n : callbacks)
      if (n != nullptr) {
        n->~in_place();
        P::deallocate(n, sizeof *n);
        n = nullptr;
      }
  }
};

/// The same model with states of shared sources: two stripes each.
template <class Model>
struct of_shared : Model {
  void before() {
    this->stripes = 2;
    Model::before();
  }
};

// --- verbs of threads ---

/// A source's cancel. The caller holds a reference; if that is the source's, a callback may end it.
inline request_result cancel(state& s) {
  request_result const result = s.request_cancellation(nullptr);
  if (result == request_result::won) {
    model_failures f;
    s.notify(f, false);
  }
  return result;
}
/// A reader: asks each state above `s` for a word that dies with it, as production asks for the deadline.
inline int count_above(state& s) {
  int n = 0;
  s.visit_above([&n](state& above) { n += above.is_disposed() ? 0 : 1; });
  return n;
}
/// A thread of the timers: fires the armed timers and ends.
inline void run_timers() { the_timers->run_thread(); }
/// The same for the threads that were started and have not run.
inline void run_started_timers(unsigned ran = 0) {
  for (; ran < the_time.started; ++ran) run_timers();
}

}  // namespace cts::models::states

template <std::size_t InlineSlots, std::size_t SegmentSlots, std::size_t Prefetch>
struct cts::core::replaced<cts::models::platform<InlineSlots, SegmentSlots, Prefetch>, cts::detail::follow_path> {
  using type = cts::models::states::faulty_follow_path;
};
