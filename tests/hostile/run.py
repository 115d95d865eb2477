#!/usr/bin/env python3
"""What must not bring the engine down: bad program files, bad circumstances, bad options, instructions and system calls that there are not.

Each run must end soon, and in one of three ways: as the program itself ends; by a signal that is the guest's own; or with one line "dragoman: WHAT: WHY" and status 125 (an
error of ours), 126 (cannot be executed) or 127 (not found). `run.py PART` runs one part: files, limits, memory, options, illegal, calls, frames."""
import argparse
import contextlib
import os
import random
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import guests

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SKIP = 77
NOBODY = 65534
PATIENCE = float(os.environ.get('TEST_PATIENCE', 1))  # a slow build has more
SANITIZER = os.environ.get('TEST_SANITIZER', '')
CRASHES = ('internal error', 'runtime error', 'Sanitizer')

failed = tried = 0


def fail(name, why):
    global failed
    failed += 1
    if failed <= 30:
        print(f'{name}: {why}')


def loops(cmd):
    """Is a program still running after a while that is long for it?"""
    try:
        subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10)
    except (subprocess.TimeoutExpired, FileNotFoundError) as e:
        return isinstance(e, subprocess.TimeoutExpired)
    return False


class Runner:
    def __init__(self, dragoman, guest, tmp):
        self.dragoman, self.guest, self.tmp = os.path.abspath(dragoman), guest, tmp

    def build(self, source, *flags):
        out = os.path.join(self.tmp, os.path.basename(source)[:-2] + ''.join(f.strip('-') for f in flags))
        guests.build(self.guest.cc, ['-O1', '-w', '-pthread', *flags], os.path.join(HERE, source), out)
        return out

    def run(self, name, args, want, data=b'', env=None, setup=None, timeout=30, other=None):
        """Runs `dragoman ARGS…`. want: a set of what is right: numbers (statuses of ours, with a line, or of the guest), negative ones (signals), or 'guest' (the
        program, its dynamic linker included, says and ends what it likes). other: the command by which another
        emulator runs the program, which may loop where it loops there, too."""
        global tried
        tried += 1
        try:
            r = subprocess.run([self.dragoman, *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.tmp, env=env,
                               preexec_fn=setup, timeout=timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            if not (other and loops(other)):
                fail(name, 'hangs')
            return None
        err = r.stderr.decode('utf-8', 'replace')
        lines = err.splitlines()
        if any(c in err for c in CRASHES):
            fail(name, f'status {r.returncode}: {err[:500]}')
        elif r.returncode not in want and not ('guest' in want and 0 <= r.returncode < 125):
            fail(name, f'status {r.returncode}, not {sorted(map(str, want))}: {lines[:3]}')
        elif r.returncode in (125, 126, 127) and not ('guest' in want and not any('dragoman: ' in line for line in lines)) and (len(lines) != 1 or not lines[0].startswith('dragoman: ') or r.stdout):
            fail(name, f'status {r.returncode}, but not one line: {lines[:4]} {r.stdout[:80]}')
        return r


# --- files ---

def files(run):
    tmp, libraries = run.tmp, run.guest.libraries
    good = run.build('victim.c', '-static')
    dynamic = run.build('victim.c')

    def path(name, data=None, mode=0o755):
        p = os.path.join(tmp, name)
        if data is not None:
            with open(p, 'wb') as f:
                f.write(data)
            os.chmod(p, mode)
        return p

    def go(name, program, *want, options=(), args=(), **kw):
        return run.run(name, ['run', *options, program, *args], set(want), **kw)

    def damaged(name, program, options=()):
        # What is left of it runs; a loop is its own where it is one elsewhere, too.
        go(name, program, 'guest', 125, 126, 127, *(-s for s in GUEST), options=options, timeout=10, other=['qemu-' + run.guest.name, *options, program])

    with open(good, 'rb') as f:
        image = f.read()
    go('good', good, 42)
    go('none', path('none'), 127)
    go('below a file', good + '/x', 127)
    go('directory', tmp, 126)
    go('empty name', '', 127)
    go('long name', 'x' * 300, 126, 127)
    go('very long name', '/'.join(['y' * 200] * 30), 126, 127)
    go('null', '/dev/null', 126)
    go('terminal', '/dev/tty', 126, 127)
    go('kernel file', '/proc/self/mem', 126)
    os.mkfifo(path('fifo'), 0o755)
    go('fifo', path('fifo'), 126)
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
        s.bind(path('socket'))
        go('socket', path('socket'), 126)
    os.symlink('loop', path('loop'))
    go('loop of links', path('loop'), 126, 127)
    os.symlink('nowhere', path('dangling'))
    go('link to nothing', path('dangling'), 127)
    go('not executable', path('plain', image, 0o644), 126)
    go('empty', path('empty', b''), 126)
    go('text', path('text', b'echo hello\n'), 126)
    go('zeros', path('zeros', bytes(100000)), 126)
    go('of the host', sys.executable, 126)
    go('library', os.path.join(libraries, 'lib/libc.so.6'), 'guest', 126, 127)
    for name, off, size, value in (('32 bits', 4, 1, 1), ('big-endian', 5, 1, 2), ('arm', 18, 2, 40), ('no machine', 18, 2, 0), ('object', 16, 2, 1),
                                   ('core', 16, 2, 4)):
        b = bytearray(image)
        b[off:off + size] = value.to_bytes(size, 'little')
        go(name, path('foreign', bytes(b)), 126)
    # Reading but not running, as one who is not root.
    if os.getuid() == 0:
        def nobody():
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        os.chmod(tmp, 0o755)
        closed = path('closed', image, 0o711)
        if subprocess.run([run.dragoman], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=nobody).returncode != 126:
            try:
                go('unreadable', closed, 126, setup=nobody)
                go('not for us', path('ours', image, 0o700), 126, setup=nobody)
                os.mkdir(path('shut'), 0o700)
                go('in a closed directory', path('shut/x', image), 126, setup=nobody)
                go('readable', path('open', image, 0o755), 42, setup=nobody)
            except PermissionError:
                pass

    # Interpreters of programs.
    go('no interpreter', dynamic, 126, 127)
    go('interpreter elsewhere', dynamic, 126, 127, options=['-L', tmp])
    if os.path.isdir(libraries):
        go('dynamic', dynamic, 42, options=['-L', libraries])
        lib = os.path.join(tmp, 'prefix', 'lib')
        os.makedirs(lib)
        loader = os.path.join(lib, run.guest.loader)
        real = os.path.join(libraries, 'lib', os.path.basename(loader))
        with open(real, 'rb') as f:
            ld = f.read()
        hurt = bytearray(ld)
        hurt[24:32] = (1 << 40).to_bytes(8, 'little')
        shift = bytearray(ld)
        shift[18] = 62
        for name, data, want in (('empty', b'', {126}), ('text', b'hello, this is no program', {126}), ('script', b'#!/bin/sh\n', {126}), ('truncated', ld[:5000], {126}),
                                 ('half', ld[:len(ld) // 2], {126}), ('of another machine', bytes(shift), {126}), ('entered at nowhere', bytes(hurt), {-11}),
                                 ('zeros inside', ld[:4096] + bytes(len(ld) - 4096), {'guest', -11, -4, 126}),
                                 ('a program', image, {42, 'guest', 126})):
            with open(loader, 'wb') as f:
                f.write(data)
            os.chmod(loader, 0o755)
            go('interpreter: ' + name, dynamic, *want, options=['-L', os.path.join(tmp, 'prefix')])
        os.unlink(loader)
        os.mkdir(loader)
        go('interpreter: directory', dynamic, 126, options=['-L', os.path.join(tmp, 'prefix')])
        rnd = random.Random(3)
        os.rmdir(loader)
        for n in range(40):
            b = bytearray(ld)
            for _ in range(rnd.choice((1, 3, 10, 100))):
                b[rnd.randrange(len(b) if n % 2 else 2048)] = rnd.randrange(256)
            with open(loader, 'wb') as f:
                f.write(b)
            os.chmod(loader, 0o755)
            damaged(f'interpreter: random {n}', dynamic, ['-L', os.path.join(tmp, 'prefix')])
        with open(dynamic, 'rb') as f:
            program = f.read()
        for n in range(60):
            b = bytearray(program)
            for _ in range(rnd.choice((1, 3, 10, 100))):
                b[rnd.randrange(len(b) if n % 2 else 2048)] = rnd.randrange(256)
            damaged(f'dynamic: random {n}', path('damaged', bytes(b)), ['-L', libraries])
    for n in range(30):
        rnd = random.Random(n)
        b = bytearray(image)
        for _ in range(rnd.choice((1, 30, 300, 3000))):
            b[rnd.randrange(4096, len(b))] = rnd.randrange(256)
        damaged(f'static: random {n}', path('damaged', bytes(b)))

    # Scripts.
    me = path('me')
    path('me', f'#!{me}\n'.encode())
    go('script of itself', me, 126)
    go('script of nothing', path('s', b'#!/no/such/program\n'), 126, 127)
    go('script without a name', path('s', b'#!   \n'), 126)
    go('script of a directory', path('s', b'#!/tmp\n'), 126)
    go('script of a long name', path('s', b'#!/' + b'z' * 400 + b'\n'), 126, 127)
    go('script of a good one', path('s', f'#!{good} a b c\n'.encode()), 42, args=['1'])
    go('script with an end', path('s', f'#!{good}'.encode()), 42)
    chain = good
    for n in range(4):
        path(f'c{n}', f'#!{chain}\n'.encode())
        chain = os.path.join(tmp, f'c{n}')
        go(f'chain of {n + 1}', chain, 42)
    for n in range(4, 8):
        path(f'c{n}', f'#!{chain}\n'.encode())
        chain = os.path.join(tmp, f'c{n}')
    go('long chain', chain, 126)

    # Arguments and environment.
    go('many arguments', good, 42, args=['x' * 1000] * 1000)
    go('empty arguments', good, 42, args=[''] * 1000)
    go('odd environment', good, 42, env={'A': 'x' * 100000})
    go('no environment', good, 42, env={})

    # Without standard descriptors, and with odd ones.
    def closed_all():
        for fd in range(3):
            os.close(fd)
    go('no descriptors', good, 43, setup=closed_all)

    def readonly_output():
        fd = os.open('/dev/null', os.O_RDONLY)
        os.dup2(fd, 1)
    go('output that is none', good, 43, setup=readonly_output)

    # The directory is gone.
    def nowhere():
        d = tempfile.mkdtemp(dir=tmp)
        os.chdir(d)
        os.rmdir(d)
    go('in a directory that is gone', good, 42, setup=nowhere)
    go('relative there', 'good', 127, setup=nowhere)
    for o in (['--root', '/no/such/root'], ['--root', good], ['--root', ''], ['--root', tmp], ['-C', '/no/such', '--root', tmp], ['-C', '/no/such'], ['-L', '/no/such']):
        go('options ' + ' '.join(o), dynamic, 125, 126, 127, options=o)


GUEST = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGFPE, signal.SIGSYS)


# --- limits ---

def limits(run):
    good = run.build('victim.c', '-static')
    unlimited = resource.RLIM_INFINITY

    def with_limit(kind, soft, hard=None):
        def setup():
            resource.setrlimit(kind, (soft, soft if hard is None else hard))
        return setup

    def go(name, kind, value, *want, hard=None, args=()):
        run.run(name, ['run', good, *args], set(want), setup=with_limit(kind, value, hard))

    M = 1 << 20
    spaces = (8, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192, 20000, 100000, 1000000)
    datas = (0, 4096, 1, 65536, M // 4, M // 2, M, 2 * M, 4 * M, 8 * M, 16 * M, 32 * M, 64 * M)
    stacks = (0, 4096, 65536, M // 4, M, 64 * M, 1 << 40, unlimited)
    if SANITIZER in ('address', 'thread'):
        print('limits of address space, data and small stacks: left out, the %s sanitizer needs more itself' % SANITIZER)
        spaces, datas, stacks = (), (), stacks[3:]
    if SANITIZER == 'undefined':
        print('the smallest limits of address space and data: left out, the loader needs more for the sanitizer')
        spaces, datas = spaces[2:], datas[-4:]
    if SANITIZER == 'thread':
        print('huge stacks, files of no size: left out, the thread sanitizer wants its own memory layout and a file')
        stacks = stacks[:-2]
    else:
        go('files of no size', resource.RLIMIT_FSIZE, 0, 42, args=['exec'])
    for size in spaces:
        for args in ([], ['exec']):
            go(f'address space {size} MiB', resource.RLIMIT_AS, size * M, 42, 43, 125, 126, *(-s for s in GUEST), args=args)
    for size in datas:
        for args in ([], ['exec']):
            go(f'data {size}', resource.RLIMIT_DATA, size, 42, 43, 125, 126, *(-s for s in GUEST), args=args)
    for size in stacks:
        for args in ([], ['exec']):
            go(f'stack {size}', resource.RLIMIT_STACK, size, 42, 43, 125, 126, *(-s for s in GUEST), hard=unlimited, args=args)
    # With fewer than four the host's own dynamic linker does not come up.
    for n in (4, 5, 6, 8, 10, 12, 16, 18, 20, 22, 24, 30, 40, 64):
        for args in ([], ['exec']):
            go(f'descriptors {n}', resource.RLIMIT_NOFILE, n, 42, 43, 125, 127, args=args)
            if n > 8:
                go(f'descriptors {n}, more to be had', resource.RLIMIT_NOFILE, n, 42, hard=1024, args=args)
    go('no locked memory', resource.RLIMIT_MEMLOCK, 0, 42, args=['exec'])
    go('no signals', resource.RLIMIT_SIGPENDING, 0, 42, args=['exec'])
    go('no core', resource.RLIMIT_CORE, 0, 42)
    if os.getuid() == 0:
        def alone():
            resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
            os.setgid(NOBODY)
            os.setuid(NOBODY - 1)
        os.chmod(run.tmp, 0o755)
        try:
            run.run('no threads', ['run', good], {42, 43}, setup=alone)
        except PermissionError:
            pass


# --- memory ---

def memory(run):
    """Each of the engine's requests for memory fails in turn, alone and with all that follow."""
    if SANITIZER:
        print('left out: the %s sanitizer takes the same functions' % SANITIZER)
        return SKIP
    shim = os.path.join(run.tmp, 'no_memory.so')
    subprocess.run(['cc', '-shared', '-fPIC', '-O1', '-w', '-o', shim, os.path.join(HERE, 'no_memory.c')], check=True)
    good = run.build('victim.c', '-static')
    most, count_to = 400, os.path.join(run.tmp, 'count')
    for options in ([], ['--tier', 'interp'], ['--cache-size', '64K', '--max-insns', '1']):
        def go(name, first, last):
            env = dict(os.environ, LD_PRELOAD=shim, FAIL_FROM=str(first), FAIL_TO=str(last), COUNT_TO=count_to)
            run.run(f'{name} {first} {options}', ['run', *options, good, 'exec'], {42, 43, 125, 126}, env=env)
        go('none of', 0, 0)
        with open(count_to) as f:
            count = int(f.read())
        if count < 2 or count > most:
            fail('memory', f'{count} requests: is the library loaded?')
        for n in range(1, min(count, most) + 3):
            go('request', n, n)
            go('requests from', n, 1 << 30)
    return None


# --- options ---

def options(run):
    good = run.build('victim.c', '-static')
    bad = [[], ['run'], ['nosuchverb'], ['run', '--nosuch', good], ['run', '--'], ['run', '--tier'], ['run', '--tier', good], ['run', '--tier=', good],
           ['run', '--tier=turbo', good], ['run', '--strace=1', good], ['run', '--gdb', good], ['run', '--gdb', '65536', good],
           ['run', '--gdb', '-1', good], ['run', '--gdb', '1x', good], ['run', '-g', '', good], ['run', '--cache-size', '1', good], ['run', '--cache-size', '63K', good],
           ['run', '--cache-size', '2G', good], ['run', '--cache-size', '-64K', good], ['run', '--cache-size', '99999999999999999999', good],
           ['run', '--cache-size', '64KK', good], ['run', '--cache-size', '', good], ['run', '--max-insns', '0', good], ['run', '--max-insns', '1025', good],
           ['run', '--max-insns', 'x', good], ['run', '--max-insns', '', good], ['run', '--max-insns', '-1', good], ['run', '--max-insns', '4294967297', good],
           ['run', '--dump', 'all', good], ['run', '--dump', 'guest,,', good], ['run', '--dump-range', '1', good], ['run', '--dump-range', '2-1', good],
           ['run', '--dump-range', 'x-y', good], ['run', '--dump-range', '', good], ['run', '-E', 'novalue', good], ['run', '-E', '=x', good], ['run', '-E', '', good],
           ['run', '--host-features', 'magic', good], ['run', '--log', '/no/such/dir/x', good], ['run', '--log', '/', good], ['run', '--log', '', good],
           ['run', '-C', '/no/such/dir', good], ['run', '-C', '', good], ['run', '--root', '/', '-L', '/', good], ['run', '-x', good], ['run', '---', good],
           ['run', '-=', good], ['run', '--=', good], ['run', '--\xff', good], ['@exec'], ['@exec', '3', 'x'], ['@exec', '0', 'x'], ['@exec', '-1', 'x'],
           ['@exec', 'x', 'x'], ['@exec', '99999999999999999999', 'x'], ['@exec', '', '', '', '']]
    for args in bad:
        run.run(f'options {args}', args, {125} if args != [] else {125, 0})
    fine = [['run', '--', good], ['run', '--tier=interp', good], ['run', '-tier', 'baseline', good], ['run', '--cache-size=64k', good], ['run', '--max-insns', '1', good],
            ['run', '-E', 'A=', '-U', 'A', '-U', '', good], ['run', '-0', '', good], ['run', '-0', 'x' * 10000, good], ['run', '-r', 'x' * 10000, good], ['run', '-r', '', good],
            ['run', '--host-features', '', good], ['run', '--host-features=none', good]]
    for args in fine:
        r = run.run(f'options {args}', args, {42, 125})
        if r and r.returncode == 125:
            run.run(f'options {args}', args, {125})
    for key, value, want in (('TIER', 'x', 125), ('TIER', '', 42), ('CACHE_SIZE', '1', 125), ('MAX_INSNS', 'many', 125), ('DUMP', ';', 125), ('STRACE', '0', 42),
                             ('HOST_FEATURES', 'none', 42), ('ROOT', '/no/such', 125), ('CHDIR', '/no/such', 125), ('GDB', 'no', 125), ('LOG', '/no/x', 125)):
        run.run(f'DRAGOMAN_{key}={value}', ['run', good], {want}, env=dict(os.environ, **{'DRAGOMAN_' + key: value}))
    rnd = random.Random(11)
    names = ['--root', '-L', '-E', '-U', '-0', '-C', '-r', '--tier', '--cache-size', '--max-insns', '--host-features', '--stats', '-d', '--dump-range', '-D', '--perf-map', '--', '-']
    values = ['', '/', '.', '0', '1', '-1', '64K', 'interp', 'none', 'A=B', 'x', '/dev/null', '/tmp', '\x01', '%s%n', 'a' * 5000, good, '1-2', 'guest']
    for n in range(120):
        args = ['run'] + [rnd.choice(names if rnd.randrange(2) else values) for _ in range(rnd.randrange(1, 6))]
        if '-d' in args or '-D' in args or '--perf-map' in args:
            continue
        if rnd.randrange(2):
            args.append(good)
        r = run.run(f'random {args}', args, {42, 125, 126, 127, 'guest'}, env=dict(os.environ, A='x'))


# --- instructions ---

def illegal(run, words):
    program = run.build('illegal.c', '-static')
    rnd = random.Random(20260702)
    if run.guest.name == 'riscv64':
        some = [w for w in (rnd.getrandbits(32) | 3 for _ in range(40000)) if w & 31 != 31] + [w | 0x10000 for w in range(65536) if w & 3 != 3]
        more = [rnd.getrandbits(32) | 31 for _ in range(2000)] + [0, 0xffffffff, 0x1f, 0x3f, 0x5f, 0x7f]  # longer ones
    else:
        near = subprocess.run([words, 'make', '20260702', '20'], stdout=subprocess.PIPE, check=True).stdout  # to instructions that there are
        some = [rnd.getrandbits(32) for _ in range(20000)] + list(struct.unpack(f'<{len(near) // 4}I', near))
        more = [0, 0xffff, 0xffffffff]
    data = b''.join(struct.pack('<I', w) for w in some)
    text = subprocess.run([words, 'print'], input=data, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
    none = [w for w, line in zip(some, text) if line.strip() == 'illegal']
    if len(text) != len(some) or len(none) < 10000:
        fail('illegal', f'{len(some)} words, {len(text)} lines, {len(none)} illegal')
    none += more
    data = b''.join(struct.pack('<I', w) for w in none)
    for tier in ('baseline', 'interp'):
        r = run.run(f'illegal, {tier}', ['run', '--tier', tier, program], {0}, data=data, timeout=120)
        if r and r.returncode:
            print(r.stdout.decode())


# --- system calls ---

def calls(run):
    program = run.build('calls.c', '-static')
    have, numbers = set(), []
    with open(os.path.join(ROOT, 'personality', 'linux', 'syscalls.tab'), encoding='utf-8') as f:
        for line in f:
            word = line.split()
            nr, _, isa = word[0].partition('@') if word else ('', '', '')
            if nr.isdigit() and isa in ('', run.guest.name):
                have.add(int(nr))
    numbers = [n for n in range(-10, 1200) if n not in have]
    for bit in range(10, 64):
        numbers += [(1 << bit) - (1 << 64 if bit == 63 else 0), (1 << bit) - 1, -(1 << bit) + 64]
    if run.guest.name == 'aarch64':  # whose kernel looks at 32 bits of it
        numbers = [n for n in numbers if n & 0xffffffff not in have]
    numbers = [n for n in numbers if n not in have]
    for tier in ('baseline', 'interp'):
        r = run.run(f'calls, {tier}', ['run', '--tier', tier, program], {0}, data=' '.join(map(str, numbers)).encode(), timeout=120)
        if r and r.returncode:
            print(r.stdout.decode())


# --- signal frames ---

def frames(run):
    """What a handler returns from is damaged in all places. The words that it prints tell of what it died, in the end."""
    program = run.build('frames.c', '-static', '-fno-stack-protector')
    for tier, seed in (('baseline', 1), ('interp', 2)):
        r = run.run(f'frames, {tier}', ['run', '--tier', tier, program, str(seed), '400'], {0}, timeout=120)
        if r and r.returncode:
            print(r.stdout.decode())


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--dragoman', required=True)
    guests.add_option(ap)
    ap.add_argument('--words', help='the program that knows all instructions: tests/guest/riscv64/rvwords, tests/guest/aarch64/a64words')
    ap.add_argument('part', choices=('files', 'limits', 'memory', 'options', 'illegal', 'calls', 'frames'))
    opt = ap.parse_args()
    missing = opt.guest.missing()
    if missing:
        print(missing)
        return SKIP
    with tempfile.TemporaryDirectory(prefix='dragoman-') as tmp:
        run = Runner(opt.dragoman, opt.guest, tmp)
        if opt.part == 'illegal':
            illegal(run, opt.words)
        else:
            if globals()[opt.part](run) == SKIP:
                return SKIP
    print(f'{tried} runs, {failed} bad')
    return 1 if failed or not tried else 0


if __name__ == '__main__':
    sys.exit(main())
