#!/usr/bin/env python3
"""Holds the shape of the source tree.

    check_layers.py [ROOT]

Reads the #include lines of every C file and fails when one breaks a rule:

  layers   arrows point down only: cmd -> {personality, machine} -> {policy, vam} -> translator -> mk -> lib.
           personality and machine do not know each other; nor do translator/guest and translator/host, nor two
           ISAs of either; what hosts share, translator/host/common, is theirs alone. The engine reaches both through
           their contracts (guest.h, host.h) alone. What is private to an ISA is for its folder, and for files
           elsewhere that are named after it.
           Nobody includes what implements the kernel interface, but for kernel/hosted/hosted.h, which is for those who
           may use the system anyway. lib's headers stand on nothing; its .c files may ask
           the kernel interface for pages and the console.
  system   only kernel/hosted, personality/linux and cmd include system headers. The rest may use the freestanding few.
  cycles   no header includes itself, by whatever way round.
  first    a .c that has a header of its own includes it first (or its part's private one, _int.h).
  once     every header says #pragma once, but for X-macro tables (_def.h).
  macros   no preprocessor condition on an architecture or operating system, but in folders that the build selects by
           such a name (an ISA, or `hosted`).
  size     a hand-written file stays readable: at most MAX_LINES lines.

Prints one line per offence, "FILE:LINE: RULE: what". Exit status 0 when there are none.
"""
import os
import re
import sys

MAX_LINES = 1600
FREESTANDING = {"stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "stdatomic.h", "stdalign.h", "stdnoreturn.h", "limits.h", "float.h"}
ISAS = {"x86_64", "aarch64", "riscv64", "riscv32", "arm", "i386", "x86", "ppc64", "s390x", "loongarch64", "mips64"}
SHARED = {"region", "region_none", "known_none"}  # of translator/host: what some hosts share beside `common`
TOP = {"lib", "kernel", "translator", "policy", "vam", "personality", "machine", "cmd", "include"}

# What a layer may include: itself, and these.
BELOW = {
    "lib": set(),
    "mk": {"lib"},
    "kernel": {"mk", "lib"},
    "translator": {"mk", "lib"},
    "policy": {"translator", "mk", "lib"},
    "vam": {"translator", "mk", "lib"},
    "personality": {"policy", "vam", "translator", "mk", "lib"},
    "machine": {"policy", "vam", "translator", "mk", "lib"},
    "cmd": {"personality", "machine", "policy", "vam", "translator", "mk", "lib", "include"},
    "include": set(),
}

# Inside the translator: what each folder may include of the others. "" is the files of translator/ itself (vcpu.h).
TRANSLATOR = {
    "": {"ir"},
    "ir": {"", "softfp"},
    "softfp": {""},
    "guest": {"", "ir", "softfp"},
    "host": {"", "ir", "softfp"},
    "opt": {"", "ir"},
    "engine": {"", "ir", "opt", "guest", "host"},
}

ARCH_MACRO = re.compile(r"\b(__(x86_64|amd64|i386|aarch64|arm|riscv|riscv_xlen|powerpc64|s390x|loongarch64|mips)(__)?"
                        r"|__(linux|unix|gnu_linux|FreeBSD|APPLE|ANDROID)__|_WIN32|_M_X64|_M_ARM64)\b")


def layer(path):
    """The layer that a path from the root belongs to, or None for what is not of the house."""
    parts = path.split("/")
    if parts[0] == "kernel" and parts[1:3] == ["include", "mk"]:
        return "mk"
    return parts[0] if parts[0] in TOP else None


def may_use_system(path):
    return path.startswith(("kernel/hosted/", "personality/linux/", "cmd/"))


def selected_by_path(path):
    folders = path.split("/")[:-1]
    stem = os.path.splitext(path.split("/")[-1])[0]
    return any(f in ISAS or f == "hosted" for f in folders) or stem in ISAS


def named_after(path, isa):
    """Is this one of the files that a part has per ISA, and of this one? (riscv64_signal.c, arch/riscv64/regs.c)"""
    parts = path.split("/")
    return isa in parts[:-1] or re.match(re.escape(isa) + r"[_.]", parts[-1]) is not None


def sources(root):
    """The C files of the house, as paths from the root, sorted."""
    found = []
    for top in sorted(TOP):
        for folder, dirs, files in os.walk(os.path.join(root, top)):
            dirs.sort()
            for f in sorted(files):
                if f.endswith((".c", ".h", ".inc", ".def", ".S")):
                    found.append(os.path.relpath(os.path.join(folder, f), root))
    return found


def strip_comments(text):
    """C text with comments blanked out, line structure kept."""
    def blank(m):
        s = m.group(0)
        return re.sub(r"[^\n]", " ", s) if s.startswith("/") else s
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def includes(text):
    """(line, is_system, name) of every #include."""
    for n, line in enumerate(strip_comments(text).split("\n"), 1):
        m = re.match(r'\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")', line)
        if m:
            yield n, m.group(1) is not None, m.group(1) or m.group(2)


def resolve(root, path, name):
    """Where a quoted include leads, as a path from the root. A generated file need not exist: then what its name says."""
    here = os.path.dirname(path)
    for base in [here, "", "kernel/include"]:
        p = os.path.normpath(os.path.join(base, name))
        if os.path.isfile(os.path.join(root, p)):
            return p
    arch = os.path.join(root, "kernel/include/mk/arch")
    if os.path.isdir(arch):
        for isa in sorted(os.listdir(arch)):
            if os.path.isfile(os.path.join(arch, isa, name)):
                return "kernel/include/mk/arch/%s/%s" % (isa, name)
    if "/" not in name:
        return os.path.normpath(os.path.join(here, name))
    return "kernel/include/" + name if name.startswith("mk/") else os.path.normpath(name)


def translator_part(path):
    """(folder, ISA) of a file below translator/."""
    parts = path.split("/")[1:]
    folder = parts[0] if len(parts) > 1 else ""
    isa = parts[1] if folder in ("guest", "host") and len(parts) > 2 else ""
    return folder, isa


def layer_offence(path, to):
    """Why `path` may not include `to`, or None."""
    a, b = layer(path), layer(to)
    if b is None:
        return "%s is no part of the house" % to
    if to == "kernel/hosted/hosted.h" and may_use_system(path):
        return None
    if b == "kernel" and a != "kernel":
        return "%s implements the kernel interface; include mk/" % to
    if a == "lib" and b == "mk" and path.endswith(".c"):
        return None
    if a != b and b not in BELOW[a]:
        return "%s may not include %s (%s)" % (a, b, to)
    if a == "translator" and b == "translator":
        (fa, ia), (fb, ib) = translator_part(path), translator_part(to)
        if fa != fb and fb not in TRANSLATOR.get(fa, set(TRANSLATOR)):
            return "translator/%s may not include translator/%s (%s)" % (fa, fb, to)
        if ib and ia != ib and not (ib == "common" and fa == fb and ia in ISAS | SHARED):
            return "%s is private to its ISA" % to
    if a != b and b == "translator" and translator_part(to)[1] and not named_after(path, translator_part(to)[1]):
        return "%s is private to its ISA" % to
    return None


def find_cycle(graph):
    """One include cycle as a list of files whose last is the first again, or None."""
    state, trail = {}, []

    def visit(f):
        state[f] = 1
        trail.append(f)
        for to in graph.get(f, []):
            if state.get(to) == 1:
                return trail[trail.index(to):] + [to]
            if to not in state:
                cycle = visit(to)
                if cycle:
                    return cycle
        trail.pop()
        state[f] = 2
        return None

    for f in sorted(graph):
        if f not in state:
            cycle = visit(f)
            if cycle:
                return cycle
    return None


def check_tree(root):
    """All offences of the tree, as lines of text."""
    out, graph = [], {}
    for path in sources(root):
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as f:
            text = f.read()
        lines = text.count("\n")
        if lines > MAX_LINES and not path.endswith(".def"):
            out.append("%s:%d: size: more than %d lines" % (path, lines, MAX_LINES))
        if path.endswith(".S"):
            continue
        if path.endswith(".h") and not path.endswith("_def.h") and not re.search(r"(?m)^#pragma once", text):
            out.append("%s:1: once: no #pragma once" % path)
        if not selected_by_path(path):
            for n, line in enumerate(strip_comments(text).split("\n"), 1):
                if re.match(r"\s*#\s*(if|ifdef|ifndef|elif)\b", line):
                    m = ARCH_MACRO.search(line)
                    if m:
                        out.append("%s:%d: macros: %s: the build selects by path" % (path, n, m.group(0)))
        own = os.path.splitext(path)[0] + ".h"
        wants_own = path.endswith(".c") and os.path.isfile(os.path.join(root, own))
        graph[path] = []
        for i, (n, system, name) in enumerate(includes(text)):
            to = None if system else resolve(root, path, name)
            if i == 0 and wants_own and to != own and not (to or "").endswith("_int.h"):
                out.append("%s:%d: first: its own header comes first" % (path, n))
            if system:
                if name not in FREESTANDING and not may_use_system(path):
                    out.append("%s:%d: system: <%s> in a freestanding part" % (path, n, name))
                continue
            graph[path].append(to)
            why = layer_offence(path, to)
            if why:
                out.append("%s:%d: layers: %s" % (path, n, why))
    cycle = find_cycle(graph)
    if cycle:
        out.append("%s:1: cycles: %s" % (cycle[0], " -> ".join(cycle)))
    return out


def main(argv):
    root = argv[0] if argv else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    if not os.path.isdir(os.path.join(root, "lib")):
        print("check_layers: %s: not the source tree" % root, file=sys.stderr)
        return 2
    offences = check_tree(root)
    for line in offences:
        print(line)
    return 1 if offences else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
