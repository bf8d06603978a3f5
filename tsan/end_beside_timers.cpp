// SPDX-License-Identifier: BSL-1.0
/// @file
/// A process that ends while timers run callbacks: a sanitizer finds nothing to report then, threads that have ended
/// included.
///   quick  by _exit, after a callback that has waited for a timeout of its own, so that another thread has taken over
///   and ended slow   by exit, with a callback that goes on
#include <cts/cts.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <unistd.h>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  bool const quick = argc > 1 && std::strcmp(argv[1], "quick") == 0;
  static auto& source = *new cts::cancellation_token_source;
  static std::atomic<bool> reached{false};
  source.token()
      .register_callback([quick] {
        if (quick) {
          cts::cancellation_token_source const limit(50ms);
          limit.token().wait_handle().wait();
        }
        reached = true;
        if (!quick) std::this_thread::sleep_for(2s);
      })
      .detach();
  source.cancel_after(1ms);
  while (!reached) std::this_thread::sleep_for(1ms);
  std::this_thread::sleep_for(100ms);  // for the thread that is not needed any more to end
  if (quick) ::_exit(0);
  std::exit(0);
}
