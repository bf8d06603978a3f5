// SPDX-License-Identifier: BSL-1.0
// A shared library that uses timers and is unloaded: its timers' thread must be gone by then.
#include <chrono>

#include "cts/cts.hpp"

extern "C" int cts_plugin_waits_for_its_timer() {
  static cts::cancellation_token_source armed(std::chrono::hours(1));
  cts::cancellation_token_source s(std::chrono::milliseconds(1));
  s.token().wait_handle().wait();
  return s.is_cancellation_requested() ? 1 : 0;
}
