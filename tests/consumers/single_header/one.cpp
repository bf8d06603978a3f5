// SPDX-License-Identifier: BSL-1.0
/// @file
/// The first of two translation units with the single headers.
#include "cts_single.hpp"

bool canceled_elsewhere(cts::cancellation_token const& token);

int main() {
  cts::cancellation_token_source source;
  source.cancel();
  static_assert(sizeof(cts::lane) > 0 && sizeof(cts::manual_time_provider) > 0);
  return canceled_elsewhere(source.token()) ? 0 : 1;
}
