// SPDX-License-Identifier: BSL-1.0
/// @file
/// Readers of the states above one (S6, protocol/ancestors.hpp): G16.
#include "state/scene.hpp"

namespace cts::models::states {
namespace {

struct reader_vs_dispose : rl::test_suite<reader_vs_dispose, 2>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
    states[1]->share();
    states[0]->dispose_and_drop();  // the child alone holds it now
  }
  void thread(unsigned i) {
    if (i == 0) states[1]->dispose_and_drop();
    else {
      (void)count_above(*states[1]);
      states[1]->drop();
    }
  }
  void after() { close(); }
};
add<reader_vs_dispose> const add_reader_vs_dispose(
    "G16", "ReaderVersusDispose",
    "a reader of the states above a child beside the child's end: they live as long as it looks at them", full(),
    1000000);

struct two_readers_vs_dispose : rl::test_suite<two_readers_vs_dispose, 3>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    require(states[1]->link_to(0, *states[0]), "no memory");
    states[1]->share();
    states[1]->share();
    states[0]->dispose_and_drop();
  }
  void thread(unsigned i) {
    if (i == 0) states[1]->dispose_and_drop();
    else {
      (void)count_above(*states[1]);
      states[1]->drop();
    }
  }
  void after() { close(); }
};
add<two_readers_vs_dispose> const add_two_readers_vs_dispose(
    "G16", "TwoReadersVersusDispose", "two readers of the states above a child beside the child's end", large(),
    1000000);

struct reader_of_a_chain : rl::test_suite<reader_of_a_chain, 2>, scene {
  void before() {
    open_chain();
    states[0]->dispose_and_drop();
    states[2]->share();
  }
  void thread(unsigned i) {
    if (i == 0) {
      states[1]->dispose_and_drop();
      states[2]->dispose_and_drop();
    } else {
      (void)count_above(*states[2]);
      states[2]->drop();
    }
  }
  void after() { close(); }
};
add<reader_of_a_chain> const add_reader_of_a_chain(
    "G16", "ReaderOfAChain", "a reader over two links beside the ends of both children, the middle one first", full(),
    1000000);

struct reader_from_below : rl::test_suite<reader_from_below, 2>, scene {
  void before() {
    open_chain();
    states[0]->dispose_and_drop();
    states[1]->share();
    states[1]->dispose_and_drop();  // disposed: the chain ends there
    states[1]->drop();
    states[2]->share();
  }
  void thread(unsigned i) {
    if (i == 0) states[2]->dispose_and_drop();
    else {
      require(count_above(*states[2]) <= 1, "went on behind a disposed source");
      states[2]->drop();
    }
  }
  void after() { close(); }
};
add<reader_from_below> const add_reader_from_below(
    "G16", "ReaderStopsAtADisposedOne",
    "a reader does not look at states that it could reach only through a disposed source", full(), 1000000);

struct diamond_reader : rl::test_suite<diamond_reader, 2>, scene {
  void before() {
    open();
    add(0);
    add(1, 1);
    add(2, 1);
    add(3, 2);
    require(states[1]->link_to(0, *states[0]) && states[2]->link_to(0, *states[0]) &&
                states[3]->link_to(0, *states[1]) && states[3]->link_to(1, *states[2]),
            "no memory");
    states[3]->share();
    states[0]->dispose_and_drop();
    states[1]->dispose_and_drop();
  }
  void thread(unsigned i) {
    if (i == 0) {
      states[2]->dispose_and_drop();
      states[3]->dispose_and_drop();
    } else {
      (void)count_above(*states[3]);
      states[3]->drop();
    }
  }
  void after() { close(); }
};
add<diamond_reader> const add_diamond_reader(
    "G16", "ReaderOfADiamond", "a reader of a diamond beside the ends of its middle and its lowest source", full(),
    1000000);

// --- the same with shared sources ---

add<of_shared<reader_of_a_chain>> const add_shared_reader_of_a_chain(
    "G26", "ReaderOfAChain", "a reader over two links beside the ends of both shared children", full(), 200000);

}  // namespace
}  // namespace cts::models::states
