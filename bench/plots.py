# SPDX-License-Identifier: BSL-1.0
"""The plots of docs/measured.md: one of every axis beside every peer, and one for each axis that is measured over a size or over threads.

Every scale is logarithmic, because the peers differ by two orders of magnitude. So values are dots and lines, never bars: a bar's length
means something only from zero on, which a logarithmic scale does not have. Ours (cts::) are coloured and bold, the peers are grey.
The same result makes the same files, byte by byte, with the same matplotlib."""
import math
import re
import xml.etree.ElementTree as ET

import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

WIDTH = 9.0  # inches; the width of a page on GitHub, so that the text keeps its size
FONTS = ["DejaVu Sans", "Verdana"]  # of one width; any other one is narrower
OURS = "cts_"
# A family of classes is a hue; within it the two differ in lightness and marker.
STYLES = {
    "cts_registry": ("#08519c", "o"), "cts_striped": ("#4a9be0", "s"), "cts_lane": ("#00684a", "^"), "cts_class_lane": ("#35b58a", "v"),
    "cts_inplace_stop": ("#a63c00", "D"), "cts_stop": ("#f28e2b", "P"), "cts_callback": ("#7a1a66", "X"), "cts_register": ("#d267b5", "p"),
}
DOT = "#08519c"
PEER = "#6b6b6b"
PEER_STYLES = [("#303030", "o", (0, (6, 2))), ("#6b6b6b", "s", (0, (4, 2))), ("#858585", "^", (0, (2, 1.5))), ("#9e9e9e", "D", (0, (6, 2, 1, 2))),
               ("#505050", "v", (0, (1, 1.5)))]
# The rows of the figure of all peers: (axis, live registrations, title).
SHOWN = [
    ("pair", None, "register and unregister"), ("pair_shared", None, "register and unregister, {threads} threads on one source"),
    ("late_pair", None, "register on a canceled token"), ("leave_canceled", 1_000, "unregister after cancel, 1,000 callbacks"),
    ("fan_out", 1_000, "cancel, 1,000 callbacks side by side"), ("fan_out_scattered", 1_000_000, "cancel, 1,000,000 callbacks at random addresses"),
    ("poll", None, "poll"), ("poll_churn", None, "poll while another thread registers"), ("token_copy", None, "copy a token"),
    ("create", None, "create and destroy a source"), ("life", None, "one-shot life: source, register, cancel, destroy"),
    ("linked", None, "link to two parents, dispose"),
]
# The axes whose figure is ns a callback, not an operation.
PER_CALLBACK = ("fan_out", "fan_out_scattered", "fan_out_threads")


def short(title):
    """The last name and the namespace: `a::…::c`, so that every label fits beside its plot."""
    return re.sub(r"^(\w+)::(?:\w+::)+(?=\w+$)", r"\1::…::" if len(title) > 34 else r"\g<0>", title)


def plain(x):
    """A round number as people write it: 0.5, 20, 1,000."""
    return f"{x:,.10g}"


def value(ns):
    return f"{ns:.1f}" if ns < 1000 else f"{ns:,.0f}"


def round_numbers(low, high, most):
    """At most `most` round numbers, the first not above `low` and the last not below `high`: 1-2-5, else powers of ten, else fewer of them."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps, stride in [((1, 2, 5), 1), *(((1,), n) for n in range(1, last - first + 2))]:
        # 10.0**-1 is exact enough to be printed as 0.1; + 2 gives the last number that is not below `high`
        all_ = [float(f"{s}e{d}") for d in range(first, last + stride + 1, stride) for s in steps]
        from_ = max(i for i, x in enumerate(all_) if x <= low)
        to = min(i for i, x in enumerate(all_) if x >= high and i > from_)
        if to - from_ < most:
            return all_[from_:to + 1]
    raise ValueError(f"no {most} round numbers from {low} to {high}")


def logarithmic(axis, set_limits, low, high, most):
    """A logarithmic axis that begins and ends at a labelled round number."""
    ticks = round_numbers(low, high, most)
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter([plain(t) for t in ticks]))
    axis.set_minor_locator(NullLocator())
    margin = (ticks[-1] / ticks[0]) ** 0.02  # a dot on the edge is whole
    set_limits(ticks[0] / margin, ticks[-1] * margin)


def slim(svg):
    """The same picture in a fifth of the lines: without metadata and empty groups, hundredths of a point, the typeface named once."""
    space = "http://www.w3.org/2000/svg"
    ET.register_namespace("", space)
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ET.fromstring(svg)  # comments are gone with that
    tag = lambda name: f"{{{space}}}{name}"

    def children(parent):
        for child in list(parent):
            children(child)
            if child.tag == tag("metadata"):
                parent.remove(child)
            elif child.tag == tag("g") and set(child.attrib) <= {"id"}:  # only a name
                at = list(parent).index(child)
                parent[at:at + 1] = list(child)

    children(root)
    for e in root.iter():
        if e.tag == tag("text"):
            if e.get("transform", "").startswith("rotate(-0 "):
                del e.attrib["transform"]
            style = re.sub(r"font: (\d+) ", r"font-weight: \1; font: ", e.get("style"))
            e.set("style", re.sub(r"font: ([\d.]+px)[^;]*", r"font-size: \1", style))
        elif e.tag == tag("style"):
            e.text += " text{font-family: " + ", ".join(f"'{f}'" for f in FONTS) + ", sans-serif}"
        for name, value in e.attrib.items():
            e.set(name, re.sub(r"(\.\d\d)\d+", r"\1", " ".join(value.split())))
        if not (e.text or "").strip():
            e.text = None
        e.tail = None
    ET.indent(root, "")
    return ET.tostring(root, encoding="unicode") + "\n"


def save(figure, path):
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    path.write_text(slim(path.read_text(encoding="utf-8")), encoding="utf-8")


def lines(run, title, unit, xlabel, points, path):
    """ns over a size or over threads. points(peer): [(x, label of x, ns or None)]. The legend is in the order of the lines' right ends."""
    peers = {p: at for p in run.peers if (at := [(x, label, ns) for x, label, ns in points(p) if ns is not None])}
    labels = dict(sorted({x: label for at in peers.values() for x, label, _ in at}.items()))
    if len(labels) < 2:  # not measured
        return
    figure, ax = plt.subplots(figsize=(WIDTH, 4.2), layout="constrained")
    others = [p for p in run.peers if not p.startswith(OURS)]
    for peer, at in peers.items():
        ours = peer.startswith(OURS)
        color, marker, dashes = (*STYLES.get(peer, (DOT, "o")), "-") if ours else PEER_STYLES[others.index(peer) % len(PEER_STYLES)]
        ax.plot([x for x, _, _ in at], [ns for _, _, ns in at], label=short(run.title(peer)), color=color, marker=marker, linestyle=dashes,
                markersize=5 if ours else 4, markerfacecolor=color if ours else "white", linewidth=1.6 if ours else 1.1, zorder=3 if ours else 2.5)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(list(labels)))
    ax.xaxis.set_major_formatter(FixedFormatter(list(labels.values())))
    ax.xaxis.set_minor_locator(NullLocator())
    all_ = [ns for at in peers.values() for _, _, ns in at]
    logarithmic(ax.yaxis, ax.set_ylim, min(all_), max(all_), 9)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(f"{unit}, logarithmic")
    ax.set_title(title, loc="left", fontweight="bold")
    handles = sorted(zip(peers.values(), peers, ax.lines), key=lambda h: (h[0][-1][0], h[0][-1][2]), reverse=True)
    legend = ax.legend(handles=[line for _, _, line in handles], loc="upper left", bbox_to_anchor=(1.015, 1.0), borderaxespad=0, frameon=False,
                       handlelength=3.2)
    for text, (_, peer, _) in zip(legend.get_texts(), handles):
        text.set_fontweight("bold" if peer.startswith(OURS) else "normal")
    save(figure, path)


def dots(run, ax, title, unit, at):
    """One axis, the fastest on top. at: [(ns, peer)]. The numbers stand in a column on the right."""
    at = sorted(at, reverse=True)
    rows = range(len(at))
    for y, (ns, peer) in zip(rows, at):
        ours = peer.startswith(OURS)
        color = DOT if ours else PEER
        ax.plot(ns, y, marker="o", markersize=5.5, color=color, markerfacecolor=color if ours else "white", clip_on=False, zorder=3)
        ax.annotate(value(ns), (1, y), xycoords=ax.get_yaxis_transform(), xytext=(40, 0), textcoords="offset points", ha="right", va="center",
                    color=color, fontweight="bold" if ours else "normal")
    ax.set_yticks(rows, [short(run.title(p)) for _, p in at])
    for text, (_, peer) in zip(ax.get_yticklabels(), at):
        ours = peer.startswith(OURS)
        text.set(color=DOT if ours else "#303030", fontweight="bold" if ours else "normal")
    ax.set_ylim(-0.7, len(at) - 0.3)
    logarithmic(ax.xaxis, ax.set_xlim, at[-1][0], at[0][0], 5)
    ax.set_xlabel(f"{unit}, logarithmic", labelpad=1)
    ax.set_title(title, loc="left", fontweight="bold")
    ax.tick_params(axis="y", left=False)


def all_axes(run, threads, path):
    """Every axis beside every peer."""
    panels = []
    for axis, live, title in SHOWN:
        n = threads[0] if axis == "pair_shared" and threads else 1
        at = [(ns, p) for p in run.peers if (ns := run.get(axis, p, live, n)) is not None]
        if at:
            panels.append((title.format(threads=n), "ns a callback" if axis in PER_CALLBACK else "ns", at))
    if not panels:
        return
    pairs = [panels[i:i + 2] for i in range(0, len(panels), 2)]
    heights = [0.75 + 0.155 * max(len(at) for _, _, at in pair) for pair in pairs]
    with plt.rc_context({"font.size": 7.5, "axes.titlesize": 8.5}):
        figure, axes = plt.subplots(len(pairs), 2, figsize=(WIDTH, sum(heights)), height_ratios=heights, squeeze=False, layout="constrained")
        figure.get_layout_engine().set(w_pad=0.12, h_pad=0.09, hspace=0.0, wspace=0.0)
        for i, ax in enumerate(axes.flat):
            if i < len(panels):
                dots(run, ax, *panels[i])
            else:
                ax.remove()
        figure.draw_without_rendering()
        extents = {ax: min(label.get_window_extent().x0 for label in ax.get_yticklabels()) for ax in figure.axes}
        for ax in figure.axes:  # a title begins where its column does: above the names
            left = min(x0 for other, x0 in extents.items() if other.get_position().x0 == ax.get_position().x0)
            ax._left_title.set_x(ax.transAxes.inverted().transform((left, 0))[0])
        save(figure, path)


def draw(run, titles, folder):
    """Every plot into the folder. titles: what an axis is called."""
    plt.rcParams.update({"svg.hashsalt": "cts", "svg.fonttype": "none", "font.sans-serif": FONTS, "font.size": 8.5,
                         "axes.titlesize": 10, "axes.grid": True, "axes.axisbelow": True, "grid.color": "#e3e3e3", "grid.linewidth": 0.7,
                         "axes.edgecolor": "#9a9a9a", "axes.spines.top": False, "axes.spines.right": False, "xtick.color": "#303030",
                         "ytick.color": "#303030"})
    folder.mkdir(parents=True, exist_ok=True)
    threads = sorted({t for (a, _, _, t) in run.ns if a == "pair_shared"})

    def over(axis, name, xlabel, points):
        lines(run, titles[axis], "ns a callback" if axis in PER_CALLBACK else "ns", xlabel, points, folder / name)

    sizes = lambda axis, all_: lambda p: [(n, plain(n), run.get(axis, p, n)) for n in all_]
    for axis in ("fan_out", "fan_out_scattered"):
        over(axis, f"{axis}.svg", "callbacks", sizes(axis, [10 ** i for i in range(7)]))
    over("ring", "ring.svg", "live registrations", sizes("ring", (1, 1_000, 100_000, 1_000_000)))
    others = sizes("pair_live", (1_000, 100_000, 1_000_000))  # none is not on a logarithmic axis: it stands a decade before the first
    over("pair_live", "live.svg", "other live registrations", lambda p: [(100, "none", run.get("pair", p))] + others(p))
    over("pair_shared", "threads.svg", "threads",
         lambda p: [(1, "1", run.get("pair", p))] + [(t, plain(t), run.get("pair_shared", p, None, t)) for t in threads])
    all_axes(run, threads, folder / "peers.svg")
