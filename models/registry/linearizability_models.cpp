// SPDX-License-Identifier: BSL-1.0
/// @file
/// LIN, linearizability: a registry that does one thing at a time could have answered as this one did. Each execution
/// is recorded and searched for such an order (linearizability.hpp).
#include "checker/harness.hpp"
#include "checker/recorder.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

/// A stage that records the verbs.
template <class P, unsigned Threads>
struct recorded : stage<P> {
  recorder log{Threads};
  recorder::clock canceling[recorder::most_threads]{};  // each thread's knowledge when it called cancel
  bool won[recorder::most_threads]{};  // it has been recorded that the running cancel has closed the registry

  void open(std::size_t n) {
    stage<P>::open(n);
    log.clear();
    for (unsigned i = 0; i < n; ++i) this->nodes[i]->then = [this, i](auto&) { run(i); };
  }
  void try_register(unsigned i) {
    auto const known = log.now_known();
    bool const in = this->shared->try_register(*this->nodes[i]) == register_result::registered;
    log.add(in ? did::registered : did::refused, i, known);
  }
  void unregister(unsigned i) {
    auto const known = log.now_known();
    bool const out = this->shared->unregister(*this->nodes[i]);
    log.add(out ? did::removed : did::not_removed, i, known);
  }
  void wait(unsigned i) {
    auto const known = log.now_known();
    this->shared->unregister_and_wait(*this->nodes[i]);
    the_reduction.touch(reduction::others, false);
    require(!log.happened(did::took, i) || log.known(did::ran, i), "waited for a callback whose end is not visible");
    log.add(did::waited, i, known);
  }
  void poll() {
    auto const known = log.now_known();
    bool const set = this->shared->is_cancellation_requested();
    log.add(set ? did::read_set : did::read_clear, 0, known);
  }
  void cancel() {
    auto const known = log.now_known();
    canceling[rl::thread_index()] = known;
    won[rl::thread_index()] = false;
    if (!this->shared->cancel()) {
      log.add(did::lost, 0, known);
      return;
    }
    closed(known);
    log.add(did::finished, 0, log.now_known());
  }
  /// One of the verbs, on a callback that no other thread unregisters: of two threads that unregister the same one, the
  /// loser is not ordered after the winner.
  void any(unsigned i) {
    switch (rl::rand(4)) {
      case 0: return poll();
      case 1: return cancel();
      case 2: return unregister(i);
      default: return wait(i);
    }
  }
  void check() {
    operations const h = log.history();
    if (h.linearizable()) return;
    static char text[8192];  // Relacy keeps the pointer
    std::snprintf(text, sizeof text, "not linearizable:\n%s", h.print().c_str());
    require(false, text);
  }

 private:
  void closed(recorder::clock const& known) {
    bool& said = won[rl::thread_index()];
    if (!said) log.add(did::won, 0, known);
    said = true;
  }
  void run(unsigned i) {
    closed(canceling[rl::thread_index()]);
    the_reduction.touch(reduction::others, true);
    log.add(did::took, i, canceling[rl::thread_index()]);  // it is taken before it begins to run
    log.add(did::ran, i, log.now_known());
  }
};

struct two : rl::test_suite<two, 2>, recorded<tiny, 2> {
  void before() {
    open(2);
    try_register(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      try_register(0);
      unregister(0);
      poll();
    } else {
      unregister(1);
      cancel();
    }
  }
  void after() {
    check();
    close();
  }
};
add<two> l1("LIN", "TwoThreads", "register, unregister and poll beside unregister and cancel", full(), 1000000);

struct two_wait : rl::test_suite<two_wait, 2>, recorded<tiny, 2> {
  void before() {
    open(2);
    try_register(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      wait(1);
      try_register(0);
      wait(0);
    } else cancel();
  }
  void after() {
    check();
    close();
  }
};
add<two_wait> l2("LIN", "TwoThreadsWait", "register and waiting unregister beside a cancel", full(), 1000000);

struct cancels : rl::test_suite<cancels, 3>, recorded<small, 3> {
  void before() {
    open(2);
    try_register(0);
  }
  void thread(unsigned i) {
    if (i == 0) {
      try_register(1);
      unregister(0);
    } else if (i == 1) {
      cancel();
      poll();
    } else {
      poll();
      cancel();
    }
  }
  void after() {
    check();
    close();
  }
};
add<cancels> l3("LIN", "TwoCancels", "two cancels that poll, beside register and unregister", full(), 5000000);

struct shrinking : rl::test_suite<shrinking, 3>, recorded<tiny, 3> {
  void before() {
    open(4);
    try_register(0);
    try_register(1);
  }
  void thread(unsigned i) {
    if (i == 0) unregister(0);
    else if (i == 1) try_register(3);
    else cancel();
  }
  void after() {
    check();
    close();
  }
};
add<shrinking> l6("LIN", "ThreeThreads",
                  "an unregistration, a registration that moves a segment or grows, and a cancel", full(), 1000000);

struct growing : rl::test_suite<growing, 3>, recorded<tiny, 3> {
  void before() {
    open(4);
    try_register(0);
    try_register(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      unregister(0);
      try_register(2);
    } else if (i == 1) {
      unregister(1);
      try_register(3);
      wait(3);
    } else cancel();
  }
  void after() {
    check();
    close();
  }
};
add<growing> l4("LIN", "ThreeThreadsGrow", "registrations that reset, move and grow beside a cancel", large(1),
                5000000);

/// The operations themselves are drawn in each execution.
struct drawn : rl::test_suite<drawn, 3>, recorded<small, 3> {
  void before() {
    open(6);
    try_register(3);
    try_register(4);
    try_register(5);
  }
  void thread(unsigned i) {
    try_register(i);
    any(i);
    any(i + 3);
    if (rl::rand(2) != 0) unregister(i);
  }
  void after() {
    check();
    close();
  }
};
add<drawn> l5("LIN", "ThreeThreadsDrawn", "three threads register and do what chance tells them", chance(), 2000000);

}  // namespace
}  // namespace cts::models
