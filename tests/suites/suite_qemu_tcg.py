"""QEMU's own user-mode tests: tests/tcg/multiarch (plain C for any guest) and tests/tcg/riscv64 (for the guest alone).

Not taken: what tests QEMU itself (plugins, its gdb stub's scripts, semihosting) and the tests for system emulation.
The float tests print what they computed. Natively the text must be the reference that QEMU keeps for x86-64; riscv64 has no
reference, so there Dragoman's text must be QEMU's.
"""
import glob
import os

from suite import Test, by_status

TITLE = "QEMU's tests/tcg"
ABOUT = """The multiarch and riscv64 user-mode tests of QEMU's source. Left out are those that test QEMU's plugins, its gdb stub and
semihosting, and system emulation. The riscv64 tests have no native column."""
NOTES = ["flags -O0 -g -fno-strict-aliasing, static"]
SOURCES = [("qemu", ["tests/tcg", "tests/fp", "subprojects/berkeley-softfloat-3", "subprojects/berkeley-testfloat-3"])]
SETS = []
JOBS = 2
REALTIME = False

FLAGS = ["-O0", "-g", "-fno-strict-aliasing", "-pthread", "-w"]
# For the guest alone: source, flags, options of QEMU, options of ours.
RISCV = {
    "test-div": ("test-div.c", [], [], []),
    "noexec": ("noexec.c", [], [], []),
    "test-noc": ("test-noc.S", ["-nostdlib"], ["-cpu", "rv64,c=false"], ["--cpu", "rv64,c=false"]),
    "test-aes": ("test-aes.c", [], ["-cpu", "rv64,zk=on"], []),
    "test-fcvtmod": ("test-fcvtmod.c", ["-march=rv64imafdc"], [], []),
}
# What a test wants to be told. Without it, linux-sigrtminmax starts QEMU to set it for itself.
ENV = {"linux-sigrtminmax": {"QEMU": "none", "QEMU_RTSIG_MAP": "32 36 2,64 38 1"}}


def tests(cx):
    tcg = os.path.join(cx.sources, "qemu", "tests", "tcg")
    multi = os.path.join(tcg, "multiarch")
    found = []
    for path in sorted(glob.glob(multi + "/*.c") + glob.glob(multi + "/linux/*.c")):
        found.append(multiarch(tcg, path))
    for name, (source, flags, options, ours) in sorted(RISCV.items()):
        found.append(riscv(tcg, name, source, flags, options, ours))
    return found


def multiarch(tcg, path):
    name = os.path.splitext(os.path.basename(path))[0]
    floats = name.startswith("float_")
    helpers = [os.path.join(tcg, "multiarch", "libs", "float_helpers.c")] if floats else []

    def argv(side, cx):
        arch = "amd64" if side == "native" else "riscv64"
        return [cx.compile(arch, name, [path] + helpers, FLAGS + ["-I" + os.path.join(tcg, "multiarch")], ["-lm", "-lrt"])]

    reference = os.path.join(tcg, "x86_64", name + ".ref")

    def judge(outcome, side):
        verdict = by_status(outcome, side)
        if verdict == "pass" and side == "native" and os.path.exists(reference):
            with open(reference) as f:
                return "pass" if outcome.output == f.read() else "output"
        return verdict

    return Test("multiarch/" + name, argv, judge, equal=floats, quick=True, timeout=60, env=ENV.get(name))


def riscv(tcg, name, source, flags, options, ours):
    folder = os.path.join(tcg, "riscv64")

    def argv(side, cx):
        return [cx.compile("riscv64", name + ".rv", [os.path.join(folder, source)], FLAGS + flags)]

    return Test("riscv64/" + name, argv, quick=True, timeout=60, qemu_args=options, ours_args=ours,
                sides=["qemu", "ours"])
