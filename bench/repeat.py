#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Measures again what was disturbed: benchmarks of several threads in which a thread had no core of its own, so that they did not contend.

  repeat.py RESULT COMMAND...

RESULT is the JSON that COMMAND, cts_bench with its options, has written. cts_bench counts `cores`: the sum of the threads' shares of a core, which
is their number if each had one. A benchmark with less than nine tenths of that is run again, three times at most. What is disturbed then is marked
as an error in RESULT, so that the report says so and shows no figure."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

LEAST = 0.9
TRIES = 3


def threads_of(run):
    m = re.search(r"/threads:(\d+)", run["run_name"])
    return int(m.group(1)) if m else 1


def disturbed(report):
    """The names of the benchmarks of which the median run (or, without repetitions, the only one) had too little of the cores."""
    return sorted({r["run_name"] for r in report["benchmarks"]
                   if r.get("aggregate_name", "median") == "median" and "cores" in r and not r.get("error_occurred")
                   and r["cores"] < LEAST * threads_of(r)})


def measure_again(names, command):
    """The benchmarks of a run of these alone."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "again.json"
        only = "^(" + "|".join(re.escape(n) for n in names) + ")$"
        options = [c for c in command if not c.startswith(("--benchmark_filter", "--benchmark_out"))]
        subprocess.run([*options, f"--benchmark_filter={only}", f"--benchmark_out={out}", "--benchmark_out_format=json"], check=True,
                       stdout=subprocess.DEVNULL)
        return json.loads(out.read_text(encoding="utf-8"))["benchmarks"]


def main(result, command):
    report = json.loads(result.read_text(encoding="utf-8"))
    for attempt in range(TRIES):
        names = disturbed(report)
        if not names:
            break
        print(f"Disturbed, measured again ({attempt + 1} of {TRIES}): {', '.join(names)}", flush=True)
        fresh = [r for r in measure_again(names, command) if r["run_name"] in names]
        report["benchmarks"] = [r for r in report["benchmarks"] if r["run_name"] not in names] + fresh
    names = disturbed(report)
    for r in report["benchmarks"]:
        if r["run_name"] in names:
            r["error_occurred"] = True
            r["error_message"] = "disturbed: a thread had no core of its own"
    if names:
        print(f"Disturbed in every run, no figure: {', '.join(names)}")
    result.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), sys.argv[2:])
