#!/usr/bin/env python3
"""Builds a real package the autotools way: `./configure` and `make`, natively, under QEMU and under Dragoman.

    configure.py [--guest riscv64|aarch64] [--engines native,qemu,dragoman] [--dragoman PATH] [--rounds N] [--step configure|make]…

The package is GNU hello, whose source is Debian's (tools/source_pkg.py); shell, tools and compiler are Debian's, of this
machine's architecture or the guest's (tools/guest_root.py, the sets base and gcc). It is thousands of short processes, most of
them sh, sed, grep, expr and cc1. Each engine builds a copy of its own, twice before it is measured where that is Dragoman: its cache of
translations is then warm, in build/bench/configure-cache. QEMU runs by a binfmt_misc that only this script sees. Prints processor
time and time on the wall of each step, and ratios of processor time. Exit status 1 when a step failed, 77 when this machine lets us make no namespaces.
"""
import argparse
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tarfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.path.join(ROOT, "build")
ROOTS = os.path.join(BUILD, "roots")
INSIDE = "DRAGOMAN_BENCH_CONFIGURE"
# The package is older than riscv64, and its work is to be the same everywhere: so what it is built for is only a name.
STEPS = {"configure": ["/bin/sh", "./configure", "--build=x86_64-pc-linux-gnu", "--disable-nls", "--quiet"], "make": ["/usr/bin/make", "-s"]}
MACHINES = {"riscv64": 243, "aarch64": 183}
DEBIAN = {"riscv64": "riscv64", "aarch64": "arm64"}
QEMU_CPU = {"riscv64": "rv64", "aarch64": "cortex-a76"}  # as for bench.py, which says why
ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "HOME": "/"}


def enter_namespace():
    """Starts this script again in namespaces of its own; returns only in there."""
    if os.environ.get(INSIDE):
        return
    how = ["unshare", "--mount", "--user", "--map-root-user"]
    if subprocess.run(how + ["true"], stderr=subprocess.DEVNULL).returncode:
        print("configure: this machine lets us make no namespaces (tried: %s)" % " ".join(how), file=sys.stderr)
        sys.exit(77)
    os.environ[INSIDE] = "1"
    os.execvp(how[0], how + [sys.executable, os.path.abspath(__file__)] + sys.argv[1:])


def fetch():
    """The source's archive. It is unpacked here with the times that it gives its files, at which autotools' rules look."""
    sys.path.insert(0, os.path.join(ROOT, "tools"))
    import source_pkg
    try:
        return source_pkg.bring_tarballs(os.path.join(BUILD, "sources"), "hello")[0]
    except source_pkg.Failure as e:
        sys.exit("configure: %s" % e)


def register_qemu(guest):
    static = shutil.which("qemu-%s-static" % guest)
    if not static:
        sys.exit("configure: QEMU needs qemu-%s-static" % guest)
    subprocess.run(["mount", "-t", "binfmt_misc", "none", "/proc/sys/fs/binfmt_misc"], check=True)
    head = "7fELF 02 01 01 00 00 00 00 00 00 00 00 00 02 00 %02x 00".replace("ELF", " 45 4c 46") % MACHINES[guest]
    mask = "ff ff ff ff ff ff ff 00 ff ff ff ff ff ff ff ff fe ff ff ff"
    with open("/proc/sys/fs/binfmt_misc/register", "w", encoding="ascii") as f:
        f.write(":%s:M::%s:%s:%s:FPOC" % (guest, *("".join("\\x" + b for b in text.split()) for text in (head, mask)), static))


class Engine:
    def __init__(self, name, opt):
        self.name, self.opt = name, opt
        self.arch = DEBIAN[opt.guest] if name != "native" else {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        self.root = os.path.join(ROOTS, self.arch)
        self.where = "/tmp/configure-%s-%d" % (name, os.getpid())

    def unpack(self, archive):
        shutil.rmtree(self.root + self.where, ignore_errors=True)
        with tarfile.open(archive) as t:
            t.extractall(self.root + self.where)
        self.cwd = self.where + "/" + os.listdir(self.root + self.where)[0]

    def step(self, argv):
        """Seconds of processor and on the wall."""
        if self.name == "dragoman":
            argv = [self.opt.dragoman, "run", "--cache", os.path.join(BUILD, "bench", "configure-cache"), "--root", self.root, "-C", self.cwd] + argv
        else:
            argv = ["unshare", "--root=" + self.root, "--wd=" + self.cwd] + argv
        env = dict(ENV, QEMU_CPU=QEMU_CPU[self.opt.guest]) if self.name == "qemu" else ENV
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        p = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if p.returncode:
            sys.exit("configure: %s: %s: status %d\n%s" % (self.name, " ".join(argv), p.returncode, p.stdout[-2000:]))
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, wall

    def build(self, archive, steps):
        """By step, what it took."""
        self.unpack(archive)
        took = {s: self.step(STEPS[s]) for s in STEPS if s in steps}
        if "make" in steps:
            self.step(["./hello", "--version"])
        return took


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--guest", choices=sorted(MACHINES), default="riscv64")
    ap.add_argument("--engines", default="native,qemu,dragoman")
    ap.add_argument("--dragoman", default=os.path.join(BUILD, "dragoman"))
    ap.add_argument("--rounds", type=int, default=1)
    ap.add_argument("--step", action="append", choices=sorted(STEPS), help="only up to that one")
    ap.add_argument("--warm", type=int, default=2, help="builds of Dragoman's before those that count")
    opt = ap.parse_args()
    opt.dragoman = os.path.abspath(opt.dragoman)
    names = opt.engines.split(",")
    steps = opt.step or list(STEPS)
    enter_namespace()
    archive = fetch()
    engines = [Engine(n, opt) for n in names]
    for arch in sorted({e.arch for e in engines}):
        subprocess.run([os.path.join(ROOT, "tools", "guest_root.py"), "--quiet", "--dir", ROOTS, "--arch", arch, "base", "gcc"], check=True)
    for root in sorted({e.root for e in engines if e.name != "dragoman"}):
        for d in ("dev", "proc"):
            subprocess.run(["mount", "--rbind", "/" + d, os.path.join(root, d)], check=True)
    if "qemu" in names:
        register_qemu(opt.guest)
    took = {n: {s: [] for s in steps} for n in names}
    try:
        for e in engines:
            for _ in range(opt.warm if e.name == "dragoman" else 0):
                e.build(archive, steps)
        for _ in range(opt.rounds):
            for e in engines:
                for s, t in e.build(archive, steps).items():
                    took[e.name][s].append(t)
    finally:
        for e in engines:
            shutil.rmtree(e.root + e.where, ignore_errors=True)
    print("%-10s %s" % ("", "".join("%26s" % n for n in names)))
    for s in steps:
        cpu = {n: statistics.median(t[0] for t in took[n][s]) for n in names}
        print("%-10s %s" % (s, "".join("%9.2f s (%.2f on the wall)" % (cpu[n], statistics.median(t[1] for t in took[n][s])) for n in names)))
        for a, b in (("dragoman", "native"), ("qemu", "native"), ("qemu", "dragoman")):
            if a in cpu and b in cpu:
                print("    %s / %s: %.2f" % (a, b, cpu[a] / cpu[b]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
