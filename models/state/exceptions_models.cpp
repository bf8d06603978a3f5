// SPDX-License-Identifier: BSL-1.0
/// @file
/// Exceptions of callbacks on their way through links: G21.
#include "state/scene.hpp"

namespace cts::models::states {
namespace {

struct carried : rl::test_suite<carried, 2>, scene {
  bool told = false;
  void before() {
    open();
    told = false;
    add(0);
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
    register_callback(1);
    callbacks[1]->then = [this] { states[1]->collector().count(); };
  }
  void thread(unsigned i) {
    if (i == 0) {
      states[0]->share();
      model_failures f;
      if (states[0]->request_cancellation(nullptr) == request_result::won) states[0]->notify(f, false);
      told = f.any();
      states[0]->drop();
    } else {
      cancel(*states[1]);
    }
  }
  void after() {
    require(runs(1) == 1, "did not run once");
    require(told == (states[0]->registry().canceller() == 1 && states[1]->registry().canceller() == 1),
            "an exception of a child's callback was lost");
    unregister_callback(1);
    states[1]->dispose_and_drop();
    states[0]->dispose_and_drop();
    close();
  }
};
add<carried> const add_carried("G21", "CarriedThroughLinks",
                               "an exception of a child's callback reaches the canceller: the parent's or the child's",
                               full(), 1000000);

struct carried_far : rl::test_suite<carried_far, 2>, scene {
  int told = 0;
  void before() {
    open_chain();
    told = 0;
    register_callback(2);
    callbacks[2]->then = [this] { states[2]->collector().count(); };
  }
  void thread(unsigned i) {
    if (i == 1) {
      cancel(*states[1]);
      return;
    }
    states[0]->share();
    model_failures f;
    if (states[0]->request_cancellation(nullptr) == request_result::won) states[0]->notify(f, false);
    told = f.any() ? 1 : 0;
    states[0]->drop();
  }
  void after() {
    require(runs(2) == 1, "did not run once");
    require((told != 0) == (states[1]->registry().canceller() == 1),
            "an exception of a grandchild's callback was lost");
    unregister_callback(2);
    for (std::size_t i : {2u, 1u, 0u}) states[i]->dispose_and_drop();
    close();
  }
};
add<carried_far> const add_carried_far("G21", "CarriedThroughTwoLinks",
                                       "an exception of a grandchild's callback reaches the canceller over two links",
                                       full(), 1000000);

}  // namespace
}  // namespace cts::models::states
