// SPDX-License-Identifier: BSL-1.0
/// @file
/// The stage of the programs of states (G16, G18 … G21): parts for protocol/state.hpp, states, callbacks and a
/// registration with memory of its own. There is no timer (G17).
#pragma once

#include "genmc/program.hpp"

#include "cts/protocol/registration_node.hpp"
#include "cts/protocol/state.hpp"

namespace cts::genmc {

using detail::request_result;

struct parts;
using state = detail::basic_state<parts>;
using state_platform = platform<1, 1>;

/// The event that a wait handle waits for. Its users read `built`: a race if they do not see it made.
class counted_event {
 public:
  static constexpr int signalled = 1, disposed = 2;
  int built = 1;

  void share() noexcept { __atomic_fetch_add(&refs_, 1, __ATOMIC_RELAXED); }
  void drop() noexcept {
    if (__atomic_fetch_sub(&refs_, 1, __ATOMIC_ACQ_REL) != 1) return;
    counted_event* gone = this;
    genmc::drop(gone);
  }
  void signal() noexcept { set(signalled); }
  void dispose() noexcept { set(disposed); }
  bool is(int flag) const noexcept { return (__atomic_load_n(&flags_, __ATOMIC_ACQUIRE) & flag) != 0; }

 private:
  void set(int flag) noexcept {
    require(built == 1, "an event is used that is not there");
    __atomic_fetch_or(&flags_, flag, __ATOMIC_ACQ_REL);
  }
  int flags_ = 0, refs_ = 1;
};

/// A lock whose owner others wait for.
class one_at_a_time {
 public:
  one_at_a_time() noexcept {
    wait_until([] { return __atomic_exchange_n(&taken, 1, __ATOMIC_ACQUIRE) == 0; });
  }
  one_at_a_time(one_at_a_time const&) = delete;
  one_at_a_time& operator=(one_at_a_time const&) = delete;
  ~one_at_a_time() { __atomic_store_n(&taken, 0, __ATOMIC_RELEASE); }

 private:
  inline static constinit int taken = 0;
};

struct parts {
  using platform = state_platform;
  using event = counted_event;
  struct alarm {
    explicit alarm(state&) noexcept {}
    void disarm() noexcept {}
    bool reset() noexcept { return true; }
  };
  struct failures {
    bool any() const noexcept { return thrown != 0; }
    void add_aggregate(failures& other) noexcept { thrown += other.thrown; }
    int thrown = 0;
  };
  struct reason {};
  struct extras {};
  struct waiting {
    waiting(state&, core::basic_callback<platform>&) noexcept {}
  };
  using one_reader = one_at_a_time;
  static constexpr unsigned most_nested = 1;
  static detail::dying_list<state>& dying() noexcept { return lists[thread_number()]; }
  static failures* make_failures() noexcept { return make<failures>(); }
  static void destroy_failures(failures* f) noexcept { genmc::drop(f); }
  static event* make_event() noexcept { return make<event>(); }
  static void destroy_reason(reason*) noexcept {}
  static void* allocate(std::size_t bytes) noexcept { return genmc::allocate(bytes); }
  static void deallocate(void* at) noexcept { genmc::deallocate(at); }
  static void* allocate_lines(std::size_t bytes) noexcept { return genmc::allocate(bytes); }
  static void deallocate_lines(void* at) noexcept { genmc::deallocate(at); }

  static detail::dying_list<state> lists[4];
};
inline constinit detail::dying_list<state> parts::lists[4] = {};

/// A callback in the program's memory.
struct in_place : detail::basic_node<state_platform> {
  in_place() noexcept : basic_node(&ran) {}
  int runs = 0;
  void (*then)(in_place&) = nullptr;
  void* on = nullptr;
  static void ran(callback& c) noexcept {
    auto& n = static_cast<in_place&>(c);
    n.runs = n.runs + 1;
    if (n.then != nullptr) n.then(n);
  }
};

/// A thread that waits for a registration's end.
struct waiter {
  waiter* next = nullptr;
  int built = 1;
  baton ended;
  void complete() noexcept {
    require(built == 1, "a waiter is completed that is not there");
    ended.pass();
  }
};

/// How often a registration's callable and its node were destroyed.
struct ends {
  int callables = 0, nodes = 0;
};
struct registration : detail::basic_registration_node<state, waiter> {
  using base = detail::basic_registration_node<state, waiter>;
  registration(state& s, ends& e) noexcept : base(s, &ran, &destroy), ended(e) { s.share(); }
  ends& ended;
  int callable = 1, effect = 0;

 private:
  static void ran(callback& c) noexcept {
    auto& n = static_cast<registration&>(c);
    require(n.callable == 1, "a destroyed callable was called");
    before_a_step();  // no atomic operation lies between the take of the slot and the end of the callable
    n.effect = 1;
    n.end_registration();
  }
  static void destroy(detail::basic_node<state_platform>& b, part what) noexcept {
    auto* n = static_cast<registration*>(&b);
    if (what == part::registration) return n->end_registration();
    if (what == part::callable) {
      require(n->callable == 1, "a callable was destroyed twice");
      n->callable = 0;
      ++n->ended.callables;
    } else if (what == part::storage) {
      ++n->ended.nodes;
      drop(n);
    }
  }
};

/// Up to three states, a callback on each, a registration, and what was written before cancel.
struct state_stage {
  state* states[3] = {};
  in_place* callbacks[3] = {};
  registration* handle = nullptr;
  ends ended;
  int before_cancel = 0;

  void add(int i, std::size_t links = 0) {
    states[i] = state::create({.links = links});
    callbacks[i] = make<in_place>();
  }
  void close() {
    for (in_place*& c : callbacks) drop(c);
  }
  void register_callback(int i) {
    states[i]->share();
    require(states[i]->try_register(*callbacks[i]) == core::register_result::registered, "not registered");
  }
  void unregister_callback(int i) {
    states[i]->unregister_and_wait(*callbacks[i]);
    states[i]->drop();
  }
  void register_node(int i) {
    handle = make<registration>(*states[i], ended);
    require(states[i]->try_register(*handle) == core::register_result::registered, "not registered");
  }
  bool cancel(int i) {
    state& s = *states[i];
    s.share();
    bool const won = s.request_cancellation(nullptr) == request_result::won;
    if (won) {
      parts::failures f;
      s.notify(f, false);
    }
    s.drop();
    return won;
  }
  void sees_the_cancel(state& s) {
    require(s.is_cancellation_requested(), "cancel was faster, but the flag reads as clear");
    require(before_cancel == 1, "cancel was faster, but what was written before it is not visible");
  }
};

}  // namespace cts::genmc
