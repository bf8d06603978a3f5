#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compares this build with a baseline. Runs both in turns on this machine; Google Benchmark's compare.py decides with a Mann-Whitney U test.
The baseline is a git revision (built in a folder of its own), another cts_bench, or the JSON of an earlier run (which is not run in turns)."""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys


def build(revision, source, folder, arguments):
    """cts_bench of a revision, in a worktree and a build folder of its own."""
    name = subprocess.run(["git", "-C", source, "rev-parse", "--verify", revision + "^{commit}"], capture_output=True, text=True)
    if name.returncode != 0:
        sys.exit(f"compare.py: {revision!r} is neither a file nor a revision of {source}. Allowed: a cts_bench, a JSON result, a revision.")
    at = folder / name.stdout.strip()[:12]
    if not (at / "source").exists():
        (at / "source").mkdir(parents=True)
        files = subprocess.run(["git", "-C", source, "archive", name.stdout.strip()], check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(["tar", "-x", "-C", at / "source"], input=files, check=True)
    subprocess.run(["cmake", "-S", at / "source", "-B", at / "build", "-DCMAKE_BUILD_TYPE=Release", "-DCTS_BUILD_BENCH=ON", *arguments], check=True)
    subprocess.run(["cmake", "--build", at / "build", "--target", "cts_bench", "-j", str(os.cpu_count())], check=True)
    return at / "build" / "bench" / "cts_bench"


def medians(benchmarks):
    """The medians, as Google Benchmark adds them for repetitions of one run; compare.py shows them beside the result of the test."""
    runs = {}
    for b in benchmarks:
        runs.setdefault(b["name"], []).append(b)
    for name, all_ in runs.items():
        yield all_[0] | {"name": name + "_median", "run_type": "aggregate", "aggregate_name": "median", "repetitions": len(all_),
                         **{time: statistics.median(b[time] for b in all_) for time in ("real_time", "cpu_time")}}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("baseline", help="a revision, a cts_bench, or a JSON result")
    p.add_argument("bench", type=pathlib.Path, help="the cts_bench to judge")
    p.add_argument("--source", default=".", help="the repository, for a revision")
    p.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("compare"), help="where to build and keep results")
    p.add_argument("--rounds", type=int, default=12, help="how often each build runs; the test wants at least nine")
    p.add_argument("--min-time", default="0.02", help="seconds a benchmark a round")
    p.add_argument("--filter", default=".", help="which benchmarks")
    p.add_argument("--tool", help="Google Benchmark's compare.py")
    p.add_argument("--cmake", action="append", default=[], help="a further argument for the configuration of a revision")
    a = p.parse_args()
    tool = a.tool or shutil.which("compare.py") or "/usr/share/benchmark/compare.py"
    if not pathlib.Path(tool).exists():
        sys.exit("compare.py: Google Benchmark's compare.py was not found. Debian: apt-get install libbenchmark-tools python3-scipy")
    a.folder.mkdir(parents=True, exist_ok=True)
    baseline = pathlib.Path(a.baseline)
    programs = {"new": a.bench.resolve()}
    results = {"new": a.folder / "new.json", "old": a.folder / "old.json"}
    if baseline.suffix == ".json" and baseline.exists():
        results["old"] = baseline
        print("The baseline is an earlier run: a difference may come from the machine or its load.")
    else:
        programs["old"] = baseline.resolve() if baseline.is_file() else build(a.baseline, a.source, a.folder.resolve(), a.cmake)
    merged = {}
    for i in range(a.rounds):
        order = sorted(programs, reverse=i % 2 == 1)
        for which in order:
            out = a.folder / "round.json"
            subprocess.run([programs[which], f"--benchmark_filter={a.filter}", f"--benchmark_min_time={a.min_time}", f"--benchmark_out={out}",
                            "--benchmark_out_format=json"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            report = json.loads(out.read_text(encoding="utf-8"))
            merged.setdefault(which, {"context": report["context"], "benchmarks": []})["benchmarks"] += report["benchmarks"]
        print(f"round {i + 1} of {a.rounds}", flush=True)
    for which, report in merged.items():
        report["benchmarks"] += list(medians(report["benchmarks"]))
        results[which].write_text(json.dumps(report), encoding="utf-8")
    sys.exit(subprocess.run([sys.executable if a.tool else "/usr/bin/python3", tool, "--no-color", "-a", "benchmarks", str(results["old"]), str(results["new"])]).returncode)


main()
