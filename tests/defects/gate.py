#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""The defect gate of the production parts: gate.py check | run [options].

check   Each defect of defects.py fits: its old text is in its file exactly once, and the test that must find it exists.
run     Builds each defect into a copy of the headers, compiles the test against the copy, and requires that it fails. Before that, the
        same test must pass with the headers as they are.

A test fails by its exit status: a failed expectation, a signal, a report of a sanitizer. A test that does not end in time counts only
if the defect says so (hangs=) and the hanging test is the one that it names. A defect that does not compile is an error of the list,
unless it says that the compiler refuses it (refused=).
"""
import argparse
import collections
import concurrent.futures
import ctypes
import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
from defects import DEFECTS  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "core/include"
LIMIT = 60  # seconds that a test may take
PATIENCE = 10  # seconds after which tests/support/must_end.hpp gives a hang a name
SANITIZED = ["-fsanitize=address"]
BASE = ["-std=c++20", "-O0", "-w", "-pthread"]
NO_TEST = "the program"


def without_arguments(text):
    return re.findall(r"^(?:TYPED_)?TEST(?:_F|_P)?\((\w+), *(\w+)\)", text, re.M)


def tests_of(path, known={}):
    if path not in known:
        known[path] = [f"{suite}.{name}" for suite, name in without_arguments((ROOT / path).read_text(encoding="utf-8"))]
    return known[path]


def matches(name, pattern):
    """Whether a --gtest_filter picks the test, parametrized or not."""
    return any(fnmatch.fnmatchcase(n, p) for p in pattern.split("-")[0].split(":") for n in (name, f"x/{name}/x", f"{name}/x"))


def check():
    faults, seen = [], collections.Counter(d.name for d in DEFECTS)
    for d in DEFECTS:
        where = INCLUDE / "cts" / d.file
        if seen[d.name] > 1:
            faults.append(f"{d.name}: there are two of that name")
        if not where.exists():
            faults.append(f"{d.name}: {d.file} does not exist")
            continue
        n = where.read_text(encoding="utf-8").count(d.old)
        if n != 1:
            faults.append(f"{d.name}: its old text is {n} times in {d.file}, not once")
        if d.old == d.new:
            faults.append(f"{d.name} changes nothing")
        if not (ROOT / d.test).exists():
            faults.append(f"{d.name}: {d.test} does not exist")
            continue
        if d.refused:
            continue
        for pattern in d.only.split(":"):
            if not any(matches(name, pattern) for name in tests_of(d.test)):
                faults.append(f"{d.name}: {d.test} has no test {pattern}")
        if d.hangs and d.hangs not in tests_of(d.test):
            faults.append(f"{d.name}: {d.test} has no test {d.hangs}")
    for fault in faults:
        print(fault)
    print(f"{len(DEFECTS)} defects in {len({d.file for d in DEFECTS})} files")
    return not faults


def end_with_parent():
    """In a child: a gate that is killed leaves no test behind that hangs for ever."""
    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL


class Workshop:
    """Compiles and runs tests against a copy of the headers."""

    def __init__(self, folder, compiler, libraries):
        self.folder, self.compiler, self.libraries = folder, compiler, libraries

    def command(self, d, include, program):
        flags = BASE + (SANITIZED if d.sanitized else []) + [f"-D{x}" for x in d.defines]
        if d.refused:
            return [self.compiler, *flags, "-fsyntax-only", f"-I{include}", f"-I{ROOT}/tests/support", f"{ROOT}/{d.test}"]
        return [self.compiler, *flags, f"-I{include}", f"-I{ROOT}/tests/support", *(f"{ROOT}/{s}" for s in (d.test, *d.also)),
                "-o", str(program), *self.libraries, "-ldl"]

    def compile(self, d, include, program):
        """@return the compiler's complaint; empty: it has compiled"""
        r = subprocess.run(self.command(d, include, program), capture_output=True, text=True, errors="replace")
        return r.stderr or f"status {r.returncode}" if r.returncode else ""

    def run(self, d, program):
        """@return (status, output); the status of a test that did not end is None"""
        environment = dict(os.environ, CTS_TEST_PATIENCE=str(PATIENCE), ASAN_OPTIONS="detect_leaks=1")
        output = self.folder / "output.txt"
        with open(output, "wb") as out:
            p = subprocess.Popen([str(program), f"--gtest_filter={d.only}", "--gtest_color=no"], stdout=out, stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL, env=environment, cwd=self.folder, start_new_session=True,
                                 preexec_fn=end_with_parent)
            try:
                status = p.wait(timeout=d.limit)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                try:
                    os.killpg(p.pid, 9)  # its children, too
                except ProcessLookupError:
                    pass
                p.wait()
        return status, output.read_text(encoding="utf-8", errors="replace")


def killers(status, output):
    failed = re.findall(r"^\[  FAILED  \] ([A-Za-z][\w./]+)", output, re.M)
    if failed:
        return ", ".join(dict.fromkeys(failed))
    begun = re.findall(r"^\[ RUN      \] ([\w./]+)", output, re.M)
    report = re.search(r"(AddressSanitizer: [\w-]+|LeakSanitizer)", output)
    how = report.group(1) if report else f"signal {-status}" if status < 0 else f"status {status}"
    return f"{begun[-1] if begun else NO_TEST} ({how})"



def verdict(d, shop):
    """@return (whether it was found, how)"""
    copy = shop.folder / "include"
    where = copy / "cts" / d.file
    sound = where.read_text(encoding="utf-8")
    if sound.count(d.old) != 1:
        return False, f"its old text is {sound.count(d.old)} times in {d.file}"
    where.write_text(sound.replace(d.old, d.new), encoding="utf-8")
    try:
        program = shop.folder / "defective"
        complaint = shop.compile(d, copy, program)
        if d.refused:
            return (True, "the compiler") if re.search(d.refused, complaint) else (False, "the compiler accepts it")
        if complaint:
            return False, "it does not compile: " + complaint[:2000]
        status, output = shop.run(d, program)
    finally:
        where.write_text(sound, encoding="utf-8")
    if status is None:
        begun = re.findall(r"^\[ RUN      \] ([\w./]+)", output, re.M)
        last = begun[-1] if begun else NO_TEST
        return (True, f"{last} (hangs)") if d.hangs == last else (False, f"{last} hangs, and the defect does not say so")
    return (False, "it SURVIVES") if status == 0 else (True, killers(status, output))


def sound_verdict(d, shop, known):
    """Whether the test passes with the headers as they are. @return the complaint"""
    key = (d.test, d.also, d.sanitized, d.defines, d.refused is not None)
    if key not in known:
        program = shop.folder / f"sound{len(known)}"
        known[key] = (program, shop.compile(d, INCLUDE, program))
    program, complaint = known[key]
    if complaint or d.refused:
        return complaint
    status, output = shop.run(d, program)
    if status != 0:
        return f"fails without the defect, too:\n{output[-2000:]}"
    passed = re.search(r"^\[  PASSED  \] (\d+) test", output, re.M)
    return "" if passed and int(passed.group(1)) > 0 else "runs no test"


def run(options):
    chosen = [d for d in DEFECTS if (d.cheap or not options.cheap) and any(fnmatch.fnmatchcase(d.name, p) for p in options.only)]
    if not chosen:
        sys.exit("no defect is chosen")
    results, begun = [], time.monotonic()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        shops = []
        for i in range(options.jobs):
            place = pathlib.Path(folder) / str(i)
            shutil.copytree(INCLUDE, place / "include")
            shops.append(Workshop(place, options.cxx, options.libraries))

        def work(shop, mine):
            known = {}
            for d in mine:
                start = time.monotonic()
                complaint = "" if options.trust else sound_verdict(d, shop, known)
                found, how = (False, complaint) if complaint else verdict(d, shop)
                results.append((d, found, how))
                print(f"{'found' if found else 'NOT FOUND':9} {time.monotonic() - start:5.1f} s  {d.name}: {how}", flush=True)

        order = sorted(chosen, key=lambda d: (d.test, d.sanitized, d.defines))  # one test after the other
        size = -(-len(order) // len(shops))
        with concurrent.futures.ThreadPoolExecutor(len(shops)) as pool:
            for job in [pool.submit(work, shop, order[i * size:(i + 1) * size]) for i, shop in enumerate(shops)]:
                job.result()
    missed = [d.name for d, found, _ in results if not found]
    print(f"{len(results) - len(missed)} of {len(results)} defects in {len({d.file for d in chosen})} files were found, "
          f"in {time.monotonic() - begun:.0f} s" + (f"; not: {', '.join(missed)}" if missed else ""))
    if options.report:
        pathlib.Path(options.report).write_text(json.dumps(
            [{"name": d.name, "file": d.file, "says": d.says, "found": found, "by": how} for d, found, how in results], indent=1) + "\n")
    return not missed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["check", "run"])
    parser.add_argument("--cheap", action="store_true", help="only the defects marked so")
    parser.add_argument("--trust", action="store_true", help="do not run the tests without the defects: another test has done so")
    parser.add_argument("--only", nargs="+", default=["*"], help="patterns of names")
    parser.add_argument("--cxx", default="g++")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder", help="for the copies; it must exist")
    parser.add_argument("--report", help="a file for the results, in JSON")
    parser.add_argument("--libraries", nargs="+", default=["-lgtest_main", "-lgtest"], help="GoogleTest")
    options = parser.parse_args()
    if not check():
        sys.exit(1)
    sys.exit(0 if options.what == "check" or run(options) else 1)
