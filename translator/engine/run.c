/* The dispatcher: runs a vCPU from block to block until something concerns the embedder.
 *
 * Most control flow never comes here: linked exits, matched returns and jump-cache hits go from translation to
 * translation. What comes: exits that are not linked yet, jump-cache misses, traps, faults, polls. */
#include "translator/engine/engine_int.h"

#include "lib/assert.h"
#include "lib/err.h"
#include "lib/str.h"

/* Interpreter tier: notes that `code`, a block, is entered once more; what to enter in its place. */
static const void *count_entry(struct engine *e, struct vcpu *v, const void *code)
{
    struct block *b = (struct block *)(uintptr_t)code;
    if (__atomic_add_fetch(&b->heat, 1, __ATOMIC_RELAXED) != e->cfg.hot)
        return code;
    mk_lock(&e->lock);
    if (!b->dead && v->epoch == e->epoch)
        code = region_make(e, b);
    mk_unlock(&e->lock);
    return code;
}

bool run_links(const struct engine *e)
{
    return !e->cosim && !(e->cfg.off & IR_PASS_BIT(IR_PASS_LINK));
}

/* An entry that takes the place of another counts as so many, as the two may do so again and again. */
#define JC_CLASH 16

void run_remember(struct vcpu *v, gva_t pc, const void *code)
{
    const u32 i = vcpu_jc_index(v, pc);
    struct vcpu_jc *j = &v->jc[i];
    const gva_t old = j->pc;
    __atomic_store_n(&j->pc, vcpu_jc_none(i), __ATOMIC_RELAXED);
    j->code = code;
    __atomic_store_n(&j->pc, pc, __ATOMIC_SEQ_CST); /* before code_found looks whether the block is dead */
    v->jc_room -= old == vcpu_jc_none(i) || old == pc ? 1 : JC_CLASH;
}

/* Does v come to most places for the first time? Then what was stored is entered without more ado; later it is made a
 * block, as those are found without the lock where the jump cache has no room for all. Regions need blocks in any case.
 */
static bool is_new(const struct engine *e, const struct vcpu *v)
{
    return e->image_key && v->jc_mask != VCPU_JC_MASK(VCPU_JC_BITS) && run_links(e) && e->cfg.tier == ENGINE_BASELINE &&
           !e->wishes_left && v->epoch == e->epoch;
}

/* Code for v->pc, found or made, and entered into the jump cache, unless it is to be the guest's `own`; NULL with
 * v->exit and v->fault set when there is none. Also links exit `link_id` (that led here in the vCPU's epoch) when it is
 * not ~0. */
static const void *code_for(struct engine *e, struct vcpu *v, bool own, u32 link_id)
{
    struct vcpu_fault fault = {0};
    int err = 0;
    mk_lock(&e->lock);
    v->stat_lookups++;
    const void *code = NULL;
    if (!own && is_new(e, v) && (code = store_code(e, v->pc, v->mode, link_id))) {
        if (link_id == ~0u)
            run_remember(v, v->pc, code);
        mk_unlock(&e->lock);
        return code;
    }
    struct block *b = translate(e, v, v->pc, own, &fault, &err);
    if (b) {
        if (v->epoch != e->epoch) {
            vcpu_forget(v);
            v->epoch = e->epoch;
            link_id = ~0u;
        }
        code = block_entry(e, b);
        if (!run_links(e)) {
            /* All come back here. */
        } else if (link_id != ~0u) {
            struct exit_rec *x = block_exit(e, link_id);
            if (UNLIKELY(e->wishes_left))
                fork_wish(e, v, link_id, b);
            if (x)
                block_link(e, x, b);
        } else if (!own) { /* an exit that was just linked does not come back */
            if (UNLIKELY(e->wishes_left))
                fork_wish(e, v, ~0u, b);
            run_remember(v, v->pc, code);
        }
        e->stats.own += own;
    }
    mk_unlock(&e->lock);
    if (!b) {
        if (err != -EFAULT)
            fault = (struct vcpu_fault){.addr = v->pc, .kind = VCPU_FAULT_BUS, .access = VCPU_EXEC};
        v->fault = fault;
        v->exit = VCPU_FAULT;
    }
    return code;
}

/* The same for a block that exists, without the lock: what jump-cache misses mostly want. The vCPU counts as running
 * meanwhile, so that no flush takes blocks away. A block may be killed at the same time: the killer marks it dead first
 * and clears jump caches after, we enter it first and look at the mark after, so that one of us takes the entry out. */
static const void *code_found(struct engine *e, struct vcpu *v)
{
    const void *code = NULL;
    if (!run_links(e))
        return NULL;
    __atomic_store_n(&v->running, 1, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&e->flushing, __ATOMIC_SEQ_CST) && __atomic_load_n(&e->epoch, __ATOMIC_SEQ_CST) == v->epoch) {
        struct block *b = block_find(e, v->pc, v->mode);
        if (b) {
            v->stat_lookups++;
            code = block_entry(e, b);
            run_remember(v, v->pc, code);
            if (__atomic_load_n(&b->dead, __ATOMIC_SEQ_CST)) {
                const u32 i = vcpu_jc_index(v, v->pc);
                __atomic_store_n(&v->jc[i].pc, vcpu_jc_none(i), __ATOMIC_RELAXED);
                code = NULL;
            } else if (UNLIKELY(__atomic_load_n(&e->wishes_left, __ATOMIC_RELAXED))) {
                fork_wish(e, v, ~0u, b);
            }
        }
    }
    __atomic_store_n(&v->running, 0, __ATOMIC_RELEASE);
    return code;
}

/* Says that v is running, to be seen before what is loaded next: where no thread but this one can begin a flush, which
 * it does outside, nobody looks, and a store that waits for its turn is enough. (The engine's own thread never flushes,
 * a debugger's may.) */
static void say_running(const struct engine *e, struct vcpu *v)
{
    if (LIKELY(!engine_is_shared(e) && !e->cfg.ops->stop_at))
        __atomic_store_n(&v->running, 1, __ATOMIC_RELAXED);
    else
        __atomic_store_n(&v->running, 1, __ATOMIC_SEQ_CST);
}

/* v is about to run translated code at v->pc; false: a flush came between. */
static bool go_inside(const struct engine *e, struct vcpu *v)
{
    say_running(e, v);
    if (__atomic_load_n(&e->flushing, __ATOMIC_SEQ_CST) || __atomic_load_n(&e->epoch, __ATOMIC_SEQ_CST) != v->epoch) {
        __atomic_store_n(&v->running, 0, __ATOMIC_RELEASE);
        return false;
    }
    return true;
}

/* Is there code in place that would be faster as a copy? */
static bool is_young(const struct engine *e)
{
    return e->nplaces && !e->tight;
}

void vcpu_outside(struct vcpu *v)
{
    __atomic_store_n(&v->running, 0, __ATOMIC_RELEASE);
}

bool vcpu_inside(struct vcpu *v)
{
    if (UNLIKELY(is_young(v->engine)))
        sample_age(v);
    v->exit = VCPU_NONE;
    return go_inside(v->engine, v);
}

/* What is run in place does not say where its exits lead. */
static void run_inside(struct engine *e, struct vcpu *v, const void *code)
{
    e->host->enter(v, code, e->common);
    if (v->exit == VCPU_LINK && v->exit_id >= e->max_exits)
        v->pc = store_exit_pc(e, v->exit_id);
}

/* Enters `code` unless a flush came between. */
bool run_enter(struct engine *e, struct vcpu *v, const void *code)
{
    if (!go_inside(e, v))
        return false;
    v->recent[v->stat_entries++ % VCPU_RECENT] = v->pc;
    if (e->host)
        run_inside(e, v, code);
    else
        ir_interp(((const struct block *)code)->unit, v);
    __atomic_store_n(&v->running, 0, __ATOMIC_RELEASE);
    return true;
}

/* A trap that the engine deals with itself. */
static bool engine_trap(struct engine *e, struct vcpu *v)
{
    switch (v->trap) {
    case IR_TRAP_SYNC:
        engine_sync(e);
        return true;
    case IR_TRAP_MODE:
        vcpu_changed(v);
        return true;
    default:
        return false;
    }
}

/* Some hosts do not tell the address of a fault, nor whether it was a write, where it is none that they have
 * (mk_fault.addr is 0 then). Made again by a step, the access itself tells. */
static bool place_unknown(const struct vcpu *v)
{
    return v->fault.addr + v->mem_base == 0 && v->fault.kind == VCPU_FAULT_UNMAPPED && v->fault.access != VCPU_EXEC;
}

enum vcpu_exit vcpu_run(struct vcpu *v)
{
    struct engine *e = v->engine;
    u32 link_id = ~0u;
    bool own = false; /* what is at pc is the guest's own, even where a library routine is known; nothing is merged */
    if (UNLIKELY(!v->sample.on))
        sample_start(v);
    if (v->nans_trap && v->trapped >= ENGINE_TRAPS)
        vcpu_changed(v);
    /* A store that faulted is made again by a step: were it translated, a store into its own page would watch that page
     * anew, and fault for ever. */
    if (v->exit == VCPU_FAULT && v->fault.access == VCPU_WRITE && !vcpu_kicked(v)) {
        enum vcpu_exit exit = vcpu_step(v);
        if (exit != VCPU_TRAP || v->trap != IR_TRAP_STOP)
            return exit;
    }
    for (;;) {
        if (vcpu_kicked(v)) {
            v->exit = VCPU_POLL;
            return VCPU_POLL;
        }
        if (UNLIKELY(v->jc_room < 0))
            vcpu_jc_grow(v);
        if (UNLIKELY(e->cfg.hot) && e->host && sample_look(v) && link_id == ~0u && !own) {
            const enum vcpu_exit exit = vcpu_step(v);
            if (exit != VCPU_TRAP || v->trap != IR_TRAP_STOP)
                return exit;
            continue;
        }
        const void *code = NULL;
        const struct vcpu_jc *j = &v->jc[vcpu_jc_index(v, v->pc)];
        if (link_id == ~0u && !own && __atomic_load_n(&j->pc, __ATOMIC_ACQUIRE) == v->pc &&
            v->epoch == __atomic_load_n(&e->epoch, __ATOMIC_RELAXED))
            code = j->code;
        if (!code && link_id == ~0u && !own)
            code = code_found(e, v);
        cosim_lock(e);
        if (!code && !(code = code_for(e, v, own, link_id))) {
            cosim_unlock(e);
            return v->exit;
        }
        link_id = ~0u;
        if (!e->host && e->cfg.hot)
            code = count_entry(e, v, code);
        const bool ran = e->cosim ? cosim_enter(e, v, code) : run_enter(e, v, code);
        cosim_unlock(e);
        const bool sampled = __atomic_load_n(&v->poll, __ATOMIC_RELAXED) == VCPU_SAMPLED;
        if (UNLIKELY(sampled))
            sample_take(v);
        if (!ran)
            continue;
        if (UNLIKELY(is_young(e)))
            sample_age(v);
        own = false;
        switch (v->exit) {
        case VCPU_LINK:
            link_id = v->exit_id;
            break;
        case VCPU_NONE:
        case VCPU_LOOKUP:
            break;
        case VCPU_TRAP:
            own = v->trap == IR_TRAP_OWN;
            if (own || engine_trap(e, v))
                break;
            return VCPU_TRAP;
        case VCPU_FAULT:
            if (place_unknown(v) && !vcpu_kicked(v)) {
                enum vcpu_exit exit = vcpu_step(v);
                if (exit == VCPU_TRAP && v->trap == IR_TRAP_STOP)
                    break;
                return exit;
            }
            return VCPU_FAULT;
        case VCPU_POLL:
            if (v->tally < 0)
                trial_tick(e, v);
            else if (!sampled || vcpu_kicked(v))
                return v->exit;
            break;
        default:
            dgm_assert(false, "vcpu exit %u", v->exit);
        }
    }
}

static enum vcpu_exit step(struct vcpu *v)
{
    struct engine *e = v->engine;
    u8 code[16];
    struct vcpu_fault fault = {0};
    size_t n = translate_fetch(e, v->pc, code, e->guest->max_insn, &fault);
    if (!n) {
        v->fault = fault;
        return v->exit = VCPU_FAULT;
    }
    struct guest_request rq = {
        .pc = v->pc, .code = code, .len = n, .mode = v->mode, .max_insns = 1, .stop_after = true};
    mk_lock(&e->lock);
    struct ir_unit u;
    arena_reset(&e->tmp);
    int rc = translate_unit(e, &rq, &e->tmp, &u);
    /* The temporary arena is the engine's: what a step needs of it is copied before the lock goes. */
    struct ir_ins ins[256];
    bool cut = !rc && translate_cut_short(&u);
    if (!rc && u.n > ARRAY_LEN(ins))
        rc = -ENOMEM;
    if (!rc) {
        memcpy(ins, u.ins, u.n * sizeof *ins);
        u.ins = ins;
    }
    mk_unlock(&e->lock);
    if (cut || rc) {
        translate_cut_fault(e, v->pc + n, &v->fault);
        return v->exit = VCPU_FAULT;
    }
    u32 poll = __atomic_exchange_n(&v->poll, 0, __ATOMIC_RELAXED); /* a step is not interrupted */
    ir_interp(&u, v);
    if (poll)
        vcpu_kick(v);
    if (v->exit == VCPU_TRAP && engine_trap(e, v))
        v->exit = VCPU_NONE;
    if (v->exit == VCPU_NONE || v->exit == VCPU_LOOKUP) {
        v->exit = VCPU_TRAP;
        v->trap = IR_TRAP_STOP;
    }
    return v->exit;
}

enum vcpu_exit vcpu_step(struct vcpu *v)
{
    cosim_lock(v->engine);
    const enum vcpu_exit exit = step(v);
    cosim_unlock(v->engine);
    return exit;
}
