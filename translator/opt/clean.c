/* Cleaning a region: phis of one value, values that were computed before, puts that nobody sees, what nobody needs.
 *
 * A phi that is always set to one value, or to itself, is that value; one that is set to the same as another one of its
 * place, wherever that is set, is that one. Taking it out may make another one such, so that
 * is repeated. Then the region is made again. The builder folds what became constant, and shares PURE values not only
 * within a block but with all blocks that dominate it. */
#include "translator/opt/opt.h"

#include "lib/arena.h"
#include "lib/assert.h"
#include "lib/err.h"
#include "lib/str.h"
#include "translator/ir/ir_build.h"
#include "translator/ir/seen.h"

struct clean {
    struct ir_builder b; /* first: visible() is given it */
    const struct ir_unit *in;
    struct ir_cfg cfg;
    ir_ref *only; /* by phi: the one value that it stands for, or 0 */
    ir_ref *phi;  /* by number: the instruction */
    ir_ref *map;
    bool *dead; /* puts that nobody sees */
    bool *needed;
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

/* Is phi y, of the same place as x, set to the same wherever that is? The sets of a phi are sets[first[n]] on. */
static bool alike(const struct clean *k, const u32 *first, const ir_ref *sets, u32 x, u32 y)
{
    const struct ir_unit *u = k->in;
    const u32 n = first[x + 1] - first[x];
    if (first[y + 1] - first[y] != n || u->ins[k->phi[x]].type != u->ins[k->phi[y]].type)
        return false;
    for (u32 i = 0; i < n; i++) {
        const ir_ref sx = sets[first[x] + i], sy = sets[first[y] + i];
        if (k->cfg.block_of[sx] != k->cfg.block_of[sy])
            return false;
        const ir_ref vx = resolve(k, u->ins[sx].a), vy = resolve(k, u->ins[sy].a);
        if (vx != vy && !(vx == k->phi[x] && vy == k->phi[y]))
            return false;
    }
    return n;
}

/* Phis that are another one: of each place, those that are left are compared. */
static bool find_same_phis(struct clean *k)
{
    const struct ir_unit *u = k->in;
    u32 *first = ARENA_NEW_N(u->arena, u32, u->nphis + 2);
    ir_ref *sets = ARENA_NEW_N(u->arena, ir_ref, u->n);
    bool changed = false;
    if (!first || !sets)
        return false;
    memset(first, 0, (u->nphis + 2) * sizeof *first);
    for (ir_ref r = 1; r < u->n; r++)
        if (u->ins[r].op == IR_OP_phi_set)
            first[u->ins[r].aux + 2]++;
    for (u32 p = 1; p < u->nphis + 2u; p++)
        first[p] += first[p - 1];
    for (ir_ref r = 1; r < u->n; r++)
        if (u->ins[r].op == IR_OP_phi_set)
            sets[first[u->ins[r].aux + 1]++] = r;
    for (u32 x = 0; x < u->nphis; x++)
        for (u32 y = x + 1; y < u->nphis && k->phi[x] && !k->only[x]; y++) {
            if (!k->phi[y] || k->only[y])
                continue;
            if (k->cfg.block_of[k->phi[y]] != k->cfg.block_of[k->phi[x]])
                break; /* those of a place have numbers one after the other (lift.c) */
            if (alike(k, first, sets, x, y)) {
                k->only[y] = k->phi[x];
                changed = true;
            }
        }
    return changed;
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
        changed = changed || find_same_phis(k);
    }
    memset(k->map, 0, u->n * sizeof *k->map);
}

/* May it go where nobody uses it? What slots hold at the entry stays. */
static bool may_go(const struct clean *k, ir_ref r)
{
    const struct ir_ins *in = &k->in->ins[r];
    return k->dead[r] || ir_flags[in->op] == IR_PURE || in->op == IR_OP_phi || in->op == IR_OP_phi_set ||
           (in->op == IR_OP_get && k->cfg.block_of[r]);
}

/* What is needed by what has to be there; of phis, which may need each other in circles, until nothing is added. */
static void find_needed(struct clean *k)
{
    const struct ir_unit *u = k->in;
    for (bool changed = true; changed;) {
        changed = false;
        for (ir_ref r = u->n; r-- > 1;) {
            const struct ir_ins *in = &u->ins[r];
            if (!k->needed[r]) {
                if (in->op == IR_OP_phi_set ? k->only[in->aux] || !k->needed[k->phi[in->aux]] : may_go(k, r))
                    continue;
                k->needed[r] = true;
            }
            for (u32 j = 0; j < 4; j++) {
                const ir_ref a = ir_arg(in, j) ? resolve(k, ir_arg(in, j)) : 0;
                if (a && !k->needed[a]) {
                    k->needed[a] = true;
                    changed |= u->ins[a].op == IR_OP_phi; /* what it is set to may stand behind */
                }
            }
        }
    }
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
    k->dead = ARENA_NEW_N(a, bool, in->n);
    k->needed = ARENA_NEW_N(a, bool, in->n);
    if (rc || !k->only || !k->phi || !k->map || !k->begin || !k->dead || !k->needed)
        return -ENOMEM;
    memset(k->dead, 0, in->n * sizeof *k->dead);
    memset(k->needed, 0, in->n * sizeof *k->needed);
    if (!ir_is_off(in, IR_PASS_DEAD) && (rc = ir_dead_puts(in, &k->cfg, a, k->dead)))
        return rc;
    memset(k->only, 0, in->nphis * sizeof *k->only);
    memset(k->phi, 0, in->nphis * sizeof *k->phi);
    find_single_phis(k);
    find_needed(k);

    *out = *in;
    ir_begin(&k->b, out, in->pc);
    ir_expect(&k->b, in->n);
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
        /* What nobody needs is left out here, so that it keeps nothing else alive. */
        if (!k->needed[r])
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
