#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""bench/repeat.py measures again what was disturbed, and nothing else; what is disturbed in every run has no figure.

  repeat_test.py REPEAT"""
import json
import pathlib
import subprocess
import sys
import tempfile

# A cts_bench: it writes down its filter and finds the cores of its n-th run.
BENCH = """import json, pathlib, sys
options = dict(a.split("=", 1) for a in sys.argv[1:] if "=" in a)
log = pathlib.Path(__file__).with_name("log")
runs = log.read_text().splitlines() if log.exists() else []
log.write_text("\\n".join(runs + [options["--benchmark_filter"]]) + "\\n")
cores = json.loads(pathlib.Path(__file__).with_name("cores").read_text())[len(runs)]
pathlib.Path(options["--benchmark_out"]).write_text(json.dumps({"benchmarks": [
    {"run_name": n, "run_type": "aggregate", "aggregate_name": "median", "real_time": 7, "cores": c} for n, c in cores.items()]}))
"""
A, B, C = "pair_shared/x/real_time/threads:2", "pair_shared/y/real_time/threads:2", "pair/x"


def case(first, later):
    """The figures of the result, and the filters of the runs that followed."""
    with tempfile.TemporaryDirectory() as folder:
        at = pathlib.Path(folder)
        (at / "bench.py").write_text(BENCH)
        (at / "cores").write_text(json.dumps(later))
        result = at / "bench.json"
        result.write_text(json.dumps({"context": {}, "benchmarks": [
            {"run_name": n, "run_type": "aggregate", "aggregate_name": "median", "real_time": 1, **({"cores": c} if c else {})}
            for n, c in first.items()]}))
        subprocess.run([sys.executable, sys.argv[1], result, sys.executable, at / "bench.py", "--benchmark_filter=.", "--benchmark_out=unused"],
                       check=True, stdout=subprocess.DEVNULL)
        after = json.loads(result.read_text())["benchmarks"]
        runs = (at / "log").read_text().splitlines() if (at / "log").exists() else []
        return {r["run_name"]: None if r.get("error_occurred") else r["real_time"] for r in after}, runs


quiet, runs = case({A: 1.98, B: 1.85, C: None}, [])
assert quiet == {A: 1, B: 1, C: 1} and not runs, (quiet, runs)
once, runs = case({A: 1.1, B: 2.0, C: None}, [{A: 1.9}])
assert once == {A: 7, B: 1, C: 1} and len(runs) == 1, (once, runs)
assert "pair_shared/x" in runs[0] and "pair_shared/y" not in runs[0], runs
never, runs = case({A: 1.1, B: 2.0, C: None}, [{A: 1.7}] * 3)
assert never == {A: None, B: 1, C: 1} and len(runs) == 3, (never, runs)
print("ok")
