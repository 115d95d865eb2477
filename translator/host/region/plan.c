/* What is needed where, and memory; colour.c has the registers.
 *
 * A value is needed by two kinds of users: those that compute with it, and those that look at slots which it was put to
 * (exits, polls, instructions that may fault). Both are found as liveness over the blocks; a value's life is a list of
 * the blocks in which it is needed, with how far. A phi that nobody computes with is of the second kind whatever it is
 * set to: so a guest register that the loop only leaves behind costs a store at most.
 *
 * What gets no register lives in the home of its slot if the slot is held by it whenever it is needed, else in a spill
 * cell; or nowhere, if it is needed in its own block only: then the pass has it in a temp.
 *
 * Whether a slot is held by a value depends on whether that has a register. So lives are found as if all had one; that
 * is the longest that they can be. */
#include "translator/host/region/plan_int.h"

#include "lib/arena.h"
#include "lib/bits.h"
#include "lib/err.h"
#include "lib/str.h"

#define SEGS_ONCE 128 /* parts of lives that memory is asked for at a time */
#define CROWDED   60  /* moves for a hundred guest instructions; regions of the bench that gain have up to 50 */

static ir_ref root(const struct work *w, ir_ref i)
{
    return plan_root(w, i);
}

static u32 frequency(const struct work *w, u32 b)
{
    return plan_frequency(w, b);
}

static u32 max32(u32 a, u32 b)
{
    return a > b ? a : b;
}

static u64 *set(const struct work *w, u64 *sets, u32 block)
{
    return sets + (size_t)block * w->words;
}

/* --- who holds slots, as if every value had a register --- */

/* Where block b begins. Where ways meet, a slot that nobody looks at any more may have been put to on one of them. */
static void begin_held(const struct plan *p, u32 nslots, u32 b, ir_ref *held)
{
    const struct ir_block *k = &p->cfg.block[b];
    memcpy(held, b ? p->held[k->idom] : p->entry, nslots * sizeof *held);
    for (u32 s = 0; s < nslots && k->npred > 1; s++)
        if (!bits_has(p->seen[b].in, s))
            held[s] = 0;
}

static void step_all(const struct work *w, ir_ref i, ir_ref *held)
{
    const struct ir_ins *in = ins_of(w->g, i);
    if (in->op == IR_OP_put && w->g->val[i].live)
        held[in->aux] = root(w, in->a);
    else if (ir_forgets_slots(w->u, in))
        memset(held, 0, w->u->slots->n * sizeof *held);
}

/* --- lives --- */

/* Is it what a slot in memory holds from the start, which nobody computes with? That stays there. */
static bool stays_home(const struct work *w, ir_ref i)
{
    const struct ir_ins *in = ins_of(w->g, i);
    return in->op == IR_OP_get && w->p->cfg.block_of[i] == 0 && !w->g->val[i].live && w->g->outer_reg[in->aux] == NOREG;
}

static bool may_live(const struct work *w, ir_ref i)
{
    const struct gen *g = w->g;
    const struct ir_ins *in = ins_of(g, i);
    return in->op != IR_OP_const && ir_ops[in->op].sig[0] != '-' && in->type != IR_VOID && g->val[i].root == i &&
           !g->val[i].fused && (g->val[i].live || in->op == IR_OP_get) && !stays_home(w, i);
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
    w->next_set = ARENA_NEW_N(w->a, u32, w->nsets + 1);
    if (!w->sets || !w->next_set)
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
        if (may_live(w, i))
            w->index[i] = w->n++;
    }
    w->words = w->n / 64 + 1;
    w->life = ARENA_NEW_N(w->a, struct life, w->n + 1);
    w->here = ARENA_NEW_N(w->a, struct seg *, w->n + 1);
    const size_t size = (size_t)w->words * w->p->cfg.n;
    w->real_in = ARENA_NEW_N(w->a, u64, 6 * size);
    if (!w->life || !w->here || !w->real_in)
        return -ENOMEM;
    memset(w->real_in, 0, 6 * size * sizeof *w->real_in);
    memset(w->here, 0, w->n * sizeof *w->here);
    w->real_out = w->real_in + size;
    w->all_in = w->real_out + size;
    w->all_out = w->all_in + size;
    w->defined = w->all_out + size;
    w->parts = w->defined + size;
    for (ir_ref i = 1; i < u->n; i++)
        if (w->index[i] != ~0u)
            w->life[w->index[i]] = (struct life){.v = i,
                                                 .home = NOSLOT,
                                                 .crosses = u->ins[i].op == IR_OP_phi,
                                                 .far = u->ins[i].op == IR_OP_phi,
                                                 .shown = u->ins[i].op == IR_OP_phi};
    for (u32 n = 0; n < w->nsets; n++) {
        const u32 k = w->index[w->p->phi[ins_of(w->g, w->sets[n])->aux]];
        if (k == ~0u)
            continue;
        w->next_set[n] = w->life[k].first_set;
        w->life[k].first_set = n + 1;
    }
    return 0;
}

/* Phis that somebody computes with, if only by way of another phi, are not `shown`. */
static void find_shown(struct work *w)
{
    const struct ir_unit *u = w->u;
    for (ir_ref i = 1; i < u->n; i++) {
        const struct ir_ins *in = ins_of(w->g, i);
        if (!w->g->val[i].live || w->g->val[i].shares || in->op == IR_OP_put || in->op == IR_OP_phi_set)
            continue;
        for (u32 j = 0; j < 4; j++)
            if (ir_arg(in, j) && w->index[root(w, ir_arg(in, j))] != ~0u)
                w->life[w->index[root(w, ir_arg(in, j))]].shown = false;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (u32 n = 0; n < w->nsets; n++) {
            const struct ir_ins *in = ins_of(w->g, w->sets[n]);
            const u32 k = w->index[w->p->phi[in->aux]], x = w->index[root(w, in->a)];
            if (k != ~0u && x != ~0u && !w->life[k].shown && w->life[x].shown) {
                w->life[x].shown = false;
                changed = true;
            }
        }
    }
    for (u32 k = 0; k < w->n; k++)
        if (w->life[k].shown)
            w->p->shown[ins_of(w->g, w->life[k].v)->aux] = true;
}

/* A new part of life k in block b, which it has from `first` on. */
static struct seg *seg_new(struct work *w, u32 b, u32 k, u32 first)
{
    if (!w->nspare) {
        w->spare = ARENA_NEW_N(w->a, struct seg, SEGS_ONCE);
        if (!w->spare)
            return NULL;
        w->nspare = SEGS_ONCE;
    }
    struct seg *const s = w->spare++;
    w->nspare--;
    *s = (struct seg){.next = w->life[k].segs, .block = b, .first = first, .real = first, .all = first};
    w->here[k] = w->life[k].segs = s;
    bits_add(set(w, w->parts, b), k);
    return s;
}

/* The part of life k in block b. */
static struct seg *seg_in(struct work *w, u32 b, u32 k)
{
    struct seg *const s = w->here[k];
    if (s && s->block == b)
        return s;
    const ir_ref v = w->life[k].v;
    const struct ir_block *blk = &w->p->cfg.block[b];
    const bool from_start = w->p->cfg.block_of[v] != b || b == 0 || ins_of(w->g, v)->op == IR_OP_phi;
    /* What the entry block gets is there from the start; so is a phi. */
    return seg_new(w, b, k, from_start && (b || ins_of(w->g, v)->op == IR_OP_get) ? blk->first : v);
}

/* Value v (a root) is needed at position `at` of block b, by one that computes with it (`real`) or looks. */
static int use(struct work *w, u32 b, ir_ref v, u32 at, bool real)
{
    const u32 k = w->index[v];
    if (k == ~0u)
        return 0;
    struct seg *s = seg_in(w, b, k);
    if (!s)
        return -ENOMEM;
    s->all = max32(s->all, at);
    if (real)
        s->real = max32(s->real, at);
    if (w->p->cfg.block_of[v] != b) {
        w->life[k].crosses = true;
        bits_add(set(w, w->all_in, b), k);
        if (real) {
            bits_add(set(w, w->real_in, b), k);
            w->life[k].far = true;
        }
    }
    return 0;
}

static bool holds_any(const struct work *w, const ir_ref *held, ir_ref v)
{
    for (u32 s = 0; s < w->u->slots->n; s++)
        if (held[s] == v)
            return true;
    return false;
}

/* Block b, instruction i: what it computes with. A phi that is shown takes what it is set to from the slot that is held
 * by that. */
static int use_args(struct work *w, u32 b, ir_ref i, const ir_ref *held)
{
    const struct ir_ins *in = ins_of(w->g, i);
    const struct val *v = &w->g->val[i];
    int rc = 0;
    if (!v->live || v->shares)
        return 0;
    const u32 phi = in->op == IR_OP_phi_set ? w->index[w->p->phi[in->aux]] : ~0u;
    if (in->op == IR_OP_phi_set && phi == ~0u)
        return 0;
    if (phi != ~0u)
        w->life[phi].sets += frequency(w, b);
    for (u32 j = 0; j < 4 && !rc; j++) {
        const ir_ref r = ir_arg(in, j);
        if (!r)
            continue;
        const u32 k = w->index[root(w, r)];
        const bool real = phi == ~0u || !w->life[phi].shown || !holds_any(w, held, root(w, r));
        rc = use(w, b, root(w, r), in->op == IR_OP_phi_set ? w->p->cfg.block[b].last : v->at, real);
        if (k == ~0u)
            continue;
        struct life *l = &w->life[k];
        if (in->op == IR_OP_put) {
            l->puts += frequency(w, b);
            /* The first it comes to, if that is not late. */
            if (l->home == NOSLOT)
                l->home = w->p->cfg.block_of[l->v] == b ? in->aux : (u32)IR_MAX_SLOTS;
        } else if (real) {
            l->worth += frequency(w, b);
        }
    }
    return rc;
}

/* What is needed within each block, and who holds slots at its end. */
static int find_uses(struct work *w)
{
    const struct ir_cfg *c = &w->p->cfg;
    const u32 nslots = w->u->slots->n;
    const struct ir_seen *const seen = w->p->seen;
    int rc = 0;
    ir_ref *since = ARENA_NEW_N(w->a, ir_ref, nslots); /* by slot: position since which it is held so, in this block */
    if (!since)
        return -ENOMEM;
    for (u32 n = 0; n < c->nrpo; n++) {
        const u32 b = c->rpo[n];
        const struct ir_block *k = &c->block[b];
        ir_ref *held = ARENA_NEW_N(w->a, ir_ref, nslots);
        if (!held)
            return -ENOMEM;
        begin_held(w->p, nslots, b, held);
        w->p->held[b] = held;
        for (u32 s = 0; s < nslots; s++)
            since[s] = k->first;
        u32 looked = 0; /* last position where slots are looked at */
        for (ir_ref i = k->first; i <= k->last && !rc; i++) {
            const struct ir_ins *in = ins_of(w->g, i);
            if (w->index[i] != ~0u)
                bits_add(set(w, w->defined, b), w->index[i]);
            if (ir_looks_at_slots(w->u, in))
                looked = i;
            const bool put = in->op == IR_OP_put && w->g->val[i].live;
            if (put || ir_forgets_slots(w->u, in))
                for (u32 s = put ? in->aux : 0; s < (put ? in->aux + 1u : nslots) && !rc; s++) {
                    if (held[s] && looked >= since[s])
                        rc = use(w, b, held[s], looked, false);
                    since[s] = i;
                }
            step_all(w, i, held);
            if (!rc)
                rc = use_args(w, b, i, held);
        }
        for (u32 s = 0; s < nslots && !rc; s++) {
            const u32 life = held[s] ? w->index[held[s]] : ~0u;
            if (life == ~0u)
                continue;
            if (looked >= since[s])
                rc = use(w, b, held[s], looked, false);
            if (bits_has(seen[b].out, s)) {
                bits_add(set(w, w->all_out, b), life);
                if (c->block_of[held[s]] != b)
                    bits_add(set(w, w->all_in, b), life);
                w->life[life].crosses = true;
            }
        }
        if (rc)
            return rc;
    }
    return 0;
}

/* Liveness: `in` begins as what is needed within each block before it is defined, `out` may be anything that is needed
 * at the end. */
static void spread(struct work *w, u64 *ins, u64 *outs)
{
    const struct ir_cfg *c = &w->p->cfg;
    for (bool changed = true; changed;) {
        changed = false;
        for (u32 n = c->nrpo; n-- > 0;) {
            const u32 b = c->rpo[n];
            u64 *in = set(w, ins, b), *out = set(w, outs, b);
            const u64 *defined = set(w, w->defined, b);
            for (u32 i = 0; i < w->words; i++) {
                for (u32 k = 0; k < c->block[b].nsucc; k++)
                    out[i] |= set(w, ins, c->block[b].succ[k])[i];
                const u64 x = in[i] | (out[i] & ~defined[i]);
                changed |= x != in[i];
                in[i] = x;
            }
        }
    }
}

static int find_lives(struct work *w)
{
    const struct ir_cfg *c = &w->p->cfg;
    spread(w, w->real_in, w->real_out);
    spread(w, w->all_in, w->all_out);
    /* The parts that have uses are there; what goes through, or to the end, is added. */
    for (u32 k = 0; k < w->n; k++)
        for (struct seg *s = w->life[k].segs; s; s = s->next) {
            const u32 end = c->block[s->block].last + 1;
            if (bits_has(set(w, w->real_out, s->block), k)) {
                w->life[k].far = true;
                s->real = end;
            }
            if (bits_has(set(w, w->all_out, s->block), k) || s->real == end) {
                w->life[k].crosses = true;
                s->all = end;
            }
        }
    for (u32 n = 0; n < c->nrpo; n++) {
        const u32 b = c->rpo[n];
        const u64 *real = set(w, w->real_out, b), *all = set(w, w->all_out, b), *parts = set(w, w->parts, b);
        const u64 *defined = set(w, w->defined, b);
        for (u32 i = 0; i < w->words; i++)
            for (u64 m = (all[i] | real[i]) & ~parts[i]; m; m &= m - 1) {
                const u32 k = i * 64 + ctz64(m);
                w->life[k].crosses = true;
                struct seg *s = bits_has(defined, k) ? seg_in(w, b, k) : seg_new(w, b, k, c->block[b].first);
                if (!s)
                    return -ENOMEM;
                s->all = c->block[b].last + 1;
                if (bits_has(real, k)) {
                    w->life[k].far = true;
                    s->real = s->all;
                }
            }
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
        begin_held(w->p, nslots, b, held);
        bool begun = false; /* the phis and their puts are behind */
        for (ir_ref i = k->first; i <= k->last; i++) {
            const struct ir_ins *in = ins_of(w->g, i);
            if (!begun && in->op != IR_OP_label && in->op != IR_OP_phi && in->op != IR_OP_put) {
                begun = true;
                for (u32 x = 0; x < w->words; x++)
                    for (u64 m = set(w, w->real_in, b)[x]; m; m &= m - 1) {
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
            for (u64 m = set(w, w->real_out, b)[x]; m; m &= m - 1) {
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
        if (at->kind != PLACE_NONE || !l->far || !l->segs)
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
            bits_add(w->p->cells, k);
        cell += cells;
    }
    return 0;
}

/* Would blocks do as well? What the region moves to and from memory, as there are more values than registers, against
 * how many guest instructions it runs, both by how often. */
static bool is_crowded(const struct work *w)
{
    u64 moves = 0, insns = 0;
    for (u32 k = 0; k < w->n; k++) {
        const struct life *l = &w->life[k];
        if (!l->segs)
            continue;
        const u32 kind = w->p->place[l->v].kind;
        if (kind != PLACE_REG || w->p->stored[l->v])
            moves += l->puts;
        if (kind == PLACE_HOME || kind == PLACE_CELL)
            moves += l->worth + l->sets;
    }
    for (ir_ref i = 1; i < w->u->n; i++)
        if (w->u->ins[i].op == IR_OP_insn)
            insns += frequency(w, w->p->cfg.block_of[i]);
    return moves * 100 > insns * CROWDED;
}

int plan_make(struct gen *g, struct plan *p)
{
    const struct ir_unit *u = g->u;
    struct arena *a = g->out->plan ? g->out->plan_arena : u->arena;
    struct work *w = ARENA_NEW(a, struct work);
    if (!w)
        return -ENOMEM;
    memset(p, 0, sizeof *p);
    *w = (struct work){.g = g, .p = p, .u = u, .a = a};
    p->work = w;
    int rc = ir_cfg_make(u, a, &p->cfg);
    dgm_assert(rc != -EINVAL, "a region whose jumps lead nowhere");
    p->place = ARENA_NEW_N(a, struct place, u->n);
    p->stored = ARENA_NEW_N(a, bool, u->n);
    p->phi = ARENA_NEW_N(a, ir_ref, u->nphis + 1);
    p->shown = ARENA_NEW_N(a, bool, u->nphis + 1);
    p->entry = ARENA_NEW_N(a, ir_ref, u->slots->n);
    p->held = ARENA_NEW_N(a, ir_ref *, p->cfg.n);
    if (!rc)
        rc = ir_seen_make(u, &p->cfg, a, &p->seen);
    if (rc || !p->place || !p->stored || !p->phi || !p->shown || !p->entry || !p->held)
        return -ENOMEM;
    memset(p->place, 0, u->n * sizeof *p->place);
    memset(p->shown, 0, u->nphis * sizeof *p->shown);
    memset(p->stored, 0, u->n * sizeof *p->stored);
    memset(p->entry, 0, u->slots->n * sizeof *p->entry);
    if ((rc = find_values(w)))
        return rc;
    find_shown(w);
    if ((rc = find_uses(w)))
        return rc;
    for (u32 s = 0; s < u->slots->n; s++)
        if (p->entry[s] && w->index[p->entry[s]] != ~0u)
            w->life[w->index[p->entry[s]]].home = s;
    if ((rc = find_lives(w)) || (rc = plan_colour(w)))
        return rc;
    check_homes(w);
    rc = place_rest(w);
    return rc ? rc : g->out->choosy && is_crowded(w) ? -ENOENT : 0;
}

/* --- who holds slots, in truth --- */

bool plan_holds(const struct gen *g, const struct plan *p, ir_ref v)
{
    return (p->place[v].kind == PLACE_REG && !p->stored[v]) || ins_of(g, v)->op == IR_OP_const;
}

bool plan_in_register(const struct plan *p, ir_ref v, u32 b, u32 at)
{
    if (p->place[v].kind != PLACE_REG)
        return false;
    const struct life *l = &p->work->life[p->work->index[v]];
    const struct seg *s = l->segs;
    while (s && s->block != b)
        s = s->next;
    return s && s->first <= at && at <= plan_until(l, s);
}

u32 plan_memory(const struct gen *g, const struct plan *p, u32 b, u32 s, ir_ref v)
{
    if (plan_holds(g, p, v))
        return NOSLOT;
    if (s != NOSLOT && p->held[b][s] == v)
        return s;
    for (s = 0; s < g->u->slots->n; s++)
        if (p->held[b][s] == v)
            return s;
    return NOSLOT;
}

void plan_begin(const struct gen *g, const struct plan *p, u32 b, ir_ref *held)
{
    const u32 nslots = g->u->slots->n;
    begin_held(p, nslots, b, held);
    for (u32 s = 0; s < nslots; s++)
        if (held[s] && !plan_holds(g, p, held[s]))
            held[s] = 0;
}

void plan_step(const struct gen *g, const struct plan *p, ir_ref i, ir_ref *held)
{
    const struct ir_ins *in = ins_of(g, i);
    if (in->op == IR_OP_put)
        held[in->aux] = plan_holds(g, p, g->val[in->a].root) ? g->val[in->a].root : 0;
    else if (ir_forgets_slots(g->u, in))
        memset(held, 0, g->u->slots->n * sizeof *held);
}
