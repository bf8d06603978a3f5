// SPDX-License-Identifier: BSL-1.0
/// @file
/// The common part of stop_callback and inplace_stop_callback: the function beside its node in the registry, and
/// registering and unregistering it as the standard prescribes (G28).
#pragma once
#ifndef CTS_DETAIL_STOP_STOP_INVOCATION_HPP
#define CTS_DETAIL_STOP_STOP_INVOCATION_HPP

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

#include "cts/core/registry.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// A function that a registry runs. [stopcallback.general]
/// The function may destroy this object while it runs: nothing is touched after it has returned.
/// @tparam Callback of the registry
template <class CallbackFn, class Callback = core::callback>
class stop_invocation : public Callback {
  static_assert(std::invocable<CallbackFn>, "CallbackFn must be invocable without arguments [stopcallback.general]");
  static_assert(std::destructible<CallbackFn>, "CallbackFn must be destructible [stopcallback.general]");

 public:
  template <class Initializer>  // NOLINTNEXTLINE(bugprone-forwarding-reference-overload): not copied or moved
  explicit stop_invocation(Initializer&& init) noexcept(std::is_nothrow_constructible_v<CallbackFn, Initializer>)
      : Callback(&run), callback_fn_(std::forward<Initializer>(init)) {}

  /// Calls the function in its own value category; an exception ends the program. [stoptoken.concepts]
  void invoke() noexcept { std::forward<CallbackFn>(callback_fn_)(); }

 private:
  static void run(typename Callback::callback& c) noexcept { static_cast<stop_invocation&>(c).invoke(); }

  CallbackFn callback_fn_;
};

/// Registers `c`. When this returns true, `c` may be gone.
/// Calls std::terminate if the registry cannot grow: the standard lets the constructors of callbacks throw nothing of
/// their own, and a callback that silently never runs is worse. Before that, the registry has looked for room in all
/// its segments, and operator new has called the new-handler, which may make room or wait.
/// @return false if a stop request came first
template <class Registry>
CTS_HOT inline bool try_register(Registry& r, typename Registry::callback& c) noexcept {
  core::register_result const result = r.try_register(c);
  if (result == core::register_result::out_of_memory) [[unlikely]]
    std::terminate();
  return result == core::register_result::registered;
}

/// Unregisters `c`, which was registered; if it runs on another thread, waits until it has returned.
template <class Registry>
CTS_HOT inline void unregister_and_wait(Registry& r, typename Registry::callback& c) noexcept {
  // After a stop request most callbacks have run: two loads are cheaper than a compare-and-swap that fails.
  bool const over = r.is_cancellation_requested() && !r.is_registered(c);
  if (over || !r.unregister(c)) [[unlikely]]
    r.await_return(c);
}

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_STOP_STOP_INVOCATION_HPP
