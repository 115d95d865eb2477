/* The code cache: a bound piece of code memory, filled from the start, emptied as a whole.
 *
 * Its first bytes are the backend's common code, made anew at each flush only in the sense that `used` goes back to its
 * end. See engine_int.h, "Flush", for how other threads survive. */
#include "translator/engine/engine_int.h"

#include "lib/assert.h"
#include "lib/err.h"
#include "lib/str.h"

#define READY (32u << 10) /* bytes: so much of the cache gets memory at once */

int cache_start(struct engine *e)
{
    e->used = 0;
    if (e->host) {
        e->common = e->code.rx;
        e->common_size = e->host->common(e->code.rw, e->code.rx, e->code.size, &e->guest->slots);
        if (!e->common_size)
            return -ENOSPC;
        mk_code_sync(&e->code, 0, e->common_size);
        e->used = e->common_size;
        if (e->cfg.made)
            e->cfg.made(e->cfg.cx, (hva_t)e->common, e->common_size, ENGINE_MADE_COMMON);
    }
    return 0;
}

void cache_ready(struct engine *e, size_t end, u32 nexits)
{
    if (end > e->ready_code) {
        size_t n = e->code.size - e->ready_code < READY ? e->code.size - e->ready_code : READY;
        if (n < end - e->ready_code)
            n = end - e->ready_code;
        mk_code_ready(&e->code, e->ready_code, n);
        e->ready_code += n;
    }
    if (nexits > e->ready_exits) {
        u32 n = READY / (2 * sizeof *e->exits), room = e->max_exits - e->ready_exits;
        if (n < nexits - e->ready_exits)
            n = nexits - e->ready_exits;
        if (n > room)
            n = room;
        mk_pages_ready(&e->exits[e->ready_exits], n * sizeof *e->exits);
        e->ready_exits += n;
    }
}

void cache_own(struct engine *e)
{
    if (mk_code_own(&e->code, e->used))
        e->ready_code = e->used;
    e->code_shared = false;
}

void cache_link(struct engine *e, const struct exit_rec *x, u32 off)
{
    if (x->site_off >= e->code.size) {
        store_link(e, x, off);
        return;
    }
    cache_write(e);
    e->host->link(e->code.rw + x->site_off, e->code.rx + x->site_off, e->code.rx + off);
}

void cache_linked(struct engine *e, const struct exit_rec *x)
{
    if (x->site_off < e->code.size)
        mk_code_sync(&e->code, x->site_off, 4);
}

void cache_flush(struct engine *e)
{
    __atomic_store_n(&e->flushing, 1, __ATOMIC_SEQ_CST);
    for (struct vcpu *v = e->vcpus; v; v = v->next) {
        while (__atomic_load_n(&v->running, __ATOMIC_SEQ_CST)) {
            vcpu_kick(v);
            mk_yield();
        }
    }
    for (u32 i = 0; i < ARRAY_LEN(e->pages); i++)
        for (struct code_page *p = e->pages[i]; p; p = p->next)
            if (p->watched)
                e->cfg.ops->watch(e->cfg.cx, p->number * e->page_size, e->page_size, false);
    block_table_clear(e);
    memset(e->pages, 0, sizeof e->pages);
    e->trial = (struct trial){0};
    __atomic_store_n(&e->unseen, NULL, __ATOMIC_RELEASE);
    __atomic_store_n(&e->nblocks, 0, __ATOMIC_RELEASE);
    memset(e->exits, 0, e->nexits * sizeof *e->exits);
    e->nexits = 0;
    store_disown(e);
    store_flushed(e);
    cosim_forget(e);
    arena_reset(&e->meta);
    e->used = e->common_size;
    e->stats.flushes++;
    __atomic_store_n(&e->epoch, e->epoch + 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&e->flushing, 0, __ATOMIC_SEQ_CST);
}

void engine_flush(struct engine *e)
{
    cosim_lock(e);
    mk_lock(&e->lock);
    cache_flush(e);
    mk_unlock(&e->lock);
    cosim_unlock(e);
}

void engine_shared(struct engine *e)
{
    cosim_lock(e);
    mk_lock(&e->lock);
    if (!e->shared) {
        __atomic_store_n(&e->shared, true, __ATOMIC_RELAXED);
        cache_flush(e);
        store_begin(e);
    }
    mk_unlock(&e->lock);
    cosim_unlock(e);
}

bool engine_is_shared(const struct engine *e)
{
    return __atomic_load_n(&e->shared, __ATOMIC_RELAXED);
}
