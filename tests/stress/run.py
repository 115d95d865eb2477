#!/usr/bin/env python3
"""Runs one stress program natively and as a guest, and compares; or starts one many times.

The program is built statically from the same source for the host and for the guest. What it prints and its exit status must be equal. With --starts N the guest is
started N times, several at once, half of them linked dynamically where the cross libraries are there: each must be like the native run. Without a cross compiler the
test is skipped (status 77)."""
import argparse
import concurrent.futures
import difflib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import guests

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIP = 77
PATIENCE = float(os.environ.get('TEST_PATIENCE', 1))  # a slow build has more


def build(compiler, source, out, static):
    flags = ['-O1', '-w', '-pthread', '-I', ROOT] + (['-static'] if static else [])
    cxx = source.endswith('.cc')
    try:
        guests.build(compiler, flags + (['-fnon-call-exceptions'] if cxx else []), source, out, [] if cxx else ['-ldl', '-lrt'])
    except subprocess.CalledProcessError as e:
        print(f'{" ".join(e.cmd)}\n{e.stderr.decode(errors="replace")}', file=sys.stderr)
        sys.exit(99)


def few_files():
    # The same on every machine, and room for the engine's descriptors above it where the hard limit leaves some.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))
    os.setpgid(0, 0)


def run(cmd, work, timeout):
    """(exit status, standard output, standard error). What is left of a run that does not end is killed, children included."""
    env = dict(os.environ, TMPDIR=work, LC_ALL='C')
    p = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, cwd=work, preexec_fn=few_files)
    try:
        out, err = p.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        out, err = p.communicate()
        return 'not done after %g s' % timeout, out.decode('utf-8', 'backslashreplace'), err.decode('utf-8', 'backslashreplace')
    return p.returncode, out.decode('utf-8', 'backslashreplace'), err.decode('utf-8', 'backslashreplace')


def compare(want, have):
    """True when they differ, after saying how."""
    bad = False
    if want[0] != have[0]:
        print(f'exit status: native {want[0]}, guest {have[0]}')
        bad = True
    if want[1] != have[1]:
        sys.stdout.writelines(difflib.unified_diff(want[1].splitlines(True), have[1].splitlines(True), 'native', 'guest', n=2))
        bad = True
    if bad:
        print(f'standard error of the guest:\n{have[2]}')
    return bad


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--dragoman', required=True)
    guests.add_option(ap)
    ap.add_argument('--starts', type=int, default=0)
    ap.add_argument('--dynamic', action='store_true', help='link it with shared libraries')
    ap.add_argument('--timeout', type=float, default=120 * PATIENCE)
    ap.add_argument('--option', action='append', default=[], help='of dragoman run')
    ap.add_argument('source')
    opt = ap.parse_args()
    if os.environ.get('TEST_SANITIZER') == 'thread' and '--tier=interp' in opt.option and opt.source.endswith('cxx.cc'):
        print('left out: it takes the interpreter a quarter of an hour with ThreadSanitizer; the baseline runs it')
        return SKIP
    kind = 'g++' if opt.source.endswith('.cc') else 'gcc'
    cross, libraries = opt.guest.tool(kind), opt.guest.libraries
    for compiler in (cross, kind):
        if not shutil.which(compiler):
            print(f'no {compiler}')
            return SKIP
    dragoman = [os.path.abspath(opt.dragoman), 'run'] + opt.option
    with tempfile.TemporaryDirectory(prefix='dragoman-') as tmp:
        native, static, dynamic = (os.path.join(tmp, n) for n in ('native', 'guest', 'dynamic'))
        if opt.dynamic:
            if not os.path.isdir(libraries):
                print(f'no {libraries}')
                return SKIP
            dragoman += ['-L', libraries]
        build(kind, opt.source, native, not opt.dynamic)
        build(cross, opt.source, static, not opt.dynamic)
        want = run([native], tmp, opt.timeout)
        if not opt.starts:
            return 1 if compare(want, run(dragoman + [static], tmp, opt.timeout)) else 0
        ways = [dragoman + [static]]
        if os.path.isdir(libraries):
            build(cross, opt.source, dynamic, False)
            ways.append(dragoman + ['-L', libraries, dynamic])
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            have = list(pool.map(lambda n: run(ways[n % len(ways)], tmp, opt.timeout), range(opt.starts)))
        bad = [n for n, h in enumerate(have) if h[:2] != want[:2]]
        if bad:
            print(f'{len(bad)} of {opt.starts} starts went wrong; the first:')
            compare(want, have[bad[0]])
        return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
