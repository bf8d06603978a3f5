// SPDX-License-Identifier: BSL-1.0
/// @file
/// The models of waits that a token interrupts (G23): the waiting room of production, its invariants V1 to V4.
#include "wait_world.hpp"

namespace cts::models {
namespace {

using P = platform<1, 1>;
using room = detail::basic_waiting_room<wait_world>;
using registration = room_registration<P, room>;

/// A room in memory that is given back, the user's lock, and what the waiter waits for under that lock.
struct lounge {
  room* r = nullptr;
  core::basic_registry<P>* token = nullptr;
  lock_word user{lock_word::unset()};
  P::var<int>* ready = nullptr;
  void open() {
    now = execution{};
    for (bool& in : in_room) in = false;
    r = ::new (P::allocate(sizeof(room))) room;
    token = ::new (P::allocate(sizeof *token)) core::basic_registry<P>;
    user.reset();
    ready = ::new (P::allocate(sizeof *ready)) P::var<int>(0);
  }
  template <class Until = never_ends>
  bool wait(Until until = {}) {
    auto const is_ready = [this] { return ready->get() != 0; };
    auto const stopped = [this] { return token->is_cancellation_requested(); };
    user.lock();
    bool const was = r->wait_registered<registration>(user, token, until, stopped, is_ready);
    require(was == (ready->get() != 0), "the wait does not return what the predicate is");
    user.unlock();
    return was;
  }
  void set_ready(bool notifies_under_the_lock) {
    user.lock();
    ready->set(1);
    if (notifies_under_the_lock) {
      r->notify_one();
      r->notify_one();  // needs the room when the waiter is on its way to the user's lock
    }
    user.unlock();
    if (!notifies_under_the_lock) r->notify_one();
  }
  void forget_room() {
    if (r == nullptr) return;
    r->~room();
    P::deallocate(r, sizeof *r);
    r = nullptr;
  }
  void close() {
    forget_room();
    ready->~var();
    P::deallocate(ready, sizeof *ready);
    token->~basic_registry();
    P::deallocate(token, sizeof *token);
  }
};

struct wait_vs_cancel : rl::test_suite<wait_vs_cancel, 2>, lounge {
  void before() { open(); }
  void thread(unsigned i) {
    if (i == 0) require(!wait(), "nothing was ready");
    else token->cancel();
  }
  void after() { close(); }
};
add<wait_vs_cancel> v1("G23", "WaitVersusCancel",
                       "a cancel between the look at the token and the sleep wakes the waiter (V1, V2)", full(), 0);

/// The room is in the waiter's frame, as in sleep_for.
struct end_vs_cancel : rl::test_suite<end_vs_cancel, 2>, lounge {
  void before() { open(); }
  void thread(unsigned i) {
    if (i == 1) {
      token->cancel();
      return;
    }
    wait(ends_by_time());
    forget_room();
  }
  void after() { close(); }
};
add<end_vs_cancel> v2("G23", "EndOfTheWaitVersusCancel",
                      "a waiter whose time is over leaves no callback behind that touches its frame", full(), 0);

template <bool UnderTheLock>
struct wait_vs_notify : rl::test_suite<wait_vs_notify<UnderTheLock>, 2>, lounge {
  void before() { open(); }
  void thread(unsigned i) {
    if (i == 0) require(wait(), "it was ready and nobody has canceled");
    else set_ready(UnderTheLock);
  }
  void after() { close(); }
};
add<wait_vs_notify<false>> v3("G23", "WaitVersusNotify",
                              "a notification between the predicate and the sleep wakes the waiter (V2, V3)", full(),
                              0);
add<wait_vs_notify<true>> v4("G23", "WaitVersusNotifyUnderTheLock",
                             "the same by a notifier that holds the user's lock: no deadlock (V4)", full(), 0);

struct cancel_under_the_lock : rl::test_suite<cancel_under_the_lock, 2>, lounge {
  void before() { open(); }
  void thread(unsigned i) {
    if (i == 0) {
      require(!wait(), "nothing was ready");
      return;
    }
    user.lock();
    token->cancel();
    user.unlock();
  }
  void after() { close(); }
};
add<cancel_under_the_lock> v5("G23", "CancelUnderTheLock",
                              "a canceller may hold the user's lock: its callback does not want it (V4)", full(), 0);

struct two_waiters : rl::test_suite<two_waiters, 3>, lounge {
  void before() { open(); }
  void thread(unsigned i) {
    if (i == 2) token->cancel();
    else require(!wait(), "nothing was ready");
  }
  void after() { close(); }
};
add<two_waiters> v6("G23", "TwoWaitersVersusCancel", "a cancel wakes each waiter", large(2, 0), 200000);

struct wait_vs_both : rl::test_suite<wait_vs_both, 3>, lounge {
  void before() { open(); }
  void thread(unsigned i) {
    if (i == 0) wait();
    else if (i == 1) set_ready(false);
    else token->cancel();
  }
  void after() { close(); }
};
add<wait_vs_both> v7("G23", "WaitVersusNotifyVersusCancel", "the wait ends and returns what the predicate is then",
                     large(2, 0), 200000);

}  // namespace
}  // namespace cts::models
