#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Programs for GenMC: headers to LLVM IR, GenMC's runs, and its self-test with weakened orders.

    run.py ir       --out FOLDER source...             compiles the sources, and checks what GenMC needs of the IR
    run.py check    --genmc GENMC [--model rc11]…      runs every program; fails on an error of any
    run.py weakened --genmc GENMC                      weakens each order by one step; fails if no program finds it
    run.py table    --genmc GENMC                      prints the table of docs/genmc.md: each program under each model
    run.py list                                        prints the programs

Every command takes --clang and --opt, of the LLVM version that GenMC was built with, and --only REGEX, which chooses
programs or, for `weakened`, sites.
"""
import argparse
import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

# Only what makes the orders constants and the code small. Nothing may move, join or guess an access to memory.
PLAIN = 'simplifycfg<no-switch-to-lookup;no-hoist-common-insts;no-sink-common-insts;no-speculate-blocks>'
PASSES = ('always-inline,cgscc(inline),globaldce,'
          f'function(lower-expect,sroa,instsimplify,sccp,{PLAIN},sroa,sccp,{PLAIN},jump-threading,adce),globaldce,strip-dead-prototypes')
# GenMC does not interpret `freeze`. Without guesses no value is poison, so a freeze changes nothing.
THAWED = re.compile(r'(%[\w.]+) = freeze (i\d+ [^,\n]+)')
# What GenMC's interpreter provides.
KNOWN = re.compile(r'__VERIFIER_\w+|llvm\.(memcpy|memset|memmove|dbg|lifetime|assume|experimental\.noalias)\S*')
PROGRAM = re.compile(r'CTS_PROGRAM\(\s*(\w+),\s*(\w+),\s*(\w+),\s*((?:"[^"]*"\s*)+)\)')
# GenMC's inferences that go wrong on these programs; docs/genmc.md says how.
NEEDED = ['--disable-estimation', '--disable-mm-detector', '--disable-loop-jump-threading',
          '--disable-instruction-caching', '--disable-load-annotation']


# Sites whose weaker order no program finds in minutes, or whose step no program takes; docs/genmc.md says what each would
# need. The models find them.
OUT_OF_REACH = {'gen_recheck', 'gen_seal', 'slot_verify', 'older_link', 'older_walk',
                'late_drop', 'stripes_end', 'status_arm', 'alarm_find', 'alarm_publish', 'event_drop'}


class Program:
    def __init__(self, source, match):
        self.source = source
        self.guarantee, self.short = match[1], match[2]
        self.name = f'{match[1]}.{match[2]}'
        self.entry = f'{match[1]}_{match[2]}'
        self.says = ''.join(re.findall(r'"([^"]*)"', match[4]))


def programs_of(source):
    with open(source, encoding='utf-8') as f:
        found = [Program(source, m) for m in PROGRAM.finditer(f.read())]
    if not found:
        sys.exit(f'{source}: no CTS_PROGRAM')
    return found


def all_sources():
    folder = os.path.join(HERE, 'programs')
    return [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.endswith('.cpp')]


def all_sites():
    """Each row of the tables of memory orders: its name, the number that platform.hpp gives it, kind, order, and the
    guarantees that break without it."""
    sites = []
    for first, header in ((256, 'core/memory_orders.hpp'), (512, 'protocol/memory_orders.hpp'),
                          (768, 'detail/coroutines/suspension.hpp')):
        with open(os.path.join(ROOT, 'core/include/cts', header), encoding='utf-8') as f:
            text = f.read()
        why = {name: said for name, said in re.findall(r'char const\* (\w+) =\s*((?:"[^"]*"\s*)+);', text)}
        rows = re.findall(r'\{"(\w+)", (?:core::)?operation::(\w+), std::memory_order_(\w+),\s*(.*?)\},\n', text, re.S)
        for i, (name, kind, order, rest) in enumerate(rows):
            rest += ''.join(why.get(word, '') for word in re.findall(r'breaks::(\w+)', rest))
            sites.append((name, first + i, kind, order, re.findall(r'\bG\d+', rest)))
    return sites


ORDERS = {'relaxed': 0, 'acquire': 2, 'release': 3, 'acq_rel': 4, 'seq_cst': 5}


def one_step_below(kind, order):
    if order == 'seq_cst':
        return {'load': ['acquire'], 'store': ['release'], 'rmw': ['acq_rel']}[kind]
    return {'acq_rel': ['acquire', 'release'], 'acquire': ['relaxed'], 'release': ['relaxed'], 'relaxed': []}[order]


class Builder:
    def __init__(self, arguments):
        self.a = arguments
        self.raw = {}  # by source: the IR before any pass

    def front(self, source):
        if source not in self.raw:
            name = os.path.splitext(os.path.basename(source))[0]
            out = os.path.join(self.a.out, name + '.raw.ll')
            subprocess.run([self.a.clang, '-std=c++20', '-O1', '-fno-rtti', '-fno-exceptions',
                            '-fno-threadsafe-statics', '-Xclang', '-disable-llvm-passes', '-fno-discard-value-names',
                            '-Wall', '-Wextra', '-Werror', '-DCTS_GENMC=1', *self.a.define,
                            '-I' + os.path.join(ROOT, 'core/include'), '-I' + os.path.dirname(HERE),
                            '-S', '-emit-llvm', '-o', out, source], check=True)
            with open(out, encoding='utf-8') as f:
                text = f.read()
            # Attributes that would keep a function from being inlined.
            self.raw[source] = re.sub(r' (noinline|cold|optnone)(?= )', '', text)
        return self.raw[source]

    def opt(self, text, passes):
        return subprocess.run([self.a.opt, '-S', '-inline-threshold=100000', '-passes=' + passes, '-', '-o', '-'],
                              input=text, text=True, stdout=subprocess.PIPE, check=True).stdout

    def ir(self, source, program=None, site=0, order=0):
        """Of the whole source or, smaller, of one program; with one order weakened if `site` is not 0."""
        name = os.path.splitext(os.path.basename(source))[0]
        text = self.front(source)
        if program is not None:
            name = program.entry
            if name not in self.raw:
                self.raw[name] = self.opt(text, f'internalize<preserve-gv={name};preserve-gv=the_weak_site;'
                                                'preserve-gv=the_weak_order>,globaldce')
            text = self.raw[name]
        for constant, value in (('the_weak_site', site), ('the_weak_order', order)):
            text = re.sub(rf'@{constant} = external constant i32', f'@{constant} = internal constant i32 {value}', text)
        out = os.path.join(self.a.out, name + ('.weak.ll' if site else '.ll'))
        with open(out, 'w', encoding='utf-8') as f:
            f.write(THAWED.sub(r'\1 = or \2, 0', self.opt(text, PASSES)))
        return out


def complaints(ir, programs):
    """What GenMC would stumble over."""
    with open(ir, encoding='utf-8') as f:
        text = f.read()
    said = [f'{name} is called, which GenMC does not know' for name in re.findall(r'^declare .*?@"?([\w.$]+)"?\(', text, re.M)
            if not KNOWN.fullmatch(name)]
    said += [f'{p.name} is missing' for p in programs if not re.search(rf'^define .*@{p.entry}\(', text, re.M)]
    said += [f'{word} is not interpreted' for word in ('freeze', 'invoke', 'landingpad') if re.search(rf'\b{word} ', text)]
    if 'the_weak' in text:
        said.append('an order is not a constant')
    return said


def run(a, ir, program, model, timeout):
    command = [a.genmc, '--input-from-bitcode-file', '--' + model, '--program-entry-function=' + program.entry, *NEEDED, *a.option]
    if model == 'imm':
        command += ['--disable-ipr', '--disable-sr']
    began = time.monotonic()
    try:
        done = subprocess.run(command + [ir], capture_output=True, text=True, timeout=timeout)
        said = done.stdout + done.stderr
    except subprocess.TimeoutExpired:
        return 'timeout', 0, 0, time.monotonic() - began, ''
    took = time.monotonic() - began
    count = lambda what: int((re.search(what + r': (\d+)', said) or [0, 0])[1])
    complete, blocked = count('complete executions explored'), count('blocked executions seen')
    if 'No errors were detected' in said:
        verdict = 'ok' if complete else 'no execution'
    else:
        error = re.search(r'Error: (.*)', said)
        detail = re.search(r'Assertion violation: (.*)', said)
        verdict = 'error: ' + (detail or error or [0, said[-500:]])[1]
    return verdict, complete, blocked, took, said


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('what', choices=['ir', 'check', 'weakened', 'table', 'list'])
    parser.add_argument('sources', nargs='*')
    parser.add_argument('--clang', default='clang++-19')
    parser.add_argument('--opt', default='opt-19')
    parser.add_argument('--genmc', default='genmc')
    parser.add_argument('--out', default='.')
    parser.add_argument('--only', default='')
    parser.add_argument('--model', action='append', choices=['sc', 'rc11', 'imm'])
    parser.add_argument('--timeout', type=int, default=600, help='seconds for one program')
    parser.add_argument('--define', action='append', default=[], help='for the compiler: a broken step')
    parser.add_argument('--option', action='append', default=[], help='for GenMC')
    parser.add_argument('--verbose', action='store_true')
    a = parser.parse_intermixed_args()
    a.define = ['-D' + d for d in a.define]
    os.makedirs(a.out, exist_ok=True)
    sources = a.sources or all_sources()
    builder = Builder(a)
    return {'ir': make_ir, 'check': check, 'weakened': weakened, 'table': table, 'list': show}[a.what](a, builder, sources)


def show(a, builder, sources):
    for source in sources:
        for p in programs_of(source):
            print(f'{p.name}: {p.says}')
    return 0


def make_ir(a, builder, sources):
    failed = 0
    for source in sources:
        said = complaints(builder.ir(source), programs_of(source))
        failed += len(said)
        for s in said:
            print(f'{source}: {s}')
    return failed != 0


def check(a, builder, sources):
    failed = 0
    for source in sources:
        for p in programs_of(source):
            if not re.search(a.only, p.name):
                continue
            ir = builder.ir(source, p)
            for model in a.model or ['rc11']:
                verdict, complete, blocked, took, said = run(a, ir, p, model, a.timeout)
                failed += verdict != 'ok'
                print(f'{p.name:36} {model:5} {complete:8} executions, {blocked} blocked, {took:6.1f} s  {verdict}', flush=True)
                if a.verbose:
                    print(said)
    return failed != 0


def table(a, builder, sources):
    print('| program | what it is | SC | RC11 | IMM |\n|---|---|---|---|---|')
    failed = 0
    for source in sources:
        for p in programs_of(source):
            if not re.search(a.only, p.name):
                continue
            ir = builder.ir(source, p)
            cells = []
            for model in a.model or ['sc', 'rc11', 'imm']:
                verdict, complete, blocked, took, _ = run(a, ir, p, model, a.timeout)
                failed += verdict.startswith('error')
                cells.append(f'{complete:,} in {took:.1f} s' if verdict == 'ok' else verdict)
            print(f'| {p.name} | {p.says} | ' + ' | '.join(cells) + ' |', flush=True)
    return failed != 0


def text_of(ir):
    with open(ir, encoding='utf-8') as f:
        return re.sub(r'the_weak\w+', '', f.read())


def weakened(a, builder, sources):
    programs = [p for s in sources for p in programs_of(s)]
    shipped = {}  # by program: its IR
    counts = {'killed': 0, 'out of reach': 0, 'survives': 0, 'unseen': 0}
    for name, number, kind, order, guarantees in all_sites():
        if not re.search(a.only, name):
            continue
        for weaker in one_step_below(kind, order):
            began = time.monotonic()
            what, verdict = 'unseen', 'in no program'
            # The programs of the site's own guarantees first, the long ones last.
            for p in sorted(programs, key=lambda p: (p.guarantee not in guarantees, p.guarantee in ('G9', 'G14'))):
                if p.entry not in shipped:
                    shipped[p.entry] = text_of(builder.ir(p.source, p))
                ir = builder.ir(p.source, p, number, ORDERS[weaker])
                if text_of(ir) == shipped[p.entry]:
                    continue
                said = run(a, ir, p, 'rc11', a.timeout)[0]
                if said.startswith('error'):
                    what, verdict = 'killed', f'{p.name}: {said}'
                    break
                what, verdict = 'survives', 'survives'
                if said == 'timeout':
                    print(f'{name}: {p.name} takes more than {a.timeout} s', flush=True)
            if what == 'survives' and name in OUT_OF_REACH:
                what = 'out of reach'
            counts[what] += 1
            print(f'{name:18} {order:8} -> {weaker:8} {time.monotonic() - began:6.1f} s  {verdict}', flush=True)
    print(', '.join(f'{n} {what}' for what, n in counts.items()))
    return counts['survives'] + counts['unseen'] != 0


if __name__ == '__main__':
    sys.exit(main())
