/* The folder's rules for vectors: see fold.c for what a rule promises. Besides constants they are about what frontends
 * write because guests have vector registers alone: scalars that go into a vector and come out again, lanes that are
 * taken out to be put into all lanes, results that are stored in part.
 *
 * Canonical forms: a constant is a vmake of two i64 constants;  the lowest lane of 4 or 8 bytes, as a whole value, is a
 * vlow;  a vmake of a value and 0 is a vzext;  ~ for ^ -1. */
#include "translator/ir/ir_int.h"

#include "translator/ir/eval.h"

#define NEXT  IR_FOLD_NONE
#define AGAIN IR_FOLD_AGAIN

static inline const struct ir_ins *def(const struct ir_builder *b, ir_ref r)
{
    return &b->u->ins[r];
}

static ir_ref to(struct ir_ins *in, u32 op, u32 type, u32 aux, ir_ref x)
{
    *in = (struct ir_ins){.op = (u8)op, .type = (u8)type, .aux = (u16)aux, .a = x};
    return AGAIN;
}

/* Is r a constant? A v128 one is a vmake of constants. */
static bool konst(const struct ir_builder *b, ir_ref r, u128 *k)
{
    const struct ir_ins *p = def(b, r);
    u64 lo, hi;
    if (p->op == IR_OP_vmake && ir_is_const(b, p->a, &lo) && ir_is_const(b, p->b, &hi)) {
        *k = (u128)hi << 64 | lo;
        return true;
    }
    if (!ir_is_const(b, r, &lo))
        return false;
    *k = lo;
    return true;
}

static ir_ref vconst(struct ir_builder *b, struct ir_ins *in, u128 k)
{
    ir_ref lo = ir_const(b, IR_I64, (u64)k), hi = ir_const(b, IR_I64, (u64)(k >> 64));
    *in = (struct ir_ins){.op = IR_OP_vmake, .type = IR_V128, .a = lo, .b = hi};
    return NEXT;
}

static ir_ref const_args(struct ir_builder *b, struct ir_ins *in)
{
    u128 k[3] = {0};
    for (u32 i = 0; i < 3; i++)
        if (ir_arg(in, i) && !konst(b, ir_arg(in, i), &k[i]))
            return NEXT;
    u128 r = ir_eval_vec(in->op, in->type, in->aux, in->imm, k[0], k[1], k[2], NULL);
    if (in->type != IR_V128)
        return ir_const(b, in->type, (u64)r);
    vconst(b, in, r);
    return AGAIN;
}

/* The low bits of a value that went into a vector. */
static ir_ref vlow_of(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a);
    if (p->op != IR_OP_vzext && p->op != IR_OP_vmake)
        return NEXT;
    const ir_ref x = p->a;
    const u32 t = def(b, x)->type;
    if (t == in->type)
        return x;
    if (ir_bits(t) == ir_bits(in->type))
        return to(in, IR_OP_bitcast, in->type, 0, x);
    if (t == IR_I64 && in->type == IR_I32)
        return to(in, IR_OP_trunc, IR_I32, 0, x);
    return NEXT;
}

static ir_ref vget_of(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a);
    const u32 l = in->aux & IR_V_LANE, index = (in->aux & IR_V_INDEX) >> IR_V_INDEX_SHIFT;
    if (!index && 8u << l == ir_bits(in->type))
        return to(in, IR_OP_vlow, in->type, 0, in->a);
    if (l == IR_V64 && p->op == IR_OP_vmake)
        return index ? p->b : p->a;
    if (l == IR_V64 && p->op == IR_OP_vzext)
        return ir_const(b, IR_I64, 0);
    return NEXT;
}

static ir_ref vmake_of(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a), *q = def(b, in->b);
    u64 k;
    if (p->op != IR_OP_const && ir_is_const(b, in->b, &k) && !k)
        return to(in, IR_OP_vzext, IR_V128, 0, in->a);
    if (p->op == IR_OP_vlow && q->op == IR_OP_vget && p->a == q->a && (q->aux & IR_V_LANE) == IR_V64 &&
        (q->aux & IR_V_INDEX))
        return p->a;
    return NEXT;
}

/* Are the upper 64 bits of v zeros? */
static bool upper_zero(const struct ir_builder *b, ir_ref v)
{
    const struct ir_ins *p = def(b, v);
    u128 k;
    switch (p->op) {
    case IR_OP_vzext:
    case IR_OP_vfnarrow:
        return true;
    case IR_OP_ld:
        return (p->aux & IR_MEM_SIZE) < 4;
    case IR_OP_vnarrow:
    case IR_OP_vqnarrow:
    case IR_OP_vuzp:
        return konst(b, p->b, &k) && !k;
    default:
        return konst(b, v, &k) && !(k >> 64);
    }
}

static ir_ref vzext_of(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a);
    if (p->op == IR_OP_bitcast)
        return to(in, IR_OP_vzext, IR_V128, 0, p->a);
    if (p->op == IR_OP_vlow && ir_bits(p->type) == 64 && upper_zero(b, p->a))
        return p->a;
    return NEXT;
}

static ir_ref vdup_of(struct ir_builder *b, struct ir_ins *in)
{
    const struct ir_ins *p = def(b, in->a);
    const u32 l = in->aux & IR_V_LANE;
    if (p->op == IR_OP_vlow && 8u << l <= ir_bits(p->type))
        return to(in, IR_OP_vdupl, IR_V128, l, p->a);
    if (p->op == IR_OP_vget && (p->aux & IR_V_LANE) == l)
        return to(in, IR_OP_vdupl, IR_V128, l | (p->aux & IR_V_INDEX), p->a);
    return NEXT;
}

/* Logic with itself, with no bit, with all bits. */
static ir_ref logic(struct ir_builder *b, struct ir_ins *in)
{
    u128 k;
    const bool right = konst(b, in->b, &k), left = !right && konst(b, in->a, &k);
    const ir_ref x = left ? in->b : in->a, c = left ? in->a : in->b;
    const bool constant = right || left, none = constant && !k, all = constant && !~k;
    switch (in->op) {
    case IR_OP_vand:
        return in->a == in->b || all ? x : none ? c : NEXT;
    case IR_OP_vor:
        return in->a == in->b || none ? x : all ? c : NEXT;
    case IR_OP_vxor:
        if (in->a == in->b)
            break;
        if (all)
            return to(in, IR_OP_vnot, IR_V128, 0, x);
        return none ? x : NEXT;
    default: /* vandn */
        if (in->a == in->b || (right && all))
            break;
        if (left && all)
            return to(in, IR_OP_vnot, IR_V128, 0, x);
        return right && none ? x : left && none ? c : NEXT;
    }
    vconst(b, in, 0);
    return AGAIN;
}

static ir_ref sum(struct ir_builder *b, struct ir_ins *in)
{
    u128 k;
    if (konst(b, in->b, &k) && !k)
        return in->a;
    if (in->op == IR_OP_vadd && konst(b, in->a, &k) && !k)
        return in->b;
    if (in->op == IR_OP_vsub && in->a == in->b) {
        vconst(b, in, 0);
        return AGAIN;
    }
    return NEXT;
}

static ir_ref vsel_of(struct ir_builder *b, struct ir_ins *in)
{
    u128 k;
    if (in->b == in->c)
        return in->b;
    if (!konst(b, in->a, &k))
        return NEXT;
    return !k ? in->c : !~k ? in->b : NEXT;
}

ir_ref ir_fold_vec(struct ir_builder *b, struct ir_ins *in)
{
    ir_ref r = NEXT;
    if (in->op != IR_OP_vmake) {
        r = const_args(b, in);
        if (r || b->error)
            return r;
    }
    switch (in->op) {
    case IR_OP_vmake:
        return vmake_of(b, in);
    case IR_OP_vzext:
        return vzext_of(b, in);
    case IR_OP_vlow:
        return vlow_of(b, in);
    case IR_OP_vget:
        return vget_of(b, in);
    case IR_OP_vdup:
        return vdup_of(b, in);
    case IR_OP_vand:
    case IR_OP_vor:
    case IR_OP_vxor:
    case IR_OP_vandn:
        return logic(b, in);
    case IR_OP_vnot:
        return def(b, in->a)->op == IR_OP_vnot && !def(b, in->a)->uses ? def(b, in->a)->a : NEXT;
    case IR_OP_vsel:
        return vsel_of(b, in);
    case IR_OP_vadd:
    case IR_OP_vsub:
        return sum(b, in);
    case IR_OP_vshl:
    case IR_OP_vshr:
    case IR_OP_vsar:
    case IR_OP_vext:
        return in->imm ? NEXT : in->a;
    default:
        return NEXT;
    }
}
