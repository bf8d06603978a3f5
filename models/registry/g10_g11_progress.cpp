// SPDX-License-Identifier: BSL-1.0
/// @file
/// G10, the flag is monotonic; G11, lock-freedom: a thread that stops at any step hinders no other.
#include <cstdint>
#include <type_traits>

#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

/// Thread 0 stops for ever between sealing and opening the segment.
struct stops_while_resetting : rl::test_suite<stops_while_resetting, 2>, stage<tiny> {
  models::baton finished;
  void before() {
    open(3);
    finished.reset();
    try_register(0);
    unregister(0);
    now.before = [this](site s) {
      if (rl::thread_index() == 0 && s == site::gen_open) tiny::await([this] { return finished.peek() != 0; });
    };
  }
  void thread(unsigned i) {
    try_register(1 + i);
    if (i == 1) {
      unregister(2);
      finished.pass(1);
    }
  }
  void after() {
    now.before = nullptr;
    shared->cancel();
    exactly_once(1, true);
    close();
  }
};
add<stops_while_resetting> g11c(
    "G11", "StopsWhileResetting",
    "directed: a thread stops while the segment is sealed; the other registers all the same", full(), 200000);

/// A platform that notices a segment whose link leads to itself.
struct watched_links : tiny {
  template <class T>
  class atomic : public tiny::atomic<T> {
    using base = typename tiny::template atomic<T>;

   public:
    using base::base;
    template <class Site>
    void store(T value, Site s, char const* file = __builtin_FILE(), unsigned row = __builtin_LINE()) {
      if constexpr (std::is_same_v<Site, site> && std::is_integral_v<T>)
        if (s == site::older_link) require(!is_in(value), "a segment is linked to itself", file, row);
      base::store(value, s, file, row);
    }

   private:
    /// Whether this word is the second of the segment at `link`.
    bool is_in(std::uintptr_t link) const {
      return reinterpret_cast<std::uintptr_t>(this) - (link & ~std::uintptr_t{3}) <= 2 * sizeof(*this);
    }
  };
};

/// Thread 0 stops for ever before it pushes a segment that it has moved. It has passed the segment that thread 1 moved
/// meanwhile, so the top it links to must not be its own segment: a walker there would go round.
struct stops_while_moving : rl::test_suite<stops_while_moving, 2>, stage<watched_links> {
  bool moved = false, moving = false, stopped = false, finished = false;
  void before() {
    open(4);
    try_register(0);
    try_register(1);
    unregister(0);
    now.before = [this](site s) {
      if (rl::thread_index() != 0) return;
      if (s == site::hand_find) hold_until([this] { return moved; });
      moving = moving || s == site::older_unlink;
      if (s == site::top_push && moving && !stopped) {
        stopped = true;
        while (!finished) rl::yield(1, RL_INFO);
      }
    };
  }
  void thread(unsigned i) {
    if (i == 0) {
      try_register(3);
      return;
    }
    try_register(2);
    unregister(1);
    moved = true;
    hold_until([this] { return stopped; });
    shared->cancel();
    finished = true;
  }
  void after() {
    now.before = nullptr;
    for (std::size_t k = 1; k < 4; ++k) exactly_once(k, true);
    close();
  }
};
add<stops_while_moving> g11e("G11", "StopsWhileMoving",
                             "directed: a thread stops while it moves a segment; a walk beside it comes to its end",
                             bounded(0), 250000);

struct monotonic : rl::test_suite<monotonic, 3>, stage<platform<2, 2>> {
  void before() { open(2); }
  void thread(unsigned i) {
    if (i == 0) shared->cancel();
    else if (i == 1) shared->try_register(*nodes[1]);
    else {
      bool const a = shared->is_cancellation_requested(), b = shared->is_cancellation_requested();
      require(!a || b, "the flag went back");
    }
  }
  void after() {
    require(shared->is_cancellation_requested(), "the flag went back");
    close();
  }
};
add<monotonic> g10("G10", "Monotonic", "once set, the flag stays set, by the canceller or by a helper", full(),
                   5000000);

struct poll_in_callback : rl::test_suite<poll_in_callback, 2>, stage<tiny> {
  models::baton ran_once;
  void before() {
    open(1);
    ran_once.reset();
    nodes[0]->then = [this](node&) { ran_once.pass(1); };
    try_register(0);
  }
  void thread(unsigned i) {
    if (i == 0) shared->cancel();
    else if (ran_once.get() == 1)
      require(shared->is_cancellation_requested(), "a callback ran before the flag was set");
  }
  void after() { close(); }
};
add<poll_in_callback> g10b("G10", "FlagBeforeCallbacks",
                           "a thread that knows that a callback ran reads the flag as set", full(), 500000);

/// Thread 0 stops at its n-th atomic step until all the others are done; n is a choice of the search.
template <unsigned N, class P, bool More>
struct suspended : rl::test_suite<suspended<N, P, More>, N>, stage<P> {
  models::baton others;
  void before() {
    this->open(6);
    this->try_register(5);
    others.set(int(N) - 1);
    now.others = &others;
  }
  void thread(unsigned i) {
    if (i == 0) {
      now.stop_in = static_cast<int>(rl::rand(More ? 60 : 14));
      this->try_register(0);
      if (More) this->try_register(1);
      if (More) this->unregister(5);
      this->unregister(0);
      if (More) this->try_register(4);
      if (More) this->unregister(1);
      now.stop_in = -1;
    } else {
      this->try_register(i + 1);
      if (this->unregister(i + 1) && More) this->try_register(i + 1);
      this->shared->is_cancellation_requested();
      if (i == 1) this->shared->cancel();
      others.count_down();
    }
  }
  void after() {
    for (std::size_t i = 0; i < 6; ++i) this->exactly_once(i, true);
    this->close();
  }
};
add<suspended<2, platform<4, 4>, false>> g11(
    "G11", "AnyStepMayBeTheLast",
    "one thread stops at any atomic step; the other registers, unregisters, polls and cancels to the end", full(),
    2000000);
add<suspended<2, tiny, true>> g11d("G11", "AnyStepOfMoreMayBeTheLast", "the same with more to do", large(0, 0),
                                   1000000);
add<suspended<3, small, true>> g11b("G11", "AnyStepMayBeTheLast3", "the same with two others", chance(), 5000000);

}  // namespace
}  // namespace cts::models
