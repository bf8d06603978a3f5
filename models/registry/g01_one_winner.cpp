// SPDX-License-Identifier: BSL-1.0
/// @file
/// G1, one winner: of several cancels exactly one runs the callbacks.
#include "checker/harness.hpp"
#include "scenes.hpp"

namespace cts::models {
namespace {

add<one_winner<stage<tiny>>> g1("G1", "OneWinner", "two cancels: one wins, both see the flag", full(), 1000000);
add<one_winner<stage<tiny, core::stripes_at_run_time>>> g1s("G1", "OneWinnerOfARow",
                                                            "two cancels of a registry with a row of stripes: one wins",
                                                            full(), 1000000);

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
