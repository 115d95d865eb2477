#!/usr/bin/env python3
"""Damaged and hostile program files: one clear line or the guest's own end, never ours.

A small static guest program is built and then damaged: each field of its headers gets values that hurt, pieces are cut off, bytes are changed at
random (from a fixed seed). Whatever the file has become, dragoman must either run it (then it may end as it likes, a guest's signals included) or
refuse it with a single line and status 125, 126 or 127."""
import argparse
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import guests

SKIP = 77
PATIENCE = float(os.environ.get('TEST_PATIENCE', 1))  # a slow build has more
PROGRAM = r'''
static long call(long n, long a, long b, long c)
{
#ifdef __riscv
    register long a0 __asm__("a0") = a, a1 __asm__("a1") = b, a2 __asm__("a2") = c, nr __asm__("a7") = n;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(nr) : "memory");
#else
    register long a0 __asm__("x0") = a, a1 __asm__("x1") = b, a2 __asm__("x2") = c, nr __asm__("x8") = n;
    __asm__ volatile("svc #0" : "+r"(a0) : "r"(a1), "r"(a2), "r"(nr) : "memory");
#endif
    return a0;
}
char zero[5000];
int data = 40;
void _start(void)
{
    zero[4999] = 2;
    call(64, 1, (long)"fine\n", 5);
    call(94, data + zero[4999] + zero[17], 0, 0);
}
'''
# Offsets in the ELF header and in a program header: (name, offset, size).
EHDR = [('class', 4, 1), ('data', 5, 1), ('version', 6, 1), ('type', 16, 2), ('machine', 18, 2), ('version2', 20, 4), ('entry', 24, 8),
        ('phoff', 32, 8), ('shoff', 40, 8), ('flags', 48, 4), ('ehsize', 52, 2), ('phentsize', 54, 2), ('phnum', 56, 2), ('shnum', 60, 2)]
PHDR = [('p_type', 0, 4), ('p_flags', 4, 4), ('p_offset', 8, 8), ('p_vaddr', 16, 8), ('p_filesz', 32, 8), ('p_memsz', 40, 8), ('p_align', 48, 8)]
VALUES = [0, 1, 2, 3, 7, 55, 56, 57, 64, 0xfff, 0x1000, 0x1001, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 1 << 32, (1 << 38) - 0x1000, (1 << 38) - 1,
          1 << 38, (1 << 39) - 0x1000, 1 << 39, 1 << 47, 1 << 56, (1 << 63) - 1, 1 << 63, (1 << 64) - 0x1000, (1 << 64) - 1]
GUEST_SIGNALS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGTRAP}


def variants(good):
    """Yields (name, bytes)."""
    yield 'good', good
    phoff, phnum = struct.unpack_from('<Q', good, 32)[0], struct.unpack_from('<H', good, 56)[0]
    fields = [(f'{n}', o, s) for n, o, s in EHDR]
    fields += [(f'ph{i}.{n}', phoff + 56 * i + o, s) for i in range(phnum) for n, o, s in PHDR]
    for name, off, size in fields:
        for v in VALUES:
            if v < 1 << (8 * size):
                b = bytearray(good)
                b[off:off + size] = v.to_bytes(size, 'little')
                yield f'{name}={v:#x}', bytes(b)
    for n in (0, 1, 2, 3, 4, 15, 16, 20, 63, 64, 65, 119, 120, 200, 400, len(good) // 2, len(good) - 1):
        yield f'cut to {n}', good[:n]
    # An interpreter's name that is none: the second header becomes PT_INTERP.
    for off, size in ((0, 4), (0, 4096), (0, 5000), (len(good) - 2, 2), (len(good), 10), (1 << 40, 8)):
        b = bytearray(good)
        struct.pack_into('<II', b, phoff + 56, 3, 4)
        struct.pack_into('<QQQQQ', b, phoff + 56 + 8, off, 0, 0, size, size)
        yield f'interpreter at {off:#x}+{size}', bytes(b)
    rnd = random.Random(20260701)
    for i in range(150):
        b = bytearray(good)
        for _ in range(rnd.choice((1, 2, 5, 20))):
            b[rnd.randrange(min(len(b), 64 + 56 * phnum + 200))] = rnd.randrange(256)
        yield f'random {i}', bytes(b)
    for first in (b'#!', b'#! \n', b'#!\n', b'#!/\n', b'#!\0\n', b'#!' + b'x' * 300, b'#!' + b' ' * 300, b'#!/bin/' + b'y' * 245 + b' z\n', b'#!./v\n'):
        yield f'script {first[:12]!r}', first


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument('--dragoman', required=True)
    guests.add_option(ap)
    ap.add_argument('--step', type=int, default=1, help='try every n-th variant only')
    opt = ap.parse_args()
    missing = opt.guest.missing()
    if missing:
        print(missing)
        return SKIP
    bad = tried = 0
    with tempfile.TemporaryDirectory(prefix='dragoman-elf-') as tmp:
        source, program = os.path.join(tmp, 'p.c'), os.path.join(tmp, 'good')
        with open(source, 'w', encoding='ascii') as f:
            f.write(PROGRAM)
        subprocess.run([opt.guest.cc, '-static', '-nostdlib', '-O1', '-Wl,--build-id=none,-s', '-o', program, source], check=True)
        with open(program, 'rb') as f:
            good = f.read()
        path = os.path.join(tmp, 'v')
        for i, (name, data) in enumerate(variants(good)):
            if i % opt.step:
                continue
            with open(path, 'wb') as f:
                f.write(data)
            os.chmod(path, 0o755)
            tried += 1
            try:
                r = subprocess.run([os.path.abspath(opt.dragoman), 'run', path], cwd=tmp, stdin=subprocess.DEVNULL, capture_output=True, timeout=20 * PATIENCE)
            except subprocess.TimeoutExpired:
                print(f'{name}: hangs')
                bad += 1
                continue
            err = r.stderr.decode('utf-8', 'replace')
            lines = err.splitlines()
            ours = r.returncode in (125, 126, 127)
            ok = 'internal error' not in err and 'assert' not in err
            if r.returncode < 0:
                ok = ok and -r.returncode in GUEST_SIGNALS and not lines
            elif ours:
                ok = ok and len(lines) == 1 and lines[0].startswith('dragoman: ') and not r.stdout
            else:
                ok = ok and not lines
            if name == 'good':
                ok = r.returncode == 42 and r.stdout == b'fine\n'
            if not ok:
                bad += 1
                if bad <= 20:
                    print(f'{name}: status {r.returncode}, {lines[:3]}')
    print(f'{tried} files, {bad} bad')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
