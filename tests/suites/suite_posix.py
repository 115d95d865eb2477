"""The Open POSIX Test Suite: does the C library, on the kernel beneath it, do what POSIX says?

Taken are the conformance tests of interfaces and behaviour and the functional tests that are programs of one file; not the
tests that only compile, the shell scripts, and the stress tests. Each ends with a status: 0 passed, 1 failed, 2 unresolved,
4 unsupported, 5 untested.
"""
import glob
import os
import re

from suite import Test, Unready, bind_roots, signal_name

TITLE = "The Open POSIX Test Suite"
ABOUT = """Conformance tests (interfaces, behaviour) and functional tests of the Open POSIX Test Suite that run. They run without privilege,
but for real-time priorities and locked memory. *unresolved* is the suite's word for a test that could not do what it needs."""
NOTES = ["flags -O2 -std=gnu99 -D_POSIX_C_SOURCE=200112L -D_XOPEN_SOURCE=600, static"]
SOURCES = [("posixtestsuite", [])]
SETS = [("guest", "base"), ("amd64", "base")]
JOBS = 4
REALTIME = True

FLAGS = ["-g", "-O2", "-w", "-std=gnu99", "-D_POSIX_C_SOURCE=200112L", "-D_XOPEN_SOURCE=600"]
VERDICTS = {0: "pass", 1: "fail", 2: "unresolved", 4: "skip", 5: "skip"}
# A small part that reaches each of the kernel's services, and takes seconds.
QUICK = re.compile(r"(fork|kill|raise|mmap|munmap|sigaction|sigaltstack|sigprocmask|sigqueue|sigsuspend|sigwaitinfo|sem_wait|sem_open"
                   r"|pthread_create|pthread_cancel|pthread_kill|pthread_mutex_lock|pthread_cond_wait|pthread_rwlock_wrlock"
                   r"|pthread_barrier_wait|timer_create|timer_settime|clock_gettime|mq_send|mq_notify|shm_open|aio_read|sched_setparam)/\d+-1")
# What is enough of it for a second guest, whose kernel is the same.
QUICK_OTHERS = re.compile(r".*/[12]-1")
# These take long by themselves; fork/11-1 until its time is up, natively too.
SLOW = ["fork/7-1", "pthread_create/1-4", "pthread_create/14-1", "pthread_exit/6-2", "fork/11-1"]
# Seconds for what takes most of a minute natively: thousands of threads and processes.
PATIENCE = {"pthread_cond_broadcast/1-2": 600, "pthread_cond_timedwait/4-2": 300}


def prepare(cx):
    try:
        bind_roots(cx)
    except Unready:
        pass  # then what a test executes is the host's, and refused


def judge(outcome, side):
    if outcome.status is None:
        return "time-out"
    if outcome.status < 0:
        return signal_name(-outcome.status)
    return VERDICTS.get(outcome.status, "exit %d" % outcome.status)


def runs(path):
    """Whether a source is a program: the suite also holds parts of programs and files that are only compiled."""
    with open(path, errors="replace") as f:
        return re.search(r"\bmain\s*\(", f.read()) is not None


def tests(cx):
    top = os.path.join(cx.sources, "posixtestsuite")
    found = []
    for pattern in ("conformance/interfaces/*/*.c", "conformance/interfaces/*/speculative/*.c", "conformance/behavior/*/*.c",
                    "functional/*/*.c"):
        for path in sorted(glob.glob(os.path.join(top, pattern))):
            if re.search(r"buildonly|testfrmw", path) or not runs(path):
                continue
            found.append(posix(top, path, cx.guest.name))
    return found


def posix(top, path, guest):
    name = os.path.splitext(os.path.relpath(path, top))[0].replace("conformance/", "").replace("interfaces/", "")

    def argv(side, cx):
        flags = FLAGS + ["-I" + os.path.join(top, "include"), "-I" + os.path.dirname(path)]
        return cx.own_in_root(side, cx.compile(cx.arch(side), name + ".test", [path], flags, ["-lpthread", "-lrt", "-lm"]), name)

    quick = QUICK.fullmatch(name) and (guest == "riscv64" or QUICK_OTHERS.fullmatch(name)) and name not in SLOW
    return Test(name, argv, judge, quick=bool(quick),
                timeout=PATIENCE.get(name, 60), whole=True)
