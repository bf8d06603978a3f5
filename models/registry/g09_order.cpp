// SPDX-License-Identifier: BSL-1.0
/// @file
/// G9, last in, first out over happens-before, while segments are filled, restarted and moved.
#include "checker/harness.hpp"
#include "scenes.hpp"

namespace cts::models {
namespace {

add<order<stage<three>, 0>> g9(
    "G9", "LifoWhileFilling",
    "one registration after another, a third thread fills the same segment: the later one runs first", full(), 5000000);
add<order<stage<three>, 1>> g9c("G9", "LifoInASegment", "the same while the third comes and goes", full(), 5000000);
add<order<stage<small>, 0>> g9l("G9", "LifoAcrossSegments", "the same while the registry grows", full(), 5000000);
add<order<stage<small>, 1>> g9n("G9", "LifoWhileGrowing", "the same while the third comes and goes", full(), 1000000);
add<order<stage<small>, 2>> g9b("G9", "LifoWhileReset", "the same while segments are reset, pushed and moved",
                                large(1, 2), 5000000);

struct stale_cursor : rl::test_suite<stale_cursor, 3>, stage<platform<4, 4>> {
  models::baton baton;
  void before() {
    open(6);
    baton.reset();
  }
  void thread(unsigned i) {
    if (i == 0) {
      try_register(2);
      try_register(3);
      unregister(2);
    } else if (i == 1) {
      try_register(0);
      baton.pass(1);
    } else if (baton.get() == 1) try_register(1);
  }
  void after() {
    shared->cancel();
    later_runs_first(1, 0);
    close();
  }
};
add<stale_cursor> g9d("G9", "LifoBehindTheCursor",
                      "a registrant that skipped slots by the cursor is not overtaken below them", full(), 5000000);

struct reset_order : rl::test_suite<reset_order, 3>, stage<platform<2, 2>> {
  models::baton baton;
  void before() {
    open(6);
    baton.reset();
    try_register(2);
    try_register(3);
    unregister(2);
  }
  void thread(unsigned i) {
    if (i == 0) {
      unregister(3);
      try_register(4);
      unregister(4);
      try_register(5);
    } else if (i == 1) {
      try_register(0);
      baton.pass(1);
    } else if (baton.get() == 1) try_register(1);
  }
  void after() {
    shared->cancel();
    later_runs_first(1, 0);
    close();
  }
};
add<reset_order> g9e("G9", "LifoThroughReset", "the same while the segment gets a new generation", large(1), 5000000);

/// One thread registers, tells the other one, and registers again.
struct handed_over : rl::test_suite<handed_over, 2>, stage<small> {
  models::baton baton;
  void before() {
    open(4);
    baton.reset();
    try_register(3);
  }
  void thread(unsigned i) {
    if (i == 0) {
      unregister(3);
      try_register(0);
      baton.pass(1);
      try_register(2);
    } else if (baton.get() == 1) try_register(1);
  }
  void after() {
    unregistered[3] = true;
    shared->cancel();
    later_runs_first(1, 0);
    for (std::size_t k = 0; k < 3; ++k) exactly_once(k, true);
    close();
  }
};
add<handed_over> g9m("G9", "LifoHandedOver",
                     "a thread told of a registration registers above it, while the first thread restarts and grows",
                     full(), 1000000);

struct after_reset : rl::test_suite<after_reset, 3>, stage<three> {
  models::baton baton;
  void before() {
    open(6);
    baton.reset();
    try_register(2);
    try_register(3);
    try_register(4);
    unregister(2);
    unregister(4);
  }
  void thread(unsigned i) {
    if (i == 0) {
      unregister(3);
      try_register(5);
    } else if (i == 1) {
      try_register(0);
      baton.pass(1);
    } else if (baton.get() == 1) try_register(1);
  }
  void after() {
    shared->cancel();
    later_runs_first(1, 0);
    close();
  }
};
add<after_reset> g9f("G9", "LifoAfterReset",
                     "a registrant in a new generation sees that the slots of the old one have died", full(), 5000000);

template <std::size_t Stripes>
struct striped_lifo : rl::test_suite<striped_lifo<Stripes>, 2>, stage<three, Stripes> {
  void before() { this->open(4); }
  void thread(unsigned i) {
    this->try_register(2 * i);
    this->try_register(2 * i + 1);
  }
  void after() {
    this->shared->cancel();
    for (std::size_t t = 0; t < 2; ++t) this->later_runs_first(2 * t + 1, 2 * t);
    for (std::size_t k = 0; k < 4; ++k) this->exactly_once(k, true);
    this->close();
  }
};
add<striped_lifo<2>> g9s("G9", "StripedLifo", "on stripes the order is last in, first out for each thread", full(),
                         1000000);
add<striped_lifo<core::stripes_at_run_time>> g9t("G9", "StripedLifoAtRunTime",
                                                 "on a row of stripes the order is last in, first out for each thread",
                                                 full(), 1000000);

}  // namespace
}  // namespace cts::models
