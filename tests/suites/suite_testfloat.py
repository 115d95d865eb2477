"""Berkeley TestFloat: each floating-point instruction against SoftFloat, in all rounding modes, with flags and NaNs.

TestFloat compares a *subject*, the functions under test, with SoftFloat. Its own subject is C, which reaches few of the guest's
instructions and lets the compiler choose among them. So for a guest the subject is made here: a table of its instructions (testfloat_ISA.py),
from which come a C file with a function for each, and the header that tells TestFloat which functions there are. Where a
guest has several instructions for a function, there are several such programs, its *variants*. SoftFloat and TestFloat
themselves run translated too.

testfloat_ISA.py has

    VARIANTS             name of a variant -> the kind of SoftFloat that it is compared with
    FLAGS                of the compiler
    CONSTRAINT           the compiler's letter for a floating-point register; CLOBBERS: what the instructions change besides
    BOX                  what lies above the bits of a half in a register
    NEAR_MAXMAG          whether rounding to nearest, ties away from zero, is a mode of the machine's
    environment(variant) the C functions that set the rounding mode and give and clear the flags
    subjects(variant)    [(function, C result, [C parameters], instructions, group of tests)]
    options(variant, function)  of testfloat

The native column is TestFloat's own subject on x86-64; it has fewer functions (C converts by truncation only), and its NaNs
are not compared.
"""
import importlib
import os
import re
import zlib

from suite import Test, signal_name

TITLE = "Berkeley TestFloat"
ABOUT = """TestFloat 3e with SoftFloat 3e, as QEMU's source carries them, level 1, all rounding modes. For a guest each function is one
instruction, and results, exception flags, NaNs and the integers of invalid conversions must be SoftFloat's for RISC-V and Arm.
For aarch64, `vec/` are the instructions of vectors, `dn/` those of single numbers with FPCR.DN set.
Natively the functions are TestFloat's own C ones, of which there are fewer, SoftFloat is that for SSE, and NaNs are not compared."""
NOTES = ["flags -O2, static; testfloat -level 1, with -checkAll for guests (-checkInvInts where aarch64 chooses among three NaNs otherwise than SoftFloat)"]
SOURCES = [("qemu", ["tests/tcg", "tests/fp", "subprojects/berkeley-softfloat-3", "subprojects/berkeley-testfloat-3"])]
SETS = []
JOBS = 2
REALTIME = False

def make_config(guest, functions):
    """subjfloat_config.h: which functions exist."""
    lines = ["#define SUBJFLOAT_ROUND_NEAR_MAXMAG"] if guest.NEAR_MAXMAG else []
    lines += ["#define SUBJ_" + name.upper() for name, *_ in functions]
    return "\n".join(lines) + "\n"


def make_subject(guest, variant, functions):
    """subjfloat.c: a function of one instruction for each."""
    text = ["#include <stdbool.h>", "#include <stdint.h>", '#include "platform.h"', '#include "softfloat.h"',
            '#include "subjfloat_config.h"', '#include "subjfloat.h"', "", guest.environment(variant),
            "void subjfloat_setExtF80RoundingPrecision(uint_fast8_t precision)", "{", "    (void)precision;", "}", ""]
    clobbers = ", ".join('"%s"' % c for c in ["memory"] + guest.CLOBBERS)
    for name, result, params, instruction, _ in functions:
        args = ", ".join("%s %c" % (p, "abc"[n]) for n, p in enumerate(params))
        text += ["%s subj_%s(%s)" % (result, name, args), "{"]
        inputs = []
        for n, p in enumerate(params):
            v = "abc"[n]
            size = re.match(r"float(\d+)_t", p)
            if size:
                c = {"16": "float", "32": "float", "64": "double"}[size.group(1)]
                boxed = "%#xu | %s.v" % (guest.BOX, v) if size.group(1) == "16" else v + ".v"
                bits = {"16": "uint32_t", "32": "uint32_t", "64": "uint64_t"}[size.group(1)]
                text.append("    union { %s u; %s f; } u%c = {%s};" % (bits, c, v, boxed))
                inputs.append('"%s"(u%c.f)' % (guest.CONSTRAINT, v))
            else:
                inputs.append('"r"(%s)' % v)
        size = re.match(r"float(\d+)_t", result)
        if size:
            c, bits = ("double", "uint64_t") if size.group(1) == "64" else ("float", "uint32_t")
            text.append("    union { %s u; %s f; } z;" % (bits, c))
            output = '"=%s"(z.f)' % guest.CONSTRAINT
            back = "    return (%s){(uint%s_t)z.u};" % (result, size.group(1))
        else:
            text.append("    long z;")
            output = '"=r"(z)'
            cast = "int32_t" if "_to_i32" in name else "uint32_t" if "_to_ui32" in name else result
            back = "    return (%s)z;" % cast
        text.append('    __asm__ volatile("%s" : %s : %s : %s);' % (instruction, output, ", ".join(inputs), clobbers))
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


def guest_of(cx):
    return importlib.import_module("testfloat_" + cx.guest.name)


def build(side, cx, variant):
    """TestFloat for a side."""
    native, guest = side == "native", guest_of(cx)
    subjects = guest.subjects(variant)
    soft = os.path.join(cx.sources, "qemu", "subprojects", "berkeley-softfloat-3")
    test = os.path.join(cx.sources, "qemu", "subprojects", "berkeley-testfloat-3")
    special = "8086-SSE" if native else guest.VARIANTS[variant]
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
    if native:
        subject = os.path.join(test, "source", "subj-C")
    else:
        subject = cx.path(cx.guest.debian, "subject" + variant)
        os.makedirs(subject, exist_ok=True)
        files = {"subjfloat_config.h": make_config(guest, subjects), "subjfloat.c": make_subject(guest, variant, subjects)}
        text = "".join(files.values()).encode()
        flags += guest.FLAGS + ["-DSUBJECT=%#x" % zlib.crc32(text)]  # so that another one is built anew
        for name, content in files.items():
            path = os.path.join(subject, name)
            if not os.path.exists(path) or open(path).read() != content:
                with open(path, "w") as f:
                    f.write(content)
    sources.append(os.path.join(subject, "subjfloat.c"))
    flags += ["-I" + os.path.join(soft, "source", special), "-I" + os.path.join(soft, "source", "include"),
              "-I" + os.path.join(test, "source"), "-I" + subject]
    return cx.compile(cx.arch(side), "testfloat" + ("" if native else variant), sources, flags, ["-lm"])


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
    native, guest = native_functions(cx), guest_of(cx)
    found = []
    for variant in guest.VARIANTS:
        for name, _, params, _, group in guest.subjects(variant):
            sides = ["native", "qemu", "ours"] if name.lower() in native and not variant else ["qemu", "ours"]

            def argv(side, cx, name=name, variant=variant):
                return [build(side, cx, variant), "-level", "1"] + ([] if side == "native" else guest.options(variant, name)) + [name]

            quick = len(params) < 3 and not variant and (cx.guest.name == "riscv64" or len(found) % 2)  # each variant is another program to build
            found.append(Test((group + "/" if group else "") + name, argv, judge, quick=bool(quick),
                              timeout=60 if len(params) < 3 else 600, sides=sides))
    return found
