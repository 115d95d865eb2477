/* Encoding of host instructions: the numbers of the opcodes, and one emitter per shape of operands.
 *
 * Opcode constants (A_*) are whole instructions with zero operand fields, of the 32-bit form where there are two: A_SF
 * makes it 64-bit. Register numbers may be those of vector registers (32..63): only the low five bits are encoded.
 * Nothing here checks for room: the driver makes sure of it before each IR instruction (common/unit.c). Encodings: Arm
 * ARM (DDI 0487), chapter C6 and C7. */
#pragma once

#include "translator/host/aarch64/regs.h"
#include "translator/host/common/code.h"

#include "lib/assert.h"
#include "lib/bits.h"

#define A_SF (1u << 31)

/* Condition codes. */
enum { CC_EQ, CC_NE, CC_HS, CC_LO, CC_MI, CC_PL, CC_VS, CC_VC, CC_HI, CC_LS, CC_GE, CC_LT, CC_GT, CC_LE };

/* Three registers. */
enum {
    A_ADD = 0x0b000000,
    A_ADDS = 0x2b000000,
    A_SUB = 0x4b000000,
    A_SUBS = 0x6b000000,
    A_AND = 0x0a000000,
    A_BIC = 0x0a200000,
    A_ORR = 0x2a000000,
    A_ORN = 0x2a200000,
    A_EOR = 0x4a000000,
    A_EON = 0x4a200000,
    A_ANDS = 0x6a000000,
    A_LSLV = 0x1ac02000,
    A_LSRV = 0x1ac02400,
    A_ASRV = 0x1ac02800,
    A_RORV = 0x1ac02c00,
    A_UDIV = 0x1ac00800,
    A_SDIV = 0x1ac00c00,
    A_MUL = 0x1b007c00,
    A_CSEL = 0x1a800000,
    A_CSINC = 0x1a800400,
    A_CSINV = 0x5a800000,
    A_CSNEG = 0x5a800400,
};
#define A_MSUB  0x1b008000u
#define A_UMULL 0x9ba07c00u
#define A_SMULL 0x9b207c00u
#define A_UMULH 0x9bc07c00u
#define A_SMULH 0x9b407c00u

static inline void a_rrr(struct code *c, u32 op, u32 d, u32 n, u32 m)
{
    put32(c, op | (m & 31) << 16 | (n & 31) << 5 | (d & 31));
}
/* With the second operand shifted left (add, sub and logical ones). */
static inline void a_rrr_lsl(struct code *c, u32 op, u32 d, u32 n, u32 m, u32 sh)
{
    a_rrr(c, op | sh << 10, d, n, m);
}
#define A_SHIFT_LSR (1u << 22)
#define A_SHIFT_ASR (2u << 22)

/* Two registers. */
#define A_CLZ   0x5ac01000u
#define A_RBIT  0x5ac00000u
#define A_REV_W 0x5ac00800u
#define A_REV_X 0xdac00c00u
static inline void a_rr(struct code *c, u32 op, u32 d, u32 n)
{
    put32(c, op | (n & 31) << 5 | (d & 31));
}
static inline void a_mov(struct code *c, u32 w, u32 d, u32 n)
{
    a_rrr(c, A_ORR | w, d, ZR, n);
}

/* Immediates of 12 bits, and the same shifted by 12. */
#define A_ADD_IMM  0x11000000u
#define A_ADDS_IMM 0x31000000u
#define A_SUB_IMM  0x51000000u
#define A_SUBS_IMM 0x71000000u
static inline bool fits_add(u64 x)
{
    return x < 4096 || ((x & 4095) == 0 && x < 1 << 24);
}
static inline void a_add_imm(struct code *c, u32 op, u32 d, u32 n, u64 x)
{
    u32 field = x < 4096 ? (u32)x << 10 : 1u << 22 | (u32)(x >> 12) << 10;
    put32(c, op | field | (n & 31) << 5 | (d & 31));
}

/* Immediates of logical instructions: a run of ones, rotated, repeated. True with the field in *field. */
static inline bool logical_imm(u64 x, bool wide, u32 *field)
{
    if (!wide)
        x = (u32)x | x << 32;
    if (x == 0 || x == ~0ull)
        return false;
    u32 size = 64;
    while (size > 2) {
        u32 half = size / 2;
        u64 mask = bit_mask(half);
        if ((x & mask) != (x >> half & mask))
            break;
        size = half;
    }
    u64 mask = bit_mask(size), e = x & mask;
    /* Turned so that the run begins at bit 0. */
    u32 rot = 0;
    if (e & 1) { /* it may go around the end */
        u32 high = clz64(~(e << (64 - size)));
        if (high < size)
            rot = high;
        e = rot ? ((e << rot | e >> (size - rot)) & mask) : e;
    } else {
        u32 low = ctz64(e);
        rot = size - low;
        e = e >> low;
    }
    if (e & (e + 1))
        return false;
    u32 ones = popcnt64(e);
    u32 imms = ((~(size - 1) << 1) & 0x3f) | (ones - 1);
    *field = (size == 64 ? 1u << 22 : 0) | (rot & (size - 1)) << 16 | imms << 10;
    return true;
}
#define A_AND_IMM  0x12000000u
#define A_ORR_IMM  0x32000000u
#define A_EOR_IMM  0x52000000u
#define A_ANDS_IMM 0x72000000u
static inline void a_logic_imm(struct code *c, u32 op, u32 d, u32 n, u32 field)
{
    put32(c, op | field | (n & 31) << 5 | (d & 31));
}
static inline bool a_logic(struct code *c, u32 op, u32 d, u32 n, u64 x)
{
    u32 field;
    if (!logical_imm(x, op & A_SF, &field))
        return false;
    a_logic_imm(c, op, d, n, field);
    return true;
}

/* d = x, a number of 64 bits. */
static inline void a_mov_imm(struct code *c, u32 d, u64 x)
{
    u32 zeros = 0, ones = 0, field;
    for (u32 k = 0; k < 4; k++) {
        u64 h = x >> 16 * k & 0xffff;
        zeros += h == 0;
        ones += h == 0xffff;
    }
    if (zeros < 3 && ones < 3) {
        if (logical_imm(x, true, &field)) {
            a_logic_imm(c, A_ORR_IMM | A_SF, d, ZR, field);
            return;
        }
        if (x >> 32 == 0 && logical_imm(x, false, &field)) {
            a_logic_imm(c, A_ORR_IMM, d, ZR, field);
            return;
        }
    }
    bool inverted = ones > zeros;
    u64 rest = inverted ? 0xffff : 0;
    bool first = true;
    for (u32 k = 0; k < 4; k++) {
        u64 h = x >> 16 * k & 0xffff;
        if (h == rest && !(k == 3 && first))
            continue;
        if (first && inverted)
            put32(c, 0x92800000 | k << 21 | (u32)(h ^ 0xffff) << 5 | d); /* movn */
        else
            put32(c, (first ? 0xd2800000 : 0xf2800000) | k << 21 | (u32)h << 5 | d); /* movz, movk */
        first = false;
    }
}

/* Bit fields: extensions and shifts by a number. */
#define A_SBFM 0x13000000u
#define A_UBFM 0x53000000u
static inline void a_bfm(struct code *c, u32 op, u32 d, u32 n, u32 immr, u32 imms)
{
    put32(c, op | (op & A_SF ? 1u << 22 : 0) | immr << 16 | imms << 10 | (n & 31) << 5 | (d & 31));
}
static inline void a_lsl(struct code *c, u32 w, u32 d, u32 n, u32 sh)
{
    u32 bits = w ? 64 : 32;
    a_bfm(c, A_UBFM | w, d, n, (bits - sh) & (bits - 1), bits - 1 - sh);
}
static inline void a_lsr(struct code *c, u32 w, u32 d, u32 n, u32 sh)
{
    a_bfm(c, A_UBFM | w, d, n, sh, w ? 63 : 31);
}
static inline void a_asr(struct code *c, u32 w, u32 d, u32 n, u32 sh)
{
    a_bfm(c, A_SBFM | w, d, n, sh, w ? 63 : 31);
}
static inline void a_extr(struct code *c, u32 w, u32 d, u32 n, u32 m, u32 lsb)
{
    put32(c, 0x13800000 | w | (w ? 1u << 22 : 0) | (m & 31) << 16 | lsb << 10 | (n & 31) << 5 | (d & 31));
}

/* d = cc ? n : m, and its like. */
static inline void a_csel(struct code *c, u32 op, u32 d, u32 n, u32 m, u32 cc)
{
    a_rrr(c, op | cc << 12, d, n, m);
}
static inline void a_cset(struct code *c, u32 d, u32 cc)
{
    a_csel(c, A_CSINC, d, ZR, ZR, cc ^ 1);
}

/* --- loads and stores ---
 * The opcode of the form with a scaled immediate (bits 24 set); the others follow from it. Size: log2 of bytes. */
#define A_LDR_Q 0x3dc00000u
#define A_STR_Q 0x3d800000u
/* Integers: zero-extended; the sign-extended ones to 64 and to 32 bits. */
static inline u32 a_ldr(u32 size)
{
    return 0x39400000u | size << 30;
}
static inline u32 a_str(u32 size)
{
    return 0x39000000u | size << 30;
}
static inline u32 a_ldrs(u32 size, bool to64)
{
    return 0x39800000u | size << 30 | (to64 ? 0 : 1u << 22);
}
/* Vector registers, 2^size bytes. */
static inline u32 a_ldr_v(u32 size)
{
    return size == 4 ? A_LDR_Q : 0x3d400000u | size << 30;
}
static inline u32 a_str_v(u32 size)
{
    return size == 4 ? A_STR_Q : 0x3d000000u | size << 30;
}
static inline u32 a_access_size(u32 op)
{
    return (op & 1u << 26) && (op & 1u << 23) ? 4 : op >> 30;
}
/* [n + off]; false when off does not fit: nothing is written. */
static inline bool a_mem(struct code *c, u32 op, u32 t, u32 n, s64 off)
{
    u32 size = a_access_size(op);
    if (off >= 0 && !(off & ((1 << size) - 1)) && off >> size < 4096) {
        put32(c, op | (u32)(off >> size) << 10 | (n & 31) << 5 | (t & 31));
        return true;
    }
    if (fits_signed(off, 9)) {
        put32(c, (op & ~(1u << 24)) | ((u32)off & 0x1ff) << 12 | (n & 31) << 5 | (t & 31));
        return true;
    }
    return false;
}
/* [n + m] */
static inline void a_mem_reg(struct code *c, u32 op, u32 t, u32 n, u32 m)
{
    put32(c, (op & ~(1u << 24)) | 0x00206800 | (m & 31) << 16 | (n & 31) << 5 | (t & 31));
}
/* [x28 + off]; uses SCR where off is large. */
static inline void a_vcpu(struct code *c, u32 op, u32 t, u32 off)
{
    if (a_mem(c, op, t, VCPU, off))
        return;
    a_mov_imm(c, SCR, off);
    a_mem_reg(c, op, t, VCPU, SCR);
}
/* Pairs of 64-bit registers; off a multiple of 8 within -512..504. */
#define A_LDP      0xa9400000u
#define A_STP      0xa9000000u
#define A_LDP_POST 0xa8c00000u
#define A_STP_PRE  0xa9800000u
static inline void a_pair(struct code *c, u32 op, u32 t, u32 t2, u32 n, s32 off)
{
    put32(c, op | ((u32)(off / 8) & 0x7f) << 15 | (t2 & 31) << 10 | (n & 31) << 5 | (t & 31));
}

/* --- branches --- */

#define A_B    0x14000000u
#define A_BL   0x94000000u
#define A_BR   0xd61f0000u
#define A_BLR  0xd63f0000u
#define A_RET  0xd65f0000u
#define A_CBZ  0x34000000u
#define A_CBNZ 0x35000000u
#define A_TBZ  0x36000000u
#define A_TBNZ 0x37000000u
#define A_NOP  0xd503201fu

/* Makes the branch at `site` lead to `to` (both in the rw view, or both in the rx view). */
static inline void a_patch(u8 *site, s64 delta)
{
    u32 w;
    memcpy(&w, site, 4);
    u32 off = (u32)(delta >> 2);
    if ((w & 0x7c000000) == A_B) {
        dgm_assert(fits_signed(delta, 28), "a branch over %ld bytes", (long)delta);
        w = (w & 0xfc000000) | (off & 0x3ffffff);
    } else if ((w & 0x7e000000) == A_TBZ) {
        dgm_assert(fits_signed(delta, 16), "a test and branch over %ld bytes", (long)delta);
        w = (w & 0xfff8001f) | (off & 0x3fff) << 5;
    } else {
        dgm_assert(fits_signed(delta, 21), "a conditional branch over %ld bytes", (long)delta);
        w = (w & 0xff00001f) | (off & 0x7ffff) << 5;
    }
    memcpy(site, &w, 4);
}
/* The branch at `site` leads here. */
static inline void a_here(struct code *c, u8 *site)
{
    a_patch(site, c->p - site);
}
/* Branches whose place to go is filled in later; each gives its site. */
static inline u8 *a_b(struct code *c)
{
    put32(c, A_B);
    return c->p - 4;
}
static inline u8 *a_bcc(struct code *c, u32 cc)
{
    put32(c, 0x54000000 | cc);
    return c->p - 4;
}
static inline u8 *a_cbz(struct code *c, u32 op, u32 r)
{
    put32(c, op | r);
    return c->p - 4;
}
static inline u8 *a_tbz(struct code *c, u32 op, u32 r, u32 bit)
{
    put32(c, op | (bit & 32) << 26 | (bit & 31) << 19 | r);
    return c->p - 4;
}
/* To where this code was already (rw view). */
static inline void a_b_back(struct code *c, const u8 *to)
{
    u8 *site = a_b(c);
    a_patch(site, to - site);
}
/* To an entry of the common code. */
static inline void a_common(struct code *c, u32 op, u32 off)
{
    const u8 *from = code_rx(c);
    put32(c, op);
    a_patch(c->p - 4, c->common + off - from);
}

/* --- floating point, scalar: the form for f32; f64 and f16 by A_FTYPE --- */

#define A_FADD     0x1e202800u
#define A_FSUB     0x1e203800u
#define A_FMUL     0x1e200800u
#define A_FDIV     0x1e201800u
#define A_FMAX     0x1e204800u
#define A_FMIN     0x1e205800u
#define A_FMAXNM   0x1e206800u
#define A_FMINNM   0x1e207800u
#define A_FSQRT    0x1e21c000u
#define A_FABS     0x1e20c000u
#define A_FNEG     0x1e214000u
#define A_FMOV     0x1e204000u
#define A_FCMP     0x1e202000u
#define A_FCMPE    0x1e202010u
#define A_FCSEL    0x1e200c00u
#define A_FMADD    0x1f000000u /* o1 is bit 21, o0 bit 15 */
#define A_FRINTN   0x1e244000u
#define A_FRINTP   0x1e24c000u
#define A_FRINTM   0x1e254000u
#define A_FRINTZ   0x1e25c000u
#define A_FRINTA   0x1e264000u
#define A_FRINTX   0x1e274000u
#define A_FRINTI   0x1e27c000u
#define A_FCVT     0x1e224000u /* opc: bits 15, 16: to f32 0, f64 1, f16 3 */
#define A_FCVTNS   0x1e200000u /* to integers; unsigned: bit 16 */
#define A_FCVTAS   0x1e240000u
#define A_FCVTPS   0x1e280000u
#define A_FCVTMS   0x1e300000u
#define A_FCVTZS   0x1e380000u
#define A_SCVTF    0x1e220000u /* unsigned: bit 16 */
#define A_FMOV_RV  0x1e260000u /* w from s; x from d with A_SF and the type */
#define A_FMOV_VR  0x1e270000u
#define A_FTYPE_64 (1u << 22)
#define A_FTYPE_16 (3u << 22)
#define A_UNSIGNED (1u << 16)

/* --- vectors --- */

#define A_V_MOV   0x4ea01c00u /* orr, both sources the same */
#define A_V_AND   0x4e201c00u
#define A_V_BIC   0x4e601c00u
#define A_V_ORR   0x4ea01c00u
#define A_V_EOR   0x6e201c00u
#define A_V_BSL   0x6e601c00u
#define A_V_BIT   0x6ea01c00u
#define A_V_BIF   0x6ee01c00u
#define A_V_NOT   0x6e205800u
#define A_UMOV_D1 0x4e183c00u /* x = v.d[1] */
#define A_INS_D1  0x4e181c00u /* v.d[1] = x */
#define A_MOVI_0  0x6f00e400u /* v = 0 */
#define A_MOVI_1  0x6f07e7e0u /* v = all ones */
static inline void a_vmov(struct code *c, u32 d, u32 n)
{
    a_rrr(c, A_V_MOV, d, n, n);
}

/* --- system --- */

#define A_MRS_FPSR  0xd53b4420u
#define A_MSR_FPSR  0xd51b4420u
#define A_MRS_FPCR  0xd53b4400u
#define A_MSR_FPCR  0xd51b4400u
#define A_DMB_ISH   0xd5033bbfu
#define A_DMB_ISHLD 0xd50339bfu
#define A_DMB_ISHST 0xd5033abfu
#define A_YIELD     0xd503203fu
#define A_PRFM      0xf9800000u /* pldl1keep, [rn] */
