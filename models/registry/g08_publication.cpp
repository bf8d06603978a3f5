// SPDX-License-Identifier: BSL-1.0
/// @file
/// G8, publication: what a callback, a poller, a refused registrant and a waiter see.
#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

template <class Stage>
struct publication_base : Stage {
  typename tiny::var<int>* word = nullptr;
  void begin(std::size_t n) {
    this->open(n);
    word = ::new (tiny::allocate(sizeof(*word))) tiny::var<int>(0);
    now.allocations = 0;
  }
  void end() {
    word->~var();
    tiny::deallocate(word, 0);
    this->close();
  }
};
struct publication : rl::test_suite<publication, 2>, publication_base<stage<tiny>> {
  void before() {
    begin(1);
    nodes[0]->then = [this](node& n) {
      require(n.payload.get() == 7, "stale payload");
      require(word->get() == 9, "stale word");
    };
  }
  void thread(unsigned i) {
    if (i == 1) {
      word->set(9);
      shared->cancel();
      return;
    }
    nodes[0]->payload.set(7);
    if (!try_register(0)) require(word->get() == 9, "refused, but what happened before cancel is not visible");
  }
  void after() { end(); }
};
add<publication> g8(
    "G8", "CallbackSees",
    "the callback sees what happened before register and before cancel; a refused registrant sees the latter", full(),
    2000000);

struct poll_sees : rl::test_suite<poll_sees, 3>, publication_base<stage<tiny>> {
  void before() { begin(1); }
  void thread(unsigned i) {
    if (i == 0) {
      word->set(9);
      shared->cancel();
    } else if (i == 1) shared->try_register(*nodes[0]);
    else if (shared->is_cancellation_requested()) require(word->get() == 9, "stale");
  }
  void after() { end(); }
};
add<poll_sees> g8b(
    "G8", "PollSees",
    "a poller that reads the flag as set, from the canceller or a helper, sees what happened before cancel", full(),
    5000000);

struct too_late : rl::test_suite<too_late, 2>, publication_base<stage<tiny>> {
  void before() {
    begin(2);
    try_register(0);
    try_register(1);
  }
  void thread(unsigned i) {
    if (i == 0) {
      word->set(9);
      shared->cancel();
      return;
    }
    for (std::size_t k = 0; k < 2; ++k)
      if (!unregister(k)) {
        require(shared->is_cancellation_requested(), "could not be unregistered, but the flag reads as clear");
        require(word->get() == 9, "stale");
      }
  }
  void after() { end(); }
};
add<too_late> g8e("G8", "TooLateToUnregister", "an unregister that fails because cancel came first finds the flag set",
                  full(), 500000);

struct loser_sees : rl::test_suite<loser_sees, 2>, publication_base<stage<tiny>> {
  void before() {
    begin(1);
    try_register(0);
    nodes[0]->then = [this](node&) { word->set(3); };
  }
  void thread(unsigned i) {
    if (i == 0) {
      shared->cancel();
    } else if (shared->is_cancellation_requested()) {
      shared->unregister_and_wait(*nodes[0]);
      (void)word->get();
    }
  }
  void after() { end(); }
};
add<loser_sees> g8c("G8", "WaiterSees", "a thread that waits for a callback sees what it wrote", full(), 500000);

struct registered_again : rl::test_suite<registered_again, 2>, stage<three> {
  void before() { open(1); }
  void thread(unsigned i) {
    if (i == 1) {
      shared->cancel();
      return;
    }
    nodes[0]->payload.set(7);
    if (!try_register(0) || !unregister(0)) return;
    nodes[0]->payload.set(8);
    try_register(0);
  }
  void after() { close(); }
};
add<registered_again> g8d("G8", "RegisteredAgain", "the callback sees what happened before its last registration",
                          full(), 1000000);

}  // namespace
}  // namespace cts::models
