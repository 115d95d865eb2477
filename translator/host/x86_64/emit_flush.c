/* Floating point whose tiny results become zeros (IR_FP_FLUSH).
 *
 * The host could flush by itself, but not so: it looks at a result after rounding, and raises inexact with underflow.
 * So software does what is tiny, and before the host has raised anything. There are two ways to know.
 *
 *   before  Exponents tell that a product, quotient or converted number may be tiny. Zeros are too frequent to go to
 *           software for that: cold code finds that an operand is one, and goes on.
 *   after   Sums that are tiny are exact, so that nothing was raised: they are found by the result. Zeros among them
 *           are right.
 *
 * fma has both: before it where the product has digits below the least subnormal number. NaNs go to software as well.
 * The bounds on exponents leave room for operands that are subnormal themselves; guests that flush have none as a rule.
 *
 * In vectors, lanes are as masks: ones where all is well. Scratch registers of cold code are saved, and operands lie
 * where software wants them. */
#include "translator/host/x86_64/vec.h"

#include "translator/ir/vec_eval.h"

/* In cold code's n: a register, and above it where in the body to go on. */
static u32 reg_in(const struct cold *k)
{
    return k->n & 0xff;
}
static void note_here(struct gen *g, struct cold *k)
{
    k->n |= (u64)(g->c.p - g->c.base) << 8;
}
static void jump_again(struct gen *g, const struct cold *k)
{
    x_jmp_back(&g->c, g->c.base + (k->n >> 8));
}

struct shape {
    u32 frac, exp; /* bits */
    u32 type;
    u32 sum;   /* of two biased exponents: below this a product may be tiny, or have digits too low */
    u32 ratio; /* a quotient may be tiny when the divisor's exponent is larger by this */
};
static const struct shape shapes[] = {{23, 8, IR_F32, 151, 103}, {52, 11, IR_F64, 1076, 970}};

static const struct shape *shape_of(bool wide)
{
    return &shapes[wide];
}

enum what { SUM, PRODUCT, QUOTIENT, FMA, NARROW };
static enum what what_of(u32 op)
{
    switch (op) {
    case IR_OP_fadd:
    case IR_OP_fsub:
        return SUM;
    case IR_OP_fmul:
        return PRODUCT;
    case IR_OP_fdiv:
        return QUOTIENT;
    case IR_OP_fma:
        return FMA;
    default:
        dgm_assert(op == IR_OP_fcvt, "%s does not flush", ir_ops[op].name);
        return NARROW;
    }
}

static u32 opcode_of(u32 op)
{
    return op == IR_OP_fadd ? 0x58 : op == IR_OP_fsub ? 0x5c : op == IR_OP_fmul ? 0x59 : op == IR_OP_fdiv ? 0x5e : 0x5a;
}

/* vfmadd213 and its like, packed; one more is scalar */
static u32 fma_opcode(u32 aux)
{
    return 0xa8 + (aux & IR_FP_NEG_ADD ? 2 : 0) + (aux & IR_FP_NEG_MUL ? 4u : 0u);
}

/* --- scalars --- */

/* Is the number in xmm register x zero? Then jumps; uses a. */
static u8 *jump_if_zero(struct gen *g, bool wide, u32 a, u32 x)
{
    const u32 w = wide ? X_W : 0;
    x_rm(&g->c, SSE_MOVD_R_X | w, x, o_reg(a), 0);
    x_rr(&g->c, 0x03 | w, a, a);
    return x_jcc8(&g->c, CC_E);
}

/* The result may be tiny. r[0..2]: operands, r[3]: result; n: an integer temp; again: where the operation begins. */
static void cold_before(struct gen *g, const struct cold *k)
{
    const struct ir_ins *in = ins_of(g, k->ins);
    const enum what what = what_of(in->op);
    const bool wide = ins_of(g, in->a)->type == IR_F64;
    if (what != NARROW) {
        u8 *x = jump_if_zero(g, wide, reg_in(k), k->r[0]), *y = NULL;
        if (what != QUOTIENT)
            y = jump_if_zero(g, wide, reg_in(k), k->r[1]);
        fp_soft(g, k->ins, k->r, k->r[3]);
        x_jmp_back(&g->c, k->back);
        x_here8(&g->c, x);
        if (y)
            x_here8(&g->c, y);
        jump_again(g, k);
        return;
    }
    fp_soft(g, k->ins, k->r, k->r[3]);
    x_jmp_back(&g->c, k->back);
}

/* A NaN, or a tiny result, or a zero. The same. */
static void cold_after(struct gen *g, const struct cold *k)
{
    const struct ir_ins *in = ins_of(g, k->ins);
    u8 *zero = NULL;
    if (what_of(in->op) == SUM || what_of(in->op) == FMA)
        zero = jump_if_zero(g, in->type == IR_F64, reg_in(k), k->r[3]);
    fp_soft(g, k->ins, k->r, k->r[3]);
    if (zero)
        x_here8(&g->c, zero);
    x_jmp_back(&g->c, k->back);
}

static struct cold *cold_of(struct gen *g, void (*emit)(struct gen *, const struct cold *), const u32 r[4], u32 a)
{
    struct cold *k = cold_new(g, emit, NULL);
    for (u32 n = 0; n < 4; n++)
        k->r[n] = (u8)r[n];
    k->n = a;
    return k;
}

/* a = the biased exponent of x. */
static void exponent(struct gen *g, const struct shape *s, u32 a, u32 x)
{
    const u32 w = s->type == IR_F64 ? X_W : 0;
    x_rm(&g->c, SSE_MOVD_R_X | w, x, o_reg(a), 0);
    x_shift_imm(&g->c, w, SH_SHR, o_reg(a), s->frac);
    x_alu_imm(&g->c, 0, ALU_AND, o_reg(a), (1 << s->exp) - 1);
}

/* Goes to k where the operation on r may be tiny; uses a, b. */
static void check_before(struct gen *g, enum what what, const struct shape *s, const u32 r[4], u32 a, u32 b,
                         struct cold *k)
{
    struct code *c = &g->c;
    if (what == NARROW) { /* a number of 8 bytes below the least normal one of 4, and not 0 */
        x_rm(c, SSE_MOVQ_R_X, r[0], o_reg(a), 0);
        x_rr(c, 0x03 | X_W, a, a);
        x_alu_imm(c, X_W, ALU_SUB, o_reg(a), 1);
        x_mov_imm(c, b, 2 * (897ull << 52) - 1, false);
        x_alu(c, X_W, ALU_CMP, a, o_reg(b));
        add_site(k, x_jcc(c, CC_B));
        return;
    }
    exponent(g, s, a, r[0]);
    exponent(g, s, b, r[1]);
    if (what == QUOTIENT) {
        x_alu(c, 0, ALU_SUB, a, o_reg(b));
        x_alu_imm(c, 0, ALU_CMP, o_reg(a), -(s32)s->ratio);
        add_site(k, x_jcc(c, CC_LE));
    } else {
        x_alu(c, 0, ALU_ADD, a, o_reg(b));
        x_alu_imm(c, 0, ALU_CMP, o_reg(a), (s32)s->sum);
        add_site(k, x_jcc(c, CC_B));
    }
}

/* Goes to k where the result is a NaN or, with `small`, no larger than the least normal number. */
static void check_after(struct gen *g, const struct shape *s, bool small, u32 r, u32 a, struct cold *k)
{
    struct code *c = &g->c;
    const u32 w = s->type == IR_F64 ? X_W : 0;
    if (!small) {
        x_rm(c, 0x2e | X_0F | (w ? X_66 : 0), r, o_reg(r), 0); /* ucomiss, ucomisd */
        add_site(k, x_jcc(c, CC_P));
        return;
    }
    /* Twice the number and something, by which NaNs wrap, and both are the lowest. */
    x_rm(c, SSE_MOVD_R_X | w, r, o_reg(a), 0);
    x_rr(c, 0x03 | w, a, a);
    if (w) {
        x_alu(c, w, ALU_ADD, a, konst(g, K_FLUSH64));
        x_alu(c, w, ALU_CMP, a, konst(g, K_FLUSH64_TOP));
    } else {
        x_alu(c, w, ALU_ADD, a, konst(g, K_FLUSH32));
        x_alu(c, w, ALU_CMP, a, konst(g, K_FLUSH32_TOP));
    }
    add_site(k, x_jcc(c, CC_LE));
}

void emit_flush(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    const enum what what = what_of(in->op);
    const u32 from = ins_of(g, in->a)->type, scalar = from == IR_F64 ? X_F2 : X_F3;
    const struct shape *s = shape_of(in->type == IR_F64), *of = shape_of(from == IR_F64);
    if ((in->aux & IR_FP_ROUND) != IR_RDYN || (what == FMA && !have(FEAT_FMA)) ||
        (what == NARROW && (from != IR_F64 || in->type != IR_F32))) {
        fp_only_soft(g, i);
        return;
    }
    u32 r[4] = {use_reg(g, in->a), in->b ? use_reg(g, in->b) : NOREG, in->c ? use_reg(g, in->c) : NOREG};
    r[3] = def_apart(g, i, r[0], r[1], r[2]);
    u32 a = temp_int(g), b = what == SUM ? NOREG : temp_int(g);
    struct cold *before = NULL, *after = cold_of(g, cold_after, r, a);
    if (what != SUM) {
        before = cold_of(g, cold_before, r, a);
        check_before(g, what, of, r, a, b, before);
        note_here(g, before);
    }
    if (what == NARROW) {
        x_rr(c, 0x5a | X_0F | scalar, r[3], r[0]);
    } else {
        mov_rr(g, r[3], r[0], in->type);
        if (what == FMA)
            x_vex(c, P38(fma_opcode(in->aux) + 1) | (from == IR_F64 ? X_W : 0), r[3], r[1], o_reg(r[2]), 0);
        else
            x_rr(c, opcode_of(in->op) | X_0F | scalar, r[3], r[1]);
    }
    check_after(g, s, what == SUM || what == FMA, r[3], a, after);
    after->back = c->p;
    if (before)
        before->back = c->p;
    def_from(g, i, r[3]);
}

/* --- vectors --- */

#define PADDD   P(0xfe)
#define PADDQ   P(0xd4)
#define PCMPEQD P(0x76)
#define PCMPEQQ P38(0x29)
#define VTESTPS P38(0x0e)

/* dst = ones where m is a zero of either sign. */
static void zeros(struct gen *g, bool wide, u32 dst, struct opnd m)
{
    if (m.kind == O_REG)
        mov_rr(g, dst, m.reg, IR_V128);
    else
        v2(g, SSE_MOVUPS_LD, dst, m);
    v3r(g, wide ? PADDQ : PADDD, dst, dst, dst);
    v3(g, wide ? PCMPEQQ : PCMPEQD, dst, dst, konst(g, K_ZERO));
}

/* All lanes of mask t that count, ones? Then carry is set. */
static void test_all(struct gen *g, u32 t, enum what what)
{
    x_avx(&g->c, VTESTPS, t, 0, konst(g, what == NARROW ? K_LOW_HALF : K_ONES), 0);
}

static void store_operands(struct gen *g, const struct cold *k)
{
    for (u32 n = 0; n < 3; n++)
        if (k->r[n] != NOREG)
            v2(g, SSE_MOVUPS_ST, k->r[n], vec_cell(n));
}

static void soft_and_back(struct gen *g, const struct cold *k)
{
    static const u8 stored[3] = {NOREG, NOREG, NOREG};
    vec_soft(g, k->ins, stored, k->r[3]);
    x_jmp_back(&g->c, k->back);
}

/* n: the mask's register; r[0..2]: operands, or NOREG where they are in their cells already; r[3]: the result's. */
static void vcold_before(struct gen *g, const struct cold *k)
{
    const struct ir_ins *in = ins_of(g, k->ins);
    const enum what what = what_of(ir_scalar_of(in->op));
    const bool wide = lanes_wide(in);
    store_operands(g, k);
    if (what != NARROW) {
        u32 s[2], n = 0;
        for (u32 r = XMM0; n < 2; r++)
            if (r != reg_in(k))
                s[n++] = r;
        const struct opnd save[2] = {o_vcpu(SPILL_OFF(SAVE_FLOAT)), o_vcpu(SPILL_OFF(SAVE_FLOAT + 2))};
        for (n = 0; n < 2; n++)
            v2(g, SSE_MOVUPS_ST, s[n], save[n]);
        zeros(g, wide, s[0], vec_cell(0));
        if (what != QUOTIENT) {
            zeros(g, wide, s[1], vec_cell(1));
            v3r(g, V_POR, s[0], s[0], s[1]);
        }
        v3r(g, V_POR, reg_in(k), reg_in(k), s[0]);
        test_all(g, reg_in(k), what);
        for (n = 0; n < 2; n++)
            v2(g, SSE_MOVUPS_LD, s[n], save[n]);
        u8 *no = x_jcc8(&g->c, CC_AE);
        jump_again(g, k);
        x_here8(&g->c, no);
    }
    soft_and_back(g, k);
}

static void vcold_after(struct gen *g, const struct cold *k)
{
    const struct ir_ins *in = ins_of(g, k->ins);
    const enum what what = what_of(ir_scalar_of(in->op));
    store_operands(g, k);
    if (what == SUM || what == FMA) {
        const u32 m = reg_in(k), d = k->r[3];
        u32 s = XMM0;
        while (s == m || s == d)
            s++;
        const struct opnd save = o_vcpu(SPILL_OFF(SAVE_FLOAT));
        v2(g, SSE_MOVUPS_ST, s, save);
        zeros(g, lanes_wide(in), s, o_reg(k->r[3]));
        v3r(g, V_POR, reg_in(k), reg_in(k), s);
        test_all(g, reg_in(k), what);
        v2(g, SSE_MOVUPS_LD, s, save);
        u8 *no = x_jcc8(&g->c, CC_AE);
        x_jmp_back(&g->c, k->back);
        x_here8(&g->c, no);
    }
    soft_and_back(g, k);
}

/* t = ones where no result is tiny; d is free as well. Of lanes of 8 bytes the upper halves are looked at; there the
 * lower ones count as well. x is in t already if `in_t`. */
static void vcheck_before(struct gen *g, enum what what, bool wide, const u32 r[4], u32 d, u32 t, struct cold *k)
{
    const struct opnd exp = konst(g, wide ? K_EXP64_V : K_EXP32_V);
    if (what == NARROW) {
        v3r(g, PADDQ, t, r[0], r[0]);
        v3(g, PADDQ, t, t, konst(g, K_MAX64_V));
        v3(g, P38(0x37), t, t, konst(g, K_NARROW_TOP)); /* pcmpgtq */
        v3i(g, P0(0xc6), t, t, o_reg(t), 0x88);         /* shufps */
    } else {
        v3(g, V_PAND, d, r[1], exp);
        v3(g, V_PAND, t, r[0], exp);
        if (what == QUOTIENT) {
            v3r(g, P(0xfa), t, t, d);                                     /* psubd */
            v3(g, P(0x66), t, t, konst(g, wide ? K_RATIO64 : K_RATIO32)); /* pcmpgtd */
        } else {
            v3r(g, PADDD, t, t, d);
            v3(g, P38(0x3f), d, t, konst(g, wide ? K_SUM64 : K_SUM32)); /* pmaxud */
            v3r(g, PCMPEQD, t, t, d);
        }
    }
    test_all(g, t, what);
    add_site(k, x_jcc(&g->c, CC_AE));
    k->n = t;
}

static void vcheck_after(struct gen *g, enum what what, bool wide, u32 r, u32 t, struct cold *k)
{
    if (what == SUM || what == FMA) {
        v3r(g, wide ? PADDQ : PADDD, t, r, r);
        v3(g, wide ? PADDQ : PADDD, t, t, konst(g, wide ? K_FLUSH64 : K_FLUSH32));
        v3(g, wide ? P38(0x37) : P(0x66), t, t, konst(g, wide ? K_FLUSH64_TOP : K_FLUSH32_TOP)); /* pcmpgt */
    } else {
        v3i(g, P0(0xc2) | (wide ? X_66 : 0), t, r, o_reg(r), 7); /* ordered */
    }
    test_all(g, t, what);
    add_site(k, x_jcc(&g->c, CC_AE));
    k->n = t;
}

bool emit_vflush(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 op = ir_scalar_of(in->op);
    const enum what what = what_of(op);
    const bool wide = lanes_wide(in); /* of the result */
    if (!avx2() || (in->aux & IR_FP_ROUND) != IR_RDYN || (what == FMA && !have(FEAT_FMA)) || (what == NARROW && wide) ||
        (what == NARROW && (in->aux & IR_V_FP_LANE) >> IR_V_FP_LANE_SHIFT != IR_V32))
        return false;
    u32 r[4] = {use_reg(g, in->a), in->b ? use_reg(g, in->b) : NOREG, in->c ? use_reg(g, in->c) : NOREG};
    r[3] = def_apart(g, i, r[0], r[1], r[2]);
    const bool borrows = !(TEMPS_FLOAT & ~g->locked), x_lives = !dies(g, in->a); /* as in vfma */
    const u32 x = r[0], d = r[3];
    u32 t = x;
    if (borrows) {
        v2(g, SSE_MOVUPS_ST, x, vec_cell(0));
        r[0] = NOREG;
    } else {
        t = temp_float(g);
    }
    struct cold *before = NULL, *after = cold_of(g, vcold_after, r, t);
    const u32 operands[4] = {x, r[1], r[2], d};
    if (what != SUM) {
        before = cold_of(g, vcold_before, r, t);
        vcheck_before(g, what, wide, operands, d, t, before);
        note_here(g, before);
    }
    const u32 pd = wide ? X_66 : 0;
    if (what == NARROW) {
        v2(g, P(0x5a), d, o_reg(x));
    } else if (what == FMA) {
        if (borrows)
            v2(g, SSE_MOVUPS_LD, d, vec_cell(0));
        else
            mov_rr(g, d, x, IR_V128);
        x_vex(&g->c, P38(fma_opcode(in->aux)) | (wide ? X_W : 0), d, r[1], o_reg(r[2]), 0);
    } else {
        v3r(g, P0(opcode_of(op)) | pd, d, x, r[1]);
    }
    vcheck_after(g, what, wide, d, t, after);
    after->back = g->c.p;
    if (before)
        before->back = g->c.p;
    if (borrows && x_lives)
        v2(g, SSE_MOVUPS_LD, x, vec_cell(0));
    def_from(g, i, d);
    return true;
}
