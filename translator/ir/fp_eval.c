/* Floating-point ops by softfp: see fp_eval.h. */
#include "translator/ir/fp_eval.h"

#include "lib/assert.h"
#include "translator/ir/eval.h"

_Static_assert((int)IR_RMM == (int)SFP_RMM && (int)IR_RTZ == (int)SFP_RTZ && (int)IR_RUP == (int)SFP_RUP,
               "modes pass unchanged");
_Static_assert((int)IR_FLAG_NV == (int)SFP_NV && (int)IR_FLAG_NX == (int)SFP_NX, "and so do flags");

static enum sfp_format format(u32 type)
{
    dgm_assert(ir_is_float(type), "not a floating type: %u", type);
    return type == IR_F16 ? SFP_F16 : type == IR_F32 ? SFP_F32 : SFP_F64;
}

static u64 order_of(struct sfp *s, enum sfp_format f, u64 a, u64 b, bool signal)
{
    if (sfp_eq(s, f, a, b, signal))
        return 0;
    if (sfp_lt(s, f, a, b, signal))
        return 1;
    return sfp_lt(s, f, b, a, signal) ? 2 : 3;
}

/* Result r of an operation that has raised s->flags. */
static u64 flushed(struct sfp *s, u32 type, u64 r)
{
    const u32 frac = type == IR_F64 ? 52 : type == IR_F32 ? 23 : 10;
    const u64 sign = 1ull << (ir_bits(type) - 1), magnitude = r & (sign - 1);
    const bool subnormal = magnitude && magnitude < 1ull << frac;
    if (!subnormal && !(s->flags & SFP_UF))
        return r;
    s->flags = (u8)((s->flags & ~SFP_NX) | SFP_UF);
    return r & sign;
}

u64 ir_eval_fp(u32 op, u32 type, u32 arg_type, u32 aux, u64 a, u64 b, u64 c, struct sfp *env)
{
    const u32 kind = ir_ops[op].aux;
    const bool bit4 = aux & 1 << 4; /* means what the op says */
    u32 round = aux & IR_FP_ROUND;
    if (kind == IR_AUX_FCMP)
        round = IR_RNE; /* its low bits are the condition */
    else if (round == IR_RDYN)
        round = env->round;
    struct sfp s = {.round = (u8)round};
    if (kind == IR_AUX_FP) {
        s.defnan = aux & IR_FP_DEFNAN;
        s.snan_wins = aux & IR_FP_SNAN_WINS;
        s.tiny_before = aux & (IR_FP_TINY_BEFORE | IR_FP_FLUSH);
    } else if (kind == IR_AUX_F2I) {
        s.nan_zero = aux & IR_F2I_NAN_ZERO;
    }
    u64 r;
    switch (op) {
    case IR_OP_fadd:
        r = sfp_add(&s, format(type), a, b);
        break;
    case IR_OP_fsub:
        r = sfp_sub(&s, format(type), a, b);
        break;
    case IR_OP_fmul:
        r = sfp_mul(&s, format(type), a, b);
        break;
    case IR_OP_fdiv:
        r = sfp_div(&s, format(type), a, b);
        break;
    case IR_OP_fsqrt:
        r = sfp_sqrt(&s, format(type), a);
        break;
    case IR_OP_fma:
        r = sfp_fma(&s, format(type), a, b, c, aux & IR_FP_NEG_MUL, aux & IR_FP_NEG_ADD);
        break;
    case IR_OP_fmin:
        r = sfp_min(&s, format(type), a, b, bit4);
        break;
    case IR_OP_fmax:
        r = sfp_max(&s, format(type), a, b, bit4);
        break;
    case IR_OP_fcmp: {
        u32 cc = aux & 7;
        enum sfp_format f = format(arg_type);
        r = cc == IR_EQ    ? sfp_eq(&s, f, a, b, bit4)
            : cc == IR_LTS ? sfp_lt(&s, f, a, b, bit4)
                           : sfp_le(&s, f, a, b, bit4);
        break;
    }
    case IR_OP_ford:
        r = order_of(&s, format(arg_type), a, b, bit4);
        break;
    case IR_OP_fcvt:
        r = sfp_cvt(&s, format(arg_type), format(type), a);
        break;
    case IR_OP_f2i:
        r = sfp_to_int(&s, format(arg_type), a, ir_bits(type), bit4, round);
        break;
    case IR_OP_i2f:
        r = sfp_from_int(&s, format(type), a, ir_bits(arg_type), bit4);
        break;
    case IR_OP_fround:
        r = sfp_round_int(&s, format(type), a, bit4);
        break;
    case IR_OP_fclass:
        r = sfp_class(format(arg_type), a);
        break;
    default:
        dgm_assert(false, "%s is no floating-point op", ir_ops[op].name);
        return 0;
    }
    if (kind == IR_AUX_FP && aux & IR_FP_FLUSH)
        r = flushed(&s, type, r);
    env->flags |= s.flags;
    return r;
}
