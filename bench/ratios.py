#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Prints the bars as ratios: reads the JSON of one run of cts_bench. --strict: exit 1 if one is missed."""
import json
import sys


def main():
    paths = [a for a in sys.argv[1:] if a != "--strict"]
    if len(paths) != 1:
        sys.exit("usage: ratios.py [--strict] RESULT.json")
    with open(paths[0], encoding="utf-8") as file:
        report = json.load(file)
    ns = {}
    for run in report["benchmarks"]:
        if run.get("aggregate_name", "median") != "median" or run.get("error_occurred"):
            continue
        if run["run_type"] == "iteration" and run["run_name"] in ns:
            continue
        name = run["run_name"]
        wall = "/threads:" in name or name.endswith(("/real_time", "/manual_time"))
        for part in ("/real_time", "/manual_time", "/threads:2"):
            name = name.replace(part, "")
        scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[run["time_unit"]]
        time = run["real_time" if wall else "cpu_time"] * scale
        if "/threads:2" in run["run_name"]:
            time *= 2  # Google Benchmark divides by the threads; a thread's own time a pair is wanted
        ns[name] = 1e9 / run["items_per_second"] if "items_per_second" in run else time

    bars = [
        ("register+unregister / two RMWs", "pair", "two_rmws", 1.15),
        ("register+unregister / std::stop_callback", "pair", "std_pair", 0.40),
        ("  with 1,000 live, newest first / alone", "pair_live/1000", "pair", 1.1),
        ("  with 100,000 live, newest first / alone", "pair_live/100000", "pair", 1.1),
        ("  with 1,000 live, oldest first / 1 live", "pair_oldest_first/1000", "pair_oldest_first/1", 1.1),
        ("  with 100,000 live, oldest first / 1 live", "pair_oldest_first/100000", "pair_oldest_first/1", 1.1),
        ("  with 100,000 live, oldest first / alone", "pair_oldest_first/100000", "pair", 1.1),
        ("two threads, striped / alone", "pair_striped", "pair_striped_alone", 1.3),
        ("two threads, their own / alone", "pair_own", "pair", 1.3),
        ("two threads, one registry / std::stop_callback", "pair_shared", "std_pair_shared", 0.60),
        ("poll / plain load", "poll", "plain_load", 1.1),
        ("poll under churn / plain load", "poll_churn", "plain_load_churn", 1.1),
        ("one-shot life / three RMWs", "one_shot_life", "three_rmws", 1.6),
        ("fan-out a callback, 1,000 contiguous / one RMW", "fan_out_contiguous/1000", "one_rmw", 1.35),
        ("fan-out a callback, 100,000 contiguous / one RMW", "fan_out_contiguous/100000", "one_rmw", 1.35),
        ("cancellation_callback / std::stop_callback", "cts_callback", "std_pair", 0.70),
        ("register_callback+dispose / std::stop_callback", "cts_register_dispose", "std_pair", 1.0),
        ("source, callback, cancel, destroy / std", "cts_life", "std_life", 0.25),
        ("linked to two parents / std::stop_callback", "cts_linked", "std_pair", 110 / 33),
        ("fan-out a callback, 1M random / linked list", "fan_out_random/1000000", "list_fan_out_random/1000000", 0.15),
    ]
    missed = 0
    print(f"{'':52}{'ns':>9}{'of ns':>9}{'ratio':>8}{'bar':>7}")
    for title, what, of, bar in bars:
        if what not in ns or of not in ns:
            print(f"{title:52}{'not measured':>33}")
            continue
        ratio = ns[what] / ns[of]
        met = ratio <= bar
        if "1M random" in title and not met and ns[what] <= 20:
            met, title = True, title + " (or 20 ns)"
        missed += not met
        print(f"{title:52}{ns[what]:9.2f}{ns[of]:9.2f}{ratio:8.2f}{bar:7.2f}  {'met' if met else 'MISSED'}")
    for key, bar in (("sizeof_callback", 32), ("sizeof_registry", 192)):
        if key in report["context"]:
            size = int(report["context"][key])
            missed += size > bar
            print(f"{key:52}{size:9}{'':17}{bar:7}  {'met' if size <= bar else 'MISSED'}")
    for what, limit in (("cts_cancel_after/100000", 250), ("cts_timed_source/100000", 250)):
        if what in ns:
            missed += ns[what] > limit
            print(f"{what:52}{ns[what]:9.2f}{'':17}{limit:7}  {'met' if ns[what] <= limit else 'MISSED'}")
    for what, of in (("create_destroy", "std_create_destroy"), ("one_shot_life", "std_one_shot_life"), ("poll_churn", "std_poll_churn"),
                     ("fan_out_contiguous/1000", "std_fan_out_contiguous/1000"), ("fan_out_random/1000000", "std_fan_out_random/1000000")):
        if what in ns and of in ns:
            print(f"{what + ' / std':52}{ns[what]:9.2f}{ns[of]:9.2f}{ns[what] / ns[of]:8.2f}")
    if missed and "--strict" in sys.argv:
        sys.exit(1)


main()
