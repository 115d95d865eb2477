/* Liveness, then colouring.
 *
 * A life is one stretch of the text, from the first to the last place where the value is needed; blocks of a loop stand
 * together, so this is little more than the truth. Lives that do not overlap may share a register. The values are given
 * registers in order of what each is worth: how often it is used, by the depth of loops, over how long it is in the
 * way. A value's first choice is the register that its slot is pinned in outside, or that of the phi that it is set to
 * or comes from, which saves a move.
 *
 * What gets none lives in the home of its slot if the slot is held by it whenever it is needed, else in a spill cell.
 *
 * Holding comes in two rounds. Whether a slot is held by a value depends on whether that has a register. So lives are
 * found as if all had one; that is the longest that they can be. */
#include "translator/host/region/plan.h"

#include "lib/arena.h"
#include "lib/bits.h"
#include "lib/err.h"
#include "lib/str.h"

/* A value that may be given a place. */
struct life {
    ir_ref v;
    u32 first, last; /* positions */
    u32 worth;
    u32 home; /* slot whose memory could be its place, or NOSLOT */
};

struct work {
    struct gen *g;
    struct plan *p;
    const struct ir_unit *u;
    struct arena *a;
    u32 *index; /* value -> life, or ~0 */
    struct life *life;
    u32 n;
    u32 words;               /* of a set of lives */
    u64 *live_in, *live_out; /* sets of lives, by block */
    u64 *exposed, *defined;
    ir_ref *since; /* by slot: position since which it is held so, in this block */
    bool *crosses; /* by life: needed in another block */
    ir_ref *sets;  /* all phi_sets */
    u32 nsets;
};

static u32 max32(u32 a, u32 b)
{
    return a > b ? a : b;
}

static ir_ref root(const struct work *w, ir_ref i)
{
    return w->g->val[i].root;
}

static u64 *set(const struct work *w, u64 *sets, u32 block)
{
    return sets + (size_t)block * w->words;
}

static void add(u64 *s, u32 i)
{
    s[i / 64] |= 1ull << (i % 64);
}

static bool has(const u64 *s, u32 i)
{
    return s[i / 64] >> (i % 64) & 1;
}

/* --- who holds slots, as if every value had a register --- */

static void step_all(const struct work *w, ir_ref i, ir_ref *held)
{
    const struct ir_ins *in = ins_of(w->g, i);
    if (in->op == IR_OP_put && w->g->val[i].live)
        held[in->aux] = root(w, in->a);
    else if (ir_forgets_slots(w->u, in))
        memset(held, 0, w->u->slots->n * sizeof *held);
}

/* --- lives --- */

static bool may_live(const struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    return in->op != IR_OP_const && ir_ops[in->op].sig[0] != '-' && in->type != IR_VOID && g->val[i].root == i &&
           !g->val[i].fused && (g->val[i].live || in->op == IR_OP_get);
}

static int find_values(struct work *w)
{
    const struct ir_unit *u = w->u;
    w->index = ARENA_NEW_N(w->a, u32, u->n);
    if (!w->index)
        return -ENOMEM;
    memset(w->index, 0xff, u->n * sizeof *w->index);
    for (ir_ref i = 1; i < u->n; i++)
        w->nsets += u->ins[i].op == IR_OP_phi_set;
    w->sets = ARENA_NEW_N(w->a, ir_ref, w->nsets + 1);
    if (!w->sets)
        return -ENOMEM;
    w->nsets = 0;
    for (ir_ref i = 1; i < u->n; i++) {
        const struct ir_ins *in = ins_of(w->g, i);
        if (in->op == IR_OP_phi)
            w->p->phi[in->aux] = i;
        if (in->op == IR_OP_phi_set)
            w->sets[w->nsets++] = i;
        if (in->op == IR_OP_get && w->p->cfg.block_of[i] == 0 && !w->p->entry[in->aux])
            w->p->entry[in->aux] = i;
        if (may_live(w->g, i))
            w->index[i] = w->n++;
    }
    w->words = w->n / 64 + 1;
    w->life = ARENA_NEW_N(w->a, struct life, w->n + 1);
    w->crosses = ARENA_NEW_N(w->a, bool, w->n + 1);
    const size_t size = (size_t)w->words * w->p->cfg.n * 4;
    w->live_in = ARENA_NEW_N(w->a, u64, size);
    if (!w->life || !w->crosses || !w->live_in)
        return -ENOMEM;
    memset(w->live_in, 0, size * sizeof *w->live_in);
    memset(w->crosses, 0, w->n);
    w->live_out = w->live_in + size / 4;
    w->exposed = w->live_out + size / 4;
    w->defined = w->exposed + size / 4;
    for (ir_ref i = 1; i < u->n; i++)
        if (w->index[i] != ~0u) {
            w->life[w->index[i]] = (struct life){.v = i, .first = i, .last = i, .home = NOSLOT};
            w->crosses[w->index[i]] = u->ins[i].op == IR_OP_phi;
        }
    return 0;
}

/* Value v (a root) is needed at position `at` of block b. */
static void use(struct work *w, u32 b, ir_ref v, u32 at)
{
    const u32 k = w->index[v];
    if (k == ~0u)
        return;
    struct life *l = &w->life[k];
    l->last = max32(l->last, at);
    if (w->p->cfg.block_of[v] != b) {
        w->crosses[k] = true;
        add(set(w, w->exposed, b), k);
    }
}

static u32 frequency(const struct work *w, u32 b)
{
    const u32 d = w->p->cfg.block[b].depth;
    return d == 0 ? 1 : d == 1 ? 8 : d == 2 ? 64 : 512;
}

/* Slots that are looked at before they are put to, from where block b begins, given the same for its end. */
struct slot_sets {
    u64 seen[IR_MAX_SLOTS / 64], put[IR_MAX_SLOTS / 64]; /* in the block */
    u64 in[IR_MAX_SLOTS / 64], out[IR_MAX_SLOTS / 64];
};

static int find_seen(struct work *w, struct slot_sets **out)
{
    const struct ir_cfg *c = &w->p->cfg;
    const u32 nslots = w->u->slots->n;
    struct slot_sets *s = ARENA_NEW_N(w->a, struct slot_sets, c->n);
    if (!s)
        return -ENOMEM;
    memset(s, 0, c->n * sizeof *s);
    for (u32 b = 0; b < c->n; b++)
        for (ir_ref i = c->block[b].first; i <= c->block[b].last; i++) {
            const struct ir_ins *in = ins_of(w->g, i);
            if (is_observer(w->g, in))
                for (u32 k = 0; k < nslots; k++)
                    if (!has(s[b].put, k))
                        add(s[b].seen, k);
            if (in->op == IR_OP_put && w->g->val[i].live)
                add(s[b].put, in->aux);
            if (ir_forgets_slots(w->u, in))
                for (u32 k = 0; k < nslots; k++)
                    add(s[b].put, k);
        }
    for (bool changed = true; changed;) {
        changed = false;
        for (u32 n = c->nrpo; n-- > 0;) {
            const u32 b = c->rpo[n];
            for (u32 i = 0; i < IR_MAX_SLOTS / 64; i++) {
                u64 o = 0;
                for (u32 k = 0; k < c->block[b].nsucc; k++)
                    o |= s[c->block[b].succ[k]].in[i];
                const u64 in = s[b].seen[i] | (o & ~s[b].put[i]);
                changed |= in != s[b].in[i];
                s[b].in[i] = in;
                s[b].out[i] = o;
            }
        }
    }
    *out = s;
    return 0;
}

/* What is needed within each block, and who holds slots at its end. */
static int find_uses(struct work *w)
{
    const struct ir_cfg *c = &w->p->cfg;
    const u32 nslots = w->u->slots->n;
    struct slot_sets *seen;
    int rc = find_seen(w, &seen);
    w->since = ARENA_NEW_N(w->a, ir_ref, nslots);
    if (rc || !w->since)
        return -ENOMEM;
    for (u32 n = 0; n < c->nrpo; n++) {
        const u32 b = c->rpo[n];
        const struct ir_block *k = &c->block[b];
        ir_ref *held = ARENA_NEW_N(w->a, ir_ref, nslots);
        if (!held)
            return -ENOMEM;
        if (b)
            memcpy(held, w->p->held[k->idom], nslots * sizeof *held);
        else
            memcpy(held, w->p->entry, nslots * sizeof *held);
        w->p->held[b] = held;
        for (u32 s = 0; s < nslots; s++)
            w->since[s] = k->first;
        u32 looked = 0; /* last position where slots are looked at */
        for (ir_ref i = k->first; i <= k->last; i++) {
            const struct ir_ins *in = ins_of(w->g, i);
            const struct val *v = &w->g->val[i];
            if (w->index[i] != ~0u)
                add(set(w, w->defined, b), w->index[i]);
            if (is_observer(w->g, in))
                looked = i;
            if ((in->op == IR_OP_put && v->live) || ir_forgets_slots(w->u, in))
                for (u32 s = 0; s < nslots; s++) {
                    if (in->op == IR_OP_put && s != in->aux)
                        continue;
                    if (held[s] && looked >= w->since[s])
                        use(w, b, held[s], looked);
                    w->since[s] = i;
                }
            step_all(w, i, held);
            if (!v->live || v->shares)
                continue;
            for (u32 j = 0; j < 4; j++) {
                const ir_ref r = ir_arg(in, j);
                if (!r)
                    continue;
                use(w, b, root(w, r), v->at);
                if (w->index[root(w, r)] != ~0u && in->op != IR_OP_put)
                    w->life[w->index[root(w, r)]].worth += frequency(w, b);
            }
            if (in->op == IR_OP_put && w->index[root(w, in->a)] != ~0u) {
                struct life *l = &w->life[w->index[root(w, in->a)]];
                l->worth += frequency(w, b);
                /* The first it comes to, if that is not late. */
                if (l->home == NOSLOT)
                    l->home = c->block_of[l->v] == b ? in->aux : (u32)IR_MAX_SLOTS;
            }
        }
        for (u32 s = 0; s < nslots; s++) {
            if (!held[s])
                continue;
            if (looked >= w->since[s])
                use(w, b, held[s], looked);
            if (has(seen[b].out, s) && w->index[held[s]] != ~0u) {
                add(set(w, w->live_out, b), w->index[held[s]]);
                if (c->block_of[held[s]] != b)
                    add(set(w, w->exposed, b), w->index[held[s]]);
                w->crosses[w->index[held[s]]] = true;
            }
        }
    }
    return 0;
}

static void find_lives(struct work *w)
{
    const struct ir_cfg *c = &w->p->cfg;
    for (bool changed = true; changed;) {
        changed = false;
        for (u32 n = c->nrpo; n-- > 0;) {
            const u32 b = c->rpo[n];
            u64 *in = set(w, w->live_in, b), *out = set(w, w->live_out, b);
            const u64 *exposed = set(w, w->exposed, b), *defined = set(w, w->defined, b);
            for (u32 i = 0; i < w->words; i++) {
                for (u32 k = 0; k < c->block[b].nsucc; k++)
                    out[i] |= set(w, w->live_in, c->block[b].succ[k])[i];
                const u64 x = exposed[i] | (out[i] & ~defined[i]);
                changed |= x != in[i];
                in[i] = x;
            }
        }
    }
    for (u32 n = 0; n < c->nrpo; n++) {
        const u32 b = c->rpo[n];
        const u64 *in = set(w, w->live_in, b), *out = set(w, w->live_out, b);
        for (u32 i = 0; i < w->words; i++) {
            for (u64 m = in[i]; m; m &= m - 1) {
                struct life *l = &w->life[i * 64 + ctz64(m)];
                l->first = l->first < c->block[b].first ? l->first : c->block[b].first;
                l->last = max32(l->last, c->block[b].first);
            }
            for (u64 m = out[i]; m; m &= m - 1) {
                struct life *l = &w->life[i * 64 + ctz64(m)];
                l->last = max32(l->last, c->block[b].last + 1);
                w->crosses[i * 64 + ctz64(m)] = true;
            }
        }
    }
}

/* --- registers --- */

#define SHORT 6 /* lives of so many instructions in one block are left to the pass, unless a slot is held by them */

/* Stretches that a register is taken for, as a list. */
struct taken {
    struct taken *next;
    u32 first, last;
};

/* Lives are [first, last): what dies in an instruction may share a register with what is made there. */
static bool is_free(const struct taken *t, const struct life *l)
{
    for (; t; t = t->next)
        if (l->first < t->last && t->first < l->last)
            return false;
    return true;
}

/* Worth per length, so that what is short and used often comes first. */
static u64 rank(const struct life *l)
{
    return (u64)l->worth * 4096 / (l->last - l->first + 8);
}

static void sort(struct life **a, u32 n)
{
    for (u32 gap = n / 2; gap; gap /= 2)
        for (u32 i = gap; i < n; i++) {
            struct life *x = a[i];
            u32 j = i;
            for (; j >= gap && rank(a[j - gap]) < rank(x); j -= gap)
                a[j] = a[j - gap];
            a[j] = x;
        }
}

struct colours {
    struct taken *taken[NREGS];
    u64 worth[IR_MAX_SLOTS]; /* of all values of a slot: what a register for them is worth */
    u8 reg[IR_MAX_SLOTS];    /* the register that a slot's values are to have, or NOREG */
};

static bool take(struct work *w, struct colours *c, struct life *l, u32 r)
{
    if (r == NOREG || !(REGION_REGS >> r & 1) || !is_free(c->taken[r], l))
        return false;
    if (is_float_class(w->g->val[l->v].type) != (r >= FLOAT_REGS))
        return false;
    struct taken *t = ARENA_NEW(w->a, struct taken);
    if (!t)
        return false;
    *t = (struct taken){c->taken[r], l->first, l->last};
    c->taken[r] = t;
    w->p->place[l->v] = (struct place){.kind = PLACE_REG, .reg = (u8)r};
    return true;
}

static u32 place_reg(const struct plan *p, ir_ref v)
{
    return v && p->place[v].kind == PLACE_REG ? p->place[v].reg : NOREG;
}

static u32 slot_of(const struct work *w, const struct life *l)
{
    return l->home < w->u->slots->n ? l->home : NOSLOT;
}

static bool is_float_slot(const struct work *w, u32 s)
{
    return is_float_class(w->u->slots->slot[s].type);
}

/* Which slots' values are to have registers, and which: those that are used most keep the register that they have
 * outside, or get one that is not needed so much. */
static void choose_slots(struct work *w, struct colours *c)
{
    const u32 nslots = w->u->slots->n;
    for (u32 i = 0; i < w->n; i++)
        if (slot_of(w, &w->life[i]) != NOSLOT)
            c->worth[slot_of(w, &w->life[i])] += w->life[i].worth;
    memset(c->reg, NOREG, sizeof c->reg);
    u64 free = REGION_REGS;
    bool chosen[IR_MAX_SLOTS] = {0};
    for (u32 file = 0; file < 2; file++) {
        u32 room = (u32)popcnt64(REGION_REGS & (file ? ~0ull << FLOAT_REGS : (1ull << FLOAT_REGS) - 1));
        for (; room; room--) {
            u32 best = NOSLOT;
            for (u32 s = 0; s < nslots; s++) {
                if (chosen[s] || is_float_slot(w, s) != file || !(c->worth[s] || w->g->outer_reg[s] != NOREG))
                    continue;
                if (best == NOSLOT || c->worth[s] > c->worth[best] ||
                    (c->worth[s] == c->worth[best] && w->g->outer_reg[best] == NOREG))
                    best = s;
            }
            if (best == NOSLOT)
                break;
            chosen[best] = true;
            c->reg[best] = w->g->outer_reg[best];
            free &= ~reg_bit(c->reg[best]);
        }
    }
    for (u32 s = 0; s < nslots; s++) {
        if (!chosen[s] || c->reg[s] != NOREG)
            continue;
        const u64 m = free & (is_float_slot(w, s) ? ~0ull << FLOAT_REGS : (1ull << FLOAT_REGS) - 1);
        if (m) {
            c->reg[s] = (u8)ctz64(m);
            free &= ~reg_bit(c->reg[s]);
        }
    }
}

/* Registers that would save a move, found from the phis that a value is set to, or that set it. */
static bool take_preferred(struct work *w, struct colours *c, struct life *l)
{
    if (slot_of(w, l) != NOSLOT && take(w, c, l, c->reg[l->home]))
        return true;
    for (u32 i = 0; i < w->nsets; i++) {
        const struct ir_ins *s = ins_of(w->g, w->sets[i]);
        const ir_ref phi = w->p->phi[s->aux], v = root(w, s->a);
        if ((phi == l->v && take(w, c, l, place_reg(w->p, v))) || (v == l->v && take(w, c, l, place_reg(w->p, phi))))
            return true;
    }
    return false;
}

/* What it would cost others if l took r: what the slot that is to have r loses, as far as its values come then. */
static u64 price(const struct work *w, const struct colours *c, const struct life *l, u32 r)
{
    u64 sum = 0;
    for (u32 i = 0; i < w->n; i++) {
        const struct life *x = &w->life[i];
        if (slot_of(w, x) != NOSLOT && c->reg[x->home] == r && w->p->place[x->v].kind == PLACE_NONE &&
            l->first < x->last && x->first < l->last)
            sum += x->worth + 1;
    }
    return sum;
}

static int colour(struct work *w)
{
    struct colours *c = ARENA_NEW(w->a, struct colours);
    struct life **order = ARENA_NEW_N(w->a, struct life *, w->n + 1);
    if (!c || !order)
        return -ENOMEM;
    memset(c, 0, sizeof *c);
    choose_slots(w, c);
    u32 n = 0;
    for (u32 i = 0; i < w->n; i++) {
        struct life *l = &w->life[i];
        if (l->last == l->first || !l->worth || in_memory(w->g->val[l->v].type) || w->g->val[l->v].type == IR_I128)
            continue;
        if (w->crosses[i] || l->home != NOSLOT || l->last - l->first > SHORT)
            order[n++] = l;
    }
    sort(order, n);
    for (u32 i = 0; i < n; i++) {
        struct life *l = order[i];
        if (take_preferred(w, c, l))
            continue;
        u32 best = NOREG;
        u64 least = l->worth;
        for (u64 m = REGION_REGS; m; m &= m - 1) {
            const u32 r = ctz64(m);
            if (is_float_class(w->g->val[l->v].type) != (r >= FLOAT_REGS) || !is_free(c->taken[r], l))
                continue;
            const u64 p = price(w, c, l, r);
            if (p < least) {
                best = r;
                least = p;
            }
        }
        if (best != NOREG)
            take(w, c, l, best);
    }
    /* What nobody needs but for leaving stays where it was, if that is free. */
    for (u32 s = 0; s < w->u->slots->n; s++) {
        const ir_ref v = w->p->entry[s];
        if (v && w->index[v] != ~0u && w->p->place[v].kind == PLACE_NONE && !w->life[w->index[v]].worth)
            take(w, c, &w->life[w->index[v]], w->g->outer_reg[s]);
    }
    return 0;
}

/* --- memory --- */

/* Is the slot held by each value that could live in its home, wherever that is needed? Takes `home` back from those
 * where it is not. */
static void check_homes(struct work *w)
{
    const struct ir_cfg *c = &w->p->cfg;
    const u32 nslots = w->u->slots->n;
    ir_ref held[IR_MAX_SLOTS];
    for (u32 n = 0; n < c->nrpo; n++) {
        const u32 b = c->rpo[n];
        const struct ir_block *k = &c->block[b];
        memcpy(held, b ? w->p->held[k->idom] : w->p->entry, nslots * sizeof *held);
        bool begun = false; /* the phis and their puts are behind */
        for (ir_ref i = k->first; i <= k->last; i++) {
            const struct ir_ins *in = ins_of(w->g, i);
            if (!begun && in->op != IR_OP_label && in->op != IR_OP_phi && in->op != IR_OP_put) {
                begun = true;
                for (u32 x = 0; x < w->words; x++)
                    for (u64 m = set(w, w->live_in, b)[x]; m; m &= m - 1) {
                        struct life *l = &w->life[x * 64 + ctz64(m)];
                        if (l->home < nslots && held[l->home] != l->v)
                            l->home = NOSLOT;
                    }
            }
            if (w->g->val[i].live)
                for (u32 j = 0; j < 4; j++) {
                    const ir_ref r = ir_arg(in, j) ? root(w, ir_arg(in, j)) : 0;
                    /* Within the block of its definition the pass has it in a temp until the put. */
                    if (r && w->index[r] != ~0u && c->block_of[r] != b) {
                        struct life *l = &w->life[w->index[r]];
                        if (l->home < nslots && held[l->home] != r)
                            l->home = NOSLOT;
                    }
                }
            step_all(w, i, held);
        }
        for (u32 x = 0; x < w->words; x++)
            for (u64 m = set(w, w->live_out, b)[x]; m; m &= m - 1) {
                struct life *l = &w->life[x * 64 + ctz64(m)];
                if (l->home < nslots && held[l->home] != l->v)
                    l->home = NOSLOT;
            }
    }
}

static int place_rest(struct work *w)
{
    u32 cell = 0;
    for (u32 i = 0; i < w->n; i++) {
        struct life *l = &w->life[i];
        struct place *at = &w->p->place[l->v];
        const struct ir_ins *in = ins_of(w->g, l->v);
        if (at->kind != PLACE_NONE || !w->crosses[i] || l->last == l->first)
            continue;
        if (l->home < w->u->slots->n) {
            *at = (struct place){.kind = PLACE_HOME, .n = (u16)l->home};
            continue;
        }
        const u32 cells = in->type == IR_I128 || w->g->val[l->v].type == IR_V128 ? 2 : 1;
        cell = (cell + cells - 1) / cells * cells;
        if (cell + cells > SPILL_CELLS - REGION_SCRATCH_CELLS)
            return -ENOSPC;
        *at = (struct place){.kind = PLACE_CELL, .n = (u16)cell};
        for (u32 k = cell; k < cell + cells; k++)
            add(w->p->cells, k);
        cell += cells;
    }
    return 0;
}

int plan_make(struct gen *g, struct plan *p)
{
    struct work w = {.g = g, .p = p, .u = g->u, .a = g->u->arena};
    const struct ir_unit *u = g->u;
    memset(p, 0, sizeof *p);
    int rc = ir_cfg_make(u, u->arena, &p->cfg);
    dgm_assert(rc != -EINVAL, "a region whose jumps lead nowhere");
    p->place = ARENA_NEW_N(u->arena, struct place, u->n);
    p->phi = ARENA_NEW_N(u->arena, ir_ref, u->nphis + 1);
    p->entry = ARENA_NEW_N(u->arena, ir_ref, u->slots->n);
    p->held = ARENA_NEW_N(u->arena, ir_ref *, p->cfg.n);
    if (rc || !p->place || !p->phi || !p->entry || !p->held)
        return -ENOMEM;
    memset(p->place, 0, u->n * sizeof *p->place);
    memset(p->entry, 0, u->slots->n * sizeof *p->entry);
    if ((rc = find_values(&w)) || (rc = find_uses(&w)))
        return rc;
    for (u32 s = 0; s < u->slots->n; s++)
        if (p->entry[s] && w.index[p->entry[s]] != ~0u)
            w.life[w.index[p->entry[s]]].home = s;
    find_lives(&w);
    if ((rc = colour(&w)))
        return rc;
    check_homes(&w);
    return place_rest(&w);
}

/* --- who holds slots, in truth --- */

/* The one whose place keeps the slot's value without a store, or 0 when the put stores. */
static ir_ref holder(const struct gen *g, const struct plan *p, const struct ir_ins *put)
{
    const ir_ref v = g->val[put->a].root;
    return p->place[v].kind == PLACE_REG || ins_of(g, v)->op == IR_OP_const ? v : 0;
}

void plan_begin(const struct gen *g, const struct plan *p, u32 b, ir_ref *held)
{
    const u32 nslots = g->u->slots->n;
    const ir_ref *from = b ? p->held[p->cfg.block[b].idom] : p->entry;
    for (u32 s = 0; s < nslots; s++)
        held[s] =
            from[s] && (p->place[from[s]].kind == PLACE_REG || ins_of(g, from[s])->op == IR_OP_const) ? from[s] : 0;
}

void plan_step(const struct gen *g, const struct plan *p, ir_ref i, ir_ref *held)
{
    const struct ir_ins *in = ins_of(g, i);
    if (in->op == IR_OP_put)
        held[in->aux] = holder(g, p, in);
    else if (ir_forgets_slots(g->u, in))
        memset(held, 0, g->u->slots->n * sizeof *held);
}
