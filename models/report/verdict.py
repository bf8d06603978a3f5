#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The verdict of a run: joins the results of the models, the mutation gate and the other tools with the catalogue of guarantees
(guarantees.json). Prints the table, writes summary.json, SHA256SUMS, junit.xml, report.html and museum.html, and exits
with 1 on a failure or a gap: a guarantee without a model or a mutant, a model or a mutant without a guarantee, a shard without a
result, a header that has changed since the models were built.
"""
import argparse
import fnmatch
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def path_of(source, guarantee, name):
    """The path of a model's file in models/. The program knows only the file's name, which two folders may have."""
    found = sorted(HERE.parent.rglob(source))
    adds = re.compile(rf'"{guarantee}",\s*"{name}"')
    found = [p for p in found if adds.search(p.read_text())] or found
    return found[0].relative_to(HERE.parent).as_posix() if found else source


def cases(results, kind, shards, gaps):
    """GoogleTest's JSON of all shards, a case at a time."""
    for i in range(shards):
        path = results / f"{kind}.{i}.json"
        if not path.exists():
            gaps.append(f"{kind}.{i} has left no result")
            continue
        try:
            suites = json.loads(path.read_text())["testsuites"]
        except (ValueError, KeyError):
            gaps.append(f"{kind}.{i} has left a damaged result")
            continue
        for suite in suites:
            for case in suite["testsuite"]:
                case["failure"] = "\n".join(f["failure"] for f in case.get("failures", []))
                case["seconds"] = float(case["time"].rstrip("s"))
                yield suite["name"], case


def models(given, gaps):
    """The models and the tests of the checker, with the random executions of a deep run's rounds added."""
    by_name = {}
    for kind in ["models"] + [f"random.{i}" for i in range(1, given.rounds + 1)]:
        for suite, case in cases(given.results, kind, given.shards, gaps):
            sum_ = by_name.setdefault((suite, case["name"]), case)
            if sum_ is case:
                continue
            if "executions" not in sum_:  # a model that has random executions only
                sum_.update(case)
                continue
            sum_["executions"] = int(sum_["executions"]) + int(case["executions"])
            sum_["seconds"] += case["seconds"]
            sum_["failure"] += case["failure"]
            if case["searches"] not in sum_["searches"]:
                sum_["searches"] += ", " + case["searches"]
    for (suite, _), case in by_name.items():
        yield suite, case


def collect(given):
    catalogue = json.loads((HERE.parent / "guarantees.json").read_text())
    gaps = []
    guarantees = {g["id"]: {**g, "models": [], "mutants": [], "lemmas": []} for g in catalogue["guarantees"]}
    litmus = []
    mutants = []
    for suite, case in models(given, gaps):
        if "executions" not in case and suite in guarantees:
            gaps.append(f"{suite}.{case['name']} was not run")
            continue
        if "executions" not in case:  # a litmus or self test of the checker
            litmus.append({"name": f"{suite}.{case['name']}", "passed": not case["failure"], "failure": case["failure"], "seconds": case["seconds"]})
            continue
        passed = not case["failure"]
        expected = case["expected"]
        model = {"name": f"{suite}.{case['name']}", "says": case["says"], "file": path_of(case["source"], suite, case["name"]), "threads": int(case["threads"]),
                 "searches": case["searches"], "full": expected == "holds" and "full" in case["searches"], "executions": int(case["executions"]), "seconds": case["seconds"], "passed": passed,
                 "verdict": ("holds" if expected == "holds" else "the defect is found") if passed else "FAILED", "failure": case["failure"]}
        if suite in guarantees:
            guarantees[suite]["models"].append(model)
        else:
            gaps.append(f"{model['name']}: no guarantee of that name in guarantees.json")
    for suite, case in cases(given.results, "mutants", given.shards, gaps):
        mutant = {key: case.get(key, "") for key in ("mutant", "killed_by", "search", "execution", "finding", "history", "equivalent", "failure")}
        mutant["home"] = suite
        mutants.append(mutant)
        if suite in guarantees:
            guarantees[suite]["mutants"].append(mutant)
        else:
            gaps.append(f"{mutant['mutant']}: no guarantee {suite} in guarantees.json")
        if mutant["failure"]:
            gaps.append(f"{mutant['mutant']}: {mutant['failure'].splitlines()[-1]}")
    for name in {m for d in catalogue["defects"] for m in d["mutants"]} - {m["mutant"] for m in mutants}:
        gaps.append(f"guarantees.json names a mutant {name} that is none")
    spin = [json.loads(p.read_text()) for p in sorted(given.results.glob("spin.*.json"))]
    proofs = [json.loads(p.read_text()) for p in sorted(given.results.glob("iris.*.json"))]
    for tool in given.expect:
        if not list(given.results.glob(f"{tool}.*.json")):
            gaps.append(f"{tool} has left no result")
    for lemma in (l for p in proofs for l in p["theorems"]):
        home = lemma.split("_")[0]
        if home in guarantees:
            guarantees[home]["lemmas"].append(lemma)
        else:
            gaps.append(f"{lemma}: no guarantee {home} in guarantees.json")
    if proofs:
        named = {l for g in guarantees.values() for l in g["theorems"]}
        proved = {l for p in proofs for l in p["theorems"]}
        gaps += [f"{l}: in guarantees.json or in assumptions.v, not in both" for l in sorted(named ^ proved)]
    for case in litmus:
        if not case["passed"]:
            gaps.append(f"{case['name']} FAILED: the checker cannot be relied on")
    for g in guarantees.values():
        g["spin_model"] = g["spin"]
        g["spin"] = [m for m in g["spin_model"] if any(s["model"] == m for s in spin)]
        g["executions"] = sum(m["executions"] for m in g["models"])
        g["seconds"] = sum(m["seconds"] for m in g["models"])
        g["full"] = sum(m["full"] for m in g["models"])
        g["verdict"] = "holds" if g["models"] and all(m["passed"] for m in g["models"]) else "FAILED" if g["models"] else "no model"
        if g["verdict"] != "holds":
            gaps.append(f"{g['id']}: {g['verdict']}")
        instead = g.get("instead_of_mutants")  # a test that has the models find seeded defects
        if not g["mutants"] and not any(case["name"] == instead for case in litmus):
            gaps.append(f"{g['id']}: no mutant, so nothing shows that its models can fail")
    all_ = list(guarantees.values())
    sums = headers(given, gaps)
    return {
        "passed": not gaps, "gaps": gaps, "version": version(), "revision": revision(), "headers": sums, "tools": tools(given), "setting": given.setting,
        "executions": sum(g["executions"] for g in all_), "seconds": sum(g["seconds"] for g in all_),
        "mutants": {"all": len(mutants), "killed": sum(bool(m["killed_by"]) for m in mutants), "equivalent": sum(bool(m["equivalent"]) for m in mutants)},
        "guarantees": all_, "checker": litmus, "spin": spin, "proofs": proofs, "defects": catalogue["defects"],
    }


def sha256sums(files):
    return "".join(f"{hash}  {path}\n" for path, hash in files.items())


def headers(given, gaps):
    """The SHA-256 of each header, and one of them all: that of SHA256SUMS (core/cmake/cts-verify-copy.cmake computes the same)."""
    root = HERE.parent.parent / "core" / "include"
    found = sorted(p.relative_to(root).as_posix() for p in (root / "cts").rglob("*") if p.is_file())
    files = {path: hashlib.sha256((root / path).read_bytes()).hexdigest() for path in found}
    text = sha256sums(files)
    if given.built_from:
        built = {path: hash for hash, path in (line.split("  ", 1) for line in given.built_from.read_text().splitlines())}
        gaps += [f"{path} has changed since the models were built" for path in sorted(files.keys() | built.keys()) if files.get(path) != built.get(path)]
    return {"sha256": hashlib.sha256(text.encode()).hexdigest(), "files": files}


def version():
    text = (HERE.parent.parent / "core" / "include" / "cts" / "version.hpp").read_text()
    return ".".join(re.findall(r"^#define CTS_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)$", text, re.MULTILINE))


def said(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE).stdout.strip()
    except OSError:
        return ""


def revision():
    return said("git", "describe", "--always", "--dirty") or "unknown"


def tools(given):
    found = dict(t.split("=", 1) for t in given.tool)
    return {name: version for name, version in found.items() if version}


def table(s):
    lines = [f"{'guarantee':<49}{'models':>6}{'in full':>9}{'executions':>13}{'mutants':>9}  {'also by':<12}verdict"]
    for g in s["guarantees"]:
        also = ", ".join((["Spin"] if g["spin"] else []) + (["Coq"] if g["lemmas"] else []))
        lines.append(f"{g['id']:<5}{g['name']:<44}{len(g['models']):>6}{g['full']:>9}{g['executions']:>13}{len(g['mutants']):>9}  {also:<12}{g['verdict']}")
    m = s["mutants"]
    lines.append(f"{s['executions']} executions; {m['killed']} of {m['all']} mutants killed, {m['equivalent']} equivalent; "
                 f"{len(s['checker'])} tests of the checker itself")
    lines += [f"GAP: {g}" for g in s["gaps"]]
    return "\n".join(lines)


def search_of(model):
    """How much of a model is searched, in words."""
    if model["verdict"] == "the defect is found":
        return "finds the defect"
    directed = model["says"].startswith("directed")
    return ("directed, in full" if directed else "in full") if model["full"] else ("directed" if directed else "bounded")


def models_of(g):
    """The models by file and by search: `a.cpp`: `One`, `Two` (in full); `Three` (bounded)."""
    files = {}
    for m in sorted(g["models"], key=lambda m: (m["file"], m["name"])):
        files.setdefault(m["file"], {}).setdefault(search_of(m), []).append(f"`{m['name'].split('.')[1]}`")
    return [f"`models/{f}`: " + "; ".join(f"{', '.join(names)} ({how})" for how, names in sorted(groups.items(), reverse=True))
            for f, groups in files.items()]


def test_files():
    """The tests by file: {path: [names]}."""
    found = {}
    for path in sorted(p for folder in ("tests", "tsan") for p in (ROOT / folder).rglob("*.cpp")):
        names = re.findall(r"^(?:TYPED_)?TEST(?:_F|_P)?\((\w+), *(\w+)\)", path.read_text(), re.M)
        if names:
            found[path.relative_to(ROOT).as_posix()] = [".".join(n) for n in names]
    return found


def by_file(pairs):
    """`a.cpp`: one, two; `b.cpp`: three"""
    files = {}
    for file, name in pairs:
        files.setdefault(file, []).append(name)
    return "; ".join(f"`{file}`: {', '.join(names)}" for file, names in files.items())


def tests_of(g, files):
    """A test filter beside the file that has its tests: the first one, if several have."""
    pairs = []
    for pattern in g["tests"]:
        homes = [f for f, names in files.items() if any(fnmatch.fnmatchcase(n, pattern) for n in names)]
        pairs.append((homes[0] if homes else "tests", f"`{pattern}`"))
    return by_file(sorted(pairs))


def home_of(theorem):
    """The file of models/iris that has it."""
    said = re.compile(rf"^ *(Theorem|Lemma) {theorem}\b", re.M)
    return next((p.name for p in sorted((HERE.parent / "iris").glob("*.v")) if said.search(p.read_text())), "registry.v")


def documented(g):
    """A link to the section that explains the guarantee."""
    title = re.sub("[#_-]", " ", g["page"].replace(".md#", ": ").replace(".md", ""))
    return f"[{title}]({g['page'].replace('guarantees.md#', '#')})"


def index(guarantees, files):
    """A row for each guarantee: where it is coded, modelled, tested, proved and documented."""
    lines = ["| | guarantee | coded | modelled | tested | proven | documented |", "|---|---|---|---|---|---|---|"]
    for g in guarantees:
        coded = ", ".join(f"`{c['file'].replace('core/include/cts/', '')}`" for c in g["code"])
        modelled = ", ".join(sorted({f"`models/{m['file']}`" for m in g["models"]}))
        homes = sorted({f for t in g["tests"] for f, names in files.items() if any(fnmatch.fnmatchcase(n, t) for n in names)})
        folders = ", ".join(f"`{f}`" for f in sorted({h.rsplit("/", 1)[0] for h in homes}))
        proven = ", ".join((["Coq"] if g["theorems"] else []) + (["Spin"] if g["spin_model"] else []))
        lines.append(f"| [{g['id']}](#{g['id'].lower()}) | {g['name']} | {coded} | {modelled} | {folders} | {proven} | {documented(g)} |")
    return "\n".join(lines) + "\n"


def section(g, files):
    """A guarantee on docs/guarantees.md: where it is coded, modelled, tested, proved and documented."""
    lines = [f"### {g['id']}", f"*{g['name']}*: {g['says']}.", ""]
    lines += [f"- **Coded**: `{c['file']}`: {c['step']}" for c in g["code"]]
    lines += [f"- **Modelled**: {m}" for m in models_of(g)]
    proofs = [f"`{l}` in `models/iris/{home_of(l)}`" for l in g["theorems"]]
    if g["spin_model"]:
        proofs.append("searched by Spin in " + ", ".join(f"`models/spin/{m}.pml`" for m in g["spin_model"]))
    if proofs:
        lines.append("- **Proven**: " + ", ".join(proofs))
    lines.append("- **Tested**: " + tests_of(g, files))
    lines.append(f"- **Documented**: {documented(g)}; rules {', '.join(f'[{r}](semantics.md#{r.lower()})' for r in g['rules'])}")
    return "\n".join(lines) + "\n"


def page(s):
    """The generated sections of docs/guarantees.md."""
    files = test_files()
    sections = "\n".join(section(g, files) for g in s["guarantees"])
    return f"\n## The guarantees\n{index(s['guarantees'], files)}\n{sections}\n"


def replaced(text, name, new):
    """The text with `new` between the markers of that name, and what stood there."""
    begin, end = f"<!-- verdict.py: {name} -->\n", "<!-- end -->"
    head, _, rest = text.partition(begin)
    old, _, tail = rest.partition(end)
    return head + begin + new + end + tail, old


def check_page(s, path, write):
    """Checks that the page has the sections of this run, or writes them and the verdict there."""
    text, old = replaced(path.read_text(), "guarantees", page(s))
    if write:
        path.write_text(replaced(text, "verdict", f"```\n{table(s)}\n```\n")[0])
    elif old != page(s):
        s["gaps"].append(f"{path}: its sections are out of date; `cmake --build build/verify --target verdict_page` writes them anew")
        s["passed"] = False


def junit(s):
    root = xml.Element("testsuites", name="cts")
    for g in s["guarantees"]:
        suite = xml.SubElement(root, "testsuite", name=f"{g['id']} {g['name']}", tests=str(len(g["models"]) + len(g["mutants"])))
        for m in g["models"]:
            case = xml.SubElement(suite, "testcase", classname=g["id"], name=m["name"], time=f"{m['seconds']:.3f}")
            if not m["passed"]:
                xml.SubElement(case, "failure", message=m["says"]).text = m["failure"]
        for m in g["mutants"]:
            case = xml.SubElement(suite, "testcase", classname=f"{g['id']}.mutants", name=m["mutant"])
            if m["failure"]:
                xml.SubElement(case, "failure", message="survived").text = m["failure"]
    suite = xml.SubElement(root, "testsuite", name="gaps", tests=str(len(s["gaps"]) or 1))
    for gap in s["gaps"] or [None]:
        case = xml.SubElement(suite, "testcase", classname="gaps", name=gap or "none")
        if gap:
            xml.SubElement(case, "failure", message=gap)
    return xml.tostring(root, encoding="unicode", xml_declaration=True)


def pages(s, given):
    try:
        import museum
    except ImportError:
        print("no pages: Python's jinja2 is missing (Debian: apt-get install python3-jinja2)")
        return
    histories = [museum.read(p) for p in sorted((given.results / "histories").glob("*.txt"))]
    kept = {h["mutant"] for h in histories}
    for g in s["guarantees"]:
        for m in g["mutants"]:
            m["history"] = m["history"] if m["mutant"] in kept else ""
    root = ROOT.as_uri()
    (given.out / "report.html").write_text(museum.templates().get_template("report.html.j2").render(s=s, root=root, home_of=home_of))
    (given.out / "museum.html").write_text(museum.page(histories, s["defects"]))
    print(f"file://{(given.out / 'report.html').resolve()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=pathlib.Path, required=True, help="where the shards have left their JSON")
    parser.add_argument("--shards", type=int, required=True)
    parser.add_argument("--rounds", type=int, default=0, help="a deep run's, of random executions")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--built-from", type=pathlib.Path, help="SHA256SUMS of the headers that the models were built with")
    parser.add_argument("--tool", action="append", default=[], help="NAME=VERSION")
    parser.add_argument("--expect", action="append", default=[], help="a tool that must have left a result")
    parser.add_argument("--page", type=pathlib.Path, help="docs/guarantees.md, whose sections must be those of this run")
    parser.add_argument("--write-page", action="store_true", help="make it so")
    parser.add_argument("--setting", default="", help="a note on this run")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    summary = collect(given)
    if given.page:
        check_page(summary, given.page, given.write_page)
    (given.out / "summary.json").write_text(json.dumps(summary, indent=1, ensure_ascii=False))
    sums = given.out / "SHA256SUMS"  # for sha256sum -c; only of headers that have passed
    sums.unlink(missing_ok=True)
    if summary["passed"]:
        sums.write_text(sha256sums(summary["headers"]["files"]))
    (given.out / "junit.xml").write_text(junit(summary))
    pages(summary, given)
    print(table(summary))
    return 0 if summary["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
