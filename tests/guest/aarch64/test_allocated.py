#!/usr/bin/env python3
"""Which words are instructions: Dragoman must agree with QEMU, by executing them.

    test_allocated.py --dragoman DRAGOMAN --words A64WORDS [--qemu QEMU] [--count N] [--seed N] [--sweep [PART/OF]]

A program for the guest (allocated.c) executes each word and tells whether it gave SIGILL. The words: for each instruction of the
decode table N random ones, N more that differ from such a one in a bit, and N wholly random ones; with --sweep also all values of
bits 31:10, with random ones below, and all of the system instructions (PART of OF of them: it takes minutes). QEMU's `max` CPU has more than ours: what only it takes
must be something that the assembler does not take for the features that we announce, or stand in QEMU_ONLY. Prints how many words
of each kind were excused. Skips (77) without QEMU, or without a cross compiler.
"""

import argparse
import collections
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))
import objdump
import test_disasm

CPU = "max,pauth=off,sve=off,sme=off"
CHUNK = 1 << 16

# What is not for this: words that would leave the program or stop it.
NOT_TRIED = [
    (0xFFE0001F, 0xD4000001, "svc"),
    (0xFFFFFFFF, 0xD45E0000, "hlt #0xf000: a call of the emulator"),
    (0xFFFFFFDF, 0xD503205F, "wfe, wfi"),
]

# Words that QEMU takes and we do not, by (mask, value, why).
QEMU_ONLY = [
    (0xBF7FCC00, 0x0E70C800, "version 7.2: halves across lanes, of a size that there is not"),
    (0xFF7FCC00, 0x5E70C800, "version 7.2: pairs of halves, of a size that there is not"),
    (0xFFFFFC00, 0x7EF8F800, "version 7.2: fsqrt of a half as one lane of a vector"),
    (0xBFF8FC00, 0x2F00FC00, "version 7.2: fmov of halves with op 1"),
]

# Words that we take and QEMU does not.
OURS_ONLY = [
    (0xFFFFFFE0, 0xD50B7C20, "dc cvap: not in QEMU's user mode"),
    (0xFFFFFE00, 0xD5380200, "mrs of AArch32's ID registers: Linux gives them, QEMU does not"),
    (0x3FA00000, 0x08800000, "version 10: ldar, stlr and their like with bits clear that should be one"),
    (0xFF600000, 0x9B400000, "version 10: smulh, umulh with bits clear that should be one"),
]


def find(table, word):
    return next((why for mask, value, why in table if word & mask == value), None)


def sweep(rnd, part, of):
    words = [high << 10 | rnd.getrandbits(10) for high in range(part - 1, 1 << 22, of)]
    return words + [0xD5000000 | n << 5 | rnd.getrandbits(5) for n in range(part - 1, 1 << 17, of)]


def answers(command, words, aborts=False):
    """A letter for each word; with `aborts`, ! for those that end the emulator itself."""
    out = []
    for at in range(0, len(words), CHUNK):
        some = words[at:at + CHUNK]
        p = subprocess.run(command, input=struct.pack("<%dI" % len(some), *some), stdout=subprocess.PIPE, stderr=subprocess.PIPE if aborts else None, check=False)
        if p.returncode == -signal.SIGABRT and aborts:
            half = len(some) // 2
            out.append(answers(command, some[:half], True) + answers(command, some[half:], True) if half else "!")
            continue
        if p.returncode or len(p.stdout) != len(some):
            raise SystemExit("%s: status %d, %d answers of %d, words from %d on" % (command[0], p.returncode, len(p.stdout), len(some), at))
        out.append(p.stdout.decode())
    return "".join(out)


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--dragoman", required=True)
    ap.add_argument("--words", required=True, help="a64words")
    ap.add_argument("--qemu", default="qemu-aarch64")
    ap.add_argument("--count", type=int, default=10)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--sweep", nargs="?", const="1/1", metavar="PART/OF")
    opt = ap.parse_args()
    if not shutil.which(opt.qemu) or not shutil.which("aarch64-linux-gnu-gcc"):
        print("no %s or no aarch64-linux-gnu-gcc: skipped" % opt.qemu)
        return 77
    rnd = random.Random(opt.seed)
    data = subprocess.run([opt.words, "make", str(opt.seed), str(opt.count)], stdout=subprocess.PIPE, check=True).stdout
    words = list(struct.unpack("<%dI" % (len(data) // 4), data))
    if opt.sweep:
        words += sweep(rnd, *map(int, opt.sweep.split("/")))
    words = [w for w in words if not find(NOT_TRIED, w)]
    with tempfile.TemporaryDirectory() as d:
        program = d + "/allocated"
        subprocess.run(["aarch64-linux-gnu-gcc", "-O1", "-static", "-o", program, str(HERE / "allocated.c")], check=True)
        theirs = answers([opt.qemu, "-cpu", CPU, program], words, True).replace("?", "-")  # its si_code is another
        ours = answers([opt.dragoman, "run", program], words)
        tools = objdump.Binutils("aarch64-linux-gnu-", Path(d))
        if not tools.there() or not tools.assembles():
            raise SystemExit("the assembler fails")
        differ = [(w, a, b) for w, a, b in zip(words, ours, theirs) if a != b or a not in "+-"]
        code = struct.pack("<%dI" % len(differ), *(w for w, a, b in differ))
        texts = tools.texts(code, test_disasm.normal) if differ else {}
        taken = test_disasm.assembles(tools, sorted(set(texts.values())))
    excused, bad = collections.Counter(), collections.Counter()
    for n, (w, a, b) in enumerate(differ):
        text = texts.get(n * 4, "missing")
        if a in "+-" and b == "!":
            why = "QEMU aborts"
        elif a == "-" and b == "+":
            why = find(QEMU_ONLY, w)
            if not why and text != "illegal" and text not in taken:
                why = "another extension's: " + text.split(" ")[0]
        else:
            why = find(OURS_ONLY, w) if (a, b) == ("+", "-") else None
        if why:
            excused[why] += 1
            continue
        kind = "%s%s %s" % (a, b, re.split("[ .]", text)[0])
        bad[kind] += 1
        if bad[kind] <= 4:
            print("%08x: ours %s, QEMU %s; %s" % (w, a, b, text))
    for name, table in (("excused", excused), ("bad", bad)):
        for why, n in sorted(table.items()):
            print("%s: %8d %s" % (name, n, why))
    print("%d words, %d of them instructions; %d excused, %d differ" % (len(words), ours.count("+"), sum(excused.values()), sum(bad.values())))
    return 1 if bad or "+" not in ours or "-" not in ours else 0


if __name__ == "__main__":
    sys.exit(main())
