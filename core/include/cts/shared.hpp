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
/// register and unregister callbacks, or copy and drop tokens, write no common cache line. Each thread uses the stripe
/// of its index. There is a stripe for each processor, and there are 16 to 256; further threads share stripes.
/// Callbacks run newest first for each thread that registered them; those of different threads run in no particular
/// order. A shared source is 192 bytes a stripe larger than a plain one, and its end and its cancel visit every stripe.
/// Tokens, registrations and callbacks have the same types as those of any source.
struct shared_t {
  explicit shared_t() = default;
};
/// The argument of those constructors.
inline constexpr shared_t shared{};

}  // namespace CTS_ABI
}  // namespace cts

#endif  // CTS_SHARED_HPP
