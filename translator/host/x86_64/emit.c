/* What this backend selects, beside the emitters of single ops. The driver is common/unit.c. */
#include "translator/host/x86_64/gen.h"

/* Does it take a register, as a constant that is no immediate does too? */
static bool in_register(const struct gen *g, ir_ref i)
{
    u64 k;
    return !const_of(g, i, &k) || !fits32((s64)k);
}

/* May what i raises be raised at j: does nobody look in between? */
static bool may_wait(const struct gen *g, ir_ref i, ir_ref j)
{
    while (++i < j) {
        const struct ir_ins *in = ins_of(g, i);
        if (in->op != IR_OP_insn && in->op != IR_OP_put && ir_flags[in->op] != IR_PURE)
            return false;
    }
    return true;
}

/* Is it some bits of a value, and does the branch ask whether all of them are 0? */
static bool bits_alone(const struct gen *g, ir_ref i, const struct ir_ins *branch)
{
    const struct ir_ins *in = ins_of(g, i);
    u64 k = 0, bits = 0;
    return in->op == IR_OP_and && branch->a == i && branch->b != i && (branch->aux & IR_EXIT_CC) <= IR_NE &&
           const_of(g, branch->b, &k) && k == 0 && const_of(g, in->b, &bits) && !is_const(g, in->a) &&
           (in->type == IR_I32 || bits <= INT32_MAX);
}

/* Is it two comparisons, and does the side exit ask whether both hold? Then there are two branches and no logic. */
static bool is_both(const struct gen *g, ir_ref i, const struct ir_ins *exit)
{
    const struct ir_ins *in = ins_of(g, i);
    u64 k = 0;
    return in->op == IR_OP_and && !g->region && exit->aux == IR_NE && exit->a == i && const_of(g, exit->b, &k) &&
           k == 0 && in->a != in->b && ins_of(g, in->a)->op == IR_OP_cmp && ins_of(g, in->b)->op == IR_OP_cmp;
}

bool can_fuse(const struct gen *g, ir_ref i, ir_ref j)
{
    const struct ir_ins *in = ins_of(g, i), *user = ins_of(g, j);
    u64 k = 0;
    switch (user->op) {
    case IR_OP_add: { /* a + (b << 1..3) */
        if (in->op != IR_OP_shl || in->type != user->type || !const_of(g, in->b, &k) || (k & 63) == 0 || (k & 63) > 3)
            return false;
        ir_ref other = user->a == i ? user->b : user->a;
        return other != i && !g->val[other].fused && in_register(g, other);
    }
    case IR_OP_shr:
    case IR_OP_sar: { /* (a << n) >> n, an extension */
        u64 n = 0, m = 1;
        u32 bits = ir_bits(user->type);
        return in->op == IR_OP_shl && const_of(g, in->b, &n) && const_of(g, user->b, &m) && user->a == i && n == m &&
               (bits - n == 8 || bits - n == 16 || bits - n == 32);
    }
    case IR_OP_and: { /* a & ~b */
        if (in->op == IR_OP_cmp)
            return g->val[j].fused && is_both(g, j, ins_of(g, g->val[j].user));
        ir_ref other = user->a == i ? user->b : user->a;
        return have(FEAT_BMI1) && in->op == IR_OP_not && in->type == user->type && other != i && !g->val[other].fused &&
               ins_of(g, other)->op != IR_OP_const;
    }
    case IR_OP_ld:
    case IR_OP_st: /* an address a + b */
        return in->op == IR_OP_add && user->a == i && (user->op == IR_OP_ld || user->b != i) &&
               !(user->aux & IR_MEM_ALIGN) && fits32((s64)user->imm) && in_register(g, in->a) && in_register(g, in->b);
    case IR_OP_exit_if:
        return bits_alone(g, i, user) || is_both(g, i, user);
    case IR_OP_jump_if: /* by a comparison that is true, or false */
        if (bits_alone(g, i, user))
            return true;
        return in->op == IR_OP_fcmp && user->a == i && const_of(g, user->b, &k) && k == 0 && user->aux <= IR_NE &&
               (in->aux & IR_FP_ROUND) != IR_EQ && ins_of(g, in->a)->type != IR_F16 && may_wait(g, i, j);
    case IR_OP_exit_ind: /* to an even address: what is odd is found nowhere, and made even then */
        return in->op == IR_OP_and && user->a == i && const_of(g, in->b, &k) && k == ~1ull;
    case IR_OP_vaes: /* a whole round, without its key */
        return have(FEAT_AES) && in->op == IR_OP_vaes && user->imm == in->imm + 2;
    default:
        return false;
    }
}

bool is_extended(const struct gen *g, ir_ref i, bool sign)
{
    return leaves_zeros(ins_of(g, i)->op) && (!sign || is_not_negative(g, i));
}

bool may_stay(const struct gen *g, ir_ref i, u32 type)
{
    return true;
}

void emit_tail(struct gen *g)
{
}
