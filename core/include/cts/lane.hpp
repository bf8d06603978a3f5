// SPDX-License-Identifier: BSL-1.0
/// @file
/// Lanes: registrations of one owner in one registry, without a read-modify-write. For long-lived registries on which
/// one thread registers and unregisters callbacks all the time.
///
///     cts::lane mine(registry);                                       // one for each thread; a registration of its
///     own
///     {
///       cts::lane_registration const on_cancel(mine, [&]() noexcept { socket.shutdown(); });
///       socket.read(buffer);
///     }                                                               // unregistered
///
/// A pair of register and unregister is a handful of plain loads and stores. Cancel pays for it: for each lane it
/// passes a barrier that interrupts the threads of the process (detail/process_barrier.hpp). The protocol stands in
/// protocol/lane.hpp, its guarantee is G22.
///
/// Tokens have lanes, too: cancellation_lane.hpp.
#pragma once
#ifndef CTS_LANE_HPP
#define CTS_LANE_HPP

#include <exception>
#include <new>
#include <type_traits>
#include <utility>

#include "cts/core/registry.hpp"
#include "cts/detail/process_barrier.hpp"
#include "cts/protocol/lane.hpp"

namespace cts {
inline namespace CTS_ABI {

/// A lane of a core::registry. Its members are those of basic_lane: try_register, unregister, unregister_and_wait. Made
/// from a registry, which must outlive it. Immovable.
///
/// Thread-safety: one owner at a time. Only inside a callback of the lane may its registrations be unregistered while
/// the owner does so, too.
using lane = basic_lane<lane_home<core::registry>, detail::process_barrier>;

/// What a lane runs: derive from it or embed it, as core::callback. lane_registration does so for a function.
using lane_callback = basic_lane_callback<core::std_platform>;

/// Calls its function when the lane's registry is canceled, or in the constructor if it has been: what
/// std::stop_callback is to a stop token. Allocates nothing, immovable. The lane's owner makes and destroys it; a
/// callback of the lane may destroy it, too.
template <class F>
class [[nodiscard]] lane_registration : private lane_callback {
  static_assert(std::is_nothrow_invocable_v<F&>, "F must be callable as f() and not throw: the core has no exceptions");

 public:
  /// Registers `f`, or calls it at once if cancellation has been requested (R17). Costs as lane::try_register, and
  /// waits for nothing. Throws std::bad_alloc if the lane cannot grow (std::terminate in code built without
  /// exceptions), and what moving `f` throws.
  CTS_HOT lane_registration(lane& on, F f) : lane_callback(&run), lane_(on), function_(std::move(f)) {
    core::register_result const result = lane_.try_register(*this);
    if (result == core::register_result::registered) [[likely]]
      return;  // TRICKY: it may have run and destroyed *this
    if (result == core::register_result::out_of_memory) {
#if defined(__cpp_exceptions)
      throw std::bad_alloc();
#else
      std::terminate();
#endif
    }
    if (result == core::register_result::canceled) function_();
  }
  lane_registration(lane_registration const&) = delete;
  lane_registration& operator=(lane_registration const&) = delete;
  /// Unregisters the function, or waits until it has returned, as lane::unregister_and_wait. R46.
  CTS_HOT ~lane_registration() { lane_.unregister_and_wait(*this); }

 private:
  static void run(lane_callback& c) noexcept { static_cast<lane_registration&>(c).function_(); }
  lane& lane_;
  [[no_unique_address]] F function_;
};

/// Deduces the type of the function.
template <class F>
lane_registration(lane&, F) -> lane_registration<F>;

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_LANE_HPP
