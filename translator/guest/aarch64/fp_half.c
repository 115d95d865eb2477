/* aarch64: half precision by way of single precision; see fp.h.
 *
 * Every half is a single, so operands are widened, the operation is done on singles, and the result is narrowed. That
 * it is rounded twice does no harm: singles have more than twice the digits of halves and two more, by which sums,
 * products, quotients and roots come out as if rounded once, in each rounding mode. Nothing overflows or is tiny before
 * it is narrowed, and what is inexact is so in the end; so flags are right as well.
 *
 * Not so the sum of a product: it is made in double precision, where it is exact wherever a half could tell, and goes
 * to single precision rounded to odd (cut, and the lowest bit set where that is inexact), which keeps what the last
 * rounding needs.
 *
 * NaNs. Widening makes a signalling NaN quiet, which raises invalid as it should, but then it no longer comes before
 * the quiet ones, nor before numbers in minNum and maxNum. So it is first put in the places of the other operands. */
#include "translator/guest/aarch64/fp.h"

bool a64_fp_has_half(const struct a64_ctx *c, enum a64_fp_op op)
{
    return op < FP_NIR && !(c->rq->mode & (A64_MODE_FZ | A64_MODE_FZ16));
}

/* --- NaNs --- */

/* Ones in the lanes that are signalling NaNs. */
static ir_ref signalling(struct a64_ctx *c, ir_ref x)
{
    ir_ref magnitude = v2(c, IR_OP_vand, 0, x, splat(c, IR_V16, 0x7fff));
    ir_ref above = vcmp(c, IR_V16, IR_GTS, magnitude, splat(c, IR_V16, 0x7c00));
    return v2(c, IR_OP_vandn, 0, above, vcmp(c, IR_V16, IR_GTS, magnitude, splat(c, IR_V16, 0x7dff)));
}

static ir_ref choose(struct a64_ctx *c, ir_ref mask, ir_ref x, ir_ref y)
{
    return v3(c, IR_OP_vsel, 0, mask, x, y);
}

static void order_two(struct a64_ctx *c, enum a64_fp_op op, ir_ref *x, ir_ref *y)
{
    const bool num = op == FP_MINNM || op == FP_MAXNM;
    if (c->rq->mode & A64_MODE_DN && !num)
        return;
    ir_ref sx = signalling(c, *x), sy = signalling(c, *y);
    ir_ref first = choose(c, v2(c, IR_OP_vandn, 0, sy, sx), *y, *x);
    if (num)
        *y = choose(c, sx, *x, *y);
    *x = first;
}

/* Of z, x, y, in this order. Infinity times zero does not matter then, so x is one as well. */
static void order_three(struct a64_ctx *c, ir_ref *x, ir_ref *y, ir_ref *z)
{
    if (c->rq->mode & A64_MODE_DN)
        return;
    ir_ref sx = signalling(c, *x), sy = signalling(c, *y), sz = signalling(c, *z);
    ir_ref first = choose(c, sz, *z, choose(c, sx, *x, choose(c, sy, *y, *z)));
    *x = choose(c, v2(c, IR_OP_vor, 0, sz, v2(c, IR_OP_vor, 0, sx, sy)), first, *x);
    *z = first;
}

/* --- sizes --- */

/* Lanes of size `from` in a half of x, in the format of twice the size. */
static ir_ref wider(struct a64_ctx *c, u32 from, ir_ref x, bool high)
{
    return v1(c, IR_OP_vfwiden, IR_RNE | IR_FP_TINY_BEFORE | from << IR_V_FP_LANE_SHIFT | (high ? IR_V_FP_HIGH : 0), x);
}

static ir_ref narrower(struct a64_ctx *c, u32 to, u32 aux, ir_ref x)
{
    return v1(c, IR_OP_vfnarrow, aux | IR_FP_TINY_BEFORE | to << IR_V_FP_LANE_SHIFT, x);
}

/* Two doubles as singles, rounded to odd, in the low half. They are rounded as any, since that is what hosts do; what
 * went away from zero takes a step back. */
static ir_ref rounded_to_odd(struct a64_ctx *c, ir_ref x)
{
    ir_ref r = narrower(c, IR_V32, IR_RDYN, x), back = wider(c, IR_V32, r, false);
    ir_ref exact = vcmp(c, IR_V64, IR_EQ, back, x);
    ir_ref away = vcmp(c, IR_V64, IR_GTS, fp_abs(c, IR_V64, back), fp_abs(c, IR_V64, x));
    ir_ref odd = v2(c, IR_OP_vandn, 0, splat(c, IR_V64, 1), exact);
    r = v2(c, IR_OP_vadd, IR_V32, r, v2(c, IR_OP_vnarrow, IR_V32, away, vzero(c)));
    return v2(c, IR_OP_vor, 0, r, v2(c, IR_OP_vnarrow, IR_V32, odd, vzero(c)));
}

/* --- operations --- */

/* Four lanes; the arguments are singles. */
static ir_ref fused(struct a64_ctx *c, ir_ref x, ir_ref y, ir_ref z)
{
    ir_ref r[2];
    for (u32 n = 0; n < 2; n++)
        r[n] = rounded_to_odd(c, a64_fp(c, (struct fp_shape){IR_V64, 2}, FP_FMA, IR_RDYN, wider(c, IR_V32, x, n),
                                        wider(c, IR_V32, y, n), wider(c, IR_V32, z, n)));
    return v2(c, IR_OP_vzip, IR_V64, r[0], r[1]);
}

/* Four integers of 32 bits that saturate where those of 16 do when they are narrowed so. Signed ones lie at the top of
 * theirs for it, being rounded before. */
static ir_ref to_int(struct a64_ctx *c, u32 aux, ir_ref x)
{
    const struct fp_shape shape = {IR_V32, 4};
    if (aux & IR_F2I_UNSIGNED)
        return a64_fp(c, shape, FP_TO_INT, aux, x, 0, 0);
    x = a64_fp(c, shape, FP_ROUND, (aux & IR_FP_ROUND) | IR_FP_EXACT, x, 0, 0);
    x = a64_fp(c, shape, FP_MUL, IR_RNE, x, splat(c, IR_V32, 0x47800000), 0);
    return v1i(c, IR_OP_vsar, IR_V32, a64_fp(c, shape, FP_TO_INT, IR_RTZ, x, 0, 0), 16);
}

/* Four lanes from a half of the arguments; singles, integers of 32 bits, masks of 32 bits from a comparison. */
static ir_ref quarter(struct a64_ctx *c, enum a64_fp_op op, u32 aux, ir_ref x, ir_ref y, ir_ref z, bool high)
{
    const struct fp_shape shape = {IR_V32, 4};
    const u32 args = a64_fp_info[op].args;
    if (op == FP_FROM_INT) {
        const u32 sign = aux & IR_F2I_UNSIGNED ? 0 : IR_V_SIGNED;
        x = v1(c, IR_OP_vwiden, IR_V16 | sign | (high ? IR_V_HIGH : 0), x);
        return a64_fp(c, shape, op, aux, x, 0, 0);
    }
    x = wider(c, IR_V16, x, high);
    if (op == FP_TO_INT)
        return to_int(c, aux, x);
    y = args > 1 ? wider(c, IR_V16, y, high) : 0;
    if (args > 2)
        return fused(c, x, y, wider(c, IR_V16, z, high));
    return a64_fp(c, shape, op, aux, x, y, 0);
}

/* The lowest n (1, 2, 4) lanes; zeros above. */
static ir_ref lowest(struct a64_ctx *c, u32 n, ir_ref x)
{
    return n == 4 ? cut64(c, x) : cut_lane(c, n == 2 ? IR_V32 : IR_V16, x);
}

ir_ref a64_fp_half(struct a64_ctx *c, u32 n, enum a64_fp_op op, u32 aux, ir_ref x, ir_ref y, ir_ref z)
{
    const bool compares = op == FP_EQ || op == FP_GE || op == FP_GT;
    const u32 args = a64_fp_info[op].args;
    if (n < 4) {
        x = lowest(c, n, x);
        y = args < 2       ? 0
            : op == FP_DIV ? v2(c, IR_OP_vset, IR_V16, splat(c, IR_V16, a64_fp_imm(IR_V16, 0x70)),
                                ir_emit(c->b, IR_OP_vget, IR_I32, IR_V16, 0, y, 0, 0, 0))
                           : lowest(c, n, y);
        z = args < 3 ? 0 : lowest(c, n, z);
    }
    if (args == 3) { /* signs change before a NaN is chosen */
        if (aux & IR_FP_NEG_MUL)
            x = fp_neg(c, IR_V16, x);
        if (aux & IR_FP_NEG_ADD)
            z = fp_neg(c, IR_V16, z);
        aux &= ~(u32)(IR_FP_NEG_MUL | IR_FP_NEG_ADD);
        order_three(c, &x, &y, &z);
    } else if (args == 2 && !compares) {
        order_two(c, op, &x, &y);
    }
    ir_ref low = quarter(c, op, aux, x, y, z, false), high = n == 8 ? quarter(c, op, aux, x, y, z, true) : 0;
    if (op == FP_TO_INT) {
        const u32 sign = aux & IR_F2I_UNSIGNED ? 0 : IR_V_SIGNED;
        low = v2(c, IR_OP_vqnarrow, IR_V16 | sign, low, high ? high : vzero(c));
    } else if (compares) {
        low = v2(c, IR_OP_vnarrow, IR_V16, low, high ? high : vzero(c));
    } else {
        low = narrower(c, IR_V16, IR_RDYN | fp_nan(c), low);
        if (high)
            low = v2(c, IR_OP_vzip, IR_V64, low, narrower(c, IR_V16, IR_RDYN | fp_nan(c), high));
    }
    return n == 8 ? low : lowest(c, n, low);
}
