// SPDX-License-Identifier: BSL-1.0
/// @file
/// All of the classes: .NET's cancellation model on the lock-free core. The stop tokens have headers of their own.
#pragma once
#ifndef CTS_CTS_HPP
#define CTS_CTS_HPP

#include "cts/detail/needs_exceptions.hpp"  // first: nothing else complains before it

#include "cts/aggregate_exception.hpp"
#include "cts/any_token.hpp"
#include "cts/cancellation_callback.hpp"
#include "cts/cancellation_cause.hpp"
#include "cts/cancellation_lane.hpp"
#include "cts/cancellation_token.hpp"
#include "cts/cancellation_token_registration.hpp"
#include "cts/cancellation_token_source.hpp"
#include "cts/diagnostics.hpp"
#include "cts/manual_time_provider.hpp"
#include "cts/object_disposed.hpp"
#include "cts/operation_canceled.hpp"
#include "cts/shared.hpp"
#include "cts/synchronization_context.hpp"
#include "cts/time_provider.hpp"
#include "cts/version.hpp"
#include "cts/wait_handle.hpp"

#endif  // CTS_CTS_HPP
