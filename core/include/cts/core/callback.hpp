// SPDX-License-Identifier: BSL-1.0
/// @file
/// What a registry runs.
#pragma once
#ifndef CTS_CORE_CALLBACK_HPP
#define CTS_CORE_CALLBACK_HPP

#include "cts/core/overlap_watch.hpp"
#include "cts/core/slot.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// An intrusive node: derive from it or embed it. It must not move or die while registered: until unregister() has
/// returned true, unregister_and_wait() has returned, the callback itself has begun to run (it may destroy itself), or
/// the registry has been disposed. Then it may be registered again.
template <class Platform>
class basic_callback {
 public:
  using callback = basic_callback;  ///< so that a derived class may say `callback` for its base
  /// A callback's function. It must not throw.
  using function = void (*)(basic_callback&) noexcept;

  /// A callback that runs `run`. Not registered.
  explicit basic_callback(function run) noexcept : run_(run), slot_(nullptr), dead_(0) {}
  basic_callback(basic_callback const&) = delete;
  basic_callback& operator=(basic_callback const&) = delete;

 private:
  template <class, std::size_t>
  friend class segment_stack;
  template <class, std::size_t>
  friend class compact_stack;
  template <class>
  friend struct failed_growth;
  template <class, std::size_t, class>
  friend class basic_registry;

  // The registrant writes them before it publishes.
  typename Platform::template var<function> run_;
  typename Platform::template var<basic_slot<Platform>*> slot_;
  typename Platform::template var<word> dead_;  // what unregister leaves in the slot
  [[no_unique_address]] registrar<Platform::checked> registrar_;
};

/// What follows if nothing else is asked for.
struct nothing_else {
  /// Does nothing.
  void operator()() const noexcept {}
};

/// The callback of production.
using callback = basic_callback<std_platform>;
static_assert(alignof(callback) >= 4, "a slot keeps its kind in the two low bits of the address");

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_CALLBACK_HPP
