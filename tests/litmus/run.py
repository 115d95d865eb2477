#!/usr/bin/env python3
"""Builds the litmus tests of memory order for a guest and runs them.

run.py --dragoman PATH [--guest ISA] [--wrapper COMMAND] [--option OPTION]… [ARGUMENT…]

ARGUMENTs are litmus.c's. --wrapper: what runs dragoman, where it is built for another machine. Without a cross compiler the test is skipped (status 77), and so is
one with LSE2 on a machine that cannot give it to guests."""
import argparse
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import guests

SKIP = 77


def build(guest, out):
    """litmus.c for a guest."""
    guests.build(guest.cc, ['-O2', '-Wall', '-Wextra', '-static', '-pthread', '-I', os.path.join(HERE, guest.name)], os.path.join(HERE, 'litmus.c'), out)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--dragoman', required=True)
    guests.add_option(ap)
    ap.add_argument('--wrapper', default='', help='what runs dragoman')
    ap.add_argument('--option', action='append', default=[], help='of dragoman run')
    opt, words = ap.parse_known_args()
    if opt.guest.missing():
        print(opt.guest.missing())
        return SKIP
    if any('lse2=true' in o for o in opt.option):
        offers = subprocess.run([*opt.wrapper.split(), opt.dragoman, 'doctor'], check=False, capture_output=True, text=True).stdout
        if 'are accessed in one piece' not in offers:
            print('this machine cannot do what LSE2 asks for')
            return SKIP
    with tempfile.TemporaryDirectory(prefix='dragoman-') as tmp:
        program = os.path.join(tmp, 'litmus')
        build(opt.guest, program)
        return subprocess.run([*opt.wrapper.split(), opt.dragoman, 'run', *opt.option, program, *words], check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
