#!/usr/bin/env python3
"""Runs another project's conformance suite natively, under QEMU and under Dragoman, and compares.

    run.py SUITE [--guest riscv64|aarch64] [--only PATTERN] [--side native,qemu,ours] [--ours build/dragoman] [--quick] [--check] [--table]
    run.py --list

Suites: qemu-tcg, testfloat, gcc-torture, posix, stress-ng, rt-tests. Their sources and programs are Debian's, fetched on the
first run into build/sources and build/roots; what is built and kept goes to build/suites/SUITE, the output of tests that did
not pass to build/suites/SUITE/logs/TEST.GUEST-SIDE.

--quick takes the small subset of each suite. --check runs `ours` only, runs natively what failed there, and ends with
status 1 when ours fails what native passes and known/SUITE.txt does not name; the last line is `N passed, N failed, N skipped`.
--table writes docs/suites/SUITE.md from all outcomes that are kept, of all guests, without running anything.

Exit status: 0; 1 when --check found a new failure; 2 when the suite could not be run; 77 when this
machine does not let it.
"""
import argparse
import fnmatch
import gzip
import importlib
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import suite  # noqa: E402
from suite import guests  # noqa: E402
sys.path.insert(0, os.path.join(suite.ROOT, "tools"))
import guest_root  # noqa: E402
import signals  # noqa: E402
import source_pkg  # noqa: E402

SUITES = ["qemu-tcg", "testfloat", "gcc-torture", "posix", "stress-ng", "rt-tests"]


def say(text):
    print(text, flush=True)


def load(name):
    return importlib.import_module("suite_" + name.replace("-", "_"))


def bring(module, guest):
    """Fetches what the suite needs. Quick and without network when it is here."""
    if module.SOURCES:
        source_pkg.bring(os.path.join(suite.ROOT, "build", "sources"), module.SOURCES, say)
    for arch, name in module.SETS:
        arch = guest.debian if arch == "guest" else arch
        status = guest_root.main(["--quiet", "--arch", arch, name])
        if status:
            raise guest_root.Failure("%s: packages for %s could not be fetched" % (name, arch))


def package_version(package, arch):
    """The version of an unpacked Debian package, as its changelog begins."""
    path = os.path.join(suite.ROOT, "build", "roots", arch, "usr", "share", "doc", package, "changelog.Debian.gz")
    try:
        with gzip.open(path, "rt", errors="replace") as f:
            return f.readline().partition("(")[2].partition(")")[0] or "?"
    except OSError:
        return "?"


def versions(module, results, sides):
    """What was used on some sides, as lines for the page. A suite is either built here from its source, or the programs of a package."""
    said = [results.side(s) for s in sides if results.side(s)]
    return said if module.SOURCES else [re.sub(r"[;,] built by .*| \(-march.*", "", s) for s in said]


def write_table(name, module, ours):
    src = source_pkg.Sources(os.path.join(suite.ROOT, "build", "sources"))
    head = ["Debian source package %s %s" % (n, src.version(n)) for n, _ in module.SOURCES]
    if not head:
        head = ["Debian package %s %s" % (module.PACKAGE, package_version(module.PACKAGE, "amd64"))]
    parts = []
    for guest in guests.GUESTS.values():
        cx = suite.Context(name, ours, module.REALTIME, guest)
        results = suite.Results(cx.path("results.json"), guest.name)
        if results.side("ours"):
            parts.append((guest.name, versions(module, results, ["qemu", "ours"]), results, [t.name for t in module.tests(cx)],
                          suite.load_known(os.path.join(suite.HERE, "known", name + ".txt"), guest.name)))
    if not parts:
        print("suites: %s: no outcomes are kept" % name, file=sys.stderr)
        return 2
    head += versions(module, parts[0][2], ["native"]) + list(module.NOTES)
    command = "tests/suites/run.py %s --guest GUEST` for each guest and `tests/suites/run.py %s --table" % (name, name)
    path = os.path.join(suite.ROOT, "docs", "suites", name + ".md")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(suite.table(module, command, head, parts))
    say("wrote " + os.path.relpath(path, suite.ROOT))
    return 0


def main(argv):
    ap = argparse.ArgumentParser(description="Runs another project's conformance suite three ways and compares.")
    ap.add_argument("suite", nargs="?", choices=SUITES)
    ap.add_argument("--list", action="store_true", help="name the suite's tests, or the suites")
    guests.add_option(ap)
    ap.add_argument("--only", action="append", metavar="PATTERN", help="tests whose name matches")
    ap.add_argument("--failed", metavar="SIDE", choices=suite.SIDES, help="tests that failed there last time")
    ap.add_argument("--missing", action="store_true", help="tests of which a side's outcome is not kept")
    ap.add_argument("--side", metavar="SIDE,…", help="native, qemu, ours (all where not said)")
    ap.add_argument("--ours", default=os.path.join(suite.ROOT, "build", "dragoman"), metavar="PATH")
    ap.add_argument("--jobs", type=int, metavar="N")
    ap.add_argument("--quick", action="store_true")
    ap.add_argument("--check", action="store_true")
    ap.add_argument("--table", action="store_true")
    a = ap.parse_args(argv)
    if not a.suite:
        if a.list:
            say("\n".join(SUITES))
            return 0
        ap.error("name a suite, or --list")
    sides = a.side.split(",") if a.side else ["ours"] if a.check else suite.SIDES
    if any(s not in suite.SIDES for s in sides):
        ap.error("--side: native, qemu, ours")
    module = load(a.suite)
    ours = os.path.abspath(a.ours)
    try:
        known = suite.load_known(os.path.join(suite.HERE, "known", a.suite + ".txt"), a.guest.name)
        bring(module, a.guest)
    except (guest_root.Failure, ValueError) as e:
        print("suites: %s: %s" % (a.suite, e), file=sys.stderr)
        return 2
    if "ours" in sides and not a.table and not a.list and not os.access(ours, os.X_OK):
        print("suites: %s is not there; build it or say --ours" % a.ours, file=sys.stderr)
        return 2
    if not a.list and not a.table:
        suite.enter_namespace([os.path.abspath(__file__)] + argv)
    signals.as_a_terminal_gives_them()
    suite.limit_memory()
    if a.table:
        return write_table(a.suite, module, ours)
    cx = suite.Context(a.suite, ours, module.REALTIME, a.guest)
    results = suite.Results(cx.path("results.json"), a.guest.name)
    if hasattr(module, "prepare") and not a.list:
        try:
            module.prepare(cx)
        except suite.Unready as e:
            print("suites: %s: %s" % (a.suite, e), file=sys.stderr)
            return 77
    cx.quick = a.quick
    tests = module.tests(cx)
    if a.only:
        tests = [t for t in tests if any(fnmatch.fnmatchcase(t.name, p) for p in a.only)]
    if a.quick:
        tests = [t for t in tests if t.quick]
    if a.failed:
        tests = [t for t in tests if suite.is_failure(results.verdict(t.name, a.failed) or "pass")]
    if a.missing:
        tests = [t for t in tests if any(s in t.sides and not results.get(t.name, s) for s in sides)]
    if a.list:
        say("\n".join(t.name + (" (quick)" if t.quick else "") for t in tests))
        return 0
    if not tests:
        print("suites: %s: no such test" % a.suite, file=sys.stderr)
        return 2
    names = [t.name for t in tests]
    if a.check:  # outcomes of a check are not those of the table
        path = cx.path("check-%s.json" % a.guest.name)
        if os.path.exists(path):
            os.unlink(path)
        results = suite.Results(path, a.guest.name)
    for s in sides:
        results.put_side(s, suite.identify(s, a.guest))
    suite.run_all(cx, tests, sides, results, a.jobs or module.JOBS, say)
    if a.check:
        failed = [t for t in tests if suite.is_failure(results.verdict(t.name, "ours") or "pass")
                  and not suite.reason_for(known, t.name, "ours")]
        if failed:
            suite.run_all(cx, failed, ["native"], results, 1, say, retries=0)
    for s in sides:
        c = suite.counts(results, names, s)
        say("%-8s %d passed (%d at a later try), %d failed, %d not judged, %d not built"
            % (suite.NAMES[s], c["pass"], c["again"], c["fail"], c["skip"], c["unbuilt"]))
    if "ours" not in sides:
        return 0
    bad = suite.offences(results, names, known)
    for n, verdict, note in bad:
        say("FAILED %s: %s %s" % (n, verdict, note))
    for p in suite.stale(results, names, known):
        say("known/%s.txt: %s passes now" % (a.suite, p))
    c = suite.counts(results, names, "ours")
    say("%s: %d passed, %d failed, %d skipped" % (a.suite, c["pass"] + c["fail"] - len(bad), len(bad), c["skip"] + c["unbuilt"]))
    if not c["pass"] and not bad:
        print("suites: %s: nothing was judged" % a.suite, file=sys.stderr)
        return 2
    return 1 if bad and (a.check or not c["pass"]) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
