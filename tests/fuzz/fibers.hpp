// SPDX-License-Identifier: BSL-1.0
/// @file
/// Threads that take turns at atomic operations, on one thread of the operating system: every interleaving can be
/// played and played again. The schedule is a list of bytes; each says how many operations the running thread goes on
/// for, and which thread follows. After the last byte each thread runs until it waits or ends.
///
/// It plays sequentially consistent executions. Weak memory is the models' business.
#pragma once

#include <ucontext.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>

#include "../../models/checker/faults.hpp"
#include "fuzz.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define CTS_FUZZ_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CTS_FUZZ_ASAN 1
#endif
#endif
#ifndef CTS_FUZZ_ASAN
#define CTS_FUZZ_ASAN 0
#endif
#if CTS_FUZZ_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

namespace cts::fuzz {

/// The Scheduler of scheduled_platform.hpp.
class fibers {
 public:
  static constexpr std::size_t most = 4;
  static constexpr std::size_t patience = 50000;  // operations of one run, before it counts as one without an end

  /// Runs `bodies` to their ends.
  static void run(input_bytes schedule, std::size_t n, std::function<void(std::size_t)> const& body) {
    now_.plan = reader(schedule);
    now_.steps = 0;
    now_.body = &body;
    for (std::size_t i = 0; i < n; ++i) begin(i);
    std::size_t current = 0;
    for (std::size_t left = n; left != 0;) {
      unsigned const turn = now_.plan.is_over() ? 0 : now_.plan.next();
      now_.turn = now_.plan.is_over() && turn == 0 ? patience : turn % 32;
      current = choose(current + turn / 32, n);
      if (current == n) complain("the threads wait for each other");
      resume(current);
      if (now_.all[current].done) --left;
    }
  }

  // --- for the platform ---
  static std::size_t thread() { return now_.running; }
  static void step(core::site_info const&) {
    if (now_.running == outside) return;
    if (++now_.steps > patience) complain("no end: threads wait, or undo each other's steps, for ever");
    if (now_.turn == 0) leave();
    else --now_.turn;
  }
  static void wait() {
    if (now_.running == outside) complain("a wait that nobody can end");
    now_.all[now_.running].asked = now_.steps;
    now_.all[now_.running].waits = true;
    leave();
  }

 private:
  static constexpr std::size_t outside = models::tool::most_threads;
  static constexpr std::size_t stack_bytes = 256 * 1024;
  struct fiber {
    ucontext_t context;
    std::unique_ptr<unsigned char[]> stack;
    bool done = true;
    bool waits = false;
    std::size_t asked = 0;  // the number of steps when it last asked in vain
    void* fake_stack = nullptr;
  };
  struct crew {
    std::array<fiber, most> all;
    ucontext_t main;
    void* main_fake_stack = nullptr;
    void const* main_stack = nullptr;
    std::size_t main_stack_bytes = 0;
    reader plan{input_bytes()};
    std::size_t turn = 0, steps = 0;
    std::size_t running = outside;
    std::function<void(std::size_t)> const* body = nullptr;
  };
  static crew now_;

  static void begin(std::size_t i) {
    fiber& f = now_.all[i];
    if (f.stack == nullptr) f.stack = std::make_unique<unsigned char[]>(stack_bytes);
    f.done = f.waits = false;
    ::getcontext(&f.context);
    f.context.uc_stack.ss_sp = f.stack.get();
    f.context.uc_stack.ss_size = stack_bytes;
    f.context.uc_link = nullptr;
    ::makecontext(&f.context, &entry, 0);
  }
  static void entry() {
#if CTS_FUZZ_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &now_.main_stack, &now_.main_stack_bytes);
#endif
    std::size_t const me = now_.running;
    (*now_.body)(me);
    now_.all[me].done = true;
#if CTS_FUZZ_ASAN
    __sanitizer_start_switch_fiber(nullptr, now_.main_stack, now_.main_stack_bytes);
#endif
    ::setcontext(&now_.main);
  }
  static void resume(std::size_t i) {
    fiber& f = now_.all[i];
    f.waits = false;
    now_.running = i;
#if CTS_FUZZ_ASAN
    __sanitizer_start_switch_fiber(&now_.main_fake_stack, f.stack.get(), stack_bytes);
#endif
    ::swapcontext(&now_.main, &f.context);
#if CTS_FUZZ_ASAN
    __sanitizer_finish_switch_fiber(now_.main_fake_stack, nullptr, nullptr);
#endif
    now_.running = outside;
  }
  static void leave() {
    fiber& f = now_.all[now_.running];
#if CTS_FUZZ_ASAN
    __sanitizer_start_switch_fiber(&f.fake_stack, now_.main_stack, now_.main_stack_bytes);
#endif
    ::swapcontext(&f.context, &now_.main);
#if CTS_FUZZ_ASAN
    __sanitizer_finish_switch_fiber(f.fake_stack, &now_.main_stack, &now_.main_stack_bytes);
#endif
  }
  /// The first thread from `from` on that can go on; `n` if there is none. A thread that waits can, once others have
  /// made steps.
  static std::size_t choose(std::size_t from, std::size_t n) {
    for (std::size_t k = 0; k < n; ++k) {
      std::size_t const i = (from + k) % n;
      fiber const& f = now_.all[i];
      if (!f.done && (!f.waits || now_.steps > f.asked)) return i;
    }
    return n;
  }
};
inline fibers::crew fibers::now_;

}  // namespace cts::fuzz
