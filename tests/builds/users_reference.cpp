// SPDX-License-Identifier: BSL-1.0
// A user's file that has timers and calls dlopen itself. Its reference to dlopen must stay strong, because a linker may
// leave a weak one unresolved.
#include <dlfcn.h>

#include "cts/cts.hpp"

void* users_reference();
void* users_reference() {
  cts::cancellation_token_source const s(std::chrono::milliseconds(1));
  return ::dlopen(nullptr, RTLD_LAZY);
}
