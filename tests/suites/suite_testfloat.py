"""Berkeley TestFloat: each floating-point instruction against SoftFloat, in all rounding modes, with flags and NaNs.

TestFloat compares a *subject*, the functions under test, with SoftFloat. Its own subject is C, which reaches few of the guest's
instructions and lets the compiler choose among them. So for riscv64 the subject is made here: one table, from which come a
C file with a function of one instruction each, and the header that tells TestFloat which functions there are. SoftFloat and
TestFloat themselves run translated too.

The native column is TestFloat's own subject on x86-64; it has fewer functions (C converts by truncation only), and its NaNs
are not compared.
"""
import os
import re

from suite import Test, signal_name

TITLE = "Berkeley TestFloat"
ABOUT = """TestFloat 3e with SoftFloat 3e, as QEMU's source carries them, level 1, all rounding modes. For riscv64 each function is one
instruction, and results, exception flags, NaNs and the integers of invalid conversions must be SoftFloat's for RISC-V.
Natively the functions are TestFloat's own C ones, of which there are fewer, SoftFloat is that for SSE, and NaNs are not compared."""
NOTES = ["flags -O2, static; testfloat -level 1, with -checkAll for riscv64"]
SOURCES = [("qemu", ["tests/tcg", "tests/fp", "subprojects/berkeley-softfloat-3", "subprojects/berkeley-testfloat-3"])]
SETS = []
JOBS = 2
REALTIME = False

ROUNDS = ["near_even", "minMag", "min", "max", "near_maxMag"]  # numbered as frm is
INTS = {"ui32": ("wu", "uint32_t"), "ui64": ("lu", "uint64_t"), "i32": ("w", "int32_t"), "i64": ("l", "int64_t")}
FLOATS = {"f32": ("s", 0), "f64": ("d", 1)}


def subjects():
    """The riscv64 subject: [(function, C result, [C parameters], instruction, extension)].

    In the instruction %0 is the result and %1… are the parameters."""
    s = []
    for f, (c, fmt) in FLOATS.items():
        ft = "float%s_t" % f[1:]
        for i, (ic, it) in INTS.items():
            s.append(("%s_to_%s" % (i, f), ft, [it], "fcvt.%s.%s %%0, %%1" % (c, ic) + ("" if f == "f64" and i.endswith("32") else ", dyn"), ""))
            for n, r in enumerate(ROUNDS):
                rm = ["rne", "rtz", "rdn", "rup", "rmm"][n]
                s.append(("%s_to_%s_rx_%s" % (f, i, r), ("u" if i[0] == "u" else "") + "int_fast%s_t" % i.lstrip("ui"), [ft],
                          "fcvt.%s.%s %%0, %%1, %s" % (ic, c, rm), ""))
        for op in ("add", "sub", "mul", "div"):
            s.append(("%s_%s" % (f, op), ft, [ft, ft], "f%s.%s %%0, %%1, %%2, dyn" % (op, c), ""))
        s.append((f + "_sqrt", ft, [ft], "fsqrt.%s %%0, %%1, dyn" % c, ""))
        s.append((f + "_mulAdd", ft, [ft, ft, ft], "fmadd.%s %%0, %%1, %%2, %%3, dyn" % c, ""))
        for op in ("eq", "le", "lt"):
            s.append(("%s_%s" % (f, op), "bool", [ft, ft], "f%s.%s %%0, %%1, %%2" % (op, c), ""))
        # Zfa, by encoding: the assembler may not know it.
        for n, r in enumerate(ROUNDS):
            s.append(("%s_roundToInt_r_%s" % (f, r), ft, [ft], ".insn r 0x53, %d, %#x, %%0, %%1, x4" % (n, 0x20 + fmt), "zfa"))
        s.append((f + "_roundToInt_x", ft, [ft], ".insn r 0x53, 7, %#x, %%0, %%1, x5" % (0x20 + fmt), "zfa"))
        s.append((f + "_le_quiet", "bool", [ft, ft], ".insn r 0x53, 4, %#x, %%0, %%1, %%2" % (0x50 + fmt), "zfa"))
        s.append((f + "_lt_quiet", "bool", [ft, ft], ".insn r 0x53, 5, %#x, %%0, %%1, %%2" % (0x50 + fmt), "zfa"))
        # Zfhmin
        s.append(("f16_to_" + f, ft, ["float16_t"], ".insn r 0x53, 0, %#x, %%0, %%1, x2" % (0x20 + fmt), "zfhmin"))
        s.append((f + "_to_f16", "float16_t", [ft], ".insn r 0x53, 7, 0x22, %%0, %%1, x%d" % fmt, "zfhmin"))
    s.append(("f32_to_f64", "float64_t", ["float32_t"], "fcvt.d.s %0, %1", ""))
    s.append(("f64_to_f32", "float32_t", ["float64_t"], "fcvt.s.d %0, %1, dyn", ""))
    return s


def make_config(functions):
    """subjfloat_config.h: which functions exist."""
    lines = ["#define SUBJFLOAT_ROUND_NEAR_MAXMAG"]
    lines += ["#define SUBJ_" + name.upper() for name, *_ in functions]
    return "\n".join(lines) + "\n"


def make_subject(functions):
    """subjfloat.c: a function of one instruction for each. Rounding modes and flags are numbered as RISC-V does."""
    text = ["#include <stdbool.h>", "#include <stdint.h>", '#include "platform.h"', '#include "softfloat.h"',
            '#include "subjfloat_config.h"', '#include "subjfloat.h"', "",
            "void subjfloat_setRoundingMode(uint_fast8_t mode)", "{", '    __asm__ volatile("fsrm %0" : : "r"(mode));', "}", "",
            "void subjfloat_setExtF80RoundingPrecision(uint_fast8_t precision)", "{", "    (void)precision;", "}", "",
            "uint_fast8_t subjfloat_clearExceptionFlags(void)", "{", "    uint_fast8_t flags;",
            '    __asm__ volatile("fsflags %0, zero" : "=r"(flags) : : "memory");', "    return flags;", "}", ""]
    for name, result, params, instruction, _ in functions:
        args = ", ".join("%s %c" % (p, "abc"[n]) for n, p in enumerate(params))
        text += ["%s subj_%s(%s)" % (result, name, args), "{"]
        inputs = []
        for n, p in enumerate(params):
            v = "abc"[n]
            size = re.match(r"float(\d+)_t", p)
            if size:
                # A half is loaded as a number with all ones above it, as flh leaves it.
                c = {"16": "float", "32": "float", "64": "double"}[size.group(1)]
                boxed = "0xffff0000u | %s.v" % v if size.group(1) == "16" else v + ".v"
                bits = {"16": "uint32_t", "32": "uint32_t", "64": "uint64_t"}[size.group(1)]
                text.append("    union { %s u; %s f; } u%c = {%s};" % (bits, c, v, boxed))
                inputs.append('"f"(u%c.f)' % v)
            else:
                inputs.append('"r"(%s)' % v)
        size = re.match(r"float(\d+)_t", result)
        if size:
            c, bits = ("double", "uint64_t") if size.group(1) == "64" else ("float", "uint32_t")
            text.append("    union { %s u; %s f; } z;" % (bits, c))
            output = '"=f"(z.f)'
            back = "    return (%s){(uint%s_t)z.u};" % (result, size.group(1))
        else:
            text.append("    long z;")
            output = '"=r"(z)'
            cast = "int32_t" if "_to_i32" in name else "uint32_t" if "_to_ui32" in name else result
            back = "    return (%s)z;" % cast
        text.append('    __asm__ volatile("%s" : %s : %s : "memory");' % (instruction, output, ", ".join(inputs)))
        text += [back, "}", ""]
    return "\n".join(text)


def objects(makefile, *names):
    """The source names of some variables of one of the packages' makefiles."""
    with open(makefile) as f:
        text = f.read().replace("\\\n", " ")
    found = []
    for n in names:
        found += re.findall(r"(\w+)\$\(OBJ\)", re.search(r"(?m)^%s = (.*)$" % n, text).group(1))
    return found


def build(side, cx):
    """TestFloat for a side."""
    arch = "amd64" if side == "native" else "riscv64"
    soft = os.path.join(cx.sources, "qemu", "subprojects", "berkeley-softfloat-3")
    test = os.path.join(cx.sources, "qemu", "subprojects", "berkeley-testfloat-3")
    special = "8086-SSE" if arch == "amd64" else "RISCV"
    soft_make = os.path.join(soft, "build", "Linux-x86_64-GCC", "Makefile")
    test_make = os.path.join(test, "build", "Linux-x86_64-GCC", "Makefile")
    sources = [os.path.join(soft, "source", n + ".c") for n in objects(soft_make, "OBJS_PRIMITIVES", "OBJS_OTHERS")]
    # The two kinds of SoftFloat differ in which of their few own functions are macros: take what is there.
    for n in objects(soft_make, "OBJS_SPECIALIZE"):
        path = os.path.join(soft, "source", special, n + ".c")
        if os.path.exists(path):
            sources.append(path)
    text = open(test_make).read()
    lib = re.findall(r"(?m)^  (\w+)\$\(OBJ\) \\$", text.split("OBJS_LIB =")[1].split("\n\n")[0])
    names = objects(test_make, "OBJS_GENCASES", "OBJS_WRITECASE", "OBJS_TEST") + lib + ["testfloat", "subjfloat_functions"]
    sources += [os.path.join(test, "source", n + ".c") for n in dict.fromkeys(names)]
    flags = ["-O2", "-w", "-DSOFTFLOAT_ROUND_ODD", "-DINLINE_LEVEL=5", "-DSOFTFLOAT_FAST_DIV32TO16", "-DSOFTFLOAT_FAST_DIV64TO32",
             "-DSOFTFLOAT_FAST_INT64", "-DFLOAT16", "-DFLOAT64", "-DEXTFLOAT80", "-DFLOAT128",
             "-DLONG_DOUBLE_IS_EXTFLOAT80", "-Dslowfloat_exceptionFlags=softfloat_exceptionFlags",  # QEMU's copy has it mixed up
             "-I" + os.path.join(test, "build", "Linux-x86_64-GCC")]
    if arch == "amd64":
        subject = os.path.join(test, "source", "subj-C")
    else:
        subject = cx.path("subject")
        os.makedirs(subject, exist_ok=True)
        for name, content in (("subjfloat_config.h", make_config(subjects())), ("subjfloat.c", make_subject(subjects()))):
            path = os.path.join(subject, name)
            if not os.path.exists(path) or open(path).read() != content:
                with open(path, "w") as f:
                    f.write(content)
    sources.append(os.path.join(subject, "subjfloat.c"))
    flags += ["-I" + os.path.join(soft, "source", special), "-I" + os.path.join(soft, "source", "include"),
              "-I" + os.path.join(test, "source"), "-I" + subject]
    return cx.compile(arch, "testfloat", sources, flags, ["-lm"])


def native_functions(cx):
    config = os.path.join(cx.sources, "qemu", "subprojects", "berkeley-testfloat-3", "source", "subj-C", "subjfloat_config.h")
    with open(config) as f:
        return {n.lower() for n in re.findall(r"#define SUBJ_(F(?:32|64)_\w+|U?I\d+_TO_F\d+)\s", f.read()) if "EXTF80" not in n and "F128" not in n}


def judge(outcome, side):
    """TestFloat ends with status 1 after errors. That it tested anything is checked too."""
    if outcome.status is None:
        return "time-out"
    if outcome.status < 0:
        return signal_name(-outcome.status)
    if outcome.status == 0:
        return "pass" if "no errors found" in outcome.output else "output"
    m = re.search(r"(\d+) errors? found", outcome.output)
    return "errors" if m else "exit %d" % outcome.status


def tests(cx):
    native = native_functions(cx)
    found = []
    for name, _, params, _, extension in subjects():
        sides = ["qemu", "ours"] if name.lower() not in native else ["native", "qemu", "ours"]

        def argv(side, cx, name=name):
            return [build(side, cx), "-level", "1"] + ([] if side == "native" else ["-checkAll"]) + [name]

        found.append(Test((extension + "/" if extension else "") + name, argv, judge, quick=len(params) < 3,
                          timeout=60 if len(params) < 3 else 600, sides=sides))
    return found
