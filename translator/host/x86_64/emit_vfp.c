/* Vectors of floating point: SSE packed instructions, by the same rules as scalar ones (emit_fp.c).
 *
 * Where a lane of the result, or where it must be asked before of an operand, is a NaN, and where the host cannot do
 * what is asked, software does the whole op again (vec_soft); sums, products, quotients and roots are mended by
 * themselves where no operand is a signalling NaN (cold_vec_nan). Flags that the host has raised till then are those
 * that software raises too, so nothing is asked after them. That is why minima, which raise invalid for quiet NaNs, and
 * unsigned conversions look at their operands first.
 *
 * In units with nans_trap, sums, products, quotients and roots are not looked at (trap.c).
 *
 * The same is done where a lane may have been tiny before it was rounded (emit_fp.c, "Tininess").
 *
 * All registers are taken before the first way to software: what makes room for one would not be done on that way. */
#include "translator/host/x86_64/vec.h"

#include "translator/ir/vec_eval.h"

struct vfp {
    ir_ref i;
    u32 aux;
    bool wide;      /* lanes of 8 bytes */
    u32 x, y, z, d; /* operands, result */
    u32 t;          /* a temp */
    u32 n;          /* without AVX, an integer temp */
    struct cold *k;
};

/* r[0..2]: operands, or NOREG where they are stored already; r[3]: result */
static void cold_vec_soft(struct gen *g, const struct cold *k)
{
    vec_soft(g, k->ins, k->r, k->r[3]);
    x_jmp_back(&g->c, k->back);
}

/* To software when a lane of x is a signalling NaN. t, u: temps. */
static void if_signalling(struct gen *g, struct cold *k, bool wide, u32 x, u32 t, u32 u)
{
    const u32 pd = wide ? X_66 : 0;
    v3i(g, P0(0xc2) | pd, t, x, o_reg(x), 3);                                   /* NaNs, */
    vshift(g, vshift_op(wide ? IR_V64 : IR_V32), VSH_SHL, u, x, wide ? 12 : 9); /* their quiet bit on top */
    v3r(g, V_PANDN, t, u, t);                                                   /* of those that have none */
    x_avx(&g->c, wide ? P38(0x0f) : P38(0x0e), t, 0, o_reg(t), 0);              /* vtestpd, vtestps */
    add_site(k, x_jcc(&g->c, CC_NE));
}

/* A lane is a NaN. Unless one of the operands is a signalling one, the host gives the right one, or where none of them
 * is a NaN the negative of it. r[0], r[1]: operands (or NOREG), r[2]: a temp, r[3]: result; n: the instruction. */
static void cold_vec_nan(struct gen *g, const struct cold *k)
{
    struct code *c = &g->c;
    const bool wide = lanes_wide(ins_of(g, k->ins));
    const u32 pd = wide ? X_66 : 0, x = k->r[0], y = k->r[1], t = k->r[2], d = k->r[3];
    struct cold soft = {0};
    if_signalling(g, &soft, wide, x, t, d);
    if (y != NOREG && y != x)
        if_signalling(g, &soft, wide, y, t, d);
    x_avx(c, (u32)k->n, d, y == NOREG ? 0 : x, o_reg(y == NOREG ? x : y), 0); /* once more */
    v3i(g, P0(0xc2) | pd, t, d, o_reg(d), 3);
    x_rm(c, SSE_MOVUPS_ST, t, vec_cell(0), 0);
    v3i(g, P0(0xc2) | pd, t, x, o_reg(y == NOREG ? x : y), 3);
    v3(g, V_PANDN, t, t, vec_cell(0));
    v3(g, V_PAND, t, t, konst(g, wide ? K_SIGN64_V : K_SIGN32_V));
    v3r(g, V_PANDN, d, t, d);
    x_jmp_back(c, k->back);
    for (u32 n = 0; n < soft.nsites; n++)
        x_here(c, soft.site[n]);
    const u8 r[3] = {(u8)x, (u8)y};
    vec_soft(g, k->ins, r, d);
    x_jmp_back(c, k->back);
}

static struct vfp begin(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct vfp f = {.i = i, .aux = in->aux, .wide = lanes_wide(in)};
    f.x = use_reg(g, in->a);
    f.y = in->b ? use_reg(g, in->b) : NOREG;
    f.z = in->c ? use_reg(g, in->c) : NOREG;
    f.d = def_apart(g, i, f.x, f.y, f.z);
    f.n = have(FEAT_AVX) ? NOREG : temp_int(g);
    f.k = cold_new(g, cold_vec_soft, NULL);
    f.k->r[0] = (u8)f.x;
    f.k->r[1] = (u8)f.y;
    f.k->r[2] = (u8)f.z;
    f.k->r[3] = (u8)f.d;
    return f;
}

static bool finish(struct gen *g, const struct vfp *f)
{
    f->k->back = g->c.p;
    def_from(g, f->i, f->d);
    return true;
}

static u32 prefix(const struct vfp *f)
{
    return f->wide ? X_66 : 0;
}

/* To software when any lane of r (of 4 bytes, also where lanes are all ones or zeros) has its sign bit set. */
static void if_any(struct gen *g, struct vfp *f, u32 r)
{
    struct code *c = &g->c;
    if (have(FEAT_AVX)) {
        x_avx(c, P38(0x0e), r, 0, o_reg(r), 0); /* vtestps */
    } else {
        x_rr(c, P0(0x50), f->n, r); /* movmskps */
        x_rr(c, 0x85, f->n, f->n);
    }
    add_site(f->k, x_jcc(c, CC_NE));
}

/* Of lanes of 8 bytes. */
static void if_any64(struct gen *g, struct vfp *f, u32 r)
{
    struct code *c = &g->c;
    if (have(FEAT_AVX)) {
        x_avx(c, P38(0x0f), r, 0, o_reg(r), 0); /* vtestpd */
    } else {
        x_rr(c, P(0x50), f->n, r); /* movmskpd */
        x_rr(c, 0x85, f->n, f->n);
    }
    add_site(f->k, x_jcc(c, CC_NE));
}

/* To software when a lane of r is a NaN. */
static void if_nan(struct gen *g, struct vfp *f, u32 r)
{
    v3i(g, P0(0xc2) | prefix(f), f->t, r, o_reg(r), 3); /* unordered */
    if_any(g, f, f->t);
}

/* .. or, with IR_FP_TINY_BEFORE, the least normal number. */
static void if_nan_or_least(struct gen *g, struct vfp *f, u32 r)
{
    const struct opnd least = konst(g, f->wide ? K_LEAST64_V : K_LEAST32_V);
    if (!(f->aux & IR_FP_TINY_BEFORE) || g->u->tiny_any) {
        if_nan(g, f, r);
        return;
    }
    v3(g, SSE_ANDPS, f->t, r, konst(g, f->wide ? K_MAX64_V : K_MAX32_V));
    v3i(g, P0(0xc2) | prefix(f), f->t, f->t, least, have(FEAT_AVX) ? 8 : 0); /* equal; with AVX, or unordered */
    if_any(g, f, f->t);
    if (!have(FEAT_AVX))
        if_nan(g, f, r);
}

enum { ADD = 0x58, MUL = 0x59, SUB = 0x5c, DIV = 0x5e, SQRT = 0x51 };

static bool arith(struct gen *g, ir_ref i, u32 op)
{
    const struct ir_ins *in = ins_of(g, i);
    if (fp_traps(g, in) && (op != MUL || !(in->aux & IR_FP_TINY_BEFORE) || g->u->tiny_any)) {
        const u32 x = in->b ? use_reg(g, in->a) : 0;
        const struct opnd y = use_rm(g, in->b ? in->b : in->a);
        const u32 d = def_reg(g, i, in->a);
        x_avx(&g->c, P0(op) | (lanes_wide(in) ? X_66 : 0), d, x, y, 0);
        def_done(g, i, d);
        return true;
    }
    struct vfp f = begin(g, i);
    f.t = temp_float(g);
    fp_check_round(g, f.aux, f.k);
    if (f.y == NOREG)
        v2(g, P0(op) | prefix(&f), f.d, o_reg(f.x));
    else
        v3r(g, P0(op) | prefix(&f), f.d, f.x, f.y);
    if (op == MUL && (f.aux & IR_FP_TINY_BEFORE) && !g->u->tiny_any) {
        if_nan_or_least(g, &f, f.d);
        return finish(g, &f);
    }
    if (have(FEAT_AVX) && (f.aux & IR_FP_ROUND) == IR_RDYN && !(f.aux & IR_FP_DEFNAN)) {
        f.k->emit = cold_vec_nan;
        f.k->r[2] = (u8)f.t;
        f.k->n = P0(op) | prefix(&f);
    }
    if_nan(g, &f, f.d);
    return finish(g, &f);
}

/* As fma_trapping (emit_fp.c). */
static bool vfma_trapping(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct vfp f = {.i = i, .wide = lanes_wide(in)};
    f.x = use_reg(g, in->a);
    f.y = use_reg(g, in->b);
    f.z = use_reg(g, in->c);
    f.d = def_not_in(g, i, reg_bit(f.x) | reg_bit(f.y));
    f.t = f.d == f.z ? temp_float(g) : f.d;
    f.k = cold_new(g, cold_vec_soft, NULL);
    f.k->r[0] = (u8)f.x;
    f.k->r[1] = (u8)f.y;
    f.k->r[2] = (u8)f.z;
    f.k->r[3] = (u8)f.d;
    if_nan(g, &f, f.z);
    mov_rr(g, f.d, f.z, IR_V128);
    const u32 op = 0xb8 + (in->aux & IR_FP_NEG_ADD ? 2 : 0); /* vfmadd231, vfmsub231: first = second * third + first */
    x_vex(&g->c, P38(op) | (f.wide ? X_W : 0), f.d, f.x, o_reg(f.y), 0);
    return finish(g, &f);
}

static bool vfma(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    if (!have(FEAT_FMA))
        return false;
    if (fp_traps(g, in) && (!(in->aux & IR_FP_TINY_BEFORE) || g->u->tiny_any) && !(in->aux & IR_FP_NEG_MUL))
        return vfma_trapping(g, i);
    struct vfp f = begin(g, i);
    const bool short_of_temps = !(TEMPS_FLOAT & ~g->locked);
    const bool x_lives = !dies(g, in->a);
    if (short_of_temps) { /* all operands are in temps: x is one that may be borrowed, while it lies in memory */
        x_rm(&g->c, SSE_MOVUPS_ST, f.x, o_vcpu(SPILL_OFF(VEC_ARGS)), 0);
        f.k->r[0] = NOREG;
        f.t = f.x;
    } else {
        f.t = temp_float(g);
    }
    fp_check_round(g, f.aux, f.k);
    /* vfmadd213, vfmsub213, vfnmadd213, vfnmsub213: first = second * first + third */
    u32 op = 0xa8 + (f.aux & IR_FP_NEG_ADD ? 2 : 0) + (f.aux & IR_FP_NEG_MUL ? 4u : 0u);
    mov_rr(g, f.d, f.x, IR_V128);
    x_vex(&g->c, P38(op) | (f.wide ? X_W : 0), f.d, f.y, o_reg(f.z), 0);
    if_nan_or_least(g, &f, f.d);
    f.k->back = g->c.p;
    if (short_of_temps && x_lives)
        x_rm(&g->c, SSE_MOVUPS_LD, f.x, o_vcpu(SPILL_OFF(VEC_ARGS)), 0);
    def_from(g, i, f.d);
    return true;
}

/* The host's answer is its second operand when both are zeros: it is asked twice, and the signs meet. */
static bool vfminmax(struct gen *g, ir_ref i)
{
    const bool max = ins_of(g, i)->op == IR_OP_vfmax;
    struct vfp f = begin(g, i);
    f.t = temp_float(g);
    const u32 op = P0(max ? 0x5f : 0x5d) | prefix(&f);
    v3i(g, P0(0xc2) | prefix(&f), f.t, f.x, o_reg(f.y), 3);
    if_any(g, &f, f.t);
    v3r(g, op, f.t, f.y, f.x);
    v3r(g, op, f.d, f.x, f.y);
    v3r(g, max ? V_PAND : V_POR, f.d, f.d, f.t);
    return finish(g, &f);
}

static bool vfcmp(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 cc = in->aux & IR_FP_ROUND;
    const bool signal = in->aux & IR_FCMP_SIGNAL, wide = lanes_wide(in);
    u32 how = cc == IR_EQ ? 0 : cc == IR_LTS ? 1 : 2;
    if (signal != (cc != IR_EQ)) { /* the forms that only AVX has */
        if (!have(FEAT_AVX))
            return false;
        how |= 0x10;
    }
    u32 x = use_reg(g, in->a), y = use_reg(g, in->b), d = def_apart(g, i, x, y, NOREG);
    v3i(g, P0(0xc2) | (wide ? X_66 : 0), d, x, o_reg(y), how);
    def_from(g, i, d);
    return true;
}

/* Rounding control of roundps. */
static const u8 rc[] = {[IR_RNE] = 0, [IR_RDN] = 1, [IR_RUP] = 2, [IR_RTZ] = 3, [IR_RMM] = 0, [IR_RDYN] = 4};

#define PACKED_ROUND(wide) P3A((wide) ? 0x09 : 0x08)

/* Where x is small enough to have a fraction, it is cut, and 1 is added if what went is 1/2 or more. For the others,
 * which would raise flags, a 0 is rounded. The sign comes last, for it is that of a 0 as well. */
void vec_round_away(struct gen *g, bool wide, u32 d, u32 x, u32 t, u32 u)
{
    const u32 gt = wide ? P38(0x37) : P(0x66), pd = wide ? X_66 : 0;
    struct opnd magnitude = konst(g, wide ? K_MAX64_V : K_MAX32_V);
    v2(g, SSE_MOVAPS, t, konst(g, wide ? K_2P52_V : K_2P23_V));
    v3(g, V_PAND, u, x, magnitude);
    v3r(g, gt, u, t, u);
    v3r(g, V_PAND, d, x, u);
    v2i(g, PACKED_ROUND(wide), t, o_reg(d), 3 | 8);
    v3r(g, P0(0x5c) | pd, d, d, t); /* exact */
    v3(g, V_PAND, d, d, magnitude);
    v3(g, gt, d, d, konst(g, wide ? K_HALF_LESS64 : K_HALF_LESS32));
    v3(g, V_PAND, d, d, konst(g, wide ? K_ONE64_V : K_ONE32_V));
    v3(g, V_PAND, t, t, magnitude);
    v3r(g, P0(0x58) | pd, t, t, d); /* likewise */
    v3(g, V_PAND, d, x, konst(g, wide ? K_SIGN64_V : K_SIGN32_V));
    v3r(g, V_POR, t, t, d);
    v3i(g, P3A(wide ? 0x4b : 0x4a), d, x, o_reg(t), (u & 15) << 4); /* vblendvps, vblendvpd */
}

static bool vfround(struct gen *g, ir_ref i)
{
    const u32 aux = ins_of(g, i)->aux, round = aux & IR_FP_ROUND;
    const bool away = round == IR_RMM;
    if (!have(FEAT_SSE41) || (away && (aux & IR_FP_EXACT || !have(FEAT_AVX))))
        return false;
    struct vfp f = begin(g, i);
    f.t = temp_float(g);
    if (away) {
        u32 u = temp_float(g);
        if_nan(g, &f, f.x);
        vec_round_away(g, f.wide, f.d, f.x, f.t, u);
        return finish(g, &f);
    }
    v2i(g, PACKED_ROUND(f.wide), f.d, o_reg(f.x), rc[round] | (aux & IR_FP_EXACT ? 0u : 8u));
    if_nan(g, &f, f.d);
    return finish(g, &f);
}

/* x's lanes, rounded: in f.d, or x itself when the conversion does it. u: another temp, for ties away from zero. */
static u32 rounded_first(struct gen *g, struct vfp *f, u32 round, u32 u)
{
    if (round == IR_RTZ || round == IR_RDYN) /* modes that conversions have */
        return f->x;
    if (round == IR_RMM)
        vec_round_away(g, f->wide, f->d, f->x, f->t, u);
    else
        v2i(g, PACKED_ROUND(f->wide), f->d, o_reg(f->x), rc[round] | 8u);
    return f->d;
}

/* Lanes of 8 bytes, each by itself. Those that are rounded first are rounded once more for their inexact flag. */
static bool to_int64(struct gen *g, ir_ref i)
{
    const u32 aux = ins_of(g, i)->aux, round = aux & IR_FP_ROUND;
    struct code *c = &g->c;
    struct vfp f = begin(g, i);
    u32 lo = temp_int(g), hi = temp_int(g), op = (round == IR_RDYN ? 0x2d : 0x2c) | X_0F | X_F2 | X_W;
    f.t = temp_float(g);
    u32 u = round == IR_RMM ? temp_float(g) : NOREG;
    const bool is_unsigned = aux & IR_F2I_UNSIGNED;
    if (is_unsigned) { /* those below 2^63 are signed ones as well, and the others are not looked at here */
        v3(g, P38(0x37), f.t, f.x, konst(g, K_2P63_LESS)); /* pcmpgtq */
        v3r(g, V_POR, f.t, f.t, f.x);
        if_any64(g, &f, f.t);
    }
    u32 x = rounded_first(g, &f, round, u);
    v2i(g, V_PSHUFD, f.t, o_reg(x), 0xee);
    x_rr(c, op, lo, x);
    x_rr(c, op, hi, f.t);
    if (x != f.x)
        v2i(g, PACKED_ROUND(true), f.t, o_reg(f.x), 3);
    for (u32 n = 0; n < 2 && !is_unsigned;
         n++) { /* overflows for the least integer, which stands for what does not fit */
        x_alu_imm(c, X_W, ALU_CMP, o_reg(n ? hi : lo), 1);
        add_site(f.k, x_jcc(c, CC_O));
    }
    x_rr(c, SSE_MOVQ_X_R, f.d, lo);
    x_rr(c, SSE_MOVQ_X_R, f.t, hi);
    v3r(g, V_PUNPCKLQDQ, f.d, f.d, f.t);
    return finish(g, &f);
}

static bool vf2i(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 round = in->aux & IR_FP_ROUND;
    const bool wide = lanes_wide(in), is_unsigned = in->aux & IR_F2I_UNSIGNED;
    const bool own = round == IR_RTZ || round == IR_RDYN;
    if ((!own && !have(FEAT_SSE41)) || ((round == IR_RMM || (wide && is_unsigned)) && !have(FEAT_AVX)))
        return false;
    if (wide)
        return to_int64(g, i);
    struct vfp f = begin(g, i);
    f.t = temp_float(g);
    const u32 truncate = P0(0x5b) | X_F3, convert = P(0x5b), u = round == IR_RMM ? temp_float(g) : NOREG;
    if (is_unsigned) { /* those below 2^31 are signed ones as well, and the others are not looked at here */
        v3(g, P(0x66), f.t, f.x, konst(g, K_2P31_LESS)); /* pcmpgtd */
        v3r(g, V_POR, f.t, f.t, f.x);
        if_any(g, &f, f.t);
    }
    u32 x = rounded_first(g, &f, round, u);
    v2(g, round == IR_RDYN ? convert : truncate, f.d, o_reg(x));
    if (x != f.x) /* once more for its inexact flag */
        v2(g, truncate, f.t, o_reg(f.x));
    if (!is_unsigned) {
        v3(g, P(0x76), f.t, f.d, konst(g, K_SIGN32_V)); /* pcmpeqd */
        if_any(g, &f, f.t);
    }
    return finish(g, &f);
}

static bool vi2f(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    const bool wide = lanes_wide(in), is_unsigned = in->aux & IR_F2I_UNSIGNED;
    if ((in->aux & IR_FP_ROUND) == IR_RMM)
        return false;
    struct vfp f = begin(g, i);
    f.t = temp_float(g);
    u32 r = wide ? temp_int(g) : NOREG;
    fp_check_round(g, f.aux, f.k);
    if (wide && is_unsigned) /* those below 2^63 are signed ones as well */
        if_any64(g, &f, f.x);
    if (wide) {
        u32 op = 0x2a | X_0F | X_F2 | X_W;
        v2i(g, V_PSHUFD, f.t, o_reg(f.x), 0xee);
        x_rm(c, SSE_MOVQ_R_X, f.x, o_reg(r), 0);
        x_rr(c, SSE_XORPS, f.d, f.d);
        x_rr(c, op, f.d, r);
        x_rm(c, SSE_MOVQ_R_X, f.t, o_reg(r), 0);
        x_rr(c, SSE_XORPS, f.t, f.t);
        x_rr(c, op, f.t, r);
        v3r(g, V_PUNPCKLQDQ, f.d, f.d, f.t);
    } else if (is_unsigned) { /* in two halves of 16 bits: all but the addition is exact */
        vshift(g, vshift_op(IR_V32), VSH_SHR, f.t, f.x, 16);
        v2(g, P0(0x5b), f.t, o_reg(f.t));
        v3(g, P0(0x59), f.t, f.t, konst(g, K_2P16));
        v3(g, V_PAND, f.d, f.x, konst(g, K_EVEN16));
        v2(g, P0(0x5b), f.d, o_reg(f.d));
        v3r(g, P0(0x58), f.d, f.d, f.t);
    } else {
        v2(g, P0(0x5b), f.d, o_reg(f.x));
    }
    return finish(g, &f);
}

static bool vfwiden(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const bool half = (in->aux & IR_V_FP_LANE) >> IR_V_FP_LANE_SHIFT == IR_V16;
    if (half && !have(FEAT_F16C))
        return false;
    struct vfp f = begin(g, i);
    f.t = temp_float(g);
    f.wide = !half; /* of the result */
    u32 x = f.x;
    if (in->aux & IR_V_FP_HIGH) {
        v2i(g, V_PSHUFD, f.t, o_reg(f.x), 0xee);
        x = f.t;
    }
    if (half)
        x_vex(&g->c, P38(0x13), f.d, 0, o_reg(x), 0);
    else
        v2(g, P0(0x5a), f.d, o_reg(x));
    if_nan(g, &f, f.d);
    return finish(g, &f);
}

static bool vfnarrow(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const bool half = (in->aux & IR_V_FP_LANE) >> IR_V_FP_LANE_SHIFT == IR_V16;
    if (half && !have(FEAT_F16C))
        return false;
    struct vfp f = begin(g, i);
    f.t = temp_float(g);
    if (half) {
        x_vex(&g->c, P3A(0x1d), f.x, 0, o_reg(f.d), 1);
        put8(&g->c, rc[in->aux & IR_FP_ROUND]);
        if ((f.aux & IR_FP_TINY_BEFORE) &&
            !g->u->tiny_any) { /* a lane twice the least normal half when it is doubled */
            v3r(g, P(0xfd), f.t, f.d, f.d);
            v3(g, P(0x75), f.t, f.t, konst(g, K_LEAST16_V));
            x_avx(&g->c, P38(0x17), f.t, 0, o_reg(f.t), 0); /* vptest */
            add_site(f.k, x_jcc(&g->c, CC_NE));
        }
        if_nan(g, &f, f.x);
    } else {
        fp_check_round(g, f.aux, f.k);
        v2(g, P(0x5a), f.d, o_reg(f.x));
        if_nan_or_least(g, &f, f.d);
    }
    return finish(g, &f);
}

bool emit_vfp(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const u32 op = in->op;
    if (op == IR_OP_vfcmp)
        return vfcmp(g, i);
    if (ir_flushes(in))
        return emit_vflush(g, i);
    if (op == IR_OP_vfmin || op == IR_OP_vfmax)
        return vfminmax(g, i);
    if ((in->aux & IR_FP_ROUND) == IR_RMM && op != IR_OP_vfwiden && op != IR_OP_vfround && op != IR_OP_vf2i)
        return false;
    switch (op) {
    case IR_OP_vfadd:
        return arith(g, i, ADD);
    case IR_OP_vfsub:
        return arith(g, i, SUB);
    case IR_OP_vfmul:
        return arith(g, i, MUL);
    case IR_OP_vfdiv:
        return arith(g, i, DIV);
    case IR_OP_vfsqrt:
        return arith(g, i, SQRT);
    case IR_OP_vfma:
        return vfma(g, i);
    case IR_OP_vfround:
        return vfround(g, i);
    case IR_OP_vf2i:
        return vf2i(g, i);
    case IR_OP_vi2f:
        return vi2f(g, i);
    case IR_OP_vfwiden:
        return vfwiden(g, i);
    default:
        return vfnarrow(g, i);
    }
}
