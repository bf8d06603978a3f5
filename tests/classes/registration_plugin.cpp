// SPDX-License-Identifier: BSL-1.0
// A shared library that registers and disposes callbacks. It is unloaded while the registrant thread lives on.
#include "cts/cts.hpp"

extern "C" int cts_plugin_registers_and_disposes() {
  cts::cancellation_token_source s;
  int ran = 0;
  for (int n = 0; n < 3; ++n) {
    auto const gone = s.token().register_callback([&] { ran += 100; });
    auto const large = s.token().register_callback([&ran, a = n, b = &s, c = &n] { ran += a + (b != nullptr) + *c; });
  }
  auto const kept = s.token().register_callback([&] { ++ran; });
  s.cancel();
  return ran;
}
