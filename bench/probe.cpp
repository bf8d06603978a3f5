// SPDX-License-Identifier: BSL-1.0
// Calls each verb of a peer once. The report measures the machine code of this file.
#include CTS_PEER_HEADER

#include "peer.hpp"

namespace {
struct function {
  void* target;
  void operator()() const noexcept { cts::bench::keep(target); }
};
}  // namespace

void probe(void* target);
void probe(void* target) {
  bench_adapter::source source;
  auto const token = bench_adapter::token_of(source);
  {
    bench_adapter::registration<function> const r(token, function{target});
    cts::bench::keep(r);
  }
  bench_adapter::registration<function> const r(token, function{target});
  bench_adapter::cancel(source);
  bool const requested = bench_adapter::requested(token);
  cts::bench::keep(requested);
}
