// SPDX-License-Identifier: BSL-1.0
/// @file
/// A program with an error, which GenMC must find: the registry is destroyed while it is canceled, against G12.
#include "genmc/registry_stage.hpp"

namespace cts::genmc {
namespace {

struct overlapping_dispose : registry_stage<1, 1> {
  void before() {
    open(1);
    try_register(0);
  }
  void first() {
    registry_type* mine = registry;
    drop(mine);
  }
  void second() { cancel(); }
  void after() {
    registry = nullptr;
    close();
  }
};
CTS_PROGRAM(G12, OverlappingDispose, overlapping_dispose, "a dispose beside a cancel: an error");

}  // namespace
}  // namespace cts::genmc
