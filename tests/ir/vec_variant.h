/* One way to write a vector op: result type, aux, immediate and argument types that the verifier accepts, chosen by a
 * source of random numbers. For everything that makes random units. */
#pragma once

#include "translator/ir/vec_eval.h"

struct vec_variant {
    u8 type, arg[3]; /* IR_VOID: no argument */
    u16 aux;
    u64 imm;
};

typedef u32 vec_below_fn(void *cx, u32 n); /* a random number below n */

static inline u32 vec_pick_lane(u32 lanes, vec_below_fn *below, void *cx)
{
    u32 l;
    do
        l = below(cx, 4);
    while (!(lanes >> l & 1));
    return l;
}

/* The floating rounding mode is `round`. */
static inline void vec_variant_of(u32 op, u32 round, vec_below_fn *below, void *cx, struct vec_variant *v)
{
    enum { B = 1, H = 2, S = 4, D = 8 };
    const char *sig = ir_ops[op].sig;
    *v = (struct vec_variant){.type = IR_V128};
    for (u32 i = 0; sig[2 + i]; i++)
        v->arg[i] = sig[2 + i] == 'v' ? IR_V128 : IR_I64;
    if (ir_ops[op].aux == IR_AUX_VFP) {
        const u32 scalar = ir_scalar_of(op);
        const bool sizes = op == IR_OP_vfwiden || op == IR_OP_vfnarrow;
        u32 aux = round | (below(cx, 3) ? 0 : IR_FP_DEFNAN) | (below(cx, 2) ? IR_FP_TINY_BEFORE : 0);
        const u32 bits = below(cx, 4);
        static const u8 cc[] = {IR_EQ, IR_LTS, IR_LES};
        switch (scalar) {
        case IR_OP_fma:
            aux |= bits * IR_FP_NEG_MUL;
            break;
        case IR_OP_fmin:
        case IR_OP_fmax:
            aux = (aux & ~(u32)IR_FP_ROUND) | (bits & 1 ? IR_FP_NAN_WINS : 0) | (bits & 2 ? IR_FP_SNAN_WINS : 0);
            break;
        case IR_OP_fround:
            aux |= bits & 1 ? IR_FP_EXACT : 0;
            break;
        case IR_OP_fcmp:
            aux = cc[below(cx, 3)] | (bits & 1 ? IR_FCMP_SIGNAL : 0);
            break;
        case IR_OP_f2i:
        case IR_OP_i2f:
            aux = round | (bits & 1 ? IR_F2I_UNSIGNED : 0) | (scalar == IR_OP_f2i && bits & 2 ? IR_F2I_NAN_ZERO : 0);
            break;
        default:
            break;
        }
        if ((scalar == IR_OP_fadd || scalar == IR_OP_fsub || scalar == IR_OP_fmul || scalar == IR_OP_fdiv ||
             scalar == IR_OP_fma || op == IR_OP_vfnarrow) &&
            !below(cx, 3))
            aux |= IR_FP_FLUSH;
        if (op == IR_OP_vfwiden && below(cx, 2))
            aux |= IR_V_FP_HIGH;
        v->aux = (u16)(aux | vec_pick_lane(sizes ? H | S : S | D, below, cx) << IR_V_FP_LANE_SHIFT);
        return;
    }
    u32 lanes = B | H | S | D, flags = 0, l;
    static const u8 small[] = {IR_I32, IR_I64, IR_F16, IR_F32, IR_F64};
    switch (op) {
    case IR_OP_vmake:
        return;
    case IR_OP_vzext:
        v->arg[0] = small[below(cx, 5)];
        return;
    case IR_OP_vlow:
        v->type = small[below(cx, 5)];
        return;
    case IR_OP_vaes:
    case IR_OP_vsha256:
        v->imm = below(cx, 4);
        return;
    case IR_OP_vsha1:
        v->imm = below(cx, 3);
        return;
    case IR_OP_vest:
        v->imm = below(cx, 2);
        return;
    case IR_OP_vext:
        v->imm = below(cx, 16);
        return;
    case IR_OP_vmul:
    case IR_OP_vnarrow:
    case IR_OP_vclz:
        lanes = B | H | S;
        break;
    case IR_OP_vwiden:
    case IR_OP_vmull:
        lanes = B | H | S;
        flags = IR_V_SIGNED | IR_V_HIGH;
        break;
    case IR_OP_vqnarrow:
        lanes = B | H | S;
        flags = IR_V_SIGNED | IR_V_TO_UNSIGNED;
        break;
    case IR_OP_vqadd:
    case IR_OP_vqsub:
    case IR_OP_vmin:
    case IR_OP_vmax:
    case IR_OP_vget:
        flags = IR_V_SIGNED;
        break;
    case IR_OP_vavg:
        lanes = B | H;
        break;
    case IR_OP_vzip:
    case IR_OP_vuzp:
    case IR_OP_vtrn:
        flags = IR_V_HIGH;
        break;
    case IR_OP_vqdmulh:
        lanes = H | S;
        flags = IR_V_ROUND;
        break;
    case IR_OP_vdot:
        lanes = S;
        flags = IR_V_SIGNED;
        break;
    case IR_OP_vpmul:
        lanes = B;
        break;
    case IR_OP_vpmull:
        lanes = B | D;
        flags = IR_V_HIGH;
        break;
    default:
        if (ir_ops[op].aux == IR_AUX_NONE)
            return;
        break;
    }
    l = vec_pick_lane(lanes, below, cx);
    u32 aux = l | (below(cx, 64) & flags & 63);
    switch (op) {
    case IR_OP_vcmp: {
        static const u8 cc[] = {IR_EQ, IR_GTS, IR_GES, IR_GTU, IR_GEU};
        aux |= (u32)cc[below(cx, 5)] << IR_V_CC_SHIFT;
        break;
    }
    case IR_OP_vdup:
        v->arg[0] = l < IR_V64 && below(cx, 2) ? IR_I32 : IR_I64;
        break;
    case IR_OP_vset:
        v->arg[1] = l < IR_V64 && below(cx, 2) ? IR_I32 : IR_I64;
        aux |= below(cx, 16u >> l) << IR_V_INDEX_SHIFT;
        break;
    case IR_OP_vget:
        v->type = l < IR_V64 && below(cx, 2) ? IR_I32 : IR_I64;
        aux |= below(cx, 16u >> l) << IR_V_INDEX_SHIFT;
        break;
    case IR_OP_vdupl:
        aux |= below(cx, 16u >> l) << IR_V_INDEX_SHIFT;
        break;
    case IR_OP_vrev:
        aux |= (l + 1 + below(cx, 4 - l)) << IR_V_INDEX_SHIFT;
        break;
    case IR_OP_vshl:
    case IR_OP_vshr:
    case IR_OP_vsar:
        v->imm = below(cx, 8u << l);
        break;
    default:
        break;
    }
    v->aux = (u16)aux;
}
