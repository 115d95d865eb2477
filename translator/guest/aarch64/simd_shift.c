/* aarch64: shifts of vectors, by an immediate and by a register, and what narrows.
 *
 * A rounding shift to the right by n adds half of what the lowest bit kept is worth, without overflow: with
 * t = a >> (n - 1) that is (t >> 1) + (t & 1). It holds for any n from 1 on, in lanes of any n when shifts by the
 * lane's bits and more give the sign, or 0.
 *
 * Registers give the amount in the lowest byte of each lane, signed: negative means to the right. The IR's variable
 * shifts take unsigned amounts, and shift everything out when they are large. So each direction is made with the
 * amount modulo 256, which is 128 or more where the other direction is meant; and unsigned numbers are then 0 there.
 *
 * A shift to the left saturates if shifting back does not give what there was; one that narrows, if widening does not.
 */
#include "translator/guest/aarch64/simd.h"

/* --- to the right by an immediate --- */

/* What an immediate means that shifts to the right: 1 up to the lane's bits. */
static u32 right_of(const struct a64_insn *i)
{
    return lane_bits(i) - (u32)i->imm;
}

static ir_ref shift_right(struct a64_ctx *c, u32 lane, bool sign, bool round, ir_ref x, u32 n)
{
    const enum ir_op op = sign ? IR_OP_vsar : IR_OP_vshr;
    const u32 bits = 8u << lane;
    if (round) {
        ir_ref t = n == 1 ? x : v1i(c, op, lane, x, n - 1);
        return v2(c, IR_OP_vadd, lane, v1i(c, op, lane, t, 1), v2(c, IR_OP_vand, 0, t, splat(c, lane, 1)));
    }
    if (n == bits)
        return sign ? v1i(c, op, lane, x, n - 1) : vzero(c);
    return v1i(c, op, lane, x, n);
}

static bool right_imm(struct a64_ctx *c, const struct a64_insn *i, bool sign, bool round, bool add)
{
    ir_ref x = shift_right(c, lane_of(i), sign, round, vn(c, i), right_of(i));
    return vput(c, i, add ? v2(c, IR_OP_vadd, lane_of(i), vd(c, i), x) : x);
}

/* clang-format off */
TR(sshr_v)  { return right_imm(c, i, true, false, false); }
TR(ushr_v)  { return right_imm(c, i, false, false, false); }
TR(srshr_v) { return right_imm(c, i, true, true, false); }
TR(urshr_v) { return right_imm(c, i, false, true, false); }
TR(ssra_v)  { return right_imm(c, i, true, false, true); }
TR(usra_v)  { return right_imm(c, i, false, false, true); }
TR(srsra_v) { return right_imm(c, i, true, true, true); }
TR(ursra_v) { return right_imm(c, i, false, true, true); }
/* clang-format on */

static u64 ones(u32 n)
{
    return n >= 64 ? ~0ull : (1ull << n) - 1;
}

TR(sri_v)
{
    const u32 n = right_of(i), lane = lane_of(i);
    ir_ref keep = v2(c, IR_OP_vandn, 0, vd(c, i), splat(c, lane, ones(lane_bits(i) - n)));
    return vput(c, i, v2(c, IR_OP_vor, 0, keep, shift_right(c, lane, false, false, vn(c, i), n)));
}

/* --- to the left by an immediate --- */

TR(shl_v)
{
    return vput(c, i, v1i(c, IR_OP_vshl, lane_of(i), vn(c, i), (u32)i->imm));
}

TR(sli_v)
{
    const u32 n = (u32)i->imm;
    ir_ref keep = v2(c, IR_OP_vand, 0, vd(c, i), splat(c, lane_of(i), ones(n)));
    return vput(c, i, v2(c, IR_OP_vor, 0, keep, v1i(c, IR_OP_vshl, lane_of(i), vn(c, i), n)));
}

/* Where x is not what it should be: all ones. */
static ir_ref differs(struct a64_ctx *c, u32 lane, ir_ref x, ir_ref y)
{
    return v1(c, IR_OP_vnot, 0, vcmp(c, lane, IR_EQ, x, y));
}

/* The largest, or in negative lanes the lowest number. */
static ir_ref saturated(struct a64_ctx *c, u32 lane, ir_ref x)
{
    const u32 bits = 8u << lane;
    return v2(c, IR_OP_vxor, 0, v1i(c, IR_OP_vsar, lane, x, bits - 1), splat(c, lane, ones(bits - 1)));
}

TR(sqshl_i)
{
    const u32 lane = lane_of(i), n = (u32)i->imm;
    ir_ref x = vn(c, i), shifted = v1i(c, IR_OP_vshl, lane, x, n);
    ir_ref over = differs(c, lane, v1i(c, IR_OP_vsar, lane, shifted, n), x);
    set_qc(c, cut(c, i, over));
    return vput(c, i, v3(c, IR_OP_vsel, 0, over, saturated(c, lane, x), shifted));
}

/* The unsigned result for x. `more`: further lanes that saturate. */
static bool left_unsigned(struct a64_ctx *c, const struct a64_insn *i, ir_ref x, ir_ref more)
{
    const u32 lane = lane_of(i), n = (u32)i->imm;
    ir_ref shifted = v1i(c, IR_OP_vshl, lane, x, n);
    ir_ref over = differs(c, lane, v1i(c, IR_OP_vshr, lane, shifted, n), x);
    set_qc(c, cut(c, i, more ? v2(c, IR_OP_vor, 0, over, more) : over));
    return vput(c, i, v2(c, IR_OP_vor, 0, shifted, over));
}

TR(uqshl_i)
{
    return left_unsigned(c, i, vn(c, i), 0);
}

/* Negative numbers become 0. */
TR(sqshlu_i)
{
    ir_ref x = vn(c, i), positive = v2(c, IR_OP_vmax, lane_of(i) | IR_V_SIGNED, x, vzero(c));
    return left_unsigned(c, i, positive, v2(c, IR_OP_vxor, 0, x, positive));
}

/* --- by a register --- */

struct amount {
    ir_ref left, right; /* modulo 256, to either side */
    ir_ref is_right;    /* ones where it goes to the right */
};

static struct amount amount_of(struct a64_ctx *c, const struct a64_insn *i)
{
    const u32 lane = lane_of(i);
    ir_ref n = vm(c, i), minus = v2(c, IR_OP_vsub, lane, vzero(c), n);
    if (lane == IR_V8)
        return (struct amount){n, minus, vcmp(c, lane, IR_GTS, vzero(c), n)};
    ir_ref byte = splat(c, lane, 0xff), left = v2(c, IR_OP_vand, 0, n, byte);
    return (struct amount){left, v2(c, IR_OP_vand, 0, minus, byte), vcmp(c, lane, IR_GTS, left, splat(c, lane, 127))};
}

/* x to the right; without a sign 0 where the amount means the left. */
static ir_ref right_by(struct a64_ctx *c, u32 lane, bool sign, bool round, ir_ref x, ir_ref n)
{
    const enum ir_op op = sign ? IR_OP_vsarv : IR_OP_vshrv;
    if (!round)
        return v2(c, op, lane, x, n);
    ir_ref one = splat(c, lane, 1), t = v2(c, op, lane, x, v2(c, IR_OP_vsub, lane, n, one));
    return v2(c, IR_OP_vadd, lane, v1i(c, sign ? IR_OP_vsar : IR_OP_vshr, lane, t, 1), v2(c, IR_OP_vand, 0, t, one));
}

static bool by_register(struct a64_ctx *c, const struct a64_insn *i, bool sign, bool round)
{
    const u32 lane = lane_of(i);
    const struct amount n = amount_of(c, i);
    ir_ref x = vn(c, i), left = v2(c, IR_OP_vshlv, lane, x, n.left);
    ir_ref right = right_by(c, lane, sign, round, x, n.right);
    return vput(c, i, sign ? v3(c, IR_OP_vsel, 0, n.is_right, right, left) : v2(c, IR_OP_vor, 0, left, right));
}

static bool by_register_sat(struct a64_ctx *c, const struct a64_insn *i, bool sign, bool round)
{
    const u32 lane = lane_of(i);
    const struct amount n = amount_of(c, i);
    ir_ref x = vn(c, i), left = v2(c, IR_OP_vshlv, lane, x, n.left);
    ir_ref right = right_by(c, lane, sign, round, x, n.right);
    ir_ref back = v2(c, sign ? IR_OP_vsarv : IR_OP_vshrv, lane, left, n.left);
    ir_ref over = v2(c, IR_OP_vandn, 0, differs(c, lane, back, x), n.is_right);
    set_qc(c, cut(c, i, over));
    if (!sign) /* where it goes to the right, left and over are 0; else right is */
        return vput(c, i, v2(c, IR_OP_vor, 0, v2(c, IR_OP_vor, 0, left, over), right));
    left = v3(c, IR_OP_vsel, 0, over, saturated(c, lane, x), left);
    return vput(c, i, v3(c, IR_OP_vsel, 0, n.is_right, right, left));
}

/* clang-format off */
TR(sshl_v)   { return by_register(c, i, true, false); }
TR(ushl_v)   { return by_register(c, i, false, false); }
TR(srshl_v)  { return by_register(c, i, true, true); }
TR(urshl_v)  { return by_register(c, i, false, true); }
TR(sqshl_v)  { return by_register_sat(c, i, true, false); }
TR(uqshl_v)  { return by_register_sat(c, i, false, false); }
TR(sqrshl_v) { return by_register_sat(c, i, true, true); }
TR(uqrshl_v) { return by_register_sat(c, i, false, true); }
/* clang-format on */

/* --- to wider lanes --- */

static bool left_long(struct a64_ctx *c, const struct a64_insn *i, u32 sign, u32 n)
{
    ir_ref x = v1(c, IR_OP_vwiden, lane_of(i) | sign | (i->hi ? IR_V_HIGH : 0), vn(c, i));
    return a64_put_v(c, i->rd, n ? v1i(c, IR_OP_vshl, lane_of(i) + 1, x, n) : x);
}

/* clang-format off */
TR(sshll_v) { return left_long(c, i, IR_V_SIGNED, (u32)i->imm); }
TR(ushll_v) { return left_long(c, i, 0, (u32)i->imm); }
TR(shll_v)  { return left_long(c, i, 0, lane_bits(i)); }
/* clang-format on */

/* --- to narrower lanes --- */

/* What lies in the wide source. */
static ir_ref wide_source(struct a64_ctx *c, const struct a64_insn *i)
{
    return i->scalar ? cut_lane(c, lane_of(i) + 1, vn(c, i)) : vn(c, i);
}

static bool narrow(struct a64_ctx *c, const struct a64_insn *i, ir_ref x)
{
    return vput_narrow(c, i, v2(c, IR_OP_vnarrow, lane_of(i), x, vzero(c)));
}

/* kind: IR_V_SIGNED, IR_V_TO_UNSIGNED as in vqnarrow. */
static bool narrow_sat(struct a64_ctx *c, const struct a64_insn *i, u32 kind, ir_ref x)
{
    const u32 sign = kind & IR_V_TO_UNSIGNED ? 0 : kind & IR_V_SIGNED;
    ir_ref r = v2(c, IR_OP_vqnarrow, lane_of(i) | kind, x, vzero(c));
    set_qc(c, v2(c, IR_OP_vxor, 0, x, v1(c, IR_OP_vwiden, lane_of(i) | sign, r)));
    return vput_narrow(c, i, r);
}

static ir_ref shifted_wide(struct a64_ctx *c, const struct a64_insn *i, bool sign, bool round)
{
    return shift_right(c, lane_of(i) + 1, sign, round, wide_source(c, i), right_of(i));
}

/* clang-format off */
TR(xtn_v)      { return narrow(c, i, vn(c, i)); }
TR(shrn_v)     { return narrow(c, i, shifted_wide(c, i, false, false)); }
TR(rshrn_v)    { return narrow(c, i, shifted_wide(c, i, false, true)); }
TR(sqxtn_v)    { return narrow_sat(c, i, IR_V_SIGNED, wide_source(c, i)); }
TR(uqxtn_v)    { return narrow_sat(c, i, 0, wide_source(c, i)); }
TR(sqxtun_v)   { return narrow_sat(c, i, IR_V_SIGNED | IR_V_TO_UNSIGNED, wide_source(c, i)); }
TR(sqshrn_v)   { return narrow_sat(c, i, IR_V_SIGNED, shifted_wide(c, i, true, false)); }
TR(sqrshrn_v)  { return narrow_sat(c, i, IR_V_SIGNED, shifted_wide(c, i, true, true)); }
TR(uqshrn_v)   { return narrow_sat(c, i, 0, shifted_wide(c, i, false, false)); }
TR(uqrshrn_v)  { return narrow_sat(c, i, 0, shifted_wide(c, i, false, true)); }
TR(sqshrun_v)  { return narrow_sat(c, i, IR_V_SIGNED | IR_V_TO_UNSIGNED, shifted_wide(c, i, true, false)); }
TR(sqrshrun_v) { return narrow_sat(c, i, IR_V_SIGNED | IR_V_TO_UNSIGNED, shifted_wide(c, i, true, true)); }
/* clang-format on */
