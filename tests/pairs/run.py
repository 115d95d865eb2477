#!/usr/bin/env python3
"""The same programs on every pair of guest and host.

run.py [--build DIR] [--host ISA]… [--guest ISA]… [--under dragoman|qemu] [--make] [--full] [--jobs N] [--json FILE] [-v] [NAME…]

For each other host Dragoman is built with its cross compiler (build-HOST; --make configures and builds what is missing), and runs under an emulator on
this machine: under the Dragoman that was built for this machine (--under dragoman), which also starts whatever processes it makes of itself, or under QEMU,
where programs that start others need binfmt_misc. A test is one of the other suites' runners with the whole chain as its Dragoman, so that the programs
and what they must print are the same on every pair; and a few of Debian's programs, where their guest root is there. The pairs with this machine itself are
what the other suites test; they take part with --full or when asked for by --host.

NAME: tests whose names contain it. Without --full, a part of the tests. Status 77: nothing to test with."""
import argparse
import concurrent.futures
import glob
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
ROOT = os.path.dirname(TESTS)
sys.path.insert(0, TESTS)
import guests

SKIP = 77
HOSTS = ('aarch64', 'riscv64')
TIMEOUT = 600
PATIENCE = '4'  # an emulator under an emulator has more time

# What a part is: of tests/personality/programs, of tests/stress/programs (with options), and of tests/cmd's cases.
QUICK = {
    'personality': ['abi_aarch64', 'call_file', 'call_ipc', 'call_paths', 'mm', 'procs', 'selfmod', 'signals', 'threads'],
    'stress': ['vfork'],
    'cmd': ['mistakes', 'statuses', 'stats'],
}

# Sixty processes of thousands of calls, each translated anew: minutes.
SLOW = ['call_random']

# What else of tests/cmd looks neither at host code nor at a Dragoman with bugs.
CMD_FULL = ['texts', 'cpus', 'other-isa', 'names', 'settings', 'perf-map']

# Debian's programs: name, whether only with --full, command, standard output.
DEBIAN = [
    ('sh', False, ['sh', '-c', 'for i in 3 1 2; do echo $i; done | sort | while read n; do printf "%s," $((n * n)); done; echo'], '1,4,9,\n'),
    ('busybox', False, ['busybox', 'awk', 'BEGIN { for (i = 1; i <= 20000; i++) { s += i % 7; t[i % 13] = t[i % 13] + i } printf "%d %d %.6f\\n", s, t[5], s / t[5] }'],
     '59998 15393078 0.003898\n'),
    ('lua', False, ['lua', '-e', 't = {} for i = 1, 30000 do t[i] = (i * 7919) % 10007 end table.sort(t) print(t[1], t[15000], #t, string.rep("ab", 3), 2^0.5, 7 // 2)'],
     '0\t5003\t30000\tababab\t1.4142135623731\t3\n'),
    ('bash', True, ['bash', '-c', 'f() { echo "$1" | tr a-z A-Z; }; x=$(f pipe); echo "$x ${#x} $(seq 1 100 | awk "{s += \\$1} END {print s}")"; (exit 3); echo $?'],
     'PIPE 4 5050\n3\n'),
    ('sqlite3', True, ['sqlite3', ':memory:', 'create table t(a, b); with recursive n(i) as (select 1 union all select i + 1 from n where i < 500) insert into t '
                       'select i, i * i % 97 from n; select count(*), sum(b), max(a) from t where b > 50;'], '223|17137|498\n'),
    ('python3', True, ['python3', '-I', '-S', '-c', 'print(sum(k * k for k in range(20000)), 1 / 3, sorted("pairs"), 2**100)'],
     "2666466670000 0.3333333333333333 ['a', 'i', 'p', 'r', 's'] 1267650600228229401496703205376\n"),
]


class Pair:
    """A guest on a host: `command` is what runs Dragoman there."""

    def __init__(self, host, guest, command):
        self.host, self.guest, self.command = host, guest, command

    def __str__(self):
        return f'{self.guest.name} on {self.host}'


def names_of(pattern):
    return sorted(os.path.splitext(os.path.basename(p))[0] for p in glob.glob(os.path.join(TESTS, pattern)))


def source_of(part, name):
    return glob.glob(os.path.join(TESTS, part, 'programs', name + '.c*'))[0]


def tests_of(full):
    """[(name, function of a pair and Dragoman's path, which gives a command)]"""
    out = []

    def program(part, runner, name, *options):
        source = source_of(part, name)
        if options and '=' in options[0]:
            name += '-' + options[0].split('=')[-1]
        out.append((f'{part} {name}', lambda pair, dragoman: [os.path.join(TESTS, part, runner), '--dragoman', dragoman, '--guest', pair.guest.name, *options, source]))

    for name in [n for n in names_of('personality/programs/*.c') if n not in SLOW] if full else QUICK['personality']:
        program('personality', 'run_program.py', name, *(['--native-static'] if name == 'call_chroot' else []))  # there are no libraries
    for name in names_of('stress/programs/*.c*') if full else QUICK['stress']:
        program('stress', 'run.py', name, *(['--dynamic'] if name.startswith('dl') else []))
    if full:
        program('personality', 'run_program.py', 'signals', '--option=--tier=interp')
        program('stress', 'run.py', 'threads', '--option=--cache-size=64K')
        program('stress', 'run.py', 'map_races', '--option=--cache-size=64K')
    for name in QUICK['cmd'] + (CMD_FULL if full else []):
        out.append((f'cmd {name}', lambda pair, dragoman, name=name: [os.path.join(TESTS, 'cmd', 'run.py'), '--dragoman', dragoman, '--broken', 'none',
                                                                     '--guest', pair.guest.name, '--host', pair.host, name]))
    out.append(('mapping', None))
    rounds = '4' if full else '1'
    out.append(('litmus', lambda pair, dragoman: [os.path.join(TESTS, 'litmus', 'run.py'), '--dragoman', dragoman, '--guest', pair.guest.name, '-n', rounds]))
    return out


def make(host):
    """Builds Dragoman for a host; its path, or None where its compiler is missing."""
    folder = os.path.join(ROOT, 'build-' + host)
    program = os.path.join(folder, 'dragoman')
    if not shutil.which(guests.GUESTS[host].cc):
        return None
    log = os.path.join(ROOT, 'build', 'logs', f'pairs-{host}.log')
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, 'w', encoding='utf-8') as f:
        if not os.path.exists(os.path.join(folder, 'build.ninja')):
            subprocess.run(['meson', 'setup', folder, '--cross-file', os.path.join(ROOT, 'tools', 'cross', host + '.ini')], cwd=ROOT, stdout=f, stderr=f, check=True)
        subprocess.run(['ninja', '-C', folder, 'dragoman'], stdout=f, stderr=f, check=True)
    return program


def wrapper(folder, name, words):
    """A program that runs `words` with its arguments."""
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='utf-8') as f:
        f.write('#!/bin/sh\nexec ' + ' '.join(shlex.quote(w) for w in words) + ' "$@"\n')
    os.chmod(path, 0o755)
    return path


def run_debian(pair, dragoman, roots, case):
    """(status, output) of one of Debian's programs."""
    root = os.path.join(roots, pair.guest.debian)
    if not os.path.isdir(os.path.join(root, 'usr', 'bin')) or not os.path.exists(os.path.join(root, 'usr', 'bin', case[2][0])):
        return SKIP, f'no {case[2][0]} in {root}'
    r = subprocess.run([dragoman, 'run', '--root', root, *case[2]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
    out, err = r.stdout.decode(errors='replace'), r.stderr.decode(errors='replace')
    if r.returncode == 0 and out == case[3]:
        return 0, ''
    return 1, f'status {r.returncode}\n-- output:\n{out}\n-- wanted:\n{case[3]}\n-- errors:\n{err}'


def run_test(command):
    try:
        r = subprocess.run([sys.executable, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False,
                           env=dict(os.environ, TEST_PATIENCE=PATIENCE, PYTHONDONTWRITEBYTECODE='1'))
    except subprocess.TimeoutExpired as e:
        return 1, f'not done after {TIMEOUT} s\n' + (e.stdout or b'').decode(errors='replace')
    return r.returncode, r.stdout.decode(errors='replace')


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--build', default=os.path.join(ROOT, 'build'))
    ap.add_argument('--host', action='append', choices=[platform.machine(), *HOSTS])
    ap.add_argument('--guest', action='append', choices=sorted(guests.GUESTS))
    ap.add_argument('--under', default='dragoman', choices=['dragoman', 'qemu'])
    ap.add_argument('--make', action='store_true', help='configure and build for the other hosts first')
    ap.add_argument('--full', action='store_true')
    ap.add_argument('--jobs', type=int, default=os.cpu_count())
    ap.add_argument('--json', help='write the counts there')
    ap.add_argument('-v', action='store_true', help='a line for each test')
    ap.add_argument('name', nargs='*')
    opt = ap.parse_args()
    here = platform.machine()
    ours = os.path.abspath(os.path.join(opt.build, 'dragoman'))
    counts, jobs = {'passed': 0, 'failed': 0, 'skipped': 0}, []
    with tempfile.TemporaryDirectory(prefix='dragoman-pairs-') as tmp:
        for host in opt.host or ([here] if opt.full else []) + [h for h in HOSTS if h != here]:
            words = [ours]
            if host != here:
                try:
                    program = make(host) if opt.make else os.path.join(ROOT, 'build-' + host, 'dragoman')
                except subprocess.CalledProcessError:
                    print(f'FAILED to build for {host} (log: build/logs/pairs-{host}.log)')
                    counts['failed'] += 1
                    continue
                if not program or not os.path.exists(program):
                    print(f'skipped {host}: not built')
                    counts['skipped'] += 1
                    continue
                words = [ours, 'run', program] if opt.under == 'dragoman' else ['qemu-' + host, program]
            path = wrapper(tmp, 'dragoman-' + host, words)
            for guest in opt.guest or sorted(guests.GUESTS):
                pair = Pair(host, guests.GUESTS[guest], path)
                for name, command in tests_of(opt.full):
                    if name == 'mapping':  # asks which host it is, and what it does without what is optional
                        for poor in False, True:
                            command = [os.path.join(TESTS, 'litmus', 'mapping.py'), '--dragoman', path, '--host', host, '--guest', guest]
                            command += ['--option=--host-features=none'] if poor else []
                            jobs.append((pair, 'mapping' + ' poor' * poor, lambda command=command: run_test(command)))
                        continue
                    jobs.append((pair, name, lambda pair=pair, command=command: run_test(command(pair, pair.command))))
                for case in DEBIAN:
                    if case[1] and not opt.full:
                        continue
                    jobs.append((pair, 'debian ' + case[0], lambda pair=pair, case=case: run_debian(pair, pair.command, os.path.join(ROOT, 'build', 'roots'), case)))
        jobs = [j for j in jobs if not opt.name or any(n in j[1] for n in opt.name)]

        def run(job):
            start = time.monotonic()
            try:
                status, said = job[2]()
            except Exception as e:  # a runner that fails is a test that fails
                status, said = 1, f'{type(e).__name__}: {e}'
            return job, status, said, time.monotonic() - start

        with concurrent.futures.ThreadPoolExecutor(opt.jobs) as pool:
            for (pair, name, _), status, said, took in pool.map(run, jobs):
                what = 'passed' if status == 0 else 'skipped' if status == SKIP else 'failed'
                counts[what] += 1
                if what == 'failed' or opt.v:
                    print(f'{what.upper() if what == "failed" else what} {name}, {pair} ({took:.1f} s)', flush=True)
                if what == 'failed':
                    print(''.join('    ' + line + '\n' for line in said.splitlines()[-40:]), end='', flush=True)
    print('{passed} passed, {failed} failed, {skipped} skipped'.format(**counts))
    if opt.json:
        with open(opt.json, 'w', encoding='utf-8') as f:
            json.dump(counts, f)
    return 1 if counts['failed'] else 0 if counts['passed'] else SKIP


if __name__ == '__main__':
    sys.exit(main())
