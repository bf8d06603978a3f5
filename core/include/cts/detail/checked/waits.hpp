// SPDX-License-Identifier: BSL-1.0
/// @file
/// The waits in progress for callbacks of other threads. A wait that closes a circle is reported (R49, R50) instead of
/// hanging silently. In all builds.
#pragma once
#ifndef CTS_DETAIL_CHECKED_WAITS_HPP
#define CTS_DETAIL_CHECKED_WAITS_HPP

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "cts/diagnostics.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// One wait, on its waiter's stack, in a list of the process. Only threads that must wait take the list's lock.
class wait_record {
 public:
  using thread = std::uintptr_t;

  /// @param waiter the calling thread
  /// @param source the source whose callback it waits for
  /// @param runner tells which thread runs that callback; 0: none any more
  wait_record(thread waiter, void const* source, thread (*runner)(wait_record const&) noexcept) noexcept
      : waiter_(waiter), source_(source), runner_(runner) {}
  wait_record(wait_record const&) = delete;
  wait_record& operator=(wait_record const&) = delete;

  /// The number of threads that wait for a callback of `source`. O(waits of the process).
  static std::size_t waiting_for(void const* source) noexcept {
    std::lock_guard const lock(mutex());
    std::size_t n = 0;
    for (wait_record const* r = first(); r != nullptr; r = r->next_) n += r->source_ == source;
    return n;
  }

 protected:
  ~wait_record() = default;
  void begin() noexcept {
    wait_cycle found{0, source_, waiter_, 0};
    {
      std::lock_guard const lock(mutex());
      next_ = first();
      first() = this;
      found.threads = threads_in_circle();
      if (found.threads != 0) found.runner = runner_(*this);
    }
    if (found.threads != 0) the_wait_cycle_handler.load()(found);
  }
  void end() noexcept {
    std::lock_guard const lock(mutex());
    wait_record** at = &first();
    while (*at != this) at = &(*at)->next_;
    *at = next_;
  }

 private:
  /// The number of threads in the circle that this wait closes; 0: it closes none.
  std::size_t threads_in_circle() const noexcept {
    constexpr std::size_t most_threads = 1000;  // a longer circle is not found
    thread at = runner_(*this);
    for (std::size_t n = 1; at != 0; ++n) {
      if (at == waiter_) return n;
      wait_record const* its_wait = first();
      while (its_wait != nullptr && its_wait->waiter_ != at) its_wait = its_wait->next_;
      if (its_wait == nullptr || n > most_threads) return 0;
      at = its_wait->runner_(*its_wait);
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
  thread const waiter_;
  void const* const source_;
  thread (*const runner_)(wait_record const&) noexcept;
  wait_record* next_ = nullptr;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_CHECKED_WAITS_HPP
