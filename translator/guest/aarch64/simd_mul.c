/* aarch64: vector instructions of lanes of different sizes, and products that saturate, double or are summed.
 *
 * "Long" instructions take the lower or (hi) upper half of their narrow operands and make lanes twice as wide. */
#include "translator/guest/aarch64/simd.h"

static u32 half_of(const struct a64_insn *i)
{
    return i->hi ? IR_V_HIGH : 0;
}

static ir_ref widened(struct a64_ctx *c, const struct a64_insn *i, u32 sign, ir_ref x)
{
    return v1(c, IR_OP_vwiden, lane_of(i) | sign | half_of(i), x);
}

static bool put_wide(struct a64_ctx *c, const struct a64_insn *i, ir_ref x)
{
    return a64_put_v(c, i->rd, i->scalar ? cut_lane(c, lane_of(i) + 1, x) : x);
}

/* --- sums --- */

static bool long_sum(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op, u32 sign)
{
    return put_wide(c, i, v2(c, op, lane_of(i) + 1, widened(c, i, sign, vn(c, i)), widened(c, i, sign, vm(c, i))));
}

static bool wide_sum(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op, u32 sign)
{
    return put_wide(c, i, v2(c, op, lane_of(i) + 1, vn(c, i), widened(c, i, sign, vm(c, i))));
}

/* A distance fits into its lane, without a sign. */
static bool long_distance(struct a64_ctx *c, const struct a64_insn *i, u32 sign, bool add)
{
    ir_ref x = vn(c, i), y = vm(c, i);
    const u32 aux = lane_of(i) | sign;
    ir_ref d = v2(c, IR_OP_vsub, lane_of(i), v2(c, IR_OP_vmax, aux, x, y), v2(c, IR_OP_vmin, aux, x, y));
    d = widened(c, i, 0, d);
    return put_wide(c, i, add ? v2(c, IR_OP_vadd, lane_of(i) + 1, vd(c, i), d) : d);
}

/* The upper halves of wide sums. */
static bool high_narrow(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op, bool round)
{
    const u32 wide = lane_of(i) + 1, bits = lane_bits(i);
    ir_ref x = v2(c, op, wide, vn(c, i), vm(c, i));
    if (round)
        x = v2(c, IR_OP_vadd, wide, x, splat(c, wide, 1ull << (bits - 1)));
    x = v1i(c, IR_OP_vshr, wide, x, bits);
    return vput_narrow(c, i, v2(c, IR_OP_vnarrow, lane_of(i), x, vzero(c)));
}

/* clang-format off */
TR(saddl_v)  { return long_sum(c, i, IR_OP_vadd, IR_V_SIGNED); }
TR(uaddl_v)  { return long_sum(c, i, IR_OP_vadd, 0); }
TR(ssubl_v)  { return long_sum(c, i, IR_OP_vsub, IR_V_SIGNED); }
TR(usubl_v)  { return long_sum(c, i, IR_OP_vsub, 0); }
TR(saddw_v)  { return wide_sum(c, i, IR_OP_vadd, IR_V_SIGNED); }
TR(uaddw_v)  { return wide_sum(c, i, IR_OP_vadd, 0); }
TR(ssubw_v)  { return wide_sum(c, i, IR_OP_vsub, IR_V_SIGNED); }
TR(usubw_v)  { return wide_sum(c, i, IR_OP_vsub, 0); }
TR(sabdl_v)  { return long_distance(c, i, IR_V_SIGNED, false); }
TR(uabdl_v)  { return long_distance(c, i, 0, false); }
TR(sabal_v)  { return long_distance(c, i, IR_V_SIGNED, true); }
TR(uabal_v)  { return long_distance(c, i, 0, true); }
TR(addhn_v)  { return high_narrow(c, i, IR_OP_vadd, false); }
TR(raddhn_v) { return high_narrow(c, i, IR_OP_vadd, true); }
TR(subhn_v)  { return high_narrow(c, i, IR_OP_vsub, false); }
TR(rsubhn_v) { return high_narrow(c, i, IR_OP_vsub, true); }
/* clang-format on */

/* --- products --- */

static ir_ref product(struct a64_ctx *c, const struct a64_insn *i, u32 sign)
{
    return v2(c, IR_OP_vmull, lane_of(i) | sign | half_of(i), vn(c, i), vm(c, i));
}

/* clang-format off */
TR(smull_v) { return put_wide(c, i, product(c, i, IR_V_SIGNED)); }
TR(umull_v) { return put_wide(c, i, product(c, i, 0)); }
TR(smlal_v) { return put_wide(c, i, v2(c, IR_OP_vadd, lane_of(i) + 1, vd(c, i), product(c, i, IR_V_SIGNED))); }
TR(umlal_v) { return put_wide(c, i, v2(c, IR_OP_vadd, lane_of(i) + 1, vd(c, i), product(c, i, 0))); }
TR(smlsl_v) { return put_wide(c, i, v2(c, IR_OP_vsub, lane_of(i) + 1, vd(c, i), product(c, i, IR_V_SIGNED))); }
TR(umlsl_v) { return put_wide(c, i, v2(c, IR_OP_vsub, lane_of(i) + 1, vd(c, i), product(c, i, 0))); }
TR(pmull_v) { return put_wide(c, i, v2(c, IR_OP_vpmull, lane_of(i) | half_of(i), vn(c, i), vm(c, i))); }
/* clang-format on */

/* Twice the product, saturating; *qc has bits where it does. Of a scalar the rest is 0. */
static ir_ref doubled(struct a64_ctx *c, const struct a64_insn *i, ir_ref *qc)
{
    const u32 wide = lane_of(i) + 1;
    ir_ref p = product(c, i, IR_V_SIGNED);
    if (i->scalar)
        p = cut_lane(c, wide, p);
    ir_ref r = v2(c, IR_OP_vqadd, wide | IR_V_SIGNED, p, p);
    *qc = v2(c, IR_OP_vxor, 0, r, v2(c, IR_OP_vadd, wide, p, p));
    return r;
}

TR(sqdmull_v)
{
    ir_ref qc, r = doubled(c, i, &qc);
    set_qc(c, qc);
    return put_wide(c, i, r);
}

static bool doubled_sum(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op, enum ir_op wraps)
{
    const u32 wide = lane_of(i) + 1;
    ir_ref qc, p = doubled(c, i, &qc), x = vd(c, i);
    ir_ref r = v2(c, op, wide | IR_V_SIGNED, x, p);
    ir_ref more = v2(c, IR_OP_vxor, 0, r, v2(c, wraps, wide, x, p)); /* 0 where p is: adding 0 does not saturate */
    set_qc(c, v2(c, IR_OP_vor, 0, qc, more));
    return put_wide(c, i, r);
}

/* clang-format off */
TR(sqdmlal_v) { return doubled_sum(c, i, IR_OP_vqadd, IR_OP_vadd); }
TR(sqdmlsl_v) { return doubled_sum(c, i, IR_OP_vqsub, IR_OP_vsub); }
/* clang-format on */

/* High halves of doubled products saturate where both numbers are the lowest, and there alone. */
static bool doubled_high(struct a64_ctx *c, const struct a64_insn *i, u32 round)
{
    const u32 lane = lane_of(i);
    ir_ref x = vn(c, i), y = vm(c, i);
    ir_ref lowest = vcmp(c, lane, IR_EQ, x, sign_bits(c, lane));
    set_qc(c, cut(c, i, v2(c, IR_OP_vand, 0, lowest, vcmp(c, lane, IR_EQ, x, y))));
    return vput(c, i, v2(c, IR_OP_vqdmulh, lane | round, x, y));
}

/* clang-format off */
TR(sqdmulh_v)  { return doubled_high(c, i, 0); }
TR(sqrdmulh_v) { return doubled_high(c, i, IR_V_ROUND); }
/* clang-format on */

/* One half of d +- the high half of 2 x y, rounded, before it saturates: in wide lanes ((d << bits - 1) +- x y +
 * (1 << bits - 2)) >> bits - 1, which does not overflow. */
static ir_ref rounded_sum(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op, u32 high, ir_ref x, ir_ref y)
{
    const u32 lane = lane_of(i), wide = lane + 1, bits = lane_bits(i);
    ir_ref d = v1i(c, IR_OP_vshl, wide, v1(c, IR_OP_vwiden, lane | IR_V_SIGNED | high, vd(c, i)), bits - 1);
    ir_ref r = v2(c, op, wide, d, v2(c, IR_OP_vmull, lane | IR_V_SIGNED | high, x, y));
    return v1i(c, IR_OP_vsar, wide, v2(c, IR_OP_vadd, wide, r, splat(c, wide, 1ull << (bits - 2))), bits - 1);
}

static bool rounded_doubled(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op)
{
    const u32 lane = lane_of(i);
    ir_ref x = vn(c, i), y = vm(c, i);
    ir_ref low = rounded_sum(c, i, op, 0, x, y), high = rounded_sum(c, i, op, IR_V_HIGH, x, y);
    ir_ref r = v2(c, IR_OP_vqnarrow, lane | IR_V_SIGNED, low, high);
    set_qc(c, cut(c, i, v2(c, IR_OP_vxor, 0, r, v2(c, IR_OP_vnarrow, lane, low, high))));
    return vput(c, i, r);
}

/* clang-format off */
TR(sqrdmlah_v) { return rounded_doubled(c, i, IR_OP_vadd); }
TR(sqrdmlsh_v) { return rounded_doubled(c, i, IR_OP_vsub); }
/* clang-format on */

/* --- sums of products of bytes --- */

static bool dot(struct a64_ctx *c, const struct a64_insn *i, u32 sign)
{
    ir_ref y = a64_v(c, i->rm);
    if (i->elem)
        y = vspread(c, IR_V32, y, i->index);
    return a64_put_q(c, i->q, i->rd, v3(c, IR_OP_vdot, IR_V32 | sign, vn(c, i), y, vd(c, i)));
}

/* clang-format off */
TR(sdot_v) { return dot(c, i, IR_V_SIGNED); }
TR(udot_v) { return dot(c, i, 0); }
/* clang-format on */
