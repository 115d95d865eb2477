/* Where values are.
 *
 * One pass forward, with the last use of each value known (unit.c scans for it). A value is in any of: a temp register,
 * a slot (its pinned register or its memory), a spill cell; or it is a constant, which needs no place. Two tables say
 * what holds what, `owner` for temps and `slot_val` for slots, and each value knows its places. Types for which a host
 * has no registers (in_memory) have slots and spill cells only.
 *
 *   - `get` moves nothing: the slot becomes the value's place. When the slot is overwritten while the value lives on,
 *     it is copied to a temp first, or to a spill cell (vacate).
 *   - `put` to a slot in memory stores, and from then on the slot is a free spill cell of the value.
 *   - A value that a `put` to a pinned slot takes is computed right into the slot's register (def_hint), if nothing
 *     between may leave the unit, fault or read the slot. The scan found that out but for one thing, which only this
 *     pass knows: whether the slot's old value is still needed. Likewise into the slot's memory (def_mem).
 *   - A temp is taken from a value that has another place, or else from the one that is needed for longest, by
 *     spilling it.
 *
 * Order inside an op: all operands are fetched (use_*) before the place of the result is asked for (def_*), since
 * that place may be the register of an operand that dies here. */
#include "translator/host/common/unit.h"

#include "lib/bits.h"
#include "lib/err.h"
#include "translator/host/common/late.h"
#include "translator/host/common/region.h"

static u32 cells_of(u32 type)
{
    return type == IR_I128 || type == IR_V128 ? 2 : 1;
}

static bool cell_used(const struct gen *g, u32 k)
{
    return g->spill_used[k / 64] >> (k % 64) & 1;
}

/* Gives value v a spill cell, or two; where it is. */
static s32 spill_cell(struct gen *g, ir_ref v)
{
    u32 n = cells_of(g->val[v].type), k = 0;
    while (k + n <= SPILL_CELLS && (cell_used(g, k) || (n == 2 && cell_used(g, k + 1))))
        k += n; /* pairs are aligned, so that instructions take them as operands */
    if (k + n > SPILL_CELLS) {
        g->err = -ENOSPC;
        k = 0;
    } else {
        for (u32 j = k; j < k + n; j++)
            g->spill_used[j / 64] |= 1ull << (j % 64);
        g->spill_owner[g->nspilled++] = v;
    }
    g->val[v].spill = (u16)k;
    return SPILL_OFF(k);
}

static void spill(struct gen *g, ir_ref v, u32 r)
{
    s32 off = spill_cell(g, v);
    store_vcpu(g, off, r, spill_type(g->val[v].type));
}

/* Does v have a place besides temps? */
static bool has_home(const struct gen *g, ir_ref v)
{
    return g->val[v].slot != NOSLOT || g->val[v].spill != NOSPILL || g->val[v].fixed != NOREG || is_const(g, v);
}

static void temp_drop(struct gen *g, u32 r)
{
    ir_ref v = g->owner[r];
    if (v)
        g->val[v].reg = NOREG;
    g->owner[r] = 0;
    g->held &= ~(1ull << r);
}

static void temp_give(struct gen *g, u32 r, ir_ref v)
{
    temp_drop(g, r);
    g->owner[r] = v;
    g->held |= 1ull << r;
    g->val[v].reg = (u8)r;
}

/* Is it needed for more than puts that wait? */
static bool needed(const struct gen *g, ir_ref v)
{
    return g->val[v].last > g->pos || !g->val[v].waits;
}

/* Value v loses temp r, and lives on. */
static void leave_temp(struct gen *g, ir_ref v, u32 r)
{
    if (has_home(g, v))
        return;
    if (!needed(g, v)) {
        late_store(g, v, r);
        return;
    }
    spill(g, v, r);
    if (g->val[v].waits)
        late_moved(g);
}

u32 temp_of(struct gen *g, u64 mask)
{
    mask &= ~g->locked;
    dgm_assert(mask, "all temps are locked in instruction %u", g->pos);
    const u64 free = mask & ~g->held;
    if (free) {
        u32 r = temp_choose(free);
        g->locked |= 1ull << r;
        return r;
    }
    u32 best = NOREG, best_last = 0;
    for (u64 m = mask; m; m &= m - 1) {
        u32 r = ctz64(m);
        ir_ref v = g->owner[r];
        /* By preference one that has another place; then one that only a put waits for. */
        u32 last = g->val[v].last + (has_home(g, v) ? 1u << 30 : !needed(g, v) ? 1u << 29 : 0);
        if (best == NOREG || last > best_last) {
            best = r;
            best_last = last;
        }
    }
    leave_temp(g, g->owner[best], best);
    temp_drop(g, best);
    g->locked |= 1ull << best;
    return best;
}

void temp_take(struct gen *g, u32 r)
{
    dgm_assert(!(g->locked >> r & 1), "register %u is in use in instruction %u", r, g->pos);
    g->locked |= 1ull << r;
    ir_ref v = g->owner[r];
    if (v && !has_home(g, v)) {
        u64 mask = TEMPS_INT >> r & 1 ? TEMPS_INT : TEMPS_FLOAT;
        if (temp_free(g, mask)) {
            u32 t = temp_of(g, mask);
            mov_rr(g, t, r, g->val[v].type);
            g->locked &= ~(1ull << t);
            temp_give(g, t, v);
            g->owner[r] = 0;
            g->held &= ~(1ull << r);
            if (g->val[v].waits)
                late_moved(g);
            return;
        }
        leave_temp(g, v, r);
    }
    temp_drop(g, r);
}

void temps_flush(struct gen *g)
{
    for (u64 m = g->held; m; m &= m - 1) {
        u32 r = ctz64(m);
        ir_ref v = g->owner[r];
        if (g->val[v].last > g->pos || g->val[v].waits)
            leave_temp(g, v, r);
        temp_drop(g, r);
    }
}

u32 reg_of(const struct gen *g, ir_ref i)
{
    const struct val *v = &g->val[root_of(g, i)];
    if (v->reg != NOREG)
        return v->reg;
    if (v->fixed != NOREG)
        return v->fixed;
    return v->slot != NOSLOT ? g->slot_reg[v->slot] : NOREG;
}

static s32 slot_off(const struct gen *g, u32 slot)
{
    return SLOT_OFF(g->u->slots->slot[slot].offset);
}

/* Memory place of v, which has no register. */
static s32 mem_of(const struct gen *g, ir_ref v)
{
    const struct val *p = &g->val[v];
    dgm_assert(p->slot != NOSLOT || p->spill != NOSPILL, "value %u is nowhere (instruction %u)", v, g->pos);
    return p->slot != NOSLOT ? slot_off(g, p->slot) : SPILL_OFF(p->spill);
}

s32 use_mem(struct gen *g, ir_ref i)
{
    return mem_of(g, root_of(g, i));
}

void load_into(struct gen *g, u32 r, ir_ref i)
{
    ir_ref v = root_of(g, i);
    const struct ir_ins *in = ins_of(g, v);
    u32 src = reg_of(g, v);
    if (src != NOREG) {
        mov_rr(g, r, src, g->val[v].type);
    } else if (in->op == IR_OP_const) {
        if (!load_near(g, r, in->type, in->imm))
            load_const(g, r, in->type, in->imm);
    } else {
        bool narrow = g->val[v].slot != NOSLOT; /* a spill cell is whole */
        load_vcpu(g, r, mem_of(g, v), narrow ? g->val[v].type : spill_type(g->val[v].type));
    }
}

u32 use_reg(struct gen *g, ir_ref i)
{
    ir_ref v = root_of(g, i);
    u32 r = reg_of(g, v);
    if (r == NOREG) {
        const u32 zero = ZERO_REG;
        if (zero != NOREG && is_const(g, v) && !is_float_class(ins_of(g, v)->type) && ins_of(g, v)->imm == 0)
            return zero;
        r = temp_of(g, temps_for(g->val[v].type));
        load_into(g, r, v);
        temp_give(g, r, v);
    }
    g->locked |= 1ull << r;
    return r;
}

u32 other_slot(const struct gen *g, ir_ref w, u32 s)
{
    u32 found = NOSLOT;
    for (u32 t = 0; t < g->u->slots->n; t++) {
        if (g->slot_val[t] != w || t == s)
            continue;
        found = t;
        if (g->slot_reg[t] != NOREG)
            break;
    }
    return found;
}

/* Slot s is about to be overwritten: its value, if it lives on, gets another place. */
static void vacate(struct gen *g, u32 s)
{
    ir_ref w = g->slot_val[s];
    g->slot_val[s] = 0;
    if (!w || g->val[w].slot != s)
        return;
    g->val[w].slot = NOSLOT;
    if (g->val[w].last <= g->pos && !g->val[w].waits)
        return;
    g->val[w].slot = (u16)other_slot(g, w, s);
    if (has_home(g, w) || g->val[w].reg != NOREG) {
        if (g->val[w].waits)
            late_moved(g);
        return;
    }
    u32 type = g->val[w].type;
    if (!needed(g, w) && g->slot_reg[s] != NOREG) {
        late_store(g, w, g->slot_reg[s]);
        return;
    }
    if (in_memory(type)) {
        copy_vcpu(g, spill_cell(g, w), slot_off(g, s));
        return;
    }
    u32 t = temp_of(g, temps_for(type));
    if (g->slot_reg[s] != NOREG)
        mov_rr(g, t, g->slot_reg[s], type);
    else
        load_vcpu(g, t, slot_off(g, s), type);
    temp_give(g, t, w);
    g->locked &= ~(1ull << t);
    if (g->val[w].waits)
        late_moved(g);
}

/* Is the old value of slot s in the way of computing a new one right there, for put p? It is when it is needed later
 * and has no other place; but a copy now costs as much as the one at the put would, if it is not needed until then. */
static bool in_the_way(const struct gen *g, u32 s, ir_ref p)
{
    ir_ref w = g->slot_val[s];
    if (!w || g->val[w].slot != s || g->val[w].last <= g->pos || g->val[w].reg != NOREG || g->val[w].spill != NOSPILL ||
        other_slot(g, w, s) != NOSLOT)
        return false;
    if (g->val[w].last <= p)
        return true;
    u32 type = g->val[w].type;
    return !in_memory(type) && !temp_free(g, temps_for(type));
}

u32 def_hint(struct gen *g, ir_ref i)
{
    u32 p = g->val[i].hint;
    if (g->val[i].fixed != NOREG) {
        g->locked |= 1ull << g->val[i].fixed;
        return g->val[i].fixed;
    }
    if (!p)
        return NOREG;
    u32 s = ins_of(g, p)->aux;
    if (in_the_way(g, s, p))
        return NOREG;
    vacate(g, s);
    g->locked |= 1ull << g->slot_reg[s];
    return g->slot_reg[s];
}

u32 def_reg(struct gen *g, ir_ref i, ir_ref prefer)
{
    u32 r = def_hint(g, i);
    if (r != NOREG)
        return r;
    u64 mask = temps_for(ins_of(g, i)->type);
    if (prefer && dies(g, prefer)) {
        r = g->val[root_of(g, prefer)].reg;
        if (r != NOREG && (mask >> r & 1)) {
            g->locked |= 1ull << r;
            return r;
        }
    }
    return temp_of(g, mask);
}

u32 def_not_in(struct gen *g, ir_ref i, u64 not )
{
    u32 r = def_hint(g, i);
    if (r == NOREG || (not >> r & 1))
        r = temp_of(g, temps_for(ins_of(g, i)->type) & ~not );
    return r;
}

void def_done(struct gen *g, ir_ref i, u32 r)
{
    if (g->region)
        region_place(g, i, r);
    if (TEMPS >> r & 1) {
        temp_give(g, r, i);
        return;
    }
    if (g->val[i].fixed == r)
        return;
    u32 s = ins_of(g, g->val[i].hint)->aux;
    dgm_assert(g->slot_reg[s] == r, "value %u was computed into register %u", i, r);
    g->slot_val[s] = i;
    g->val[i].slot = (u16)s;
}

void def_from(struct gen *g, ir_ref i, u32 r)
{
    if (TEMPS >> r & 1) {
        u32 dst = def_hint(g, i);
        if (dst != NOREG) {
            mov_rr(g, dst, r, ins_of(g, i)->type);
            r = dst;
        }
    }
    def_done(g, i, r);
}

s32 def_mem(struct gen *g, ir_ref i)
{
    u32 p = g->val[i].hint;
    u32 s = p ? ins_of(g, p)->aux : NOSLOT;
    if (!p || in_the_way(g, s, p))
        return spill_cell(g, i);
    vacate(g, s);
    g->slot_val[s] = i;
    g->val[i].slot = (u16)s;
    return slot_off(g, s);
}

void emit_get(struct gen *g, ir_ref i)
{
    u32 s = ins_of(g, i)->aux;
    ir_ref w = g->slot_val[s];
    if (g->region && region_has_place(g, i)) {
        u32 t = def_reg(g, i, 0);
        load_vcpu(g, t, slot_off(g, s), ins_of(g, i)->type);
        def_done(g, i, t);
        return;
    }
    if (!w) {
        g->slot_val[s] = i;
        g->val[i].slot = (u16)s;
        return;
    }
    g->val[i].root = w;
    if (g->val[w].last < g->val[i].last)
        g->val[w].last = g->val[i].last;
    if (g->val[w].slot == NOSLOT)
        g->val[w].slot = (u16)s;
}

void emit_put(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 s = in->aux, r = g->slot_reg[s];
    ir_ref x = root_of(g, in->a);
    g->changed = true;
    if (!g->region && late_put(g, i, s, x))
        return;
    if (g->slot_val[s] == x || (g->region && region_holds(g, s, x)))
        return;
    if (in_memory(in->type)) {
        s32 from = use_mem(g, x);
        vacate(g, s);
        copy_vcpu(g, slot_off(g, s), from);
    } else {
        u32 from = reg_of(g, x);
        if (from != NOREG)
            g->locked |= 1ull << from;
        vacate(g, s);
        if (r == NOREG)
            put_mem(g, in, slot_off(g, s));
        else if (!put_pin(g, in, r))
            return;
        if (in->type != g->val[x].type)
            return; /* the low half of x: the slot does not hold x itself */
    }
    g->slot_val[s] = x;
    if (g->val[x].slot == NOSLOT || (r != NOREG && g->slot_reg[g->val[x].slot] == NOREG) ||
        (g->region && region_is_home(g, s, x)))
        g->val[x].slot = (u16)s;
}

void slots_forget(struct gen *g)
{
    for (u32 s = 0; s < g->u->slots->n; s++) {
        ir_ref w = g->slot_val[s];
        if (!w)
            continue;
        g->slot_val[s] = 0;
        if (g->val[w].slot == NOSLOT)
            continue;
        if (g->val[w].last > g->pos && g->val[w].reg == NOREG && g->val[w].spill == NOSPILL && !is_const(g, w)) {
            if (in_memory(g->val[w].type)) {
                s32 from = mem_of(g, w);
                copy_vcpu(g, spill_cell(g, w), from);
            } else {
                u32 r = use_reg(g, w);
                g->locked &= ~(1ull << r);
                if (!(TEMPS >> r & 1))
                    spill(g, w, r);
            }
        }
        g->val[w].slot = NOSLOT;
    }
}

void release_dead(struct gen *g)
{
    if (g->nlate)
        late_expire(g);
    for (u64 m = g->held; m; m &= m - 1) {
        u32 r = ctz64(m);
        if (g->val[g->owner[r]].last <= g->pos && !g->val[g->owner[r]].waits)
            temp_drop(g, r);
    }
    for (u32 k = 0; k < g->nspilled;) {
        ir_ref v = g->spill_owner[k];
        if (g->val[v].last > g->pos || g->val[v].waits) {
            k++;
            continue;
        }
        u32 cell = g->val[v].spill, n = cells_of(g->val[v].type);
        for (u32 j = cell; j < cell + n; j++)
            g->spill_used[j / 64] &= ~(1ull << (j % 64));
        g->val[v].spill = NOSPILL;
        g->spill_owner[k] = g->spill_owner[--g->nspilled];
    }
}
