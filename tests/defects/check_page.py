#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks docs/production_parts.md: check_page.py.

Fails if a header of core/include/cts is not on the page exactly once, or the page names one that does not exist; if it says that a header
is run by the models which no model includes; if a guarantee or a test that it names does not exist; if it counts the defects of a header
wrongly; or if nothing checks a header and the page does not say why.
"""
import collections
import json
import pathlib
import re
import sys

sys.dont_write_bytecode = True
from defects import DEFECTS  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "core/include"
PAGE = ROOT / "docs/production_parts.md"
NOTHING = "–"
WITHOUT = ("only declarations", "only includes", "Windows only")  # why nothing checks a header here
faults = []


def closure():
    """The headers that the models include, directly or not."""
    found, todo = set(), []
    for source in (ROOT / "models").glob("*/*.?pp"):
        todo += re.findall(r'#include "(cts/[^"]+)"', source.read_text(encoding="utf-8"))
    while todo:
        header = todo.pop()
        if header not in found:
            found.add(header)
            todo += re.findall(r'#include "(cts/[^"]+)"', (INCLUDE / header).read_text(encoding="utf-8"))
    return {h.removeprefix("cts/") for h in found}


text = PAGE.read_text(encoding="utf-8")
rows = re.findall(r"^\| `([\w/.]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", text, re.M)
listed = collections.Counter(file for file, *_ in rows)
headers = {str(p.relative_to(INCLUDE / "cts")) for p in (INCLUDE / "cts").rglob("*") if p.is_file()}
faults += [f"{h} is not on the page" for h in sorted(headers - set(listed))]
faults += [f"{h} does not exist" for h in sorted(set(listed) - headers)]
faults += [f"{h} is on the page {n} times" for h, n in sorted(listed.items()) if n > 1]

included = closure()
guarantees = [g["id"] for g in json.loads((ROOT / "models/guarantees.json").read_text(encoding="utf-8"))["guarantees"]]
counts = collections.Counter(d.file for d in DEFECTS)
tests = {p.name for p in (ROOT / "tests").rglob("*") if p.is_file()} | {p.name for p in (ROOT / "tsan").iterdir()}
for file, models, others, defects in rows:
    if models != NOTHING:
        if file not in included:
            faults.append(f"{file}: no model includes it")
        for word in re.split(r", | to ", models):
            if word not in guarantees:
                faults.append(f"{file}: {word} is no guarantee")
    for name in re.findall(r"`(\w+(?:\.\w+)?)`", others):
        if not {name, name + ".cpp", name + ".py", name + ".c"} & tests:
            faults.append(f"{file}: there is no test {name}")
    if defects != (str(counts[file]) if counts[file] else NOTHING):
        faults.append(f"{file}: the page says {defects} defects, the list has {counts[file]}")
    if models == NOTHING and not counts[file] and not others.startswith(WITHOUT):
        faults.append(f"{file}: neither a model nor a defect, and not a word why")
said = re.search(r"\*\*(\d+) defects in (\d+) headers\*\*", text)
if not said or (int(said[1]), int(said[2])) != (len(DEFECTS), len(counts)):
    faults.append(f"the page must say **{len(DEFECTS)} defects in {len(counts)} headers**")

for fault in faults:
    print(f"docs/production_parts.md: {fault}")
sys.exit(1 if faults else 0)
