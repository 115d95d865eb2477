/* What this backend selects, beside the emitters of single ops. The driver is common/unit.c. */
#include "translator/host/aarch64/gen.h"

bool can_fuse(const struct gen *g, ir_ref i, ir_ref j)
{
    const struct ir_ins *in = ins_of(g, i), *user = ins_of(g, j);
    u64 k;
    switch (user->op) {
    case IR_OP_add:
    case IR_OP_sub: { /* a + (b << n) */
        if (in->op != IR_OP_shl || in->type != user->type || !const_of(g, in->b, &k) ||
            (user->op == IR_OP_sub && user->b != i))
            return false;
        ir_ref other = user->a == i ? user->b : user->a;
        return other != i && !g->val[other].fused;
    }
    case IR_OP_shr:
    case IR_OP_sar: { /* (a << n) >> m, a field */
        u64 n = 0, m = 0;
        u32 bits = ir_bits(user->type);
        return in->op == IR_OP_shl && const_of(g, in->b, &n) && const_of(g, user->b, &m) && user->a == i &&
               (n & (bits - 1)) <= (m & (bits - 1));
    }
    case IR_OP_and:
    case IR_OP_or:
    case IR_OP_xor: { /* a op ~b */
        ir_ref other = user->a == i ? user->b : user->a;
        return in->op == IR_OP_not && in->type == user->type && other != i && !g->val[other].fused &&
               ins_of(g, other)->op != IR_OP_const;
    }
    default:
        return false;
    }
}

bool is_extended(const struct gen *g, ir_ref i, bool sign)
{
    u32 op = ins_of(g, i)->op;
    bool zeros = leaves_zeros(op) || op == IR_OP_select || op == IR_OP_f2i || op == IR_OP_vget;
    return zeros && (!sign || is_not_negative(g, i));
}

bool may_stay(const struct gen *g, ir_ref i, u32 type)
{
    return true;
}

void emit_tail(struct gen *g)
{
}
