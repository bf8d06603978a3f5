#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""bench/report.py names the best peer of the run beside each bar, and shows no figure of what was disturbed.

  report_test.py REPORT"""
import json
import pathlib
import subprocess
import sys
import tempfile

PEERS = {"peer.cts_registry": "in place: cts::core::registry", "peer.std_stop": "shared: std::stop_token", "peer.other": "in place: another"}


def benchmark(name, ns, **more):
    return {"name": name, "run_name": name, "run_type": "aggregate", "aggregate_name": "median", "cpu_time": ns, "real_time": ns, "time_unit": "ns", **more}


DISTURBED = {"error_occurred": True, "error_message": "disturbed: a thread had no core of its own"}
result = {"context": {**PEERS, "num_cpus": 2, "mhz_per_cpu": 1}, "benchmarks": [
    benchmark("pair/cts_registry", 13.0), benchmark("pair/std_stop", 20.0), benchmark("pair/other", 11.0), benchmark("yardstick/two_rmws", 9.0),
    benchmark("pair_shared/std_stop/real_time/threads:2", 50.0), benchmark("pair_shared/cts_registry/real_time/threads:2", 77.0, **DISTURBED)]}
with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / "bench.json"
    path.write_text(json.dumps(result))
    said = subprocess.run([sys.executable, sys.argv[1], path], check=True, capture_output=True, text=True).stdout
lines = said.splitlines()
bars = [l for l in lines if "two RMWs" in l]
assert len(bars) == 1 and bars[0].endswith("another: 11.0"), said
assert any("Disturbed" in l and "pair_shared/cts_registry" in l for l in lines), said
assert "77.00" not in said and "154.00" not in said, said
print("ok")
