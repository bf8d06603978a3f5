// SPDX-License-Identifier: BSL-1.0
/// @file
/// The C++20 module `cts`: the public names of the library. A module exports no macros; CTS_VERSION and the others come
/// with `#include <cts/version.hpp>`.
module;

#include <cts/any_token.hpp>
#include <cts/cancel_on_exit.hpp>
#include <cts/coroutine.hpp>
#include <cts/cts.hpp>
#include <cts/diagnostics.hpp>
#include <cts/dump.hpp>
#include <cts/inplace_stop_token.hpp>
#include <cts/jthread.hpp>
#include <cts/lane.hpp>
#include <cts/posix_signal.hpp>
#include <cts/post_to.hpp>
#include <cts/std_stop_token.hpp>
#include <cts/stop_token.hpp>
#include <cts/token_traits.hpp>
#include <cts/wait.hpp>

export module cts;

export namespace cts {

// cts/cts.hpp
using cts::aggregate_exception;
using cts::cancellation_callback;
using cts::cancellation_cause;
using cts::cancellation_lane;
using cts::cancellation_lane_callback;
using cts::cancellation_token;
using cts::cancellation_token_registration;
using cts::cancellation_token_source;
using cts::infinite;
using cts::manual_time_provider;
using cts::object_disposed;
using cts::operation_canceled;
using cts::shared;
using cts::shared_t;
using cts::synchronization_context;
using cts::time_provider;
using cts::wait_handle;

// cts/diagnostics.hpp
using cts::error_sink;
using cts::leak;
using cts::leak_handler;
using cts::misuse;
using cts::misuse_handler;
using cts::set_error_sink;
using cts::set_leak_handler;
using cts::set_misuse_handler;
using cts::set_wait_cycle_handler;
using cts::wait_cycle;
using cts::wait_cycle_handler;

// cts/dump.hpp
using cts::dump;

// cts/cancel_on_exit.hpp, cts/coroutine.hpp, cts/jthread.hpp, cts/posix_signal.hpp, cts/token_traits.hpp, cts/wait.hpp
// cts/any_token.hpp, cts/cancel_on_exit.hpp, cts/coroutine.hpp, cts/jthread.hpp, cts/posix_signal.hpp, cts/token_traits.hpp, cts/wait.hpp
using cts::any_of_callback;
using cts::any_of_token;
// cts/cancel_on_exit.hpp, cts/coroutine.hpp, cts/jthread.hpp, cts/posix_signal.hpp, cts/post_to.hpp,
// cts/token_traits.hpp, cts/wait.hpp
using cts::any_stop_token;
using cts::any_token;
using cts::cancel_on_exit;
using cts::canceled;
using cts::condition_variable_any;
using cts::jthread;
using cts::post_to;
using cts::posted_callback;
using cts::posting;
using cts::resume_gate;
using cts::resumption;
using cts::signal_cancellation;
using cts::sleep_for;
using cts::sleep_until;
using cts::token_traits;
using cts::wait_any;
using cts::wait_any_for;
using cts::wait_any_until;
#if CTS_HAS_STD_STOP_TOKEN  // cts/std_stop_token.hpp
using cts::std_stop_bridge;
#endif

// cts/lane.hpp
using cts::basic_lane;
using cts::basic_lane_callback;
using cts::lane;
using cts::lane_callback;
using cts::lane_home;
using cts::lane_registration;

// cts/stop_token.hpp, cts/inplace_stop_token.hpp, cts/stoppable_token.hpp
using cts::inplace_stop_callback;
using cts::inplace_stop_source;
using cts::inplace_stop_token;
using cts::never_stop_token;
using cts::nostopstate;
using cts::nostopstate_t;
using cts::stop_callback;
using cts::stop_callback_for_t;
using cts::stop_source;
using cts::stop_token;
using cts::stoppable_callback_for;
using cts::stoppable_source;
using cts::stoppable_token;
using cts::unstoppable_token;

}  // namespace cts

export namespace cts::core {

// cts/core/registry.hpp
using cts::core::basic_callback;
using cts::core::basic_registry;
using cts::core::callback;
using cts::core::compact;
using cts::core::isolated;
using cts::core::misuse;
using cts::core::misuse_handler;
using cts::core::register_result;
using cts::core::registry;
using cts::core::set_misuse_handler;
using cts::core::slot_use;
using cts::core::spaced;
using cts::core::std_platform;
using cts::core::striped_registry;

}  // namespace cts::core
