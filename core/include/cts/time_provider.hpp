// SPDX-License-Identifier: BSL-1.0
/// @file
/// Clocks with timers: the class time_provider, and the system's provider, time_provider::system(). The parts of the
/// library below the public classes include the interface alone.
#pragma once
#ifndef CTS_TIME_PROVIDER_HPP
#define CTS_TIME_PROVIDER_HPP

#include "cts/time_provider_interface.hpp"  // first: nothing else complains about missing exceptions before it

#include "cts/detail/timers/system_time_provider.hpp"

#endif  // CTS_TIME_PROVIDER_HPP
