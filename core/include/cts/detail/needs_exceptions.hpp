// SPDX-License-Identifier: BSL-1.0
/// @file
/// Ends the compilation of a program without exceptions with one message. Each header of the classes includes it first.
#pragma once
#ifndef CTS_DETAIL_NEEDS_EXCEPTIONS_HPP
#define CTS_DETAIL_NEEDS_EXCEPTIONS_HPP

#if !defined(__cpp_exceptions) && !defined(__EXCEPTIONS) && !defined(_CPPUNWIND)
#error \
    "cts: the cancellation_* classes need exceptions (drop -fno-exceptions). Without them use cts/core/registry.hpp, \
cts/lane.hpp, cts/stop_token.hpp or cts/inplace_stop_token.hpp; RTTI is not needed."
// A header that does not exist ends the compilation here: the error above is not followed by one for every throw.
#include "cts: compilation ends, see the error above"
#endif

#endif  // CTS_DETAIL_NEEDS_EXCEPTIONS_HPP
