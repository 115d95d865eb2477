"""What of aarch64 TestFloat tests: an instruction each, of single numbers and, as variant `vec`, of vectors whose lanes are all the same. The
variant `dn` is the first with FPCR.DN set, whose NaNs are all one. Flushing to zero has no counterpart in SoftFloat. See suite_testfloat.py."""

# name of a variant: the kind of SoftFloat that it is compared with
VARIANTS = {"": "ARM-VFPv2", "vec": "ARM-VFPv2", "dn": "ARM-VFPv2-defaultNaN"}
FLAGS = ["-march=armv8.2-a+fp16"]
CONSTRAINT = "w"
BOX = 0
CLOBBERS = ["cc", "v28", "v29", "v30", "v31"]
NEAR_MAXMAG = False

# TestFloat's flags are those of FPSR in reverse order; FPCR's modes are nearest, up, down, towards zero.
ENVIRONMENT = """void subjfloat_setRoundingMode(uint_fast8_t mode)
{
    static const uint8_t modes[] = {0, 3, 2, 1};
    __asm__ volatile("msr fpcr, %%0" : : "r"((uint64_t)modes[mode] << 22 | %#x));
}

__attribute__((constructor)) static void begin(void) /* TestFloat sets no mode for functions that do not round */
{
    subjfloat_setRoundingMode(0);
}

uint_fast8_t subjfloat_clearExceptionFlags(void)
{
    uint64_t fpsr;
    uint_fast8_t flags = 0;
    __asm__ volatile("mrs %%0, fpsr\\n\\tmsr fpsr, xzr" : "=r"(fpsr) : : "memory");
    for (int i = 0; i < 5; i++)
        flags |= (fpsr >> i & 1) << (4 - i);
    return flags;
}
"""

ROUNDS = {"near_even": "n", "minMag": "z", "min": "m", "max": "p", "near_maxMag": "a"}
INTS = {"ui32": ("u", "w", "uint32_t"), "ui64": ("u", "x", "uint64_t"), "i32": ("s", "w", "int32_t"), "i64": ("s", "x", "int64_t")}
FLOATS = {"f16": ("h", "8h", 5), "f32": ("s", "4s", 2), "f64": ("d", "2d", 1)}  # register, vector, a lane


def environment(variant):
    return ENVIRONMENT % (1 << 25 if variant == "dn" else 0)


def options(variant, function):
    """Which of several NaNs a fused multiplication and addition gives is another rule in SoftFloat: with DN there is but one."""
    check = "-checkInvInts" if function.endswith("mulAdd") and variant != "dn" else "-checkAll"
    return ["-tininessbefore", check]


def scalar():
    s = []
    for f, (c, _, _) in FLOATS.items():
        ft = "float%s_t" % f[1:]
        for i, (sign, r, it) in INTS.items():
            s.append(("%s_to_%s" % (i, f), ft, [it], "%scvtf %%%s0, %%%s1" % (sign, c, r)))
            for name, rm in ROUNDS.items():
                s.append(("%s_to_%s_rx_%s" % (f, i, name), ("u" if i[0] == "u" else "") + "int_fast%s_t" % i.lstrip("ui"), [ft],
                          "fcvt%s%s %%%s0, %%%s1" % (rm, sign, r, c)))
        for op in ("add", "sub", "mul", "div"):
            s.append(("%s_%s" % (f, op), ft, [ft, ft], "f%s %%%s0, %%%s1, %%%s2" % (op, c, c, c)))
        s.append((f + "_sqrt", ft, [ft], "fsqrt %%%s0, %%%s1" % (c, c)))
        s.append((f + "_mulAdd", ft, [ft, ft, ft], "fmadd %%%s0, %%%s1, %%%s2, %%%s3" % (c, c, c, c)))
        for name, compare, condition in (("eq", "fcmp", "eq"), ("le", "fcmpe", "ls"), ("lt", "fcmpe", "mi"), ("eq_signaling", "fcmpe", "eq"),
                                         ("le_quiet", "fcmp", "ls"), ("lt_quiet", "fcmp", "mi")):
            s.append(("%s_%s" % (f, name), "bool", [ft, ft], "%s %%%s1, %%%s2; cset %%w0, %s" % (compare, c, c, condition)))
        for name, rm in ROUNDS.items():
            s.append(("%s_roundToInt_r_%s" % (f, name), ft, [ft], "frint%s %%%s0, %%%s1" % (rm, c, c)))
        s.append((f + "_roundToInt_x", ft, [ft], "frintx %%%s0, %%%s1" % (c, c)))
        for g, (d, _, _) in FLOATS.items():
            if g != f:
                s.append(("%s_to_%s" % (f, g), "float%s_t" % g[1:], [ft], "fcvt %%%s0, %%%s1" % (d, c)))
    return s


def vector():
    s = []
    for f, (c, v, lane) in FLOATS.items():
        ft = "float%s_t" % f[1:]
        a, b, to = "dup v31.%s, %%1.%s[0]; " % (v, c), "dup v30.%s, %%2.%s[0]; " % (v, c), "; dup %%%s0, v29.%s[%d]" % (c, c, lane)
        truth = "; umov %%%s0, v29.%s[%d]; and %%w0, %%w0, #1" % ("x" if c == "d" else "w", c, lane)
        for i, (sign, r, it) in INTS.items():
            if i.lstrip("ui") != f[1:]:
                continue
            s.append(("%s_to_%s" % (i, f), ft, [it], "dup v31.%s, %%%s1; %scvtf v29.%s, v31.%s" % (v, r, sign, v, v) + to))
            for name, rm in ROUNDS.items():
                s.append(("%s_to_%s_rx_%s" % (f, i, name), ("u" if i[0] == "u" else "") + "int_fast%s_t" % i.lstrip("ui"), [ft],
                          a + "fcvt%s%s v29.%s, v31.%s; umov %%%s0, v29.%s[%d]" % (rm, sign, v, v, r, c, lane)))
        for op in ("add", "sub", "mul", "div"):
            s.append(("%s_%s" % (f, op), ft, [ft, ft], a + b + "f%s v29.%s, v31.%s, v30.%s" % (op, v, v, v) + to))
        s.append((f + "_sqrt", ft, [ft], a + "fsqrt v29.%s, v31.%s" % (v, v) + to))
        s.append((f + "_mulAdd", ft, [ft, ft, ft], a + b + "dup v29.%s, %%3.%s[0]; fmla v29.%s, v31.%s, v30.%s" % (v, c, v, v, v) + to))
        for name, compare in (("eq", "fcmeq v29.%s, v31.%s, v30.%s"), ("le", "fcmge v29.%s, v30.%s, v31.%s"), ("lt", "fcmgt v29.%s, v30.%s, v31.%s")):
            s.append(("%s_%s" % (f, name), "bool", [ft, ft], a + b + compare % (v, v, v) + truth))
        for name, rm in ROUNDS.items():
            s.append(("%s_roundToInt_r_%s" % (f, name), ft, [ft], a + "frint%s v29.%s, v31.%s" % (rm, v, v) + to))
        s.append((f + "_roundToInt_x", ft, [ft], a + "frintx v29.%s, v31.%s" % (v, v) + to))
    for wide, narrow, w, n, c, d in (("f32", "f16", "4s", "4h", "s", "h"), ("f64", "f32", "2d", "2s", "d", "s")):
        wt, nt = "float%s_t" % wide[1:], "float%s_t" % narrow[1:]
        s.append(("%s_to_%s" % (wide, narrow), nt, [wt], "dup v31.%s, %%1.%s[0]; fcvtn v29.%s, v31.%s; dup %%%s0, v29.%s[1]" % (w, c, n, w, d, d)))
        s.append(("%s_to_%s" % (narrow, wide), wt, [nt], "dup v31.%s, %%1.%s[0]; fcvtl v29.%s, v31.%s; dup %%%s0, v29.%s[1]" % (n, d, w, n, c, c)))
    return s


def subjects(variant):
    """[(function, C result, [C parameters], instructions, group)]. In the instructions %0 is the result and %1… are the parameters."""
    if variant == "vec":
        return [(*f, "vec") for f in vector()]
    if variant == "dn":  # those that give NaNs
        return [(*f, "dn") for f in scalar() if f[1].startswith("float") and f[2][0].startswith("float")]
    return [(*f, "") for f in scalar()]
