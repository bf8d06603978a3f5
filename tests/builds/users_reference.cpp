// SPDX-License-Identifier: BSL-1.0
// A file that uses timers, and calls the loader itself: its reference must not become a weak one, which a linker may
// leave unresolved.
#include <dlfcn.h>

#include "cts/cts.hpp"

void* users_reference();
void* users_reference() {
  cts::cancellation_token_source const s(std::chrono::milliseconds(1));
  return ::dlopen(nullptr, RTLD_LAZY);
}
