#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The plots of bench/report.py can be read, whatever the figures are: no two texts overlap, none is cut or lies on a point, the legend is beside
the axes, ticks are plain numbers, a panel of peers is sorted, ours stand out, nothing is a bar on a logarithmic axis, and the same result makes
the same bytes.

  plots_test.py REPORT FOLDER"""
import contextlib
import io
import itertools
import json
import math
import pathlib
import runpy
import sys
import xml.etree.ElementTree as ET

import matplotlib
matplotlib.use("svg")
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.text import Text

PEERS = {
    "cts_registry": ("in place", "cts::core::registry"), "cts_lane": ("in place", "cts::lane"),
    "cts_register": ("shared", "cts::cancellation_token::register_callback"), "cts_class_lane": ("shared", "cts::cancellation_lane_callback"),
    "std_stop": ("shared", "std::stop_token, libstdc++"), "glib": ("shared", "GCancellable"), "tbb": ("in place", "oneapi::tbb::task_group_context"),
    "mine": ("shared", "my::company::library::cancellation::token_with_a_long_name"), "other": ("in place", "a list under a mutex"),
}
SIZES = {"pair_live": (1_000, 100_000, 1_000_000), "ring": (1, 1_000, 100_000, 1_000_000), "leave_canceled": (1_000,),
         "fan_out": [10 ** i for i in range(7)], "fan_out_scattered": [10 ** i for i in range(7)]}
AXES = ("pair", "pair_shared", "pair_live", "ring", "late_pair", "leave_canceled", "fan_out", "fan_out_scattered", "poll", "poll_churn", "token_copy",
        "create", "life", "linked")
# ns of the i-th peer on the j-th axis: what a run may give.
CASES = {
    "usual": lambda i, j, n: (2.0, 13.5, 24.5, 13.6, 35.2, 316.3, 0.1 + j, 69.9, 751.8)[i] * (1 + 0.07 * j) * (1 + n / 400_000),
    "all alike": lambda i, j, n: 13.5 + 0.01 * i,
    "equal": lambda i, j, n: 1.0,
    "within a decade": lambda i, j, n: 0.21 + 0.09 * i,
    "far apart": lambda i, j, n: 10.0 ** (i - 2) * 2.2 * (1 + j),
    "on round numbers": lambda i, j, n: (0.1, 0.5, 1, 10, 100, 1_000, 5, 20, 2)[i],
}
THREADS = {"usual": (2,), "within a decade": (2, 4, 8), "far apart": (2, 4, 8, 16)}


def result(case, peers, only):
    benchmarks = []

    def add(name, ns):
        benchmarks.append({"run_name": name, "run_type": "aggregate", "aggregate_name": "median", "time_unit": "ns", "real_time": ns, "cpu_time": ns,
                           "items_per_second": 1e9 / ns})

    for (i, peer), (j, axis) in itertools.product(enumerate(peers), enumerate(AXES)):
        for n in SIZES.get(axis, (0,)) if axis in only else ():
            for threads in THREADS.get(case, (2,)) if axis == "pair_shared" else (1,):
                add(f"{axis}/{peer}" + (f"/{n}" if n else "") + (f"/threads:{threads}" if threads > 1 else ""), CASES[case](i, j, n) * threads)
    context = {"num_cpus": 2, "mhz_per_cpu": 2000} | {f"peer.{p}": ": ".join(PEERS[p]) for p in peers}
    return {"context": context, "benchmarks": benchmarks}


def visible_texts(figure, renderer):
    """(text, extent in pixels) of all that is written. Ticks outside the limits are not drawn."""
    hidden = set()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks() + axis.get_minor_ticks():
                if not low * (1 - 1e-9) <= tick.get_loc() <= high * (1 + 1e-9):
                    hidden |= {tick.label1, tick.label2}
    return [(t.get_text(), t.get_window_extent(renderer)) for t in figure.findobj(Text)
            if t not in hidden and t.get_visible() and t.get_text().strip() and (t.axes is None or t.axes.get_visible())]


def overlap(a, b):
    """Whether they share more than half a pixel in both directions."""
    return min(a.x1, b.x1) - max(a.x0, b.x0) > 0.5 and min(a.y1, b.y1) - max(a.y0, b.y0) > 0.5


def stands_out(text):
    return text.get_fontweight() in ("bold", 700)


def is_ours(text):
    return text.get_text().startswith("cts::")


def faults(name, figure):
    """What can't be read in a figure, each as a sentence."""
    figure.draw_without_rendering()
    renderer = figure._get_renderer()
    texts = visible_texts(figure, renderer)
    for (a, x), (b, y) in itertools.combinations(texts, 2):
        if overlap(x, y):
            yield f'{name}: "{a}" and "{b}" overlap'
    for text, extent in texts:
        if extent.x0 < -0.5 or extent.y0 < -0.5 or extent.x1 > figure.bbox.x1 + 0.5 or extent.y1 > figure.bbox.y1 + 0.5:
            yield f'{name}: "{text}" is cut'
        if "$" in text:
            yield f'{name}: "{text}" is no plain number'
    for ax in figure.axes:
        if not ax.get_visible():
            continue
        legend = ax.get_legend()
        if legend:
            if overlap(legend.get_window_extent(renderer), ax.get_window_extent(renderer)):
                yield f"{name}: the legend covers the axes"
            marked = legend.get_texts()
        else:
            marked = ax.get_yticklabels()
            bars = [p.get_width() for p in ax.patches if isinstance(p, Rectangle)]
            if bars and ax.get_xscale() == "log":
                yield f"{name}: bars on a logarithmic axis begin nowhere"
            values = bars or [line.get_xdata()[0] for line in ax.lines]
            if not values or values != sorted(values, reverse=True):
                yield f"{name}: the panel {ax.get_title(loc='left') or ax.get_title()!r} is not sorted: {values}"
        points = [ax.transData.transform(xy) for line in ax.lines for xy in line.get_xydata()]
        for text, extent in texts:
            if any(extent.contains(*point) for point in points):
                yield f'{name}: "{text}" lies on a point'
        if not all(stands_out(t) == is_ours(t) for t in marked):
            yield f"{name}: ours do not stand out in {[t.get_text() for t in marked]}"
        colors = [to_rgb(line.get_color()) for line in (legend.get_lines() if legend else ax.lines)]
        by_owner = {who: {c for c, t in zip(colors, marked) if is_ours(t) == who} for who in (True, False)}
        if by_owner[True] & by_owner[False]:
            yield f"{name}: ours have a colour of the others"
        for axis in (ax.xaxis, ax.yaxis):
            if axis.get_scale() == "log":
                low, high = sorted(axis.get_view_interval())
                ends = [t for t in axis.get_majorticklocs() if low <= t <= high]
                margin = 0.05 * math.log(high / low) + 1e-9
                if not ends or math.log(ends[0] / low) > margin or math.log(high / ends[-1]) > margin:
                    yield f"{name}: an axis from {low:g} to {high:g} is labelled only at {[float(t) for t in ends]}"


def main():
    report, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    sys.path.insert(0, str(report.parent))
    wrong, figures = [], {}
    save = Figure.savefig

    def keep(figure, path, **rest):
        figures[pathlib.Path(path).name] = figure
        save(figure, path, **rest)

    Figure.savefig = keep

    def draw(case, peers, to, only=AXES):
        figures.clear()
        (folder / "bench.json").write_text(json.dumps(result(case, peers, only)), encoding="utf-8")
        sys.argv = [str(report), str(folder / "bench.json"), "--plots", str(to)]
        with contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(str(report), run_name="__main__")

    for case in CASES:
        for peers in (list(PEERS), list(PEERS)[2:5]) if case == "usual" else (list(PEERS),):
            to = folder / case.replace(" ", "_") / str(len(peers))
            draw(case, peers, to)
            if set(figures) != {"fan_out.svg", "fan_out_scattered.svg", "live.svg", "peers.svg", "ring.svg", "threads.svg"}:
                wrong.append(f"{case}: drawn: {sorted(figures)}")
            for name, figure in figures.items():
                wrong += [f"{case}, {len(peers)} peers: {fault}" for fault in faults(name, figure)]
                shown = {text for text, _ in visible_texts(figure, figure._get_renderer())}
                written = {e.text for e in ET.parse(to / name).iter("{http://www.w3.org/2000/svg}text")}
                if not shown <= written:
                    wrong.append(f"{case}: {name} lacks {shown - written}")
    draw("usual", list(PEERS), folder / "part", only=("pair", "create", "late_pair"))  # less of it: CTS_BENCH_FILTER
    if set(figures) != {"peers.svg"}:
        wrong.append(f"of three axes are drawn: {sorted(figures)}")
    wrong += [f"three axes: {fault}" for fault in faults("peers.svg", figures["peers.svg"])]
    draw("usual", list(PEERS), folder / "none", only=())
    draw("usual", list(PEERS), folder / "again")
    for path in sorted((folder / "again").iterdir()):
        if path.read_bytes() != (folder / "usual" / str(len(PEERS)) / path.name).read_bytes():
            wrong.append(f"{path.name} differs from run to run")
    print(*wrong, sep="\n")
    print(f"{len(wrong)} faults")
    sys.exit(1 if wrong else 0)


main()
