#!/usr/bin/env python3
"""Runs the checks that need no running program, for `./dev check`.

    check.py [--quick] [--list] [NAME…]

Each check is a function of this file. Those that compile write one Ninja file (build/check/build.ninja), so that a
second run does only what changed. The build in build/ is there already: `./dev check` made it, with gcc and without a
warning, and its compile_commands.json says what belongs to which part and with which flags.

Prints a line per check, and in the end "N passed, N failed, N skipped". A failed check's offences are printed, the first
few of them; all of them are in build/check/NAME.log. Exit status 1 when one failed.
"""
import argparse
import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build")
OUT = os.path.join(BUILD, "check")
sys.path.insert(0, os.path.join(ROOT, "tools"))
import check_layers

# Cross compilers of the freestanding part.
CROSS = {"x86_64": "x86_64-linux-gnu-gcc", "aarch64": "aarch64-linux-gnu-gcc", "riscv64": "riscv64-linux-gnu-gcc"}

# The formatter's output differs between versions; this one counts.
FORMAT_VERSION = "14"

# What the freestanding part may leave undefined: the kernel interface, and what compilers call on their own (libgcc).
MAY_CALL = re.compile(r"mk_\w+|__u?(div|mod)ti3|__(popcount|clz|ctz|bswap)[sd]i2|__aarch64_(cas|swp|ld\w+)\d+_\w+|_GLOBAL_OFFSET_TABLE_")

C_FOLDERS = ["lib", "kernel", "translator", "policy", "vam", "personality", "machine", "cmd", "include", "tests", "bench", "examples"]


class Skip(Exception):
    """The check cannot run here; says why."""


def walk(folders, ends):
    for top in folders:
        for folder, dirs, files in os.walk(os.path.join(ROOT, top)):
            dirs.sort()
            for f in sorted(files):
                if f.endswith(ends):
                    yield os.path.relpath(os.path.join(folder, f), ROOT)


def lines_of(cmd, cwd=ROOT):
    """Runs a command; its output lines when it failed, else none."""
    p = subprocess.run(cmd, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return p.stdout.splitlines() or ["exit status %d" % p.returncode] if p.returncode else []


def commands():
    """compile_commands.json: (source path from the root or absolute, object, flags without output and dependencies)."""
    path = os.path.join(BUILD, "compile_commands.json")
    if not os.path.exists(path):
        raise Skip("no build in build/")
    with open(path) as f:
        entries = json.load(f)
    out = []
    for e in entries:
        src = os.path.normpath(os.path.join(e["directory"], e["file"]))
        out.append((os.path.relpath(src, ROOT), e.get("output", ""), clean_flags(shlex.split(e["command"])[1:])))
    return out


def clean_flags(argv):
    """The flags that matter for what a file means: include paths (made absolute), definitions, language, warnings."""
    out, it = [], iter(argv)
    for a in it:
        if a in ("-o", "-MF", "-MQ", "-c"):
            next(it, None)
        elif a.startswith("-I"):
            out.append("-I" + os.path.normpath(os.path.join(BUILD, a[2:])))
        elif a.startswith(("-D", "-W", "-std", "-ffreestanding", "-fno-strict-aliasing", "-fno-common")) and not a.startswith("-Wl"):
            out.append(a)
    return out


def core_files():
    """Sources of the freestanding part with their flags: generated ones included, and those of lib/ that only a build
    without a C library takes, and the backends of other hosts."""
    files = {src: flags for src, obj, flags in commands() if "-ffreestanding" in flags and "libcore" in obj}
    for src in walk(["lib", "translator/host"], (".c",)):
        if files:
            files.setdefault(src, next(iter(files.values())))
    return sorted(files.items())


# --- Ninja ---

class Ninja:
    """A Ninja file in the making: one phony target per check."""

    def __init__(self):
        self.text = ["builddir = build/check/ninja", "rule cc\n  command = $cc $flags -MMD -MF $out.d -c $in -o $out\n  depfile = $out.d\n  description = $in",
                     "rule stamp\n  command = $cmd && touch $out\n  description = $what"]
        self.groups = {}

    def edge(self, group, out, rule, ins, implicit=(), **kv):
        esc = lambda s: s.replace("$", "$$").replace(" ", "$ ").replace(":", "$:")
        line = "build %s: %s %s" % (esc(out), rule, " ".join(map(esc, ins)))
        if implicit:
            line += " | " + " ".join(map(esc, implicit))
        self.text.append(line)
        for k, v in kv.items():
            self.text.append("  %s = %s" % (k, v.replace("$", "$$")))
        self.groups.setdefault(group, []).append(out)

    def write(self, path):
        for g, outs in self.groups.items():
            self.text.append("build %s: phony %s" % (g, " ".join(outs)))
        with open(path, "w") as f:
            f.write("\n".join(self.text) + "\n")

    def run(self, path, group):
        """Offences: the output of what failed."""
        cmd = ["ninja", "-f", path, "-k", "0", "-C", ROOT, "--quiet", group]
        p = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        if p.returncode == 0:
            return []
        skip = ("ninja: Entering", "ninja: build stopped", "FAILED: ")
        return [l for l in p.stdout.splitlines() if not l.startswith(skip) and not re.match(r"^\S*(gcc|clang(-tidy)?) .* ", l)] or ["ninja failed"]


def ninja_group(name, fill):
    n = Ninja()
    fill(n)
    if name not in n.groups:
        return [], n
    path = os.path.join(OUT, name + ".ninja")
    n.write(path)
    return n.run(path, name), n


# --- the checks ---

def check_shape():
    """layers, include cycles, own header first, no #ifdef on architectures, file sizes"""
    return check_layers.check_tree(ROOT)


def check_words():
    """the field's words: guest and host, never the third one; no mirror is named"""
    bad = re.compile(r"\b(?:guest|host) target\b|\btarget[_ -](?:u?long|arch|architecture|cpu|isa|machine|program|process|memory|insn|"
                     r"instruction|addr(?:ess)?(?: space)?|os|system|code|page|register|thread|signal)s?\b", re.I)
    mirror = re.compile(r"https?://[\w.-]*(?:debian|ubuntu)\.[a-z]+", re.I)
    out = []
    files = list(walk(C_FOLDERS + ["tools"], (".c", ".h", ".def", ".py", ".md", ".tab", ".decode", ".build", ".inc")))
    files += [f for f in os.listdir(ROOT) if f.endswith(".md") or f == "dev"]
    for path in files:
        if path in ("tools/check.py", "tests/tools/test_check.py"):
            continue
        with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as f:
            for n, line in enumerate(f, 1):
                m = bad.search(line)
                if m and not re.search(r"(branch|jump|call|link|symlink) target|<!DOCTYPE", line, re.I):
                    out.append("%s:%d: words: \"%s\": say guest or host" % (path, n, m.group(0)))
                if mirror.search(line):
                    out.append("%s:%d: words: the mirror comes from the machine's apt" % (path, n))
    return out


def promised_tests(text):
    """The tests that a table of promises names, as "suite/test"."""
    cells = [line.split("|")[2] for line in text.splitlines() if line.startswith("|") and line.count("|") >= 3]
    return sorted({t for c in cells for t in re.findall(r"`([a-z0-9]+/[^`]+)`", c)})


def check_promises():
    """SPECIFICATION.md names only tests that exist"""
    p = subprocess.run(["meson", "introspect", "--tests", BUILD], stdout=subprocess.PIPE, text=True)
    if p.returncode:
        raise Skip("no build in build/")
    have = {"%s/%s" % (s.split(":")[-1], t["name"]) for t in json.loads(p.stdout) for s in t["suite"]}
    cases = subprocess.run([os.path.join(ROOT, "tests/system/run.py"), "--list", "--large"], stdout=subprocess.PIPE, text=True).stdout
    have |= {"system/" + l.split()[0] for l in cases.splitlines()}
    with open(os.path.join(ROOT, "SPECIFICATION.md"), encoding="utf-8") as f:
        return ["SPECIFICATION.md: there is no test %s" % t for t in promised_tests(f.read()) if not t.startswith("tests/") and not fnmatch.filter(have, t)]


def named_files(text):
    """Files that a text names in backquotes; what a pattern or a placeholder stands in is none."""
    return sorted(set(re.findall(r"`([\w./-]+\.(?:c|h|S|py|def|decode|tab|md))`", text)))


SYSCALL_TABS = ["personality/linux/%s.tab" % n for n in ("syscalls", "flags", "ioctl")]


def check_docs():
    """what README.md, ARCHITECTURE.md and cmd/start.ld name exists; docs/system-calls.md is what the table says"""
    have = subprocess.run(["find", ".", "-path", "./build*", "-prune", "-o", "-path", "./.git", "-prune", "-o", "-type", "f", "-print"],
                          cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    out = []
    for doc in ("README.md", "ARCHITECTURE.md", "CAVEATS.md"):
        with open(os.path.join(ROOT, doc), encoding="utf-8") as f:
            out += ["%s: there is no file %s" % (doc, n) for n in named_files(f.read()) if not any(h.endswith("/" + n) for h in have) and not n.startswith("build/")]
    with open(os.path.join(ROOT, "cmd", "start.ld"), encoding="utf-8") as f:
        objects = re.findall(r"\*((?:lib|cmd|kernel|personality|translator)_[\w*.]*)\(", f.read())
    flat = [h[2:].replace("/", "_") + ".o" for h in have] + ["personality_linux_syscalls_gen.c.o"]  # which is generated
    out += ["cmd/start.ld: there is no source of %s" % o for o in objects if not fnmatch.filter(flat, o)]
    made = subprocess.run(["tools/syscallgen.py", "doc"] + SYSCALL_TABS, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout
    with open(os.path.join(ROOT, "docs", "system-calls.md"), encoding="utf-8") as f:
        if f.read() != made:
            out.append("docs/system-calls.md is old: tools/syscallgen.py doc %s -o docs/system-calls.md" % " ".join(SYSCALL_TABS))
    return out


def check_scripts():
    """Python and shell scripts parse"""
    out = []
    for path in list(walk(["tools", "tests", "bench", "docs"], (".py",))):
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            try:
                compile(f.read(), path, "exec")
            except SyntaxError as e:
                out.append("%s:%s: %s" % (path, e.lineno, e.msg))
    for path in ["dev", ".ci/run"]:
        out += lines_of(["bash", "-n", path])
    return out


def check_format():
    """clang-format leaves every C file as it is"""
    tool = next((t for t in ["clang-format-" + FORMAT_VERSION, "clang-format"] if shutil.which(t)), None)
    if not tool or "version %s." % FORMAT_VERSION not in subprocess.run([tool, "--version"], stdout=subprocess.PIPE, text=True).stdout:
        raise Skip("clang-format %s is not installed" % FORMAT_VERSION)
    files = list(walk(C_FOLDERS, (".c", ".h")))
    out = lines_of([tool, "--dry-run", "-Werror", "--ferror-limit=1"] + files) if files else []
    return [l for l in out if "error:" in l] or out


def check_headers():
    """every header compiles alone"""
    def fill(n):
        flags = {}
        for src, obj, f in commands():
            top = src.split("/")[0]
            flags.setdefault(top, f)
            if "-ffreestanding" in f:
                flags.setdefault("core", f)
        if "core" not in flags:
            raise Skip("nothing is built yet")
        for path in walk(sorted(check_layers.TOP), (".h",)):
            isa = re.match(r"kernel/include/mk/arch/(\w+)/", path)
            if isa and isa.group(1) != "x86_64" or path.endswith("_def.h"):
                continue
            f = [x for x in flags.get(path.split("/")[0], flags["core"]) if x != "-Werror"]
            backend = re.match(r"translator/host/(?!common/|none/|region/|region_none/|known_none/)(\w+)/", path)
            if backend:
                f = [x.replace("translator/host/x86_64", "translator/host/" + backend.group(1)) for x in f]
            if check_layers.may_use_system(path):
                f = [x for x in f if x != "-ffreestanding"] + ["-D_GNU_SOURCE"]
            probe = "build/check/headers/" + path.replace("/", "_") + ".c"
            os.makedirs(os.path.join(ROOT, os.path.dirname(probe)), exist_ok=True)
            full = os.path.join(ROOT, probe)
            text = '#include "%s"\nextern int dgm_header_probe;\n' % path
            if not os.path.exists(full) or open(full).read() != text:
                with open(full, "w") as out:
                    out.write(text)
            n.edge("headers", probe[:-2] + ".o", "cc", [probe], cc="gcc", flags=" ".join(map(shlex.quote, f + ["-Werror", "-Wno-unused"])))
    return ninja_group("headers", fill)[0]


def host_folders(isa):
    """Folders of translator/host that a build for a machine takes: as translator/meson.build has it."""
    try:
        with open(os.path.join(ROOT, "translator/host", isa, "isa.h")) as f:
            text = f.read()
            known = () if re.search(r"#define KNOWN +true", text) else ("known_none",)
            return (isa, "common", "region" if re.search(r"#define REGIONS +true", text) else "region_none", *known)
    except FileNotFoundError:
        return ("none",)


def freestanding(isa):
    cc = CROSS[isa]
    if not shutil.which(cc):
        raise Skip("%s is not installed" % cc)
    include = subprocess.run([cc, "-print-file-name=include"], stdout=subprocess.PIPE, text=True).stdout.strip()
    group = "freestanding-" + isa

    def fill(n):
        for src, flags in core_files():
            backend = re.search(r"translator/host/(\w+)/", src)
            if backend and backend.group(1) not in host_folders(isa):
                continue
            f = [re.sub(r"(/arch|translator/host)/x86_64", r"\1/" + isa, x) if x.startswith("-I") else x for x in flags]
            f = [x for x in f if not x.startswith("-I") or os.path.isdir(x[2:])]
            f += ["-O1", "-nostdinc", "-isystem", include, "-Werror", "-fno-pic", "-fno-stack-protector"]
            n.edge(group, "build/check/%s/%s.o" % (isa, src.replace("/", "_")), "cc", [src], cc=cc, flags=" ".join(map(shlex.quote, f)))
    offences, n = ninja_group(group, fill)
    if offences or group not in n.groups:
        return offences
    return undefined(cc.replace("gcc", "nm"), n.groups[group], isa)


def undefined(nm, objects, isa):
    """Symbols that the freestanding part calls and nobody may expect there to be."""
    text = subprocess.run([nm, "-A", "--defined-only"] + objects, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout
    defined = {l.split()[-1] for l in text.splitlines() if l.strip()}
    text = subprocess.run([nm, "-A", "-u"] + objects, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout
    out = []
    for l in text.splitlines():
        where, name = l.split(":")[0], l.split()[-1]
        if name in defined or MAY_CALL.fullmatch(name):
            continue
        if name == "host_native" and not os.path.isdir(os.path.join(ROOT, "translator/host", isa)):
            continue  # no backend for it yet
        out.append("%s: calls %s, which the freestanding part has not" % (os.path.basename(where), name))
    return out


def check_freestanding_x86_64():
    """the freestanding part compiles for x86_64 and calls nothing but mk_*"""
    return freestanding("x86_64")


def check_freestanding_aarch64():
    """the freestanding part compiles for aarch64 and calls nothing but mk_*"""
    return freestanding("aarch64")


def check_freestanding_riscv64():
    """the freestanding part compiles for riscv64 and calls nothing but mk_*"""
    return freestanding("riscv64")


def check_clang():
    """everything builds with clang without a warning"""
    if not shutil.which("clang"):
        raise Skip("clang is not installed")
    out = lines_of(["./dev", "build", "--cc", "clang"])
    log = os.path.join(BUILD, "logs", "build-build-clang.log")
    if out and os.path.exists(log):
        with open(log, encoding="utf-8", errors="replace") as f:
            out += [l for l in f.read().splitlines() if "error" in l]
    return out


def check_tidy():
    """clang-tidy with the rules of .clang-tidy"""
    if not shutil.which("clang-tidy"):
        raise Skip("clang-tidy is not installed")
    headers = [os.path.relpath(os.path.join(ROOT, h)) for h in walk(sorted(check_layers.TOP), (".h", ".def"))]

    def fill(n):
        seen = set()
        for src, obj, flags in commands():
            # A source may belong to several targets.
            if src in seen or src.startswith(("build/", "tests/", "..")) or src.endswith(".S"):
                continue
            seen.add(src)
            f = [x for x in flags if x not in ("-Werror",) and not x.startswith("-Wimplicit")]
            cmd = ["clang-tidy", "--quiet", src, "--"] + f
            n.edge("tidy", "build/check/tidy/%s" % src.replace("/", "_"), "stamp", [src], implicit=headers + [".clang-tidy"],
                   cmd=" ".join(map(shlex.quote, cmd)) + " 2>/dev/null", what=src)
    os.makedirs(os.path.join(OUT, "tidy"), exist_ok=True)
    return ninja_group("tidy", fill)[0]


CHECKS = [check_shape, check_words, check_scripts, check_promises, check_docs, check_format, check_headers, check_freestanding_x86_64,
          check_freestanding_aarch64, check_freestanding_riscv64, check_clang, check_tidy]
SLOW = [check_clang, check_tidy]


def main(argv):
    ap = argparse.ArgumentParser(description="Runs the checks that need no running program.")
    ap.add_argument("--quick", action="store_true", help="leave out the slow ones (%s)" % ", ".join(name_of(c) for c in SLOW))
    ap.add_argument("--list", action="store_true", help="name the checks")
    ap.add_argument("names", nargs="*", metavar="NAME")
    a = ap.parse_args(argv)
    if a.list:
        for c in CHECKS:
            print("%-22s %s" % (name_of(c), c.__doc__))
        return 0
    unknown = set(a.names) - {name_of(c) for c in CHECKS}
    if unknown:
        print("check: no such check: %s" % ", ".join(sorted(unknown)), file=sys.stderr)
        return 2
    os.makedirs(OUT, exist_ok=True)
    passed = failed = skipped = 0
    for c in CHECKS:
        name = name_of(c)
        if a.names and name not in a.names or a.quick and c in SLOW:
            continue
        start = time.monotonic()
        try:
            offences = c()
        except Skip as e:
            skipped += 1
            print("%-22s skipped: %s" % (name, e), flush=True)
            continue
        took = time.monotonic() - start
        if offences:
            failed += 1
            log = os.path.join(OUT, name + ".log")
            with open(log, "w") as f:
                f.write("\n".join(offences) + "\n")
            show = 100 if os.environ.get("CI") else 12
            print("%-22s FAILED (log: %s)" % (name, os.path.relpath(log, ROOT)))
            shown = [l for l in offences if " error: " in l] or offences
            for l in shown[:show]:
                print("    " + l)
            if len(shown) > show:
                print("    … and %d more" % (len(shown) - show))
            sys.stdout.flush()
        else:
            passed += 1
            print("%-22s ok (%.1f s)" % (name, took), flush=True)
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    return 1 if failed else 0


def name_of(check):
    return check.__name__[6:].replace("freestanding_", "freestanding-")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
