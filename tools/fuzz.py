#!/usr/bin/env python3
"""Runs the fuzzers for `./dev fuzz`, which has built them with libFuzzer and sanitizers in build-fuzz.

    fuzz.py                   names them
    fuzz.py NAME [SECONDS]    runs one (60 seconds)
    fuzz.py all [SECONDS]     runs each in turn
    fuzz.py --keep NAME       adds to the kept corpus what found new ways, as small as can be

A fuzzer is a program fuzz_NAME. It starts from the kept corpus, tests/fuzz/corpus/NAME, and from what earlier runs found, which build/fuzz/NAME holds: `found`, and
an input that broke something (crash-…, timeout-…). Files of several parts, which begin at lines "; test:", are split first. It ends with 0 when nothing broke.
"""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MARK = b"\n; test:"
COMMON = ["-rss_limit_mb=0", "-detect_leaks=0", "-timeout=30", "-max_len=4096", "-print_final_stats=0", "-verbosity=0"]


def fuzzers(build):
    """name -> program."""
    folder = os.path.join(build, "tests", "fuzz")
    found = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    paths = {n[5:]: os.path.join(folder, n) for n in found if n.startswith("fuzz_")}
    return {n: p for n, p in paths.items() if os.path.isfile(p) and os.access(p, os.X_OK)}


def split(data):
    """The parts of a file: itself, or one for each of its marks."""
    parts = data.split(MARK)
    return [p if i == 0 else MARK[1:] + p for i, p in enumerate(parts)]


def seeds(corpus, into):
    """Puts the corpus, a file a part, into a directory."""
    os.makedirs(into, exist_ok=True)
    for name in sorted(os.listdir(corpus)):
        with open(os.path.join(corpus, name), "rb") as f:
            parts = split(f.read())
        for i, part in enumerate(parts):
            with open(os.path.join(into, "%s.%d" % (name, i) if len(parts) > 1 else name), "wb") as f:
                f.write(part)


def run(name, program, seconds):
    corpus = os.path.join(ROOT, "tests", "fuzz", "corpus", name)
    work = os.path.join(ROOT, "build", "fuzz", name)
    start, found = os.path.join(work, "seeds"), os.path.join(work, "found")
    seeds(corpus, start)
    os.makedirs(found, exist_ok=True)
    with open(os.path.join(work, "log"), "wb") as log:
        rc = subprocess.run([program, *COMMON, "-max_total_time=" + seconds, "-artifact_prefix=" + work + "/", found, start], cwd=work, stdout=log,
                            stderr=subprocess.STDOUT).returncode
    print("fuzz %-12s %s" % (name, "ok" if rc == 0 else "FAILED with status %d (see %s)" % (rc, os.path.relpath(work, ROOT))), flush=True)
    return rc == 0


def keep(name, program):
    corpus = os.path.join(ROOT, "tests", "fuzz", "corpus", name)
    found = os.path.join(ROOT, "build", "fuzz", name, "found")
    before = len(os.listdir(corpus))
    rc = subprocess.run([program, *COMMON, "-merge=1", corpus, found], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    print("fuzz %-12s %d inputs more" % (name, len(os.listdir(corpus)) - before))
    return rc == 0


def main(argv):
    have = fuzzers(os.path.join(ROOT, "build-fuzz"))
    keeping = argv[:1] == ["--keep"]
    argv = argv[1:] if keeping else argv
    if not argv:
        print("\n".join(have) or "there are no fuzzers: ./dev fuzz builds them")
        return 0
    names = list(have) if argv[0] == "all" else argv[:1]
    seconds = argv[1] if len(argv) > 1 else "60"
    if not seconds.isdigit():
        print("fuzz: %s: not a number of seconds" % seconds, file=sys.stderr)
        return 2
    bad = [n for n in names if n not in have]
    if bad:
        print("fuzz: no fuzzer is called %s (there are: %s)" % (bad[0], " ".join(have) or "none"), file=sys.stderr)
        return 2
    good = [keep(n, have[n]) if keeping else run(n, have[n], seconds) for n in names]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
