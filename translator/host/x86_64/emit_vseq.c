/* Vectors of integers: what the host does not have as one instruction, but does in a handful.
 *
 * Written in AVX's forms, for CPUs that have AVX2; others leave these ops to software (emit_vec.c), but for what a
 * function says of itself.
 *
 * Registers. There are four temps for vectors, and two operands may be in temps. So a sequence has its result's place
 * and one temp more; a third one once an operand has been read for the last time (temp_after).
 *
 * Shifts by a vector. Lanes of 4 and 8 bytes are shifted by the host. Two of 2 bytes are shifted within a lane of 4,
 * one after the other. A byte is multiplied by the power of two that a table says: pmaddubsw multiplies bytes in pairs
 * and adds the products, of which one is made 0. To the right by n is a product with 2^(7 - n) and then to the right by
 * 7. One factor is signed; so 2^7 in an unsigned shift is written -2^7, and so are the other powers. */
#include "translator/host/x86_64/vec.h"

#define PBLENDW   P3A(0x0e)
#define BLENDVPS  P3A(0x4a)
#define BLENDVPD  P3A(0x4b)
#define PBLENDVB  P3A(0x4c)
#define SHUFPS    P0(0xc6)
#define PADDB     P(0xfc)
#define PADDW     P(0xfd)
#define PADDD     P(0xfe)
#define PADDQ     P(0xd4)
#define PSUBD     P(0xfa)
#define PSUBQ     P(0xfb)
#define PCMPEQB   P(0x74)
#define PCMPEQW   P(0x75)
#define PCMPEQD   P(0x76)
#define PCMPGTD   P(0x66)
#define PCMPGTQ   P38(0x37)
#define PMULDQ    P38(0x28)
#define PMADDUBSW P38(0x04)
#define PSIGNW    P38(0x09)
#define PMINUB    P(0xda)
#define PMINUD    P38(0x3b)
#define PMAXUD    P38(0x3f)
#define PADDUSB   P(0xdc)
#define PSLLVD    P38(0x47)
#define PSRLVD    P38(0x45)
#define PSRLVQ    (P38(0x45) | X_W)
#define PSRAVD    P38(0x46)

/* --- shapes --- */

static void shl(struct gen *g, u32 lane, u32 dst, u32 src, u32 n)
{
    vshift(g, vshift_op(lane), VSH_SHL, dst, src, n);
}
static void shr(struct gen *g, u32 lane, u32 dst, u32 src, u32 n)
{
    vshift(g, vshift_op(lane), VSH_SHR, dst, src, n);
}
static void sar(struct gen *g, u32 lane, u32 dst, u32 src, u32 n)
{
    vshift(g, vshift_op(lane), VSH_SAR, dst, src, n);
}
/* Every bit of a lane of 8 bytes its sign. */
static void signs64(struct gen *g, u32 dst, u32 src)
{
    sar(g, IR_V32, dst, src, 31);
    v2i(g, V_PSHUFD, dst, o_reg(dst), 0xf5);
}
/* dst = b in lanes where mask has its sign bit set, else a. */
static void blendv(struct gen *g, u32 op, u32 dst, u32 a, u32 b, u32 mask)
{
    v3i(g, op, dst, a, o_reg(b), (mask & 15) << 4);
}
static void load_table(struct gen *g, u32 dst, u32 id)
{
    v2(g, SSE_MOVAPS, dst, konst(g, id));
}

/* --- shifts --- */

static void shift16(struct gen *g, u32 op, const struct regs *r)
{
    const u32 by = op == IR_OP_vshlv ? PSLLVD : op == IR_OP_vshrv ? PSRLVD : PSRAVD;
    if (op == IR_OP_vshlv) {
        shr(g, IR_V32, r->t, r->y, 16);
        v3(g, V_PAND, r->d, r->x, konst(g, K_ODD16));
        v3r(g, by, r->d, r->d, r->t);
        v3(g, V_PAND, r->t, r->y, konst(g, K_EVEN16));
        v3r(g, by, r->t, r->x, r->t);
        v3i(g, PBLENDW, r->d, r->t, o_reg(r->d), 0xaa);
        return;
    }
    if (op == IR_OP_vshrv)
        v3(g, V_PAND, r->d, r->x, konst(g, K_EVEN16));
    else
        shl(g, IR_V32, r->d, r->x, 16);
    v3(g, V_PAND, r->t, r->y, konst(g, K_EVEN16));
    v3r(g, by, r->d, r->d, r->t);
    if (op == IR_OP_vsarv)
        shr(g, IR_V32, r->d, r->d, 16);
    shr(g, IR_V32, r->t, r->y, 16);
    v3r(g, by, r->t, r->x, r->t);
    v3i(g, PBLENDW, r->d, r->d, o_reg(r->t), 0xaa);
}

static void shift8(struct gen *g, u32 op, const struct regs *r)
{
    if (op == IR_OP_vsarv)
        v3(g, PMINUB, r->t, r->y, konst(g, K_SEVEN8));
    else
        v3(g, PADDUSB, r->t, r->y, konst(g, K_PAST15));
    load_table(g, r->d, op == IR_OP_vshlv ? K_POW_SHL : op == IR_OP_vshrv ? K_POW_SHR : K_POW_SAR);
    v3r(g, V_PSHUFB, r->t, r->d, r->t);
    v3(g, V_PAND, r->d, r->t, konst(g, K_EVEN8));
    v3(g, V_PAND, r->t, r->t, konst(g, K_ODD8));
    if (op == IR_OP_vsarv) {
        v3r(g, PMADDUBSW, r->d, r->d, r->x);
        v3r(g, PMADDUBSW, r->t, r->t, r->x);
    } else {
        v3r(g, PMADDUBSW, r->d, r->x, r->d);
        v3r(g, PMADDUBSW, r->t, r->x, r->t);
    }
    if (op == IR_OP_vshlv) {
        v3(g, V_PAND, r->d, r->d, konst(g, K_EVEN8));
        shl(g, IR_V16, r->t, r->t, 8);
    } else {
        if (op == IR_OP_vshrv) {
            v3(g, PSIGNW, r->d, r->d, konst(g, K_ONES));
            v3(g, PSIGNW, r->t, r->t, konst(g, K_ONES));
        }
        shr(g, IR_V16, r->d, r->d, 7);
        if (op == IR_OP_vsarv)
            v3(g, V_PAND, r->d, r->d, konst(g, K_EVEN8));
        v3r(g, PADDW, r->t, r->t, r->t);
        v3(g, V_PAND, r->t, r->t, konst(g, K_ODD8));
    }
    v3r(g, V_POR, r->d, r->d, r->t);
}

static bool shift_var(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 l = lane_of(in);
    if (!avx2())
        return false;
    struct regs r = regs2(g, i);
    if (l == IR_V8) {
        shift8(g, in->op, &r);
    } else if (l == IR_V16) {
        shift16(g, in->op, &r);
    } else { /* vsarv of 8 bytes: the sign's bits inverted, before and after */
        signs64(g, r.t, r.x);
        v3r(g, V_PXOR, r.d, r.x, r.t);
        v3r(g, PSRLVQ, r.d, r.d, r.y);
        v3r(g, V_PXOR, r.d, r.d, r.t);
    }
    return done(g, i, r.d);
}

/* --- arithmetic --- */

/* Unsigned; lanes of 4 bytes: the sum of y and the least of x and what y leaves to the largest. Lanes of 8: a sum less
 * than x, a difference from something less, have wrapped. */
static void saturate_unsigned(struct gen *g, bool add, u32 l, const struct regs *r)
{
    const struct opnd sign = konst(g, K_SIGN64_V);
    if (l == IR_V32 && add) {
        v3(g, V_PXOR, r->t, r->y, konst(g, K_ONES));
        v3r(g, PMINUD, r->t, r->t, r->x);
        v3r(g, PADDD, r->d, r->t, r->y);
    } else if (l == IR_V32) {
        v3r(g, PMAXUD, r->d, r->x, r->y);
        v3r(g, PSUBD, r->d, r->d, r->y);
    } else if (add) {
        v3r(g, PADDQ, r->d, r->x, r->y);
        v3(g, V_PXOR, r->t, r->x, sign);
        v3(g, V_PXOR, r->d, r->d, sign);
        v3r(g, PCMPGTQ, r->t, r->t, r->d);
        v3(g, V_PXOR, r->d, r->d, sign);
        v3r(g, V_POR, r->d, r->d, r->t);
    } else {
        v3(g, V_PXOR, r->t, r->x, sign);
        v3(g, V_PXOR, r->d, r->y, sign);
        v3r(g, PCMPGTQ, r->t, r->d, r->t);
        v3r(g, PSUBQ, r->d, r->x, r->y);
        v3r(g, V_PANDN, r->d, r->t, r->d);
    }
}

/* Signed: it has overflowed where the result lies on the other side of x than y's sign says. What it should be there
 * has the other sign than the result. */
static void saturate_signed(struct gen *g, bool add, u32 l, const struct regs *r)
{
    const u32 gt = l == IR_V32 ? PCMPGTD : PCMPGTQ;
    v3r(g, l == IR_V32 ? add ? PADDD : PSUBD : add ? PADDQ : PSUBQ, r->d, r->x, r->y);
    v3r(g, gt, r->t, add ? r->x : r->d, add ? r->d : r->x);
    v3r(g, V_PXOR, r->t, r->t, r->y);
    if (l == IR_V32) { /* shifted to the right by 31 there, else by 0 */
        sar(g, IR_V32, r->t, r->t, 31);
        shr(g, IR_V32, r->t, r->t, 27);
        v3r(g, PSRAVD, r->d, r->d, r->t);
        shl(g, IR_V32, r->t, r->t, 31);
        v3r(g, V_PXOR, r->d, r->d, r->t);
        return;
    }
    u32 u = temp_after(g, r->y, NOREG);
    signs64(g, u, r->d);
    v3(g, V_PXOR, u, u, konst(g, K_SIGN64_V));
    blendv(g, BLENDVPD, r->d, r->d, u, r->t);
}

static bool vqaddsub(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    if (!avx2())
        return false;
    struct regs r = regs2(g, i);
    if (in->aux & IR_V_SIGNED)
        saturate_signed(g, in->op == IR_OP_vqadd, lane_of(in), &r);
    else
        saturate_unsigned(g, in->op == IR_OP_vqadd, lane_of(in), &r);
    return done(g, i, r.d);
}

static bool vminmax64(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    if (!avx2() || lane_of(in) != IR_V64)
        return false;
    struct regs r = regs2(g, i);
    if (in->aux & IR_V_SIGNED) {
        v3r(g, PCMPGTQ, r.t, r.x, r.y);
    } else {
        v3(g, V_PXOR, r.t, r.x, konst(g, K_SIGN64_V));
        v3(g, V_PXOR, r.d, r.y, konst(g, K_SIGN64_V));
        v3r(g, PCMPGTQ, r.t, r.t, r.d);
    }
    if (in->op == IR_OP_vmin)
        blendv(g, BLENDVPD, r.d, r.x, r.y, r.t);
    else
        blendv(g, BLENDVPD, r.d, r.y, r.x, r.t);
    return done(g, i, r.d);
}

/* Lanes of 4 bytes; needs no more than SSE4.1. Products of the odd lanes, then of the even ones. */
static bool vqdmulh32(struct gen *g, ir_ref i)
{
    const bool round = ins_of(g, i)->aux & IR_V_ROUND;
    if (!have(FEAT_SSE41))
        return false;
    struct regs r = regs2(g, i);
    v2i(g, V_PSHUFD, r.t, o_reg(r.x), 0xf5);
    v2i(g, V_PSHUFD, r.d, o_reg(r.y), 0xf5);
    v3r(g, PMULDQ, r.t, r.t, r.d);
    v3r(g, PADDQ, r.t, r.t, r.t);
    v3r(g, PMULDQ, r.d, r.x, r.y);
    v3r(g, PADDQ, r.d, r.d, r.d);
    if (round) {
        v3(g, PADDQ, r.t, r.t, konst(g, K_2P31_V));
        v3(g, PADDQ, r.d, r.d, konst(g, K_2P31_V));
    }
    shr(g, IR_V64, r.d, r.d, 32);
    v3i(g, PBLENDW, r.d, r.d, o_reg(r.t), 0xcc);
    /* Only the least times the least is -2^31, and should be one less than 2^31. */
    v3(g, PCMPEQD, r.t, r.d, konst(g, K_SIGN32_V));
    v3r(g, V_PXOR, r.d, r.d, r.t);
    return done(g, i, r.d);
}

/* --- to narrower lanes: 8 bytes to 4 --- */

static bool vqnarrow32(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    if (!avx2() || lane_of(in) != IR_V32)
        return false;
    struct regs r = regs2(g, i);
    v3i(g, SHUFPS, r.d, r.x, o_reg(r.y), 0x88); /* lower halves */
    v3i(g, SHUFPS, r.t, r.x, o_reg(r.y), 0xdd); /* upper halves */
    if (!(in->aux & IR_V_SIGNED)) {
        v3(g, PCMPEQD, r.t, r.t, konst(g, K_ZERO));
        v3(g, V_PXOR, r.t, r.t, konst(g, K_ONES));
        v3r(g, V_POR, r.d, r.d, r.t);
        return done(g, i, r.d);
    }
    if (in->aux & IR_V_TO_UNSIGNED) {
        v3(g, PCMPGTD, r.t, r.t, konst(g, K_ZERO));
        v3r(g, V_POR, r.d, r.d, r.t);
        v3i(g, SHUFPS, r.t, r.x, o_reg(r.y), 0xdd);
        sar(g, IR_V32, r.t, r.t, 31);
        v3r(g, V_PANDN, r.d, r.t, r.d);
        return done(g, i, r.d);
    }
    u32 u = temp_after(g, r.x, NOREG);
    shr(g, IR_V32, u, r.d, 31); /* it fits where the upper half is minus that */
    v3r(g, PADDD, u, u, r.t);
    v3(g, PCMPEQD, u, u, konst(g, K_ZERO));
    sar(g, IR_V32, r.t, r.t, 31);
    v3(g, V_PXOR, r.t, r.t, konst(g, K_MAX32_V));
    blendv(g, BLENDVPS, r.d, r.t, r.d, u);
    return done(g, i, r.d);
}

/* --- bits --- */

/* Needs no more than SSSE3. Half a byte at a time; then what the upper half of a lane is full of adds the lower one's.
 */
static bool vclz(struct gen *g, ir_ref i)
{
    const u32 l = lane_of(ins_of(g, i));
    if (!have(FEAT_SSSE3))
        return false;
    struct regs r = regs2(g, i);
    u32 u = temp_float(g);
    v3(g, V_PAND, r.t, r.x, konst(g, K_NIBBLE));
    x_rm(&g->c, SSE_MOVAPS, r.d, konst(g, K_CLZ_LOW), 0);
    v3r(g, V_PSHUFB, r.d, r.d, r.t);
    shr(g, IR_V16, r.t, r.x, 4);
    v3(g, V_PAND, r.t, r.t, konst(g, K_NIBBLE));
    x_rm(&g->c, SSE_MOVAPS, u, konst(g, K_CLZ_HIGH), 0);
    v3r(g, V_PSHUFB, u, u, r.t);
    v3r(g, PMINUB, r.d, r.d, u);
    if (l >= IR_V16) {
        v3(g, PCMPEQB, r.t, r.d, konst(g, K_EIGHT8));
        shr(g, IR_V16, r.t, r.t, 8);
        v3r(g, V_PAND, r.t, r.t, r.d);
        shr(g, IR_V16, r.d, r.d, 8);
        v3r(g, PADDW, r.d, r.d, r.t);
    }
    if (l == IR_V32) {
        v3(g, PCMPEQW, r.t, r.d, konst(g, K_SIXTEEN16));
        shr(g, IR_V32, r.t, r.t, 16);
        v3r(g, V_PAND, r.t, r.t, r.d);
        shr(g, IR_V32, r.d, r.d, 16);
        v3r(g, PADDD, r.d, r.d, r.t);
    }
    return done(g, i, r.d);
}

/* --- polynomials --- */

/* Bytes of x and y; the product doubles, and takes x where y, which is shifted along, has its highest bit set. */
static bool vpmul(struct gen *g, ir_ref i)
{
    if (!avx2())
        return false;
    struct regs r = regs2(g, i);
    u32 u = temp_after(g, r.y, r.x);
    mov_rr(g, u, r.y, IR_V128);
    v3r(g, V_PXOR, r.d, r.d, r.d);
    for (u32 k = 0; k < 8; k++) {
        if (k) {
            v3r(g, PADDB, r.d, r.d, r.d);
            v3r(g, PADDB, u, u, u);
        }
        v3r(g, V_PXOR, r.t, r.d, r.x);
        blendv(g, PBLENDVB, r.d, r.d, r.t, u);
    }
    return done(g, i, r.d);
}

/* The same with x in lanes of 2 bytes, and y twice in each. */
static bool vpmull8(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const bool high = in->aux & IR_V_HIGH;
    if (!avx2() || lane_of(in) != IR_V8)
        return false;
    struct regs r = regs2(g, i);
    struct opnd wide = vec_cell(0);
    if (high)
        v2i(g, V_PSHUFD, r.t, o_reg(r.x), 0xee);
    v2(g, P38(0x30), r.t, o_reg(high ? r.t : r.x)); /* pmovzxbw */
    v2(g, SSE_MOVUPS_ST, r.t, wide);
    u32 u = temp_after(g, r.y, NOREG);
    v3r(g, P(high ? 0x68 : 0x60), u, r.y, r.y); /* punpckhbw, punpcklbw */
    v3r(g, V_PXOR, r.d, r.d, r.d);
    for (u32 k = 0; k < 8; k++) {
        if (k) {
            v3r(g, PADDW, r.d, r.d, r.d);
            v3r(g, PADDW, u, u, u);
        }
        v3(g, V_PXOR, r.t, r.d, wide);
        blendv(g, PBLENDVB, r.d, r.d, r.t, u);
    }
    return done(g, i, r.d);
}

/* --- estimates --- */

/* From a table, whose index is what the highest nine bits say. */
static bool vest(struct gen *g, ir_ref i)
{
    const bool root = ins_of(g, i)->imm;
    struct code *c = &g->c;
    if (!avx2())
        return false;
    struct regs r = regs2(g, i);
    u32 u = temp_float(g), base = temp_int(g);
    x_lea(c, X_W, base, konst(g, root ? K_EST_ROOT : K_EST));
    shr(g, IR_V32, u, r.x, 23);
    v3r(g, PCMPEQD, r.t, r.t, r.t);
    x_vex(c, P38(0x90), r.d, r.t, o_sib(base, u, 0, 0), 0); /* vpgatherdd: r.t is the mask, and 0 afterwards */
    shl(g, IR_V32, r.d, r.d, 24);
    shr(g, IR_V32, r.d, r.d, 1);
    v3(g, V_POR, r.d, r.d, konst(g, K_SIGN32_V));
    shr(g, IR_V32, r.t, r.x, root ? 30 : 31);
    v3(g, PCMPEQD, r.t, r.t, konst(g, K_ZERO));
    v3r(g, V_POR, r.d, r.d, r.t);
    return done(g, i, r.d);
}

/* --- hashes: instructions that have no VEX form --- */

/* The host has the words the other way round, and adds the constant of the rounds itself. */
static bool vsha1(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    if (!have(FEAT_SHA) || !avx2())
        return false;
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), z = use_reg(g, in->c), d = def_apart(g, i, x, y, z);
    v2i(g, V_PSHUFD, d, o_reg(x), 0x1b);
    if (x != y && x != z)
        g->locked &= ~(1u << x);
    u32 t = temp_float(g);
    vshift(g, 0x73, VSH_BYTES_L, t, y, 12);
    u32 u = temp_after(g, y, z);
    v2i(g, V_PSHUFD, u, o_reg(z), 0x1b);
    v3r(g, PADDD, t, t, u);
    v3(g, PSUBD, t, t, konst(g, K_SHA1 + (u32)in->imm));
    x_rm(c, 0xcc | X_3A, d, o_reg(t), 1); /* sha1rnds4 */
    put8(c, (u32)in->imm);
    v2i(g, V_PSHUFD, d, o_reg(d), 0x1b);
    return done(g, i, d);
}

/* The host has the words as f e b a and h g d c, does two rounds at once, and wants the schedule in xmm0. */
static bool sha256_rounds(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    temp_take(g, XMM0);
    u32 z = use_reg(g, in->c);
    mov_rr(g, XMM0, z, IR_V128);
    g->locked &= ~(1u << z);
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), t = temp_float(g);
    v3i(g, SHUFPS, t, y, o_reg(x), 0x11);
    g->locked &= ~(1u << x | 1u << y);
    u32 u = temp_float(g);
    v3i(g, SHUFPS, u, y, o_reg(x), 0xbb);
    x_rr(c, 0xcb | X_38, u, t); /* sha256rnds2: the new f e b a; the old ones are the new h g d c */
    v2i(g, V_PSHUFD, XMM0, o_reg(XMM0), 0x0e);
    x_rr(c, 0xcb | X_38, t, u);
    u32 d = def_reg(g, i, 0);
    v3i(g, SHUFPS, d, t, o_reg(u), in->imm ? 0x11 : 0xbb);
    def_done(g, i, d);
    return true;
}

static bool vsha256(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    if (!have(FEAT_SHA) || !avx2())
        return false;
    if (in->imm < 2)
        return sha256_rounds(g, i);
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), z = use_reg(g, in->c), d = def_apart(g, i, x, y, z);
    if (in->imm == 2) {
        mov_rr(g, d, x, IR_V128);
        x_rr(c, 0xcc | X_38, d, y); /* sha256msg1 */
    } else {
        v3i(g, P3A(0x0f), d, z, o_reg(y), 4); /* palignr */
        v3r(g, PADDD, d, d, x);
        x_rr(c, 0xcd | X_38, d, z); /* sha256msg2 */
    }
    return done(g, i, d);
}

bool emit_vseq(struct gen *g, ir_ref i)
{
    switch (ins_of(g, i)->op) {
    case IR_OP_vshlv:
    case IR_OP_vshrv:
    case IR_OP_vsarv:
        return shift_var(g, i);
    case IR_OP_vqadd:
    case IR_OP_vqsub:
        return vqaddsub(g, i);
    case IR_OP_vmin:
    case IR_OP_vmax:
        return vminmax64(g, i);
    case IR_OP_vqdmulh:
        return lane_of(ins_of(g, i)) == IR_V32 && vqdmulh32(g, i);
    case IR_OP_vqnarrow:
        return vqnarrow32(g, i);
    case IR_OP_vclz:
        return vclz(g, i);
    case IR_OP_vpmul:
        return vpmul(g, i);
    case IR_OP_vpmull:
        return vpmull8(g, i);
    case IR_OP_vest:
        return vest(g, i);
    case IR_OP_vsha1:
        return vsha1(g, i);
    case IR_OP_vsha256:
        return vsha256(g, i);
    default:
        return false;
    }
}
