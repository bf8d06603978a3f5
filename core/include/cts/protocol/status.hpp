// SPDX-License-Identifier: BSL-1.0
/// @file
/// The status word of a state (protocol/state.hpp): its bits, and the cause of a cancel beside them.
///
///     bit   … 7                                6        5         4        3      2       1         0
///           cause: a reason's address, 1       reading  detached  watched  timed  linked  disposed  canceled
///           for the timer, 0 for none, or
///           the index of a link if `linked`
///
///     canceled   cancel has won; the cause is valid              linked    a link has won: the cause is its index
///     disposed   the source is disposed                          reading   a reader is at the links (S6)
///     timed      the timer may be armed (S3)                     detached  a registration has no handle any more
///     watched    there is an event (S3)
///
///     ·──status_cancel──▶ canceled            either of these two, or both in any order
///     ·──status_dispose──▶ disposed
///     ·──status_watch──▶ watched    ·──status_arm──▶ timed    ·──status_detach──▶ detached
///     ·──status_read──▶ reading ──status_left or status_unlinked──▶ ·
///
/// Only `reading` is ever cleared. The cause is written once, by status_cancel, together with `canceled`. So all
/// threads see the winner's cause, and see it as soon as they see `canceled` (S1).
#pragma once
#ifndef CTS_PROTOCOL_STATUS_HPP
#define CTS_PROTOCOL_STATUS_HPP

#include <cstddef>
#include <cstdint>

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {
namespace detail {

/// The answer to a call that cancels, arms or resets.
enum class request_result : std::uint8_t {
  won,      ///< this call does it
  lost,     ///< the source was canceled before
  disposed  ///< the source is disposed
};

/// The alignment of reasons: an address leaves the low bits of the status word to the flags.
inline constexpr std::size_t cause_alignment = 128;

namespace status {

using word = std::uintptr_t;
inline constexpr word canceled = 1;
inline constexpr word disposed = 2;
inline constexpr word linked = 4;
inline constexpr word timed = 8;
inline constexpr word watched = 16;
inline constexpr word detached = 32;
inline constexpr word reading = 64;

/// The cause of a cancel that was told a reason, or none.
template <class Reason>
word cause_of(Reason* reason) noexcept {
  return reinterpret_cast<word>(reason);
}
/// The cause of a cancel because the source's time is up. No reason has this address: memory begins above it.
inline constexpr word cause_of_timer = cause_alignment;
/// The cause of a cancel by the i-th link.
constexpr word cause_of_link(std::size_t i) noexcept { return i * cause_alignment | linked; }

constexpr bool is_canceled_by_link(word now) noexcept { return (now & linked) != 0; }
constexpr std::size_t link_index(word now) noexcept { return now / cause_alignment; }
constexpr bool is_canceled_by_timer(word now) noexcept {
  return (now & (canceled | linked)) == canceled && (now & ~(cause_alignment - 1)) == cause_of_timer;
}
/// @return null if there is none, or if the timer or a link is the cause
template <class Reason>
Reason* reason_in(word now) noexcept {
  if ((now & (canceled | linked)) != canceled || is_canceled_by_timer(now)) return nullptr;
  return reinterpret_cast<Reason*>(now & ~(cause_alignment - 1));
}
/// Whether the end of a state calls no foreign code and ends no other state.
template <class Reason>
bool releases_nothing(word now) noexcept {
  return (now & (detached | timed | linked)) == 0 && status::reason_in<Reason>(now) == nullptr;
}

}  // namespace status

}  // namespace detail
}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_PROTOCOL_STATUS_HPP
