// SPDX-License-Identifier: BSL-1.0
/// @file
/// Growing, by single segments and by slabs of two (core/recycling.hpp): G11, G12, G14, G15. A slab is as large as what
/// is there; so the second growth is the first that is one.
#include "checker/harness.hpp"
#include "stage.hpp"

namespace cts::models {
namespace {

/// The last thread disposes what both have grown.
template <std::size_t Slab>
struct grow_then_dispose : rl::test_suite<grow_then_dispose<Slab>, 2>, stage<tiny> {
  models::baton left;
  void before() {
    open(4, true);
    now.slab_segments = Slab;
    left.set(2);
    try_register(2);
    if (Slab > 1) try_register(3);
  }
  void thread(unsigned i) {
    try_register(i);
    if (left.count_down() == 0) destroy();
  }
  void after() {
    require(now.allocations > 0, "nothing has grown");
    close();
  }
};
add<grow_then_dispose<1>> g12("G12", "GrownIsFreed", "two threads grow the registry, the last one disposes: no leak",
                              full(), 1000000);
add<grow_then_dispose<2>> g12b("G12", "SlabsAreFreed",
                               "the same with slabs, of which one may be pushed in vain: each is freed once",
                               large(1, 0), 1000000);

/// A registrant uses the rest of a slab beside a cancel.
struct slab_beside_cancel : rl::test_suite<slab_beside_cancel, 2>, stage<tiny> {
  void before() {
    open(6, true);
    now.slab_segments = 2;
    for (std::size_t i = 0; i < 2; ++i) try_register(i);
  }
  void thread(unsigned i) {
    if (i == 1) {
      shared->cancel();
      return;
    }
    try_register(2);
    try_register(3);
  }
  void after() {
    for (std::size_t i = 0; i < 4; ++i) exactly_once(i, true);
    later_runs_first(3, 2);
    later_runs_first(2, 1);
    close();
  }
};
add<slab_beside_cancel> g14(
    "G14", "SlabVersusCancel",
    "a slab is pushed and its rest moved to the top while a cancel walks: none lost, none twice", full(), 1000000);

/// Two registrants use the rest of a slab at once.
struct slab_shared : rl::test_suite<slab_shared, 2>, stage<tiny> {
  void before() {
    open(6, true);
    now.slab_segments = 2;
    for (std::size_t i = 0; i < 3; ++i) try_register(i);
    unregister(2);
  }
  void thread(unsigned i) { try_register(3 + i); }
  void after() {
    shared->cancel();
    for (std::size_t i = 0; i < 5; ++i) exactly_once(i, true);
    close();
  }
};
add<slab_shared> g11("G11", "RestOfASlabIsShared", "two threads enter the segments of one slab: both finish",
                     large(1, 0), 1000000);

/// A slab, of which one registration keeps one segment: the others are reused alone.
struct slab_reused : rl::test_suite<slab_reused, 1>, stage<tiny> {
  void before() {
    open(6);
    now.slab_segments = 2;
    for (std::size_t i = 0; i < 4; ++i) try_register(i);
  }
  void thread(unsigned) {
    int const before = now.allocations;
    for (int k = 0; k < 10; ++k) {
      unregister(3);
      try_register(3);
      unregister(1);
      try_register(1);
    }
    require(now.allocations <= before + 2, "the segments of a slab are not reused one by one");
  }
  void after() {
    unregistered[1] = unregistered[3] = false;
    shared->cancel();
    for (std::size_t i = 0; i < 4; ++i) exactly_once(i, true);
    close();
  }
};
add<slab_reused> g14b("G14", "SlabIsReusedInParts", "one registration stays in a slab, others come and go: bounded",
                      full(), 0);

/// There is no memory for the slab.
struct slab_failed : rl::test_suite<slab_failed, 2>, stage<tiny> {
  void before() {
    open(4, true);
    now.slab_segments = 2;
    try_register(0);
    try_register(1);
    now.failing = now.allocations;
  }
  void thread(unsigned i) {
    if (i == 0) try_register(2);
    else shared->cancel();
  }
  void after() {
    for (std::size_t i = 0; i < 3; ++i) exactly_once(i, true);
    close();
  }
};
add<slab_failed> g15("G15", "SlabFallsBack", "where there is no memory for a slab, one segment does", full(), 500000);

}  // namespace
}  // namespace cts::models
