/* vCPUs: making and ending them, and their return-address stacks.
 *
 * The return-address stack is memory that the host's stack pointer walks while translated code runs. It grows down to a
 * guard page; its top holds sentinel entries (VCPU_RAS_SENTINELS).
 */
#include "translator/engine/engine_int.h"

#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/err.h"
#include "lib/str.h"

/* Entries of its jump cache. */
static u32 jc_count(const struct vcpu *v)
{
    return (v->jc_mask >> 1) + 1;
}

static size_t jc_size(const struct vcpu *v)
{
    return jc_count(v) * sizeof *v->jc;
}

void vcpu_forget(struct vcpu *v)
{
    /* An entry of zeros is empty, but for the first (vcpu_jc_none). */
    memset(v->jc, 0, jc_size(v));
    v->jc[0].pc = vcpu_jc_none(0);
    host_ras_empty(v, v->engine->host, v->engine->common);
}

/* The jump cache begins small, as a page of memory for it costs about as much as a look-up that misses. It is four
 * times as large once half as many entries as it has were made. */
static void jc_begin(struct vcpu *v, u32 bits)
{
    v->jc_mask = VCPU_JC_MASK(bits);
    v->jc_room = bits == VCPU_JC_BITS ? 0x7fffffff : 1 << (bits - 1);
}

/* With the engine's lock: who kills a block looks for its entry. */
static void jc_grow(struct vcpu *v)
{
    const u32 n = jc_count(v), bits = ctz32(n);
    const u32 more = bits + 2 < VCPU_JC_BITS ? bits + 2 : VCPU_JC_BITS;
    if (bits < VCPU_JC_BITS)
        mk_pages_ready(&v->jc[n], ((1u << more) - n) * sizeof *v->jc);
    jc_begin(v, more);
    for (u32 i = 0; i < n; i++) {
        struct vcpu_jc *from = &v->jc[i], *to = &v->jc[vcpu_jc_index(v, from->pc)];
        if (from->pc == vcpu_jc_none(i) || to == from)
            continue;
        *to = *from;
        from->pc = vcpu_jc_none(i);
    }
}

void vcpu_jc_grow(struct vcpu *v)
{
    mk_lock(&v->engine->lock);
    jc_grow(v);
    mk_unlock(&v->engine->lock);
}

bool vcpu_nans_trap(const struct engine *e, u64 key)
{
    return e->host && e->host->nans_trap && e->host->nans_trap() && e->guest->keeps_nans && e->guest->keeps_nans(key) &&
           !(key & ENGINE_LOOKS) && !(e->cfg.off & IR_PASS_BIT(IR_PASS_TRAP));
}

/* The code key, and what goes with it. */
static void set_mode(struct vcpu *v, u64 mode)
{
    const bool trap = vcpu_nans_trap(v->engine, mode);
    v->mode = mode;
    if (v->nans_trap != trap)
        v->nans_trap = trap;
    if (trap && v->flags_trap)
        v->flags_trap = 0;
}

void vcpu_changed(struct vcpu *v)
{
    u64 mode = v->engine->guest->mode(v) | (v->trapped >= ENGINE_TRAPS ? ENGINE_LOOKS : 0);
    if (mode == v->mode)
        return;
    set_mode(v, mode);
    vcpu_forget(v);
}

void vcpu_free(struct vcpu *v)
{
    size_t page = mk_page_size();
    if (v->ras_base)
        mk_pages_free((u8 *)v->ras_base - page, v->ras_size + page);
    if (v->calls)
        mk_pages_free(v->calls, VCPU_CALLS * sizeof *v->calls);
    mk_pages_free(v, sizeof(struct vcpu));
}

/* Memory for a vCPU, all zero. */
static int vcpu_alloc(struct vcpu **out, struct engine *e)
{
    void *mem, *ras, *calls;
    const size_t page = mk_page_size();
    int rc = mk_pages_alloc(&mem, sizeof(struct vcpu));
    if (rc)
        return rc;
    struct vcpu *v = mem;
    if (e->host) {
        rc = mk_pages_alloc(&ras, ENGINE_RAS_SIZE + page);
        if (!rc) {
            v->ras_base = (u8 *)ras + page;
            v->ras_size = ENGINE_RAS_SIZE;
            rc = mk_pages_guard(ras, ENGINE_RAS_SIZE + page);
        }
    }
    if (!rc && e->cfg.count_calls && !(rc = mk_pages_alloc(&calls, VCPU_CALLS * sizeof *v->calls)))
        v->calls = calls;
    if (rc) {
        vcpu_free(v);
        return rc;
    }
    v->jc[0].pc = vcpu_jc_none(0); /* as vcpu_forget does; the rest is zero */
    jc_begin(v, e->host && !e->host->jc_grows ? VCPU_JC_BITS : VCPU_JC_FIRST);
    *out = v;
    return 0;
}

/* One of a thread that has ended, as if new but for its jump cache, which is right for v->epoch and v->mode as long as
 * no more blocks than *killed have been killed; NULL if none is there.
 * *first: there is no other yet. */
static struct vcpu *vcpu_again(struct engine *e, u64 *killed, bool *first)
{
    mk_lock(&e->lock);
    struct vcpu *v = e->idle;
    *killed = e->stats.invalidated;
    *first = !e->vcpus;
    if (v) {
        e->idle = v->next;
        e->nidle--;
    }
    mk_unlock(&e->lock);
    if (!v)
        return NULL;
    void *const ras = v->ras_base;
    u64 *const calls = v->calls;
    const u64 epoch = v->epoch, mode = v->mode;
    const u32 jc_mask = v->jc_mask;
    const s32 jc_room = v->jc_room;
    memset(v, 0, offsetof(struct vcpu, cpu));
    v->ras_base = ras;
    v->ras_size = ras ? ENGINE_RAS_SIZE : 0;
    v->calls = calls;
    v->epoch = epoch;
    v->mode = mode;
    v->jc_mask = jc_mask;
    v->jc_room = jc_room;
    /* These lie apart, on pages that a fork may have made read-only. */
    if (v->unseen | v->trapped | v->stepping | v->fuel)
        v->unseen = v->trapped = v->stepping = v->fuel = 0;
    if (v->flags_trap | v->flag_reads | v->flag_wait)
        v->flags_trap = v->flag_reads = v->flag_wait = 0;
    v->sample = (struct vcpu_sample){0};
    if (v->tally | v->visitor) {
        v->tally = 0;
        v->visitor = false;
    }
    if (calls)
        memset(calls, 0, VCPU_CALLS * sizeof *calls);
    return v;
}

int vcpu_create(struct vcpu **out, struct engine *e, void *owner)
{
    u64 killed;
    bool first;
    struct vcpu *v = vcpu_again(e, &killed, &first);
    const bool again = v;
    if (!v) {
        int rc = vcpu_alloc(&v, e);
        if (rc)
            return rc;
        if (first) /* it runs a program, which is all over it soon; later ones may end at once */
            mk_pages_ready(v->jc, jc_size(v));
    }
    v->mem_base = e->cfg.mem_base;
    v->engine = e;
    v->owner = owner;
    v->call = run_links(e) && !e->cfg.ops->stop_at && !e->cfg.hot ? e->cfg.call : NULL;
    if (v->cpu != e->cfg.cpu)
        v->cpu = e->cfg.cpu;
    if (e->cfg.off & IR_PASS_BIT(IR_PASS_TRAP))
        v->flag_reads = VCPU_FLAG_READS + 1; /* never again, or after 2^32 */
    host_ras_empty(v, e->host, e->common);
    e->guest->reset(v);
    const u64 was = v->mode, mode = e->guest->mode(v);

    mk_lock(&e->lock);
    if (again && (v->epoch != e->epoch || was != mode || killed != e->stats.invalidated))
        vcpu_forget(v);
    set_mode(v, mode);
    v->index = e->nvcpus++;
    v->epoch = e->epoch;
    v->next = e->vcpus;
    e->vcpus = v;
    mk_unlock(&e->lock);
    *out = v;
    return 0;
}

void vcpu_destroy(struct vcpu *v)
{
    struct engine *e = v->engine;
    sample_stop(v);
    mk_lock(&e->lock);
    for (struct vcpu **p = &e->vcpus; *p; p = &(*p)->next) {
        if (*p == v) {
            *p = v->next;
            break;
        }
    }
    e->stats.entries += v->stat_entries;
    e->stats.lookups += v->stat_lookups;
    sample_sum(v, &e->stats);
    for (u32 i = 0; v->calls && i < VCPU_CALLS; i++)
        e->calls[i] += v->calls[i];
    const bool keep = e->nidle < ENGINE_IDLE;
    if (keep) {
        v->next = e->idle;
        e->idle = v;
        e->nidle++;
    }
    mk_unlock(&e->lock);
    if (!keep)
        vcpu_free(v);
}

void vcpu_free_idle(struct engine *e)
{
    while (e->idle) {
        struct vcpu *v = e->idle;
        e->idle = v->next;
        vcpu_free(v);
    }
    e->nidle = 0;
}
