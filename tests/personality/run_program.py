#!/usr/bin/env python3
"""Runs one program natively and as a guest, and compares.

A program of tests/personality/programs is built twice from the same source, for the host and, statically, for the guest. What it prints and its exit
status must be equal. Without a cross compiler the test is skipped (status 77)."""
import argparse
import difflib
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import guests

SKIP = 77
PATIENCE = float(os.environ.get('TEST_PATIENCE', 1))  # a slow build has more


def build(cc, source, out, extra):
    try:
        guests.build(cc, ['-O1', '-w', '-pthread', *extra], source, out, ['-lrt', '-lm'])
    except subprocess.CalledProcessError as e:
        print(f'{" ".join(e.cmd)}\n{e.stderr.decode(errors="replace")}', file=sys.stderr)
        sys.exit(99)


def run(cmd, tmp, timeout):
    env = dict(os.environ, TMPDIR=tmp, LC_ALL='C')
    try:
        r = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, timeout=timeout)
    except subprocess.TimeoutExpired as e:
        text = (e.stdout or b'').decode('utf-8', 'backslashreplace')
        print(f'{" ".join(cmd)}: not done after {timeout:g} s; its output so far:\n{text}', file=sys.stderr)
        sys.exit(1)
    return r.returncode, r.stdout.decode('utf-8', 'backslashreplace'), r.stderr.decode('utf-8', 'backslashreplace')


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--dragoman', required=True)
    ap.add_argument('--cc', default='cc')
    guests.add_option(ap)
    ap.add_argument('--dynamic', action='store_true', help='link the guest dynamically, with the libraries of its compiler')
    ap.add_argument('--native-static', action='store_true', help='link the native program statically, too')
    ap.add_argument('--root', action='store_true', help='run it in a guest root of its own')
    ap.add_argument('--mount-proc', action='store_true', help='with --root: mount a /proc in it, as containers have it')
    ap.add_argument('--cached', action='store_true', help='with translations that an earlier run of it has stored')
    ap.add_argument('--timeout', type=float, default=60 * PATIENCE)
    ap.add_argument('--option', action='append', default=[], help='of dragoman run')
    ap.add_argument('source')
    opt = ap.parse_args()
    missing = opt.guest.missing()
    if missing or opt.dynamic and not os.path.isdir(opt.guest.libraries):
        print(missing or f'no {opt.guest.libraries}')
        return SKIP
    name = os.path.splitext(os.path.basename(opt.source))[0]
    with tempfile.TemporaryDirectory(prefix='dragoman-') as tmp:
        for part in ('native', 'guest', 'work'):
            os.mkdir(os.path.join(tmp, part))
        native, guest = os.path.join(tmp, 'native', name), os.path.join(tmp, 'guest', name)
        build(opt.cc, opt.source, native, ['-static'] if opt.native_static else [])
        build(opt.guest.cc, opt.source, guest, ['-DGUEST'] + ([] if opt.dynamic else ['-static']))
        want = run([native, 'one', 'two'], os.path.join(tmp, 'work'), opt.timeout)
        cmd = [opt.dragoman, 'run'] + opt.option
        if opt.dynamic:
            cmd += ['-L', opt.guest.libraries]
        work = os.path.join(tmp, 'work')
        if opt.root:
            root = os.path.join(tmp, 'root')
            for part in ('bin', 'tmp', 'proc', 'dev', 'sys', 'guest', 'etc'):
                os.makedirs(os.path.join(root, part))
            shutil.copy(guest, os.path.join(root, 'guest', name))
            cmd += ['--root', root]
            if opt.mount_proc:
                inside = ['unshare', '--mount'] + ([] if os.getuid() == 0 else ['--user', '--map-root-user'])
                if subprocess.run(inside + ['true'], stderr=subprocess.DEVNULL).returncode:
                    print('no mount namespaces here')
                    return SKIP
                cmd = inside + ['sh', '-c', 'mount --rbind /proc "$0" && exec "$@"', os.path.join(root, 'proc')] + cmd
            guest, work = f'/guest/{name}', '/tmp'
        if opt.cached:
            cmd += ['--cache', os.path.join(tmp, 'cache')]
            run(cmd + [guest, 'one', 'two'], work, opt.timeout)
        have = run(cmd + [guest, 'one', 'two'], work, opt.timeout)
        bad = False
        if want[0] != have[0]:
            print(f'exit status: native {want[0]}, guest {have[0]}')
            bad = True
        if want[1] != have[1]:
            sys.stdout.writelines(difflib.unified_diff(want[1].splitlines(True), have[1].splitlines(True), 'native', 'guest', n=2))
            bad = True
        if bad:
            print(f'standard error of the guest:\n{have[2]}')
        return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
