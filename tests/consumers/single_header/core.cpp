// SPDX-License-Identifier: BSL-1.0
/// @file
/// The registry alone, from its single header alone.
#include "cts_core_single.hpp"

int main() {
  int callbacks = 0;
  struct counting : cts::core::callback {
    explicit counting(int& n)
        : cts::core::callback([](cts::core::callback& c) noexcept { ++static_cast<counting&>(c).count; }), count(n) {}
    int& count;
  } callback(callbacks);
  cts::core::registry registry;
  if (registry.try_register(callback) != cts::core::register_result::registered) return 1;
  return registry.cancel() && callbacks == 1 ? 0 : 1;
}
