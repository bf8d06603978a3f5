// SPDX-License-Identifier: BSL-1.0
/// @file
/// A user's program, the same for most ways in: the classes and the registry alone.
#include <chrono>
#include <cstdio>

#include <cts/core/registry.hpp>
#include <cts/cts.hpp>
#include <cts/stop_token.hpp>

int main() {
  int callbacks = 0;
  cts::cancellation_token_source timed(std::chrono::milliseconds(1));
  if (!timed.token().wait_handle().wait_for(std::chrono::minutes(1))) return 1;
  cts::cancellation_token_source source;
  cts::cancellation_callback const count(source.token(), [&callbacks] { ++callbacks; });
  source.cancel();
  cts::stop_source stop;
  cts::stop_callback const also(stop.get_token(), [&callbacks] { ++callbacks; });
  stop.request_stop();
  cts::core::registry registry;
  if (!registry.cancel()) return 1;
  std::printf("cts %d: %d callbacks\n", CTS_VERSION, callbacks);
  return callbacks == 2 ? 0 : 1;
}
