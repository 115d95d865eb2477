/* Lifting: a region's slots become values.
 *
 * The text-book way: a slot that is written in a block meets another value of itself in that block's dominance
 * frontier, so there it gets a phi; then one walk in the order of the text (which has dominators first) renames. The
 * builder does the renaming: it knows what each slot holds, so all that this file does is to tell it, at each label,
 * what the slots held at the end of the dominator, and which phis stand there.
 *
 * Every slot is read once in the entry block: that is the value it has until it is written.
 *
 * A `put` behind each phi says that the slot holds it. The slot holds that already; but who notes what slots hold
 * (instead of storing) can then go by the block alone.
 *
 * Behind a condition. What a comparison gives is known on either way behind a branch on it, and what equals a constant
 * is one: slots that hold it hold the constant there. So it need not be made for them.
 *
 * Edges. A phi_set must stand at the end of a block that leads nowhere else. A jump_if to a place with phis goes
 * through a small block of its own: right there where it jumps back (the likely case, a loop), else behind the next
 * END. */
#include "translator/opt/opt.h"

#include "lib/arena.h"
#include "lib/bits.h"
#include "lib/assert.h"
#include "lib/err.h"
#include "lib/str.h"
#include "translator/ir/cfg.h"
#include "translator/ir/ir_build.h"

#define WORDS (IR_MAX_SLOTS / 64)

struct bits {
    u64 w[WORDS];
};

struct lblock {
    struct bits defs, phis;     /* slots */
    struct bits told, told_not; /* slots that are known where the condition at its end is met; or is not */
    const struct bits *puts;    /* slots that are known as it begins, by the only way that leads there; or NULL */
    u32 first_phi;              /* number of its first; the others follow in order of slots */
    ir_ref *out;                /* what each slot holds at its end */
};

/* An edge block that is still to be made. */
struct edge {
    struct edge *next;
    u32 label, to; /* its own label; the block that it leads to */
    gva_t pc;
    ir_ref *slots; /* what they hold */
};

struct lift {
    const struct ir_unit *in;
    struct ir_cfg cfg;
    struct lblock *block;
    struct ir_builder *b;
    ir_ref *map;
    u32 nlabels;
    struct edge *edges, **edges_tail;
    bool no_memory;
};

/* Those in s, one after the other: IR_MAX_SLOTS behind the last. */
static u32 from(const struct bits *s, u32 i)
{
    for (; i < IR_MAX_SLOTS; i = (i / 64 + 1) * 64) {
        const u64 rest = s->w[i / 64] >> (i % 64);
        if (rest)
            return i + ctz64(rest);
    }
    return IR_MAX_SLOTS;
}

static u32 first_in(const struct bits *s)
{
    return from(s, 0);
}

static u32 next_in(const struct bits *s, u32 i)
{
    return from(s, i + 1);
}

static void add(struct bits *s, u32 i)
{
    bits_add(s->w, i);
}

static bool join(struct bits *s, const struct bits *x)
{
    bool changed = false;
    for (u32 i = 0; i < WORDS; i++) {
        changed |= (x->w[i] & ~s->w[i]) != 0;
        s->w[i] |= x->w[i];
    }
    return changed;
}

/* What block n's condition tells of slots that it has put to. */
static void find_told(struct lift *l, u32 n)
{
    const struct ir_unit *u = l->in;
    const struct ir_block *k = &l->cfg.block[n];
    const struct ir_ins *in = &u->ins[k->last], *x = &u->ins[in->a];
    if (in->op != IR_OP_jump_if || (in->aux != IR_EQ && in->aux != IR_NE) || u->ins[in->b].op != IR_OP_const ||
        x->op == IR_OP_const || k->nsucc != 2 || k->succ[0] == k->succ[1] || ir_is_off(u, IR_PASS_FORWARD))
        return;
    struct bits held = {0};
    for (ir_ref r = k->first; r < k->last; r++)
        if (u->ins[r].op == IR_OP_put) {
            const u32 s = u->ins[r].aux;
            held.w[s / 64] &= ~(1ull << (s % 64));
            if (u->ins[r].a == in->a && u->slots->slot[s].type == in->type)
                add(&held, s);
        } else if (ir_forgets_slots(u, &u->ins[r])) {
            held = (struct bits){0};
        }
    const bool truth = (x->op == IR_OP_cmp || x->op == IR_OP_fcmp) && u->ins[in->b].imm == 0;
    if (truth || in->aux == IR_EQ)
        l->block[n].told = held;
    if (truth || in->aux == IR_NE)
        l->block[n].told_not = held;
    for (u32 i = 0; i < 2; i++) {
        const u32 to = k->succ[i];
        const struct bits *b = to == l->cfg.label[in->imm] ? &l->block[n].told : &l->block[n].told_not;
        if (l->cfg.block[to].npred != 1)
            continue;
        l->block[to].puts = b;
        join(&l->block[to].defs, b);
    }
}

static void find_defs(struct lift *l)
{
    const struct ir_unit *u = l->in;
    for (u32 n = 0; n < l->cfg.n; n++) {
        const struct ir_block *k = &l->cfg.block[n];
        for (ir_ref r = k->first; r <= k->last; r++) {
            const struct ir_ins *in = &u->ins[r];
            if (in->op == IR_OP_put)
                add(&l->block[n].defs, in->aux);
            else if (ir_forgets_slots(u, in))
                for (u32 s = 0; s < u->slots->n; s++)
                    add(&l->block[n].defs, s);
        }
        find_told(l, n);
    }
}

/* A block's definitions meet others in every block of its frontier, which then defines, too. */
static void place_phis(struct lift *l)
{
    const struct ir_cfg *c = &l->cfg;
    for (bool changed = true; changed;) {
        changed = false;
        for (u32 i = 0; i < c->nrpo; i++) {
            const u32 n = c->rpo[i];
            const struct ir_block *k = &c->block[n];
            if (k->npred < 2)
                continue;
            for (u32 p = 0; p < k->npred; p++)
                for (u32 r = k->pred[p]; r != k->idom; r = c->block[r].idom) {
                    join(&l->block[n].phis, &l->block[r].defs);
                    if (r == 0)
                        break;
                }
            changed |= join(&l->block[n].defs, &l->block[n].phis);
        }
    }
    u32 number = 0;
    for (u32 n = 0; n < c->n; n++) {
        l->block[n].first_phi = number;
        for (u32 i = 0; i < WORDS; i++)
            number += (u32)popcnt64(l->block[n].phis.w[i]);
    }
}

/* What slot s holds here, read where nobody knows. */
static ir_ref value_of(struct lift *l, u32 s)
{
    ir_ref v = l->b->slot[s];
    return v ? v : ir_get(l->b, s);
}

static void set_phis(struct lift *l, u32 to)
{
    u32 number = l->block[to].first_phi;
    ir_ref v[IR_MAX_SLOTS];
    const struct bits *const phis = &l->block[to].phis;
    for (u32 s = first_in(phis); s < IR_MAX_SLOTS; s = next_in(phis, s))
        v[s] = value_of(l, s);
    for (u32 s = first_in(phis); s < IR_MAX_SLOTS; s = next_in(phis, s))
        ir_emit(l->b, IR_OP_phi_set, IR_VOID, number++, 0, v[s], 0, 0, 0);
}

static bool has_phis(const struct lift *l, u32 block)
{
    for (u32 i = 0; i < WORDS; i++)
        if (l->block[block].phis.w[i])
            return true;
    return false;
}

static void label(struct lift *l, u32 number, gva_t pc)
{
    ir_emit(l->b, IR_OP_label, IR_VOID, number, pc, 0, 0, 0, 0);
}

static void jump(struct lift *l, u32 to)
{
    ir_emit(l->b, IR_OP_jump, IR_VOID, 0, to, 0, 0, 0, 0);
}

static u32 label_of(const struct lift *l, u32 block)
{
    return l->in->ins[l->cfg.block[block].first].aux;
}

static ir_ref *keep_slots(struct lift *l)
{
    ir_ref *kept = ARENA_NEW_N(l->in->arena, ir_ref, l->in->slots->n);
    if (!kept)
        l->no_memory = true;
    else
        memcpy(kept, l->b->slot, l->in->slots->n * sizeof *kept);
    return kept;
}

static void know_slots(struct lift *l, const ir_ref *slots)
{
    memcpy(l->b->slot, slots, l->in->slots->n * sizeof *slots);
}

/* Guest pc of what stands behind block n. */
static gva_t pc_behind(const struct lift *l, u32 n)
{
    const struct ir_ins *next = &l->in->ins[l->cfg.block[n].last + 1];
    return next->op == IR_OP_jump ? l->in->ins[l->cfg.block[l->cfg.label[next->imm]].first].imm : next->imm;
}

/* On the way from block n where its condition is met, or not: the constant that slots of block[n].told hold. */
static ir_ref known_behind(const struct lift *l, u32 n, bool met)
{
    const struct ir_ins *in = &l->in->ins[l->cfg.block[n].last];
    return ir_const(l->b, in->type, met == (in->aux == IR_EQ) ? l->in->ins[in->b].imm : 1);
}

static void know_behind(struct lift *l, u32 n, bool met)
{
    const struct bits *const told = met ? &l->block[n].told : &l->block[n].told_not;
    for (u32 s = first_in(told); s < IR_MAX_SLOTS; s = next_in(told, s))
        l->b->slot[s] = known_behind(l, n, met);
}

static void jump_if(struct lift *l, u32 n, const struct ir_ins *in)
{
    const u32 to = l->cfg.label[in->imm];
    const ir_ref a = l->map[in->a], b = l->map[in->b];
    if (!has_phis(l, to)) {
        ir_emit(l->b, IR_OP_jump_if, in->type, in->aux, in->imm, a, b, 0, 0);
        return;
    }
    const gva_t pc = l->in->ins[l->cfg.block[to].first].imm;
    if (to <= n) {
        const u32 on = l->nlabels++;
        ir_ref *slots = keep_slots(l);
        ir_emit(l->b, IR_OP_jump_if, in->type, in->aux ^ 1, on, a, b, 0, 0);
        know_behind(l, n, true);
        set_phis(l, to);
        jump(l, (u32)in->imm);
        label(l, on, pc_behind(l, n));
        if (slots)
            know_slots(l, slots);
        return;
    }
    struct edge *e = ARENA_NEW(l->in->arena, struct edge);
    const ir_ref *now = keep_slots(l);
    know_behind(l, n, true);
    ir_ref *slots = keep_slots(l);
    if (!e || !slots || !now) {
        l->no_memory = true;
        return;
    }
    know_slots(l, now);
    *e = (struct edge){.label = l->nlabels++, .to = to, .pc = pc, .slots = slots};
    *l->edges_tail = e;
    l->edges_tail = &e->next;
    ir_emit(l->b, IR_OP_jump_if, in->type, in->aux, e->label, a, b, 0, 0);
}

static void begin_block(struct lift *l, u32 n)
{
    const struct ir_block *k = &l->cfg.block[n];
    const struct ir_ins *first = &l->in->ins[k->first];
    const u32 nslots = l->in->slots->n;
    if (n == 0) {
        for (u32 s = 0; s < nslots; s++)
            ir_get(l->b, s);
        return;
    }
    if (first->op == IR_OP_label)
        label(l, first->aux, first->imm);
    if (l->block[k->idom].out)
        know_slots(l, l->block[k->idom].out);
    u32 number = l->block[n].first_phi;
    ir_ref phi[IR_MAX_SLOTS];
    const struct bits *const phis = &l->block[n].phis, *const puts = l->block[n].puts;
    for (u32 s = first_in(phis); s < IR_MAX_SLOTS; s = next_in(phis, s))
        phi[s] = ir_emit(l->b, IR_OP_phi, l->in->slots->slot[s].type, number++, 0, 0, 0, 0, 0);
    for (u32 s = first_in(phis); s < IR_MAX_SLOTS; s = next_in(phis, s))
        ir_put(l->b, s, phi[s]);
    if (puts) {
        const u32 p = k->pred[0];
        const ir_ref is = known_behind(l, p, puts == &l->block[p].told);
        for (u32 s = first_in(puts); s < IR_MAX_SLOTS; s = next_in(puts, s))
            ir_put(l->b, s, is);
    }
}

static void emit_edges(struct lift *l)
{
    for (const struct edge *e = l->edges; e; e = e->next) {
        label(l, e->label, e->pc);
        know_slots(l, e->slots);
        set_phis(l, e->to);
        jump(l, label_of(l, e->to));
    }
    l->edges = NULL;
    l->edges_tail = &l->edges;
}

static void lift_block(struct lift *l, u32 n)
{
    const struct ir_unit *u = l->in;
    const struct ir_block *k = &l->cfg.block[n];
    begin_block(l, n);
    for (ir_ref r = k->first; r <= k->last && !l->no_memory; r++) {
        const struct ir_ins *in = &u->ins[r];
        switch (in->op) {
        case IR_OP_label:
            break;
        case IR_OP_jump:
            set_phis(l, l->cfg.label[in->imm]);
            jump(l, (u32)in->imm);
            break;
        case IR_OP_jump_if:
            jump_if(l, n, in);
            break;
        default:
            dgm_assert(in->op != IR_OP_phi && in->op != IR_OP_phi_set, "a region is lifted once");
            l->map[r] = ir_emit(l->b, in->op, in->type, in->aux, in->imm, l->map[in->a], l->map[in->b], l->map[in->c],
                                l->map[in->d]);
        }
    }
    /* Where it falls through, perhaps into a block that others lead to. */
    l->block[n].out = keep_slots(l);
    if (!(ir_flags[u->ins[k->last].op] & IR_END)) {
        know_behind(l, n, false);
        set_phis(l, k->succ[0]);
    }
    if (ir_flags[u->ins[k->last].op] & IR_END)
        emit_edges(l);
}

int opt_lift(const struct ir_unit *in, struct ir_unit *out)
{
    struct arena *a = in->arena;
    struct lift *l = ARENA_NEW(a, struct lift);
    if (!l)
        return -ENOMEM;
    memset(l, 0, sizeof *l);
    l->in = in;
    l->nlabels = in->nlabels;
    l->edges_tail = &l->edges;
    int rc = ir_cfg_make(in, a, &l->cfg);
    dgm_assert(rc != -EINVAL, "a region whose jumps lead nowhere");
    l->block = ARENA_NEW_N(a, struct lblock, l->cfg.n);
    l->map = ARENA_NEW_N(a, ir_ref, in->n);
    l->b = ARENA_NEW(a, struct ir_builder);
    if (rc || !l->block || !l->map || !l->b)
        return -ENOMEM;
    memset(l->block, 0, l->cfg.n * sizeof *l->block);
    memset(l->map, 0, in->n * sizeof *l->map);
    find_defs(l);
    place_phis(l);

    *out = *in;
    out->lifted = true;
    ir_begin(l->b, out, in->pc);
    ir_expect(l->b, in->n * 2);
    for (u32 n = 0; n < l->cfg.n; n++) {
        if (l->cfg.block[n].idom != IR_NO_BLOCK)
            lift_block(l, n);
        if (l->no_memory)
            return -ENOMEM;
    }
    return ir_finish(l->b);
}
