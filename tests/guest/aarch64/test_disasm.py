#!/usr/bin/env python3
"""Compares our disassembler and decoder with GNU objdump on many words.

Usage: test_disasm.py A64WORDS [SEED [COUNT]]. Both must agree on which words are instructions, and on the text of
those, with aliases. Where objdump is known to differ, known() says why; what it has and we do not is NOT_OURS. Skips (77)
where there is no objdump for aarch64.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import objdump

# What there is, as the assembler names it.
MARCH = "armv8.2-a+crypto+fp16+dotprod+rcpc+sha3+sm4+flagm+nopredres"
# Instructions that it knows even so: undefined at user level, or of later extensions by another way.
NOT_OURS = re.compile(r"(udf|hvc|smc|hlt|dcps[123]|eret|drps|tlbi|at|sysl?|dc|ic|esb|msr|mrs)\b")
# The architecture says what some bits should be, and leaves open what happens otherwise: we ignore them.
OPEN = re.compile(r"(st|ld)l?a?(r|xr|xp|lr|lar)[bh]? |stll?r|ldl?ar|smulh|umulh|clrex|ldpsw")


def known(ours, theirs, word):
    """Why it is right that the two differ, or None."""
    if ours == "illegal" and NOT_OURS.match(theirs):
        return "not ours"
    if theirs == "illegal" and OPEN.match(ours):
        return "bits that should be one"
    if re.match(r"(msr|mrs) ", ours) and re.match(r"(msr|mrs) ", theirs) and re.search(r"\bs\d_\d_", ours):
        return "a register that we have no name for"
    if word & 0xFFFFF01F == 0xD503201F and theirs != "illegal" and (ours.startswith("hint #") or theirs.startswith("hint #")):
        return "a hint that one of the two has no name for"
    return None


def assembles(tools, texts):
    """Those of the texts that the assembler takes for MARCH."""
    source = tools.tmp / "texts.s"
    source.write_text("".join(text + "\n" for text in texts))
    p = subprocess.run([tools.assembler, "-march=" + MARCH, "-o", "/dev/null", str(source)], stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, check=False)
    wrong = {int(m.group(1)) for m in re.finditer(r"texts\.s:(\d+): Error", p.stderr.decode())}
    return {text for n, text in enumerate(texts, 1) if n not in wrong}


def normal(text):
    """objdump's text in our spelling."""
    text = re.sub(r"\s*(//|<).*", "", text).strip()
    if re.match(r"\.(inst|word)|undefined", text):
        return "illegal"
    text = re.sub(r"\s+", " ", text)
    if re.match(r"(b|bl|b\.\w\w|cbn?z|tbn?z|adrp?|ldr|ldrsw|prfm) ", text):  # an address, written without 0x
        text = re.sub(r"(^(?:b|bl|b\.\w\w) |, )([0-9a-f]+)$", r"\g<1>0x\2", text)
    return text


def main():
    tool = sys.argv[1]
    seed = sys.argv[2] if len(sys.argv) > 2 else "1"
    count = sys.argv[3] if len(sys.argv) > 3 else "40"
    with tempfile.TemporaryDirectory() as d:
        tools = objdump.Binutils("aarch64-linux-gnu-", Path(d))
        if not tools.there():
            print("no binutils for aarch64: skipped")
            return 77
        if not tools.assembles():
            raise SystemExit("the assembler fails")
        words = objdump.run([tool, "make", seed, count])
        ours = objdump.run([tool, "print", "aliases"], words).decode().splitlines()
        theirs = tools.texts(words, normal)
        taken = assembles(tools, sorted({theirs.get(n * 4, "") for n, text in enumerate(ours) if text == "illegal"}))

    def excused(mine, his, word):
        return (mine == "illegal" and his not in taken) or known(mine, his, word)
    return objdump.compare(words, ours, theirs, excused)


if __name__ == "__main__":
    sys.exit(main())
