// SPDX-License-Identifier: BSL-1.0
/// @file
/// G2, G3 and G4: a registration beside a cancel or a claim is never lost, never runs twice, and counts on one side.
#include "checker/harness.hpp"
#include "scenes.hpp"

namespace cts::models {
namespace {

add<register_vs_cancel<stage<tiny>, 1>> g3("G3", "RegisterVersusCancel",
                                           "a registration and a cancel: not lost, not twice", full(), 2000000);
add<register_vs_cancel<stage<tiny>, 2>> g3b("G3", "GrowVersusCancel",
                                            "a second registration grows beside a cancel: not lost, not twice", full(),
                                            2000000);

add<two_registrants<stage<platform<2, 2>>>> g4("G4", "TwoRegistrantsVersusCancel",
                                               "two threads register, a third cancels: each callback runs on one side",
                                               full(), 5000000);
add<two_registrants<stage<tiny>>> g4e("G4", "TwoGrowOnceVersusCancel",
                                      "two threads register, one of which grows, and a third cancels", full(), 1000000);
add<two_registrants<stage<small>, 1>> g4d("G4", "TwoGrowVersusCancel", "the same while the registry grows", large(1),
                                          5000000);

struct two_cancels : rl::test_suite<two_cancels, 3>, stage<ahead> {
  void before() {
    open(2);
    try_register(0);
  }
  void thread(unsigned i) {
    if (i < 2) shared->cancel();
    else {
      try_register(1);
      unregister(0);
    }
  }
  void after() {
    for (std::size_t i = 0; i < 2; ++i) exactly_once(i, true);
    close();
  }
};
add<two_cancels> g2("G2", "AtMostOnce", "two cancels, a registration and an unregistration: no callback runs twice",
                    full(), 5000000);

template <bool More>
struct claim_vs_one : rl::test_suite<claim_vs_one<More>, 2>, stage<tiny> {
  void before() {
    open(4);
    try_register(0);
    unregister(0);
  }
  void thread(unsigned i) {
    if (i != 0) {
      try_register(3);
      return;
    }
    try_register(1);
    if (More) try_register(2);
  }
  void after() {
    shared->cancel();
    for (std::size_t i = 1; i < 4; ++i)
      if (More || i != 2) exactly_once(i, true);
    close();
  }
};
add<claim_vs_one<false>> g3f("G3", "ClaimVersusRegisterOnce",
                             "two threads register, one of which claims the empty segment", full(), 1000000);
add<claim_vs_one<true>> g3e("G3", "ClaimVersusOneRegister",
                            "a segment is claimed and reset while another thread registers in it", large(), 1000000);

struct claim_vs_register : rl::test_suite<claim_vs_register, 3>, stage<platform<2, 1>> {
  void before() {
    open(6);
    try_register(0);
    unregister(0);
  }
  void thread(unsigned i) {
    if (i == 0) {
      try_register(1);
      try_register(2);
      try_register(3);
    } else if (i == 1) {
      try_register(4);
      unregister(4);
    } else {
      try_register(5);
    }
  }
  void after() {
    shared->cancel();
    for (std::size_t i = 1; i < 6; ++i) exactly_once(i, true);
    close();
  }
};
add<claim_vs_register> g3c("G3", "ClaimVersusRegister", "segments are claimed and reset while others register in them",
                           large(0, 0), 5000000);

struct reset_vs_late : rl::test_suite<reset_vs_late, 2>, stage<tiny> {
  void before() {
    open(6);
    try_register(0);
  }
  void thread(unsigned i) {
    if (i == 0) {
      unregister(0);
      try_register(1);
      unregister(1);
      try_register(2);
      try_register(3);
    } else {
      try_register(4);
      try_register(5);
    }
  }
  void after() {
    shared->cancel();
    for (std::size_t k = 1; k < 6; ++k) exactly_once(k, true);
    close();
  }
};
add<reset_vs_late> g3d("G3", "ResetVersusRegister", "a segment is reset and moved under a registrant that is late",
                       large(1, 0), 1000000);

template <std::size_t Stripes>
struct striped : rl::test_suite<striped<Stripes>, 3>, stage<tiny, Stripes> {
  void before() { this->open(3); }
  void thread(unsigned i) {
    if (i == 2) {
      this->shared->cancel();
      return;
    }
    this->try_register(i);
  }
  void after() {
    this->exactly_once(0, true);
    this->exactly_once(1, true);
    this->close();
  }
};
add<striped<2>> g4b("G4", "Stripes", "two threads register on two stripes while a third cancels", full(), 5000000);
add<striped<core::stripes_at_run_time>> g4s("G4", "StripesAtRunTime",
                                            "two threads register on two stripes of a row while a third cancels",
                                            full(), 5000000);

template <std::size_t Stripes>
struct striped_refusal : rl::test_suite<striped_refusal<Stripes>, 2>, stage<tiny, Stripes> {
  void before() { this->open(2); }
  void thread(unsigned i) {
    if (i == 0) {
      this->shared->cancel();
      return;
    }
    bool const known = this->shared->is_cancellation_requested();
    bool const in = this->try_register(0);
    require(!known || !in, "registered although the flag was read as set");
  }
  void after() {
    this->exactly_once(0, true);
    this->close();
  }
};
add<striped_refusal<2>> g4c("G4", "StripesRefuse",
                            "a registrant that has read the flag as set is refused on every stripe", full(), 1000000);
add<striped_refusal<core::stripes_at_run_time>> g4t(
    "G4", "StripesAtRunTimeRefuse", "a registrant that has read the flag as set is refused on every stripe of a row",
    full(), 1000000);

/// The cancel that loses may set the flag while the winner still closes stripes (D5).
template <std::size_t Stripes>
struct refused_after_losing : rl::test_suite<refused_after_losing<Stripes>, 2>, stage<tiny, Stripes> {
  void before() { this->open(2); }
  void thread(unsigned i) {
    this->shared->cancel();
    require(!this->try_register(i), "registered after a cancel had returned");
  }
  void after() { this->close(); }
};
add<refused_after_losing<2>> g4u("G4", "StripesRefuseAfterCancel",
                                 "two cancels, each followed by a registration: it is refused on every stripe", full(),
                                 1000000);
add<refused_after_losing<core::stripes_at_run_time>> g4v("G4", "StripesAtRunTimeRefuseAfterCancel",
                                                         "the same with a row of stripes", full(), 1000000);

}  // namespace
}  // namespace cts::models
