#!/usr/bin/env python3
"""Runs the fuzzers for `./dev fuzz`.

    fuzz.py                   names them
    fuzz.py NAME [SECONDS]    runs one (60 seconds)
    fuzz.py all [SECONDS]     runs each in turn

A fuzzer is a program of the tests called fuzz_NAME (build/tests/PART/fuzz_NAME). It is started as `fuzz_NAME SECONDS CORPUS`,
where CORPUS is tests/PART/corpus/NAME, whose files it starts from, and puts an input that broke something into the working
directory, build/fuzz/NAME. It ends with 0 when nothing broke.
"""
import glob
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def fuzzers():
    """name -> (program, corpus)."""
    out = {}
    for path in sorted(glob.glob(os.path.join(ROOT, "build", "tests", "**", "fuzz_*"), recursive=True)):
        if os.path.isfile(path) and os.access(path, os.X_OK):
            name = os.path.basename(path)[5:]
            part = os.path.relpath(os.path.dirname(path), os.path.join(ROOT, "build"))
            out[name] = (path, os.path.join(ROOT, part, "corpus", name))
    return out


def main(argv):
    have = fuzzers()
    if not argv:
        print("\n".join(have) or "there are no fuzzers yet")
        return 0
    names = list(have) if argv[0] == "all" else argv[:1]
    seconds = argv[1] if len(argv) > 1 else "60"
    if not seconds.isdigit():
        print("fuzz: %s: not a number of seconds" % seconds, file=sys.stderr)
        return 2
    failed = 0
    for name in names:
        if name not in have:
            print("fuzz: no fuzzer is called %s (there are: %s)" % (name, " ".join(have) or "none"), file=sys.stderr)
            return 2
        program, corpus = have[name]
        work = os.path.join(ROOT, "build", "fuzz", name)
        os.makedirs(work, exist_ok=True)
        rc = subprocess.run([program, seconds, corpus], cwd=work).returncode
        print("fuzz %-20s %s" % (name, "ok" if rc == 0 else "FAILED with status %d (inputs: %s)" % (rc, os.path.relpath(work, ROOT))), flush=True)
        failed += rc != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
