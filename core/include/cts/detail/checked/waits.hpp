// SPDX-License-Identifier: BSL-1.0
/// @file
/// Who waits for whose callback: a dispose that waits for a callback which waits for it is reported instead of hanging
/// silently.
#pragma once
#ifndef CTS_DETAIL_CHECKED_WAITS_HPP
#define CTS_DETAIL_CHECKED_WAITS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <mutex>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// A thread that waits for a callback which, by one or more such waits, waits for that thread. R49, R50.
struct wait_cycle {
  std::size_t threads;    ///< how many wait in a circle
  void const* source;     ///< names the source whose callback the last of them waits for
  std::uintptr_t waiter;  ///< names that thread (the one that calls the handler)
  std::uintptr_t runner;  ///< names the thread that runs that callback
};
/// Called on the thread that closes the circle, before it waits; the wait goes on afterwards. Must not use cts.
using wait_cycle_handler = void (*)(wait_cycle const&) noexcept;

namespace detail {

inline void print_wait_cycle(wait_cycle const& c) noexcept {
  std::fprintf(stderr,
               "cts: deadlock: thread %#zx disposes a registration or a linked source and waits for a callback of "
               "source %p, which "
               "thread %#zx runs and which waits for the first (%zu threads wait in a circle)\n",
               static_cast<std::size_t>(c.waiter), c.source, static_cast<std::size_t>(c.runner), c.threads);
}
CTS_SHARED_SYMBOL inline std::atomic<wait_cycle_handler> the_wait_cycle_handler{print_wait_cycle};

/// The waits in progress, in their waiters' frames. Only threads that must wait come here.
class wait_record {
 public:
  /// @param runner tells which thread runs what is waited for, 0 if nobody does any more
  wait_record(std::uintptr_t waiter, void const* source, std::uintptr_t (*runner)(wait_record const&) noexcept) noexcept
      : waiter_(waiter), source_(source), runner_(runner) {}
  wait_record(wait_record const&) = delete;
  wait_record& operator=(wait_record const&) = delete;

 protected:
  ~wait_record() = default;
  void enter() noexcept {
    wait_cycle found{0, source_, waiter_, 0};
    {
      std::lock_guard const lock(mutex());
      next_ = first();
      first() = this;
      found.threads = cycle();
      if (found.threads != 0) found.runner = runner_(*this);
    }
    if (found.threads != 0) the_wait_cycle_handler.load()(found);
  }
  void leave() noexcept {
    std::lock_guard const lock(mutex());
    wait_record** at = &first();
    while (*at != this) at = &(*at)->next_;
    *at = next_;
  }

 private:
  /// The length of the circle that this wait closes; 0: none.
  std::size_t cycle() const noexcept {
    std::uintptr_t thread = runner_(*this);
    for (std::size_t n = 1; thread != 0; ++n) {
      if (thread == waiter_) return n;
      wait_record const* w = first();
      while (w != nullptr && w->waiter_ != thread) w = w->next_;
      if (w == nullptr || n > 1000) return 0;
      thread = w->runner_(*w);
    }
    return 0;
  }
  CTS_SHARED_SYMBOL static std::mutex& mutex() noexcept {
    static std::mutex m;
    return m;
  }
  CTS_SHARED_SYMBOL static wait_record*& first() noexcept {
    static wait_record* f = nullptr;
    return f;
  }
  std::uintptr_t const waiter_;
  void const* const source_;
  std::uintptr_t (*const runner_)(wait_record const&) noexcept;
  wait_record* next_ = nullptr;
};

}  // namespace detail

/// Installs what is called when a wait closes a circle (null: the default, a line on stderr); returns the one before.
/// Thread-safe.
inline wait_cycle_handler set_wait_cycle_handler(wait_cycle_handler h) noexcept {
  return detail::the_wait_cycle_handler.exchange(h != nullptr ? h : detail::print_wait_cycle);
}

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_CHECKED_WAITS_HPP
