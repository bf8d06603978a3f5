// SPDX-License-Identifier: BSL-1.0
// For https://godbolt.org with -std=c++20 -O2 -pthread. Replace the include by the address of a raw cts_single.hpp; a
// release has one, and this address is a placeholder:
//   #include <https://example.invalid/cts/releases/cts_single.hpp>
#include "cts_single.hpp"

#include <cstdio>
#include <thread>

// What to look at: a poll is one load and a test.
bool poll(cts::cancellation_token const& token) { return token.is_cancellation_requested(); }

// An operation that stops between two pieces of work, and tells how far it came.
int work(cts::cancellation_token const& token) {
  int done = 0;
  while (!poll(token)) ++done;
  return done;
}

int main() {
  cts::cancellation_token_source source;
  int done = -1;
  std::thread worker([&done, token = source.token()] { done = work(token); });
  {
    cts::cancellation_callback const on_cancel(source.token(), [] { std::puts("canceled"); });
    source.cancel();
  }
  worker.join();
  std::printf("%d pieces\n", done);
  return done >= 0 ? 0 : 1;
}
