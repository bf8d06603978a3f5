// SPDX-License-Identifier: BSL-1.0
/// @file
/// The headers declare functions of Windows themselves, as <windows.h> does: a program may include it first, or last
/// (tests/bridges/console_events_test.cpp).
#include <windows.h>

#include "cts/cts.hpp"
#include "cts/inplace_stop_token.hpp"
#include "cts/lane.hpp"
#include "cts/posix_signal.hpp"
#include "cts/wait.hpp"
