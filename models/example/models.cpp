// SPDX-License-Identifier: BSL-1.0
/// @file
/// Models of settled.hpp, and the defects that the mutation gate builds into it. A model is a Relacy test: before()
/// runs alone, thread(i) on each thread, after() alone.
#include <cts/models/harness.hpp>

#include "settled.hpp"

namespace {

using namespace cts::models;
using P = platform<1, 1>;  // segments of one slot

struct stage {
  std::optional<cts::core::basic_registry<P>> registry;
  std::optional<settled::result<P>> result;
  bool set = false;
  void open() {
    now = execution{};
    registry.emplace();
    result.emplace(*registry);
    set = false;
  }
  void close() {
    result.reset();
    registry.reset();
  }
};

struct once : rl::test_suite<once, 2>, stage {
  void before() { open(); }
  void thread(unsigned i) {
    if (i == 0) set = result->set(7);
    else registry->cancel();
  }
  void after() {
    require(set != result->given_up(), "set and given up, or neither");
    close();
  }
};
add<once> set_versus_cancel("Once", "SetVersusCancel", "set and cancel: one of them settles the result", full(), 0);

struct seen : rl::test_suite<seen, 3>, stage {
  void before() { open(); }
  void thread(unsigned i) {
    int value = 0;
    if (i == 0) set = result->set(7);
    else if (i == 1) registry->cancel();
    else if (result->get(value)) require(value == 7, "the result is not the one that was set");
  }
  void after() { close(); }
};
add<seen> get_versus_set("Seen", "GetVersusSet", "a thread that finds the result ready sees its value", full(), 0);

struct ends : rl::test_suite<ends, 2>, stage {
  void before() { open(); }
  void thread(unsigned i) {
    if (i == 0) result.reset();  // waits for its callback if cancel runs it
    else registry->cancel();
  }
  void after() { close(); }
};
add<ends> end_versus_cancel("Seen", "EndVersusCancel", "the destructor waits for a cancel that settles the result",
                            full(), 0);

// For the mutation gate: each order of the table, weakened, must be killed by a model…
add_table orders(settled::sites);

// …and so must each of these defects. settled.hpp knows nothing of them: they are faults at its sites, and at a wait of
// the core.
struct add_defects {
  add_defects() {
    using settled::site;
    add_defect("claim_overwrites", "Once", "a thread settles a result that is settled already",
               {overwrites(site::claim)});
    add_defect("get_does_not_look", "Seen", "get reads the value although none was published",
               {answers(site::look, settled::result<P>::ready)});
    add_defect("ends_without_waiting", "Seen", "the destructor does not wait for its callback",
               {skips(cts::core::wait::callback_returns)});
  }
} all_defects;

}  // namespace
