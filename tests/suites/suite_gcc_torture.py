"""GCC's torture tests (gcc.c-torture/execute): C programs that end with status 0 when they were compiled right.

Here they test the translator: each is built at several levels, and a last time with extensions of the guest's ISA. Of the
directives in the sources the compiler options are obeyed; what the native or the guest's compiler refuses is not built.
"""
import glob
import os
import re

from suite import Test

TITLE = "GCC's torture tests"
ABOUT = """gcc.c-torture/execute with its folders builtins and ieee, at several levels of optimisation, natively by the machine's gcc and
for the guest by the cross compiler of the same version. Level Zb is -O2 with Zba, Zbb and Zbs, level v8.2 is -O3 with all that GCC
makes of ARMv8.2-A with half precision. The tests are of a newer GCC than the
compilers: some ask for what these do not know, or find what they do wrong."""
NOTES = ["flags of the level, -w, those that the test names; static"]
SOURCES = [("gcc-14", ["gcc/testsuite/gcc.c-torture", "gcc/testsuite/gcc.dg/special"])]
SETS = []
JOBS = 2
REALTIME = False

LEVELS = {"O0": ["-O0"], "O2": ["-O2"], "O3": ["-O3", "-g"], "Zb": ["-O2"], "v8.2": ["-O3"]}
GUEST = {"Zb": ["-march=rv64gc_zba_zbb_zbs"], "v8.2": ["-march=armv8.2-a+fp16+dotprod"]}
ONLY = {"Zb": "riscv64", "v8.2": "aarch64"}
# Of a guest's quick subset: level -> (every so many, from which on).
QUICK = {"riscv64": {"O2": (20, 7), "O0": (20, 13)}, "aarch64": {"O2": (60, 17), "v8.2": (60, 31)}}
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
    for level in [l for l in LEVELS if ONLY.get(l, cx.guest.name) == cx.guest.name]:
        for n, path in enumerate(plain + built):
            every, first = QUICK[cx.guest.name].get(level, (1, 1))
            quick = n % every == first
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
        return [cx.compile(cx.arch(side), name, sources, flags, libs)]

    return Test(name, argv, quick=quick, timeout=30)
