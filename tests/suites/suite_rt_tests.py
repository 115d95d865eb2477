"""rt-tests: the programs that measure latencies of timers, signals, mutexes with priority inheritance, queues and semaphores.

Here they need only work: how long something took is not judged. They are Debian's programs, run as those of stress-ng.
"""
from suite import Test, bind_roots, by_status

TITLE = "rt-tests"
ABOUT = """Debian's rt-tests, each program for a second or so, with the right to real-time priorities and to lock memory. What they measure is
not judged; they must come to their end, and say what they measured."""
NOTES = []
SOURCES = []
PACKAGE = "rt-tests"
SETS = [("guest", "base"), ("amd64", "base"), ("guest", "stress"), ("amd64", "stress")]
JOBS = 1
REALTIME = True

# name: (command, what its output must hold)
PROGRAMS = {
    "cyclictest": ("cyclictest -q -l 300 -i 1000 -p 20 -t 2", "Max:"),
    "cyclictest-mlock": ("cyclictest -q -m -l 300 -i 1000 -p 20 -t 1", "Max:"),
    "cyclictest-nanosleep": ("cyclictest -q -x -l 300 -i 1000 -p 20 -t 1", "Max:"),
    "cyclictest-signal": ("cyclictest -q -s -l 300 -i 1000 -p 20 -t 1", "Max:"),
    "cyclictest-other": ("cyclictest -q --policy=other -l 300 -i 1000 -t 2", "Max:"),
    "cyclictest-histogram": ("cyclictest -q -h 100 -l 300 -i 1000 -p 20 -t 2", "# Avg Latencies"),
    "cyclicdeadline": ("cyclicdeadline -q -D 1 -t 1", ""),
    "deadline_test": ("deadline_test -t 1 -i 3", ""),
    "hackbench-process-socket": ("hackbench -l 50 -g 2 -f 5", "Time:"),
    "hackbench-thread-socket": ("hackbench -T -l 50 -g 2 -f 5", "Time:"),
    "hackbench-process-pipe": ("hackbench -p -l 50 -g 2 -f 5", "Time:"),
    "hackbench-thread-pipe": ("hackbench -T -p -l 50 -g 2 -f 5", "Time:"),
    "oslat": ("oslat -q -D 1 -c 0", "Maximum"),
    "pi_stress": ("pi_stress -q -D 2 -g 2", ""),
    "pip_stress": ("pip_stress", ""),
    "pmqtest": ("pmqtest -q -l 100 -i 1000 -p 20 -t 1", "Max"),
    "ptsematest": ("ptsematest -q -l 100 -i 1000 -p 20 -t 1", "Max"),
    "rt-migrate-test": ("rt-migrate-test -l 3 -r 20000000 -s 5000000 2", ""),
    "signaltest": ("signaltest -q -l 300 -p 20 -t 2", "Max:"),
    "sigwaittest": ("sigwaittest -q -l 100 -i 1000 -p 20 -t 1", "Max"),
    "sigwaittest-fork": ("sigwaittest -q -f -l 100 -i 1000 -p 20 -t 1", "Max"),
    "ssdd": ("ssdd --iters=100 --forks=2", ""),
    "svsematest": ("svsematest -q -l 100 -i 1000 -p 20 -t 1", "Max"),
    "svsematest-fork": ("svsematest -q -f -l 100 -i 1000 -p 20", "Max"),
}


def prepare(cx):
    bind_roots(cx)


def tests(cx):
    found = []
    for name, (command, word) in PROGRAMS.items():
        def argv(side, cx, name=name, command=command):
            words = command.split()
            return cx.in_root(side, ["/usr/bin/" + words[0]] + words[1:], name)

        def judge(outcome, side, word=word):
            verdict = by_status(outcome, side)
            if "architecture is not yet supported" in outcome.output:
                return "skip"
            return "output" if verdict == "pass" and word not in outcome.output else verdict

        found.append(Test(name, argv, judge, quick=True, timeout=60, whole=True))
    return found
