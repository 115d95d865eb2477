/* From guest bytes to an entered block.
 *
 * Order matters here: the pages are watched first and their bytes copied after, so that no write falls between. The
 * frontend works on the copy. When the cache or one of the tables is full, everything is flushed and the work starts
 * again, once: a unit that does not fit an empty cache is made again with fewer instructions. */
#include "translator/engine/engine_int.h"
#include "translator/ir/ir_build.h"

#include "lib/assert.h"
#include "lib/err.h"
#include "lib/str.h"

#define MAX_CODE 4096 /* bytes of guest code that one unit may cover */

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

int translate_unit(struct engine *e, u64 mode, const struct guest_request *rq, struct ir_unit *u)
{
    arena_reset(&e->tmp);
    memset(u, 0, sizeof *u);
    u->arena = &e->tmp;
    u->code_key = mode;
    u->alone = !e->shared;
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
static int stop_unit(struct engine *e, u64 mode, gva_t pc, struct ir_unit *u)
{
    arena_reset(&e->tmp);
    memset(u, 0, sizeof *u);
    u->arena = &e->tmp;
    u->slots = &e->guest->slots;
    u->code_key = mode;
    struct ir_builder b;
    ir_begin(&b, u, pc);
    ir_insn(&b, pc, e->guest->min_insn);
    ir_trap(&b, IR_TRAP_STOP, pc);
    return ir_finish(&b);
}

/* Copies `u` into the epoch's arena, for the interpreter. */
static struct ir_unit *keep_unit(struct engine *e, const struct ir_unit *u)
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

/* Emits `u` into the cache and fills the block's host side. -ENOSPC when the cache or a table is full. */
static int emit(struct engine *e, const struct ir_unit *u, struct block *b, struct host_code *hc)
{
    u32 max_marks = 4 * (u->guest_insns + 2) + 16;
    size_t align = e->host->code_align ? e->host->code_align : 16;
    size_t off = (e->used + align - 1) & ~(align - 1);
    if (off >= e->code.size || e->nblocks == e->max_blocks || e->nexits + 2 * u->nexits + 2 > e->max_exits)
        return -ENOSPC;
    struct host_exit *exits = arena_alloc(&e->tmp, (2 * u->nexits + 2) * sizeof *exits, _Alignof(struct host_exit));
    struct host_mark *marks = arena_alloc(&e->tmp, max_marks * sizeof *marks, _Alignof(struct host_mark));
    if (!exits || !marks)
        return -ENOMEM;
    *hc = (struct host_code){
        .rw = e->code.rw + off,
        .rx = e->code.rx + off,
        .cap = e->code.size - off,
        .exit_id = e->nexits,
        .common = e->common,
        .flat0 = e->cfg.mem_base == 0,
        .count = e->cfg.count_calls,
        .marks = marks,
        .nmarks_cap = max_marks,
        .exits = exits,
        .nexits_cap = 2 * u->nexits + 2,
    };
    int rc = e->host->emit(u, hc);
    if (rc)
        return rc;
    struct host_mark *kept = arena_alloc(&e->meta, hc->nmarks * sizeof *kept + 1, _Alignof(struct host_mark));
    if (!kept)
        return -ENOSPC;
    memcpy(kept, marks, hc->nmarks * sizeof *kept);
    b->marks = kept;
    b->nmarks = hc->nmarks;
    b->code_off = (u32)off;
    b->code_len = (u32)hc->size;
    b->exit_id = e->nexits;
    b->nexits = hc->nexits;
    for (u32 i = 0; i < hc->nexits; i++) {
        struct exit_rec *x = &e->exits[e->nexits + i];
        *x = (struct exit_rec){.owner = b,
                               .site_off = (u32)off + exits[i].site_off,
                               .stub_off = (u32)off + exits[i].stub_off,
                               .pc = exits[i].pc};
    }
    e->nexits += hc->nexits;
    mk_code_sync(&e->code, off, hc->size);
    e->used = off + hc->size;
    return 0;
}

/* One try. -ENOSPC: flush and try again. */
static int attempt(struct engine *e, struct vcpu *v, gva_t pc, u32 max_insns, struct vcpu_fault *fault,
                   struct block **out)
{
    u8 code[MAX_CODE];
    size_t want = (size_t)max_insns * e->guest->max_insn;
    if (want > sizeof code)
        want = sizeof code;
    /* A block touches at most two pages. */
    u64 room = (pc / e->page_size + 2) * e->page_size - pc;
    if (want > room)
        want = room;
    size_t n = e->cfg.ops->executable(e->cfg.cx, pc, want, fault);
    if (!n)
        return -EFAULT;
    int rc;
    bool watched = block_watch(e, pc, n < want ? n : want, &rc);
    if (rc)
        return -ENOSPC;
    n = translate_fetch(e, pc, code, want, fault);
    if (!n)
        return -EFAULT;

    struct guest_request rq = {
        .pc = pc,
        .code = code,
        .len = n,
        .mode = v->mode,
        .max_insns = max_insns,
        .max_exits = ENGINE_MAX_EXITS,
        .stop_at = e->cfg.ops->stop_at,
        .cx = e->cfg.cx,
    };
    struct ir_unit u;
    if (rq.stop_at && rq.stop_at(rq.cx, pc))
        rc = stop_unit(e, v->mode, pc, &u);
    else
        rc = translate_unit(e, v->mode, &rq, &u);
    if (rc)
        return rc;
    if (translate_cut_short(&u)) {
        translate_cut_fault(e, pc + n, fault);
        return -EFAULT;
    }

    struct block *b = arena_alloc(&e->meta, sizeof *b, _Alignof(struct block));
    if (!b)
        return -ENOSPC;
    memset(b, 0, sizeof *b);
    b->pc = pc;
    b->key = v->mode;
    b->guest_len = u.guest_bytes;
    if (!watched) {
        u8 *source = arena_alloc(&e->meta, u.guest_bytes, 1);
        if (!source)
            return -ENOSPC;
        memcpy(source, code, u.guest_bytes);
        b->source = source;
    }
    struct host_code hc = {0};
    if (e->host) {
        rc = emit(e, &u, b, &hc);
        if (rc)
            return rc;
        e->index[e->nblocks] = b;
        __atomic_store_n(&e->nblocks, e->nblocks + 1, __ATOMIC_RELEASE);
    } else {
        b->unit = keep_unit(e, &u);
        if (!b->unit)
            return -ENOSPC;
    }
    rc = block_insert(e, b);
    if (rc)
        return rc;
    e->stats.blocks++;
    e->stats.guest_insns += u.guest_insns;
    e->stats.guest_bytes += u.guest_bytes;
    e->stats.host_bytes += hc.size;
    if (e->cfg.made && e->host)
        e->cfg.made(e->cfg.cx, (hva_t)hc.rx, hc.size, pc);
    if (e->cfg.dump)
        dump_block(e, &u, code, &hc);
    *out = b;
    return 0;
}

struct block *translate(struct engine *e, struct vcpu *v, gva_t pc, struct vcpu_fault *fault, int *err)
{
    struct block *b = block_find(e, pc, v->mode);
    if (b)
        return b;
    u64 t0 = mk_clock();
    u32 max = e->cfg.max_insns ? e->cfg.max_insns : ENGINE_MAX_INSNS;
    bool flushed = false;
    for (;;) {
        *err = attempt(e, v, pc, max, fault, &b);
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
