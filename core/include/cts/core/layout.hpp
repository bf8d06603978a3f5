// SPDX-License-Identifier: BSL-1.0
/// @file
/// How the words of a registry lie: the layout parameter of basic_registry. The verbs are the same in each.
///
///     isolated   │ flag …            │ top, segment      │ slots             │   lines of its own: 192 bytes
///     compact    │ flag … top, slots │                                           64 bytes, aligned as a word
///     spaced     │ flag … top, a gap │ slots │                                   96 bytes, aligned as a word
///
/// In an isolated registry no poller reads a line that registrants write, and the first 8 registrations allocate
/// nothing. A compact one is for a place where bytes count: pollers and registrants share a line, and the first 4
/// registrations allocate nothing. In a spaced one the slots begin a line's length behind the flag, so that they are on
/// different lines wherever it lies; only its neighbours in memory may share them.
#pragma once
#ifndef CTS_CORE_LAYOUT_HPP
#define CTS_CORE_LAYOUT_HPP

#include <cstddef>
#include <cstdint>

#include "cts/core/compact_stack.hpp"
#include "cts/core/segment_stack.hpp"
#include "cts/core/slot.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace core {

/// Pollers on a line of their own.
struct isolated {
  template <class Platform>
  using stack = segment_stack<Platform>;
  template <class Platform>
  static constexpr std::size_t alignment = Platform::line;
};

/// As few bytes as possible.
struct compact {
  template <class Platform>
  using stack = compact_stack<Platform>;
  template <class Platform>
  static constexpr std::size_t alignment = alignof(typename Platform::template atomic<word>);
};

/// Few bytes, but the flag and the slots on different lines. For a registry whose stripes come at run time.
struct spaced {
  /// The words between the flag's begin and the gap: flag, canceller, notification, row of stripes, top.
  static constexpr std::size_t before_gap = sizeof(word) + 4 * sizeof(std::uintptr_t);
  template <class Platform>
  using stack = compact_stack<Platform, (Platform::line > before_gap ? Platform::line - before_gap : 0)>;
  template <class Platform>
  static constexpr std::size_t alignment = alignof(typename Platform::template atomic<word>);
};

}  // namespace core
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_CORE_LAYOUT_HPP
