/* aarch64: scalar conversions between formats, and to and from integers in general registers; see fp.h.
 *
 * Half precision becomes an integer by way of single precision, which every half is. An integer becomes a half by a
 * helper: it may be rounded only once. */
#include "translator/guest/aarch64/fp.h"

TR(fcvt)
{
    return a64_put_v(c, i->rd, a64_fp_convert(c, fp_lane_of(i->ft), fp_lane_of(i->ft2), vn(c, i)));
}

/* --- to integers --- */

/* With fbits bits after the point. */
static bool to_fixed(struct a64_ctx *c, const struct a64_insn *i, u32 aux, u32 fbits)
{
    const enum ir_type type = i->sf ? IR_I64 : IR_I32;
    struct fp_shape shape = {(u8)fp_lane_of(i->ft), 1};
    ir_ref x = vn(c, i);
    if (shape.lane == IR_V16 && c->rq->mode & A64_MODE_FZ16) {
        x = a64_fp_call(c, shape, i->sf ? IR_V64 : IR_V32, FP_TO_INT, aux, fbits, x, 0, 0);
        return a64_put_r(c, i->rd, vlow(c, type, x));
    }
    if (shape.lane == IR_V16) {
        x = vzext(c, ir_fp_to(c->b, IR_OP_fcvt, IR_F32, IR_RNE, vlow(c, IR_F16, x)));
        shape.lane = IR_V32;
    }
    x = a64_fp_flush(c, shape, x);
    if (fbits) /* a half is large enough not to be flushed to zero here */
        x = a64_fp_scale(c, shape, (s32)fbits, x);
    return a64_put_r(c, i->rd, ir_fp_to(c->b, IR_OP_f2i, type, aux | IR_F2I_NAN_ZERO, vlow(c, fp_type(shape.lane), x)));
}

static bool to_int(struct a64_ctx *c, const struct a64_insn *i, u32 aux)
{
    return to_fixed(c, i, aux, 0);
}

static u32 fbits_of(const struct a64_insn *i)
{
    return (i->sf ? 64 : 32) - (u32)i->imm;
}

/* clang-format off */
TR(fcvtns_f)  { return to_int(c, i, IR_RNE); }
TR(fcvtnu_f)  { return to_int(c, i, IR_RNE | IR_F2I_UNSIGNED); }
TR(fcvtms_f)  { return to_int(c, i, IR_RDN); }
TR(fcvtmu_f)  { return to_int(c, i, IR_RDN | IR_F2I_UNSIGNED); }
TR(fcvtps_f)  { return to_int(c, i, IR_RUP); }
TR(fcvtpu_f)  { return to_int(c, i, IR_RUP | IR_F2I_UNSIGNED); }
TR(fcvtzs_f)  { return to_int(c, i, IR_RTZ); }
TR(fcvtzu_f)  { return to_int(c, i, IR_RTZ | IR_F2I_UNSIGNED); }
TR(fcvtas_f)  { return to_int(c, i, IR_RMM); }
TR(fcvtau_f)  { return to_int(c, i, IR_RMM | IR_F2I_UNSIGNED); }
TR(fcvtzs_fx) { return to_fixed(c, i, IR_RTZ, fbits_of(i)); }
TR(fcvtzu_fx) { return to_fixed(c, i, IR_RTZ | IR_F2I_UNSIGNED, fbits_of(i)); }
/* clang-format on */

static bool fjcvtzs_by_helper(struct a64_ctx *c, const struct a64_insn *i)
{
    ir_ref mode = ir_const(c->b, IR_I64, c->rq->mode & 15);
    ir_ref r = ir_call(c->b, IR_I64, A64_HELPER_FJCVTZS, a64_vlow(c, i->rn, IR_I64), mode, 0, 0);
    ir_call(c->b, IR_I64, A64_HELPER_IDC, 0, 0, 0, 0);
    a64_put_x(c, i->rd, ir_zext(c->b, IR_I64, r, 32));
    a64_flags_lit(c, ir_op2i(c->b, IR_OP_shr, r, 32));
    return true;
}

/* The low 32 bits of the integer, whatever its size, and Z when it is that number exactly. A conversion to 32 bits
 * raises the flags; one of the integral value to 64 bits raises no more of them, and has the low bits of what is below
 * 2^63. In larger ones (and infinity, and NaNs) they are the fraction, shifted, if by less than 32. */
TR(fjcvtzs)
{
    if (c->rq->mode & A64_MODE_FZ)
        return fjcvtzs_by_helper(c, i);
    struct ir_builder *b = c->b;
    ir_ref x = a64_vlow(c, i->rn, IR_F64), bits = a64_vlow(c, i->rn, IR_I64), zero = ir_const(b, IR_I64, 0);
    ir_ref word = ir_fp_to(b, IR_OP_f2i, IR_I32, IR_RTZ | IR_F2I_NAN_ZERO, x);
    ir_ref whole = ir_emit(b, IR_OP_fround, IR_F64, IR_RTZ | fp_nan(c), 0, x, 0, 0, 0);
    whole = ir_fp_to(b, IR_OP_f2i, IR_I64, IR_RTZ | IR_F2I_NAN_ZERO, whole);

    ir_ref exp = ir_op2i(b, IR_OP_and, ir_op2i(b, IR_OP_shr, bits, 52), 0x7ff), by = ir_op2i(b, IR_OP_sub, exp, 1075);
    ir_ref frac = ir_op2i(b, IR_OP_or, ir_op2i(b, IR_OP_and, bits, (1ull << 52) - 1), 1ull << 52);
    ir_ref large = ir_select(b, IR_LTU, by, ir_const(b, IR_I64, 32), ir_op2(b, IR_OP_shl, frac, by), zero);
    large = ir_select(b, IR_LTS, bits, zero, ir_op1(b, IR_OP_neg, large), large);
    ir_ref r = ir_select(b, IR_GEU, exp, ir_const(b, IR_I64, 1023 + 63), large, whole);

    ir_ref back = ir_fp_to(b, IR_OP_bitcast, IR_I64, 0, ir_fp_to(b, IR_OP_i2f, IR_F64, IR_RDYN, word));
    a64_put_x(c, i->rd, ir_zext(b, IR_I64, r, 32));
    a64_flags_lit(c, ir_select(b, IR_EQ, back, bits, ir_const(b, IR_I64, 4), zero));
    return true;
}

/* --- from integers --- */

static bool from_fixed(struct a64_ctx *c, const struct a64_insn *i, u32 aux, u32 fbits)
{
    const struct fp_shape shape = {(u8)fp_lane_of(i->ft), 1};
    ir_ref x = a64_r(c, i->sf, i->rn);
    if (shape.lane == IR_V16) {
        const struct fp_shape whole = {i->sf ? IR_V64 : IR_V32, 1};
        return a64_put_v(c, i->rd, a64_fp_call(c, whole, IR_V16, FP_FROM_INT, aux, fbits, vzext(c, x), 0, 0));
    }
    x = vzext(c, ir_fp_to(c->b, IR_OP_i2f, fp_type(shape.lane), aux, x));
    return a64_put_v(c, i->rd, fbits ? a64_fp_scale(c, shape, -(s32)fbits, x) : x);
}

/* clang-format off */
TR(scvtf_f)  { return from_fixed(c, i, IR_RDYN, 0); }
TR(ucvtf_f)  { return from_fixed(c, i, IR_RDYN | IR_F2I_UNSIGNED, 0); }
TR(scvtf_fx) { return from_fixed(c, i, IR_RDYN, fbits_of(i)); }
TR(ucvtf_fx) { return from_fixed(c, i, IR_RDYN | IR_F2I_UNSIGNED, fbits_of(i)); }
/* clang-format on */
