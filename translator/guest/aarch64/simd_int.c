/* aarch64: integer arithmetic, logic and comparison on vectors of equal lanes.
 *
 * Where the IR lacks an operation it is composed. Identities used, per lane and without overflow:
 *   (a + b) >> 1      = (a & b) + ((a ^ b) >> 1)
 *   (a + b + 1) >> 1  = (a | b) - ((a ^ b) >> 1)
 *   (a - b) >> 1      = ((a ^ b) >> 1) - (b & ~a)
 * with arithmetic or logical shifts as the lanes are signed or not.
 *
 * QC. A sum or difference that saturates differs from the one that wraps, so the difference goes into QC. */
#include "translator/guest/aarch64/simd.h"

/* --- lane by lane --- */

static bool two(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op, u32 more)
{
    return vput(c, i, v2(c, op, lane_of(i) | more, vn(c, i), vm(c, i)));
}

static bool compare(struct a64_ctx *c, const struct a64_insn *i, enum ir_cc cc)
{
    return vput(c, i, vcmp(c, lane_of(i), cc, vn(c, i), vm(c, i)));
}

/* With zero on the right, or (swapped) on the left. */
static bool compare_zero(struct a64_ctx *c, const struct a64_insn *i, enum ir_cc cc, bool swapped)
{
    ir_ref x = vn(c, i), zero = vzero(c);
    return vput(c, i, swapped ? vcmp(c, lane_of(i), cc, zero, x) : vcmp(c, lane_of(i), cc, x, zero));
}

/* clang-format off */
TR(add_v)  { return two(c, i, IR_OP_vadd, 0); }
TR(sub_v)  { return two(c, i, IR_OP_vsub, 0); }
TR(mul_v)  { return two(c, i, IR_OP_vmul, 0); }
TR(pmul_v) { return two(c, i, IR_OP_vpmul, 0); }
TR(smax_v) { return two(c, i, IR_OP_vmax, IR_V_SIGNED); }
TR(smin_v) { return two(c, i, IR_OP_vmin, IR_V_SIGNED); }
TR(umax_v) { return two(c, i, IR_OP_vmax, 0); }
TR(umin_v) { return two(c, i, IR_OP_vmin, 0); }
TR(cmeq_v) { return compare(c, i, IR_EQ); }
TR(cmgt_v) { return compare(c, i, IR_GTS); }
TR(cmge_v) { return compare(c, i, IR_GES); }
TR(cmhi_v) { return compare(c, i, IR_GTU); }
TR(cmhs_v) { return compare(c, i, IR_GEU); }
TR(cmeq_z) { return compare_zero(c, i, IR_EQ, false); }
TR(cmgt_z) { return compare_zero(c, i, IR_GTS, false); }
TR(cmge_z) { return compare_zero(c, i, IR_GES, false); }
TR(cmlt_z) { return compare_zero(c, i, IR_GTS, true); }
TR(cmle_z) { return compare_zero(c, i, IR_GES, true); }
TR(abs_v)  { return vput(c, i, v1(c, IR_OP_vabs, lane_of(i), vn(c, i))); }
TR(neg_v)  { return vput(c, i, v2(c, IR_OP_vsub, lane_of(i), vzero(c), vn(c, i))); }
TR(clz_v)  { return vput(c, i, v1(c, IR_OP_vclz, lane_of(i), vn(c, i))); }
TR(cnt_v)  { return vput(c, i, v1(c, IR_OP_vpopcnt, 0, vn(c, i))); }
/* clang-format on */

TR(cmtst_v)
{
    ir_ref both = v2(c, IR_OP_vand, 0, vn(c, i), vm(c, i));
    return vput(c, i, v1(c, IR_OP_vnot, 0, vcmp(c, lane_of(i), IR_EQ, both, vzero(c))));
}

static bool multiply_add(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op)
{
    return vput(c, i, v2(c, op, lane_of(i), vd(c, i), v2(c, IR_OP_vmul, lane_of(i), vn(c, i), vm(c, i))));
}

static ir_ref distance(struct a64_ctx *c, const struct a64_insn *i, u32 sign)
{
    ir_ref x = vn(c, i), y = vm(c, i);
    const u32 aux = lane_of(i) | sign;
    return v2(c, IR_OP_vsub, lane_of(i), v2(c, IR_OP_vmax, aux, x, y), v2(c, IR_OP_vmin, aux, x, y));
}

/* clang-format off */
TR(mla_v)  { return multiply_add(c, i, IR_OP_vadd); }
TR(mls_v)  { return multiply_add(c, i, IR_OP_vsub); }
TR(sabd_v) { return vput(c, i, distance(c, i, IR_V_SIGNED)); }
TR(uabd_v) { return vput(c, i, distance(c, i, 0)); }
TR(saba_v) { return vput(c, i, v2(c, IR_OP_vadd, lane_of(i), vd(c, i), distance(c, i, IR_V_SIGNED))); }
TR(uaba_v) { return vput(c, i, v2(c, IR_OP_vadd, lane_of(i), vd(c, i), distance(c, i, 0))); }
/* clang-format on */

/* Sign bits that precede the other ones, the sign not counted. */
TR(cls_v)
{
    ir_ref x = vn(c, i);
    ir_ref differs = v2(c, IR_OP_vxor, 0, x, v1i(c, IR_OP_vsar, lane_of(i), x, lane_bits(i) - 1));
    return vput(c, i, v2(c, IR_OP_vsub, lane_of(i), v1(c, IR_OP_vclz, lane_of(i), differs), splat(c, lane_of(i), 1)));
}

/* --- halving --- */

static bool halving_add(struct a64_ctx *c, const struct a64_insn *i, enum ir_op shift, bool round)
{
    ir_ref x = vn(c, i), y = vm(c, i);
    if (round && shift == IR_OP_vshr && lane_of(i) <= IR_V16)
        return vput(c, i, v2(c, IR_OP_vavg, lane_of(i), x, y));
    ir_ref half = v1i(c, shift, lane_of(i), v2(c, IR_OP_vxor, 0, x, y), 1);
    return vput(c, i,
                round ? v2(c, IR_OP_vsub, lane_of(i), v2(c, IR_OP_vor, 0, x, y), half)
                      : v2(c, IR_OP_vadd, lane_of(i), v2(c, IR_OP_vand, 0, x, y), half));
}

static bool halving_sub(struct a64_ctx *c, const struct a64_insn *i, enum ir_op shift)
{
    ir_ref x = vn(c, i), y = vm(c, i);
    ir_ref half = v1i(c, shift, lane_of(i), v2(c, IR_OP_vxor, 0, x, y), 1);
    return vput(c, i, v2(c, IR_OP_vsub, lane_of(i), half, v2(c, IR_OP_vandn, 0, y, x)));
}

/* clang-format off */
TR(shadd_v)  { return halving_add(c, i, IR_OP_vsar, false); }
TR(uhadd_v)  { return halving_add(c, i, IR_OP_vshr, false); }
TR(srhadd_v) { return halving_add(c, i, IR_OP_vsar, true); }
TR(urhadd_v) { return halving_add(c, i, IR_OP_vshr, true); }
TR(shsub_v)  { return halving_sub(c, i, IR_OP_vsar); }
TR(uhsub_v)  { return halving_sub(c, i, IR_OP_vshr); }
/* clang-format on */

/* --- saturating --- */

/* Writes a result and sets QC where it differs from what wraps. */
static bool put_sat(struct a64_ctx *c, const struct a64_insn *i, ir_ref sat, ir_ref wrap)
{
    set_qc(c, cut(c, i, v2(c, IR_OP_vxor, 0, sat, wrap)));
    return vput(c, i, sat);
}

static bool saturating(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op, enum ir_op wraps, u32 sign)
{
    ir_ref x = vn(c, i), y = vm(c, i);
    return put_sat(c, i, v2(c, op, lane_of(i) | sign, x, y), v2(c, wraps, lane_of(i), x, y));
}

/* A signed and an unsigned number: the sign bit of the destination is inverted before and after, by which one range
 * becomes the other. `sign`: how the sum is then made. */
static bool saturating_mixed(struct a64_ctx *c, const struct a64_insn *i, u32 sign)
{
    ir_ref x = vd(c, i), y = vn(c, i), bias = sign_bits(c, lane_of(i));
    ir_ref sum = v2(c, IR_OP_vqadd, lane_of(i) | sign, v2(c, IR_OP_vxor, 0, x, bias), y);
    return put_sat(c, i, v2(c, IR_OP_vxor, 0, sum, bias), v2(c, IR_OP_vadd, lane_of(i), x, y));
}

/* clang-format off */
TR(sqadd_v)  { return saturating(c, i, IR_OP_vqadd, IR_OP_vadd, IR_V_SIGNED); }
TR(uqadd_v)  { return saturating(c, i, IR_OP_vqadd, IR_OP_vadd, 0); }
TR(sqsub_v)  { return saturating(c, i, IR_OP_vqsub, IR_OP_vsub, IR_V_SIGNED); }
TR(uqsub_v)  { return saturating(c, i, IR_OP_vqsub, IR_OP_vsub, 0); }
TR(suqadd_v) { return saturating_mixed(c, i, 0); }
TR(usqadd_v) { return saturating_mixed(c, i, IR_V_SIGNED); }
/* clang-format on */

TR(sqneg_v)
{
    ir_ref x = vn(c, i), zero = vzero(c);
    return put_sat(c, i, v2(c, IR_OP_vqsub, lane_of(i) | IR_V_SIGNED, zero, x), v2(c, IR_OP_vsub, lane_of(i), zero, x));
}

/* Wrapped, the lowest number is its own absolute value; minus the sign bit it has become, as unsigned, the largest. */
TR(sqabs_v)
{
    ir_ref wrap = v1(c, IR_OP_vabs, lane_of(i), vn(c, i));
    ir_ref over = v1i(c, IR_OP_vshr, lane_of(i), wrap, lane_bits(i) - 1);
    return put_sat(c, i, v2(c, IR_OP_vsub, lane_of(i), wrap, over), wrap);
}

/* --- pairs --- */

static bool pairwise(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op, u32 sign)
{
    struct pairs p = vpairs(c, i, vn(c, i), vm(c, i));
    return vput(c, i, v2(c, op, lane_of(i) | sign, p.even, p.odd));
}

/* clang-format off */
TR(addp_v)  { return pairwise(c, i, IR_OP_vadd, 0); }
TR(smaxp_v) { return pairwise(c, i, IR_OP_vmax, IR_V_SIGNED); }
TR(sminp_v) { return pairwise(c, i, IR_OP_vmin, IR_V_SIGNED); }
TR(umaxp_v) { return pairwise(c, i, IR_OP_vmax, 0); }
TR(uminp_v) { return pairwise(c, i, IR_OP_vmin, 0); }
/* clang-format on */

TR(addp_s)
{
    ir_ref x = vn(c, i);
    return vput(c, i, v2(c, IR_OP_vadd, IR_V64, x, v2i(c, IR_OP_vext, 0, x, x, 8)));
}

/* Sums of neighbours, in lanes twice as wide. */
static ir_ref sums_of_pairs(struct a64_ctx *c, const struct a64_insn *i, u32 sign)
{
    const u32 wide = lane_of(i) + 1, bits = lane_bits(i);
    const enum ir_op down = sign ? IR_OP_vsar : IR_OP_vshr;
    ir_ref x = vn(c, i);
    ir_ref even = v1i(c, down, wide, v1i(c, IR_OP_vshl, wide, x, bits), bits);
    return v2(c, IR_OP_vadd, wide, even, v1i(c, down, wide, x, bits));
}

static bool add_sums(struct a64_ctx *c, const struct a64_insn *i, u32 sign)
{
    return vput(c, i, v2(c, IR_OP_vadd, lane_of(i) + 1, vd(c, i), sums_of_pairs(c, i, sign)));
}

/* clang-format off */
TR(saddlp_v) { return vput(c, i, sums_of_pairs(c, i, IR_V_SIGNED)); }
TR(uaddlp_v) { return vput(c, i, sums_of_pairs(c, i, 0)); }
TR(sadalp_v) { return add_sums(c, i, IR_V_SIGNED); }
TR(uadalp_v) { return add_sums(c, i, 0); }
/* clang-format on */

/* --- across all lanes --- */

/* Lane 0 gets the whole: the vector and itself half as far ahead each time. */
static bool across(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op, u32 sign)
{
    ir_ref x = vn(c, i);
    for (u32 by = is_full(i) ? 8 : 4; by >= 1u << lane_of(i); by /= 2)
        x = v2(c, op, lane_of(i) | sign, x, v2i(c, IR_OP_vext, 0, x, x, by));
    return a64_put_v(c, i->rd, cut_lane(c, lane_of(i), x));
}

/* Sums of pairs first, which are wide enough, but for 16 bits of sums of bytes: those are too. */
static bool across_long(struct a64_ctx *c, const struct a64_insn *i, u32 sign)
{
    const u32 wide = lane_of(i) + 1;
    ir_ref x = sums_of_pairs(c, i, sign);
    for (u32 by = is_full(i) ? 8 : 4; by >= 1u << wide; by /= 2)
        x = v2(c, IR_OP_vadd, wide, x, v2i(c, IR_OP_vext, 0, x, x, by));
    return a64_put_v(c, i->rd, cut_lane(c, wide, x));
}

/* clang-format off */
TR(addv_v)   { return across(c, i, IR_OP_vadd, 0); }
TR(smaxv_v)  { return across(c, i, IR_OP_vmax, IR_V_SIGNED); }
TR(sminv_v)  { return across(c, i, IR_OP_vmin, IR_V_SIGNED); }
TR(umaxv_v)  { return across(c, i, IR_OP_vmax, 0); }
TR(uminv_v)  { return across(c, i, IR_OP_vmin, 0); }
TR(saddlv_v) { return across_long(c, i, IR_V_SIGNED); }
TR(uaddlv_v) { return across_long(c, i, 0); }
/* clang-format on */

/* --- bits --- */

static bool logic(struct a64_ctx *c, const struct a64_insn *i, enum ir_op op)
{
    return vput(c, i, v2(c, op, 0, vn(c, i), vm(c, i)));
}

/* clang-format off */
TR(and_v) { return logic(c, i, IR_OP_vand); }
TR(bic_v) { return logic(c, i, IR_OP_vandn); }
TR(eor_v) { return logic(c, i, IR_OP_vxor); }
TR(orn_v) { return vput(c, i, v2(c, IR_OP_vor, 0, vn(c, i), v1(c, IR_OP_vnot, 0, vm(c, i)))); }
TR(orr_v) { return i->rn == i->rm ? vput(c, i, vn(c, i)) : logic(c, i, IR_OP_vor); }
TR(not_v) { return vput(c, i, v1(c, IR_OP_vnot, 0, vn(c, i))); }
TR(bsl_v) { return vput(c, i, v3(c, IR_OP_vsel, 0, vd(c, i), vn(c, i), vm(c, i))); }
TR(bit_v) { return vput(c, i, v3(c, IR_OP_vsel, 0, vm(c, i), vn(c, i), vd(c, i))); }
TR(bif_v) { return vput(c, i, v3(c, IR_OP_vsel, 0, vm(c, i), vd(c, i), vn(c, i))); }
TR(rev16_v) { return vput(c, i, v1(c, IR_OP_vrev, lane_of(i) | 1 << IR_V_INDEX_SHIFT, vn(c, i))); }
TR(rev32_v) { return vput(c, i, v1(c, IR_OP_vrev, lane_of(i) | 2 << IR_V_INDEX_SHIFT, vn(c, i))); }
TR(rev64_v) { return vput(c, i, v1(c, IR_OP_vrev, lane_of(i) | 3 << IR_V_INDEX_SHIFT, vn(c, i))); }
/* clang-format on */

/* Half a byte reversed, in a table; the halves exchanged. */
TR(rbit_v)
{
    ir_ref x = vn(c, i), table = vconst(c, 0x0e060a020c040800ull, 0x0f070b030d050901ull);
    ir_ref low = v2(c, IR_OP_vtbl, 0, table, v2(c, IR_OP_vand, 0, x, splat(c, IR_V8, 15)));
    ir_ref high = v2(c, IR_OP_vtbl, 0, table, v1i(c, IR_OP_vshr, IR_V8, x, 4));
    return vput(c, i, v2(c, IR_OP_vor, 0, v1i(c, IR_OP_vshl, IR_V8, low, 4), high));
}
