#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Inspects what compilers make of the memory orders on AArch64: check_aarch64.py INCLUDE FOLDER [--weaken SITE=ORDER …]

Compiles aarch64_handshakes.cpp, and a function for each site of the tables, and compares the instructions with what
each order asks for: without LSE, with LSE, and with RCpc where a compiler emits ldapr.

    load     relaxed ldr        acquire ldar or ldapr      seq_cst ldar. An ldapr could overtake an earlier stlr or stlxr
    store    relaxed str        release stlr
    rmw      relaxed ldxr/stxr  acquire ldaxr              release stlxr     acq_rel, seq_cst ldaxr/stlxr
             with LSE: cas, ldset, ldclr, ldeor, ldadd with the suffixes a, l, al

No site has a dmb. Whole sides of the handshakes are checked as sequences. With --weaken the compiled copy of a table
has these orders; the script then succeeds only if exactly these sites are found to be wrong.
Exit status: 0 right, 1 wrong, 77 the cross compiler is missing.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

TABLES = {  # header: the enumeration of its sites
    "cts/core/memory_orders.hpp": "cts::core::site",
    "cts/protocol/memory_orders.hpp": "cts::detail::site",
    "cts/protocol/joint_callback.hpp": "cts::detail::joint_site",
    "cts/protocol/block_heap.hpp": "cts::detail::block_site",
    "cts/detail/coroutines/suspension.hpp": "cts::detail::coroutine_site",
}
ROW = re.compile(r'\{\s*"(\w+)",\s*(?:core::)?operation::(\w+),\s*std::memory_order_(\w+)')
GXX, OBJDUMP = "aarch64-linux-gnu-g++", "aarch64-linux-gnu-objdump"
BUILDS = [  # name, compilers of which the first that is there is taken, flags, has LSE, must have RCpc
    ("g++, no LSE", [GXX], ["-march=armv8-a", "-mno-outline-atomics"], False, False),
    ("g++, LSE", [GXX], ["-march=armv8.1-a+lse"], True, False),
    ("g++, LSE and RCpc", [GXX], ["-march=armv8.3-a+rcpc"], True, False),
    ("clang++, no LSE", ["clang++-19", "clang++"], ["-march=armv8-a", "-mno-outline-atomics"], False, False),
    ("clang++, LSE and RCpc", ["clang++-19"], ["-march=armv8.3-a"], True, True),
]
RMW = {"compare_exchange": "cas", "fetch_or": "ldset", "fetch_xor": "ldeor", "fetch_add": "ldadd"}
LSE_SUFFIX = {"relaxed": "", "acquire": "a", "release": "l", "acq_rel": "al", "seq_cst": "al"}
EXCLUSIVE = {"relaxed": ("ldxr", "stxr"), "acquire": ("ldaxr", "stxr"), "release": ("ldxr", "stlxr"),
             "acq_rel": ("ldaxr", "stlxr"), "seq_cst": ("ldaxr", "stlxr")}
ATOMIC = re.compile(r"(?:ldar|ldapr|stlr|ldxr|ldaxr|stxr|stlxr|dmb|(?:cas|swp|ldset|ldclr|ldeor|ldadd|stset|stclr|steor|stadd)a?l?)$")


def sites(include):
    """name, enumeration, kind, order of each site."""
    for header, enumeration in TABLES.items():
        text = (include / header).read_text()
        found = ROW.findall(text)
        if not found:
            sys.exit(f"no table in {header}")
        for name, kind, order in found:
            yield name, enumeration, kind, order


def source(include):
    """The functions of all sites; one for each operation that an rmw may be."""
    lines = ['#include "cts/detail/coroutines/suspension.hpp"', '#include "cts/protocol/joint_callback.hpp"',
             '#include "cts/protocol/block_heap.hpp"', "using words = std_platform::atomic<word>;", 'extern "C" {']
    for name, enumeration, kind, _ in sites(include):
        at = f"{enumeration}::{name}"
        if kind == "load":
            lines.append(f"word site_{name}_load(words& w) {{ return w.load({at}); }}")
        elif kind == "store":
            lines.append(f"void site_{name}_store(words& w, word v) {{ w.store(v, {at}); }}")
        else:
            lines.append(f"bool site_{name}_compare_exchange(words& w, word& e, word v)"
                         f" {{ return w.compare_exchange(e, v, {at}); }}")
            for verb in ("fetch_or", "fetch_xor", "fetch_add"):
                lines.append(f"word site_{name}_{verb}(words& w, word v) {{ return w.{verb}(v, {at}); }}")
    return "\n".join(lines + ["}", ""])


def weakened(include, folder, weaken):
    """A folder with copies of the tables in which the sites have these orders."""
    left = dict(weaken)
    for header in TABLES:
        def replaced(row):
            order = left.pop(row[1], row[3])
            return row[0].replace(f"std::memory_order_{row[3]}", f"std::memory_order_{order}")
        copy = folder / "weakened" / header
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(ROW.sub(replaced, (include / header).read_text()))
    if left:
        sys.exit(f"no such site: {', '.join(left)}")
    return folder / "weakened"


def functions(text):
    """The instructions of each function. A call is "call NAME"."""
    all_of, current = {}, None
    for line in text.splitlines():
        if begin := re.match(r"[0-9a-f]+ <([\w.$]+)>:$", line):
            current = all_of.setdefault(begin[1], [])
        elif step := re.match(r"\s*[0-9a-f]+:\t[0-9a-f]{8} \t(\S+)\s*(.*)", line):
            current.append(step[1])
            to = re.search(r"R_AARCH64_(?:CALL|JUMP)26\t([\w.$]+)", line) or re.search(r"<([\w.$]+)>$", step[2])
            if step[1] in ("b", "bl") and to:
                current.append("call " + to[1])
    return all_of


def with_callees(name, code, above=()):
    """The instructions of a function, those of the functions that it calls in their places."""
    for step in code[name]:
        callee = step.removeprefix("call ")
        if callee == step:
            yield step
        elif callee in code and callee not in above + (name,):
            yield from with_callees(callee, code, above + (name,))


def atomics(instructions):
    return [m for m in instructions if ATOMIC.match(m)]


def wrong_with_site(kind, order, verb, instructions, lse):
    """What is wrong with the function of a site; None: nothing."""
    found = atomics(instructions)
    if kind == "load":
        wanted = {"relaxed": [[]], "acquire": [["ldar"], ["ldapr"]], "seq_cst": [["ldar"]]}[order]
    elif kind == "store":
        wanted = {"relaxed": [[]], "release": [["stlr"]]}[order]
    elif lse:
        wanted = [[RMW[verb] + LSE_SUFFIX[order]]]
    else:
        wanted = [list(EXCLUSIVE[order])]
    if found in wanted:
        return None
    return f"{order} {kind} ({verb}): {' '.join(found) or 'plain'} instead of {' or '.join(' '.join(w) or 'plain' for w in wanted)}"


def sequences(lse):
    """Of each side of a handshake: its site, and instructions that follow each other, others between them."""
    cas, close = (["casal"], ["ldsetal"]) if lse else (["ldaxr", "stlxr"],) * 2
    return {"handshake_register": cas + ["ldar", "ldar"],  # slot_publish, gen_recheck, top_recheck
            "handshake_cancel": close + ["stlr"] + ["ldar"] * 4,  # top_close, flag_set, slot_scan
            "handshake_claim": cas + ["ldar"] * 4,  # gen_seal, slot_verify
            "handshake_lane_register": ["stlr", "LOAD"],  # lane_publish, lane_state_read
            "handshake_unregister": ["cas" if lse else "ldxr"] + ([] if lse else ["stxr"])}


def wrong_with_sequence(wanted, instructions):
    found = iter(atomics(instructions))
    for w in wanted:
        if not any(f == w or (w == "LOAD" and f in ("ldar", "ldapr")) for f in found):
            return f"no {' … '.join(wanted)} in it, but {' '.join(atomics(instructions))}"
    return None


def inspect(build, include, weak_include, folder):
    """The sites and sides that are wrong: {name: what}."""
    name, compilers, flags, lse, rcpc = build
    compiler = next((c for c in compilers if shutil.which(c)), None)
    if compiler is None:
        print(f"{name}: skipped, there is no {' or '.join(compilers)}")
        return None
    if "clang" in compiler:
        flags = ["--target=aarch64-linux-gnu"] + flags
    here = pathlib.Path(__file__).parent
    unit = folder / (re.sub(r"\W+", "_", name) + ".cpp")
    unit.write_text((here / "aarch64_handshakes.cpp").read_text() + source(include))
    made = unit.with_suffix(".o")
    roots = [f"-I{weak_include}"] if weak_include else []
    subprocess.run([compiler, "-std=c++20", "-O2", *flags, *roots, f"-I{include}", "-c", unit, "-o", made], check=True)
    text = subprocess.run([OBJDUMP, "-dr", "-w", made], check=True, capture_output=True, text=True).stdout
    code = functions(text)
    wrong, count = {}, 0
    for site, _, kind, order in sites(include):
        for verb in RMW if kind == "rmw" else [kind]:
            count += 1
            what = wrong_with_site(kind, order, verb, code[f"site_{site}_{verb}"], lse)
            if what:
                wrong.setdefault(site, what)
    for side, wanted in sequences(lse).items():
        what = wrong_with_sequence(wanted, list(with_callees(side, code)))
        if what:
            wrong[side] = what
    every = [m for steps in code.values() for m in atomics(steps)]
    if rcpc and "ldapr" not in every:
        wrong["RCpc"] = "this compiler emits no ldapr, so nothing is shown about it"
    if "dmb" in every:
        wrong["dmb"] = "a fence is emitted"
    print(f"{name}: {count} operations of sites and {len(sequences(lse))} sides of handshakes, "
          f"{every.count('ldar')} ldar, {every.count('ldapr')} ldapr: {len(wrong)} wrong ({compiler})")
    for at, what in wrong.items():
        print(f"  {at}: {what}")
    return wrong


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("include", type=pathlib.Path)
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--weaken", nargs="+", default=[], metavar="SITE=ORDER")
    given = arguments.parse_args()
    if not shutil.which(GXX) or not shutil.which(OBJDUMP):
        print(f"skipped: no {GXX} or no {OBJDUMP} (Debian: apt-get install g++-aarch64-linux-gnu)")
        return 77
    given.folder.mkdir(parents=True, exist_ok=True)
    weaken = dict(w.split("=") for w in given.weaken)
    weak_include = weakened(given.include, given.folder, weaken) if weaken else None
    right = True
    for build in BUILDS:
        wrong = inspect(build, given.include, weak_include, given.folder)
        if wrong is None:
            continue
        if weaken:
            found = {at for at in wrong if not at.startswith("handshake_")}
            # An acquire load is an ldar but where there is ldapr.
            hidden = set() if build[4] else {s for s, o in weaken.items() if o == "acquire"}
            if found != set(weaken) - hidden:
                print(f"  FAILED: weakened were {', '.join(sorted(weaken))}")
                right = False
        elif wrong:
            right = False
    return 0 if right else 1


sys.exit(main())
