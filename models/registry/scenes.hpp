// SPDX-License-Identifier: BSL-1.0
/// @file
/// Scenes that are played in more than one layout of the registry. A stage says which (stage.hpp).
#pragma once

#include <cstddef>

#include "stage.hpp"

namespace cts::models {

/// Two cancels of a registry with so many callbacks.
template <class Stage, std::size_t Callbacks = 1>
struct one_winner : rl::test_suite<one_winner<Stage, Callbacks>, 2>, Stage {
  int winners = 0;
  void before() {
    this->open(Callbacks);
    for (std::size_t i = 0; i < Callbacks; ++i) this->try_register(i);
  }
  void thread(unsigned) {
    if (this->shared->cancel()) ++winners;
    require(this->shared->is_cancellation_requested(), "cancel returned, but the flag reads as clear");
  }
  void after() {
    require(winners == 1, "not exactly one cancel won");
    for (std::size_t i = 0; i < Callbacks; ++i) this->exactly_once(i, true);
    this->close();
  }
};

/// So many registrations beside a cancel.
template <class Stage, std::size_t N>
struct register_vs_cancel : rl::test_suite<register_vs_cancel<Stage, N>, 2>, Stage {
  void before() { this->open(N); }
  void thread(unsigned i) {
    if (i == 1) this->shared->cancel();
    else
      for (std::size_t k = 0; k < N; ++k) this->try_register(k);
  }
  void after() {
    for (std::size_t k = 0; k < N; ++k) this->exactly_once(k, true);
    this->close();
  }
};

/// Two registrants and a canceller; so many are registered before.
template <class Stage, std::size_t Before = 0>
struct two_registrants : rl::test_suite<two_registrants<Stage, Before>, 3>, Stage {
  void before() {
    this->open(2 + Before);
    for (std::size_t i = 0; i < Before; ++i) this->try_register(2 + i);
  }
  void thread(unsigned i) {
    if (i < 2) this->try_register(i);
    else this->shared->cancel();
  }
  void after() {
    for (std::size_t i = 0; i < 2 + Before; ++i) this->exactly_once(i, true);
    this->close();
  }
};

/// So many unregistrations beside a cancel.
template <class Stage, std::size_t N>
struct unregister_vs_cancel : rl::test_suite<unregister_vs_cancel<Stage, N>, 2>, Stage {
  void before() {
    this->open(N);
    for (std::size_t k = 0; k < N; ++k) this->try_register(k);
  }
  void thread(unsigned i) {
    if (i == 1) {
      this->shared->cancel();
      return;
    }
    for (std::size_t k = 0; k < N; ++k)
      if (this->unregister(k)) this->drop(this->nodes[k]);
  }
  void after() {
    for (std::size_t k = 0; k < N; ++k)
      if (this->nodes[k] != nullptr) this->exactly_once(k, true);
    this->close();
  }
};

/// A removal of all beside two registrations.
template <class Stage>
struct remove_vs_register : rl::test_suite<remove_vs_register<Stage>, 2>, Stage {
  int removed[3] = {};
  void before() {
    this->open(3);
    this->try_register(0);
  }
  void thread(unsigned i) {
    if (i == 1) {
      this->try_register(1);
      this->try_register(2);
      return;
    }
    this->shared->remove_all([this](typename Stage::registry::callback& c) {
      ++removed[&c == this->nodes[0] ? 0 : &c == this->nodes[1] ? 1 : 2];
    });
  }
  void after() {
    this->shared->cancel();
    for (std::size_t k = 0; k < 3; ++k) require(removed[k] + this->runs(k) == 1, "removed and ran, or neither");
    this->close();
  }
};

/// Two waiting unregistrations beside a cancel.
template <class Stage>
struct waiting : rl::test_suite<waiting<Stage>, 2>, Stage {
  void before() {
    this->open(2);
    this->try_register(0);
    this->try_register(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      this->shared->cancel();
      return;
    }
    for (std::size_t k = 0; k < 2; ++k) {
      this->shared->unregister_and_wait(*this->nodes[k]);
      (void)this->runs(k);         // a race if its effects are not visible
      this->drop(this->nodes[k]);  // a race or a freed access if it still runs
    }
  }
  void after() { this->close(); }
};

/// One registration after another. A third thread registers once, comes and goes, or does that and registers again.
template <class Stage, int Churn>
struct order : rl::test_suite<order<Stage, Churn>, 3>, Stage {
  models::baton baton;
  void before() {
    this->open(4);
    baton.reset();
  }
  void thread(unsigned i) {
    if (i == 0) {
      this->try_register(0);
      baton.pass(1);
    } else if (i == 1) {
      if (baton.get() == 1) this->try_register(1);
    } else {
      this->try_register(2);
      if (Churn > 0) this->unregister(2);
      if (Churn > 1) this->try_register(3);
    }
  }
  void after() {
    this->shared->cancel();
    this->later_runs_first(1, 0);
    for (std::size_t i = 0; i < 4; ++i) this->exactly_once(i, true);
    this->close();
  }
};

/// The last of three threads destroys the registry.
template <class Stage>
struct dispose_last : rl::test_suite<dispose_last<Stage>, 3>, Stage {
  models::baton left;
  void before() {
    this->open(4, true);
    left.set(3);
    this->try_register(3);
  }
  void thread(unsigned i) {
    if (i == 0) this->try_register(0);
    else if (i == 1) this->unregister(3);
    else this->shared->cancel();
    if (left.count_down() == 0) this->destroy();
  }
  void after() { this->close(); }
};

/// The second of three callbacks destroys itself and the registry.
template <class Stage>
struct destroys_all : rl::test_suite<destroys_all<Stage>, 2>, Stage {
  void before() {
    this->open(3, true);
    this->nodes[1]->then = [this](auto&) {
      this->drop(this->nodes[1]);
      this->destroy();
    };
    for (std::size_t k = 0; k < 3; ++k) this->try_register(k);
  }
  void thread(unsigned i) {
    if (i == 0) this->shared->cancel();
  }
  void after() {
    require(this->runs(0) == 0 && this->destroyed, "the registry was not destroyed in time");
    this->close();
  }
};

}  // namespace cts::models
