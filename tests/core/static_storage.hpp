// SPDX-License-Identifier: BSL-1.0
/// @file
/// Objects of static storage that static_storage.cpp defines and the initializers of static_storage_test.cpp use.
#pragma once
#ifndef CTS_TESTS_STATIC_STORAGE_HPP
#define CTS_TESTS_STATIC_STORAGE_HPP

#include "cts/core/registry.hpp"
#include "cts/inplace_stop_token.hpp"

namespace cts::test {

extern constinit core::registry static_registry;
extern constinit core::striped_registry static_striped_registry;
extern constinit inplace_stop_source static_source;

}  // namespace cts::test

#endif
