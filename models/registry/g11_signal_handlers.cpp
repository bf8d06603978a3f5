// SPDX-License-Identifier: BSL-1.0
/// @file
/// G11 for signal handlers: a handler interrupts a thread before any atomic step of a verb and runs other verbs to
/// their end on that thread. The thread goes on only after that, so no verb of the handler may wait for it.
///
/// The handler finds its own thread's steps in program order. What it may find beyond that, if the compiler has
/// reordered them, it would find on another processor, too; the models of G1 to G9 run the same verbs there.
#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

/// Nodes: 0 and 1 are thread 0's, 2 is the other thread's, 3 is the handler's to unregister, 4 stays.
template <class P>
struct interrupted : stage<P> {
  int winners = 0;
  bool handled = false;
  void prepare(bool cancels) {
    this->open(5);
    winners = 0;
    handled = false;
    for (std::size_t i : {1, 3, 4}) this->try_register(i);
    now.handler = [this, cancels] { this->handle(cancels); };
  }
  /// What is stated to be async-signal-safe.
  void handle(bool cancels) {
    bool const before = this->shared->is_cancellation_requested();
    if (this->shared->unregister(*this->nodes[3])) this->unregistered[3] = true;
    this->shared->is_registered(*this->nodes[4]);
    this->shared->is_running(*this->nodes[4]);
    this->shared->count();
    this->shared->canceller();
    if (cancels) cancel();
    require(!before || this->shared->is_cancellation_requested(), "the flag went back");
    handled = true;
  }
  void cancel() { winners += this->shared->cancel(); }
  void finish() {
    now.handler = nullptr;
    require(handled, "the handler did not come to its end");
    cancel();
    require(winners == 1, "not exactly one cancel has won");
    for (std::size_t i = 0; i < 5; ++i) this->exactly_once(i, true);
    this->close();
  }
};

/// Registers and unregisters; the handler cancels.
template <class P>
struct interrupted_owner : rl::test_suite<interrupted_owner<P>, 2>, interrupted<P> {
  void before() { this->prepare(true); }
  void thread(unsigned i) {
    if (i == 0) {
      now.interrupt_in = static_cast<int>(rl::rand(22));
      this->try_register(0);
      this->unregister(1);
      if (this->registered[0]) {
        this->shared->unregister_and_wait(*this->nodes[0]);
        this->unregistered[0] = this->runs(0) == 0;
      }
      interrupt_at_last();
    } else {
      this->try_register(2);
    }
  }
  void after() { this->finish(); }
};
add<interrupted_owner<platform<4, 4>>> s1(
    "G11", "HandlerInterruptsAnOwner",
    "a handler polls, unregisters and cancels before any step of a registration and of both unregistrations",
    large(1, 1), 500000);
add<interrupted_owner<tiny>> s2("G11", "HandlerInterruptsAGrowingOwner", "the same while the registry grows",
                                large(0, 0), 500000);

/// Cancels; the handler cancels, too, and unregisters.
struct interrupted_canceller : rl::test_suite<interrupted_canceller, 2>, interrupted<platform<4, 4>> {
  void before() { prepare(true); }
  void thread(unsigned i) {
    if (i == 0) {
      now.interrupt_in = static_cast<int>(rl::rand(18));
      this->cancel();
      interrupt_at_last();
    } else {
      this->try_register(2);
    }
  }
  void after() { finish(); }
};
add<interrupted_canceller> s3("G11", "HandlerInterruptsACanceller",
                              "a handler polls, unregisters and cancels before any step of a cancel", full(), 500000);

/// Removes everything; the handler cancels and unregisters.
struct interrupted_removal : rl::test_suite<interrupted_removal, 2>, interrupted<platform<4, 4>> {
  void before() { prepare(true); }
  void thread(unsigned i) {
    if (i == 0) {
      now.interrupt_in = static_cast<int>(rl::rand(18));
      shared->remove_all([this](core::basic_callback<platform<4, 4>>& c) {
        for (std::size_t k = 0; k < 5; ++k)
          if (nodes[k] == &c) unregistered[k] = true;
      });
      interrupt_at_last();
    } else {
      registered[2] = shared->try_register(*nodes[2]) == register_result::registered;  // and may be removed by now
    }
  }
  void after() { finish(); }
};
add<interrupted_removal> s4("G11", "HandlerInterruptsARemoval",
                            "a handler polls, unregisters and cancels before any step of remove_all", full(), 500000);

/// The handler only requests; another thread runs the callbacks.
struct interrupted_before_a_request : rl::test_suite<interrupted_before_a_request, 2>, interrupted<platform<4, 4>> {
  bool requested = false;
  void before() {
    prepare(false);
    requested = false;
    now.handler = [this] {
      this->handle(false);
      requested = shared->request_cancellation();
      require(shared->is_cancellation_requested(), "the flag is clear after a request");
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      now.interrupt_in = static_cast<int>(rl::rand(18));
      this->try_register(0);
      this->unregister(1);
      interrupt_at_last();
    } else {
      this->cancel();
    }
  }
  void after() {
    if (requested) {
      require(winners == 0, "two have requested");
      shared->run_callbacks([] { return false; });
      ++winners;
    }
    finish();
  }
};
add<interrupted_before_a_request> s5("G11", "HandlerRequests",
                                     "a handler requests before any step of an owner, beside a cancel", large(1, 1),
                                     500000);

// What is not async-signal-safe: the handler waits for the thread that it has interrupted.

struct handler_disposes : rl::test_suite<handler_disposes, 1>, stage<tiny> {
  void before() {
    open(1);
    try_register(0);
    now.handler = [this] { shared->dispose(); };
  }
  void thread(unsigned) {
    now.interrupt_in = static_cast<int>(rl::rand(10));
    shared->cancel();
    now.interrupt_in = -1;
  }
  void after() {
    now.handler = nullptr;
    close();
  }
};
add<handler_disposes> u1("G11", "HandlerMustNotDispose",
                         "a handler disposes while its thread cancels: it waits for itself", full(), 0,
                         expectation::fails);

struct handler_waits : rl::test_suite<handler_waits, 1>, stage<tiny> {
  void before() {
    open(1);
    try_register(0);
    now.handler = [this] { shared->unregister_and_wait(*nodes[0]); };
  }
  void thread(unsigned) {
    now.interrupt_in = static_cast<int>(rl::rand(10));
    shared->remove_all([](auto&) {});
    now.interrupt_in = -1;
  }
  void after() {
    now.handler = nullptr;
    close();
  }
};
add<handler_waits> u2("G11", "HandlerMustNotWait",
                      "a handler waits for a callback that its thread removes: it waits for itself", full(), 0,
                      expectation::fails);

}  // namespace
}  // namespace cts::models
