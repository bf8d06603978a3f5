// SPDX-License-Identifier: BSL-1.0
/// @file
/// The scope of a call on a source object, for checked builds. There the scope holds the state, because the call may
/// end the source. Nothing in release builds.
#pragma once
#ifndef CTS_DETAIL_CHECKED_SOURCE_SCOPES_HPP
#define CTS_DETAIL_CHECKED_SOURCE_SCOPES_HPP

#include <memory>
#include <type_traits>

#include "cts/detail/checked/source_calls.hpp"
#include "cts/detail/parts.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

struct no_reference {
  explicit no_reference(state&) noexcept {}
  ~no_reference() {}
};
/// A reference to the state that only checked builds need.
using checked_reference = std::conditional_t<core::std_platform::checked, state::reference, no_reference>;

/// A call that must not overlap the source's dispose.
class [[nodiscard]] call_scope {
 public:
  call_scope(state& s, source_verb verb) noexcept : held_(s), call_(s.more(), verb, std::addressof(s)) {}

 private:
  [[no_unique_address]] checked_reference const held_;
  [[no_unique_address]] source_calls::scope call_;
};

/// The dispose of a source, which it reports with its leaks. Does not hold the state: so the destructor of a source,
/// which ends its reference, leaves the scope first.
class [[nodiscard]] dispose_scope {
 public:
  explicit dispose_scope(state& s) noexcept
      : dispose_(s.more(), std::addressof(s),
                 checked && s.registry().is_notifying() && s.runs_here() ? s.registry().canceller() : 0) {
    if (checked && !s.is_cancellation_requested() && !s.is_disposed()) s.more().report_leaks(std::addressof(s));
  }

 private:
  static constexpr bool checked = core::std_platform::checked;
  [[no_unique_address]] source_calls::dispose_scope dispose_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_DETAIL_CHECKED_SOURCE_SCOPES_HPP
