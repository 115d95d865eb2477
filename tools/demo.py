#!/usr/bin/env python3
"""The demo: Debian's riscv64 python3 and sqlite3, unmodified, at real work on this machine, beside their native builds.

./dev demo has built the command and fetched the packages. This runs the job (examples/weather.py, then examples/weather.sql on
the database that it made) under Dragoman, and natively with the same packages' builds for this machine, shows what they print,
and checks that both printed the same. Exit status 1 when not.
"""
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOTS = os.path.join(ROOT, "build", "roots")
COMMAND = os.path.join(ROOT, "build", "dragoman")
JOBS = [("python3", "/usr/bin/python3 weather.py weather.db", None), ("sqlite3", "/usr/bin/sqlite3 weather.db", "weather.sql")]
ENV = {"PATH": "/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}


def timed(argv, stdin):
    start = time.monotonic()
    p = subprocess.run(argv, stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=ENV)
    return p.returncode, p.stdout, time.monotonic() - start


def native_prefix(root, cwd):
    """How a program of the native root is started, or None where this machine lets us not."""
    enter = ["unshare"] + ([] if os.getuid() == 0 else ["--user", "--map-root-user"]) + ["--root=" + root, "--wd=" + cwd]
    return enter if subprocess.run(enter + ["/usr/bin/true"], stderr=subprocess.DEVNULL, env=ENV).returncode == 0 else None


def without_machine(text):
    """The lines that must be equal: all but the first that names the machine."""
    return [l for l in text.splitlines() if not l.startswith("python ")]


def main():
    cwd = "/tmp/demo-%d" % os.getpid()
    dirs = {a: os.path.join(ROOTS, a) + cwd for a in ("riscv64", "amd64")}
    print("\nDragoman runs Debian's riscv64 python3 and sqlite3 on this %s machine.\n" % platform.machine())
    ok = True
    for d in dirs.values():
        os.makedirs(d, exist_ok=True)
        for f in ("weather.py", "weather.sql"):
            shutil.copy(os.path.join(ROOT, "examples", f), d)
    try:
        native = native_prefix(os.path.join(ROOTS, "amd64"), cwd)
        for name, command, stdin in JOBS:
            argv = command.split(" ")
            inputs = {a: open(os.path.join(d, stdin)) if stdin else None for a, d in dirs.items()}
            print("$ dragoman run --root build/roots/riscv64 %s%s" % (command, " <" + stdin if stdin else ""), flush=True)
            rc, out, took = timed([COMMAND, "run", "--root", os.path.join(ROOTS, "riscv64"), "-C", cwd] + argv, inputs["riscv64"])
            print("".join("    %s\n" % l for l in out.splitlines()), end="")
            if rc:
                print("    %s ended with status %d" % (name, rc))
                ok = False
            elif not native:
                print("    %.2f s (this machine lets us not change roots, so there is no native run beside it)" % took)
            else:
                rc, want, native_took = timed(native + argv, inputs["amd64"])
                same = rc == 0 and without_machine(out) == without_machine(want)
                print("    %.2f s, natively %.2f s: %.1f times as long; output %s\n" % (took, native_took, took / native_took, "the same" if same else "DIFFERS"))
                ok = ok and same
    finally:
        for d in dirs.values():
            shutil.rmtree(d, ignore_errors=True)
    if ok:
        print("Try it: build/dragoman run --root build/roots/riscv64 /usr/bin/python3\n")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
