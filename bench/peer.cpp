// SPDX-License-Identifier: BSL-1.0
// One peer, alone: CTS_PEER_HEADER defines its adapter, CTS_PEER_ID is its word.
#define CTS_PEER_STRING_(x) #x
#define CTS_PEER_STRING(x) CTS_PEER_STRING_(x)
#define CTS_PEER_JOIN_(a, b) a##b
#define CTS_PEER_JOIN(a, b) CTS_PEER_JOIN_(a, b)
// All peers are linked into one program, so each adapter's class needs a name of its own.
#define bench_adapter CTS_PEER_JOIN(bench_adapter_, CTS_PEER_ID)

#include CTS_PEER_HEADER

#include "axes.hpp"

extern "C" cts::bench::peer const* CTS_PEER_JOIN(cts_bench_peer_, CTS_PEER_ID)() {
  static cts::bench::peer const self = cts::bench::make_peer<bench_adapter>(CTS_PEER_STRING(CTS_PEER_ID));
  return &self;
}
