// SPDX-License-Identifier: BSL-1.0
/// @file
/// The second one: after the registry alone and beside a header of its own, which are the same for the compiler.
#include "cts_core_single.hpp"
//
#include "cts_single.hpp"
//
#include <cts/stop_token.hpp>

bool canceled_elsewhere(cts::cancellation_token const& token) {
  cts::core::registry registry;
  cts::stop_source stop;
  return registry.cancel() && stop.request_stop() && token.is_cancellation_requested();
}
