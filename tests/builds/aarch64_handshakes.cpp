// SPDX-License-Identifier: BSL-1.0
/// @file
/// What check_aarch64.py compiles for AArch64 and looks at: each side of a handshake as a function of its own. The
/// script puts a function for each site of the tables behind them.
#include <cstdint>

#include "cts/core/registry.hpp"
#include "cts/lane.hpp"

using cts::core::std_platform;
using cts::core::word;

extern "C" {

cts::core::register_result handshake_register(cts::core::registry& r, cts::core::callback& c) {
  return r.try_register(c);
}
bool handshake_cancel(cts::core::registry& r) { return r.cancel(); }
bool handshake_claim(cts::core::whole_segment<std_platform, 8>& s, word gen) { return s.claim(gen); }
bool handshake_poll(cts::core::registry& r) { return r.is_cancellation_requested(); }
bool handshake_unregister(cts::core::registry& r, cts::core::callback& c) { return r.unregister(c); }
cts::core::register_result handshake_lane_register(cts::lane& l, cts::lane_callback& c) { return l.try_register(c); }
}
