/* Cleaning a region: phis of one value, values that were computed before, what nobody needs.
 *
 * A phi that is always set to one value, or to itself, is that value; taking it out may make another one such, so that
 * is repeated. Then the region is made again. The builder folds what became constant, and shares PURE values not only
 * within a block but with all blocks that dominate it. */
#include "translator/opt/opt.h"

#include "lib/arena.h"
#include "lib/assert.h"
#include "lib/err.h"
#include "lib/str.h"
#include "translator/ir/cfg.h"
#include "translator/ir/ir_build.h"

struct clean {
    struct ir_builder b; /* first: visible() is given it */
    const struct ir_unit *in;
    struct ir_cfg cfg;
    ir_ref *only; /* by phi: the one value that it stands for, or 0 */
    ir_ref *phi;  /* by number: the instruction */
    ir_ref *map;
    ir_ref *begin; /* by block of `in`: where it begins in the new unit */
    u32 now;       /* block that is being made */
};

/* What r of the old unit stands for. */
static ir_ref resolve(const struct clean *k, ir_ref r)
{
    while (k->in->ins[r].op == IR_OP_phi && k->only[k->in->ins[r].aux])
        r = k->only[k->in->ins[r].aux];
    return r;
}

static void find_single_phis(struct clean *k)
{
    const struct ir_unit *u = k->in;
    for (ir_ref r = 1; r < u->n; r++)
        if (u->ins[r].op == IR_OP_phi)
            k->phi[u->ins[r].aux] = r;
    ir_ref *seen = k->map; /* not in use yet; phis are fewer than instructions */
    for (bool changed = true; changed;) {
        changed = false;
        memset(seen, 0, u->nphis * sizeof *seen);
        for (ir_ref r = 1; r < u->n; r++) {
            const struct ir_ins *in = &u->ins[r];
            if (in->op != IR_OP_phi_set || k->only[in->aux])
                continue;
            const ir_ref v = resolve(k, in->a), self = k->phi[in->aux];
            if (v == self)
                continue;
            seen[in->aux] = !seen[in->aux] || seen[in->aux] == v ? v : self;
        }
        for (u32 p = 0; p < u->nphis; p++)
            if (seen[p] && seen[p] != k->phi[p] && !k->only[p]) {
                /* Not through a cycle of phis that stand for each other. */
                if (resolve(k, seen[p]) == k->phi[p])
                    continue;
                k->only[p] = seen[p];
                changed = true;
            }
    }
    memset(k->map, 0, u->n * sizeof *k->map);
}

static u32 block_of_new(const struct clean *k, ir_ref v)
{
    u32 n = k->now;
    while (k->begin[n] > v || k->cfg.block[n].idom == IR_NO_BLOCK)
        n--;
    return n;
}

static bool visible(const struct ir_builder *b, ir_ref v)
{
    const struct clean *k = (const struct clean *)b;
    return ir_dominates(&k->cfg, block_of_new(k, v), k->now);
}

int opt_clean(const struct ir_unit *in, struct ir_unit *out)
{
    struct arena *a = in->arena;
    struct clean *k = ARENA_NEW(a, struct clean);
    if (!k)
        return -ENOMEM;
    memset(k, 0, sizeof *k);
    k->in = in;
    int rc = ir_cfg_make(in, a, &k->cfg);
    dgm_assert(rc != -EINVAL, "a region whose jumps lead nowhere");
    k->only = ARENA_NEW_N(a, ir_ref, in->nphis + 1);
    k->phi = ARENA_NEW_N(a, ir_ref, in->nphis + 1);
    k->map = ARENA_NEW_N(a, ir_ref, in->n);
    k->begin = ARENA_NEW_N(a, ir_ref, k->cfg.n);
    if (rc || !k->only || !k->phi || !k->map || !k->begin)
        return -ENOMEM;
    memset(k->only, 0, in->nphis * sizeof *k->only);
    find_single_phis(k);

    *out = *in;
    ir_begin(&k->b, out, in->pc);
    k->b.visible = visible;
    for (ir_ref r = 1; r < in->n; r++) {
        const struct ir_ins *i = &in->ins[r];
        const u32 n = k->cfg.block_of[r];
        if (k->cfg.block[n].idom == IR_NO_BLOCK)
            continue;
        if (r == k->cfg.block[n].first) {
            k->now = n;
            k->begin[n] = out->n;
        }
        if ((i->op == IR_OP_phi || i->op == IR_OP_phi_set) && k->only[i->aux])
            continue;
        /* What nobody uses is left out here, so that it keeps nothing else alive; but for what slots hold at the entry.
         */
        if (!i->uses && (ir_ops[i->op].flags == IR_PURE || (i->op == IR_OP_get && n)))
            continue;
        ir_ref arg[4];
        for (u32 j = 0; j < 4; j++)
            arg[j] = k->map[resolve(k, ir_arg(i, j))];
        enum ir_op op = i->op;
        if (ir_is_broken(in, IR_PASS_CLEAN) && op == IR_OP_xor && in->ins[i->b].op == IR_OP_const &&
            in->ins[i->b].imm == IR_SEED)
            op = IR_OP_or;
        k->map[r] = ir_emit(&k->b, op, i->type, i->aux, i->imm, arg[0], arg[1], arg[2], arg[3]);
    }
    return ir_finish(&k->b);
}
