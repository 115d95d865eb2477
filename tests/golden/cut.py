#!/usr/bin/env python3
"""Cuts the hottest loop out of a program, as an assembler file for the golden tests.

    cut.py --guest riscv64|aarch64 [--least PERCENT] [--most N] PROGRAM [ARGUMENT…] >GUEST/loop_NAME.s

PROGRAM is a static guest program (such as bench.py leaves below build/bench). It runs once under tools/prof.py's sampling. The loop is
the shortest piece of code that a jump back spans, holds at least PERCENT (50) of the samples, and has at most N (120) instructions.
What it calls and where it leads are labels behind its end. The files are kept as they were cut: compilers differ."""
import argparse
import collections
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, 'tools'))
import prof

GUESTS = {'riscv64': 'riscv64-linux-gnu-objdump', 'aarch64': 'aarch64-linux-gnu-objdump'}
COMMENT = {'riscv64': '#', 'aarch64': '//'}
BRANCH = {'riscv64': re.compile(r'^(?!jal?r\b)(b\w+|j|jal|c\.\w*[jb]\w*)\s'), 'aarch64': re.compile(r'^(b|b\.\w+|cbn?z|tbn?z)\s')}
CALL = {'riscv64': re.compile(r'^(jal\s+ra,|call\s)'), 'aarch64': re.compile(r'^bl\s')}


def hits_of(program, arguments):
    """guest pc -> samples of the blocks that begin there"""
    with tempfile.TemporaryDirectory() as tmp:
        command = [os.path.join(ROOT, 'build', 'dragoman'), 'run', '--perf-map', '--tier', 'baseline', program, *arguments]
        _, samples = (prof.sample_perf if prof.perf_works() else prof.sample_ptrace)(command, 1997, tmp, subprocess.DEVNULL)
    maps = {}
    for pid in {s.pid for s in samples}:
        path = '/tmp/perf-%d.map' % pid
        if os.path.exists(path):
            with open(path, encoding='utf-8') as f:
                maps[pid] = prof.Translations(f.read())
            os.unlink(path)
    count = collections.Counter()
    for h in prof.resolve([s for s in samples if s.pid in maps], maps, {}):
        if h.pc is not None:
            count[h.pc] += 1
    return count


def instructions(program, guest):
    """[(address, text, where it leads or None)]"""
    out = []
    text = subprocess.run([GUESTS[guest], '-d', '--no-show-raw-insn', program], stdout=subprocess.PIPE, text=True, check=True).stdout
    for m in re.finditer(r'^ *([0-9a-f]+):\t(.*)$', text, re.M):
        words = re.sub(r'\s*%s.*' % COMMENT[guest], '', m.group(2)).strip()
        to = re.search(r'\b(?:0x)?([0-9a-f]+) <[^>]*>$', words)
        out.append((int(m.group(1), 16), re.sub(r'\s+', ' ', words), int(to.group(1), 16) if to else None))
    return out


def cut(code, count, guest, least, most):
    """(first, last) index of the loop; None where there is none."""
    total = sum(count.values())
    index = {a: i for i, (a, _, _) in enumerate(code)}
    best = None
    for i, (at, text, to) in enumerate(code):
        if to is None or to > at or to not in index or not BRANCH[guest].match(text) or CALL[guest].match(text):
            continue
        first = index[to]
        inside = sum(n for pc, n in count.items() if to <= pc <= at)
        if i - first < most and inside * 100 >= least * total and (best is None or i - first < best[1] - best[0]):
            best = first, i
    return best


def assembler(code, first, last, guest):
    start, end = code[first][0], code[last][0]
    leads = {to for _, _, to in code[first:last + 1] if to is not None and start <= to <= end}
    far = {}
    for at, text, to in code[first:last + 1]:
        if at in leads:
            yield 'l%x:' % (at - start)
        if to is not None:
            name = 'l%x' % (to - start) if to in leads else far.setdefault(to, 'out%d' % len(far))
            text = re.sub(r'\b(0x)?[0-9a-f]+ <[^>]*>$', name, text)
        yield '    ' + re.sub(r', *', ', ', text)
    for to in far.values():
        yield to + ':'
    yield '    ret'


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--guest', choices=sorted(GUESTS), required=True)
    ap.add_argument('--least', type=int, default=50)
    ap.add_argument('--most', type=int, default=120)
    ap.add_argument('program')
    ap.add_argument('argument', nargs='*')
    opt = ap.parse_args()
    code = instructions(opt.program, opt.guest)
    found = cut(code, hits_of(opt.program, opt.argument), opt.guest, opt.least, opt.most)
    if not found:
        print('cut: no such loop', file=sys.stderr)
        return 1
    name = os.path.splitext(os.path.basename(opt.program))[0]
    print('%s The hot loop of bench/programs/%s.c.' % ('//' if opt.guest == 'aarch64' else '#', name))
    print('\n'.join(assembler(code, *found, opt.guest)))
    return 0


if __name__ == '__main__':
    sys.exit(main())
