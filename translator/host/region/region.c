/* The pass over a region.
 *
 * Blocks are emitted in the order of the text. Where each value lives for good is planned (plan.c), so a block begins
 * with nothing in temps and needs to know nothing of how it was reached. Within a block the allocator works as it does
 * in a unit.
 *
 * Phis are parallel moves in front of jumps. Where they turn out to be none, as when a phi and what it is set to share
 * a register, the block that only makes them is jumped over: a branch to it leads where it leads.
 *
 * Leaving. Between translations slots are where the common code says: pinned in registers, or in memory. In a region
 * they are held by values; at an exit one set of parallel moves brings all of them there, behind the branch, in cold
 * code. Entering is the same the other way round.
 *
 * Faults. A mark of an instruction that may fault names a state: a list of what holds which slot. Whoever unwinds
 * stores these (host_isa.unwind); all other slots are in memory. */
#include "translator/host/common/late.h"
#include "translator/host/common/raw.h"
#include "translator/host/common/region.h"

#include "lib/arena.h"
#include "lib/bits.h"
#include "lib/err.h"
#include "lib/str.h"
#include "translator/host/region/plan.h"

/* A jump to a label that is not there yet. */
struct fixup {
    struct fixup *next;
    u8 *site;
};

struct moves;

struct region {
    struct plan plan;
    struct moves *moves;       /* room for them */
    ir_ref held[IR_MAX_SLOTS]; /* by whom slots are held now (plan.h) */
    u8 **label;                /* by number: where it is (rw view), or NULL */
    struct fixup **fixups;     /* by number */
    ir_ref *homes;             /* values whose place is a slot's memory */
    u32 nhomes;
    const struct raw_kept **raw; /* by block: what is raw at its end */
    u32 block;                   /* that is being emitted */
    u32 skip;                    /* blocks below this are not emitted any more */
    u32 same;                    /* the state that was described last, if nothing has changed; else 0 */
};

u32 region_bytes(const struct gen *g)
{
    return REGION_BYTES(g->u->slots->n);
}

u32 region_call(bool fp)
{
    return fp ? C_CALL_FP_KEEP : C_CALL_KEEP;
}

u32 region_state(const struct gen *g)
{
    return g->region->same;
}

/* --- parallel moves --- */

enum { AT_REG, AT_MEM, AT_CONST };

struct at {
    u32 kind;
    u32 reg;
    s32 off; /* from the vCPU register */
    u64 bits;
};

struct move {
    struct at from, to;
    u32 type;
    bool done;
};

struct moves {
    struct move m[2 * IR_MAX_SLOTS];
    u32 n;
    /* Those that are not done: how many read a register, and memory; registers that some read. */
    u16 readers[NREGS], of_memory;
    u64 read;
};

static struct moves *no_moves(struct gen *g)
{
    struct moves *s = g->region->moves;
    s->n = s->of_memory = 0;
    s->read = 0;
    memset(s->readers, 0, sizeof s->readers);
    return s;
}

static struct at at_reg(u32 r)
{
    return (struct at){.kind = AT_REG, .reg = r};
}

static bool same_at(const struct at *x, const struct at *y)
{
    return x->kind == y->kind && (x->kind == AT_REG ? x->reg == y->reg : x->kind == AT_MEM && x->off == y->off);
}

static void add_move(struct moves *s, struct at from, struct at to, u32 type)
{
    if (same_at(&from, &to))
        return;
    s->m[s->n++] = (struct move){.from = from, .to = to, .type = type};
}

static void do_move(struct gen *g, const struct move *m, u64 keep)
{
    g->locked = keep;
    if (m->to.kind == AT_REG) {
        if (m->from.kind == AT_REG)
            mov_rr(g, m->to.reg, m->from.reg, m->type);
        else if (m->from.kind == AT_MEM)
            load_vcpu(g, m->to.reg, m->from.off, m->type);
        else
            load_const(g, m->to.reg, m->type, m->from.bits);
        return;
    }
    u32 r = m->from.reg, type = m->type;
    if (m->from.kind != AT_REG) {
        /* Memory goes through the other kind of register where all of one kind are taken. */
        if (!(temps_for(type) & ~keep) && m->from.kind == AT_MEM && !is_float_class(type))
            type = type == IR_I32 ? IR_F32 : IR_F64;
        r = temp_of(g, temps_for(type) & ~keep);
        if (m->from.kind == AT_MEM)
            load_vcpu(g, r, m->from.off, type);
        else
            load_const(g, r, type, m->from.bits);
    }
    store_vcpu(g, m->to.off, r, type);
}

/* Temps that are still to be read. */
static u64 sources(const struct moves *s)
{
    return s->read & TEMPS;
}

static void reads(struct moves *s, const struct at *from)
{
    s->of_memory += from->kind == AT_MEM;
    if (from->kind == AT_REG && !s->readers[from->reg]++)
        s->read |= reg_bit(from->reg);
}

static void reads_no_more(struct moves *s, const struct at *from)
{
    s->of_memory -= from->kind == AT_MEM;
    if (from->kind == AT_REG && !--s->readers[from->reg])
        s->read &= ~reg_bit(from->reg);
}

/* Is what move m overwrites still to be read by another one? */
static bool must_wait(const struct moves *s, const struct move *m)
{
    if (m->to.kind == AT_REG)
        return s->readers[m->to.reg] > same_at(&m->from, &m->to);
    for (u32 j = 0; j < s->n && s->of_memory; j++)
        if (&s->m[j] != m && !s->m[j].done && same_at(&s->m[j].from, &m->to))
            return true;
    return false;
}

/* Does every move from a place of `kind` that nobody has still to read what it overwrites. */
static u32 do_ready(struct gen *g, struct moves *s, u32 kind, u64 keep)
{
    u32 n = 0;
    for (u32 i = 0; i < s->n; i++) {
        struct move *m = &s->m[i];
        if (m->done || m->from.kind != kind || must_wait(s, m))
            continue;
        do_move(g, m, keep | sources(s));
        m->done = true;
        reads_no_more(s, &m->from);
        n++;
    }
    return n;
}

/* Nothing in temps but `keep` and what is moved is needed any more. Registers are read first, so that there are temps
 * for the rest. */
static void do_moves(struct gen *g, struct moves *s, u64 keep)
{
    u32 left = s->n, scratch = SPILL_CELLS - REGION_SCRATCH_CELLS;
    for (u32 i = 0; i < s->n; i++)
        reads(s, &s->m[i].from);
    while (left) {
        u32 n = 0;
        for (u32 kind = AT_REG; kind <= AT_CONST && !n; kind++)
            n = do_ready(g, s, kind, keep);
        left -= n;
        if (n)
            continue;
        /* A circle: what one of them reads is put aside, in a temp if one is left besides that which other moves need.
         */
        u32 i = 0;
        while (s->m[i].done)
            i++;
        const struct at from = s->m[i].from;
        const u64 free = temps_for(s->m[i].type) & ~(keep | sources(s));
        struct at aside = {.kind = AT_MEM, .off = SPILL_OFF(scratch)};
        if (free & (free - 1)) {
            aside = at_reg(ctz64(free));
        } else {
            scratch += 2;
            if (scratch > SPILL_CELLS) {
                g->err = -ENOSPC;
                return;
            }
        }
        do_move(g, &(struct move){.from = from, .to = aside, .type = s->m[i].type}, keep | sources(s));
        for (u32 j = 0; j < s->n; j++)
            if (!s->m[j].done && same_at(&s->m[j].from, &from)) {
                reads_no_more(s, &from);
                s->m[j].from = aside;
                reads(s, &aside);
            }
    }
}

static struct at at_slot(const struct gen *g, u32 s)
{
    return (struct at){.kind = AT_MEM, .off = SLOT_OFF(g->u->slots->slot[s].offset)};
}

static struct at at_outer(const struct gen *g, u32 s)
{
    return g->outer_reg[s] != NOREG ? at_reg(g->outer_reg[s]) : at_slot(g, s);
}

/* Where the value is that holds slot s. */
static struct at at_holder(const struct gen *g, ir_ref v)
{
    const struct ir_ins *in = ins_of(g, v);
    if (in->op == IR_OP_const)
        return (struct at){.kind = AT_CONST, .bits = in->imm};
    return at_reg(g->val[v].fixed);
}

/* --- leaving and entering --- */

void region_leave(struct gen *g, const ir_ref *held, u64 keep)
{
    if (!held) {
        g->err = -ENOMEM;
        return;
    }
    struct moves *s = no_moves(g);
    for (u64 m = g->held & ~keep; m; m &= m - 1)
        g->val[g->owner[ctz64(m)]].reg = NOREG;
    g->held &= keep;
    for (u32 k = 0; k < g->u->slots->n; k++)
        add_move(s, held[k] ? at_holder(g, held[k]) : at_slot(g, k), at_outer(g, k), g->u->slots->slot[k].type);
    do_moves(g, s, keep);
}

const ir_ref *region_held(struct gen *g)
{
    ir_ref *held = ARENA_NEW_N(g->u->arena, ir_ref, g->u->slots->n);
    if (!held)
        g->err = -ENOMEM;
    else
        memcpy(held, g->region->held, g->u->slots->n * sizeof *held);
    return held;
}

void region_flush(struct gen *g)
{
    for (u32 k = 0; k < g->u->slots->n; k++) {
        const ir_ref v = g->region->held[k];
        if (!v)
            continue;
        const u64 locked = g->locked;
        const struct at from = at_holder(g, v);
        const u32 type = g->u->slots->slot[k].type;
        u32 r = from.reg;
        if (from.kind == AT_CONST) {
            r = temp_of(g, temps_for(type));
            load_const(g, r, type, from.bits);
        }
        store_vcpu(g, SLOT_OFF(g->u->slots->slot[k].offset), r, type);
        g->locked = locked;
    }
}

/* --- for the allocator --- */

void region_place(struct gen *g, ir_ref i, u32 r)
{
    const struct place *p = &g->region->plan.place[i];
    const u32 type = g->val[i].type;
    if (p->kind == PLACE_REG)
        mov_rr(g, p->reg, r, type);
    else if (p->kind == PLACE_CELL)
        store_vcpu(g, SPILL_OFF(p->n), r, spill_type(type));
}

bool region_has_place(const struct gen *g, ir_ref i)
{
    return g->region->plan.place[i].kind == PLACE_REG || g->region->plan.place[i].kind == PLACE_CELL;
}

bool region_holds(const struct gen *g, u32 s, ir_ref v)
{
    const struct plan *p = &g->region->plan;
    return plan_holds(g, p, v) || (region_is_home(g, s, v) && (ins_of(g, v)->op == IR_OP_phi || p->entry[s] == v));
}

ir_ref region_holder(const struct gen *g, u32 s)
{
    return g->region->held[s];
}

bool region_in_register(const struct gen *g, ir_ref v)
{
    return plan_in_register(&g->region->plan, v, g->region->block, g->pos);
}

bool region_is_home(const struct gen *g, u32 s, ir_ref v)
{
    const struct place *p = &g->region->plan.place[v];
    return p->kind == PLACE_HOME && p->n == s;
}

static void enter(struct gen *g)
{
    struct region *r = g->region;
    struct moves *s = no_moves(g);
    for (u32 k = 0; k < g->u->slots->n; k++) {
        const ir_ref v = r->plan.entry[k];
        const u32 type = g->u->slots->slot[k].type;
        const struct place *p = v ? &r->plan.place[v] : NULL;
        if (p && p->kind == PLACE_REG) {
            add_move(s, at_outer(g, k), at_reg(p->reg), type);
            if (r->plan.stored[v])
                add_move(s, at_outer(g, k), at_slot(g, k), type);
            continue;
        }
        add_move(s, at_outer(g, k), at_slot(g, k), type);
        if (p && p->kind == PLACE_CELL)
            add_move(s, at_outer(g, k), (struct at){.kind = AT_MEM, .off = SPILL_OFF(p->n)}, type);
    }
    do_moves(g, s, 0);
}

/* --- states --- */

/* Describes who holds slots, and gives the state's number: where it begins in host_code.state. */
static u32 state_of(struct gen *g)
{
    struct region *r = g->region;
    if (r->same && !g->nraw)
        return r->same;
    const u32 nslots = g->u->slots->n;
    u64 *w = state_room(g, 4 * nslots + 1), *head = w;
    if (!w)
        return 0;
    r->same = g->nstate;
    *w++ = 0;
    for (u32 k = 0; k < nslots; k++) {
        const ir_ref v = r->held[k];
        if (!v)
            continue;
        const struct at from = at_holder(g, v);
        *w++ = k | (from.kind == AT_CONST ? HOST_HELD_CONST : from.reg) << 16;
        if (from.kind == AT_CONST)
            *w++ = from.bits;
        ++*head;
    }
    u32 n = (u32)*head;
    w = raw_state(g, w, &n);
    *head = n;
    g->nstate = (u32)(w - g->state);
    return r->same;
}

/* --- jumps --- */

/* Where the phi lives. */
static struct at at_place(const struct gen *g, ir_ref v)
{
    const struct place *p = &g->region->plan.place[v];
    switch (p->kind) {
    case PLACE_REG:
        return at_reg(p->reg);
    case PLACE_HOME:
        return at_slot(g, p->n);
    default:
        return (struct at){.kind = AT_MEM, .off = SPILL_OFF(p->n)};
    }
}

/* Is the move of this phi_set, at the end of block b, none, whatever stands before? */
static bool sets_nothing(const struct gen *g, u32 b, const struct ir_ins *set)
{
    const struct plan *p = &g->region->plan;
    const ir_ref phi = p->phi[set->aux], v = g->val[set->a].root;
    if (p->place[phi].kind == PLACE_NONE)
        return true;
    const struct at to = at_place(g, phi);
    if (p->shown[set->aux] || p->place[phi].kind == PLACE_HOME) {
        const u32 s = plan_memory(g, p, b, p->place[phi].kind == PLACE_HOME ? p->place[phi].n : NOSLOT, v);
        if (s != NOSLOT) {
            const struct at from = at_slot(g, s);
            return same_at(&from, &to);
        }
    }
    if (ins_of(g, v)->op == IR_OP_const || p->place[v].kind == PLACE_NONE)
        return false;
    const struct at from = at_place(g, v);
    return same_at(&from, &to);
}

/* If block b does nothing but jump: the label, else ~0. */
static u32 only_jumps(const struct gen *g, u32 b)
{
    const struct ir_block *k = &g->region->plan.cfg.block[b];
    if (ir_is_off(g->u, IR_PASS_THREAD))
        return ~0u;
    for (ir_ref i = k->first; i <= k->last; i++) {
        const struct ir_ins *in = ins_of(g, i);
        if (in->op == IR_OP_jump)
            return (u32)in->imm;
        if (in->op != IR_OP_label && !(in->op == IR_OP_phi_set && sets_nothing(g, b, in)))
            return ~0u;
    }
    return ~0u;
}

static u32 thread(const struct gen *g, u32 label)
{
    for (u32 n = 0; n < 8; n++) {
        const u32 to = only_jumps(g, g->region->plan.cfg.label[label]);
        if (to == ~0u)
            break;
        label = to;
    }
    return label;
}

static void lead_to_label(struct gen *g, u8 *site, u32 label)
{
    struct region *r = g->region;
    if (r->label[label]) {
        lead_to(&g->c, site, r->label[label]);
        return;
    }
    struct fixup *f = ARENA_NEW(g->u->arena, struct fixup);
    if (!f) {
        g->err = -ENOMEM;
        return;
    }
    *f = (struct fixup){r->fixups[label], site};
    r->fixups[label] = f;
}

/* The phi_sets of the block that is being emitted, all at once. */
static void set_phis(struct gen *g)
{
    struct region *r = g->region;
    const struct ir_block *k = &r->plan.cfg.block[r->block];
    struct moves *s = no_moves(g);
    for (ir_ref i = k->first; i <= k->last; i++) {
        const struct ir_ins *in = ins_of(g, i);
        if (in->op != IR_OP_phi_set || sets_nothing(g, r->block, in))
            continue;
        const ir_ref v = g->val[in->a].root, phi = r->plan.phi[in->aux];
        struct at from;
        const u32 reg = reg_of(g, v), slot = plan_memory(g, &r->plan, r->block, NOSLOT, v);
        if (r->plan.shown[in->aux] && slot != NOSLOT)
            from = at_slot(g, slot);
        else if (reg != NOREG)
            from = at_reg(reg);
        else if (is_const(g, v))
            from = (struct at){.kind = AT_CONST, .bits = ins_of(g, v)->imm};
        else
            from = (struct at){.kind = AT_MEM, .off = use_mem(g, v)};
        if (s->n == ARRAY_LEN(s->m)) {
            g->err = -ENOSPC;
            return;
        }
        add_move(s, from, at_place(g, phi), ins_of(g, phi)->type);
    }
    do_moves(g, s, 0);
}

/* Blocks that only jump are left out: whoever leads there leads on. But for those without a label, which are fallen
 * into. */
static bool left_out(const struct gen *g, u32 b)
{
    const struct region *r = g->region;
    const struct ir_block *k = &r->plan.cfg.block[b];
    return k->idom == IR_NO_BLOCK || b < r->skip || (ins_of(g, k->first)->op == IR_OP_label && only_jumps(g, b) != ~0u);
}

/* Is the place of the label what is emitted after block b? */
static bool comes_after(const struct gen *g, u32 b, u32 label)
{
    const u32 n = g->region->plan.cfg.n;
    do
        b++;
    while (b < n && left_out(g, b));
    return b < n && g->region->plan.cfg.label[label] == b;
}

static void go_to(struct gen *g, u32 label)
{
    if (!comes_after(g, g->region->block, label))
        lead_to_label(g, jump_over(&g->c), label);
}

/* Do ways meet at the label? What `by` leads through goes for one, as nothing is emitted there. */
static bool is_join(const struct gen *g, u32 label, u32 by)
{
    const struct ir_cfg *c = &g->region->plan.cfg;
    return by != label || c->block[c->label[label]].npred > 1;
}

/* In how many loops is the place of the label? */
static u32 depth_at(const struct gen *g, u32 label)
{
    const struct ir_cfg *c = &g->region->plan.cfg;
    return c->block[c->label[label]].depth;
}

static void cold_go_on(struct gen *g, const struct cold *k)
{
    raw_leave(g, k->fix);
    lead_to_label(g, jump_over(&g->c), (u32)k->n);
}

/* The branch at `site` leads to the label, where nothing is raw if it is a join. */
static void branch_to(struct gen *g, u8 *site, u32 label, bool join)
{
    const struct raw_fix *fix = join ? raw_anywhere(g) : NULL;
    if (!fix) {
        lead_to_label(g, site, label);
        return;
    }
    struct cold *k = cold_new(g, cold_go_on, site);
    k->fix = fix;
    k->n = label;
}

void emit_jump(struct gen *g, ir_ref i)
{
    const u32 by = (u32)ins_of(g, i)->imm, to = thread(g, by);
    if (g->nraw && is_join(g, to, by))
        raw_all(g, i);
    set_phis(g);
    go_to(g, to);
}

void emit_jump_if(struct gen *g, ir_ref i)
{
    struct region *r = g->region;
    const struct ir_ins *in = ins_of(g, i);
    const u32 next = r->block + 1, to = thread(g, (u32)in->imm);
    const bool join = is_join(g, to, (u32)in->imm);
    /* What is fallen into may only jump, too. */
    const u32 instead = only_jumps(g, next);
    if (instead != ~0u) {
        const u32 other = thread(g, instead);
        const bool turn = comes_after(g, next, to);
        if (ins_of(g, r->plan.cfg.block[next].first)->op != IR_OP_label)
            r->skip = next + 1;
        if (g->nraw && (!turn || join || depth_at(g, other) > depth_at(g, to))) {
            raw_all(g, i);
            g->locked = 0;
        }
        if (turn) {
            branch_to(g, branch_if(g, in->aux ^ 1, in->a, in->b), other, true);
            return;
        }
        branch_to(g, branch_if(g, in->aux, in->a, in->b), to, join);
        go_to(g, other);
        return;
    }
    /* On the likelier way no detour. */
    if (g->nraw && (r->plan.cfg.block[next].npred > 1 || (join && depth_at(g, to) > r->plan.cfg.block[next].depth))) {
        raw_all(g, i);
        g->locked = 0;
    }
    branch_to(g, branch_if(g, in->aux, in->a, in->b), to, join);
}

void emit_label(struct gen *g, ir_ref i)
{
    struct region *r = g->region;
    const u32 n = ins_of(g, i)->aux;
    if (r->plan.cfg.block[r->block].header == r->block)
        align_loop(&g->c);
    r->label[n] = g->c.p;
    for (const struct fixup *f = r->fixups[n]; f; f = f->next)
        lead_here(&g->c, f->site);
    r->fixups[n] = NULL;
}

/* --- the pass --- */

/* Nothing of an earlier block is in temps or in slots, but for what has its place there. */
static void begin_block(struct gen *g, u32 b)
{
    struct region *r = g->region;
    r->block = b;
    for (u64 m = g->held; m; m &= m - 1)
        g->val[g->owner[ctz64(m)]].reg = NOREG;
    memset(g->owner, 0, sizeof g->owner);
    g->held = 0;
    for (u32 s = 0; s < g->u->slots->n; s++) {
        if (g->slot_val[s])
            g->val[g->slot_val[s]].slot = NOSLOT;
        g->slot_val[s] = 0;
    }
    /* The pass may have lost sight of these on another way; they are not home before they are put there. */
    for (u32 i = 0; i < r->nhomes; i++) {
        const ir_ref v = r->homes[i];
        const bool from_start = ins_of(g, v)->op == IR_OP_phi || r->plan.cfg.block_of[v] == 0;
        g->val[v].slot = from_start || r->plan.cfg.block_of[v] != b ? r->plan.place[v].n : NOSLOT;
    }
    for (u32 s = 0; b == 0 && s < g->u->slots->n; s++)
        if (r->plan.entry[s] && r->plan.place[r->plan.entry[s]].kind == PLACE_NONE)
            g->val[r->plan.entry[s]].slot = (u16)s;
    while (g->nspilled) {
        const ir_ref v = g->spill_owner[--g->nspilled];
        g->val[v].spill = NOSPILL;
    }
    memcpy(g->spill_used, r->plan.cells, sizeof g->spill_used);
    plan_begin(g, &r->plan, b, r->held);
    r->same = 0;
    const struct ir_block *k = &r->plan.cfg.block[b];
    g->pos = k->first;
    raw_begin(g, k->npred == 1 ? r->raw[k->pred[0]] : NULL);
}

/* May an instruction of the guest instruction that begins here fault? */
static bool may_fault(const struct gen *g, ir_ref insn)
{
    for (ir_ref i = insn + 1; i < g->u->n; i++) {
        const struct ir_ins *in = ins_of(g, i);
        if (ir_flags[in->op] & IR_FAULT)
            return true;
        if (in->op == IR_OP_insn || in->op == IR_OP_label || (ir_flags[in->op] & IR_END))
            return false;
    }
    return false;
}

/* An access that stands for several has a mark of its own, and so has what may fault behind it. */
static void mark_merged(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    const struct host_code *o = g->out;
    if (!(ir_flags[in->op] & IR_FAULT))
        return;
    const bool merged = (in->op == IR_OP_ld || in->op == IR_OP_st) && (in->aux & IR_MEM_MERGED);
    if (!merged && !(o->nmarks && (o->marks[o->nmarks - 1].state & HOST_MARK_OWN)))
        return;
    g->merged = merged;
    unit_mark(g, (u32)(g->insn_pc - g->u->pc), state_of(g));
    g->merged = false;
}

static int pass(struct gen *g)
{
    struct region *r = g->region;
    const struct ir_cfg *c = &r->plan.cfg;
    enter(g);
    for (u32 b = 0; b < c->n; b++) {
        if (left_out(g, b))
            continue;
        begin_block(g, b);
        for (ir_ref i = c->block[b].first; i <= c->block[b].last; i++) {
            const struct ir_ins *in = ins_of(g, i);
            if (b == 0 && in->op == IR_OP_get && r->plan.entry[in->aux] == i)
                continue;
            if (in->op == IR_OP_phi_set)
                continue; /* done with the jump, and until then its value is needed */
            const u32 bytes = in->op == IR_OP_call ? CALL_BYTES(g->u->slots->n) : region_bytes(g);
            if (!unit_room(g, bytes))
                return g->err;
            if (in->op == IR_OP_insn) {
                g->insn_pc = in->imm;
                g->changed = false;
                unit_mark(g, (u32)(in->imm - g->u->pc), may_fault(g, i) ? state_of(g) : 0);
                if (g->out->tally == in->imm && in->imm)
                    emit_tally(g, true, false);
                continue;
            }
            mark_merged(g, i);
            if (g->val[i].live && !g->val[i].fused)
                unit_one(g, i);
            if ((in->op == IR_OP_put && g->val[i].live) || ir_forgets_slots(g->u, in)) {
                plan_step(g, &r->plan, i, r->held);
                r->same = 0;
            }
            if (g->err)
                return g->err;
        }
        if (!ir_ends_block(ins_of(g, c->block[b].last))) { /* it falls through */
            if (g->nraw)
                raw_all(g, c->block[b].last);
            set_phis(g);
            if (b + 1 < c->n && ins_of(g, c->block[b + 1].first)->op == IR_OP_label)
                go_to(g, thread(g, ins_of(g, c->block[b + 1].first)->aux));
        }
        r->raw[b] = raw_keep(g);
    }
    return g->err;
}

/* What a phi is set to is needed until the block's end, where that is done. */
static void keep_for_phis(struct gen *g, const struct ir_cfg *c)
{
    for (u32 b = 0; b < c->n; b++)
        for (ir_ref i = c->block[b].first; i <= c->block[b].last; i++)
            if (ins_of(g, i)->op == IR_OP_phi_set) {
                struct val *v = &g->val[root_of(g, ins_of(g, i)->a)];
                v->last = v->last > c->block[b].last ? v->last : c->block[b].last;
            }
}

/* What is found out before anything is emitted: the plan, and what the scan tells of values. */
struct prepared {
    struct plan plan;
    struct val *val;
};

static int prepare(struct gen *g, struct plan *p)
{
    int rc = unit_scan(g);
    /* The plan goes by whole values; the pass finds out about these again. */
    for (ir_ref i = 1; i < g->u->n && !rc; i++)
        if (g->val[i].live && g->val[i].shares)
            g->val[i].root = root_of(g, ins_of(g, i)->a);
    return rc ? rc : plan_make(g, p);
}

/* The same, by what an earlier emission has left, if there was one; or for a later one. */
static int prepare_once(struct gen *g, struct plan *p)
{
    struct prepared *k = *g->out->plan;
    if (k) {
        *p = k->plan;
        memcpy(g->val, k->val, g->u->n * sizeof *g->val);
        return 0;
    }
    const int rc = prepare(g, p);
    if (rc)
        return rc;
    k = ARENA_NEW(g->out->plan_arena, struct prepared);
    struct val *val = ARENA_NEW_N(g->out->plan_arena, struct val, g->u->n);
    if (!k || !val)
        return -ENOMEM;
    memcpy(val, g->val, g->u->n * sizeof *val);
    *k = (struct prepared){*p, val};
    *g->out->plan = k;
    return 0;
}

int region_emit(const struct ir_unit *u, struct host_code *out)
{
    dgm_assert(u->lifted, "a region that is not lifted");
    struct gen *g = unit_begin(u, out);
    struct region *r = ARENA_NEW(u->arena, struct region);
    if (!g || !r)
        return -ENOMEM;
    memset(r, 0, sizeof *r);
    memcpy(g->outer_reg, g->slot_reg, sizeof g->outer_reg);
    memset(g->slot_reg, NOREG, sizeof g->slot_reg);
    g->region = r;
    r->label = ARENA_NEW_N(u->arena, u8 *, u->nlabels + 1);
    r->fixups = ARENA_NEW_N(u->arena, struct fixup *, u->nlabels + 1);
    r->homes = ARENA_NEW_N(u->arena, ir_ref, u->n);
    r->moves = ARENA_NEW(u->arena, struct moves);
    if (!r->label || !r->fixups || !r->homes || !r->moves)
        return -ENOMEM;
    memset(r->label, 0, u->nlabels * sizeof *r->label);
    memset(r->fixups, 0, u->nlabels * sizeof *r->fixups);
    int rc = out->plan ? prepare_once(g, &r->plan) : prepare(g, &r->plan);
    if (rc)
        return rc;
    keep_for_phis(g, &r->plan.cfg);
    for (ir_ref i = 1; i < u->n; i++) {
        const struct place *p = &r->plan.place[i];
        if (p->kind == PLACE_REG)
            g->val[i].fixed = p->reg;
        else if (p->kind == PLACE_CELL)
            g->val[i].spill = p->n;
        else if (p->kind == PLACE_HOME)
            r->homes[r->nhomes++] = i;
    }
    r->raw = ARENA_NEW_N(u->arena, const struct raw_kept *, r->plan.cfg.n);
    if (!r->raw)
        return -ENOMEM;
    memset(r->raw, 0, r->plan.cfg.n * sizeof *r->raw);
    rc = pass(g);
    if (!rc) {
        g->held = 0; /* what temps hold is nobody's in cold code */
        raw_begin(g, NULL);
        rc = unit_end(g);
    }
    return rc;
}
