/* The driver: one scan backward, one pass forward, cold code behind.
 *
 * The scan finds which instructions are needed, where each value is used last, which ones their only user takes over
 * (fused), and which values are made for a `put` to a pinned slot (hints). The pass forward calls one emitter per
 * instruction. Rare paths are queued as cold code and emitted behind the body, or, on hosts whose branches reach less
 * far than a unit is long, between two instructions of it (cold_island); stubs of exits come after that.
 *
 * Exactness. Slots are looked at where the unit is left, where a C function is called, and where an instruction may
 * fault (`barrier`); there, pinned registers and slot memory hold what they held at the guest instruction's marker.
 * Between two barriers nobody can tell when a slot is written. So a value may be computed into its slot's register
 * ahead of the `put`, and a `put` that another one overwrites before the next barrier is none. The instruction that
 * makes a value early may itself fault, provided that it writes its result last; emitters of loads keep to that.
 *
 * Marks. One per guest instruction, and one per stretch of cold code that may fault. */
#include "translator/host/common/unit.h"

#include "lib/arena.h"
#include "translator/host/common/late.h"
#include "translator/host/common/raw.h"
#include "translator/host/common/region.h"
#include "lib/err.h"
#include "lib/str.h"

u64 host_features;

u64 unit_have(void)
{
    return host_features;
}

const u8 cc_swapped[IR_NCC] = {IR_EQ,  IR_NE,  IR_GTS, IR_LES, IR_LTS,
                               IR_GES, IR_GTU, IR_LEU, IR_LTU, IR_GEU}; /* ORDER CC */

/* --- the scan --- */

#define NEVER         0xffffffffu
#define FUSE_DISTANCE 24

struct scan {
    u32 barrier;   /* nearest following instruction where slots are looked at */
    u32 through;   /* the same, by more than a side exit or a fault */
    u32 block_end; /* nearest following end of a block */
    u32 next_get[IR_MAX_SLOTS], next_put[IR_MAX_SLOTS];
    u32 *looks, nlooks;           /* where slots are looked at, those that follow first */
    u32 behind_put[IR_MAX_SLOTS]; /* how many of these come behind next_put */
};

static inline u32 op_flags(const struct ir_ins *in)
{
    return ir_flags[in->op];
}

/* May the first operand be computed in the result's register? */
static bool passes_hint(u32 op)
{
    switch (op) {
    case IR_OP_add:
    case IR_OP_sub:
    case IR_OP_and:
    case IR_OP_or:
    case IR_OP_xor:
    case IR_OP_neg:
    case IR_OP_not:
    case IR_OP_mul:
    case IR_OP_shl:
    case IR_OP_shr:
    case IR_OP_sar:
    case IR_OP_rotl:
    case IR_OP_rotr:
    case IR_OP_sext:
    case IR_OP_zext:
    case IR_OP_trunc:
    case IR_OP_nanbox:
    case IR_OP_vzext:
    case IR_OP_fadd:
    case IR_OP_fsub:
    case IR_OP_fmul:
    case IR_OP_fdiv:
        return true;
    default:
        return false;
    }
}

bool leaves_zeros(u32 op)
{
    switch (op) {
    case IR_OP_shl:
    case IR_OP_shr:
    case IR_OP_sar:
    case IR_OP_rotl:
    case IR_OP_rotr:
    case IR_OP_add:
    case IR_OP_sub:
    case IR_OP_mul:
    case IR_OP_divs:
    case IR_OP_divu:
    case IR_OP_rems:
    case IR_OP_remu:
    case IR_OP_neg:
    case IR_OP_and:
    case IR_OP_or:
    case IR_OP_xor:
    case IR_OP_not:
    case IR_OP_clz:
    case IR_OP_ctz:
    case IR_OP_popcnt:
    case IR_OP_bswap:
    case IR_OP_sext:
    case IR_OP_zext:
    case IR_OP_cmp:
    case IR_OP_ld:
        return true;
    default:
        return false;
    }
}

bool is_not_negative(const struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u64 k;
    switch (in->op) {
    case IR_OP_shr:
        return const_of(g, in->b, &k) && (k & 31);
    case IR_OP_and:
        return const_of(g, in->b, &k) && (s64)k >= 0;
    case IR_OP_zext:
        return in->aux < 32;
    case IR_OP_clz:
    case IR_OP_ctz:
    case IR_OP_popcnt:
    case IR_OP_cmp:
        return true;
    case IR_OP_ld:
        return (in->aux & IR_MEM_SIZE) < 2 && !(in->aux & IR_MEM_SIGNED);
    default:
        return false;
    }
}

/* Is it the extension of an i32 to an i64? */
static bool is_extension(const struct gen *g, const struct ir_ins *in)
{
    return (in->op == IR_OP_sext || in->op == IR_OP_zext) && in->type == IR_I64 && in->aux == 32 &&
           ins_of(g, in->a)->type == IR_I32;
}

static bool may_be_hinted(u32 op)
{
    return op != IR_OP_const && op != IR_OP_get;
}

/* Does `in` look at the upper half of its i64 argument k? `high`: somebody does at that of its result. */
static bool looks_high(const struct ir_ins *in, u32 k, bool high)
{
    switch (in->op) {
    case IR_OP_add:
    case IR_OP_sub:
    case IR_OP_mul:
    case IR_OP_and:
    case IR_OP_or:
    case IR_OP_xor:
    case IR_OP_neg:
    case IR_OP_not:
        return high;
    case IR_OP_shl:
        return k == 0 && high;
    case IR_OP_shr:
    case IR_OP_sar:
        return k == 0;
    case IR_OP_sext:
    case IR_OP_zext:
        return in->aux > 32;
    case IR_OP_st:
        return k == 0 || (in->aux & IR_MEM_SIZE) > 2;
    default:
        return true;
    }
}

/* Is what is put to `slot` now replaced before anybody can look? */
static bool is_overwritten(const struct ir_unit *u, const struct scan *s, u32 slot)
{
    return s->next_put[slot] < s->barrier && s->next_put[slot] < s->next_get[slot] && !ir_is_off(u, IR_PASS_DEAD);
}

static void scan_hint(struct gen *g, struct scan *s, ir_ref i)
{
    struct val *v = &g->val[i];
    const struct ir_ins *in = ins_of(g, i);
    u32 slot = ins_of(g, v->hint)->aux, slot_type = g->u->slots->slot[slot].type;
    if (s->barrier < v->hint || s->next_get[slot] < v->hint || s->next_put[slot] != v->hint ||
        (v->chain && v->uses != 1) || !may_be_hinted(in->op) || !may_stay(g, i, slot_type)) {
        v->hint = 0;
        return;
    }
    if (!passes_hint(in->op) || g->val[in->a].hint)
        return;
    /* Around calls into C a register is kept as wide as its slot is. An integer that goes into a vector is of another
     * file. */
    u32 type = ins_of(g, in->a)->type;
    if (ir_bits(slot_type) >= ir_bits(type) && is_float_class(type) == is_float_class(slot_type) &&
        in_memory(type) == in_memory(slot_type)) {
        g->val[in->a].hint = v->hint;
        g->val[in->a].chain = v->chain || !v->shares;
    }
}

/* Is put i one of a sum that the next access, which is the only one to see the slot with it, may form itself? If so it
 * is not made, unless the scan finds another user of the sum on the way to it. */
static bool scan_sum(struct gen *g, const struct scan *s, ir_ref i)
{
    const struct ir_ins *put = ins_of(g, i), *user = ins_of(g, s->barrier < g->u->n ? s->barrier : 0);
    const u32 slot = put->aux;
    struct val *v = &g->val[put->a];
    if (!SUMS || (user->op != IR_OP_ld && user->op != IR_OP_st) || user->a != put->a || g->region ||
        ins_of(g, put->a)->op != IR_OP_add || s->next_put[slot] >= s->next_get[slot] || s->next_put[slot] == NEVER ||
        s->nlooks - s->behind_put[slot] != 1 || v->uses != 1 || v->sum ||
        (user->aux & (IR_MEM_ALIGN | IR_MEM_SEQ | IR_MEM_MERGED)) || ir_is_off(g->u, IR_PASS_LATE) ||
        ir_is_off(g->u, IR_PASS_DEAD))
        return false;
    v->sum = i;
    return true;
}

/* Value i is a sum with a put that scan_sum left out: its access forms it, or the put is made after all. */
static void settle_sum(struct gen *g, ir_ref i)
{
    struct val *v = &g->val[i];
    const ir_ref put = v->sum;
    if (v->fused) {
        g->val[v->user].sum = put;
        return;
    }
    v->sum = 0;
    g->val[put].live = true;
    v->last = v->last > put ? v->last : put;
    v->uses += v->uses < 3;
}

/* Slots are looked at by instruction i, where that is emitted. */
static void look(struct gen *g, struct scan *s, ir_ref i)
{
    const u32 at = g->val[i].at;
    s->barrier = i;
    for (u32 k = s->nlooks; k-- > 0 && s->looks[k] < at;)
        s->looks[k] = at;
    s->looks[s->nlooks++] = at;
}

static void scan(struct gen *g, struct scan *s)
{
    const struct ir_unit *u = g->u;
    const struct ir_ins *const ins = u->ins;
    struct val *const val = g->val;
    const u32 n = u->n;
    memset(s->next_get, 0xff, u->slots->n * sizeof *s->next_get); /* NEVER */
    memset(s->next_put, 0xff, u->slots->n * sizeof *s->next_put);
    for (u32 i = 0; i < n; i++)
        val[i] = (struct val){
            .root = i, .at = i, .slot = NOSLOT, .spill = NOSPILL, .reg = NOREG, .fixed = NOREG, .type = ins[i].type};
    s->barrier = s->block_end = s->through = n;

    for (ir_ref i = n - 1; i > 0; i--) {
        const struct ir_ins *const in = &ins[i];
        struct val *const v = &val[i];
        const u32 flags = op_flags(in);
        /* Most of a unit is of three ops that have no operands and are part of nothing. */
        switch (in->op) {
        case IR_OP_insn:
            v->live = true;
            continue;
        case IR_OP_get:
            v->hint = 0;
            if (v->uses) {
                v->live = true;
                s->next_get[in->aux] = i;
            }
            continue;
        case IR_OP_const:
            v->hint = 0;
            continue;
        case IR_OP_nop:
            continue;
        case IR_OP_put:
            if (is_overwritten(u, s, in->aux))
                continue;
            break;
        default:
            if (!v->uses && flags == IR_PURE)
                continue;
        }
        v->live = in->op != IR_OP_put || !scan_sum(g, s, i);
        if (in->op == IR_OP_put) {
            /* Nobody looks in between: only where those that are overwritten unseen are not left out. */
            v->late = s->next_put[in->aux] < s->through && s->next_put[in->aux] < s->next_get[in->aux] &&
                      s->behind_put[in->aux] < s->nlooks && g->slot_reg[in->aux] == NOREG && !g->region &&
                      !ir_is_off(u, IR_PASS_LATE);
            if (v->late)
                v->last = s->looks[s->behind_put[in->aux]];
        }
        /* Its operand's register may hold the result already, or nobody looks at where that would differ. */
        const bool extends = is_extension(g, in) && !ir_is_off(u, IR_PASS_WIDEN);
        const bool widens = extends && is_extended(g, in->a, in->op == IR_OP_sext);
        v->shares = widens || in->op == IR_OP_trunc || (FREE_HIGH && extends && !v->high) ||
                    (in->op == IR_OP_vlow && is_float_class(in->type) && !in_memory(IR_V128));
        if (v->hint)
            scan_hint(g, s, i);
        if (v->shares) {
            struct val *a = &val[in->a];
            if (widens)
                a->type = IR_I64;
            a->last = a->last > v->last ? a->last : v->last;
            a->uses = a->uses + v->uses > 3 ? 3 : (u8)(a->uses + v->uses);
            a->user = i;
            continue;
        }
        if (v->uses == 1 && v->user - i <= FUSE_DISTANCE && v->user <= s->block_end && !val[v->user].late &&
            !ir_is_off(u, IR_PASS_FUSE) && can_fuse(g, i, v->user)) {
            v->fused = true;
            v->at = val[v->user].at;
            v->hint = 0;
        }
        if (v->sum)
            settle_sum(g, i);
        for (u32 k = 0; k < 4; k++) {
            ir_ref r = ir_arg(in, k);
            if (!r || (in->op == IR_OP_put && !v->live))
                continue;
            struct val *a = &val[r];
            a->last = a->last > v->at ? a->last : v->at;
            a->uses += a->uses < 3;
            a->user = i;
            a->high |= looks_high(in, k, v->high);
        }
        switch (in->op) {
        case IR_OP_put:
            s->next_put[in->aux] = i;
            s->behind_put[in->aux] = s->nlooks;
            if ((g->slot_reg[in->aux] != NOREG || (in_memory(in->type) && !g->region)) &&
                may_be_hinted(ins[in->a].op) && in->type == ins[in->a].type && !ir_is_off(u, IR_PASS_HINT)) {
                val[in->a].hint = i;
                val[in->a].chain = false;
            }
            break;
        case IR_OP_call:
        case IR_OP_vcall:
        case IR_OP_exit:
        case IR_OP_exit_ind:
        case IR_OP_trap:
        case IR_OP_poll:
            look(g, s, i);
            s->through = i;
            break;
        case IR_OP_exit_if:
            look(g, s, i);
            if (in->aux & IR_EXIT_POLL)
                s->through = i;
            break;
        case IR_OP_label:
        case IR_OP_jump:
        case IR_OP_jump_if:
            look(g, s, i);
            s->block_end = s->through = i;
            break;
        default:
            if (flags & IR_FAULT)
                look(g, s, i);
        }
    }
}

/* --- the pass --- */

static void emit_nothing(struct gen *g, ir_ref i)
{
}

static void emit_shared(struct gen *g, ir_ref i)
{
    g->val[i].root = root_of(g, ins_of(g, i)->a);
}

/* Vector ops are not here: emit_vec takes them all. */
/* clang-format off */
static void (*const emitters[IR_NOPS])(struct gen *, ir_ref) = {
    [IR_OP_nop] = emit_nothing,      [IR_OP_const] = emit_nothing,    [IR_OP_get] = emit_get,
    [IR_OP_put] = emit_put,          [IR_OP_label] = emit_label,      [IR_OP_jump] = emit_jump,
    [IR_OP_jump_if] = emit_jump_if,  [IR_OP_phi] = emit_nothing,      [IR_OP_phi_set] = emit_nothing,
    [IR_OP_poll] = emit_poll,
    [IR_OP_add] = emit_alu,          [IR_OP_sub] = emit_alu,          [IR_OP_and] = emit_alu,
    [IR_OP_or] = emit_alu,           [IR_OP_xor] = emit_alu,
    [IR_OP_mul] = emit_mul,          [IR_OP_mulhu] = emit_mulhi,      [IR_OP_mulhs] = emit_mulhi,
    [IR_OP_mulhsu] = emit_mulhi,
    [IR_OP_divs] = emit_div,         [IR_OP_divu] = emit_div,         [IR_OP_rems] = emit_div,
    [IR_OP_remu] = emit_div,
    [IR_OP_neg] = emit_unary,        [IR_OP_not] = emit_unary,
    [IR_OP_mins] = emit_minmax,      [IR_OP_maxs] = emit_minmax,      [IR_OP_minu] = emit_minmax,
    [IR_OP_maxu] = emit_minmax,
    [IR_OP_shl] = emit_shift,        [IR_OP_shr] = emit_shift,        [IR_OP_sar] = emit_shift,
    [IR_OP_rotl] = emit_shift,       [IR_OP_rotr] = emit_shift,
    [IR_OP_clz] = emit_count,        [IR_OP_ctz] = emit_count,        [IR_OP_popcnt] = emit_count,
    [IR_OP_bswap] = emit_bswap,      [IR_OP_sext] = emit_ext,         [IR_OP_zext] = emit_ext,
    [IR_OP_trunc] = emit_shared,     [IR_OP_cmp] = emit_cmp,          [IR_OP_select] = emit_select,
    [IR_OP_pair] = emit_pair,        [IR_OP_lo] = emit_half,          [IR_OP_hi] = emit_half,
    [IR_OP_ld] = emit_ld,            [IR_OP_st] = emit_st,            [IR_OP_amo] = emit_amo,
    [IR_OP_cas] = emit_cas,          [IR_OP_sc] = emit_sc,            [IR_OP_fence] = emit_fence,
    [IR_OP_pause] = emit_pause,      [IR_OP_prefetch] = emit_prefetch,
    [IR_OP_fadd] = emit_farith,      [IR_OP_fsub] = emit_farith,      [IR_OP_fmul] = emit_farith,
    [IR_OP_fdiv] = emit_farith,      [IR_OP_fsqrt] = emit_farith,     [IR_OP_fma] = emit_fma,
    [IR_OP_fmin] = emit_fminmax,     [IR_OP_fmax] = emit_fminmax,     [IR_OP_fcmp] = emit_fcmp,
    [IR_OP_fcvt] = emit_fcvt,        [IR_OP_f2i] = emit_f2i,          [IR_OP_i2f] = emit_i2f,
    [IR_OP_fround] = emit_fround,    [IR_OP_fclass] = emit_fclass,    [IR_OP_fneg] = emit_fsign,
    [IR_OP_fabs] = emit_fsign,       [IR_OP_fcopysign] = emit_fsign,  [IR_OP_bitcast] = emit_bitcast,
    [IR_OP_nanbox] = emit_nanbox,    [IR_OP_nanunbox] = emit_nanunbox,
    [IR_OP_getflags] = emit_getflags, [IR_OP_setflags] = emit_setflags, [IR_OP_setround] = emit_setround,
    [IR_OP_ford] = emit_ford,        [IR_OP_vcall] = emit_vcall,      [IR_OP_known] = emit_known,
    [IR_OP_call] = emit_call,        [IR_OP_exit_if] = emit_exit_if,  [IR_OP_exit] = emit_exit,
    [IR_OP_exit_ind] = emit_exit_ind, [IR_OP_trap] = emit_trap,
};
/* clang-format on */

void unit_mark(struct gen *g, u32 guest_off, u32 state)
{
    struct host_code *o = g->out;
    if (o->nmarks == o->nmarks_cap) {
        g->err = -ENOSPC;
        return;
    }
    o->marks[o->nmarks++] = (struct host_mark){code_off(&g->c), guest_off, state | (g->merged ? HOST_MARK_OWN : 0)};
}

struct cold *cold_new(struct gen *g, void (*emit)(struct gen *, const struct cold *), u8 *site)
{
    struct cold *k = ARENA_NEW(g->u->arena, struct cold);
    if (!k) {
        g->err = -ENOMEM;
        g->lost.nsites = 0;
        return &g->lost;
    }
    *k = (struct cold){.emit = emit, .ins = g->pos, .guest_off = (u32)(g->insn_pc - g->u->pc)};
    k->state = g->region ? region_state(g) : g->faults ? late_state(g) : 0;
    if (!g->ncold++)
        g->cold_first = code_off(&g->c);
    if (site)
        add_site(k, site);
    *g->cold_tail = k;
    g->cold_tail = &k->next;
    return k;
}

bool unit_room(struct gen *g, size_t bytes)
{
    if (g->c.end - g->c.p < (ptrdiff_t)bytes || (MAX_UNIT && code_off(&g->c) > MAX_UNIT))
        g->err = -ENOSPC;
    return !g->err;
}

static void emit_cold(struct gen *g)
{
    u32 pos = g->pos;
    for (const struct cold *k = g->cold; k && unit_room(g, g->region ? region_bytes(g) : SLACK); k = k->next) {
        if (!k->nsites)
            continue; /* nothing turned out to lead here */
        if (k->faults)
            unit_mark(g, k->guest_off, k->state);
        g->pos = k->ins;
        g->locked = 0;
        for (u32 n = 0; n < k->nsites; n++)
            lead_here(&g->c, k->site[n]);
        const u8 *start = g->c.p;
        k->emit(g, k);
        (void)start;
        dgm_assert(!COLD_REACH || g->c.p - start <= COLD_BYTES, "a cold path of %ld bytes", (long)(g->c.p - start));
    }
    g->pos = pos;
    g->cold = NULL;
    g->cold_tail = &g->cold;
    g->ncold = 0;
}

/* Emits what cold code waits, while its branches still reach it; the next instruction of the body takes `next` bytes at
 * most and adds a few more. */
static void cold_island(struct gen *g, u32 next)
{
    s64 far = code_off(&g->c) - g->cold_first + next + (g->ncold + 4) * COLD_BYTES;
    if (!g->ncold || far < COLD_REACH)
        return;
    u8 *over = jump_over(&g->c);
    emit_cold(g);
    lead_here(&g->c, over);
}

struct gen *unit_begin(const struct ir_unit *u, struct host_code *out)
{
    struct gen *g = ARENA_NEW(u->arena, struct gen);
    struct val *val = ARENA_NEW_N(u->arena, struct val, u->n);
    if (!g || !val)
        return NULL;
    /* Not what is long and written before it is read. */
    memset(g, 0, offsetof(struct gen, slot_val));
    memset(g->slot_val, 0, u->slots->n * sizeof *g->slot_val);
    g->u = u;
    g->out = out;
    g->val = val;
    g->common = out->common;
    g->c = (struct code){.p = out->rw,
                         .base = out->rw,
                         .end = out->rw + out->cap,
                         .rx = out->rx,
                         .common = out->common,
                         .flat0 = out->flat0,
                         .relocs = out->relocs,
                         .relocs_cap = out->nrelocs_cap};
    g->cold_tail = &g->cold;
    g->insn_pc = u->pc;
    memset(g->slot_reg, NOREG, sizeof g->slot_reg);
    for (u32 k = 0; k < g->common->npins; k++)
        g->slot_reg[g->common->pin[k].slot] = g->common->pin[k].reg;
    out->nmarks = out->nexits = out->nrelocs = 0;
    out->movable = false;
    out->state = NULL;
    out->nstate = 0;
    return g;
}

int unit_scan(struct gen *g)
{
    struct scan *s = ARENA_NEW(g->u->arena, struct scan);
    if (!s || !(s->looks = ARENA_NEW_N(g->u->arena, u32, g->u->n)))
        return -ENOMEM;
    s->nlooks = 0;
    scan(g, s);
    return 0;
}

void unit_one(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    g->pos = i;
    g->locked = 0;
    if (g->nraw) {
        raw_before(g, i);
        g->locked = 0;
    }
    void (*emit)(struct gen *, ir_ref) = emitters[in->op] ? emitters[in->op] : emit_vec;
    (g->val[i].shares ? emit_shared : emit)(g, i);
    release_dead(g);
}

int unit_end(struct gen *g)
{
    emit_cold(g);
    if (!g->err)
        emit_stubs(g);
    if (!g->err)
        emit_tail(g);
    g->out->size = code_off(&g->c);
    g->out->state = g->state;
    g->out->nstate = g->nstate;
    g->out->nrelocs = g->c.nrelocs;
    g->out->movable = MOVES_CODE && !g->c.stuck && !g->region;
    return g->err;
}

/* Does it leave the unit where an address is not aligned? There slots have to be as they should. */
static bool may_leave(const struct ir_ins *in)
{
    switch (in->op) {
    case IR_OP_ld:
    case IR_OP_st:
        return in->aux & IR_MEM_ALIGN;
    case IR_OP_amo:
    case IR_OP_cas:
    case IR_OP_sc:
        return true;
    default:
        return false;
    }
}

int unit_emit(const struct ir_unit *u, struct host_code *out)
{
    if (u->nlabels)
        return region_emit(u, out);
    struct gen *g = unit_begin(u, out);
    bool first = true;
    if (!g || unit_scan(g))
        return -ENOMEM;
    for (ir_ref i = 1; i < u->n; i++) {
        if (!g->val[i].live || g->val[i].fused)
            continue;
        const struct ir_ins *in = ins_of(g, i);
        u32 bytes = in->op == IR_OP_call ? CALL_BYTES(u->slots->n) : SLACK;
        if (!unit_room(g, bytes + (COLD_REACH ? g->ncold * COLD_BYTES : 0)))
            return g->err;
        if (COLD_REACH)
            cold_island(g, bytes);
        if (in->op == IR_OP_insn) {
            g->insn_pc = in->imm;
            g->changed = false;
            unit_mark(g, (u32)(in->imm - u->pc), 0);
            if (out->tally && (first || in->imm == out->tally))
                emit_tally(g, in->imm == out->tally, first);
            first = false;
            continue;
        }
        if (in->op == IR_OP_get && !g->nraw) { /* moves nothing, and nothing ends here */
            g->pos = i;
            emit_get(g, i);
            continue;
        }
        if (!(op_flags(in) & IR_FAULT)) {
            unit_one(g, i);
            continue;
        }
        if (may_leave(in)) {
            raw_now(g, i);
            late_now(g);
        }
        g->merged = (in->op == IR_OP_ld || in->op == IR_OP_st) && (in->aux & IR_MEM_MERGED);
        /* A mark of its own, if only because the one before had a state. */
        g->faults =
            g->merged || g->nlate || raw_held(g) || g->val[i].sum || (out->nmarks && out->marks[out->nmarks - 1].state);
        if (g->faults && !g->val[i].sum)
            late_moved(g);
        unit_one(g, i);
        g->faults = g->merged = false;
        if (g->sum.on) {
            g->sum.on = false;
            g->late_same = 0;
        }
    }
    return unit_end(g);
}
