// SPDX-License-Identifier: BSL-1.0
/// @file
/// A process ends while timers run callbacks, and a sanitizer must have nothing to report, also of threads that have
/// ended. The argument is the way to end:
///
///   quick  by _exit, after a callback has waited for a timeout of its own, so that another thread took over and ended
///   slow   by exit, while a callback runs
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
  std::this_thread::sleep_for(100ms);  // until the thread that is no longer needed has ended
  if (quick) ::_exit(0);
  std::exit(0);
}
