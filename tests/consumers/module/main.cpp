// SPDX-License-Identifier: BSL-1.0
/// @file
/// A program that imports the module. It includes the standard headers that it uses itself.
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <utility>

import cts;

int main() {
  int callbacks = 0;
  cts::cancellation_token_source source;
  cts::cancellation_token const token = source.token();
  cts::cancellation_token_registration const registration = token.register_callback([&callbacks] { ++callbacks; });
  cts::cancellation_callback const also(token, [&callbacks] { ++callbacks; });
  if (std::hash<cts::cancellation_token>{}(token) !=
      std::hash<cts::cancellation_token>{}(cts::cancellation_token(token)))
    return 1;
  cts::manual_time_provider clock;
  cts::cancellation_token_source timed(std::chrono::seconds(1), clock);
  auto const linked = cts::cancellation_token_source::create_linked(token, timed.token());
  clock.advance(std::chrono::seconds(2));
  if (!linked.is_cancellation_requested()) return 1;
  source.cancel();
  try {
    token.throw_if_cancellation_requested();
  } catch (cts::operation_canceled const& e) {
    if (e.token() == token) ++callbacks;
  }
  cts::stop_source stop;
  cts::stop_callback const last(stop.get_token(), [&callbacks] { ++callbacks; });
  stop.request_stop();
  static_assert(cts::stoppable_token<cts::inplace_stop_token>);
  cts::core::registry registry;
  if (!registry.cancel()) return 1;
  std::printf("%d callbacks\n", callbacks);
  return callbacks == 4 ? 0 : 1;
}
