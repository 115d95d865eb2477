/* How the operands of floating point and SIMD are written: print_KIND functions of disasm.c. */
#pragma once

#include "translator/guest/aarch64/a64_int.h"

#include "lib/fmt.h"

static const char *const arrangements[] = {"8b", "16b", "4h", "8h", "2s", "4s", "1d", "2d", "1q", "1q"};
static const char lane_letters[] = "bhsdq";
static const char ft_letters[] = "sd?h";

static void put_vector(struct strbuf *o, u32 n, const char *arrangement)
{
    sb_printf(o, "v%u.%s", n, arrangement);
}

static void put_lane(struct strbuf *o, u32 n, char letter, u32 index)
{
    sb_printf(o, "v%u.%c[%u]", n, letter, index);
}

#define VECTOR(kind, arrangement)                                                                                      \
    static void print_##kind(struct strbuf *o, const struct a64_insn *i, u32 n)                                        \
    {                                                                                                                  \
        put_vector(o, n, arrangement);                                                                                 \
    }
VECTOR(varr, arrangements[i->arr])
VECTOR(vwide, arrangements[(i->arr | 1) + 2])
VECTOR(vpairs, arrangements[i->arr + 2])
VECTOR(vbytes, i->q ? "16b" : "8b")
VECTOR(v16b, "16b")
VECTOR(v4s, "4s")
VECTOR(v2d, "2d")
VECTOR(v1q, "1q")
VECTOR(vdot, i->q ? "4s" : "2s")
#undef VECTOR

#define SCALAR(kind, letter)                                                                                           \
    static void print_##kind(struct strbuf *o, const struct a64_insn *i, u32 n)                                        \
    {                                                                                                                  \
        sb_printf(o, "%c%u", letter, n);                                                                               \
    }
SCALAR(sarr, lane_letters[i->arr >> 1])
SCALAR(swide, lane_letters[(i->arr >> 1) + 1])
SCALAR(fpreg, ft_letters[i->ft])
SCALAR(fpreg2, ft_letters[i->ft2])
SCALAR(qreg, 'q')
SCALAR(sreg, 's')
SCALAR(dreg, 'd')
#undef SCALAR

/* The pair that a scalar is made of. */
static void print_spair(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    sb_printf(o, "v%u.2%c", n, lane_letters[i->arr >> 1]);
}

static void print_velem(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    put_lane(o, n, lane_letters[i->arr >> 1], i->index);
}

/* A second one, whose index is imm. */
static void print_velem2(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    put_lane(o, n, lane_letters[i->arr >> 1], (u32)i->imm);
}

static void print_velem4b(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    sb_printf(o, "v%u.4b[%u]", n, i->index);
}

static void print_vselem(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    put_lane(o, n, 's', i->index);
}

static void print_vd1(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    put_lane(o, n, 'd', 1);
}

/* imm registers of 16 bytes from n on. */
static void print_tables(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    put_list(o, n, (u32)i->imm, "16b");
}

/* --- numbers --- */

static void print_two(struct strbuf *o, const struct a64_insn *i, u32 hi)
{
    if (hi)
        sb_putc(o, '2');
}

static void print_shl(struct strbuf *o, const struct a64_insn *i, s32 n)
{
    sb_printf(o, "#%d", n);
}

static void print_shr(struct strbuf *o, const struct a64_insn *i, s32 n)
{
    sb_printf(o, "#%d", (8 << (i->arr >> 1)) - n);
}

static void print_shll(struct strbuf *o, const struct a64_insn *i, u32 arr)
{
    sb_printf(o, "#%u", 8u << (arr >> 1));
}

/* Bits after the point. */
static void print_shfix(struct strbuf *o, const struct a64_insn *i, s32 n)
{
    sb_printf(o, "#%d", (i->sf ? 64 : 32) - n);
}

static void print_rot(struct strbuf *o, const struct a64_insn *i, u32 quarters)
{
    sb_printf(o, "#%u", 90 * quarters);
}

/* fcadd: one bit. */
static void print_rot1(struct strbuf *o, const struct a64_insn *i, u32 three)
{
    sb_printf(o, "#%u", three ? 270 : 90);
}

/* The shift of a modified immediate, with the comma before it. */
static void print_mshift(struct strbuf *o, const struct a64_insn *i, u32 n)
{
    if (n)
        sb_printf(o, ", %s #%u", i->msl ? "msl" : "lsl", n);
}

/* A byte for each bit. */
static void print_mimm64(struct strbuf *o, const struct a64_insn *i, s32 bits)
{
    u64 v = 0;
    for (u32 n = 0; n < 8; n++)
        v |= bits >> n & 1 ? 0xffull << 8 * n : 0;
    sb_printf(o, "#0x%llx", (unsigned long long)v);
}

/* A floating-point immediate: 128ths of it are a whole number between 16 and 3968. */
static void print_fpimm(struct strbuf *o, const struct a64_insn *i, s32 imm)
{
    const u32 exp = imm & 0x40 ? (u32)imm >> 4 & 3 : ((u32)imm >> 4 & 3) + 4; /* 0 is 2^-3 */
    u32 left = (16 + ((u32)imm & 15)) << exp, unit = 128;
    const s32 ten = left >= 1280 ? 1 : left < 128 ? -1 : 0;
    if (ten > 0)
        unit *= 10;
    if (ten < 0)
        left *= 10;
    sb_printf(o, "#%s%u.", imm & 0x80 ? "-" : "", left / unit);
    for (u32 n = 0; n < 18; n++) {
        left = left % unit * 10;
        sb_putc(o, (char)('0' + left / unit));
    }
    sb_printf(o, "e%s0%u", ten < 0 ? "-" : "+", ten ? 1u : 0u);
}
