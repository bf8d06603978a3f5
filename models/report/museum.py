#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Draws executions that Relacy has printed, as a page (models/report/templates/museum.html.j2).

  museum.py --histories FOLDER --out PAGE          what cts_mutants has left there (CTS_HISTORIES)
  museum.py --history FILE … --out PAGE            what failing models have printed
  museum.py --program cts_models --replay TOKEN --out PAGE
"""
import argparse
import json
import pathlib
import subprocess

import jinja2

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def templates():
    return jinja2.Environment(loader=jinja2.FileSystemLoader(pathlib.Path(__file__).resolve().parent / "templates"), autoescape=jinja2.select_autoescape(["j2"]),
                              trim_blocks=True)


def read(path):
    """A file that cts_mutants wrote: some lines `key: value`, then the history."""
    head, text = {"mutant": path.stem}, path.read_text()
    for line in text.split("\n")[:4]:
        key, _, value = line.partition(": ")
        if key in ("mutant", "model", "says", "token"):
            head[key] = value
    return {**head, "text": text}


def shown_part(text, most=4000):
    """The part of a history that the page draws: without each thread's own steps, and only the beginning and the end of a livelock."""
    lines = text.split("\nthread 0:")[0].split("\n")
    return "\n".join(lines if len(lines) <= most else lines[: most // 2] + lines[-most // 2 :])


def page(histories, defects=()):
    for h in histories:
        h["text"] = shown_part(h["text"])
        h["defects"] = [d["seen"] for d in defects if h["mutant"] in d["mutants"]]
        if "token" in h:
            h["token"] = h["token"].strip()
    known = {h["mutant"] for h in histories}
    shown = [d for d in defects if known.issuperset(d["mutants"])]
    return templates().get_template("museum.html.j2").render(histories=histories, defects=shown)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=pathlib.Path, help="a folder that cts_mutants has filled")
    parser.add_argument("--history", type=pathlib.Path, nargs="*", default=[], help="files with what a failing model printed")
    parser.add_argument("--program", type=pathlib.Path, help="the models' program, for --replay")
    parser.add_argument("--replay", nargs="*", default=[], help="tokens: <guarantee>.<model>:<token>")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    given = parser.parse_args()
    if given.replay and not given.program:
        parser.error("--replay needs --program")
    histories = [read(p) for p in sorted(given.histories.glob("*.txt"))] if given.histories else []
    histories += [read(p) for p in given.history]
    for token in given.replay:
        said = subprocess.run([given.program, f"--replay={token}"], capture_output=True, text=True, check=False)
        if said.returncode not in (0, 1) or not said.stdout:
            parser.error(said.stderr.strip() or f"{token}: no such execution")
        histories.append({"mutant": token.strip(), "text": said.stdout})
    if not histories:
        parser.error("nothing to draw")
    defects = json.loads((ROOT / "models" / "guarantees.json").read_text())["defects"] if given.histories else ()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(page(histories, defects))


if __name__ == "__main__":
    main()
