// SPDX-License-Identifier: BSL-1.0
/// @file
/// The model of the timing wheel by itself (G17: T1, T2, T3).
#include "timers/timer_steps.hpp"

namespace cts::models {
namespace {

using P = platform<1, 1>;

/// Three timers and any operations on them, beside a list that is searched.
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
  bool late[3] = {};                  // it was due when it was armed, so it fires after the others that are due

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
    require(false, "a wheel pops something else than a timer");
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
    "a wheel returns the earliest timer, never early and never late, after any operations (T1, T2, T3)", full(), 0);

}  // namespace
}  // namespace cts::models
