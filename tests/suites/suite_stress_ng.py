"""stress-ng: each of its stressors, alone, for two seconds (one in the quick run), verifying what it computes and what the kernel answers.

These are Debian's own programs, the same version natively (below a change of root) and for the guest (below --root; QEMU has
only its library prefix). stress-ng ends with 0 when all is well, 2 when a verification failed, 3 and 4 when the stressor
cannot work here (no such instruction, system call, device or privilege).
"""
import os
import re
import subprocess

from suite import ROOT, Test, bind_roots, signal_name

TITLE = "stress-ng"
ABOUT = """Debian's stress-ng, each stressor alone: `stress-ng --NAME 1 --verify -t 2`, without privilege. What a stressor says it cannot do
on this machine or without privilege counts as not judged. QEMU has no change of root: there the guest's programs see the
host's files."""
NOTES = []
SOURCES = []
PACKAGE = "stress-ng"
SETS = [("guest", "base"), ("amd64", "base"), ("guest", "stress"), ("amd64", "stress")]
JOBS = 2
REALTIME = False

# Those that reach different parts of the engine and the kernel, for the quick run.
QUICK = """access affinity aio alarm atomic bitops branch bsearch cacheline clock clone cond context copy-file cpu crypt dekker
dentry dir dup efence env epoll eventfd exec exit-group fault fcntl fd-race fifo flipflop flock fork fp full funccall futex get
getdents getrandom goto hash heapsort icache inotify io-uring itimer judy kill lockf longjmp madvise malloc matrix mcontend
membarrier memcpy memfd memrate mergesort min-nanosleep mlock mmap mmapfork mprotect mq mremap msg msync mutex nanosleep nop null
pidfd pipe poll prctl prefetch procfs pthread ptr-chase qsort radixsort regex rename rseq sched sem sem-sysv sendfile shm
shm-sysv sigabrt sigchld sigfd sigfpe sigill sigio signal signest sigpending sigpipe sigq sigrt sigsegv sigsuspend sigtrap sigurg
skiplist sleep sock sockpair spawn splice stack stackmmap str stream switch symlink sysinfo tee timer timerfd timermix tree tsc
udp utime vdso vecmath vfork vm vm-rw vm-splice wait waitcpu wcs yield zlib zombie""".split()

# A second guest has the kernel's side of most in common with the first: what is left are code, memory, signals, threads and processes.
QUICK_OTHERS = """atomic clone context cpu exec fp futex icache matrix mprotect pthread sigabrt sigfpe sigill signest sigrt sigsegv sigtrap
stack timer vecmath vfork vm zlib""".split()


def prepare(cx):
    bind_roots(cx)


def judge(outcome, side):
    if outcome.status is None:
        return "time-out"
    if outcome.status < 0:
        return signal_name(-outcome.status)
    if outcome.status in (3, 4):
        return "skip"
    if outcome.status:
        return "exit %d" % outcome.status
    if re.search(r"stress-ng: (info|warn): .*skipped: [1-9]", outcome.output):
        return "skip"
    return "pass" if "successful run completed" in outcome.output or "passed: 1" in outcome.output else "output"


def stressors():
    """The names of all stressors, asked of the guest's program by its manual of options: those that --stressors prints."""
    root = os.path.join(ROOT, "build", "roots", "amd64")
    loader = os.path.join(root, "lib64", "ld-linux-x86-64.so.2")
    libs = os.path.join(root, "usr", "lib", "x86_64-linux-gnu")
    p = subprocess.run([loader, "--library-path", libs, os.path.join(root, "usr/bin/stress-ng"), "--stressors"],
                       stdout=subprocess.PIPE, text=True)
    return p.stdout.split()


def tests(cx):
    found = []
    quick = QUICK if cx.guest.name == "riscv64" else QUICK_OTHERS
    for name in stressors():
        def argv(side, cx, name=name):
            return cx.in_root(side, ["/usr/bin/stress-ng", "--" + name, "1", "--verify", "-t", "1" if cx.quick else "2", "--oom-avoid", "--no-rand-seed"],
                              name)
        found.append(Test(name, argv, judge, quick=name in quick, timeout=120, whole=True))
    return found
