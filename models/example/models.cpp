// SPDX-License-Identifier: BSL-1.0
/// @file
/// Models of settled.hpp. Each is a Relacy test: before() on one thread, thread(i) on each, after() on one.
#include <cts/models/harness.hpp>

#include "settled.hpp"

namespace {

using namespace cts::models;
using P = platform<1, 1>;  // segments of one slot, so that the registry grows soon

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
add<once> a("Once", "SetVersusCancel", "set and cancel: one of them settles it", full(), 0);

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
add<seen> b("Seen", "GetVersusSet", "who finds the result there sees it", full(), 0);

struct ends : rl::test_suite<ends, 2>, stage {
  void before() { open(); }
  void thread(unsigned i) {
    if (i == 0) result.reset();  // waits for the callback, if it runs
    else registry->cancel();
  }
  void after() { close(); }
};
add<ends> c("Seen", "EndVersusCancel", "its end waits for a cancel that settles it", full(), 0);

add_table orders(settled::sites);

}  // namespace
