#!/usr/bin/env python3
"""The benchmark programs, with little work, in the optimising tier: they print what they print natively.

run.py --dragoman PATH [--guest GUEST] [--percent N] [--option OPTION…] [PROGRAM…]

--option: for dragoman run, in place of those of the tier; --option=--cosim checks each translation (a program takes minutes then with --percent=100).
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PROGRAMS = os.path.join(ROOT, 'bench', 'programs')
PATIENCE = float(os.environ.get('TEST_PATIENCE', 1))
sys.path[:0] = [os.path.join(ROOT, 'tests')]
import guests

FLAGS = ['-O2', '-std=gnu17', '-ffp-contract=off', '-static', '-pthread', '-w']
TIER = ['--tier=optimised', '--hot=20', '--passes=-trial']


def category(source):
    with open(source, encoding='utf-8') as f:
        return re.match(r'/\* (\w+):', f.readline())[1]


def output(argv, env=None):
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors='replace', timeout=60 * PATIENCE, check=False, env=env)
    return f'{p.stdout}{p.stderr}[status {p.returncode}]\n'


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--dragoman', required=True)
    guests.add_option(ap)
    ap.add_argument('--percent', default='1', help='how much of their usual work')
    ap.add_argument('--option', action='append', default=[])
    ap.add_argument('program', nargs='*')
    opt = ap.parse_args()
    if opt.guest.missing():
        print(opt.guest.missing())
        return 77
    names = opt.program or sorted(n[:-2] for n in os.listdir(PROGRAMS) if n.endswith('.c'))
    env = {k: v for k, v in os.environ.items() if not k.startswith('DRAGOMAN_')}
    env['DRAGOMAN_CACHE'] = 'off'
    failed = ran = 0
    with tempfile.TemporaryDirectory(prefix='dragoman-optimised-') as tmp:
        for name in names:
            source = os.path.join(PROGRAMS, name + '.c')
            if category(source) == 'vector' and opt.guest.name == 'riscv64':
                continue  # it has no vectors
            native, guest = os.path.join(tmp, 'native'), os.path.join(tmp, 'guest')
            guests.build('gcc', FLAGS, source, native, ['-lm'])
            guests.build(opt.guest.cc, FLAGS, source, guest, ['-lm'])
            try:
                want = output([native, opt.percent])
                got = output([os.path.abspath(opt.dragoman), 'run', *(opt.option or TIER), guest, opt.percent], env)
            except subprocess.TimeoutExpired as e:
                want, got = '', str(e)
            ran += 1
            if got != want:
                failed += 1
                print(f'{name}: FAILED\n-- native:\n{want}-- guest:\n{got}', flush=True)
    print(f'{ran} programs, {failed} failed')
    return 1 if failed or not ran else 0


if __name__ == '__main__':
    sys.exit(main())
