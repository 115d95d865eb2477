/* Forks: what parent and child share of the engine.
 *
 * Code memory. Both go on running the same until one of them writes to it (cache_write): it then gets a copy of its
 * own, unless it turns out to be the only one left. A process that ends or executes another program says so first
 * (engine_leave), as mk_code counts who is there. So a fork whose child does nothing new costs nothing here, and the
 * copy is made by who goes his own way.
 *
 * Wishes. Children of one program run nearly the same, a little code that the program itself never comes to: without
 * more ado each would translate it, and write links to it, for itself. So a forked child tells what it came to first,
 * as *wishes*: from exit so and so of the block at some pc to the block at another, or to that by an indirect jump.
 * They stand in a ring of memory that is shared over fork, by parents, children and theirs. At its next fork a process
 * makes what was wished for and is not there, and the next child finds it. A wish is believed nothing: an exit is
 * linked if it is there and leads to the pc in question, and what is at a pc is translated as ever. So it does no harm
 * that two who write at once may spoil one, or one that writes while another reads.
 *
 * Only the first wishes of a child count. Later it is busy with what it is there for, which others have no use for. */
#include "translator/engine/engine_int.h"

#include "lib/assert.h"
#include "lib/err.h"

#define RING 256 /* wishes; a power of two */
#define MOST 128 /* of one child */

#define NO_EXIT (~0u)

struct wish {
    gva_t from, to;
    u64 key;
    u32 exit; /* of the block `from`, in it; or NO_EXIT */
};

struct wishes {
    u32 n; /* so many were there; the last RING of them are */
    struct wish ring[RING];
};

void fork_wish(struct engine *e, const struct vcpu *v, u32 exit, const struct block *b)
{
    const u32 left = __atomic_load_n(&e->wishes_left, __ATOMIC_RELAXED);
    if (!left)
        return;
    __atomic_store_n(&e->wishes_left, left - 1, __ATOMIC_RELAXED);
    struct wish w = {.to = b->pc, .key = v->mode, .exit = NO_EXIT};
    if (exit != NO_EXIT) {
        const struct block *owner = block_of_exit(e, exit);
        struct exit_name from = {owner->pc, owner->key, exit - owner->exit_id};
        if (owner->piece)
            from = store_exit_name(owner, exit);
        if (from.key == w.key) {
            w.from = from.pc;
            w.exit = from.exit;
        }
    }
    const u32 at = __atomic_fetch_add(&e->wishes->n, 1, __ATOMIC_RELAXED);
    struct wish *to = &e->wishes->ring[at % RING];
    __atomic_store_n(&to->from, w.from, __ATOMIC_RELAXED);
    __atomic_store_n(&to->to, w.to, __ATOMIC_RELAXED);
    __atomic_store_n(&to->key, w.key, __ATOMIC_RELAXED);
    __atomic_store_n(&to->exit, w.exit, __ATOMIC_RELEASE);
}

static void grant(struct engine *e, struct vcpu *v, const struct wish *w)
{
    struct vcpu_fault fault;
    int err;
    if (w->key != v->mode)
        return;
    struct block *to = translate(e, v, w->to, false, &fault, &err);
    if (!to)
        return;
    if (w->exit == NO_EXIT) {
        if (v->epoch == e->epoch)
            run_remember(v, w->to, block_entry(e, to));
        return;
    }
    const struct block *from = block_get(e, w->from, w->key);
    if (!from || w->exit >= from->nexits)
        return;
    struct exit_rec *x = block_exit(e, from->exit_id + w->exit);
    if (x && x->pc == w->to)
        block_link(e, x, to);
}

static void grant_all(struct engine *e, struct vcpu *v)
{
    const u32 n = __atomic_load_n(&e->wishes->n, __ATOMIC_ACQUIRE);
    if (n - e->wishes_seen > RING)
        e->wishes_seen = n - RING;
    for (; e->wishes_seen != n; e->wishes_seen++) {
        const struct wish *at = &e->wishes->ring[e->wishes_seen % RING];
        const struct wish w = {.from = __atomic_load_n(&at->from, __ATOMIC_RELAXED),
                               .to = __atomic_load_n(&at->to, __ATOMIC_RELAXED),
                               .key = __atomic_load_n(&at->key, __ATOMIC_RELAXED),
                               .exit = __atomic_load_n(&at->exit, __ATOMIC_ACQUIRE)};
        if (e->used > e->code.size / 4 * 3) /* no flush for something that may never run */
            continue;
        grant(e, v, &w);
    }
}

void engine_fork_before(struct engine *e, struct vcpu *v)
{
    cosim_lock(e);
    mk_lock(&e->lock);
    if (!e->host)
        return;
    if (!e->wishes && !e->cosim && !(e->cfg.off & IR_PASS_BIT(IR_PASS_LINK))) {
        void *mem;
        if (!mk_pages_shared(&mem, sizeof *e->wishes))
            e->wishes = mem;
    } else if (e->wishes) {
        grant_all(e, v);
    }
    mk_code_share(&e->code);
    e->code_shared = true;
}

void engine_fork_after(struct engine *e, enum engine_fork what, struct vcpu *v)
{
    if (what != ENGINE_FORK_CHILD) {
        if (e->host && what == ENGINE_FORK_FAILED)
            mk_code_leave(&e->code);
        mk_unlock(&e->lock);
        cosim_unlock(e);
        return;
    }
    mk_lock_reset(&e->lock);
    cosim_lock_reset(e);
    background_forked(e);
    mk_tick_forked();
    v->sample = (struct vcpu_sample){0};
    /* The other vCPUs' threads do not exist here. */
    for (struct vcpu *o = e->vcpus, *next; o; o = next) {
        next = o->next;
        if (o != v)
            vcpu_free(o);
    }
    v->next = NULL;
    e->vcpus = v;
    store_disown(e);
    e->wishes_left = e->wishes ? MOST : 0;
}

bool engine_leave(struct engine *e)
{
    if (!mk_trylock(&e->lock))
        return false;
    if (e->code_shared)
        mk_code_leave(&e->code);
    return true;
}

void engine_stay(struct engine *e)
{
    if (e->code_shared) {
        if (mk_code_renew(&e->code))
            mk_panic("no memory for a code cache");
        e->code_shared = false;
        e->ready_code = 0;
        cache_flush(e);
        const int rc = cache_start(e);
        dgm_assert(!rc, "the common code does not fit any more");
    }
    mk_unlock(&e->lock);
}
