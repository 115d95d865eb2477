#!/usr/bin/env python3
"""Runs the tests for `./dev test` and counts them.

    test.py --build DIR [SUITE…]

Four kinds: what Meson knows (unit, golden, differential tests; a suite each part); `suites`, the quick subset of other
projects' conformance suites (tests/suites/run.py); `pairs`, the same programs with Dragoman built for other hosts
(tests/pairs/run.py); and `system`, Debian's own programs beside the same programs run natively (tests/system/run.py). With no
SUITE all are run.

Prints a line per suite, the name and log of each test that failed, and in the end "N passed, N failed, N skipped".
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import sys

import signals

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GUESTS = ("riscv64", "aarch64")  # those of the suites and the system tests
GOOD = {"OK", "EXPECTEDFAIL"}


def read_log(path, suites):
    """Results of `meson test` as [(suite, name, result, output)]. Its log decorates names in ways that differ between versions
    of Meson; `suites`, from its introspection, says which suite each plain name belongs to."""
    out = []
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            for line in f:
                e = json.loads(line)
                name = max((n for n in suites if re.search(r"(^|[ :/])" + re.escape(n) + "$", e["name"])), key=len, default=e["name"])
                out.append((suites.get(name, "other"), name, e["result"], e.get("stdout", "") + e.get("stderr", "")))
    except FileNotFoundError:
        pass
    return out


def count(results):
    """suite -> [passed, failed, skipped], in order of appearance."""
    table = {}
    for suite, _, result, _ in results:
        row = table.setdefault(suite, [0, 0, 0])
        row[0 if result in GOOD else 2 if result == "SKIP" else 1] += 1
    return table


def known_tests(build):
    """name -> suite of every test that Meson knows."""
    p = subprocess.run(["meson", "introspect", "--tests", build], stdout=subprocess.PIPE, text=True)
    tests = json.loads(p.stdout or "[]") if p.returncode == 0 else []
    return {t["name"]: (t["suite"] or ["other"])[0].split(":")[-1] for t in tests}


def run_meson(build, tests, suites):
    log = os.path.join(build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.unlink(log)
    # One more than there are processors: many tests wait for something, gdb's most of all.
    cmd = ["meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs", "--num-processes", str((os.cpu_count() or 1) + 1)]
    for s in suites:
        cmd += ["--suite", s]
    multiplier = 5 if os.path.basename(build) != "build" else 1
    cmd += ["--timeout-multiplier", str(multiplier)]
    out = os.path.join(ROOT, "build", "logs", "test.log")
    os.makedirs(os.path.dirname(out), exist_ok=True)
    with open(out, "w") as f:
        rc = subprocess.run(cmd, stdout=f, stderr=subprocess.STDOUT).returncode
    results = read_log(log, tests)
    if rc and all(r[2] in GOOD or r[2] == "SKIP" for r in results):
        results.append(("meson", "meson test", "FAIL", "see %s" % os.path.relpath(out, ROOT)))
    return results


# Short system tests that run in the optimising tier, too.
OPTIMISED = ["bash-pipes", "coreutils", "busybox", "perl", "lua", "gawk", "sqlite", "git", "python-json", "python-struct", "python-re", "python-math"]


def run_system(build, guest):
    """The system tests of a guest ISA: [passed, failed, skipped]. Skipped as one where the machine makes no namespaces for them.
    The first guest has them all; what is long, and is Python's own tests, is the same calls for the others."""
    row = run_system_as(build, guest, "system-%s" % guest, ["--quick"] if guest != GUESTS[0] else [])
    if os.uname().machine == "x86_64" and not row[2]:
        row = [x + y for x, y in zip(row, run_system_as(build, guest, "system-optimised-%s" % guest,
                                                        ["--option=--tier=optimised", "--option=--hot=20"] + OPTIMISED))]
    return row


def run_system_as(build, guest, name, more):
    report = os.path.join(build, "%s.json" % name)
    if os.path.exists(report):
        os.unlink(report)
    p = subprocess.Popen([os.path.join(ROOT, "tests", "system", "run.py"), "--build", build, "--guest", guest, "--json", report, "--jobs", str(os.cpu_count() or 1)]
                         + more, stdout=subprocess.PIPE, text=True, errors="replace")
    for line in p.stdout:
        print("%-8s %s" % (guest, line), end="", flush=True)
    rc = p.wait()
    if rc == 77:
        return [0, 0, 1]
    try:
        with open(report) as f:
            r = json.load(f)
    except FileNotFoundError:
        print("FAILED system: the runner ended with status %d" % rc)
        return [0, 1, 0]
    return [r["passed"], r["failed"], r["skipped"]]


def run_pairs(build):
    """Programs with Dragoman built for other hosts: [passed, failed, skipped]. Needs their cross compilers."""
    report = os.path.join(build, "pairs.json")
    if os.path.exists(report):
        os.unlink(report)
    rc = subprocess.run([os.path.join(ROOT, "tests", "pairs", "run.py"), "--build", build, "--make", "--json", report]).returncode
    try:
        with open(report) as f:
            r = json.load(f)
    except FileNotFoundError:
        print("FAILED pairs: the runner ended with status %d" % rc)
        return [0, 1, 0]
    return [r["passed"], r["failed"], r["skipped"]]


def run_suites(build):
    """The quick subsets of the conformance suites, for each guest: [passed, failed, skipped]. A suite that could not be brought here is
    one skipped. Those that sleep most of their time have others beside them, and those that take longest begin early: nothing is left to run alone in the
    end."""
    tool = os.path.join(ROOT, "tests", "suites", "run.py")
    names = subprocess.run([tool, "--list"], stdout=subprocess.PIPE, text=True).stdout.split()
    names.sort(key=lambda n: {"rt-tests": 0, "stress-ng": 1, "posix": 2}.get(n, 3))

    def run(what):
        name, guest = what
        log = os.path.join(ROOT, "build", "logs", "suite-%s-%s.log" % what)
        with open(log, "w") as f:
            rc = subprocess.run([tool, name, "--guest", guest, "--quick", "--check", "--ours", os.path.join(build, "dragoman")], stdout=f,
                                stderr=subprocess.STDOUT).returncode
        with open(log, encoding="utf-8", errors="replace") as f:
            lines = f.read().splitlines()
        m = re.search(r"(\d+) passed, (\d+) failed, (\d+) skipped$", lines[-1] if lines else "")
        row = [int(x) for x in m.groups()] if m else [0, 0, 1] if rc == 2 else [0, 1, 0]
        said = ["%s %s: %s (log: %s)" % (name, guest, l, os.path.relpath(log, ROOT)) for l in lines
                if l.startswith("FAILED") or not m and l is lines[-1]]
        print("\n".join(said + ["%-14s %d passed, %d failed, %d skipped" % (" ".join(what), *row)]), flush=True)
        return row

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        return [sum(column) for column in zip(*pool.map(run, [(n, g) for n in names for g in GUESTS]))]


def main(argv):
    ap = argparse.ArgumentParser(description="Runs the tests and counts them.")
    ap.add_argument("--build", default="build")
    ap.add_argument("suites", nargs="*", metavar="SUITE")
    a = ap.parse_args(argv)
    build = os.path.join(ROOT, a.build)
    signals.as_a_terminal_gives_them()
    tests = known_tests(build)
    known = set(tests.values())
    apart = {"suites", "pairs", "system"}
    unknown = set(a.suites) - known - apart
    if unknown:
        print("test: no such suite: %s (there are: %s)" % (", ".join(sorted(unknown)), ", ".join(sorted(known | apart))), file=sys.stderr)
        return 2
    total = [0, 0, 0]
    meson_suites = [s for s in a.suites if s not in apart]
    if tests and (meson_suites or not a.suites):
        results = run_meson(build, tests, meson_suites)
        for suite, row in count(results).items():
            print("%-14s %d passed, %d failed, %d skipped" % (suite, *row), flush=True)
            total = [x + y for x, y in zip(total, row)]
        for suite, name, result, output in results:
            if result not in GOOD and result != "SKIP":
                print("FAILED %s/%s: %s (log: %s/meson-logs/testlog.txt)" % (suite, name, result.lower(), a.build))
                for l in output.splitlines()[-(60 if os.environ.get("CI") else 15):]:
                    print("    " + l)
    if not a.suites or "suites" in a.suites:
        total = [x + y for x, y in zip(total, run_suites(build))]
    # A build with a sanitizer, or for another host, is not what the others run under.
    if "pairs" in a.suites or not a.suites and os.path.basename(build) == "build":
        row = run_pairs(build)
        print("%-14s %d passed, %d failed, %d skipped" % ("pairs", *row), flush=True)
        total = [x + y for x, y in zip(total, row)]
    if not a.suites or "system" in a.suites:
        # All guests at a time: what sleeps in one leaves the processors to the others.
        with concurrent.futures.ThreadPoolExecutor(len(GUESTS)) as pool:
            for guest, row in zip(GUESTS, pool.map(lambda g: run_system(build, g), GUESTS)):
                print("%-14s %d passed, %d failed, %d skipped" % ("system " + guest, *row), flush=True)
                total = [x + y for x, y in zip(total, row)]
    print("%d passed, %d failed, %d skipped" % tuple(total))
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
