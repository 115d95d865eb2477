"""GCC's torture tests (gcc.c-torture/execute): C programs that end with status 0 when they were compiled right.

Here they test the translator: each is built at several levels, and a last time with the bit-manipulation extensions. Of the
directives in the sources the compiler options are obeyed; what the native or the guest's compiler refuses is not built.
"""
import glob
import os
import re

from suite import Test

TITLE = "GCC's torture tests"
ABOUT = """gcc.c-torture/execute with its folders builtins and ieee, at several levels of optimisation, natively by the machine's gcc and
for riscv64 by the cross compiler of the same version. Level Zb is -O2 with Zba, Zbb and Zbs. The tests are of a newer GCC than the
compilers: some ask for what these do not know, or find what they do wrong."""
NOTES = ["flags of the level, -w, those that the test names; static"]
SOURCES = [("gcc-14", ["gcc/testsuite/gcc.c-torture", "gcc/testsuite/gcc.dg/special"])]
SETS = []
JOBS = 2
REALTIME = False

LEVELS = {"O0": ["-O0"], "O2": ["-O2"], "O3": ["-O3", "-g"], "Zb": ["-O2"]}
GUEST = {"Zb": ["-march=rv64gc_zba_zbb_zbs"]}
BUILTINS = ["-fno-tree-dse", "-fno-tree-loop-distribute-patterns", "-fno-tracer", "-fno-ipa-ra", "-fno-inline-functions"]


def options(text, native):
    """The compiler options that a test's directives ask for."""
    found = []
    for words, selector in re.findall(r'dg-(?:additional-)?options\s+\{?\s*"([^"]*)"\s*\}?\s*(\{[^\n]*)?\}', text):
        selector = (selector or "").strip()
        if selector and not (native and "x86_64" in selector and "ia32" not in selector) and "fpic" not in selector:
            continue
        found += words.split()
    return found


def tests(cx):
    top = os.path.join(cx.sources, "gcc-14", "gcc", "testsuite", "gcc.c-torture", "execute")
    found = []
    plain = sorted(glob.glob(top + "/*.c") + glob.glob(top + "/ieee/*.c"))
    built = [p for p in sorted(glob.glob(top + "/builtins/*.c")) if not p.endswith("-lib.c")]
    for level in LEVELS:
        for n, path in enumerate(plain + built):
            quick = level in ("O2", "O0") and n % 20 == (7 if level == "O2" else 13)
            found.append(torture(top, level, path, quick))
    return found


def torture(top, level, path, quick):
    rel = os.path.splitext(os.path.relpath(path, top))[0]
    name = "%s/%s" % (level, rel)

    def argv(side, cx):
        native = side == "native"
        with open(path, errors="replace") as f:
            flags = LEVELS[level] + ["-w"] + options(f.read(), native) + ([] if native else GUEST.get(level, []))
        sources, libs = [path], ["-lm"]
        if rel.startswith("builtins/"):
            sources += [path[:-2] + "-lib.c", os.path.join(top, "builtins", "lib", "main.c")]
            flags += BUILTINS + ["-Wl,--allow-multiple-definition"]
        if rel.startswith("ieee/"):
            flags += ["-fno-inline"]
        return [cx.compile("amd64" if native else "riscv64", name, sources, flags, libs)]

    return Test(name, argv, quick=quick, timeout=30)
