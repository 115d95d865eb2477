#!/usr/bin/env python3
"""Tests of cosimulation: programs run clean and do what they do without it, and a mistake that a pass makes on purpose is found, and
block and pass are named. And of what it looks with: programs do the same whichever passes are left out.

run.py --dragoman PATH [CASE…]"""
import argparse
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, '..', '..')
PATIENCE = float(os.environ.get('TEST_PATIENCE', 1))
sys.path[:0] = [os.path.join(ROOT, 'tests')]
import cases
import guests
from cases import Skip, case, check

OPTIMISED = ['--tier', 'optimised', '--hot', '20']


class Result:
    def __init__(self, r):
        self.status, self.out, self.err = r.returncode, r.stdout, r.stderr

    def __str__(self):
        return f'status {self.status}\n-- output:\n{self.out}\n-- errors:\n{self.err}'


class Test:
    def __init__(self, opt, tmp):
        self.opt, self.guest, self.tmp = opt, opt.guest, tmp
        self.tiers = [[], OPTIMISED] if opt.host == 'x86_64' else [[]]

    def build(self, name, static=True):
        out = os.path.join(self.tmp, name)
        if not os.path.exists(out):
            missing = self.guest.missing()
            if missing:
                raise Skip(missing)
            guests.build(self.guest.cc, ['-O2', '-w', '-pthread', *(['-static'] if static else [])], os.path.join(HERE, 'programs', name + '.c'), out, ['-lm'])
        return out

    def run(self, *words):
        env = {k: v for k, v in os.environ.items() if not k.startswith('DRAGOMAN_')}
        env.update({'DRAGOMAN_CACHE': 'off'}, LC_ALL='C')
        return Result(subprocess.run([self.opt.dragoman, 'run', *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors='replace',
                                     env=env, timeout=120 * PATIENCE, check=False))


def passes():
    with open(os.path.join(ROOT, 'translator', 'ir', 'passes.def'), encoding='utf-8') as f:
        return re.findall(r'^PASS\(\w+, "([a-z-]+)", (\w+)', f.read(), re.M)


def same(t, want, *words):
    r = t.run(*words)
    check(r.status == 0 and r.out == want.out and not r.err, *words, r)


@case
def clean(t):
    """Nothing is printed and nothing differs; threads, children and signals too. With a dynamic program, library routines are host code."""
    for static in (True, False):
        where = [] if static else ['-L', t.guest.libraries]
        program = t.build('work', static)
        words = [program, 'threads'] if static else [program]
        want = t.run(*where, *words)
        check(want.status == 0 and 'alarms' in want.out, want)
        for tier in t.tiers:
            same(t, want, '--cosim', *tier, *where, *words)
        os.unlink(program)


@case
def counts(t):
    """What was compared is told by --stats: nearly all."""
    for tier in t.tiers:
        r = t.run('--cosim', '--stats', *tier, t.build('work'))
        m = re.search(r'cosimulation +(\d+) entries compared, (\d+) not', r.err)
        check(m and int(m[1]) > 10000 and int(m[2]) < int(m[1]) // 100, r)


@case
def every_pass(t):
    """The same with each pass left out, and with all, in each tier."""
    program = t.build('work')
    want = t.run(program)
    for tier in t.tiers:
        for name in [p for p, where in passes() if tier or where != 'REGION']:
            same(t, want, *tier, f'--passes=-{name}', program)
        same(t, want, *tier, '--passes=none', program)
        same(t, want, '--cosim', *tier, '--passes=none', program)


def seeded(t, name, tier, what):
    program = t.build('seed')
    good = t.run('--cosim', *tier, program, name)
    check(good.status == 0 and not good.err, name, good)
    words = good.out.split()
    at = {words[i]: int(words[i + 1], 16) for i in (0, 2, 4, 6)}
    begin = at[name]
    end = min(a for a in at.values() if a > begin)
    r = t.run('--cosim', *tier, f'--passes=!{name}', program, name)
    check(r.status == 125 and r.out == good.out.splitlines(True)[0], name, r)
    m = re.match(r'dragoman: cosim: the (\w+) at ([0-9a-f]+) does not do what the interpreter does\n', r.err)
    check(m and m[1] == what and begin <= int(m[2], 16) < end, name, r)
    check(re.search(rf'^  pass +{name} \(', r.err, re.M), name, r)
    check(re.search(r'expected 0*[0-9a-f]+, found 0*[0-9a-f]+; written by [0-9a-f]+: ', r.err) and '\n  guest code:\n' in r.err and '\n  IR:\n' in r.err, name, r)
    # Without cosimulation the mistake is made. The region is to stay.
    r = t.run(*tier, f'--passes=!{name}' + (',-trial,-background' if tier else ''), program, name)
    return r.out != good.out


@case
def seeded_fold(t):
    """A mistake of the folder: the IR is wrong."""
    check(seeded(t, 'fold', [], 'block'), 'no mistake was made')


@case
def seeded_late(t):
    """One of a backend: the IR is right."""
    if t.opt.host != 'x86_64':
        raise Skip('the slot is pinned here')
    check(seeded(t, 'late', [], 'block'), 'no mistake was made')


@case
def seeded_clean(t):
    """One of the optimiser, in a region."""
    if len(t.tiers) == 1:
        raise Skip('no regions here')
    check(seeded(t, 'clean', OPTIMISED, 'region'), 'no mistake was made')


@case
def refusals(t):
    """What cannot be said with what."""
    for words, why in ((['--cosim', '--tier=interp'], 'nothing to compare'), (['--cosim', '--gdb=0'], 'exclude each other'),
                       (['--passes=-nosuch'], '--passes -nosuch: not'), (['--passes=fold'], '--passes fold: not'), (['--passes=-fold,'], None), (['--passes=all,-late'], None)):
        r = t.run(*words, t.build('seed'), 'fold')
        check(r.status == 125 and why in r.err if why else r.status == 0, words, r)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--dragoman')
    ap.add_argument('--host', default=os.uname().machine, help='what it was built for')
    guests.add_option(ap)
    cases.add_options(ap)
    opt = ap.parse_args()
    if opt.dragoman:
        opt.dragoman = os.path.abspath(opt.dragoman)
    return cases.run(opt, 'dragoman-cosim-', Test)


if __name__ == '__main__':
    sys.exit(main())
