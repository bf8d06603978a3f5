// SPDX-License-Identifier: BSL-1.0
/// @file
/// Models that ask nothing but this: could a registry that does one thing at a time have answered so? Each execution is
/// recorded and searched for such an order (linearizability.hpp).
#include "checker/harness.hpp"
#include "checker/recorder.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

/// The verbs, recorded.
template <class P, unsigned Threads>
struct recorded : stage<P> {
  recorder log{Threads};
  recorder::clock canceling[recorder::most_threads]{};  // what each thread knew when it called cancel
  bool won[recorder::most_threads]{};  // it has been recorded that the running cancel has closed the registry

  void open(std::size_t n) {
    stage<P>::open(n);
    log.clear();
    for (unsigned i = 0; i < n; ++i) this->nodes[i]->then = [this, i](auto&) { run(i); };
  }
  void enter(unsigned i) {
    auto const known = log.now_known();
    bool const in = this->r->try_register(*this->nodes[i]) == register_result::registered;
    log.add(in ? did::registered : did::refused, i, known);
  }
  void leave(unsigned i) {
    auto const known = log.now_known();
    bool const out = this->r->unregister(*this->nodes[i]);
    log.add(out ? did::removed : did::not_removed, i, known);
  }
  void wait(unsigned i) {
    auto const known = log.now_known();
    this->r->unregister_and_wait(*this->nodes[i]);
    the_reduction.touch(reduction::others, false);
    require(!log.happened(did::took, i) || log.known(did::ran, i), "waited for a callback whose end is not visible");
    log.add(did::waited, i, known);
  }
  void poll() {
    auto const known = log.now_known();
    bool const set = this->r->is_cancellation_requested();
    log.add(set ? did::read_set : did::read_clear, 0, known);
  }
  void cancel() {
    auto const known = log.now_known();
    canceling[rl::thread_index()] = known;
    won[rl::thread_index()] = false;
    if (!this->r->cancel()) {
      log.add(did::lost, 0, known);
      return;
    }
    closed(known);
    log.add(did::finished, 0, log.now_known());
  }
  /// One of the verbs, on a callback that no other thread unregisters: of two that unregister the same one, who comes
  /// too late is not ordered after the other.
  void any(unsigned i) {
    switch (rl::rand(4)) {
      case 0: return poll();
      case 1: return cancel();
      case 2: return leave(i);
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
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      enter(0);
      leave(0);
      poll();
    } else {
      leave(1);
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
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      wait(1);
      enter(0);
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
    enter(0);
  }
  void thread(unsigned i) {
    if (i == 0) {
      enter(1);
      leave(0);
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
    enter(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 0) leave(0);
    else if (i == 1) enter(3);
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
    enter(0);
    enter(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      leave(0);
      enter(2);
    } else if (i == 1) {
      leave(1);
      enter(3);
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
    enter(3);
    enter(4);
    enter(5);
  }
  void thread(unsigned i) {
    enter(i);
    any(i);
    any(i + 3);
    if (rl::rand(2) != 0) leave(i);
  }
  void after() {
    check();
    close();
  }
};
add<drawn> l5("LIN", "ThreeThreadsDrawn", "three threads register and do what chance tells them", chance(), 2000000);

}  // namespace
}  // namespace cts::models
