#!/usr/bin/env python3
"""Measures Dragoman beside native execution and QEMU, in one run.

    bench.py [--quick] [--rounds N] [--cpu] [--only PATTERN]… [--guests riscv64,aarch64] [--engines native,qemu,dragoman]
             [--tier NAME] [--qemu PREFIX] [--compare OLD.json] [--continue] [--for SECONDS] [--out BASE]
    bench.py --list

Three kinds of work. Programs of our own (programs/*.c; the first line says which category) are compiled with the same
flags for this machine and for each guest; those of vectors only for guests that have vectors. Applications (APPS below: programs and
interpreters) are Debian's packages, of all the architectures. Start-up is `true` and the like, many times.

Each round runs every engine on one piece of work, one right after the other: what else the machine does hits all of
them alike. Ratios are of medians over the rounds. All engines must print the same; work whose output differs counts as failed and has
no numbers. A category's figure is the geometric mean of its ratios.

Writes BASE.md, BASE.json and a plot for each guest, BASE-GUEST.svg (build/bench/latest). Where the machine is only quiet for
minutes, --for SECONDS begins no new work after that time, and --continue keeps what BASE.json has and measures the rest: it must be asked
for the same things. --compare names the work whose ratio changed by more than the samples of both runs lie apart. --qemu debian measures
beside the QEMU of Debian trixie, which tools/guest_root.py fetches, instead of this machine's. Exit status 1 when something failed.
"""
import argparse
import fnmatch
import hashlib
import json
import math
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.path.join(ROOT, "build")
OUT = os.path.join(BUILD, "bench")
CFLAGS = ["-O2", "-std=gnu17", "-ffp-contract=off", "-static", "-pthread"]
BIN = os.path.join(OUT, "bin-%08x" % zlib.crc32(" ".join(CFLAGS).encode()))
CATEGORIES = ["integer", "float", "vector", "memory", "call", "indirect", "atomic", "syscall", "interpreter", "application", "startup"]
ONLY_FOR = {"vector": ["aarch64"]}  # guests of a category that not all have: riscv64 has no vectors yet
NAMES = {"native": "native", "qemu": "QEMU", "dragoman": "Dragoman"}
GUESTS = {"riscv64": "riscv64", "aarch64": "arm64"}  # and Debian's name of it

# name: (category, sets of tools/guest_root.py, command in the root; {d} is where the files of apps/ and those made below lie). A last
# word that begins with < is its standard input.
APPS = {
    "sqlite": ("application", ["sqlite"], "/usr/bin/sqlite3 :memory: -init {d}/work.sql .quit"),
    "sort": ("application", ["base"], "/usr/bin/sort --parallel=1 -k2 {d}/text"),
    "grep": ("application", ["base"], "/bin/grep -cE [aeiou][^aeiou]+ing.*[0-9]7 {d}/text"),
    "sed": ("application", ["base"], "/bin/sed -nE s/([a-z]+)ing\\s([a-z]+)/\\2-\\1/gp {d}/medium"),
    "gzip": ("application", ["base"], "/usr/bin/gzip -6 -n -c {d}/medium"),
    "bzip2": ("application", ["base"], "/usr/bin/bzip2 -6 -c {d}/medium"),
    "xz": ("application", ["base"], "/usr/bin/xz -2 -T1 -c {d}/small"),
    "zstd": ("application", ["zstd"], "/usr/bin/zstd -q -9 --single-thread -c {d}/medium"),
    "factor": ("application", ["base"], "/usr/bin/factor 79228162514264337593543950319 121932631137021795226185032733 15241578780673678546105778281054720515 316912650057057350374175801351"),
    "b2sum": ("application", ["base"], "/usr/bin/b2sum {d}/text {d}/text {d}/text {d}/text"),
    "openssl": ("application", ["openssl"], "/usr/bin/openssl enc -aria-128-cbc -K 00112233445566778899aabbccddeeff -iv 00 -in {d}/text"),
    "openssl-hash": ("application", ["openssl"], "/usr/bin/openssl dgst -ripemd160 {d}/text {d}/text {d}/text"),
    "git": ("application", ["git"], "/usr/bin/git --git-dir={d}/repo.git --no-pager log -p --stat"),
    "gcc": ("application", ["gcc"], "/usr/libexec/gcc/{triple}/14/cc1 -quiet -O2 -ffreestanding {d}/unit.c -o /dev/null"),
    "ripgrep": ("application", ["rust"], "/usr/bin/rg --no-config -j1 -c [a-z]+ing.*[0-9]7 {d}/text"),
    "fzf": ("application", ["go"], "/usr/bin/fzf --filter eta7 <{d}/text"),
    "node": ("application", ["node"], "/usr/bin/node {d}/work.js"),
    "python": ("interpreter", ["python"], "/usr/bin/python3 {d}/work.py"),
    "perl": ("interpreter", ["perl"], "/usr/bin/perl {d}/work.pl"),
    "lua": ("interpreter", ["lua"], "/usr/bin/lua5.4 {d}/work.lua"),
    "gawk": ("interpreter", ["gawk"], "/usr/bin/gawk -f {d}/work.awk {d}/medium"),
    "mawk": ("interpreter", ["base"], "/usr/bin/mawk -f {d}/work.awk {d}/medium"),
    "bash": ("interpreter", ["base"], "/bin/bash {d}/work.sh"),
    "dash": ("interpreter", ["base"], "/bin/dash {d}/work.dash"),
    "bc": ("interpreter", ["base"], "/usr/bin/bc -lq {d}/work.bc <{d}/empty"),
}


# Who runs a piece of work is "native", or an engine and its guest: "qemu:riscv64".

def runners(engines, guests):
    return ["native"] + [e + ":" + g for g in guests for e in engines if e != "native"]


def name_of(runner):
    engine, _, guest = runner.partition(":")
    return NAMES[engine] + (" " + guest if guest else "")


class Work:
    """One piece of work: what each runner runs for it."""

    def __init__(self, name, category, times=1):
        self.name, self.category, self.times = name, category, times
        self.argv = {}  # by runner; of a guest that has no such work, none
        self.stdin = os.devnull


# --- what is to be run ---

def program_category(path):
    with open(path, encoding="utf-8") as f:
        m = re.match(r"/\* (\w+): ", f.readline())
    if not m or m.group(1) not in CATEGORIES:
        sys.exit("bench: %s: the first line names no category" % path)
    return m.group(1)


def program_names():
    return sorted(f[:-2] for f in os.listdir(os.path.join(HERE, "programs")) if f.endswith(".c"))


def compile_one(cc, source, out):
    """Compiles unless that has been done."""
    inputs = [source, os.path.join(HERE, "programs", "bench.h"), os.path.join(HERE, "programs", "vector.h")]
    if os.path.exists(out) and all(os.path.getmtime(out) >= os.path.getmtime(i) for i in inputs):
        return
    p = subprocess.run([cc] + CFLAGS + ["-o", out, source, "-lm"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if p.returncode:
        sys.exit("bench: %s: %s" % (source, p.stdout.strip().splitlines()[0]))


# QEMU's own choice computes pointer authentication, with which Debian's programs are built: up to 60 times slower in a program of
# calls. This one has what Dragoman has. Likewise "max", which QEMU 10 takes for riscv64, makes bash three times as slow as this one.
QEMU_CPU = {"aarch64": ["-cpu", "cortex-a76"], "riscv64": ["-cpu", "rv64"]}


def engine_prefix(engine, guest, args, guest_root):
    """How an emulating engine's command line begins; the program follows."""
    if engine == "qemu":
        return [shutil.which(args.qemu + guest)] + QEMU_CPU.get(guest, []) + (["-L", guest_root] if guest_root else [])
    return [args.dragoman, "run"] + (["--tier", args.tier] if args.tier else []) + (["--root", guest_root] if guest_root else [])


def guests_of(category, guests):
    return [g for g in guests if g in ONLY_FOR.get(category, guests)]


def programs(args, wanted):
    for name in program_names():
        source = os.path.join(HERE, "programs", name + ".c")
        category = program_category(source)
        if name == "true" or not wanted(name, category) or not guests_of(category, args.guests):
            continue
        yield compiled(args, Work(name, category), source, [str(args.percent)])


def compiled(args, w, source, extra):
    base = os.path.join(BIN, os.path.splitext(os.path.basename(source))[0])
    compile_one("gcc", source, base + ".native")
    w.argv["native"] = [base + ".native"] + extra
    for g in guests_of(w.category, args.guests):
        compile_one(g + "-linux-gnu-gcc", source, base + "." + g)
        for e in ("qemu", "dragoman"):
            w.argv[e + ":" + g] = engine_prefix(e, g, args, None) + [base + "." + g] + extra
    return w


def in_root(args, w, command):
    """Work that is a program of the Debian roots. Native: chroot; QEMU finds most files below its prefix, and others under the
    same name on this machine; ours has a root."""
    native = os.path.join(BUILD, "roots", "amd64")
    if " <" in command:
        command, stdin = command.split(" <")
        w.stdin = native + stdin.format(d=args.dir)
    w.argv["native"] = ["-R", native] + command.format(d=args.dir, triple="x86_64-linux-gnu").split(" ")
    for g in args.guests:
        root = os.path.join(BUILD, "roots", GUESTS[g])
        argv = command.format(d=args.dir, triple=g + "-linux-gnu").split(" ")
        w.argv["qemu:" + g] = engine_prefix("qemu", g, args, root) + [root + argv[0]] + argv[1:]
        w.argv["dragoman:" + g] = engine_prefix("dragoman", g, args, root) + argv
    return w


def applications(args, wanted):
    for name, (category, sets, command) in APPS.items():
        if wanted(name, category):
            args.sets.update(sets)
            yield in_root(args, Work(name, category), command)


def startups(args, wanted):
    times = 20 if args.quick else 100
    if wanted("true-static", "startup"):
        yield compiled(args, Work("true-static", "startup", times), os.path.join(HERE, "programs", "true.c"), [])
    if wanted("true-dynamic", "startup"):
        args.sets.add("base")
        yield in_root(args, Work("true-dynamic", "startup", times // 2), "/usr/bin/true")
    if wanted("sh", "startup"):
        args.sets.add("base")
        yield in_root(args, Work("sh", "startup", times // 2), "/bin/sh -c :")
    if wanted("python-start", "startup"):
        args.sets.add("python")
        yield in_root(args, Work("python-start", "startup", times // 20), "/usr/bin/python3 -I -S -c pass")


def make_repository(folder, lines):
    """A git repository of 120 commits, each of which changes some lines of three of its twelve files."""
    def put(kind, data):
        data = b"%s %d\0" % (kind, len(data)) + data
        name = hashlib.sha1(data).hexdigest()
        path = os.path.join(folder, "objects", name[:2], name[2:])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(zlib.compress(data))
        return name

    for d in ("objects", "refs/heads"):
        os.makedirs(os.path.join(folder, d), exist_ok=True)
    texts = [lines[i * 150:i * 150 + 150] for i in range(12)]
    blobs, parent = [None] * 12, ""
    for n in range(120):
        for k in range(12) if n == 0 else (n % 12, n * 5 % 12, n * 7 % 12):
            for i in range(6):
                texts[k][(n * 13 + i * 29) % 150] = lines[(n * 31 + i * 7 + k) % len(lines)]
            blobs[k] = put(b"blob", ("\n".join(texts[k]) + "\n").encode())
        tree = put(b"tree", b"".join(b"100644 file%02d\0" % k + bytes.fromhex(b) for k, b in enumerate(blobs)))
        who = "A U Thor <author@example.org> %d +0000" % (1000000000 + n * 1000)
        parent = put(b"commit", ("tree %s\n%sauthor %s\ncommitter %s\n\nchange %d\n" % (tree, "parent %s\n" % parent if parent else "", who, who, n)).encode())
    for name, text in (("HEAD", "ref: refs/heads/main\n"), ("refs/heads/main", parent + "\n"), ("config", "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)


def make_files(folder):
    """The files that applications read, the same on every machine."""
    os.makedirs(folder, exist_ok=True)
    for f in os.listdir(os.path.join(HERE, "apps")):
        shutil.copy(os.path.join(HERE, "apps", f), folder)
    state = 1
    words = []
    for i in range(120000):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        x = state >> 40
        words.append("".join("etaoinshrdlu"[(x >> (4 * k)) % 12] for k in range(1 + x % 7)) + ("ing" if x % 11 == 0 else "") + ("%d" % (x % 1000) if x % 13 == 0 else ""))
    lines = [" ".join(words[i:i + 9]) for i in range(0, len(words), 9)]
    for name, times in (("small", 1), ("medium", 4), ("text", 16)):
        with open(os.path.join(folder, name), "w") as f:
            f.write("\n".join(lines * times) + "\n")
    open(os.path.join(folder, "empty"), "w").close()
    make_repository(os.path.join(folder, "repo.git"), lines)
    with open(os.path.join(folder, "unit.c"), "w") as f:
        f.write("typedef unsigned long u64;\nstruct s { u64 a, b; struct s *next; int v[8]; };\n")
        for i in range(140):
            f.write("static u64 f%d(struct s *p, u64 n)\n{\n    u64 r = %d;\n    for (u64 i = 0; i < n; i++) {\n        if ((i ^ r) %% %d == 1)\n"
                    "            r += p->v[i & 7] * i;\n        else if (p->next)\n            p = p->next;\n        switch (r & 3) {\n"
                    "        case 0: r ^= p->a << %d; break;\n        case 1: p->b = r / (i + 1); break;\n        case 2: r -= p->b; break;\n        }\n    }\n"
                    "    return r%s;\n}\n" % (i, i * 7, i % 13 + 3, i % 31 + 1, " + f%d(p, n / 2)" % (i - 1) if i else ""))
        f.write("u64 all(struct s *p)\n{\n    return f139(p, 100);\n}\n")


# --- running ---

def build_spawn():
    out = os.path.join(BIN, "spawn")
    compile_one("gcc", os.path.join(HERE, "spawn.c"), out)
    return out


def measure(spawn, argv, times, stdin, timeout):
    """Runs once: (what was measured, None), or (None, why not)."""
    r, w = os.pipe()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, open(stdin, "rb") as inp:
        p = subprocess.Popen([spawn, "-n", str(times), "-f", str(w)] + argv, stdin=inp, stdout=out, stderr=err, pass_fds=[w], start_new_session=True,
                             env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/root", "PYTHONHASHSEED": "0"})
        os.close(w)
        try:
            p.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, 9)
            p.wait()
            os.close(r)
            return None, "took longer than %d s" % timeout
        with os.fdopen(r) as f:
            line = f.read().split()
        out.seek(0)
        err.seek(0)
        text = out.read()
        if len(line) != 4 or int(line[3]) != 0:
            said = err.read().decode(errors="replace").strip().splitlines()
            return None, "status %s%s" % (line[3] if len(line) == 4 else "?", ": " + said[-1][:200] if said else "")
    wall, cpu, memory = int(line[0]) / 1e9 / times, int(line[1]) / 1e9 / times, int(line[2])
    return {"wall": wall, "cpu": cpu, "rss_kib": memory, "output": hash_of(text)}, None


def hash_of(data):
    return hashlib.sha256(data).hexdigest()


def run_all(works, engines, rounds, spawn, timeout, clock, until, say):
    """name -> {"category", "samples": {engine: [wall]}, "rss_kib": {engine: n}, "error": {engine: text}}. Begins no new work after `until`."""
    result = {}
    for i, w in enumerate(works):
        if until and time.monotonic() > until:
            break
        mine = [e for e in engines if e in w.argv]
        row = result[w.name] = {"category": w.category, "samples": {e: [] for e in mine}, "rss_kib": {}, "error": {}}
        # Once for nothing: files that are in memory from then on, and translations that are kept on disk, are so for everybody.
        for e in mine:
            measure(spawn, w.argv[e], 1, w.stdin, timeout)
        for r in range(rounds):
            outputs = {}
            say("%d of %d: %s, round %d of %d" % (i + 1, len(works), w.name, r + 1, rounds))
            for e in mine:
                if e in row["error"]:
                    continue
                m, why = measure(spawn, w.argv[e], w.times, w.stdin, timeout)
                if not m:
                    row["error"][e] = why
                    continue
                outputs[e] = m["output"]
                row["samples"][e].append(m[clock])
                row["rss_kib"][e] = max(row["rss_kib"].get(e, 0), m["rss_kib"])
            for e in mine[1:]:
                if e in outputs and mine[0] in outputs and outputs[e] != outputs[mine[0]]:
                    row["error"][e] = "its output differs from %s's" % mine[0]
    return result


# --- figures ---

def geomean(values):
    values = [v for v in values if v and v > 0]
    return math.exp(sum(math.log(v) for v in values) / len(values)) if values else None


def median_of(row, engine):
    s = row["samples"].get(engine)
    return statistics.median(s) if s and engine not in row["error"] else None


def spread_of(row, engine):
    """How far the samples lie apart, as a part of their median."""
    s = row["samples"].get(engine)
    return (max(s) - min(s)) / statistics.median(s) if s and len(s) > 1 else None


def ratio(row, a, b):
    """Time of a over time of b."""
    x, y = median_of(row, a), median_of(row, b)
    return x / y if x and y else None


def ratio_spread(row, a, b):
    """How far the ratios of single rounds lie apart, as a part of the ratio of the medians; None of one round."""
    pairs = [x / y for x, y in zip(row["samples"].get(a, []), row["samples"].get(b, []))]
    middle = ratio(row, a, b)
    return (max(pairs) - min(pairs)) / middle if len(pairs) > 1 and middle else None


def changes(result, old, a, b):
    """[(name, before, now)] of the work whose ratio of a to b changed by more than both runs' ratios lie apart, the largest first. Of a run
    of one round nothing is known about that; a tenth is taken for it."""
    out = []
    for name, row in result.items():
        before, now = name in old and ratio(old[name], a, b), ratio(row, a, b)
        if before and now:
            spread = sum(0.1 if s is None else s for s in (ratio_spread(row, a, b), ratio_spread(old[name], a, b)))
            if abs(math.log(now / before)) > math.log(1 + spread):
                out.append((name, before, now))
    return sorted(out, key=lambda c: -abs(math.log(c[2] / c[1])))


def summary(result, a, b):
    """category -> geometric mean of a's time over b's; "all" leaves out start-up."""
    out = {}
    for c in CATEGORIES:
        out[c] = geomean(ratio(r, a, b) for r in result.values() if r["category"] == c)
    out["all"] = geomean(ratio(r, a, b) for r in result.values() if r["category"] != "startup")
    return out


def fmt(x, pattern="%.2f"):
    return pattern % x if x is not None else "-"


def fmt_time(s):
    return "-" if s is None else "%.2f ms" % (s * 1e3) if s < 0.1 else "%.2f s" % s


def rounds_of(doc):
    """How many rounds there were, as text: --continue may have been asked for more or less."""
    n = {max(len(s) for s in row["samples"].values()) for row in doc["work"].values()} or {doc["rounds"]}
    return str(max(n)) if len(n) == 1 else "%d to %d" % (min(n), max(n))


def markdown(doc, old=None):
    result, guests = doc["work"], doc["guests"]
    old_guests = [g for g in guests if old and g in old["guests"]]
    lines = ["# Benchmarks", "", "%s; %s, medians of %s rounds. × is time over native time; faster is how many times as fast as QEMU; the spread is that of Dragoman's samples."
             % (doc["machine"], doc["clock"], rounds_of(doc)), ""]
    if doc.get("versions"):
        lines += ["; ".join("%s: %s" % v for v in doc["versions"].items()) + ("; tier: " + doc["tier"] if doc.get("tier") else "") + ".", ""]
    head = ["work", "category", "native"]
    for g in guests:
        head += [g + ": QEMU ×", "Dragoman ×", "faster", "spread"] + (["before ×", "change"] if g in old_guests else [])
    lines += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name in sorted(result, key=lambda n: (CATEGORIES.index(result[n]["category"]), n)):
        row = result[name]
        cells = [name, row["category"], fmt_time(median_of(row, "native"))]
        for g in guests:
            qemu, ours = "qemu:" + g, "dragoman:" + g
            d, f, s = ratio(row, ours, "native"), ratio(row, qemu, ours), spread_of(row, ours)
            cells += [fmt(ratio(row, qemu, "native")), fmt(d), fmt(f) + (" **slower**" if f and f < 1 else ""), fmt(s and 100 * s, "%.0f %%")]
            if g in old_guests:
                b = ratio(old["work"][name], ours, "native") if name in old["work"] else None
                cells += [fmt(b), fmt(d / b * 100 - 100 if d and b else None, "%+.0f %%")]
        for runner, why in row["error"].items():
            cells[-1] += " %s: %s" % (name_of(runner), why)
        lines.append("| " + " | ".join(cells) + " |")
    for g in old_guests:
        found = changes(result, old["work"], "dragoman:" + g, "native")
        lines += ["", "%s, changed beyond the spread: %s." % (g, ", ".join("%s %.2f → %.2f (%+.0f %%)" % (n, x, y, y / x * 100 - 100) for n, x, y in found) or "nothing")]
    for g in guests:
        before = summary(old["work"], "qemu:" + g, "dragoman:" + g) if g in old_guests else {}
        lines += ["", "%s, geometric means:" % g, "", "| category | QEMU × | Dragoman × | faster than QEMU |" + (" before |" if before else ""),
                  "|" + "---|" * (5 if before else 4)]
        q, d, f = (summary(result, a, b) for a, b in (("qemu:" + g, "native"), ("dragoman:" + g, "native"), ("qemu:" + g, "dragoman:" + g)))
        for c in CATEGORIES + ["all"]:
            if q[c] or d[c]:
                lines.append("| %s | %s | %s | %s |" % ("**all but start-up**" if c == "all" else c, fmt(q[c]), fmt(d[c]), fmt(f[c])) + (" %s |" % fmt(before.get(c)) if before else ""))
    for g in guests:
        ours = "dragoman:" + g
        worst = sorted(((ratio(r, ours, "native"), n) for n, r in result.items() if ratio(r, ours, "native") and r["category"] != "startup"), reverse=True)[:8]
        slower = ["%s (%.2f)" % (n, ratio(r, "qemu:" + g, ours)) for n, r in result.items() if (ratio(r, "qemu:" + g, ours) or 1) < 1]
        if worst:
            lines += ["", "%s: furthest from native: %s. Slower than QEMU: %s." % (g, ", ".join("%s %.2f" % (n, x) for x, n in worst), ", ".join(slower) or "none")]
        most = sorted(((r["rss_kib"][ours] / r["rss_kib"]["qemu:" + g], n) for n, r in result.items() if {ours, "qemu:" + g} <= r["rss_kib"].keys()), reverse=True)[:4]
        if most:
            lines += ["", "%s, most memory over QEMU's: %s." % (g, ", ".join("%s %.2f" % (n, x) for x, n in most))]
    rss = ["%s %.1f MiB" % (name_of(e), r / 1024) for e, r in result.get("true-static", {}).get("rss_kib", {}).items()]
    if rss:
        lines += ["", "Memory of a static `true`: " + ", ".join(rss) + "."]
    return "\n".join(lines) + "\n"


def machine():
    model = "unknown CPU"
    with open("/proc/cpuinfo") as f:
        m = re.search(r"model name\s*: (.*)", f.read())
        model = m.group(1) if m else model
    with open("/proc/meminfo") as f:
        memory = int(re.search(r"MemTotal: *(\d+)", f.read()).group(1)) / 2**20
    return "%s, %d CPUs, %.0f GiB, Linux %s" % (model, os.cpu_count(), memory, platform.release().split("-")[0])


def version_of(cmd):
    try:
        return subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return "unknown"


def main(argv):
    ap = argparse.ArgumentParser(description="Measures Dragoman beside native execution and QEMU, in one run.")
    ap.add_argument("--quick", action="store_true", help="one round, a quarter of the work, no applications")
    ap.add_argument("--rounds", type=int, help="how often (5)")
    ap.add_argument("--cpu", action="store_true", help="compare processor time, not time on the wall: for a machine that others use too")
    ap.add_argument("--only", action="append", default=[], metavar="PATTERN", help="work or category whose name matches")
    ap.add_argument("--guests", default=",".join(GUESTS))
    ap.add_argument("--engines", default="native,qemu,dragoman")
    ap.add_argument("--tier", help="Dragoman's tier: interp, baseline, optimised (its default)")
    ap.add_argument("--continue", dest="go_on", action="store_true", help="keep what BASE.json has, and measure the rest")
    ap.add_argument("--for", dest="seconds", type=int, metavar="SECONDS", help="begin no new work after that time")
    ap.add_argument("--compare", metavar="OLD.json", help="show what changed since")
    ap.add_argument("--out", default=os.path.join(OUT, "latest"), metavar="BASE")
    ap.add_argument("--percent", type=int, help="amount of work of the programs (100)")
    ap.add_argument("--timeout", type=int, default=300, help="seconds that one run may take")
    ap.add_argument("--qemu", default="qemu-", metavar="PREFIX", help="what stands before the guest's name in QEMU's commands (qemu-), or debian: that of Debian trixie")
    ap.add_argument("--dragoman", default=os.path.join(BUILD, "dragoman"))
    ap.add_argument("--list", action="store_true")
    import plot  # which imports this
    args = ap.parse_args(argv)
    if args.list:
        for n in program_names():
            print("%-14s %s" % (n, program_category(os.path.join(HERE, "programs", n + ".c"))))
        for n, (category, _, _) in APPS.items():
            print("%-14s %s" % (n, category))
        return 0
    old = None
    if args.compare:
        with open(args.compare) as f:
            old = json.load(f)
    engines, args.guests = args.engines.split(","), args.guests.split(",")
    if set(engines) - set(NAMES) or engines[0] != "native":
        ap.error("--engines: native first, then any of qemu, dragoman")
    if set(args.guests) - set(GUESTS):
        ap.error("--guests: any of " + ", ".join(GUESTS))
    if args.qemu == "debian":
        if subprocess.run([os.path.join(ROOT, "tools", "guest_root.py"), "--quiet", "--arch", "amd64", "qemu-user"]).returncode:
            return 1
        args.qemu = os.path.join(BUILD, "roots", "amd64", "usr", "bin", "qemu-")
    if "qemu" in engines:
        for g in args.guests:
            if not shutil.which(args.qemu + g):
                sys.exit("bench: %s is not there (run ./dev setup)" % (args.qemu + g))
    if "dragoman" in engines and not os.path.exists(args.dragoman):
        sys.exit("bench: %s is not there (run ./dev build)" % args.dragoman)
    if os.getuid() != 0:  # native programs of the roots are run by chroot
        os.execvp("unshare", ["unshare", "--user", "--map-root-user", sys.executable, os.path.abspath(__file__)] + argv)
    args.percent = args.percent or (25 if args.quick else 100)
    rounds = args.rounds or (1 if args.quick else 5)
    os.makedirs(BIN, exist_ok=True)
    args.sets, args.dir = set(), "/tmp/bench-%d" % os.getpid()

    def wanted(name, category):
        if args.only:
            return any(fnmatch.fnmatch(name, p) or category == p for p in args.only)
        return not (args.quick and category in ("application", "interpreter"))

    kept = {}
    if args.go_on and os.path.exists(args.out + ".json"):
        with open(args.out + ".json") as f:
            kept = json.load(f)["work"]
    works = list(programs(args, wanted)) + list(applications(args, wanted)) + list(startups(args, wanted))
    if not works:
        sys.exit("bench: nothing is called %s" % " ".join(args.only))
    works = [w for w in works if w.name not in kept]
    folders = []
    if works and args.sets:
        folders.append(args.dir)
        make_files(args.dir)
        for arch in [GUESTS[g] for g in args.guests] + ["amd64"]:
            if subprocess.run([os.path.join(ROOT, "tools", "guest_root.py"), "--quiet", "--arch", arch] + sorted(args.sets)).returncode:
                return 1
            folders.append(os.path.join(BUILD, "roots", arch) + args.dir)
            make_files(folders[-1])
    tty = sys.stderr.isatty()
    try:
        result = run_all(works, runners(engines, args.guests), rounds, build_spawn(), args.timeout, "cpu" if args.cpu else "wall",
                         args.seconds and time.monotonic() + args.seconds,
                         lambda s: tty and print("\r\x1b[K" + s, end="", file=sys.stderr, flush=True))
    finally:
        for f in folders:
            shutil.rmtree(f, ignore_errors=True)
    if tty:
        print("\r\x1b[K", end="", file=sys.stderr)
    left = len(works) - len(result)
    result = {**kept, **result}
    doc = {"machine": machine(), "guests": args.guests, "rounds": rounds, "percent": args.percent, "clock": "processor time" if args.cpu else "wall time", "cflags": CFLAGS,
           "tier": args.tier or "",
           "versions": {"gcc": version_of(["gcc", "--version"]), "cross": version_of([args.guests[0] + "-linux-gnu-gcc", "--version"]),
                        "qemu": version_of([args.qemu + args.guests[0], "--version"]), "dragoman": version_of(["git", "-C", ROOT, "describe", "--always", "--dirty"])},
           "work": result}
    text = markdown(doc, old)
    os.makedirs(os.path.dirname(os.path.abspath(args.out)), exist_ok=True)
    with open(args.out + ".json", "w") as f:
        json.dump(doc, f, indent=1)
    with open(args.out + ".md", "w") as f:
        f.write(text)
    for g in args.guests:
        with open("%s-%s.svg" % (args.out, g), "w") as f:
            f.write(plot.draw(doc, g))
    print(text)
    print("bench: written to %s.md, .json and .svg%s" % (os.path.relpath(args.out), "; %d left for --continue" % left if left else ""))
    return 1 if any(r["error"] for r in result.values()) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
