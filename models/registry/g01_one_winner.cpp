// SPDX-License-Identifier: BSL-1.0
/// @file
/// G1, one winner: of several cancels exactly one runs the callbacks.
#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

template <std::size_t Stripes>
struct one_winner : rl::test_suite<one_winner<Stripes>, 2>, stage<tiny, Stripes> {
  int winners = 0;
  void before() {
    this->open(1);
    this->try_register(0);
  }
  void thread(unsigned) {
    if (this->shared->cancel()) ++winners;
    require(this->shared->is_cancellation_requested(), "cancel returned, but the flag reads as clear");
  }
  void after() {
    require(winners == 1, "not exactly one cancel won");
    this->exactly_once(0, true);
    this->close();
  }
};
add<one_winner<1>> g1("G1", "OneWinner", "two cancels: one wins, both see the flag", full(), 1000000);
add<one_winner<core::stripes_at_run_time>> g1s("G1", "OneWinnerOfARow",
                                               "two cancels of a registry with a row of stripes: one wins", full(),
                                               1000000);

struct halves : rl::test_suite<halves, 3>, stage<platform<2, 2>> {
  int winners = 0;
  void before() {
    open(2);
    try_register(0);
  }
  void thread(unsigned i) {
    if (i == 0) {
      if (shared->request_cancellation()) {
        ++winners;
        shared->run_callbacks([] { return false; });
      }
    } else if (i == 1) {
      if (shared->cancel()) ++winners;
    } else unregister(0);
  }
  void after() {
    require(winners == 1, "not exactly one cancel won");
    exactly_once(0, true);
    close();
  }
};
add<halves> g1b("G1", "InTwoHalves", "a cancel in two halves, a whole one and an unregistration", full(), 5000000);

}  // namespace
}  // namespace cts::models
