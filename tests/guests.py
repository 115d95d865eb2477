"""The guest ISAs for which tests build programs: a script takes one with --guest NAME."""
import os
import shutil
import sys


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
