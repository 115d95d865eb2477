#include "translator/host/common/raw.h"

#include "lib/arena.h"
#include "lib/bits.h"
#include "lib/err.h"
#include "lib/str.h"
#include "translator/host/common/region.h"
#include "translator/ir/vec_eval.h"

/* A register, or a spill cell, that holds a raw value. */
struct raw_place {
    u8 kind;
    u8 reg; /* NOREG: at off */
    s32 off;
};

#define MAX_PLACES 64

struct raw_fix {
    u32 n;
    bool cells; /* some are spill cells */
    struct raw_place at[MAX_PLACES];
};

static u32 find(const struct gen *g, ir_ref v)
{
    u32 k = 0;
    while (k < g->nraw && g->raw[k].v != v)
        k++;
    return k;
}

static void forget(struct gen *g, u32 k)
{
    g->val[g->raw[k].v].raw = false;
    g->raw[k] = g->raw[--g->nraw];
}

/* The value that slot s holds in a register, which is its own or the value's; 0: none. */
static ir_ref held_by(const struct gen *g, u32 s)
{
    if (g->region)
        return region_holder(g, s);
    return g->slot_reg[s] != NOREG ? g->slot_val[s] : 0;
}

static u32 held_in(const struct gen *g, u32 s)
{
    return g->region ? g->val[region_holder(g, s)].fixed : g->slot_reg[s];
}

static bool in_pin(const struct gen *g, ir_ref v)
{
    if (g->region && !region_in_register(g, v))
        return false;
    for (u32 s = 0; s < g->u->slots->n; s++)
        if (held_by(g, s) == v)
            return true;
    return false;
}

/* Those that nobody can meet any more. */
static void forget_dead(struct gen *g)
{
    for (u32 k = g->nraw; k-- > 0;)
        if (g->val[g->raw[k].v].last < g->pos && !in_pin(g, g->raw[k].v))
            forget(g, k);
}

static bool is_full(struct gen *g)
{
    if (g->nraw == MAX_RAW)
        forget_dead(g);
    return g->nraw == MAX_RAW;
}

bool raw_value(struct gen *g, ir_ref i, ir_ref a, ir_ref b)
{
    if (!RAW_NANS || ir_is_off(g->u, IR_PASS_RAW))
        return false;
    if (is_full(g))
        return false;
    const struct ir_ins *in = ins_of(g, i);
    if (in->type != IR_F64 && in->type != IR_F32)
        return false;
    g->raw[g->nraw].v = i;
    g->raw[g->nraw].kind = in->op == IR_OP_nanbox ? RAW_BOX32 : in->type == IR_F32 ? RAW_F32 : RAW_F64;
    g->raw[g->nraw].from[0] = a ? root_of(g, a) : 0;
    g->raw[g->nraw++].from[1] = b ? root_of(g, b) : 0;
    g->val[i].raw = true;
    g->late_same = 0;
    return true;
}

/* Marks v and what it was computed from: when v is no NaN, they are none. A box, too, of what is marked. */
static u32 closure(const struct gen *g, ir_ref v)
{
    u32 marked = 0;
    const u32 k = find(g, v);
    if (k == g->nraw)
        return 0;
    marked = 1u << k;
    for (u32 before = 0; before != marked;) {
        before = marked;
        for (u32 j = 0; j < g->nraw; j++) {
            if (!(marked >> j & 1)) {
                const u32 f = g->raw[j].kind == RAW_BOX32 ? find(g, g->raw[j].from[0]) : g->nraw;
                if (f < g->nraw && (marked >> f & 1))
                    marked |= 1u << j;
                continue;
            }
            for (u32 n = 0; n < 2; n++) {
                const u32 f = find(g, g->raw[j].from[n]);
                if (f < g->nraw)
                    marked |= 1u << f;
            }
        }
    }
    return marked;
}

static void add_place(struct raw_fix *f, u32 kind, u32 reg, s32 off)
{
    if (f->n < MAX_PLACES)
        f->at[f->n++] = (struct raw_place){(u8)kind, (u8)reg, off};
}

/* Wherever raw value k is. */
static void add_places(const struct gen *g, struct raw_fix *f, u32 k)
{
    const ir_ref v = g->raw[k].v;
    const struct val *p = &g->val[v];
    if (p->reg != NOREG)
        add_place(f, g->raw[k].kind, p->reg, 0);
    if (g->region && region_in_register(g, v))
        add_place(f, g->raw[k].kind, p->fixed, 0);
    for (u32 s = 0; s < g->u->slots->n && !g->region; s++)
        if (held_by(g, s) == v)
            add_place(f, g->raw[k].kind, g->slot_reg[s], 0);
    if (p->spill != NOSPILL && p->last >= g->pos) { /* this instruction may load it from there */
        add_place(f, g->raw[k].kind, NOREG, SPILL_OFF(p->spill));
        f->cells = true;
    }
}

static void emit_fixes(struct gen *g, const struct raw_fix *f)
{
    /* By twos of a kind. */
    u32 one = NOREG, kind = 0;
    for (u32 n = 0; n < f->n; n++) {
        if (f->at[n].reg == NOREG)
            continue;
        if (one != NOREG && f->at[n].kind != kind)
            nan_mend(g, kind, one, one);
        else if (one != NOREG) {
            nan_mend(g, kind, one, f->at[n].reg);
            one = NOREG;
            continue;
        }
        one = f->at[n].reg;
        kind = f->at[n].kind;
    }
    if (one != NOREG)
        nan_mend(g, kind, one, one);
    if (!f->cells)
        return;
    /* By way of a register that is put aside. */
    const u32 t = ctz64(TEMPS_FLOAT);
    store_vcpu(g, VOFF(scratch[0]), t, IR_V128);
    for (u32 n = 0; n < f->n; n++)
        if (f->at[n].reg == NOREG) {
            load_vcpu(g, t, f->at[n].off, IR_F64);
            nan_mend(g, f->at[n].kind, t, t);
            store_vcpu(g, f->at[n].off, t, IR_F64);
        }
    load_vcpu(g, t, VOFF(scratch[0]), IR_V128);
}

static void cold_mend(struct gen *g, const struct cold *k)
{
    if (!k->fix)
        return;
    emit_fixes(g, k->fix);
    jump_back(&g->c, k->back);
}

/* The register of a raw value, loaded if need be. Of one that is dead only slots know. */
static u32 reg_to_look(struct gen *g, ir_ref v)
{
    struct val *p = &g->val[v];
    if (p->reg == NOREG && p->slot == NOSLOT && p->spill == NOSPILL)
        p->slot = (u16)other_slot(g, v, NOSLOT);
    return use_reg(g, v);
}

/* Looks at v, and at w (0: at v alone), which is of the same kind. */
static void look(struct gen *g, ir_ref v, ir_ref w)
{
    const u32 marked = closure(g, v) | (w ? closure(g, w) : 0), kind = g->raw[find(g, v)].kind;
    struct raw_fix *f = ARENA_NEW(g->u->arena, struct raw_fix);
    if (!f) {
        g->err = -ENOMEM;
        return;
    }
    const u32 x = reg_to_look(g, v), y = w ? reg_to_look(g, w) : x;
    struct cold *c = cold_new(g, cold_mend, nan_branch(g, kind, x, y));
    c->back = g->c.p;
    f->n = 0;
    f->cells = false;
    for (u32 k = 0; k < g->nraw; k++)
        if (marked >> k & 1)
            add_places(g, f, k);
    dgm_assert(f->n < MAX_PLACES, "raw values are in %u places", f->n);
    c->fix = f;
    for (u32 k = g->nraw; k-- > 0;)
        if (marked >> k & 1)
            forget(g, k);
    g->late_same = 0;
    g->locked = 0;
}

/* Is a raw value needed by the instruction at g->pos or behind it, and somewhere where it could be looked at? */
static bool lives_on(const struct gen *g, ir_ref v)
{
    const struct val *p = &g->val[v];
    return p->last >= g->pos && (p->reg != NOREG || p->spill != NOSPILL || (g->region && region_in_register(g, v)));
}

/* At all that pinned slots hold; and at all that lives on. */
static void look_at_pins(struct gen *g, bool others)
{
    for (;;) {
        /* Those that no other one was computed from come first, and clear the others. */
        u32 held = 0, inner = 0;
        for (u32 k = 0; k < g->nraw; k++)
            if (in_pin(g, g->raw[k].v) || (others && lives_on(g, g->raw[k].v))) {
                held |= 1u << k;
                inner |= closure(g, g->raw[k].v) & ~(1u << k);
            }
        if (!held)
            return;
        const u32 first = held & ~inner ? held & ~inner : held;
        const u32 v = ctz64(first);
        u32 w = v;
        for (u32 k = v + 1; k < g->nraw && w == v; k++)
            if ((first >> k & 1) && g->raw[k].kind == g->raw[v].kind)
                w = k;
        look(g, g->raw[v].v, w == v ? 0 : g->raw[w].v);
    }
}

/* Does an op only go on computing with this: is its result a NaN, or one and the same whichever NaN it is? */
static bool goes_on(const struct ir_ins *in)
{
    switch (in->op) {
    case IR_OP_fadd:
    case IR_OP_fsub:
    case IR_OP_fmul:
    case IR_OP_fdiv:
    case IR_OP_fsqrt:
    case IR_OP_fma:
        return (in->aux & IR_FP_DEFNAN) && !ir_flushes(in);
    case IR_OP_fcmp:
    case IR_OP_ford:
    case IR_OP_f2i:
    case IR_OP_nanbox:
        return true;
    default:
        return false;
    }
}

/* Does what is put stay in a register, or get another one? */
static bool stays(const struct gen *g, const struct ir_ins *put)
{
    return g->region ? region_holds(g, put->aux, root_of(g, put->a)) : g->slot_reg[put->aux] != NOREG;
}

void raw_before(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    if (in->op == IR_OP_put ? !stays(g, in) : !goes_on(in))
        for (u32 n = 0; n < 4; n++) {
            const ir_ref r = ir_arg(in, n);
            if (r && g->val[root_of(g, r)].raw)
                look(g, root_of(g, r), 0);
        }
    switch (in->op) {
    case IR_OP_nanbox:
        if (g->val[root_of(g, in->a)].raw && is_full(g))
            look(g, root_of(g, in->a), 0);
        break;
    case IR_OP_exit_if:
        if ((in->aux & IR_EXIT_POLL) && !g->region)
            look_at_pins(g, false);
        break;
    case IR_OP_exit:
    case IR_OP_exit_ind:
    case IR_OP_trap:
    case IR_OP_call:
        look_at_pins(g, false);
        break;
    default:
        break;
    }
}

void raw_now(struct gen *g, ir_ref i)
{
    g->pos = i;
    g->locked = 0;
    look_at_pins(g, false);
}

void raw_all(struct gen *g, ir_ref i)
{
    g->pos = i;
    g->locked = 0;
    look_at_pins(g, true);
    while (g->nraw)
        forget(g, 0);
}

bool raw_held(const struct gen *g)
{
    for (u32 k = 0; k < g->nraw; k++)
        if (in_pin(g, g->raw[k].v))
            return true;
    return false;
}

/* Where in g->raw what slot s holds is; g->nraw: it is not raw. */
static u32 find_in(const struct gen *g, u32 s)
{
    const ir_ref v = held_by(g, s);
    return v ? find(g, v) : g->nraw;
}

u64 *raw_state(const struct gen *g, u64 *w, u32 *n)
{
    if (!g->nraw)
        return w;
    for (u32 s = 0; s < g->u->slots->n; s++) {
        const u32 k = find_in(g, s);
        if (k == g->nraw)
            continue;
        *w++ = s | HOST_HELD_RAW << 16;
        *w++ = g->raw[k].kind == RAW_BOX32;
        ++*n;
    }
    return w;
}

static struct raw_fix *no_fix(struct gen *g)
{
    struct raw_fix *f = ARENA_NEW(g->u->arena, struct raw_fix);
    if (!f) {
        g->err = -ENOMEM;
        return NULL;
    }
    f->n = 0;
    f->cells = false;
    return f;
}

const struct raw_fix *raw_here(struct gen *g)
{
    if (!raw_held(g))
        return NULL;
    struct raw_fix *f = no_fix(g);
    for (u32 s = 0; f && s < g->u->slots->n; s++) {
        const u32 k = find_in(g, s);
        if (k < g->nraw)
            add_place(f, g->raw[k].kind, held_in(g, s), 0);
    }
    return f;
}

const struct raw_fix *raw_anywhere(struct gen *g)
{
    struct raw_fix *f = g->nraw ? no_fix(g) : NULL;
    for (u32 k = 0; f && k < g->nraw; k++)
        add_places(g, f, k);
    return f && f->n ? f : NULL;
}

struct raw_kept {
    u32 n;
    u8 raw[sizeof((struct gen *)0)->raw];
};

const struct raw_kept *raw_keep(struct gen *g)
{
    struct raw_kept *k = g->nraw ? ARENA_NEW(g->u->arena, struct raw_kept) : NULL;
    if (k) {
        k->n = g->nraw;
        memcpy(k->raw, g->raw, sizeof g->raw);
    } else if (g->nraw) {
        g->err = -ENOMEM;
    }
    return k;
}

void raw_begin(struct gen *g, const struct raw_kept *kept)
{
    while (g->nraw)
        forget(g, 0);
    g->late_same = 0;
    if (!kept)
        return;
    memcpy(g->raw, kept->raw, sizeof g->raw);
    g->nraw = kept->n;
    for (u32 k = g->nraw; k-- > 0;) {
        const ir_ref v = g->raw[k].v;
        g->val[v].raw = true;
        if (!region_in_register(g, v) && (g->val[v].spill == NOSPILL || g->val[v].last < g->pos))
            forget(g, k);
    }
}

void raw_leave(struct gen *g, const struct raw_fix *f)
{
    if (f)
        emit_fixes(g, f);
}
