/* What this backend selects, beside the emitters of single ops. The driver is common/unit.c. */
#include "translator/host/riscv64/gen.h"

bool can_fuse(const struct gen *g, ir_ref i, ir_ref j)
{
    const struct ir_ins *in = ins_of(g, i), *user = ins_of(g, j);
    u64 k = 0;
    switch (user->op) {
    case IR_OP_add: { /* a + (b << 1..3) */
        if (in->op != IR_OP_shl || in->type != IR_I64 || user->type != IR_I64 || !have(FEAT_ZBA) ||
            !const_of(g, in->b, &k) || (k & 63) == 0 || (k & 63) > 3)
            return false;
        ir_ref other = user->a == i ? user->b : user->a;
        return other != i && !g->val[other].fused && ins_of(g, other)->op != IR_OP_const;
    }
    case IR_OP_and: { /* a & ~b */
        ir_ref other = user->a == i ? user->b : user->a;
        return have(FEAT_ZBB) && in->op == IR_OP_not && in->type == user->type && other != i && !g->val[other].fused &&
               ins_of(g, other)->op != IR_OP_const;
    }
    default:
        return false;
    }
}

bool is_extended(const struct gen *g, ir_ref i, bool sign)
{
    u32 op = ins_of(g, i)->op;
    if (op == IR_OP_const || op == IR_OP_get) /* in a slot there may be no more than 32 bits */
        return false;
    return sign ? is_sext32(g, i) : is_not_negative(g, i);
}

bool may_stay(const struct gen *g, ir_ref i, u32 type)
{
    return type != IR_I32 || is_sext32(g, i);
}
