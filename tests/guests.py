"""The guest ISAs for which tests build programs: a script takes one with --guest NAME. And how they build them: a program that several tests run is
compiled once."""
import glob
import hashlib
import os
import shutil
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
STORE = os.path.join(ROOT, 'build', 'programs')
KEEP = 14 * 86400  # seconds that what nobody asked for stays in the store


class Guest:
    """A guest ISA: its name, what a cross compiler and Debian call it, and its dynamic linker."""

    def __init__(self, name, triple, debian, loader, machine, shortest, breakpoint):
        self.name, self.triple, self.debian, self.loader = name, triple, debian, loader
        self.shortest = shortest  # instruction, bytes
        self.machine = machine  # in ELF files
        self.breakpoint = breakpoint  # the instruction, as disassemblers write it
        self.libraries = '/usr/' + triple  # of the cross compiler: a prefix for -L

    def tool(self, name):
        return f'{self.triple}-{name}'

    @property
    def cc(self):
        return self.tool('gcc')

    @property
    def cxx(self):
        return self.tool('g++')

    def missing(self):
        """What programs for it cannot be built without, or None."""
        return None if shutil.which(self.cc) else f'no {self.cc}'


GUESTS = {g.name: g for g in (Guest('riscv64', 'riscv64-linux-gnu', 'riscv64', 'ld-linux-riscv64-lp64d.so.1', 243, 2, 'ebreak'),
                              Guest('aarch64', 'aarch64-linux-gnu', 'arm64', 'ld-linux-aarch64.so.1', 183, 4, 'brk'))}


def add_option(parser):
    """--guest, whose value is a Guest."""
    parser.add_argument('--guest', type=lambda name: GUESTS[name], default='riscv64', metavar='|'.join(GUESTS), help='the guest ISA')


def build(compiler, flags, source, out, libraries=()):
    """Compiles and links one source file, or copies what came of the same text and command before: the store has it under a hash of both,
    headers included, and of which compiler it was. CalledProcessError, with the compiler's words, when it does not compile."""
    where = os.stat(shutil.which(compiler) or compiler)
    text = subprocess.run([compiler, *flags, '-E', source], capture_output=True, check=True).stdout
    said = [compiler, where.st_size, where.st_mtime_ns, *flags, source, *libraries]
    stem = os.path.join(STORE, os.path.basename(source) + '-')
    kept = stem + hashlib.sha256('\0'.join(map(str, said)).encode() + text).hexdigest()[:32]
    os.makedirs(STORE, exist_ok=True)
    if not os.path.exists(kept):
        with tempfile.TemporaryDirectory(dir=STORE, prefix='new-') as tmp:  # several at once may do so; the last one's stays
            made = os.path.join(tmp, 'program')
            subprocess.run([compiler, *flags, '-o', made, source, *libraries], capture_output=True, check=True)
            os.rename(made, kept)
        for old in glob.glob(glob.escape(stem) + '*'):
            if time.time() - os.stat(old).st_mtime > KEEP:
                os.unlink(old)
    shutil.copy(kept, out)
    os.utime(kept)
