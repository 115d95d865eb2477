/* Fetching ahead: memory whose address a block forms and leaves to others to access.
 *
 * base + (index << k) with k of 4 or more is the address of one of many things of 16 bytes or more. Where the block
 * does no more with it than keep it in a guest register, somebody else accesses it, some time later: a prefetch brings
 * it near meanwhile. (What riscv64 code asks the alignment of is prefetched by its frontend.)
 *
 * A number that is no address costs a look for a page that is not there. So the base has to be 8 bytes as a guest
 * register or memory had them, and not what is shifted itself, as it is in hashes and generators of random numbers.
 *
 * It is a pass over a finished unit without labels, for backends alone. It changes nothing that a guest could see: a
 * prefetch never faults. Most units have no such sum, which the builder tells (ir_unit.scaled). */
#include "translator/ir/ir_int.h"

#include "lib/arena.h"
#include "lib/err.h"

#define MIN_SHIFT 4  /* smaller things lie in cache lines that are accessed anyway */
#define MAX_SHIFT 12 /* what is shifted further is no index */

/* Is it base + x, x being an index? */
static bool is_sum(const struct ir_unit *u, ir_ref base, ir_ref x)
{
    const struct ir_ins *b = &u->ins[base], *s = &u->ins[x], *k = &u->ins[s->b];
    if (s->op != IR_OP_shl || k->op != IR_OP_const || k->imm < MIN_SHIFT || k->imm > MAX_SHIFT || s->a == base)
        return false;
    return b->op == IR_OP_get || (b->op == IR_OP_ld && (b->aux & IR_MEM_SIZE) == 3);
}

static bool is_address(const struct ir_unit *u, const struct ir_ins *in)
{
    return in->op == IR_OP_add && in->type == IR_I64 && (is_sum(u, in->a, in->b) || is_sum(u, in->b, in->a));
}

/* Is value v kept, and nothing else? */
static bool is_kept(const struct ir_unit *u, ir_ref v)
{
    for (ir_ref i = v + 1; i < u->n; i++) {
        const struct ir_ins *in = &u->ins[i];
        if (in->op != IR_OP_put && (in->a == v || in->b == v || in->c == v || in->d == v))
            return false;
    }
    return u->ins[v].uses;
}

int ir_ahead(struct ir_unit *u)
{
    if (!u->scaled || u->nlabels || ir_is_off(u, IR_PASS_AHEAD))
        return 0;
    ir_ref first = 1;
    while (first < u->n && !(is_address(u, &u->ins[first]) && is_kept(u, first)))
        first++;
    if (first == u->n)
        return 0;
    struct ir_unit new = *u;
    ir_ref *to = ARENA_NEW_N(u->arena, ir_ref, u->n);
    if (!to || !ir_unit_init(&new, u->pc))
        return -ENOMEM;
    to[0] = 0;
    for (ir_ref i = 1; i < u->n; i++) {
        struct ir_ins in = u->ins[i];
        for (u32 k = 0; k < 4; k++)
            (&in.a)[k] = to[ir_arg(&in, k)];
        to[i] = ir_append(&new, &in);
        if (!to[i])
            return -ENOMEM;
        const struct ir_ins fetch = {.op = IR_OP_prefetch, .a = to[i]};
        if (i >= first && is_address(u, &u->ins[i]) && is_kept(u, i) && !ir_append(&new, &fetch))
            return -ENOMEM;
    }
    *u = new;
    return 0;
}
