/* From guest bytes to an entered block.
 *
 * Order matters here: the pages are watched first and their bytes copied after, so that no write falls between. The
 * frontend works on the copy. When the cache or one of the tables is full, everything is flushed and the work starts
 * again, once: a unit that does not fit an empty cache is made again with fewer instructions. */
#include "translator/engine/engine_int.h"
#include "translator/engine/image.h"
#include "translator/ir/ir_build.h"

#include "lib/assert.h"
#include "lib/err.h"
#include "lib/str.h"

#define MAX_CODE   4096 /* bytes of guest code that one unit may cover */
#define MAX_RELOCS 1024 /* of a unit that can be stored */

size_t translate_fetch(struct engine *e, gva_t pc, u8 *buf, size_t want, struct vcpu_fault *fault)
{
    size_t n = e->cfg.ops->executable(e->cfg.cx, pc, want, fault);
    if (!n)
        return 0;
    if (n > want)
        n = want;
    if (mk_copy(buf, (const void *)(e->cfg.mem_base + pc), n) == 0)
        return n;
    /* Part of it vanished or has no memory behind it: take what there is, an instruction unit at a time. */
    size_t got = 0, step = e->guest->min_insn;
    while (got + step <= n && mk_copy(buf + got, (const void *)(e->cfg.mem_base + pc + got), step) == 0)
        got += step;
    if (!got) {
        hva_t addr;
        u32 kind;
        bool write;
        mk_last_fault(&addr, &kind, &write);
        fault->addr = pc;
        fault->access = VCPU_EXEC;
        fault->kind = kind == MK_FAULT_BUS          ? VCPU_FAULT_BUS
                      : kind == MK_FAULT_PROTECTION ? VCPU_FAULT_PROTECTION
                                                    : VCPU_FAULT_UNMAPPED;
    }
    return got;
}

bool translate_cut_short(const struct ir_unit *u)
{
    const struct ir_ins *last = &u->ins[u->n - 1];
    return last->op == IR_OP_trap && last->aux == IR_TRAP_FETCH;
}

void translate_cut_fault(struct engine *e, gva_t missing, struct vcpu_fault *fault)
{
    *fault = (struct vcpu_fault){.addr = missing, .kind = VCPU_FAULT_UNMAPPED, .access = VCPU_EXEC};
    struct vcpu_fault there;
    if (!e->cfg.ops->executable(e->cfg.cx, missing, 1, &there))
        *fault = there;
}

int translate_unit(struct engine *e, const struct guest_request *rq, struct arena *arena, struct ir_unit *u)
{
    memset(u, 0, sizeof *u);
    u->arena = arena;
    u->code_key = rq->mode;
    u->nans_trap = vcpu_nans_trap(e, rq->mode);
    u->off = e->cfg.off;
    u->broken = e->cfg.broken;
    u->alone = !e->shared && !ir_is_off(u, IR_PASS_ALONE);
    int rc = e->guest->translate(rq, u);
#ifndef NDEBUG
    if (!rc) {
        char why[200];
        dgm_assert(ir_verify(u, why, sizeof why) == 0, "unit at %lx: %s", rq->pc, why);
    }
#endif
    return rc;
}

/* The unit of a breakpoint: it stops before its first instruction. */
static int stop_unit(struct engine *e, const struct guest_request *rq, struct arena *arena, struct ir_unit *u)
{
    const gva_t pc = rq->pc;
    memset(u, 0, sizeof *u);
    u->arena = arena;
    u->slots = &e->guest->slots;
    u->code_key = rq->mode;
    u->off = e->cfg.off;
    struct ir_builder b;
    ir_begin(&b, u, pc);
    ir_insn(&b, pc, e->guest->min_insn);
    ir_trap(&b, IR_TRAP_STOP, pc);
    return ir_finish(&b);
}

/* The unit of a library routine. */
static int known_unit(struct engine *e, const struct guest_request *rq, u32 known, struct arena *arena,
                      struct ir_unit *u)
{
    memset(u, 0, sizeof *u);
    u->arena = arena;
    u->code_key = rq->mode;
    u->off = e->cfg.off;
    int rc = guest_known_unit(e->guest, rq->pc, known, u);
#ifndef NDEBUG
    if (!rc) {
        char why[200];
        dgm_assert(ir_verify(u, why, sizeof why) == 0, "unit at %lx: %s", rq->pc, why);
    }
#endif
    return rc;
}

struct ir_unit *translate_keep(struct engine *e, const struct ir_unit *u)
{
    struct ir_unit *k = arena_alloc(&e->meta, sizeof *k, _Alignof(struct ir_unit));
    struct ir_ins *ins = arena_alloc(&e->meta, u->n * sizeof *ins, _Alignof(struct ir_ins));
    if (!k || !ins)
        return NULL;
    memcpy(ins, u->ins, u->n * sizeof *ins);
    *k = *u;
    k->ins = ins;
    k->arena = NULL;
    k->cap = u->n;
    return k;
}

/* Keeps the block's marks. */
static int keep_marks(struct engine *e, struct block *b, const struct host_code *hc)
{
    const size_t size = marks_pack(NULL, hc->marks, hc->nmarks);
    u8 *to = arena_alloc(&e->meta, size + 1, 1);
    if (!to)
        return -ENOSPC;
    marks_pack(to, hc->marks, hc->nmarks);
    b->marks = to;
    b->marks_size = (u32)size;
    return 0;
}

int translate_emit(struct engine *e, const struct ir_unit *u, struct block *b, struct host_code *hc)
{
    u32 max_marks = 6 * (u->guest_insns + 2) + 16;
    size_t align = e->host->code_align ? e->host->code_align : 16;
    size_t off = (e->used + align - 1) & ~(align - 1);
    if (off >= e->code.size || e->nblocks == e->max_blocks || e->nexits + 2 * u->nexits + 2 > e->max_exits)
        return -ENOSPC;
    struct host_exit *exits = arena_alloc(u->arena, (2 * u->nexits + 2) * sizeof *exits, _Alignof(struct host_exit));
    struct host_mark *marks = arena_alloc(u->arena, max_marks * sizeof *marks, _Alignof(struct host_mark));
    if (!exits || !marks)
        return -ENOMEM;
    cache_write(e);
    u32 *relocs = e->image_key ? ARENA_NEW_N(u->arena, u32, MAX_RELOCS) : NULL;
    *hc = (struct host_code){
        .rw = e->code.rw + off,
        .rx = e->code.rx + off,
        .cap = e->code.size - off,
        .exit_id = e->nexits,
        .common = e->common,
        .flat0 = e->cfg.mem_base == 0,
        .fuel = e->cosim != NULL,
        .choosy = true,
        .count = e->cfg.count_calls,
        .tally = b->counted ? e->trial.pc : 0,
        .plan = hc->plan,
        .plan_arena = hc->plan_arena,
        .marks = marks,
        .nmarks_cap = max_marks,
        .exits = exits,
        .nexits_cap = 2 * u->nexits + 2,
        .relocs = relocs,
        .nrelocs_cap = relocs ? MAX_RELOCS : 0,
    };
    cache_ready(e, off + 1, e->nexits + u->nexits);
    struct ir_unit merged = *u; /* u stays as the guest wrote it, for who runs it again */
    int rc = 0;
    if (e->host->merges && !(b->key & ENGINE_OWN))
        rc = ir_merge(&merged);
    if (!rc)
        rc = ir_ahead(&merged);
    if (!rc)
        rc = e->host->emit(&merged, hc);
    if (rc)
        return rc;
    if (keep_marks(e, b, hc))
        return -ENOSPC;
    b->code_off = (u32)off;
    b->code_len = (u32)hc->size;
    b->exit_id = e->nexits;
    b->nexits = hc->nexits;
    if (relocs && hc->movable && !b->counted) {
        u32 *kept_relocs = arena_alloc(&e->meta, hc->nrelocs * sizeof *relocs + 1, _Alignof(u32));
        if (!kept_relocs)
            return -ENOSPC;
        memcpy(kept_relocs, relocs, hc->nrelocs * sizeof *relocs);
        b->relocs = kept_relocs;
        b->nrelocs = hc->nrelocs;
        b->movable = true;
    }
    struct exit_rec *x = ARENA_NEW_N(&e->meta, struct exit_rec, hc->nexits + 1);
    if (!x)
        return -ENOSPC;
    for (u32 i = 0; i < hc->nexits; i++) {
        x[i] = (struct exit_rec){
            .site_off = (u32)off + exits[i].site_off, .stub_off = (u32)off + exits[i].stub_off, .pc = exits[i].pc};
    }
    if (hc->nstate) {
        u64 *state = arena_array(&e->meta, hc->nstate, sizeof *state, _Alignof(u64));
        if (!state)
            return -ENOSPC;
        memcpy(state, hc->state, hc->nstate * sizeof *state);
        b->state = state;
        b->nstate = hc->nstate;
    }
    for (u32 i = 0; i < hc->nexits; i++)
        e->exits[e->nexits + i] = &x[i];
    e->nexits += hc->nexits;
    e->index[e->nblocks] = b;
    __atomic_store_n(&e->nblocks, e->nblocks + 1, __ATOMIC_RELEASE);
    mk_code_sync(&e->code, off, hc->size);
    e->used = off + hc->size;
    return 0;
}

static int piece(struct engine *e, struct guest_request *rq, u32 known, struct arena *arena, struct ir_unit *u,
                 struct vcpu_fault *fault, bool *watched)
{
    const gva_t pc = rq->pc;
    size_t want = (size_t)rq->max_insns * e->guest->max_insn;
    if (want > MAX_CODE)
        want = MAX_CODE;
    /* A unit touches at most two pages. */
    u64 room = (pc / e->page_size + 2) * e->page_size - pc;
    if (want > room)
        want = room;
    u8 *code = arena_alloc(arena, want, 1);
    if (!code)
        return -ENOMEM;
    size_t n = e->cfg.ops->executable(e->cfg.cx, pc, want, fault);
    if (!n)
        return -EFAULT;
    int rc;
    *watched = block_watch(e, pc, n < want ? n : want, &rc);
    if (rc)
        return -ENOSPC;
    n = translate_fetch(e, pc, code, want, fault);
    if (!n)
        return -EFAULT;
    rq->code = code;
    rq->len = n;
    if (e->cfg.ops->stop_at && e->cfg.ops->stop_at(e->cfg.cx, pc))
        rc = stop_unit(e, rq, arena, u);
    else if (known)
        rc = known_unit(e, rq, known, arena, u);
    else
        rc = translate_unit(e, rq, arena, u);
    if (rc)
        return rc;
    if (translate_cut_short(u)) {
        translate_cut_fault(e, pc + n, fault);
        return -EFAULT;
    }
    return 0;
}

int translate_piece(struct engine *e, struct guest_request *rq, struct arena *arena, struct ir_unit *u,
                    struct vcpu_fault *fault, bool *watched)
{
    return piece(e, rq, 0, arena, u, fault, watched);
}

/* Which library routine is at pc, and can be host code in this mode? */
static u32 known_at(struct engine *e, gva_t pc, u64 mode)
{
    if (!e->host || !e->host->known || !e->cfg.ops->known || e->cfg.max_insns == 1 || (mode & e->guest->no_known) ||
        (e->cfg.off & IR_PASS_BIT(IR_PASS_KNOWN)))
        return 0;
    return e->cfg.ops->known(e->cfg.cx, pc);
}

/* One try. -ENOSPC: flush and try again. */
static int attempt(struct engine *e, struct vcpu *v, gva_t pc, bool own, u32 max_insns, struct vcpu_fault *fault,
                   struct block **out)
{
    const u32 known = own ? 0 : known_at(e, pc, v->mode);
    struct guest_request rq = {
        .pc = pc,
        .mode = v->mode,
        .max_insns = max_insns,
        .max_exits = ENGINE_MAX_EXITS,
        .max_rounds = e->cfg.off & IR_PASS_BIT(IR_PASS_ROUNDS) ? 0 : ENGINE_MAX_ROUNDS,
        .stop_at = e->cfg.ops->stop_at,
        .cx = e->cfg.cx,
    };
    struct ir_unit u;
    bool watched;
    arena_reset(&e->tmp);
    int rc = piece(e, &rq, known, &e->tmp, &u, fault, &watched);
    if (rc)
        return rc;

    struct block *b = arena_alloc(&e->meta, sizeof *b, _Alignof(struct block));
    if (!b)
        return -ENOSPC;
    memset(b, 0, sizeof *b);
    b->pc = pc;
    b->key = v->mode | (own ? ENGINE_OWN : 0);
    b->known = known;
    b->counted = trial_counts(e, &u);
    b->nextents = 1;
    b->own = (struct extent){pc, u.guest_bytes};
    b->extent = &b->own;
    if (!watched) {
        u8 *source = arena_alloc(&e->meta, u.guest_bytes, 1);
        if (!source)
            return -ENOSPC;
        memcpy(source, rq.code, u.guest_bytes);
        b->source = source;
    }
    struct host_code hc = {0};
    if (e->host) {
        rc = translate_emit(e, &u, b, &hc);
        if (rc)
            return rc;
    } else {
        b->unit = translate_keep(e, &u);
        if (!b->unit)
            return -ENOSPC;
    }
    rc = cosim_note(e, b, &u, rq.code);
    if (!rc)
        rc = block_insert(e, b);
    if (rc)
        return rc;
    b->movable &= !own; /* which stands for what was found out about one call */
    if (b->movable && !b->source && !translate_cut_short(&u))
        store_note(e, b, rq.code);
    else
        b->movable = false;
    e->stats.blocks++;
    e->stats.known += b->known;
    e->stats.guest_insns += u.guest_insns;
    e->stats.guest_bytes += u.guest_bytes;
    e->stats.host_bytes += hc.size;
    if (e->cfg.made && e->host)
        e->cfg.made(e->cfg.cx, (hva_t)hc.rx, hc.size, pc);
    if (e->cfg.dump)
        dump_block(e, &u, rq.code, &hc);
    *out = b;
    return 0;
}

struct block *translate(struct engine *e, struct vcpu *v, gva_t pc, bool own, struct vcpu_fault *fault, int *err)
{
    struct block *b = block_get(e, pc, v->mode | (own ? ENGINE_OWN : 0));
    if (b)
        return b;
    if (!own && e->image_key && store_load(e, pc) && (b = block_get(e, pc, v->mode)))
        return b;
    u64 t0 = mk_clock();
    u32 max = e->cfg.max_insns ? e->cfg.max_insns : ENGINE_MAX_INSNS;
    bool flushed = false;
    for (;;) {
        *err = attempt(e, v, pc, own, max, fault, &b);
        if (*err != -ENOSPC)
            break;
        if (flushed) {
            if (max == 1) {
                *err = -ENOMEM;
                break;
            }
            max = max / 2;
        }
        cache_flush(e);
        flushed = true;
    }
    e->stats.translate_ns += mk_clock() - t0;
    return *err ? NULL : b;
}
