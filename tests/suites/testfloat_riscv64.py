"""What of riscv64 TestFloat tests: a function of one instruction each. See suite_testfloat.py."""

# name of a variant: the kind of SoftFloat that it is compared with
VARIANTS = {"": "RISCV"}
FLAGS = []
CONSTRAINT = "f"
BOX = 0xffff0000  # a half is loaded as a number with all ones above it, as flh leaves it
CLOBBERS = []
NEAR_MAXMAG = True  # a rounding mode of its own

# Rounding modes and flags are numbered as TestFloat numbers them.
ENVIRONMENT = """void subjfloat_setRoundingMode(uint_fast8_t mode)
{
    __asm__ volatile("fsrm %0" : : "r"(mode));
}

uint_fast8_t subjfloat_clearExceptionFlags(void)
{
    uint_fast8_t flags;
    __asm__ volatile("fsflags %0, zero" : "=r"(flags) : : "memory");
    return flags;
}
"""

ROUNDS = ["near_even", "minMag", "min", "max", "near_maxMag"]  # numbered as frm is
INTS = {"ui32": ("wu", "uint32_t"), "ui64": ("lu", "uint64_t"), "i32": ("w", "int32_t"), "i64": ("l", "int64_t")}
FLOATS = {"f32": ("s", 0), "f64": ("d", 1)}


def environment(variant):
    return ENVIRONMENT


def subjects(variant):
    """[(function, C result, [C parameters], instruction, extension)].

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


def options(variant, function):
    return ["-checkAll"]
