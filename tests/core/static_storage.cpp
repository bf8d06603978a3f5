// SPDX-License-Identifier: BSL-1.0
#include "static_storage.hpp"

namespace cts::test {

constinit core::registry static_registry;
constinit core::striped_registry static_striped_registry;
constinit inplace_stop_source static_source;

}  // namespace cts::test
