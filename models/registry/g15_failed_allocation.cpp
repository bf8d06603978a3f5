// SPDX-License-Identifier: BSL-1.0
/// @file
/// G15, a failed allocation changes nothing; within the inline slots nothing allocates.
#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

struct out_of_memory : rl::test_suite<out_of_memory, 2>, stage<tiny> {
  void before() {
    open(3);
    try_register(0);
    now.failing = 0;
  }
  void thread(unsigned i) {
    if (i == 1) {
      shared->cancel();
      return;
    }
    register_result const result = shared->try_register(*nodes[1]);
    registered[1] = result == register_result::registered;
    registered[2] = false;
    if (result == register_result::out_of_memory) try_register(2);
  }
  void after() {
    for (std::size_t i = 0; i < 3; ++i) exactly_once(i, true);
    close();
  }
};
add<out_of_memory> g15("G15", "FailedAllocation",
                       "a registration that cannot grow changes nothing; the next one succeeds", full(), 500000);

struct no_allocation : rl::test_suite<no_allocation, 2>, stage<three> {
  void before() {
    open(3);
    now.failing = 0;
  }
  void thread(unsigned i) {
    if (i == 0) {
      try_register(0);
      unregister(0);
      try_register(1);
      shared->is_cancellation_requested();
    } else {
      shared->cancel();
    }
  }
  void after() {
    require(now.allocations == 0 && now.failing == 0, "something allocated");
    close();
  }
};
add<no_allocation> g15b("G15", "NothingAllocates", "within the inline slots nothing allocates", full(), 500000);

}  // namespace
}  // namespace cts::models
