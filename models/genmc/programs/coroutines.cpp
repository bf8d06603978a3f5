// SPDX-License-Identifier: BSL-1.0
/// @file
/// G24: the two words that decide who goes on with a coroutine.
#include "genmc/registry_stage.hpp"

namespace cts::genmc {
namespace {

struct suspend_beside_cancel {
  detail::basic_suspension<platform<1, 1>>* at = nullptr;
  int frame = 0, before_cancel = 0;  // plain: the suspending thread's and the canceller's
  bool suspended = false, resumes = false;
  void before() { at = make<detail::basic_suspension<platform<1, 1>>>(); }
  void first() {
    suspended = at->suspend([this] { frame = 1; });
    if (!suspended) require(before_cancel == 1, "what was written before cancel is not visible");
  }
  void second() {
    before_cancel = 1;
    resumes = at->cancel();
    if (resumes) require(frame == 1, "the canceller resumes a frame that it does not see");
  }
  void after() {
    require(suspended == resumes, "the coroutine goes on twice, or never");
    drop(at);
  }
};
CTS_PROGRAM(G24, SuspendBesideCancel, suspend_beside_cancel,
            "either side goes on with the coroutine, and sees the other");

struct gate {
  detail::basic_gate<platform<1, 1>>* at = nullptr;
  bool kept = false, passed = false;
  void before() { at = make<detail::basic_gate<platform<1, 1>>>(); }
  void first() { kept = at->close(); }
  void second() { passed = at->try_pass(); }
  void after() {
    require(kept != passed, "two sides have the frame, or none");
    drop(at);
  }
};
CTS_PROGRAM(G24, DestroyBesideResume, gate, "either the owner destroys the frame or the canceller resumes it");

}  // namespace
}  // namespace cts::genmc
