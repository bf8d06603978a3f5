// SPDX-License-Identifier: BSL-1.0
/// @file
/// The tag of sources that are made for a token that many threads use.
#pragma once
#ifndef CTS_SHARED_HPP
#define CTS_SHARED_HPP

#include "cts/version.hpp"

namespace cts {
inline namespace CTS_ABI {

/// Selects the constructors of shared sources: of cancellation_token_source and of stop_source.
///
/// A shared source is for a token that many threads use at once, such as the one of a process's shutdown. Threads that
/// register and unregister callbacks, or copy and drop tokens, write no common cache line: each uses the stripe of its
/// index, of which there are as many as processors, 16 at least and 256 at most. Threads beyond that share stripes.
/// Its callbacks run newest first for each thread; callbacks of different threads run in no particular order. It is
/// larger than a plain source, and its cancel looks at every stripe ([cost model](cost_model.md)). Its tokens,
/// registrations and callbacks are of the same types as those of any source.
struct shared_t {
  explicit shared_t() = default;
};
/// The argument of those constructors.
inline constexpr shared_t shared{};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_SHARED_HPP
