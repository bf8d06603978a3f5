// SPDX-License-Identifier: BSL-1.0
#include <cts/cts.hpp>

int main() {
  bool ran = false;
  cts::cancellation_token_source source;
  cts::cancellation_callback const run(source.token(), [&ran] { ran = true; });
  source.cancel();
  return ran ? 0 : 1;
}
