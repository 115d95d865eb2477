/* aarch64: floating point on vectors, and what Advanced SIMD has of it on scalars; see fp.h. */
#include "translator/guest/aarch64/fp.h"

static bool two(struct a64_ctx *c, const struct a64_insn *i, enum a64_fp_op op)
{
    return a64_put_v(c, i->rd, a64_fp(c, fp_shape_of(i), op, IR_RDYN, vn(c, i), vm(c, i), 0));
}

static bool one(struct a64_ctx *c, const struct a64_insn *i, enum a64_fp_op op, u32 aux)
{
    return a64_put_v(c, i->rd, a64_fp(c, fp_shape_of(i), op, aux, vn(c, i), 0, 0));
}

/* clang-format off */
TR(fadd_v)    { return two(c, i, FP_ADD); }
TR(fsub_v)    { return two(c, i, FP_SUB); }
TR(fmul_v)    { return two(c, i, FP_MUL); }
TR(fdiv_v)    { return two(c, i, FP_DIV); }
TR(fmax_v)    { return two(c, i, FP_MAX); }
TR(fmin_v)    { return two(c, i, FP_MIN); }
TR(fmaxnm_v)  { return two(c, i, FP_MAXNM); }
TR(fminnm_v)  { return two(c, i, FP_MINNM); }
TR(fmulx_v)   { return two(c, i, FP_MULX); }
TR(frecps_v)  { return two(c, i, FP_RECPS); }
TR(frsqrts_v) { return two(c, i, FP_RSQRTS); }
TR(fsqrt_v)   { return one(c, i, FP_SQRT, IR_RDYN); }
TR(frecpe_v)  { return one(c, i, FP_RECPE, IR_RDYN); }
TR(frecpx_v)  { return one(c, i, FP_RECPX, IR_RDYN); }
TR(frsqrte_v) { return one(c, i, FP_RSQRTE, IR_RDYN); }
TR(urecpe_v)  { return vput(c, i, v1i(c, IR_OP_vest, 0, vn(c, i), 0)); }
TR(ursqrte_v) { return vput(c, i, v1i(c, IR_OP_vest, 0, vn(c, i), 1)); }
TR(fabs_v)    { return vput(c, i, fp_abs(c, lane_of(i), vn(c, i))); }
TR(fneg_v)    { return vput(c, i, fp_neg(c, lane_of(i), vn(c, i))); }
/* clang-format on */

TR(fabd_v)
{
    ir_ref x = a64_fp(c, fp_shape_of(i), FP_SUB, IR_RDYN, vn(c, i), vm(c, i), 0);
    return a64_put_v(c, i->rd, fp_abs(c, lane_of(i), x));
}

static bool fused(struct a64_ctx *c, const struct a64_insn *i, u32 more)
{
    return a64_put_v(c, i->rd, a64_fp(c, fp_shape_of(i), FP_FMA, IR_RDYN | more, vn(c, i), vm(c, i), vd(c, i)));
}

/* clang-format off */
TR(fmla_v) { return fused(c, i, 0); }
TR(fmls_v) { return fused(c, i, IR_FP_NEG_MUL); }
/* clang-format on */

/* --- comparison --- */

static bool compare(struct a64_ctx *c, const struct a64_insn *i, enum a64_fp_op op, ir_ref x, ir_ref y)
{
    return a64_put_v(c, i->rd, a64_fp(c, fp_shape_of(i), op, 0, x, y, 0));
}

static bool compare_abs(struct a64_ctx *c, const struct a64_insn *i, enum a64_fp_op op)
{
    return compare(c, i, op, fp_abs(c, lane_of(i), vn(c, i)), fp_abs(c, lane_of(i), vm(c, i)));
}

/* clang-format off */
TR(fcmeq_v) { return compare(c, i, FP_EQ, vn(c, i), vm(c, i)); }
TR(fcmge_v) { return compare(c, i, FP_GE, vn(c, i), vm(c, i)); }
TR(fcmgt_v) { return compare(c, i, FP_GT, vn(c, i), vm(c, i)); }
TR(fcmeq_z) { return compare(c, i, FP_EQ, vn(c, i), vzero(c)); }
TR(fcmge_z) { return compare(c, i, FP_GE, vn(c, i), vzero(c)); }
TR(fcmgt_z) { return compare(c, i, FP_GT, vn(c, i), vzero(c)); }
TR(fcmle_z) { return compare(c, i, FP_GE, vzero(c), vn(c, i)); }
TR(fcmlt_z) { return compare(c, i, FP_GT, vzero(c), vn(c, i)); }
TR(facge_v) { return compare_abs(c, i, FP_GE); }
TR(facgt_v) { return compare_abs(c, i, FP_GT); }
/* clang-format on */

/* --- pairs and across lanes --- */

static bool pairwise(struct a64_ctx *c, const struct a64_insn *i, enum a64_fp_op op)
{
    struct pairs p = vpairs(c, i, vn(c, i), vm(c, i));
    return a64_put_v(c, i->rd, a64_fp(c, fp_shape_of(i), op, IR_RDYN, p.even, p.odd, 0));
}

/* The two lowest lanes of n. */
static bool pair(struct a64_ctx *c, const struct a64_insn *i, enum a64_fp_op op)
{
    ir_ref x = vn(c, i);
    return a64_put_v(c, i->rd,
                     a64_fp(c, fp_shape_of(i), op, IR_RDYN, x, v2i(c, IR_OP_vext, 0, x, x, 1u << lane_of(i)), 0));
}

/* Neighbours first, then neighbouring results: which NaN is found depends on it. */
static bool across(struct a64_ctx *c, const struct a64_insn *i, enum a64_fp_op op)
{
    struct fp_shape shape = fp_shape_of(i);
    ir_ref x = vn(c, i);
    for (u32 n = shape.n; n > 1; n /= 2) {
        ir_ref even = v2(c, IR_OP_vuzp, shape.lane, x, x), odd = v2(c, IR_OP_vuzp, shape.lane | IR_V_HIGH, x, x);
        shape.n = (u8)(n / 2);
        if (!a64_fp_by_helper(shape.lane)) /* all four lanes; the rest repeat these and raise the same flags */
            shape.n = 4;
        x = a64_fp(c, shape, op, IR_RDYN, even, odd, 0);
    }
    return a64_put_v(c, i->rd, cut_lane(c, shape.lane, x));
}

/* clang-format off */
TR(faddp_v)   { return pairwise(c, i, FP_ADD); }
TR(fmaxp_v)   { return pairwise(c, i, FP_MAX); }
TR(fminp_v)   { return pairwise(c, i, FP_MIN); }
TR(fmaxnmp_v) { return pairwise(c, i, FP_MAXNM); }
TR(fminnmp_v) { return pairwise(c, i, FP_MINNM); }
TR(faddp_s)   { return pair(c, i, FP_ADD); }
TR(fmaxp_s)   { return pair(c, i, FP_MAX); }
TR(fminp_s)   { return pair(c, i, FP_MIN); }
TR(fmaxnmp_s) { return pair(c, i, FP_MAXNM); }
TR(fminnmp_s) { return pair(c, i, FP_MINNM); }
TR(fmaxv_v)   { return across(c, i, FP_MAX); }
TR(fminv_v)   { return across(c, i, FP_MIN); }
TR(fmaxnmv_v) { return across(c, i, FP_MAXNM); }
TR(fminnmv_v) { return across(c, i, FP_MINNM); }
/* clang-format on */

/* --- integers --- */

static bool to_int(struct a64_ctx *c, const struct a64_insn *i, u32 aux)
{
    return one(c, i, FP_TO_INT, aux);
}

/* clang-format off */
TR(fcvtns_v) { return to_int(c, i, IR_RNE); }
TR(fcvtnu_v) { return to_int(c, i, IR_RNE | IR_F2I_UNSIGNED); }
TR(fcvtms_v) { return to_int(c, i, IR_RDN); }
TR(fcvtmu_v) { return to_int(c, i, IR_RDN | IR_F2I_UNSIGNED); }
TR(fcvtps_v) { return to_int(c, i, IR_RUP); }
TR(fcvtpu_v) { return to_int(c, i, IR_RUP | IR_F2I_UNSIGNED); }
TR(fcvtzs_v) { return to_int(c, i, IR_RTZ); }
TR(fcvtzu_v) { return to_int(c, i, IR_RTZ | IR_F2I_UNSIGNED); }
TR(fcvtas_v) { return to_int(c, i, IR_RMM); }
TR(fcvtau_v) { return to_int(c, i, IR_RMM | IR_F2I_UNSIGNED); }
TR(scvtf_v)  { return one(c, i, FP_FROM_INT, IR_RDYN); }
TR(ucvtf_v)  { return one(c, i, FP_FROM_INT, IR_RDYN | IR_F2I_UNSIGNED); }
TR(frintn_v) { return one(c, i, FP_ROUND, IR_RNE); }
TR(frintm_v) { return one(c, i, FP_ROUND, IR_RDN); }
TR(frintp_v) { return one(c, i, FP_ROUND, IR_RUP); }
TR(frintz_v) { return one(c, i, FP_ROUND, IR_RTZ); }
TR(frinta_v) { return one(c, i, FP_ROUND, IR_RMM); }
TR(frinti_v) { return one(c, i, FP_ROUND, IR_RDYN); }
TR(frintx_v) { return one(c, i, FP_ROUND, IR_RDYN | IR_FP_EXACT); }
TR(frint32z_v) { return one(c, i, FP_ROUND32, IR_RTZ); }
TR(frint64z_v) { return one(c, i, FP_ROUND64, IR_RTZ); }
TR(frint32x_v) { return one(c, i, FP_ROUND32, IR_RDYN); }
TR(frint64x_v) { return one(c, i, FP_ROUND64, IR_RDYN); }
/* clang-format on */

/* Fixed point. */
static bool to_fixed(struct a64_ctx *c, const struct a64_insn *i, u32 aux)
{
    const struct fp_shape shape = fp_shape_of(i);
    const u32 fbits = lane_bits(i) - (u32)i->imm;
    if (a64_fp_by_helper(shape.lane))
        return a64_put_v(c, i->rd, a64_fp_call(c, shape, shape.lane, FP_TO_INT, aux, fbits, vn(c, i), 0, 0));
    ir_ref x = a64_fp_scale(c, shape, (s32)fbits, vn(c, i));
    return a64_put_v(c, i->rd, a64_fp(c, shape, FP_TO_INT, aux, x, 0, 0));
}

static bool from_fixed(struct a64_ctx *c, const struct a64_insn *i, u32 aux)
{
    const struct fp_shape shape = fp_shape_of(i);
    const u32 fbits = lane_bits(i) - (u32)i->imm;
    if (a64_fp_by_helper(shape.lane))
        return a64_put_v(c, i->rd, a64_fp_call(c, shape, shape.lane, FP_FROM_INT, aux, fbits, vn(c, i), 0, 0));
    ir_ref x = a64_fp(c, shape, FP_FROM_INT, aux, vn(c, i), 0, 0);
    return a64_put_v(c, i->rd, a64_fp_scale(c, shape, -(s32)fbits, x));
}

/* clang-format off */
TR(fcvtzs_x) { return to_fixed(c, i, IR_RTZ); }
TR(fcvtzu_x) { return to_fixed(c, i, IR_RTZ | IR_F2I_UNSIGNED); }
TR(scvtf_x)  { return from_fixed(c, i, IR_RDYN); }
TR(ucvtf_x)  { return from_fixed(c, i, IR_RDYN | IR_F2I_UNSIGNED); }
/* clang-format on */

/* --- formats --- */

static bool convert_by_helper(const struct a64_ctx *c, const struct a64_insn *i)
{
    return lane_of(i) == IR_V16 && c->rq->mode & A64_MODE_AHP;
}

TR(fcvtl_v)
{
    const u32 lane = lane_of(i);
    const struct fp_shape shape = {(u8)lane, (u8)(8u >> lane)};
    const u32 aux = IR_RDYN | IR_FP_TINY_BEFORE | fp_nan(c) | lane << IR_V_FP_LANE_SHIFT;
    if (!convert_by_helper(c, i) && !a64_fp_flushes(c, lane))
        return a64_put_v(c, i->rd, v1(c, IR_OP_vfwiden, aux | (i->hi ? IR_V_FP_HIGH : 0), vn(c, i)));
    ir_ref x = i->hi ? v2i(c, IR_OP_vext, 0, vn(c, i), vn(c, i), 8) : vn(c, i);
    if (convert_by_helper(c, i))
        return a64_put_v(c, i->rd, a64_fp_call(c, shape, lane + 1, FP_CVT, IR_RDYN, 0, x, 0, 0));
    return a64_put_v(c, i->rd, v1(c, IR_OP_vfwiden, aux, a64_fp_flush(c, shape, x)));
}

TR(fcvtn_v)
{
    const u32 lane = lane_of(i);
    const struct fp_shape shape = {(u8)(lane + 1), (u8)(8u >> lane)};
    if (convert_by_helper(c, i))
        return vput_narrow(c, i, a64_fp_call(c, shape, lane, FP_CVT, IR_RDYN, 0, vn(c, i), 0, 0));
    const u32 aux = IR_RDYN | IR_FP_TINY_BEFORE | fp_nan(c) | a64_fp_flushes(c, lane) | lane << IR_V_FP_LANE_SHIFT;
    return vput_narrow(c, i, v1(c, IR_OP_vfnarrow, aux, a64_fp_flush(c, shape, vn(c, i))));
}

TR(fcvtxn_v)
{
    const struct fp_shape shape = {IR_V64, i->scalar ? 1 : 2};
    return vput_narrow(c, i, a64_fp_call(c, shape, IR_V32, FP_CVT_ODD, IR_RNE, 0, vn(c, i), 0, 0));
}

/* --- complex numbers: pairs of a real and an imaginary lane --- */

/* Lanes of each pair exchanged. */
static ir_ref exchanged(struct a64_ctx *c, u32 lane, ir_ref x)
{
    if (lane == IR_V64)
        return v2i(c, IR_OP_vext, 0, x, x, 8);
    return v1(c, IR_OP_vrev, lane | (lane + 1) << IR_V_INDEX_SHIFT, x);
}

/* Signs inverted in the real, the imaginary, or all lanes. */
enum part { REAL = 1, IMAGINARY = 2 };
static ir_ref negated(struct a64_ctx *c, u32 lane, u32 parts, ir_ref x)
{
    const u32 bits = 8u << lane;
    const u64 real = parts & REAL ? 1ull << (bits - 1) : 0, imaginary = parts & IMAGINARY ? 1ull << (bits - 1) : 0;
    ir_ref mask = lane == IR_V64 ? vconst(c, real, imaginary) : splat(c, lane + 1, real | imaginary << bits);
    return v2(c, IR_OP_vxor, 0, x, mask);
}

/* n + i m, or n - i m. */
TR(fcadd_v)
{
    const u32 lane = lane_of(i);
    ir_ref y = negated(c, lane, i->rot ? IMAGINARY : REAL, exchanged(c, lane, vm(c, i)));
    return a64_put_v(c, i->rd, a64_fp(c, fp_shape_of(i), FP_ADD, IR_RDYN, vn(c, i), y, 0));
}

/* d + n's real part times m (quarter turn 0, 2), or its imaginary part times i m (1, 3). */
TR(fcmla_v)
{
    static const u8 signs[4] = {0, REAL, REAL | IMAGINARY, IMAGINARY};
    const u32 lane = lane_of(i);
    ir_ref x = vn(c, i), y = a64_v(c, i->rm);
    if (i->elem)
        y = vspread(c, lane + 1, y, i->index);
    x = v2(c, IR_OP_vtrn, lane | (i->rot & 1 ? IR_V_HIGH : 0), x, x);
    if (i->rot & 1)
        y = exchanged(c, lane, y);
    if (i->rot)
        y = negated(c, lane, signs[i->rot], y);
    return a64_put_v(c, i->rd, a64_fp(c, fp_shape_of(i), FP_FMA, IR_RDYN, x, y, vd(c, i)));
}
