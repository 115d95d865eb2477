/* aarch64: scalar floating point: arithmetic, comparison, selection, moves; see fp.h. Conversions are in fp_cvt.c.
 *
 * A comparison becomes IR op ford, whose result is what the flags are made of (a64_flags_ord). Half precision is
 * compared in single precision, which every half is: a signalling NaN raises invalid on the way, as it would anyway. */
#include "translator/guest/aarch64/fp.h"

static struct fp_shape shape_of(const struct a64_insn *i)
{
    return (struct fp_shape){(u8)fp_lane_of(i->ft), 1};
}

/* --- arithmetic --- */

static bool two(struct a64_ctx *c, const struct a64_insn *i, enum a64_fp_op op)
{
    return a64_put_v(c, i->rd, a64_fp(c, shape_of(i), op, IR_RDYN, vn(c, i), a64_v(c, i->rm), 0));
}

static bool one(struct a64_ctx *c, const struct a64_insn *i, enum a64_fp_op op, u32 aux)
{
    return a64_put_v(c, i->rd, a64_fp(c, shape_of(i), op, aux, vn(c, i), 0, 0));
}

static bool fused(struct a64_ctx *c, const struct a64_insn *i, u32 more)
{
    return a64_put_v(c, i->rd,
                     a64_fp(c, shape_of(i), FP_FMA, IR_RDYN | more, vn(c, i), a64_v(c, i->rm), a64_v(c, i->ra)));
}

/* clang-format off */
TR(fadd_f)   { return two(c, i, FP_ADD); }
TR(fsub_f)   { return two(c, i, FP_SUB); }
TR(fmul_f)   { return two(c, i, FP_MUL); }
TR(fdiv_f)   { return two(c, i, FP_DIV); }
TR(fmax_f)   { return two(c, i, FP_MAX); }
TR(fmin_f)   { return two(c, i, FP_MIN); }
TR(fmaxnm_f) { return two(c, i, FP_MAXNM); }
TR(fminnm_f) { return two(c, i, FP_MINNM); }
TR(fsqrt_f)  { return one(c, i, FP_SQRT, IR_RDYN); }
TR(fmadd_f)  { return fused(c, i, 0); }
TR(fmsub_f)  { return fused(c, i, IR_FP_NEG_MUL); }
TR(fnmsub_f) { return fused(c, i, IR_FP_NEG_ADD); }
TR(fnmadd_f) { return fused(c, i, IR_FP_NEG_MUL | IR_FP_NEG_ADD); }
TR(frintn_f) { return one(c, i, FP_ROUND, IR_RNE); }
TR(frintm_f) { return one(c, i, FP_ROUND, IR_RDN); }
TR(frintp_f) { return one(c, i, FP_ROUND, IR_RUP); }
TR(frintz_f) { return one(c, i, FP_ROUND, IR_RTZ); }
TR(frinta_f) { return one(c, i, FP_ROUND, IR_RMM); }
TR(frinti_f) { return one(c, i, FP_ROUND, IR_RDYN); }
TR(frintx_f) { return one(c, i, FP_ROUND, IR_RDYN | IR_FP_EXACT); }
TR(frint32z_f) { return one(c, i, FP_ROUND32, IR_RTZ); }
TR(frint64z_f) { return one(c, i, FP_ROUND64, IR_RTZ); }
TR(frint32x_f) { return one(c, i, FP_ROUND32, IR_RDYN); }
TR(frint64x_f) { return one(c, i, FP_ROUND64, IR_RDYN); }
/* clang-format on */

/* The sign of a NaN changes as well. */
static bool signs(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op, ir_ref x)
{
    const u32 lane = fp_lane_of(i->ft);
    if (lane == IR_V16)
        return a64_put_v(c, i->rd, cut_lane(c, lane, op == IR_OP_fneg ? fp_neg(c, lane, x) : fp_abs(c, lane, x)));
    return a64_put_scalar(c, i->rd, ir_op1(c->b, op, vlow(c, fp_type(lane), x)));
}

/* clang-format off */
TR(fneg_f)  { return signs(c, i, IR_OP_fneg, vn(c, i)); }
TR(fabs_f)  { return signs(c, i, IR_OP_fabs, vn(c, i)); }
TR(fnmul_f) { return signs(c, i, IR_OP_fneg, a64_fp(c, shape_of(i), FP_MUL, IR_RDYN, vn(c, i), a64_v(c, i->rm), 0)); }
/* clang-format on */

/* --- comparison --- */

/* x and y are vectors; how they lie to each other, as an i64. */
static ir_ref order(struct a64_ctx *c, u32 lane, u32 aux, ir_ref x, ir_ref y)
{
    const struct fp_shape shape = {(u8)lane, 1};
    if (lane == IR_V16 && c->rq->mode & A64_MODE_FZ16)
        return vlow(c, IR_I64, a64_fp_call(c, shape, IR_V64, FP_ORD, aux, 0, x, y, 0));
    x = vlow(c, fp_type(lane), a64_fp_flush(c, shape, x));
    y = vlow(c, fp_type(lane), a64_fp_flush(c, shape, y));
    if (lane == IR_V16) {
        x = ir_fp_to(c->b, IR_OP_fcvt, IR_F32, IR_RNE, x);
        y = ir_fp_to(c->b, IR_OP_fcvt, IR_F32, IR_RNE, y);
    }
    return ir_emit(c->b, IR_OP_ford, IR_I64, aux, 0, x, y, 0, 0);
}

static bool compare(struct a64_ctx *c, const struct a64_insn *i, u32 aux, ir_ref y)
{
    a64_flags_ord(c, order(c, fp_lane_of(i->ft), aux, vn(c, i), y));
    return true;
}

/* clang-format off */
TR(fcmp)    { return compare(c, i, 0, a64_v(c, i->rm)); }
TR(fcmpe)   { return compare(c, i, IR_FCMP_SIGNAL, a64_v(c, i->rm)); }
TR(fcmp_z)  { return compare(c, i, 0, vzero(c)); }
TR(fcmpe_z) { return compare(c, i, IR_FCMP_SIGNAL, vzero(c)); }
/* clang-format on */

/* x if the condition holds, as a vector, else 0. */
static ir_ref if_holds(struct a64_ctx *c, enum ir_cc cc, ir_ref p, ir_ref q, ir_ref x)
{
    return vzext(c, ir_select(c->b, cc, p, q, vlow(c, IR_I64, x), ir_const(c->b, IR_I64, 0)));
}

/* Nothing is compared, and no flag raised, if the condition does not hold: zeros stand for the numbers then. */
static bool compare_if(struct a64_ctx *c, const struct a64_insn *i, u32 aux)
{
    ir_ref p, q, x = vn(c, i), y = a64_v(c, i->rm);
    if (i->cond < 14) {
        const enum ir_cc cc = a64_cond(c, i->cond, &p, &q);
        x = if_holds(c, cc, p, q, x);
        y = if_holds(c, cc, p, q, y);
    }
    a64_flags_if_ord(c, i->cond, order(c, fp_lane_of(i->ft), aux, x, y), i->nzcv);
    return true;
}

/* clang-format off */
TR(fccmp)  { return compare_if(c, i, 0); }
TR(fccmpe) { return compare_if(c, i, IR_FCMP_SIGNAL); }
/* clang-format on */

/* --- selection and moves --- */

TR(fcsel)
{
    const u32 lane = fp_lane_of(i->ft);
    const enum ir_type type = lane == IR_V64 ? IR_I64 : IR_I32;
    ir_ref p, q;
    const enum ir_cc cc = a64_cond(c, i->cond, &p, &q);
    ir_ref r = ir_select(c->b, cc, p, q, a64_vlow(c, i->rn, type), a64_vlow(c, i->rm, type));
    return a64_put_scalar(c, i->rd, lane == IR_V16 ? ir_zext(c->b, IR_I32, r, 16) : r);
}

TR(fmov_f)
{
    return a64_put_v(c, i->rd, cut_lane(c, fp_lane_of(i->ft), vn(c, i)));
}

TR(fmov_i)
{
    const u32 lane = fp_lane_of(i->ft);
    const u64 bits = a64_fp_imm(lane, (u32)i->imm);
    return a64_put_v(c, i->rd, vconst(c, bits, 0));
}

TR(fmov_to_gp)
{
    if (fp_lane_of(i->ft) == IR_V16)
        return a64_put_x(c, i->rd, ir_zext(c->b, IR_I64, a64_vlow(c, i->rn, IR_I64), 16));
    return a64_put_r(c, i->rd, a64_vlow(c, i->rn, i->sf ? IR_I64 : IR_I32));
}

TR(fmov_from_gp)
{
    if (fp_lane_of(i->ft) == IR_V16)
        return a64_put_scalar(c, i->rd, ir_zext(c->b, IR_I64, a64_x(c, i->rn), 16));
    return a64_put_scalar(c, i->rd, a64_r(c, i->sf, i->rn));
}

TR(fmov_xd1)
{
    return a64_put_x(c, i->rd, ir_emit(c->b, IR_OP_vget, IR_I64, IR_V64 | 1 << IR_V_INDEX_SHIFT, 0, vn(c, i), 0, 0, 0));
}

TR(fmov_d1x)
{
    return a64_put_v(c, i->rd, v2(c, IR_OP_vset, IR_V64 | 1 << IR_V_INDEX_SHIFT, vd(c, i), a64_x(c, i->rn)));
}
