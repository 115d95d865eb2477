/* Cosimulation: every entry into a translation is checked against the interpreter.
 *
 * Translations are not linked to each other then, so that each comes back here. An entry is run three times, from one
 * state: as the IR that was compiled (`given`), by the interpreter; as the frontend's own units of the same guest code,
 * made with every technique left out (`plain`), by the interpreter; and as host code, by the CPU. Only the last is for
 * good: the interpreter stores into an overlay of memory. Then the way out, slots, sticky flags and the memory that
 * `plain` stored to are compared with it. `given` says how many guest instructions the entry takes, and `plain` takes
 * as many. So a mistake of the builder, of the optimiser or of a backend is found where it happens. A store that should
 * not be there at all goes unseen until somebody reads what it destroyed, and then in vain: both will read it.
 *
 * A region runs as long as its loops do. Its polls count vcpu.fuel down, and leave when it is spent, in `given` as in
 * host code; so it comes back after a while, in between two rounds.
 *
 * What cannot be run twice. A unit that reads a clock is not checked. Memory that changes meanwhile gives the
 * interpreter and the host different values: so one lock, cosim.lock, is held by whoever runs guest code, and guest
 * threads take turns. The kernel and other processes do not ask for it. So when something differs, memory is put back
 * and the interpreter runs again: if it comes to something else than before, nothing is said.
 *
 * A host may leave a block before the branch that it ends with, to poll; then `plain` is run that
 * far only. Library routines that are host code are compared with the op's own meaning, and where one gives up, the
 * guest's own code is what is checked. */
#include "translator/engine/cosim.h"

#include "lib/assert.h"
#include "lib/err.h"
#include "lib/str.h"

#define FUEL 24

int cosim_start(struct engine *e)
{
    void *mem;
    int rc = mk_pages_alloc(&mem, sizeof *e->cosim);
    if (rc)
        return rc;
    struct cosim *c = e->cosim = mem;
    struct vcpu **const all[] = {&c->before, &c->given, &c->plain, &c->again, &c->after};
    for (u32 i = 0; i < ARRAY_LEN(all); i++) {
        rc = mk_pages_alloc(&mem, sizeof(struct vcpu));
        if (rc)
            return rc;
        *all[i] = mem;
    }
    return 0;
}

void cosim_stop(struct engine *e)
{
    struct cosim *c = e->cosim;
    if (!c)
        return;
    struct vcpu *const all[] = {c->before, c->given, c->plain, c->again, c->after};
    for (u32 i = 0; i < ARRAY_LEN(all); i++)
        if (all[i])
            mk_pages_free(all[i], sizeof(struct vcpu));
    ir_overlay_free(&c->given_mem);
    ir_overlay_free(&c->plain_mem);
    map_free(&c->notes);
    mk_pages_free(c, sizeof *c);
    e->cosim = NULL;
}

void cosim_lock(struct engine *e)
{
    if (UNLIKELY(e->cosim))
        mk_lock(&e->cosim->lock);
}

void cosim_unlock(struct engine *e)
{
    if (UNLIKELY(e->cosim))
        mk_unlock(&e->cosim->lock);
}

void cosim_lock_reset(struct engine *e)
{
    if (e->cosim)
        mk_lock_reset(&e->cosim->lock);
}

void cosim_forget(struct engine *e)
{
    if (e->cosim)
        map_clear(&e->cosim->notes);
}

/* --- what is kept of a block --- */

static bool unit_varies(const struct ir_unit *u)
{
    for (ir_ref r = 1; r < u->n; r++)
        if (u->ins[r].op == IR_OP_call && (u->helpers[u->ins[r].aux].flags & IR_HELPER_VARIES))
            return true;
    return false;
}

struct cosim_note *cosim_note_make(struct engine *e, const struct block *b, const struct ir_unit *u, const u8 *code)
{
    struct cosim_note *n = ARENA_NEW(&e->meta, struct cosim_note);
    if (!n)
        return NULL;
    *n = (struct cosim_note){.b = b, .given = translate_keep(e, u), .varies = unit_varies(u)};
    if (code) {
        u8 *bytes = arena_alloc(&e->meta, u->guest_bytes, 1);
        if (bytes)
            memcpy(bytes, code, u->guest_bytes);
        n->bytes = bytes;
    } else {
        n->bytes = block_source(e, b);
    }
    return n->given && n->bytes ? n : NULL;
}

int cosim_note(struct engine *e, const struct block *b, const struct ir_unit *u, const u8 *code)
{
    if (!e->cosim)
        return 0;
    struct cosim_note *n = cosim_note_make(e, b, u, code);
    return !n || map_set(&e->cosim->notes, b->code_off, n) ? -ENOSPC : 0;
}

size_t cosim_fetch(const struct cosim_note *note, gva_t pc, u8 *buf, size_t cap)
{
    const struct block *b = note->b;
    size_t got = 0;
    for (bool more = true; more && got < cap;) {
        const u8 *bytes = note->bytes;
        more = false;
        for (u32 i = 0; i < b->nextents && !more; bytes += b->extent[i++].len) {
            const u64 at = pc + got - b->extent[i].pc;
            if (at >= b->extent[i].len)
                continue;
            size_t n = b->extent[i].len - at < cap - got ? b->extent[i].len - at : cap - got;
            memcpy(buf + got, bytes + at, n);
            got += n;
            more = true;
        }
    }
    return got;
}

/* --- plain units --- */

static bool begins_block(void *cx, gva_t pc)
{
    const struct ir_unit *u = cx;
    for (ir_ref r = 1; r < u->n && u->nlabels; r++)
        if (u->ins[r].op == IR_OP_label && u->ins[r].imm == pc)
            return true;
    return false;
}

/* With the engine's lock held. Where units of regions end, these do, too: registers that have several forms then have
 * the same. */
static struct ir_unit *make_plain(struct engine *e, struct cosim_note *note, gva_t pc)
{
    u8 code[16 * ENGINE_MAX_INSNS];
    struct guest_request rq = {.pc = pc,
                               .code = code,
                               .len = cosim_fetch(note, pc, code, sizeof code),
                               .mode = note->given->code_key,
                               .max_insns = ENGINE_MAX_INSNS,
                               .stop_at = begins_block,
                               .cx = note->given};
    struct ir_unit u = {.arena = &e->tmp, .code_key = rq.mode, .off = ~0ull, .alone = note->given->alone};
    arena_reset(&e->tmp);
    if (!rq.len || e->guest->translate(&rq, &u) || translate_cut_short(&u))
        return NULL;
    struct cosim_plain *p = ARENA_NEW(&e->meta, struct cosim_plain);
    if (!p || !(p->u = translate_keep(e, &u)))
        return NULL;
    p->next = note->plain;
    note->plain = p;
    return p->u;
}

static struct ir_unit *plain_unit(struct engine *e, struct cosim_note *note, gva_t pc)
{
    if (note->b->known)
        return pc == note->given->pc ? note->given : NULL;
    for (const struct cosim_plain *p = note->plain; p; p = p->next)
        if (p->u->pc == pc)
            return p->u;
    mk_lock(&e->lock);
    struct ir_unit *u = make_plain(e, note, pc);
    mk_unlock(&e->lock);
    return u;
}

/* --- running --- */

void cosim_copy(const struct engine *e, struct vcpu *to, const struct vcpu *from)
{
    memcpy(to->slots, from->slots, e->guest->state_size);
    to->pc = from->pc;
    to->exit = from->exit;
    to->trap = from->trap;
    to->fault = from->fault;
    to->fp_round = from->fp_round;
    to->fp_flags = from->fp_flags;
    to->mode = from->mode;
    to->cpu = from->cpu;
    to->mem_base = from->mem_base;
    to->engine = from->engine;
}

/* From c->before, `limit` guest instructions; stores go to `mem`, and c->plain gets what it comes to. */
static bool run_plain(struct engine *e, struct cosim_note *note, struct ir_overlay *mem, u64 limit)
{
    struct cosim *c = e->cosim;
    struct ir_watch w = {.mem = mem, .limit = limit, .writer = c->writer};
    ir_overlay_clear(mem);
    memset(c->writer, 0, sizeof c->writer);
    cosim_copy(e, c->plain, c->before);
    c->plain->exit = VCPU_NONE;
    while (c->plain->exit == VCPU_NONE && w.insns < limit) {
        const struct ir_unit *u = plain_unit(e, note, c->plain->pc);
        if (!u)
            break;
        ir_interp_watched(u, c->plain, &w);
    }
    c->insns = w.insns;
    return !mem->full;
}

bool cosim_goes_on(const struct vcpu *v)
{
    return v->exit != VCPU_TRAP && v->exit != VCPU_FAULT;
}

/* How many guest instructions of a unit without labels stand before pc? It is there once for each round; who looks at
 * vcpu.poll does so in the last. */
static u64 insns_before(const struct ir_unit *u, gva_t pc)
{
    u64 n = 0, before = 0;
    for (ir_ref r = 1; r < u->n; r++) {
        if (u->ins[r].op != IR_OP_insn)
            continue;
        if (u->ins[r].imm == pc)
            before = n;
        n++;
    }
    return before;
}

/* --- comparing --- */

void cosim_settle(const struct engine *e, struct vcpu *x, struct vcpu *y)
{
    if (e->guest->settle) {
        e->guest->settle(x);
        e->guest->settle(y);
    }
}

u32 cosim_flags_differ(const struct ir_unit *u, const struct vcpu *x, const struct vcpu *y)
{
    return (x->fp_flags ^ y->fp_flags) & (u->tiny_any ? ~(u32)IR_FLAG_UF : ~0u);
}

u32 cosim_cell_differs(const struct ir_cell *cell, u64 *found)
{
    u32 bytes = 0;
    *found = 0;
    for (u32 i = 0; i < 8; i++) {
        u8 x;
        if (!(cell->mask >> i & 1) || mk_load(cell->at + i, 1, &x))
            continue;
        *found |= (u64)x << 8 * i;
        bytes |= (u32)(x != (u8)(cell->now >> 8 * i)) << i;
    }
    return bytes;
}

static bool same_fault(const struct vcpu *x, const struct vcpu *y)
{
    /* Some hosts do not tell where (place_unknown in run.c); then the kind is not known either. */
    if (x->fault.addr + x->mem_base == 0)
        return true;
    return x->fault.access == y->fault.access && x->fault.kind == y->fault.kind &&
           (x->fault.addr == y->fault.addr || (x->fault.addr ^ y->fault.addr) < 64 ||
            x->fault.addr - y->fault.addr < 64);
}

static bool same_exit(const struct vcpu *v, const struct vcpu *want)
{
    if (cosim_goes_on(v) || cosim_goes_on(want))
        return cosim_goes_on(v) && cosim_goes_on(want) && v->pc == want->pc;
    if (v->exit != want->exit || v->pc != want->pc)
        return false;
    return v->exit == VCPU_TRAP ? v->trap == want->trap : same_fault(v, want);
}

static bool same_slots(struct engine *e, const struct vcpu *v, const struct vcpu *want)
{
    struct cosim *c = e->cosim;
    const size_t n = e->guest->state_size;
    if (memcmp(v->slots, want->slots, n) == 0)
        return true;
    if (!e->guest->settle)
        return false;
    struct vcpu *x = c->given, *y = c->again; /* of no use any more */
    cosim_copy(e, x, v);
    cosim_copy(e, y, want);
    cosim_settle(e, x, y);
    return memcmp(x->slots, y->slots, n) == 0;
}

bool cosim_same_state(struct engine *e, const struct ir_unit *u, const struct vcpu *v, const struct vcpu *want)
{
    return same_exit(v, want) && same_slots(e, v, want) && v->fp_round == want->fp_round &&
           !cosim_flags_differ(u, v, want);
}

static bool same_memory(const struct ir_overlay *mem)
{
    u64 found;
    for (u32 k = 0; k < mem->n; k++) {
        const struct ir_cell *cell = &mem->cell[mem->used[k]];
        if (cell->mask == 0xff && mk_load(cell->at, 8, &found) == 0 && found == cell->now)
            continue;
        if (cosim_cell_differs(cell, &found))
            return false;
    }
    return true;
}

static bool same_cells(const struct ir_overlay *x, const struct ir_overlay *y)
{
    if (x->n != y->n)
        return false;
    for (u32 k = 0; k < x->n; k++) {
        const struct ir_cell *p = &x->cell[x->used[k]], *q = &y->cell[y->used[k]];
        if (p->at != q->at || p->now != q->now || p->mask != q->mask)
            return false;
    }
    return true;
}

static void write_cell(const struct ir_cell *cell, u64 bits)
{
    for (u32 i = 0; i < 8; i++) {
        const u8 x = (u8)(bits >> 8 * i);
        if (cell->mask >> i & 1)
            (void)!mk_store(cell->at + i, 1, &x);
    }
}

void cosim_undo(const struct cosim *c)
{
    for (u32 k = 0; k < c->plain_mem.n; k++) {
        const struct ir_cell *cell = &c->plain_mem.cell[c->plain_mem.used[k]];
        write_cell(cell, cell->was);
    }
}

/* The host has run less: `plain` is run again, so far only. What the host has stored steps aside meanwhile. */
static bool run_less(struct engine *e, struct cosim_note *note, u64 limit)
{
    struct cosim *c = e->cosim;
    struct ir_overlay *full = &c->plain_mem;
    for (u32 k = 0; k < full->n; k++) {
        struct ir_cell *cell = &full->cell[full->used[k]];
        if (mk_load(cell->at, 8, &cell->found))
            cell->found = cell->was;
        write_cell(cell, cell->was);
    }
    const bool whole = run_plain(e, note, &c->given_mem, limit);
    for (u32 k = 0; k < full->n; k++)
        write_cell(&full->cell[full->used[k]], full->cell[full->used[k]].found);
    const struct ir_overlay less = c->given_mem;
    c->given_mem = c->plain_mem;
    c->plain_mem = less;
    return whole;
}

enum cosim_result cosim_check(struct engine *e, struct vcpu *v, struct cosim_note *note, const void *code)
{
    struct cosim *c = e->cosim;
    struct ir_watch w = {.mem = &c->given_mem, .limit = ~0ull};
    ir_overlay_clear(w.mem);
    cosim_copy(e, c->given, c->before);
    c->given->fuel = v->fuel = FUEL;
    ir_interp_watched(note->given, c->given, &w);
    bool whole = !w.mem->full && run_plain(e, note, &c->plain_mem, w.insns);
    if (!run_enter(e, v, code))
        return COSIM_FAILED;
    if (!whole || (v->exit == VCPU_TRAP && v->trap == IR_TRAP_OWN))
        return COSIM_UNTOLD;
    const bool early = v->exit == VCPU_POLL;
    if (early && !note->given->nlabels && v->pc != c->plain->pc && !run_less(e, note, insns_before(note->given, v->pc)))
        return COSIM_UNTOLD;
    return cosim_same_state(e, note->given, v, c->plain) && same_memory(&c->plain_mem) ? COSIM_SAME : COSIM_DIFFERS;
}

/* The state is as the host has left it, and differs. Would the interpreter come to the same once more? Leaves memory as
 * it was before, and v in the state that the host came to. */
static bool is_steady(struct engine *e, struct vcpu *v, struct cosim_note *note)
{
    struct cosim *c = e->cosim;
    const u64 insns = c->insns;
    cosim_copy(e, c->after, v);
    cosim_undo(c);
    cosim_copy(e, v, c->plain); /* what it came to, for a while */
    const bool whole = run_plain(e, note, &c->given_mem, insns);
    const bool same =
        whole && same_cells(&c->given_mem, &c->plain_mem) && cosim_same_state(e, note->given, c->plain, v);
    cosim_copy(e, v, c->after);
    return same;
}

/* What differs was told, or could not be said for sure: goes on from c->before as if nothing had been run. */
static bool run_anew(struct engine *e, struct vcpu *v, const void *code)
{
    cosim_copy(e, v, e->cosim->before);
    v->fuel = FUEL;
    return run_enter(e, v, code);
}

bool cosim_enter(struct engine *e, struct vcpu *v, const void *code)
{
    struct cosim *c = e->cosim;
    struct cosim_note *note = map_get(&c->notes, (u64)((const u8 *)code - e->code.rx));
    dgm_assert(note, "a translation of %lx that was not noted", v->pc);
    bool ran = true;
    if (c->told || note->varies) {
        v->fuel = FUEL;
        ran = run_enter(e, v, code);
        e->stats.cosim_unchecked += !c->told;
    } else {
        cosim_copy(e, c->before, v);
        switch (cosim_check(e, v, note, code)) {
        case COSIM_SAME:
            e->stats.cosim_checked++;
            break;
        case COSIM_UNTOLD:
            e->stats.cosim_unchecked++;
            break;
        case COSIM_DIFFERS:
            if (is_steady(e, v, note)) {
                c->told = true;
                cosim_report(e, v, note);
            } else {
                e->stats.cosim_unchecked++;
            }
            ran = run_anew(e, v, code);
            break;
        case COSIM_FAILED:
            return false;
        }
    }
    if (ran && v->exit == VCPU_POLL && !vcpu_kicked(v))
        v->exit = VCPU_NONE; /* its fuel was spent */
    return ran;
}
