#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Checks the pages of the repository: check_pages.py ROOT.

Fails if a link of the README or of docs/*.md leads nowhere, file or heading; if a path of the repository in a code span does not exist;
if a diagram in docs/states and the drawing on the page name different sites, or a site that no table has; if a header or a page that
models/guarantees.json names does not exist, or the header does not name the guarantee.
"""
import json
import pathlib
import re
import sys

sys.dont_write_bytecode = True
from filter import slug  # noqa: E402

ROOT = pathlib.Path(sys.argv[1]).resolve()
FOLDERS = ("core/include/", "models/", "tests/", "tsan/", "bench/", "docs/", ".ci/", "core/cmake/")
VERBS = {"try_reset", "remove_all"}  # verbs that a diagram may name beside sites
faults = []


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def anchors(text):
    """What can follow # in a link to this page."""
    found = {slug(re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", h)) for h in re.findall(r"^#+ (.*)$", without_code(text), re.M)}
    return found | set(re.findall(r'<a id="([^"]+)">', text))


pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
texts = {p: p.read_text(encoding="utf-8") for p in pages}
for page, text in texts.items():
    name = page.relative_to(ROOT)
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", without_code(text))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            faults.append(f"{name}: {target} does not exist")
        elif heading and file in texts and heading not in anchors(texts[file]):
            faults.append(f"{name}: {target}: no such heading")
    for span in re.findall(r"`([^`\n]+)`", without_code(text)):
        if not span.startswith("core/include/") and re.fullmatch(r"(core|protocol|detail)/[\w/]+\.hpp", span) and not (ROOT / "core/include/cts" / span).exists():
            faults.append(f"{name}: {span} does not exist in core/include/cts")
        if span.startswith(FOLDERS) and not re.search(r"[*<… ]", span) and not (ROOT / span).exists():
            faults.append(f"{name}: {span} does not exist")

# The words of a site's kind (slot_take) that the tables know, on the page's drawings and in the diagrams.
tables = "".join((ROOT / "core/include/cts" / f / "memory_orders.hpp").read_text() for f in ("core", "protocol"))
sites = set(re.findall(r'^ *\{"([a-z_]+)",', tables, re.M))
if len(sites) < 50:
    faults.append(f"only {len(sites)} sites found in the tables of memory orders: are they still read?")
drawn = dict(re.findall(r"^<!-- states: (\w+) -->\n```\n(.*?)^```", "".join(texts.values()), re.M | re.S))
for diagram in sorted((ROOT / "docs/states").glob("*.dot")):
    words = set(re.findall(r"[a-z]+_[a-z]+(?:_[a-z]+)*", re.sub(r"//.*|\w+ *=(?! *\")|subgraph \w+|n(?=[a-z]+_)(?<=\\n)", " ", diagram.read_text().replace("\\n", " "))))
    words -= VERBS
    for word in sorted(words - sites):
        faults.append(f"{diagram.name}: {word} is no site")
    on_page = set(re.findall(r"[a-z]+_[a-z]+(?:_[a-z]+)*", drawn.pop(diagram.stem, ""))) - VERBS
    if words != on_page:
        faults.append(f"{diagram.name} and the page differ in {sorted(words ^ on_page)}")
for name in drawn:
    faults.append(f"docs/states/{name}.dot does not exist")

for g in json.loads((ROOT / "models/guarantees.json").read_text())["guarantees"]:
    for part in g["code"]:
        file = ROOT / part["file"]
        if not file.exists():
            faults.append(f"guarantees.json: {g['id']}: {part['file']} does not exist")
        elif g["id"] != "LIN" and not re.search(rf"\b{g['id']}\b", file.read_text()):
            faults.append(f"{part['file']}: does not name {g['id']}, as guarantees.json says that it is coded there")
    page, _, heading = g["page"].partition("#")
    file = ROOT / "docs" / page
    if file not in texts or heading and heading not in anchors(texts[file]):
        faults.append(f"guarantees.json: {g['id']}: {g['page']} does not exist")

for fault in faults:
    print(fault)
print(f"{len(pages)} pages, {len(sites)} sites")
sys.exit(bool(faults))
