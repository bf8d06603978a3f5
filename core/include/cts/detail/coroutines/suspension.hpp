// SPDX-License-Identifier: BSL-1.0
/// @file
/// Two words that decide on which side a coroutine goes on: the suspending thread or the canceller (suspension), the
/// canceller or the owner of the frame (resume gate). G24
///
///   coroutine's thread                   canceller                           owner of the frame
///   registers its callback               runs the callback:
///   announces that it is suspended         announces the cancel
///   (suspension_suspend)      (C1)         (suspension_cancel)     (C1)
///     was the cancel announced?            was the suspension announced?
///     yes: goes on at once                 yes: passes the gate    (C2)      closes the gate     (C2)
///     no:  touches nothing any more        (gate_pass), resumes              (gate_close), destroys the frame
///
///   C1  both announcements are read-modify-writes of one word: the second of the two finds the first and goes on with
///       the coroutine; the first does not. So the coroutine goes on once, and never while the suspending thread still
///       uses its frame;
///   C2  the same with another word, outside the frame: the first of the two has the frame, the second leaves it alone.
///
/// Templates over the platform: the models run them (models/coroutines).
#pragma once
#ifndef CTS_DETAIL_COROUTINES_SUSPENSION_HPP
#define CTS_DETAIL_COROUTINES_SUSPENSION_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "cts/core/memory_orders.hpp"
#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The name of an atomic operation.
enum class coroutine_site : std::uint8_t { suspension_suspend, suspension_cancel, gate_close, gate_pass, count };

// clang-format off
/// The table, in the order of `coroutine_site`.
inline constexpr core::site_info coroutine_site_table[static_cast<std::size_t>(coroutine_site::count)] = {
  {"suspension_suspend", core::operation::rmw, std::memory_order_acq_rel, "suspension_cancel",
   "the canceller would resume a frame that it does not see, or the coroutine would go on without seeing what was "
   "written before cancel (G24)"},
  {"suspension_cancel", core::operation::rmw, std::memory_order_acq_rel, "suspension_suspend",
   "the canceller would resume a frame that it does not see, or the coroutine would go on without seeing what was "
   "written before cancel (G24)"},
  {"gate_close", core::operation::rmw, std::memory_order_relaxed, "gate_pass",
   "nothing: the word's modification order alone decides who has the frame, and the registration's end orders the "
   "rest (G24)"},
  {"gate_pass", core::operation::rmw, std::memory_order_relaxed, "gate_close",
   "nothing: the word's modification order alone decides who has the frame, and suspension_cancel orders the rest "
   "(G24)"},
};
// clang-format on

constexpr core::site_info const& info(coroutine_site s) noexcept {
  return coroutine_site_table[static_cast<std::size_t>(s)];
}

/// Whether the suspending thread or the canceller goes on with the coroutine. C1
template <class Platform>
class basic_suspension {
 public:
  /// On the suspending thread. `enroll()` registers the callback, which calls cancel(); it may throw.
  /// @return true: the coroutine is suspended, and the frame may be gone; false: canceled, the coroutine goes on here
  template <class Enroll>
  bool suspend(Enroll enroll) {
    enroll();
    return (word_.fetch_or(suspended, coroutine_site::suspension_suspend) & canceled) == 0;
  }
  /// On the canceller, at most once.
  /// @return whether the coroutine is suspended, and this thread has to see to its resumption
  bool cancel() noexcept { return (word_.fetch_or(canceled, coroutine_site::suspension_cancel) & suspended) != 0; }

 private:
  static constexpr std::uint32_t suspended = 1, canceled = 2;
  typename Platform::template atomic<std::uint32_t> word_{0};
};

/// Whether the coroutine is resumed or its owner has the frame. C2
template <class Platform>
class basic_gate {
 public:
  /// On the owner. @return whether the coroutine will not be resumed
  bool close() noexcept { return (word_.fetch_or(closed, coroutine_site::gate_close) & passed) == 0; }
  /// On the resuming thread, at most once. @return whether it may resume the coroutine
  bool try_pass() noexcept { return (word_.fetch_or(passed, coroutine_site::gate_pass) & closed) == 0; }

 private:
  static constexpr std::uint32_t closed = 1, passed = 2;
  typename Platform::template atomic<std::uint32_t> word_{0};
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_COROUTINES_SUSPENSION_HPP
