// SPDX-License-Identifier: BSL-1.0
/// @file
/// A reference to a state for a scope (S2 of protocol/state.hpp), and who may look into one.
#pragma once
#ifndef CTS_PROTOCOL_REFERENCE_HPP
#define CTS_PROTOCOL_REFERENCE_HPP

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// Looks at a state, for reports: protocol/inspector.hpp.
template <class State>
struct inspector;

/// @tparam State has share() and drop()
template <class State>
class basic_reference {
 public:
  explicit basic_reference(State& s) noexcept : state_(s) { s.share(); }
  basic_reference(basic_reference const&) = delete;
  basic_reference& operator=(basic_reference const&) = delete;
  ~basic_reference() { state_.drop(); }

 private:
  State& state_;
};

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_REFERENCE_HPP
