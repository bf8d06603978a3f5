// SPDX-License-Identifier: BSL-1.0
/// @file
/// G12, dispose comes last and is clean; G13, a callback may destroy itself and the registry.
#include "checker/harness.hpp"
#include "scenes.hpp"

namespace cts::models {
namespace {

add<dispose_last<stage<platform<2, 2>>>> g12("G12", "LastIsClean",
                                             "the last thread disposes: no race, no leak, nothing freed too early",
                                             full(), 5000000);

struct last_of_two : rl::test_suite<last_of_two, 2>, stage<platform<2, 2>> {
  models::baton left;
  void before() {
    open(2, true);
    left.set(2);
    try_register(0);
  }
  void thread(unsigned i) {
    if (i == 0) unregister(0);
    else shared->cancel();
    if (left.count_down() == 0) destroy();
  }
  void after() { close(); }
};
add<last_of_two> g12b("G12", "LastOfTwoIsClean", "an unregistration and a cancel; the last thread disposes", full(), 0);

template <int Verb>
struct dispose_overlaps : rl::test_suite<dispose_overlaps<Verb>, 2>, stage<tiny> {
  void before() {
    this->open(4, true);
    this->try_register(0);
    this->try_register(1);
    if (Verb == 2) this->unregister(1);
  }
  void thread(unsigned i) {
    if (i == 1) {
      auto* const gone = this->shared;
      gone->~basic_registry();
      tiny::deallocate(gone, 0);
      return;
    }
    if (Verb == 0) this->shared->try_register(*this->nodes[2]);
    if (Verb == 1) this->shared->unregister(*this->nodes[1]);
    if (Verb == 2) this->shared->unregister_and_wait(*this->nodes[0]);
    if (Verb == 3) this->shared->cancel();
    if (Verb == 4) this->shared->is_cancellation_requested();
  }
  void after() {
    this->shared = nullptr;
    this->close();
  }
};
add<dispose_overlaps<0>> n0("G12", "RegisterOverlapsDispose", "a registration beside dispose: the defect is found",
                            full(), 0, expectation::fails);
add<dispose_overlaps<1>> n1("G12", "UnregisterOverlapsDispose", "an unregistration beside dispose: the defect is found",
                            full(), 0, expectation::fails);
add<dispose_overlaps<2>> n2("G12", "WaitOverlapsDispose",
                            "a waiting unregistration beside dispose: the defect is found", full(), 0,
                            expectation::fails);
add<dispose_overlaps<3>> n3("G12", "CancelOverlapsDispose", "a cancel beside dispose: the defect is found", full(), 0,
                            expectation::fails);
add<dispose_overlaps<4>> n4("G12", "PollOverlapsDispose",
                            "a poll beside the end of the registry's life: the defect is found", full(), 0,
                            expectation::fails);

add<destroys_all<stage<tiny>>> g13("G13", "DestroysItselfAndTheRegistry",
                                   "a callback destroys its own node and the registry", full(), 1000);

struct destroyed_elsewhere : rl::test_suite<destroyed_elsewhere, 2>, stage<tiny> {
  models::baton ran_it;
  void before() {
    open(1, true);
    ran_it.reset();
    nodes[0]->then = [this](node&) { ran_it.pass(1); };
    try_register(0);
  }
  void thread(unsigned i) {
    if (i == 0) shared->cancel();
    else {
      tiny::await([this] { return ran_it.get() == 1; });
      shared->dispose();
      destroy();
    }
  }
  void after() { close(); }
};
add<destroyed_elsewhere> g13b("G13", "DestroyedWhenTheLastHasRun",
                              "another thread destroys the registry as soon as the last callback has run", full(),
                              1000000);

struct destroys_itself : rl::test_suite<destroys_itself, 2>, stage<tiny> {
  void before() {
    open(1, true);
    nodes[0]->then = [this](node&) { drop(nodes[0]); };
  }
  void thread(unsigned i) {
    if (i == 0) try_register(0);
    else shared->cancel();
  }
  void after() { close(); }
};
add<destroys_itself> g13c("G13", "DestroysItselfWhileRegistering",
                          "the callback destroys its node before its registration has returned", full(), 2000000);

}  // namespace
}  // namespace cts::models
