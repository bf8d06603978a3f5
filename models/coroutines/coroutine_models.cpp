// SPDX-License-Identifier: BSL-1.0
/// @file
/// The models of co_await canceled(token) (G24): the words of production (detail/coroutines/suspension.hpp) with the
/// registry of the core. A frame is memory with a registration in it; the last to use it gives it back, so whoever
/// touches it afterwards is found.
#include "checker/harness.hpp"

#include "cts/detail/coroutines/suspension.hpp"

namespace cts::models {
namespace {

using P = platform<1, 1>;
using registry = core::basic_registry<P>;

struct theatre;

/// What the compiler and the awaiter of cts/coroutine.hpp have in a frame.
struct frame : core::basic_callback<P> {
  explicit frame(theatre& t) : core::basic_callback<P>(&ran), of(t) {}
  static void ran(core::basic_callback<P>& c) noexcept;
  theatre& of;
  detail::basic_suspension<P> suspension;
  P::var<int> local{0};
  P::var<int> registered{0};
};

struct theatre {
  registry* token = nullptr;
  detail::basic_gate<P>* gate = nullptr;
  frame* coroutine = nullptr;
  P::var<int>* before_cancel = nullptr;
  int resumed = 0, destroyed = 0;
  bool gated = false;

  void open() {
    now = execution{};
    now.lifetimes = true;
    token = ::new (P::allocate(sizeof *token)) registry;
    gate = ::new (P::allocate(sizeof *gate)) detail::basic_gate<P>;
    coroutine = ::new (P::allocate(sizeof *coroutine)) frame(*this);
    before_cancel = ::new (P::allocate(sizeof *before_cancel)) P::var<int>(0);
    resumed = destroyed = 0;
    gated = false;
  }
  /// The coroutine comes to co_await.
  void await_cancel() {
    frame& f = *coroutine;
    f.local.set(1);
    bool const suspended = f.suspension.suspend([&] {
      bool const ok = token->try_register(f) == core::register_result::registered;
      f.registered.set(ok);
      if (!ok) canceled(f);
    });
    if (!suspended) resume(f);
  }
  /// The callback.
  void canceled(frame& f) noexcept {
    if (!f.suspension.cancel()) return;
    if (!gated || gate->try_pass()) resume(f);
  }
  /// The coroutine goes on: it reads what it has left in its frame, and what was written before cancel, and ends.
  void resume(frame& f) noexcept {
    the_reduction.touch(reduction::ends, true);
    require(++resumed == 1, "resumed twice");
    require(f.local.get() == 1, "resumed before it was suspended");
    require(before_cancel->get() == 1, "resumed without seeing what was written before cancel");
    end_frame(f);
  }
  void end_frame(frame& f) noexcept {
    if (f.registered.get() != 0) token->unregister_and_wait(f);
    f.~frame();
    P::deallocate(&f, sizeof f);
  }
  void cancel() {
    before_cancel->set(1);
    token->cancel();
  }
  void destroy_beside() {
    if (!gate->close()) return;
    the_reduction.touch(reduction::ends, true);
    require(++destroyed == 1, "destroyed twice");
    end_frame(*coroutine);
  }
  void close() {
    require(resumed + destroyed == 1, "neither resumed nor destroyed, or both");
    before_cancel->~var();
    P::deallocate(before_cancel, sizeof *before_cancel);
    gate->~basic_gate();
    P::deallocate(gate, sizeof *gate);
    token->~registry();
    P::deallocate(token, sizeof *token);
  }
};
void frame::ran(core::basic_callback<P>& c) noexcept {
  auto& self = static_cast<frame&>(c);
  self.of.canceled(self);
}

struct await_vs_cancel : rl::test_suite<await_vs_cancel, 2>, theatre {
  void before() { open(); }
  void thread(unsigned i) {
    if (i == 0) await_cancel();
    else cancel();
  }
  void after() { close(); }
};
add<await_vs_cancel> c1("G24", "AwaitVersusCancel",
                        "a coroutine that suspends beside a cancel goes on once, with what was written before (C1)",
                        full(), 0);

struct destroy_vs_cancel : rl::test_suite<destroy_vs_cancel, 2>, theatre {
  void before() {
    open();
    gated = true;
    await_cancel();
  }
  void thread(unsigned i) {
    if (i == 0) destroy_beside();
    else cancel();
  }
  void after() { close(); }
};
add<destroy_vs_cancel> c2("G24", "DestroyVersusCancel",
                          "a frame that is destroyed through its gate beside a cancel is destroyed or resumed (C2)",
                          full(), 0);

struct add_coroutine_defects {
  add_coroutine_defects() {
    using enum detail::coroutine_site;
    auto const says = [](std::uint64_t bits) { return [bits](std::uint64_t) { return bits; }; };
    // C1
    add_defect("cancel_resumes_at_once", "G24",
               "the canceller resumes a coroutine that has not announced its suspension",
               {returns(suspension_cancel, says(1))});
    add_defect("suspends_though_canceled", "G24", "the coroutine does not look whether the cancel was announced",
               {returns(suspension_suspend, says(0))});
    // C2
    add_defect("gate_passes_when_closed", "G24", "the canceller resumes a coroutine whose gate is closed",
               {returns(gate_pass, says(0))});
    add_defect("gate_closes_when_passed", "G24", "the owner destroys a frame that is being resumed",
               {returns(gate_close, says(0))});
  }
} const add_defects;
add_table const orders(detail::coroutine_site_table);

}  // namespace
}  // namespace cts::models
