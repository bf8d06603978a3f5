// SPDX-License-Identifier: BSL-1.0
/// @file
/// One of the shared objects. CTS_SHARED_PART is the name of the function that it defines.
#include "shared_part.hpp"

namespace {
cts::error_sink set_error_sink(cts::error_sink s) noexcept { return cts::set_error_sink(s); }
cts::leak_handler set_leak_handler(cts::leak_handler h) noexcept { return cts::set_leak_handler(h); }
cts::wait_cycle_handler set_wait_cycle_handler(cts::wait_cycle_handler h) noexcept {
  return cts::set_wait_cycle_handler(h);
}
cts::core::misuse_handler set_misuse_handler(cts::core::misuse_handler h) noexcept {
  return cts::core::set_misuse_handler(h);
}
cts::cancellation_token canceled() { return cts::cancellation_token(true); }
cts::wait_handle never() { return cts::cancellation_token::none().wait_handle(); }
cts::time_provider& system_clock() { return cts::time_provider::system(); }
void throw_operation_canceled() { cts::cancellation_token(true).throw_if_cancellation_requested(); }
bool catches_operation_canceled(void (*f)()) {
  try {
    f();
  } catch (cts::operation_canceled const&) { return true; } catch (...) {
  }
  return false;
}
void dispose(cts::cancellation_token_registration& r) { r.dispose(); }
void const* timers() { return &cts::detail::the_timer_service::get(); }
}  // namespace

shared_part const* CTS_SHARED_PART() {
  static shared_part const all{&set_error_sink,
                               &set_leak_handler,
                               &set_wait_cycle_handler,
                               &set_misuse_handler,
                               &canceled,
                               &never,
                               &system_clock,
                               &typeid(cts::operation_canceled),
                               &typeid(cts::object_disposed),
                               &typeid(cts::aggregate_exception),
                               &throw_operation_canceled,
                               &catches_operation_canceled,
                               &timers,
                               &dispose};
  return &all;
}
