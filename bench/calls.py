#!/usr/bin/env python3
"""What translated code leaves to C, in runs of the benchmark programs.

    calls.py [--guest aarch64] [--only PATTERN]… [--percent N] [--dragoman PATH]

Each program of programs/ runs once under --stats, which counts ops of the IR that the backend does in C and helpers that the frontend
calls, and once under perf, where there is one, which says how much of the user's time the C code took. Prints a table in Markdown, and one of the names over all programs. docs/speed.md has an
excerpt."""
import argparse
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bench

# Functions that translated code calls, and what they call.
IN_C = re.compile(r'^(x64_soft|x64_vcall|a64_soft|a64_vcall|rv_soft|rv_vec_op|ir_eval|ir_sha|ir_estimate|sfp_|a64_help|a64_fp_help|rv_help)')


def counts(argv, stdin):
    with tempfile.TemporaryDirectory() as tmp, open(stdin, 'rb') as src:
        r = subprocess.run([argv[0], argv[1], '--stats', *argv[2:]], stdin=src, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=tmp, check=False)
    found = collections.Counter()
    for kind, name, n in re.findall(r'^  done in C +(op|helper) (\S+): (\d+)$', r.stderr.decode(errors='replace'), re.M):
        found[f'{name} ({kind})'] += int(n)
    return found


def share(argv, stdin):
    """Percent of user time in C; None where perf cannot tell."""
    if not shutil.which('perf'):
        return None
    with tempfile.TemporaryDirectory() as tmp, open(stdin, 'rb') as src:
        data = os.path.join(tmp, 'data')
        subprocess.run(['perf', 'record', '-q', '-e', 'cycles:u', '-F', '997', '-o', data, '--', *argv], stdin=src, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, cwd=tmp, check=False)
        r = subprocess.run(['perf', 'report', '--stdio', '-q', '--sort', 'dso,sym', '-i', data], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                           text=True, check=False)
    total = 0.0
    lines = re.findall(r'^ +([\d.]+)% +(\S+) +\[\.\] (\S+)', r.stdout, re.M)
    for percent, dso, symbol in lines:
        if dso == 'dragoman' and IN_C.match(symbol):
            total += float(percent)
    return total if lines else None


def main():
    ap = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    ap.add_argument('--guest', default='aarch64', choices=bench.GUESTS)
    ap.add_argument('--only', action='append', default=[])
    ap.add_argument('--percent', type=int, default=100)
    ap.add_argument('--dragoman', default=os.path.join(bench.BUILD, 'dragoman'))
    args = ap.parse_args()
    args.guests, args.qemu, args.dir = [args.guest], 'qemu-', '/bench'
    os.makedirs(os.path.join(bench.OUT, 'bin'), exist_ok=True)

    def wanted(name, category):
        return not args.only or any(bench.fnmatch.fnmatchcase(x, p) for p in args.only for x in (name, category))
    work = list(bench.programs(args, wanted))
    total = collections.Counter()
    print('| program | in C, of user time | calls of C | most often |')
    print('|---|---|---|---|')
    for w in work:
        argv = w.argv['dragoman:' + args.guest]
        found, percent = counts(argv, w.stdin), share(argv, w.stdin)
        total.update(found)
        most = ', '.join(f'{name} {n}' for name, n in found.most_common(3))
        print(f'| {w.name} | {"?" if percent is None else f"{percent:.1f} %"} | {sum(found.values())} | {most} |', flush=True)
    print('\n| op or helper | calls |')
    print('|---|---|')
    for name, n in total.most_common():
        print(f'| {name} | {n} |')
    return 0


if __name__ == '__main__':
    sys.exit(main())
