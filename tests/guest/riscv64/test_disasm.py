#!/usr/bin/env python3
"""Compares our disassembler and decoder with GNU objdump on many words.

Usage: test_disasm.py RVWORDS [SEED [COUNT]]. Both must agree on which words are instructions, and on the plain text of
those. Where objdump is known to differ, KNOWN says why. Skips (77) where there is no objdump for riscv64.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OBJDUMP = "riscv64-linux-gnu-objdump"
AS = "riscv64-linux-gnu-as"
OBJCOPY = "riscv64-linux-gnu-objcopy"
BASE = "rv64gc_zba_zbb_zbc_zbs_zbkb_zbkc_zbkx_zknd_zkne_zknh_zicboz_zihintpause"
# In the order in which binutils learnt them.
NEWER = ["zfhmin", "zfa", "zicond", "zacas", "zcb"]

# What binutils of some version does not know, by the first word of our text.
UNKNOWN = {
    "zfhmin": r"flh|fsh|fcvt\.[sd]\.h|fcvt\.h\.[sd]|fmv\.x\.h|fmv\.h\.x",
    "zfa": r"fli\..|f(min|max)m\..|fround(nx)?\..|fcvtmod\.w\.d|fl[et]q\..",
    "zicond": r"czero\..*",
    "zacas": r"amocas\..*",
    "zcb": r"c\.(lbu|lhu|lh|sb|sh|zext\..|sext\..|not|mul)",
}


def known(ours, theirs, word):
    """Why it is right that the two differ, or None."""
    name = ours.split()[0]
    if name == "c.nop" and re.match(r"c\.addi zero,", theirs):
        return "a hint, by another name"
    if theirs == "illegal" or theirs == "unimp":
        if name in ("fence", "fence.tso", "fence.i"):
            return "reserved fields of fences are ignored"
        if re.match(r"fcvt\.d\.(w|wu|s|h)$|fcvt\.s\.h$", name):
            return "exact conversions have a rounding mode, though it does nothing"
    if ours == "illegal" and theirs.endswith(",unknown") and (word >> 12 & 7) in (5, 6):
        return "reserved rounding modes"
    if re.match(r"c\.(slli|srli|srai) \w+,0x0$", ours) and re.match(r"c\.s(ll|rl|ra)i64 ", theirs):
        return "a hint, and another instruction in RV128"
    if ours == "illegal" and theirs in ("c.addi16sp sp,0", "c.unimp"):
        return "reserved"
    if ours == "illegal" and re.match(r"aes64ks1i \w+,\w+,0x[b-f]$", theirs):
        return "reserved round numbers"
    if ours == "illegal" and re.match(r"([umsdhv]+ret|wfi|sfence\.|hfence\.|sinval\.|hinval\.|h[ls]vx?\.)", theirs):
        return "privileged"
    return None


def run(argv, data=None):
    return subprocess.run(argv, input=data, stdout=subprocess.PIPE, check=True).stdout


def march(tmp):
    """The longest -march string that this assembler takes, and the extensions that it lacks."""
    arch, lacks = BASE, []
    empty = tmp / "empty.s"
    empty.write_text("nop\n")
    for ext in NEWER:
        p = subprocess.run([AS, "-march=%s_%s" % (arch, ext), "-o", str(tmp / "e.o"), str(empty)], stderr=subprocess.DEVNULL)
        if p.returncode == 0:
            arch += "_" + ext
        else:
            lacks.append(ext)
    run([AS, "-march=" + arch, "-o", str(tmp / "e.o"), str(empty)])
    return lacks


def objdump(tmp, words):
    """{offset: text}"""
    (tmp / "words").write_bytes(words)
    run([OBJCOPY, "--update-section", ".text=" + str(tmp / "words"), str(tmp / "e.o"), str(tmp / "w.o")])
    out = run([OBJDUMP, "-d", "-z", "-M", "no-aliases", str(tmp / "w.o")]).decode()
    texts = {}
    for line in out.splitlines():
        m = re.match(r"\s*([0-9a-f]+):\t[0-9a-f ]+\t(.*)", line)
        if m:
            texts[int(m.group(1), 16)] = normal(m.group(2))
    return texts


def normal(text):
    """objdump's text in our spelling."""
    text = re.sub(r"\s*[#<].*", "", text).strip()
    if re.match(r"\.(2byte|4byte|short|word|insn)", text):
        return "illegal"
    text = re.sub(r"\s+", " ", text)
    if re.match(r"(c\.)?(b(eq|ne|lt|ge)[uz]?|j|jal) ", text): # a destination, written without 0x
        text = re.sub(r"\b([0-9a-f]+)$", r"0x\1", text)
    return text


def same(ours, theirs):
    if ours == theirs:
        return True
    # CSRs that we have no name for
    m = re.match(r"(csr\S+ \w+,)0x[0-9a-f]+(,\w+)$", ours)
    return bool(m) and bool(re.match(re.escape(m.group(1)) + r"\w+" + re.escape(m.group(2)) + "$", theirs))


def main():
    tool = sys.argv[1]
    seed = sys.argv[2] if len(sys.argv) > 2 else "1"
    count = sys.argv[3] if len(sys.argv) > 3 else "40"
    if not all(shutil.which(x) for x in (OBJDUMP, AS, OBJCOPY)):
        print("no binutils for riscv64: skipped")
        return 77
    words = run([tool, "make", seed, count])
    ours = run([tool, "print"], words).decode().splitlines()
    with tempfile.TemporaryDirectory() as d:
        tmp = Path(d)
        lacks = march(tmp)
        theirs = objdump(tmp, words)
    lacking = re.compile("(%s)\\Z" % ("|".join(UNKNOWN[x] for x in lacks) or "none"))
    bad = compared = legal = 0
    for n, line in enumerate(ours):
        mine, his = re.sub(r"\s+", " ", line), theirs.get(n * 4, "missing")
        word = int.from_bytes(words[n * 4:n * 4 + 4], "little")
        if (word & 3) != 3:
            word &= 0xFFFF
        compared += 1
        legal += mine != "illegal"
        if same(mine, his) or (his == "illegal" and lacking.match(mine.split()[0])) or known(mine, his, word):
            continue
        bad += 1
        if bad <= 40:
            print("%08x: ours '%s', objdump '%s'" % (word, mine, his))
    print("%d words, %d of them instructions; %d differ" % (compared, legal, bad))
    return 1 if bad or not legal else 0


if __name__ == "__main__":
    sys.exit(main())
