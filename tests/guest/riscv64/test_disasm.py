#!/usr/bin/env python3
"""Compares our disassembler and decoder with GNU objdump on many words.

Usage: test_disasm.py RVWORDS [SEED [COUNT]]. Both must agree on which words are instructions, and on the plain text of
those. Where objdump is known to differ, KNOWN says why. Skips (77) where there is no objdump for riscv64.
"""

import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import objdump

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


def march(tools):
    """Extensions that the assembler lacks; the others are on."""
    arch, lacks = BASE, []
    for ext in NEWER:
        if tools.assembles("-march=%s_%s" % (arch, ext)):
            arch += "_" + ext
        else:
            lacks.append(ext)
    if not tools.assembles("-march=" + arch):
        raise SystemExit("the assembler takes no " + arch)
    return lacks


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
    with tempfile.TemporaryDirectory() as d:
        tools = objdump.Binutils("riscv64-linux-gnu-", Path(d))
        if not tools.there():
            print("no binutils for riscv64: skipped")
            return 77
        words = objdump.run([tool, "make", seed, count])
        ours = objdump.run([tool, "print"], words).decode().splitlines()
        lacks = march(tools)
        theirs = tools.texts(words, normal, "-M", "no-aliases")
    lacking = re.compile("(%s)\\Z" % ("|".join(UNKNOWN[x] for x in lacks) or "none"))

    def excused(mine, his, word):
        word = word & 0xFFFF if (word & 3) != 3 else word
        return same(mine, his) or (his == "illegal" and lacking.match(mine.split()[0])) or known(mine, his, word)
    return objdump.compare(words, ours, theirs, excused)


if __name__ == "__main__":
    sys.exit(main())
