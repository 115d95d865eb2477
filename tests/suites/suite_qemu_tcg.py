"""QEMU's own user-mode tests: tests/tcg/multiarch (plain C for any guest) and those for the guest alone, tests/tcg/ISA.

Not taken: what tests QEMU itself (plugins, its gdb stub's scripts, semihosting) and the tests for system emulation; and those of
SVE, SME and memory tagging, which are not there.
The float tests print what they computed. The text must be the reference that QEMU keeps for the architecture; riscv64 has no
reference, so there Dragoman's text must be QEMU's.
"""
import glob
import os

from suite import Test, by_status

TITLE = "QEMU's tests/tcg"
ABOUT = """The multiarch user-mode tests of QEMU's source, and those of the guest's ISA, which have no native column. Left out are those that
test QEMU's plugins, its gdb stub and semihosting, system emulation, and for aarch64 SVE, SME and memory tagging."""
NOTES = ["flags -O0 -g -fno-strict-aliasing and those of QEMU's makefile, static"]
SOURCES = [("qemu", ["tests/tcg", "tests/fp", "subprojects/berkeley-softfloat-3", "subprojects/berkeley-testfloat-3"])]
SETS = []
JOBS = 2
REALTIME = False

FLAGS = ["-O0", "-g", "-fno-strict-aliasing", "-pthread", "-w"]
BARE = ["-nostdlib", "-fno-stack-protector", "-mbranch-protection=standard"]
# For a guest alone: source, flags, options of QEMU, options of ours.
OWN = {
    "riscv64": {
        "test-div": ("test-div.c", [], [], []),
        "noexec": ("noexec.c", [], [], []),
        "test-noc": ("test-noc.S", ["-nostdlib"], ["-cpu", "rv64,c=false"], ["--cpu", "rv64,c=false"]),
        "test-aes": ("test-aes.c", [], ["-cpu", "rv64,zk=on"], []),
        "test-fcvtmod": ("test-fcvtmod.c", ["-march=rv64imafdc"], [], []),
    },
    "aarch64": {
        "fcvt": ("../arm/fcvt.c", [], [], []),
        "pcalign-a64": ("pcalign-a64.c", [], [], []),
        "lse2-fault": ("lse2-fault.c", [], [], []),
        "test-2248": ("test-2248.c", [], [], []),
        "test-2150": ("test-2150.c", [], [], []),
        "dcpop": ("dcpop.c", ["-march=armv8.2-a"], [], []),
        "dcpodp": ("dcpodp.c", ["-march=armv8.5-a"], [], []),
        "sysregs": ("sysregs.c", [], [], []),
        "test-aes": ("test-aes.c", ["-O", "-march=armv8-a+aes"], [], []),
        "sha1-vector": ("../multiarch/sha1.c", ["-O3"], [], []),
        "sha512-vector": ("../multiarch/sha512.c", ["-O3"], [], []),
        "pauth-1": ("pauth-1.c", ["-march=armv8.3-a"], ["-cpu", "max"], []),
        "pauth-2": ("pauth-2.c", ["-march=armv8.3-a"], ["-cpu", "max"], []),
        "pauth-4": ("pauth-4.c", ["-march=armv8.3-a"], [], []),
        "pauth-5": ("pauth-5.c", ["-march=armv8.3-a"], [], []),
        "test-2375": ("test-2375.c", ["-march=armv8.3-a"], [], []),
        "bti-1": ("bti-1.c", BARE, [], []),
        "bti-2": ("bti-2.c", [], [], []),
        "bti-3": ("bti-3.c", BARE, [], []),
    },
}
# What a test wants to be told. Without it, linux-sigrtminmax starts QEMU to set it for itself.
ENV = {"linux-sigrtminmax": {"QEMU": "none", "QEMU_RTSIG_MAP": "32 36 2,64 38 1"}}


def tests(cx):
    tcg = os.path.join(cx.sources, "qemu", "tests", "tcg")
    multi = os.path.join(tcg, "multiarch")
    found = []
    for path in sorted(glob.glob(multi + "/*.c") + glob.glob(multi + "/linux/*.c")):
        found.append(multiarch(tcg, path, cx.guest.name))
    for name, (source, flags, options, ours) in sorted(OWN[cx.guest.name].items()):
        found.append(own(tcg, name, source, flags, options, ours, cx.guest))
    return found


def compare(reference):
    """A judge by status and, where the reference is a file, by the text."""
    def judge(outcome, side):
        verdict = by_status(outcome, side)
        if verdict == "pass" and os.path.exists(reference):
            with open(reference) as f:
                return "pass" if outcome.output == f.read() else "output"
        return verdict
    return judge


def multiarch(tcg, path, guest):
    name = os.path.splitext(os.path.basename(path))[0]
    floats = name.startswith("float_")
    helpers = [os.path.join(tcg, "multiarch", "libs", "float_helpers.c")] if floats else []

    def argv(side, cx):
        return [cx.compile(cx.arch(side), name, [path] + helpers, FLAGS + ["-I" + os.path.join(tcg, "multiarch")], ["-lm", "-lrt"])]

    def judge(outcome, side):
        return compare(os.path.join(tcg, "x86_64" if side == "native" else guest, name + ".ref"))(outcome, side)

    return Test("multiarch/" + name, argv, judge, equal=floats, quick=True, timeout=60, env=ENV.get(name))


def own(tcg, name, source, flags, options, ours, guest):
    folder = os.path.join(tcg, guest.name)

    def argv(side, cx):
        return [cx.compile(guest.debian, name + ".own", [os.path.join(folder, source)], FLAGS + flags, ["-lm"])]

    return Test("%s/%s" % (guest.name, name), argv, compare(os.path.join(folder, name + ".ref")), quick=True, timeout=60, qemu_args=options,
                ours_args=ours, sides=["qemu", "ours"])
