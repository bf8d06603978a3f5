#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Reports one run of cts_bench: the bars as ratios, each axis with every peer, plots, and the tables of docs/measured.md."""
import argparse
import json
import pathlib
import re
import subprocess
import sys

OURS = ("cts_",)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


class Run:
    """The medians of one result, in ns a callback or an operation, by (axis, peer, live registrations, threads)."""

    def __init__(self, report):
        self.context = report["context"]
        self.ns = {}
        self.disturbed = []
        for run in report["benchmarks"]:
            if run.get("error_occurred"):
                if run["run_name"] not in self.disturbed and "disturbed" in run.get("error_message", ""):
                    self.disturbed.append(run["run_name"])
                continue
            if run.get("aggregate_name", "median") != "median":
                continue
            key = self.key(run["run_name"])
            if run["run_type"] == "iteration" and key in self.ns:
                continue  # of repetitions without aggregates: the first
            scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[run["time_unit"]]
            wall = "_time" in run["run_name"]
            time = run["real_time" if wall else "cpu_time"] * scale
            self.ns[key] = 1e9 / run["items_per_second"] if "items_per_second" in run else time * key[3]
        self.peers = {k.split(".", 1)[1]: v for k, v in self.context.items() if k.startswith("peer.")}

    @staticmethod
    def key(name):
        """The parts of a benchmark's name. Google Benchmark divides the time by the number of threads; this report shows a thread's own time."""
        threads = int(m.group(1)) if (m := re.search(r"/threads:(\d+)", name)) else 1
        parts = re.sub(r"/(real_time|manual_time|threads:\d+|iterations:\d+)", "", name).split("/")
        live = int(parts[2]) if len(parts) > 2 else None
        return parts[0], parts[1], live, threads

    def get(self, axis, peer, live=None, threads=1):
        return self.ns.get((axis, peer, live, threads))

    def title(self, peer):
        return self.peers[peer].split(": ", 1)[1]

    def in_place(self, peer):
        return self.peers[peer].startswith("in place")

    def others(self, in_place):
        return [p for p in self.peers if not p.startswith(OURS) and self.in_place(p) == in_place]

    def best_other(self, in_place, axis, live=None, threads=1):
        """The fastest peer that keeps its state where this one does: (ns, peer), or None."""
        all_ = [(ns, p) for p in self.others(in_place) if (ns := self.get(axis, p, live, threads)) is not None
                and not (p == "tbb" and axis == "life")]  # TBB's life has no callback
        return min(all_, default=None)


def ratios(run):
    """The comparisons: (title, time, time it is compared with, bar or None, name of the latter)."""
    y = lambda name, live=None: run.get("yardstick", name, live)
    get, rows = run.get, []

    def row(title, what, of, bar, against):
        rows.append((title, what, of, bar, against))

    row("register+unregister, the core's verbs", get("pair", "verbs", 0), y("two_rmws"), 1.1, "two RMWs")
    row("register+unregister, cts::core::registry", get("pair", "cts_registry"), y("two_rmws"), 1.1, "two RMWs")
    row("register+unregister, cts::inplace_stop_callback", get("pair", "cts_inplace_stop"), y("two_rmws"), 1.1, "two RMWs")
    row("register+unregister, a lane", get("pair", "cts_lane"), y("two_rmws"), 0.25, "two RMWs")
    row("register+unregister, cts::core::registry", get("pair", "cts_registry"), get("pair", "std_stop"), 0.40, "std::stop_callback")
    row("register+unregister, cts::cancellation_callback", get("pair", "cts_callback"), get("pair", "std_stop"), 0.70, "std::stop_callback")
    row("register_callback+dispose", get("pair", "cts_register"), get("pair", "std_stop"), 1.0, "std::stop_callback")
    for n in (1_000, 100_000, 1_000_000):
        row(f"  with {n:,} live, newest removed, the core's verbs", get("pair", "verbs", n), get("pair", "verbs", 0), 1.1, "none live")
        row(f"  with {n:,} live, newest removed, cts::core::registry", get("pair_live", "cts_registry", n), get("pair", "cts_registry"), 1.15, "none live")
    for n in (1_000, 100_000, 1_000_000):
        row(f"  with {n:,} live, oldest removed, the core's verbs", get("ring", "verbs", n), get("pair", "verbs", 0), 1.1, "none live")
        row(f"  with {n:,} live, oldest removed, cts::core::registry", get("ring", "cts_registry", n), get("ring", "cts_registry", 1), 1.15, "one live")
    threads = sorted({t for (a, _, _, t) in run.ns if a == "pair_shared"})
    for t in threads:
        limit = 1.2 if t <= 2 else 1.5
        for peer in ("cts_striped", "cts_lane", "cts_class_lane", "cts_shared_callback", "cts_shared_register", "cts_shared_stop"):
            if peer in run.peers:
                row(f"{t} threads on one {run.title(peer)}", get("pair_shared", peer, None, t), get("pair", peer), limit, "alone")
        row(f"{t} threads on one cts::core::registry", get("pair_shared", "cts_registry", None, t), get("pair_shared", "std_stop", None, t), 0.60,
            "std::stop_callback")
        row(f"{t} threads, each its own cts::core::registry", get("pair_own", "cts_registry", None, t), get("pair", "cts_registry"), 1.3, "alone")
    row("poll", get("poll", "cts_registry"), get("poll", "std_stop"), 1.1, "std::stop_token")
    row("poll under churn", get("poll_churn", "cts_registry"), get("poll", "cts_registry"), 1.1, "without")
    row("one-shot life: create, register, cancel, destroy, the core's verbs", get("life", "verbs"), y("three_rmws"), 1.6, "three RMWs")
    row("  with the end of the registration, cts::core::registry", get("life", "cts_registry"), y("three_rmws"), 1.6, "three RMWs")
    for n in (1_000, 100_000):
        row(f"fan-out a callback, {n:,} contiguous, the core's verbs", get("fan_out", "verbs", n), y("one_rmw"), 1.35, "one RMW")
        row(f"fan-out a callback, {n:,} contiguous, cts::core::registry", get("fan_out", "cts_registry", n), y("one_rmw"), 1.35, "one RMW")
    row("fan-out a callback, 1,000,000 scattered", get("fan_out_scattered", "cts_registry", 1_000_000), y("list", 1_000_000), 0.12, "linked list")
    row("cancel_after and back, two threads", get("timer_own", "cts_callback", threads=2), get("timer_own", "cts_callback"), 1.3, "one thread")
    row("cancel_after and back, 1,000,000 armed", get("timer", "cts_callback", 1_000_000), y("two_rmws"), 6.3, "two RMWs")
    row("cancel_after and back, 1,000,000 armed", get("timer", "cts_callback", 1_000_000), get("timer", "cts_callback", 0), 1.1, "none armed")
    # against the best peer
    for mine, in_place in (("cts_inplace_stop", True), ("cts_stop", False), ("cts_callback", False), ("cts_register", False)):
        for axis, live in [(a, None) for a in ("token_copy", "create", "life", "poll_churn", "linked", "late_pair")] + [("leave_canceled", 1_000)]:
            best = run.best_other(in_place, axis, live)
            if best and get(axis, mine, live) is not None:
                row(f"{AXES.get(axis, axis)}, {run.title(mine)}", get(axis, mine, live), best[0], 1.05, run.title(best[1]))
    for axis in ("fan_out", "fan_out_scattered"):
        for n in (10, 100, 1_000, 10_000, 100_000, 1_000_000):
            best = min((b for b in (run.best_other(True, axis, n), run.best_other(False, axis, n)) if b), default=None)
            slowest = max(((get(axis, m, n), m) for m in run.peers if m.startswith(OURS) and get(axis, m, n)), default=None)
            if best and slowest:
                row(f"{AXES[axis]}, {n:,}, {run.title(slowest[1])} (our slowest)", slowest[0], best[0], 1.0, run.title(best[1]))
    return [r for r in rows if r[1] is not None and r[2] is not None]


AXES = {
    "pair": "register+unregister", "pair_shared": "register+unregister, all threads on one source",
    "pair_own": "register+unregister, each thread its own source", "pair_live": "register+unregister with so many live",
    "ring": "the oldest of so many goes, a new one comes", "poll": "poll", "poll_churn": "poll while another thread registers",
    "token_copy": "token copy", "create": "create+destroy a source", "life": "one-shot life: source, register, cancel, destroy",
    "linked": "link to two parents, dispose", "late_pair": "register on a canceled token", "leave_canceled": "unregister after cancel",
    "fan_out": "cancel, a callback, side by side", "fan_out_scattered": "cancel, a callback, at random addresses",
    "fan_out_threads": "cancel, a callback, registered by eight threads", "to_first": "from cancel to the first callback",
    "to_waiter": "from cancel to a thread that waits", "timer": "cancel_after and back, so many armed",
    "timer_own": "cancel_after and back, each thread its own source",
}


def best_beside(run, what):
    """The best peer on the axis that `what` is a figure of, in the same run: its name and ns; an empty text if there is none."""
    key = next((k for k, ns in run.ns.items() if ns is what), None)
    if key is None:
        return ""
    axis, _, live, threads = key
    found = [b for in_place in (True, False) if (b := run.best_other(in_place, axis, live or None, threads))]
    return f"{run.title(min(found)[1])}: {min(found)[0]:.1f}" if found else ""


def print_bars(run, out=sys.stdout):
    missed = 0
    print(f"{'':72}{'ns':>10}{'of ns':>10}{'ratio':>8}{'bar':>7}          best peer: ns", file=out)
    for title, what, of, bar, against in ratios(run):
        met = what <= of * bar
        missed += not met
        print(f"{title + ' / ' + against:72.72}{what:10.2f}{of:10.2f}{what / of:8.2f}{bar:7.2f}  {'met' if met else 'MISSED'}  {best_beside(run, what)}", file=out)
    return missed


def table(run, axis):
    """A Markdown table of an axis: peers by live registrations or threads."""
    keys = sorted({(live, threads) for (a, peer, live, threads) in run.ns if a == axis and peer in run.peers}, key=lambda k: (k[0] or 0, k[1]))
    head = [f"{live:,}" if live is not None else f"{threads} threads" if threads > 1 else "ns" for live, threads in keys]
    lines = ["| " + AXES.get(axis, axis) + " | " + " | ".join(head) + " |", "|---|" + "---:|" * len(keys)]
    for peer in run.peers:
        cells = [run.get(axis, peer, *k) for k in keys]
        if any(c is not None for c in cells):
            lines.append(f"| {run.title(peer)} | " + " | ".join("–" if c is None else f"{c:.1f}" if c < 1000 else f"{c:,.0f}" for c in cells) + " |")
    return "\n".join(lines)


def best_size(run, mine, rows):
    """The other peer whose source, with its heap, is smallest among those that keep their state where `mine` does."""
    size = lambda p: rows[p][("source_memory", None)]["sizeof_source"] + rows[p][("source_memory", None)]["heap_bytes"]
    found = [(size(p), p) for p in run.others(run.in_place(mine)) if ("source_memory", None) in rows.get(p, {})]
    return f"{run.title(min(found)[1])}: {min(found)[0]:.0f}" if found and mine.startswith(OURS) else ""


def memory_table(memory, run):
    rows = {}
    for b in memory["benchmarks"]:
        if b["run_type"] != "iteration":
            continue
        axis, peer, live, _ = Run.key(b["run_name"])
        rows.setdefault(peer, {})[(axis, live)] = b
    lines = ["| bytes | a source: object + heap | a token | a registration: object | heap, 100 live | heap, 100,000 live | smallest source of a peer |", "|---|---|---:|---:|---:|---:|---|"]
    for peer, r in rows.items():
        source = r[("source_memory", None)]
        one = r.get(("memory", 100))
        if one is None:
            continue
        many = r.get(("memory", 100_000))
        beyond = lambda b: "–" if b is None else f"{b['bytes_per_registration'] - b['sizeof_cell']:.1f}"
        lines.append(f"| {run.title(peer)} | {source['sizeof_source']:.0f} + {source['heap_bytes']:.0f} | {one['sizeof_token']:.0f} | "
                     f"{one['sizeof_registration']:.0f} | {beyond(one)} | {beyond(many)} | {best_size(run, peer, rows)} |")
    return "\n".join(lines)


def code_table(probes, run):
    """The machine code that a program contains of each peer, by `size` of the probes."""
    lines = ["| bytes of machine code in the program (-Os) | |", "|---|---:|"]
    for probe in probes:
        peer, path = probe.split("=", 1)
        out = subprocess.run(["size", "--format=sysv", path], capture_output=True, text=True, check=True).stdout
        text = sum(int(l.split()[1]) for l in out.splitlines() if l.startswith(".text"))
        lines.append(f"| {run.title(peer)} | {text:,} |")
    return "\n".join(lines)


def machine(run):
    c = run.context
    cpu = f"{c['num_cpus']} logical CPUs ({c['processor']})" if c.get("processor") else f"{c['num_cpus']} logical CPUs at {c['mhz_per_cpu']} MHz"
    return f"Measured on {cpu}; {c.get('compiler', '?')}, -O2; medians of one interleaved run."


def write_page(page, blocks):
    """Replaces the text between <!-- name --> and <!-- end --> in the page."""
    text = page.read_text(encoding="utf-8")
    for name, block in blocks.items():
        text, n = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)", lambda m: m.group(1) + block + "\n" + m.group(2), text, flags=re.S)
        if n != 1:
            sys.exit(f"{page}: <!-- {name} --> … <!-- end --> is there {n} times, not once")
    page.write_text(text, encoding="utf-8")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("result", type=pathlib.Path, help="the JSON of cts_bench")
    p.add_argument("--memory", type=pathlib.Path, help="the JSON of cts_footprint")
    p.add_argument("--probes", nargs="*", default=[], help="peer=object file, whose machine code is measured")
    p.add_argument("--plots", type=pathlib.Path, help="a folder for the plots")
    p.add_argument("--page", type=pathlib.Path, help="docs/measured.md: its tables are replaced")
    p.add_argument("--strict", action="store_true", help="exit status 1 if a bar is missed")
    a = p.parse_args()
    run = Run(load(a.result))
    if run.context.get("skipped"):
        print("Skipped:", run.context["skipped"])
    if run.disturbed:
        print("Disturbed, no figure (a thread had no core of its own):", ", ".join(run.disturbed))
    missed = print_bars(run)
    blocks = {"machine": machine(run)}
    axes = [x for x in AXES if any(k[0] == x for k in run.ns)]
    blocks["axes"] = "\n\n".join(table(run, x) for x in axes)
    bars = ["| | ns | of | ns | ratio | bar | | best peer: ns |", "|---|---:|---|---:|---:|---:|---|---|"]
    for title, what, of, bar, against in ratios(run):
        bars.append(f"| {title.strip()} | {what:.1f} | {against} | {of:.1f} | {what / of:.2f} | {bar:.2f} | {'met' if what <= of * bar else '**missed**'} | {best_beside(run, what)} |")
    blocks["bars"] = "\n".join(bars)
    if a.memory:
        blocks["memory"] = memory_table(load(a.memory), run)
        print("\n" + blocks["memory"])
    if a.probes:
        blocks["code"] = code_table(a.probes, run)
        print("\n" + blocks["code"])
    if a.plots:
        import plots  # only here, as it needs matplotlib
        plots.draw(run, AXES, a.plots)
        print(f"Plots: {a.plots}")
    if a.page:
        write_page(a.page, blocks)
    if missed and a.strict:
        sys.exit(1)


main()
