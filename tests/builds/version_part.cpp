// SPDX-License-Identifier: BSL-1.0
/// @file
/// One version in the program. CTS_VERSION_PART is the name of the function that this file defines.
#include "version_part.hpp"

#include <chrono>
#include <exception>
#include <typeinfo>

#include "cts/cts.hpp"
#include "cts/stop_token.hpp"
#include "cts/version.hpp"

namespace {

int callbacks_that_ran() {
  int n = 0;
  cts::cancellation_token_source s;
  auto const r = s.token().register_callback([&n] { ++n; });
  cts::cancellation_callback const c(s.token(), [&n] { ++n; });
  s.cancel();
  cts::stop_source t;
  cts::stop_callback const d(t.get_token(), [&n] { ++n; });
  t.request_stop();
  return n;
}

bool canceled_by_timer() {
  cts::cancellation_token_source s(std::chrono::milliseconds(1));
  return s.token().wait_handle().wait_for(std::chrono::minutes(1));
}

bool set_sink(bool other) {
  return cts::set_error_sink(other ? [](std::exception_ptr) noexcept {} : cts::error_sink(nullptr)) != nullptr;
}

}  // namespace

version_part const& CTS_VERSION_PART() {
  static version_part const all{CTS_VERSION,         CTS_CHECKED,        typeid(cts::cancellation_token).name(),
                                &callbacks_that_ran, &canceled_by_timer, &set_sink};
  return all;
}
