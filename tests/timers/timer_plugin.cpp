// SPDX-License-Identifier: BSL-1.0
// A shared library that uses timers and is unloaded. By then its threads must have ended, and every callback that is
// its code must have returned.
#include <atomic>
#include <chrono>
#include <thread>

#include "cts/cts.hpp"

using namespace std::chrono_literals;

namespace {
cts::cancellation_token_source armed_by_static_initialization(1h);

template <class Start>
void run(std::atomic<int>* ran, Start start) {
  auto& s = *new cts::cancellation_token_source;  // never destroyed
  s.token()
      .register_callback([ran] {
        *ran = 1;
        std::this_thread::sleep_for(50ms);
        *ran = 2;
      })
      .detach();
  start(s);
  while (*ran == 0) std::this_thread::yield();
}
}  // namespace

#if defined(_WIN32)
#define CTS_PLUGIN_FUNCTION __declspec(dllexport)
#else
#define CTS_PLUGIN_FUNCTION [[gnu::visibility("default")]]
#endif

extern "C" {
CTS_PLUGIN_FUNCTION void cts_plugin_disarms_all() { armed_by_static_initialization.cancel_after(cts::infinite); }
CTS_PLUGIN_FUNCTION int cts_plugin_waits_for_its_timer() {
  static cts::cancellation_token_source armed(1h);
  cts::cancellation_token_source s(1ms);
  s.token().wait_handle().wait();
  return s.is_cancellation_requested() ? 1 : 0;
}
CTS_PLUGIN_FUNCTION void cts_plugin_runs_a_callback(std::atomic<int>* ran) {
  run(ran, [](auto& s) { s.cancel_after(1ms); });
}
CTS_PLUGIN_FUNCTION void cts_plugin_cancels_asynchronously(std::atomic<int>* ran) {
  run(ran, [](auto& s) { static_cast<void>(s.cancel_async()); });
}
/// The callback waits for a timer, which is armed by the callback if `late`, otherwise before it.
CTS_PLUGIN_FUNCTION void cts_plugin_waits_in_a_callback(std::atomic<int>* ran, bool late) {
  auto& s = *new cts::cancellation_token_source;
  auto& early = *new cts::cancellation_token_source(200ms);
  s.token()
      .register_callback([ran, late, &early] {
        *ran = 1;
        if (late) {
          std::this_thread::sleep_for(50ms);
          cts::cancellation_token_source limit(5ms);
          limit.token().wait_handle().wait();
        } else {
          early.token().wait_handle().wait();
        }
        *ran = 2;
      })
      .detach();
  s.cancel_after(1ms);
  while (*ran == 0) std::this_thread::yield();
}
CTS_PLUGIN_FUNCTION void cts_plugin_runs_a_long_callback(std::atomic<int>* ran) {
  auto& s = *new cts::cancellation_token_source;
  s.token()
      .register_callback([ran] {
        *ran = 1;
        std::this_thread::sleep_for(500ms);
        *ran = 2;
      })
      .detach();
  s.cancel_after(1ms);
  while (*ran == 0) std::this_thread::yield();
}
CTS_PLUGIN_FUNCTION int cts_plugin_waits_until_idle() {
  cts_plugin_disarms_all();
  cts::cancellation_token_source fired(1ms);
  fired.token().wait_handle().wait();
  auto& service = cts::detail::the_timer_service::get();
  for (int i = 0; i < 2000 && service.threads() != 0; ++i) std::this_thread::sleep_for(5ms);
  return service.threads() == 0 ? 1 : 0;
}
CTS_PLUGIN_FUNCTION void cts_plugin_blocks(std::atomic<int>* ran) {
  auto& s = *new cts::cancellation_token_source;
  s.token()
      .register_callback([ran] {
        *ran = 1;
        std::this_thread::sleep_for(std::chrono::minutes(10));
      })
      .detach();
  s.cancel_after(1ms);
  while (*ran == 0) std::this_thread::yield();
}
}
