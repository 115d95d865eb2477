#include "translator/host/common/late.h"

#include "lib/arena.h"
#include "lib/bits.h"
#include "lib/err.h"
#include "lib/str.h"
#include "translator/host/common/raw.h"

struct place {
    u32 slot;
    u32 reg; /* NOREG: in memory, at off; or a constant */
    bool constant;
    s32 off; /* from the vCPU register */
    u64 bits;
};

struct late {
    u32 n;
    struct place at[MAX_LATE];
};

static u32 find(const struct gen *g, u32 s)
{
    u32 k = 0;
    while (k < g->nlate && g->late[k].slot != s)
        k++;
    return k;
}

static void forget(struct gen *g, u32 k)
{
    g->val[g->late[k].v].waits--;
    g->late[k] = g->late[--g->nlate];
    g->late_same = 0;
}

/* Is v in a slot's memory that another value is to be put to? */
static bool lies_badly(const struct gen *g, ir_ref v)
{
    return g->val[v].slot != NOSLOT && g->slot_reg[g->val[v].slot] == NOREG && find(g, g->val[v].slot) < g->nlate;
}

bool late_put(struct gen *g, ir_ref i, u32 s, ir_ref x)
{
    const u32 k = find(g, s);
    if (k < g->nlate)
        forget(g, k);
    const ir_ref w = g->slot_val[s];
    if (!g->val[i].late || w == x || g->nlate == MAX_LATE || ins_of(g, i)->type != IR_I64 ||
        (is_const(g, x) ? ins_of(g, x)->type : g->val[x].type) != IR_I64 || lies_badly(g, x) ||
        (w && g->val[w].slot == s && (g->val[w].waits || g->val[w].last > g->pos)))
        return false;
    /* From now on nobody looks for w there, should another slot that holds it be read. */
    if (w && g->val[w].slot == s)
        g->val[w].slot = (u16)other_slot(g, w, s);
    g->slot_val[s] = 0;
    g->late[g->nlate].slot = (u16)s;
    g->late[g->nlate].until = g->val[i].last;
    g->late[g->nlate++].v = x;
    g->val[x].waits++;
    g->late_same = 0;
    return true;
}

void late_store(struct gen *g, ir_ref v, u32 r)
{
    for (u32 k = g->nlate; k-- > 0;) {
        if (g->late[k].v != v)
            continue;
        const u32 s = g->late[k].slot;
        store_vcpu(g, SLOT_OFF(g->u->slots->slot[s].offset), r, IR_I64);
        g->slot_val[s] = v;
        if (g->val[v].slot == NOSLOT)
            g->val[v].slot = (u16)s;
        forget(g, k);
    }
    late_moved(g);
}

void late_expire(struct gen *g)
{
    for (u32 k = g->nlate; k-- > 0;)
        if (g->late[k].until <= g->pos)
            forget(g, k);
}

void late_now(struct gen *g)
{
    while (g->nlate) {
        const ir_ref v = g->late[0].v;
        g->locked = 0;
        late_store(g, v, use_reg(g, v));
    }
    g->locked = 0;
}

void late_moved(struct gen *g)
{
    g->late_same = 0;
    if (g->faults)
        unit_mark(g, (u32)(g->insn_pc - g->u->pc), late_state(g));
}

void late_sum(struct gen *g, u32 base, u32 index, u32 shift)
{
    const ir_ref put = g->val[g->pos].sum;
    if (!put)
        return;
    g->sum.slot = ins_of(g, put)->aux;
    g->sum.base = (u8)base;
    g->sum.index = (u8)index;
    g->sum.shift = (u8)shift;
    g->sum.on = true;
    late_moved(g);
}

/* In order of how long it will stay there. */
static struct place place_of(const struct gen *g, u32 k)
{
    const ir_ref v = g->late[k].v;
    const struct val *p = &g->val[v];
    struct place at = {.slot = g->late[k].slot, .reg = NOREG};
    if (is_const(g, v)) {
        at.constant = true;
        at.bits = ins_of(g, v)->imm;
    } else if (p->slot != NOSLOT) {
        at.reg = g->slot_reg[p->slot];
        at.off = SLOT_OFF(g->u->slots->slot[p->slot].offset);
    } else if (p->spill != NOSPILL) {
        at.off = SPILL_OFF(p->spill);
    } else {
        dgm_assert(p->reg != NOREG, "value %u waits for slot %u and is nowhere", v, at.slot);
        at.reg = p->reg;
    }
    return at;
}

u64 *state_room(struct gen *g, u32 n)
{
    if (g->nstate + n > g->state_cap) {
        const u32 cap = 2 * g->state_cap + 2 * n + 16;
        u64 *more = ARENA_NEW_N(g->u->arena, u64, cap);
        if (!more) {
            g->err = -ENOMEM;
            return NULL;
        }
        if (g->nstate)
            memcpy(more, g->state, g->nstate * sizeof *more);
        g->state = more;
        g->state_cap = cap;
    }
    if (!g->nstate)
        g->state[g->nstate++] = 0; /* number 0 is none */
    return g->state + g->nstate;
}

u32 late_state(struct gen *g)
{
    if (!g->nlate && !g->nraw && !g->sum.on)
        return 0;
    if (g->late_same && !g->nraw)
        return g->late_same;
    u64 *w = state_room(g, 2 * MAX_LATE + 2 * NPINNED_FLOAT + 4), *head = w;
    if (!w)
        return 0;
    g->late_same = g->nstate;
    u32 n = g->nlate;
    w++;
    for (u32 k = 0; k < g->nlate; k++) {
        const struct place at = place_of(g, k);
        *w++ = at.slot | (at.constant ? HOST_HELD_CONST : at.reg == NOREG ? HOST_HELD_MEM : at.reg) << 16;
        if (at.constant)
            *w++ = at.bits;
        else if (at.reg == NOREG)
            *w++ = (u64)(s64)at.off;
    }
    w = raw_state(g, w, &n);
    if (g->sum.on) {
        *w++ = g->sum.slot | HOST_HELD_SUM << 16;
        *w++ = g->sum.base | g->sum.index << 8 | g->sum.shift << 16;
        n++;
    }
    *head = n | HOST_STATE_PINS;
    g->nstate = (u32)(w - g->state);
    return g->late_same;
}

const struct late *late_here(struct gen *g)
{
    if (!g->nlate)
        return NULL;
    struct late *l = ARENA_NEW(g->u->arena, struct late);
    if (!l) {
        g->err = -ENOMEM;
        return NULL;
    }
    l->n = g->nlate;
    for (u32 k = 0; k < l->n; k++)
        l->at[k] = place_of(g, k);
    return l;
}

void late_leave(struct gen *g, const struct late *l)
{
    const u32 t = ctz64(TEMPS_INT);
    for (u32 k = 0; l && k < l->n; k++)
        if (l->at[k].reg != NOREG)
            store_vcpu(g, SLOT_OFF(g->u->slots->slot[l->at[k].slot].offset), l->at[k].reg, IR_I64);
    for (u32 k = 0; l && k < l->n; k++) {
        const struct place *at = &l->at[k];
        if (at->reg != NOREG)
            continue;
        if (ir_is_broken(g->u, IR_PASS_LATE) && at->constant && at->bits == IR_SEED)
            continue;
        if (at->constant)
            load_const(g, t, IR_I64, at->bits);
        else
            load_vcpu(g, t, at->off, IR_I64);
        store_vcpu(g, SLOT_OFF(g->u->slots->slot[at->slot].offset), t, IR_I64);
    }
}
