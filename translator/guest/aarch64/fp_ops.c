/* aarch64: how a floating-point operation gets into the IR; see fp.h.
 *
 * A vector of 64 bits is computed in 128. Its upper half must not raise flags, so it is made 0 in the sources, and 1 in
 * a divisor; it is 0 in the result. Comparisons of scalars are vector ops too, for their results are masks.
 *
 * IDC. Only flushing inputs to zero raises it. Helpers that do may not write slots, so they leave it in
 * a64_state.idc_raised, from where a64_help_idc takes it to the slot. */
#include "translator/guest/aarch64/fp.h"

/* clang-format off */
const struct a64_fp_info a64_fp_info[FP_NIR] = {
    [FP_ADD]      = {IR_OP_fadd, IR_OP_vfadd, 2, IR_FP_TINY_BEFORE},
    [FP_SUB]      = {IR_OP_fsub, IR_OP_vfsub, 2, IR_FP_TINY_BEFORE},
    [FP_MUL]      = {IR_OP_fmul, IR_OP_vfmul, 2, IR_FP_TINY_BEFORE},
    [FP_DIV]      = {IR_OP_fdiv, IR_OP_vfdiv, 2, IR_FP_TINY_BEFORE},
    [FP_SQRT]     = {IR_OP_fsqrt, IR_OP_vfsqrt, 1, IR_FP_TINY_BEFORE},
    [FP_FMA]      = {IR_OP_fma, IR_OP_vfma, 3, IR_FP_TINY_BEFORE},
    [FP_MIN]      = {IR_OP_fmin, IR_OP_vfmin, 2, IR_FP_TINY_BEFORE | IR_FP_NAN_WINS},
    [FP_MAX]      = {IR_OP_fmax, IR_OP_vfmax, 2, IR_FP_TINY_BEFORE | IR_FP_NAN_WINS},
    [FP_MINNM]    = {IR_OP_fmin, IR_OP_vfmin, 2, IR_FP_TINY_BEFORE | IR_FP_SNAN_WINS},
    [FP_MAXNM]    = {IR_OP_fmax, IR_OP_vfmax, 2, IR_FP_TINY_BEFORE | IR_FP_SNAN_WINS},
    [FP_ROUND]    = {IR_OP_fround, IR_OP_vfround, 1, IR_FP_TINY_BEFORE},
    [FP_EQ]       = {IR_OP_fcmp, IR_OP_vfcmp, 2, IR_EQ},
    [FP_GE]       = {IR_OP_fcmp, IR_OP_vfcmp, 2, IR_LES | IR_FCMP_SIGNAL}, /* with arguments exchanged */
    [FP_GT]       = {IR_OP_fcmp, IR_OP_vfcmp, 2, IR_LTS | IR_FCMP_SIGNAL},
    [FP_TO_INT]   = {IR_OP_f2i, IR_OP_vf2i, 1, IR_F2I_NAN_ZERO},
    [FP_FROM_INT] = {IR_OP_i2f, IR_OP_vi2f, 1, 0},
};
/* clang-format on */

static bool is_compare(enum a64_fp_op op)
{
    return op == FP_EQ || op == FP_GE || op == FP_GT;
}

static u32 full_aux(const struct a64_ctx *c, enum a64_fp_op op, u32 aux)
{
    if (op >= FP_NIR)
        return aux | fp_nan(c) | IR_FP_TINY_BEFORE;
    if (a64_fp_info[op].op == IR_OP_fmin || a64_fp_info[op].op == IR_OP_fmax) /* they do not round */
        aux &= ~(u32)IR_FP_ROUND;
    return aux | a64_fp_info[op].aux | (a64_fp_info[op].aux & IR_FP_TINY_BEFORE ? fp_nan(c) : 0);
}

ir_ref a64_fp_call(struct a64_ctx *c, struct fp_shape shape, u32 to, enum a64_fp_op op, u32 aux, u32 fbits, ir_ref x,
                   ir_ref y, ir_ref z)
{
    const u64 imm = full_aux(c, op, aux) | (u64)op << FP_IMM_OP | (u64)shape.lane << FP_IMM_LANE |
                    (u64)to << FP_IMM_TO | (u64)shape.n << FP_IMM_N | (u64)(c->rq->mode & 15) << FP_IMM_MODE |
                    (u64)fbits << FP_IMM_FBITS;
    ir_ref r = vhelp(c, A64_HELPER_FP, imm, x, y, z);
    if (c->rq->mode & A64_MODE_FZ)
        ir_call(c->b, IR_I64, A64_HELPER_IDC, 0, 0, 0, 0);
    return r;
}

static ir_ref scalar(struct a64_ctx *c, u32 lane, enum a64_fp_op op, u32 aux, ir_ref x, ir_ref y, ir_ref z)
{
    const struct a64_fp_info *info = &a64_fp_info[op];
    const enum ir_type real = fp_type(lane), whole = lane == IR_V64 ? IR_I64 : IR_I32;
    const enum ir_type from = op == FP_FROM_INT ? whole : real, to = op == FP_TO_INT ? whole : real;
    ir_ref a = vlow(c, from, x), b = info->args > 1 ? vlow(c, from, y) : 0, d = info->args > 2 ? vlow(c, from, z) : 0;
    return vzext(c, ir_emit(c->b, info->op, to, aux, 0, a, b, d, 0));
}

/* --- flushing to zero --- */

static ir_ref cut_shape(struct a64_ctx *c, struct fp_shape shape, ir_ref x)
{
    return shape.n == 1 ? cut_lane(c, shape.lane, x) : shape.n << shape.lane == 8 ? cut64(c, x) : x;
}

static u64 exp_bits(u32 lane)
{
    return lane == IR_V64 ? 0x7ffull << 52 : 0xffull << 23;
}

static bool is_flushed(const struct a64_ctx *c, u32 lane, ir_ref x)
{
    for (u32 n = 0; n < ARRAY_LEN(c->flushed); n++)
        if (c->flushed[n].v == x && c->flushed[n].lane == lane)
            return true;
    return false;
}

static ir_ref note_flushed(struct a64_ctx *c, u32 lane, ir_ref x)
{
    const u32 n = c->nflushed++ % ARRAY_LEN(c->flushed);
    c->flushed[n].v = x;
    c->flushed[n].lane = lane;
    return x;
}

ir_ref a64_fp_flush(struct a64_ctx *c, struct fp_shape shape, ir_ref x)
{
    const u32 lane = shape.lane;
    if (!x || !a64_fp_flushes(c, lane) || is_flushed(c, lane, x))
        return x;
    ir_ref exp = v2(c, IR_OP_vand, 0, x, splat(c, lane, exp_bits(lane)));
    ir_ref gone = v2(c, IR_OP_vandn, 0, vcmp(c, lane, IR_EQ, exp, vzero(c)), sign_bits(c, lane));
    gone = v2(c, IR_OP_vand, 0, gone, x);
    ir_put(c->b, A64_SLOT_IDC, v2(c, IR_OP_vor, 0, ir_get(c->b, A64_SLOT_IDC), cut_shape(c, shape, gone)));
    return note_flushed(c, lane, v2(c, IR_OP_vxor, 0, x, gone));
}

/* --- steps: products in which infinity times zero is a number --- */

/* Both become zeros where one is infinite and the other zero; ones there. */
static ir_ref without_inf_by_zero(struct a64_ctx *c, u32 lane, ir_ref *x, ir_ref *y)
{
    ir_ref ax = fp_abs(c, lane, *x), ay = fp_abs(c, lane, *y), inf = splat(c, lane, exp_bits(lane)), zero = vzero(c);
    ir_ref one = v2(c, IR_OP_vand, 0, vcmp(c, lane, IR_EQ, ax, inf), vcmp(c, lane, IR_EQ, ay, zero));
    ir_ref other = v2(c, IR_OP_vand, 0, vcmp(c, lane, IR_EQ, ay, inf), vcmp(c, lane, IR_EQ, ax, zero));
    ir_ref mask = v2(c, IR_OP_vor, 0, one, other);
    *x = v2(c, IR_OP_vandn, 0, *x, mask);
    *y = v2(c, IR_OP_vandn, 0, *y, mask);
    return mask;
}

/* One of them, the one with the larger exponent, divided by two, exactly; if both are subnormal or nearly so, then
 * neither, for no rounding tells their product from half of it. */
static void halve_one(struct a64_ctx *c, u32 lane, ir_ref *x, ir_ref *y)
{
    ir_ref inf = splat(c, lane, exp_bits(lane)), least = splat(c, lane, lane == IR_V64 ? 1ull << 52 : 1ull << 23);
    ir_ref ex = v2(c, IR_OP_vand, 0, *x, inf), ey = v2(c, IR_OP_vand, 0, *y, inf);
    ir_ref first = vcmp(c, lane, IR_GTS, ex, ey), larger = v3(c, IR_OP_vsel, 0, first, ex, ey);
    ir_ref finite = v2(c, IR_OP_vandn, 0, vcmp(c, lane, IR_GTS, larger, least), vcmp(c, lane, IR_EQ, larger, inf));
    ir_ref less = v2(c, IR_OP_vand, 0, finite, least);
    *x = v2(c, IR_OP_vsub, lane, *x, v2(c, IR_OP_vand, 0, less, first));
    *y = v2(c, IR_OP_vsub, lane, *y, v2(c, IR_OP_vandn, 0, less, first));
}

static bool is_step(enum a64_fp_op op)
{
    return op == FP_MULX || op == FP_RECPS || op == FP_RSQRTS;
}

/* x y, 2 - x y, 3 / 2 - x y / 2. */
static ir_ref step(struct a64_ctx *c, struct fp_shape shape, enum a64_fp_op op, ir_ref x, ir_ref y)
{
    const u32 lane = shape.lane;
    x = a64_fp_flush(c, shape, x);
    y = a64_fp_flush(c, shape, y);
    ir_ref sign = v2(c, IR_OP_vand, 0, v2(c, IR_OP_vxor, 0, x, y), sign_bits(c, lane));
    ir_ref mask = without_inf_by_zero(c, lane, &x, &y);
    ir_ref two = splat(c, lane, a64_fp_imm(lane, 0x00)), three_halves = splat(c, lane, a64_fp_imm(lane, 0x78));
    if (op == FP_MULX) {
        ir_ref r = a64_fp(c, shape, FP_MUL, IR_RDYN, x, y, 0);
        return v3(c, IR_OP_vsel, 0, cut_shape(c, shape, mask), v2(c, IR_OP_vor, 0, two, sign), r);
    }
    if (op == FP_RSQRTS)
        halve_one(c, lane, &x, &y);
    return a64_fp(c, shape, FP_FMA, IR_RDYN | IR_FP_NEG_MUL, x, y, op == FP_RECPS ? two : three_halves);
}

/* --- estimates --- */

/* Estimates of finite numbers, as the manual's pseudocode makes them of exponent and fraction: of zero, infinity and
 * NaNs anything comes out. Where the fraction's 1 and what of it counts lie at the top, there is fixed point for vest.
 * E is the exponent as it lies in the number. */
static ir_ref shift_up(struct a64_ctx *c, u32 lane, ir_ref x, u32 n)
{
    return v1i(c, IR_OP_vshl, lane, x, n);
}

/* The eight bits of an estimate behind its 1, as a fraction. */
static ir_ref estimated(struct a64_ctx *c, u32 lane, bool root, ir_ref fixed)
{
    const u32 bits = 8u << lane, exp = lane == IR_V64 ? 11 : 8;
    ir_ref r = v1i(c, IR_OP_vest, 0, fixed, root);
    return v1i(c, IR_OP_vshr, lane, v2(c, IR_OP_vand, 0, r, splat(c, lane, 0xffull << (bits - 9))), exp);
}

/* Subnormal numbers have one or two zeros before their first 1, for others do not come here; their E counts as 0 or -1.
 * With E of 2 bias - 1 and one more the result is subnormal. */
static ir_ref usual_reciprocal(struct a64_ctx *c, u32 lane, ir_ref x)
{
    const u32 frac = lane == IR_V64 ? 52 : 23, bias = lane == IR_V64 ? 1023 : 127, exp = lane == IR_V64 ? 11 : 8;
    ir_ref sign = sign_bits(c, lane), m = fp_abs(c, lane, x), one = splat(c, lane, 1ull << frac), zero = vzero(c);
    ir_ref e = v1i(c, IR_OP_vshr, lane, m, frac), small = vcmp(c, lane, IR_EQ, e, zero);
    ir_ref two = v2(c, IR_OP_vandn, 0, small, vcmp(c, lane, IR_GTS, m, splat(c, lane, (1ull << (frac - 1)) - 1)));
    ir_ref f = v3(c, IR_OP_vsel, 0, small, shift_up(c, lane, m, 1), m);
    f = v3(c, IR_OP_vsel, 0, two, shift_up(c, lane, m, 2), f);
    f = estimated(c, lane, false, v2(c, IR_OP_vor, 0, shift_up(c, lane, f, exp), sign));
    ir_ref r = v2(c, IR_OP_vsub, lane, splat(c, lane, 2 * bias - 1), v2(c, IR_OP_vadd, lane, e, two));
    ir_ref normal = v2(c, IR_OP_vor, 0, shift_up(c, lane, r, frac), f), whole = v2(c, IR_OP_vor, 0, f, one);
    ir_ref at0 = vcmp(c, lane, IR_EQ, r, zero), below = vcmp(c, lane, IR_GTS, zero, r);
    normal = v3(c, IR_OP_vsel, 0, at0, v1i(c, IR_OP_vshr, lane, whole, 1), normal);
    normal = v3(c, IR_OP_vsel, 0, below, v1i(c, IR_OP_vshr, lane, whole, 2), normal);
    return v2(c, IR_OP_vor, 0, normal, v2(c, IR_OP_vand, 0, x, sign));
}

/* x is positive. Subnormal numbers are made normal by a product, which is exact. With an odd E the fixed point number
 * is below 1/2. */
static ir_ref usual_root(struct a64_ctx *c, struct fp_shape shape, ir_ref x)
{
    const u32 lane = shape.lane, frac = lane == IR_V64 ? 52 : 23, bias = lane == IR_V64 ? 1023 : 127,
              exp = lane == IR_V64 ? 11 : 8, up = lane == IR_V64 ? 54 : 24;
    ir_ref one = splat(c, lane, a64_fp_imm(lane, 0x70)), zero = vzero(c);
    ir_ref small = vcmp(c, lane, IR_GTS, splat(c, lane, 1ull << frac), x);
    small = v2(c, IR_OP_vand, 0, small, vcmp(c, lane, IR_GTS, x, zero));
    ir_ref scaled = a64_fp(c, shape, FP_MUL, IR_RNE, v3(c, IR_OP_vsel, 0, small, x, one),
                           splat(c, lane, (u64)(bias + up) << frac), 0);
    x = v3(c, IR_OP_vsel, 0, small, scaled, x);
    ir_ref e =
        v2(c, IR_OP_vsub, lane, v1i(c, IR_OP_vshr, lane, x, frac), v2(c, IR_OP_vand, 0, small, splat(c, lane, up)));
    ir_ref fixed = v2(c, IR_OP_vor, 0, shift_up(c, lane, x, exp), sign_bits(c, lane));
    ir_ref even = vcmp(c, lane, IR_EQ, v2(c, IR_OP_vand, 0, e, splat(c, lane, 1)), zero);
    fixed = v3(c, IR_OP_vsel, 0, even, fixed, v1i(c, IR_OP_vshr, lane, fixed, 1));
    ir_ref r = v2(c, IR_OP_vsub, lane, splat(c, lane, 3 * bias - 1), e);
    r = shift_up(c, lane, v1i(c, IR_OP_vshr, lane, r, 1), frac);
    return v2(c, IR_OP_vor, 0, r, estimated(c, lane, true, fixed));
}

/* For what is not finite, or tiny, the true reciprocal, or that of the root, is the result, and raises the same flags;
 * a 1 stands for the usual ones there. */
static ir_ref estimate(struct a64_ctx *c, struct fp_shape shape, enum a64_fp_op op, ir_ref x)
{
    const u32 lane = shape.lane;
    const u64 inf = exp_bits(lane),
              tiny = lane == IR_V64 ? 1ull << 50 : 1ull << 21; /* below: the reciprocal overflows */
    const bool root = op == FP_RSQRTE;
    ir_ref one = splat(c, lane, a64_fp_imm(lane, 0x70)), magnitude = root ? x : fp_abs(c, lane, x);
    ir_ref low = vcmp(c, lane, IR_GTS, splat(c, lane, root ? 1 : tiny), magnitude);
    ir_ref high = vcmp(c, lane, IR_GTS, magnitude, splat(c, lane, inf - 1));
    ir_ref special = v2(c, IR_OP_vor, 0, low, high), y = v3(c, IR_OP_vsel, 0, special, x, one);
    if (root)
        y = a64_fp(c, shape, FP_SQRT, IR_RDYN, y, 0, 0);
    y = a64_fp(c, shape, FP_DIV, IR_RDYN, one, y, 0);
    ir_ref usual = root ? usual_root(c, shape, x) : usual_reciprocal(c, lane, x);
    return cut_shape(c, shape, v3(c, IR_OP_vsel, 0, special, y, usual));
}

/* --- any operation --- */

static bool is_tiny_at_times(enum a64_fp_op op)
{
    return op == FP_ADD || op == FP_SUB || op == FP_MUL || op == FP_DIV || op == FP_FMA;
}

static ir_ref by_op(struct a64_ctx *c, struct fp_shape shape, enum a64_fp_op op, u32 aux, ir_ref x, ir_ref y, ir_ref z)
{
    const struct a64_fp_info *info = &a64_fp_info[op];
    aux = full_aux(c, op, aux) | (is_tiny_at_times(op) ? a64_fp_flushes(c, shape.lane) : 0);
    if (op == FP_GE || op == FP_GT) {
        ir_ref t = x;
        x = y;
        y = t;
    }
    if (shape.n == 1 && !is_compare(op))
        return scalar(c, shape.lane, op, aux, x, y, z);

    aux |= (u32)shape.lane << IR_V_FP_LANE_SHIFT;
    if (shape.n == 1)
        return cut_lane(c, shape.lane, v2(c, info->vop, aux, cut_lane(c, shape.lane, x), cut_lane(c, shape.lane, y)));
    if (shape.n << shape.lane == 16)
        return v3(c, info->vop, aux, x, info->args > 1 ? y : 0, info->args > 2 ? z : 0);

    ir_ref one = op == FP_DIV ? splat(c, shape.lane, a64_fp_imm(shape.lane, 0x70)) : 0;
    x = cut64(c, x);
    y = info->args < 2 ? 0 : one ? v2(c, IR_OP_vzip, IR_V64, y, one) : cut64(c, y);
    z = info->args < 3 ? 0 : cut64(c, z);
    return cut64(c, v3(c, info->vop, aux, x, y, z));
}

ir_ref a64_fp(struct a64_ctx *c, struct fp_shape shape, enum a64_fp_op op, u32 aux, ir_ref x, ir_ref y, ir_ref z)
{
    if (shape.lane == IR_V16 && a64_fp_has_half(c, op))
        return a64_fp_half(c, shape.n, op, aux, x, y, z);
    const bool helped = a64_fp_by_helper(shape.lane);
    if (is_step(op) && !helped)
        return step(c, shape, op, x, y);
    if ((op == FP_RECPE || op == FP_RSQRTE) && !helped && !a64_fp_flushes(c, shape.lane))
        return estimate(c, shape, op, x);
    if (op >= FP_NIR || helped)
        return a64_fp_call(c, shape, shape.lane, op, aux, 0, x, y, z);
    if (!a64_fp_flushes(c, shape.lane))
        return by_op(c, shape, op, aux, x, y, z);

    if (op != FP_FROM_INT) {
        x = a64_fp_flush(c, shape, x);
        y = a64_fp_info[op].args > 1 ? a64_fp_flush(c, shape, y) : 0;
        z = a64_fp_info[op].args > 2 ? a64_fp_flush(c, shape, z) : 0;
    }
    ir_ref r = by_op(c, shape, op, aux, x, y, z);
    return op == FP_TO_INT ? r : note_flushed(c, shape.lane, r); /* an integer may look like what is subnormal */
}

/* The power of two in a format. */
static u64 power(u32 lane, s32 exp)
{
    return lane == IR_V64 ? (u64)(1023 + exp) << 52 : (u64)(127 + exp) << 23;
}

ir_ref a64_fp_scale(struct a64_ctx *c, struct fp_shape shape, s32 by, ir_ref x)
{
    if (by > 0) { /* what goes beyond any integer is made smaller first, lest it overflow */
        ir_ref limit = splat(c, shape.lane, power(shape.lane, 66 - by));
        x = a64_fp(c, shape, FP_MIN, IR_RDYN, x, limit, 0);
        x = a64_fp(c, shape, FP_MAX, IR_RDYN, x, fp_neg(c, shape.lane, limit), 0);
    }
    return a64_fp(c, shape, FP_MUL, IR_RDYN, x, splat(c, shape.lane, power(shape.lane, by)), 0);
}

ir_ref a64_fp_convert(struct a64_ctx *c, u32 from, u32 to, ir_ref x)
{
    if ((from == IR_V16 || to == IR_V16) && c->rq->mode & A64_MODE_AHP)
        return a64_fp_call(c, (struct fp_shape){(u8)from, 1}, to, FP_CVT, IR_RDYN, 0, x, 0, 0);
    x = a64_fp_flush(c, (struct fp_shape){(u8)from, 1}, x);
    const u32 flush = from > to ? a64_fp_flushes(c, to) : 0;
    ir_ref r = ir_emit(c->b, IR_OP_fcvt, fp_type(to), IR_RDYN | IR_FP_TINY_BEFORE | flush | fp_nan(c), 0,
                       vlow(c, fp_type(from), x), 0, 0, 0);
    return vzext(c, r);
}
