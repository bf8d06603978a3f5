// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace cts::bench {

/// Registers the benchmarks of the core's verbs themselves, on bare callbacks of 32 bytes: `<axis>/verbs[/live]`. In
/// the matrix the core is wrapped in a registration that ends in its destructor, as every other peer's does
/// (peers/cts_registry.hpp).
void add_verbs();

}  // namespace cts::bench
