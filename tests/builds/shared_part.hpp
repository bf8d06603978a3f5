// SPDX-License-Identifier: BSL-1.0
/// @file
/// The functions through which a shared object of shared_objects_test.cpp shows its cts.
#pragma once

#include <typeinfo>

#include "cts/cts.hpp"
#include "cts/lane.hpp"

struct shared_part {
  cts::error_sink (*set_error_sink)(cts::error_sink) noexcept;
  cts::leak_handler (*set_leak_handler)(cts::leak_handler) noexcept;
  cts::wait_cycle_handler (*set_wait_cycle_handler)(cts::wait_cycle_handler) noexcept;
  cts::core::misuse_handler (*set_misuse_handler)(cts::core::misuse_handler) noexcept;
  cts::cancellation_token (*canceled)();
  cts::wait_handle (*never)();
  cts::time_provider& (*system)();
  std::type_info const* operation_canceled;
  std::type_info const* object_disposed;
  std::type_info const* aggregate_exception;
  void (*throw_operation_canceled)();
  bool (*catches_operation_canceled)(void (*)());
  void const* (*timers)();  ///< the process's timer service
  void (*dispose)(cts::cancellation_token_registration&);
};

/// One function for each shared object.
extern "C" [[gnu::visibility("default")]] shared_part const* cts_shared_part_one();
extern "C" [[gnu::visibility("default")]] shared_part const* cts_shared_part_two();
