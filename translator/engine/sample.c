/* Where is a program busy? Samples tell.
 *
 * Translated code counts nothing. Now and then a running thread is asked where it is (mk_tick), first after some
 * milliseconds, so that a short process is never asked. In the upcall only two addresses are noted, and
 * VCPU_SAMPLED makes the thread leave at its next poll; what follows is done then, on the thread itself, under the
 * engine's lock.
 *
 * From the place to the loop. From the block in which the thread was, exits are followed from block to block, as far as
 * there are any, until one comes back to the instruction where it was: that way round is the innermost loop, and the
 * lowest block on it, where compilers' loops are jumped back to, is its *head*. Two samples of a loop make it hot, and
 * a region is made of it by the engine's own thread, or here (region_ask).
 *
 * What is found in a region, or in what counts for a trial, in a loop whose head has lost, in no loop, or outside of
 * translated code brings nothing new. When that was so several times in a row, ticks come half as often, down to some
 * twenty a second; whatever is new brings the first pace back. So a program whose loops are all judged pays nothing
 * that could be measured, and a new phase of it is found all the same.
 *
 * What trials have found is stored with the blocks (store.c): a head that has lost once is not tried again by the next
 * process, and of one that has won the first sample is enough, and no trial is made.
 *
 * What is spent on regions, trials not included, is bound to a small part of the time since the engine was made: a
 * program that is busy everywhere, a compiler say, would have them made for nothing.
 *
 * With engine_config.hot, for tests, no clock is asked: each time that a thread comes to the dispatcher is a sample of
 * the place where it goes on, and it is made to come at each poll, until that brings nothing new many times in a row,
 * be it new code.
 *
 * In the baseline tier nobody is asked where it is. But while code runs as it was stored, a thread that has left
 * translated code some times has ticks, too, the first when it has run for so long that making that code faster pays
 * (store.c, "In place"). One that has come to all of its code would not leave by itself. These ticks end then, or when
 * the guest queues signals, as a timer is not quite unseen: the host counts it as a signal that is queued, and numbers
 * the guest's own timers behind it. Without them a thread is asked how long it has run now and then when it leaves.
 *
 * Ticks are of one thread and of one process: a fork's child begins anew when it runs, and one that visits its parent's
 * memory has none. A guest sees nothing of them: no call of the system is cut short, and none of its signals, timers or
 * clocks is used (kernel/hosted/tick.c). */
#include "translator/engine/engine_int.h"

#define FIRST_NS    3000000  /* of a thread's own time */
#define TIGHT_NS    20000000 /* likewise: what runs in place is made faster, */
#define TIGHT_EACH  8        /* so much later for each byte of it, as copying takes its time, too, */
#define TIGHT_TICKS 12       /* or after so many ticks */
#define AGE_LEAVES  32       /* a thread that leaves code less often has no timer; without one it looks as often */
#define AGE_NS      4000000  /* where it was too soon, it is asked again after so long */
#define EVERY_NS    1000000
#define SELDOM_NS   48000000
#define BORED       12  /* so many in a row without news: half as often */
#define LOOKS_MOST  500 /* polls, likewise, with engine_config.hot: no more */
#define HOT         2   /* samples of a loop */
#define REACH       24  /* blocks that are looked at for a way round */

#define GRANT_NS   1500000 /* regions may take so long, */
#define GRANT_PART 40      /* and one part in so many of the time that has passed */
#define EACH_NS    1000000 /* about what one takes */

/* In the upcall. */
static void tick(hva_t host_pc, void *cx)
{
    struct vcpu *v = cx;
    struct vcpu_sample *s = &v->sample;
    struct block b;
    const hva_t off = host_pc - (hva_t)v->engine->code.rx;
    s->ticks++;
    if (++s->idle >= BORED && s->every < SELDOM_NS) {
        s->idle = 0;
        s->every *= 2;
        mk_tick_again(s->every);
    }
    if (!cache_has(v->engine, off) || !block_at(v->engine, (u32)off, &b) || b.known) {
        s->away++;
    } else if (b.region) {
        s->regions++;
    } else if (!b.counted && engine_locate(v->engine, host_pc, &s->pc)) {
        s->block = b.pc;
        vcpu_sample_soon(v);
    }
}

void sample_start(struct vcpu *v)
{
    const struct engine *e = v->engine;
    struct vcpu_sample *s = &v->sample;
    s->on = true;
    if (e->cfg.tier != ENGINE_OPTIMISED || e->cfg.hot || v->visitor)
        return;
    s->every = EVERY_NS;
    if (mk_tick(FIRST_NS, s->every, tick, v))
        s->every = 0; /* no more to be had */
}

void sample_stop(struct vcpu *v)
{
    if (v->sample.every)
        mk_tick_end();
    v->sample.every = 0;
}

static void news(struct vcpu *v)
{
    struct vcpu_sample *s = &v->sample;
    s->idle = 0;
    if (s->every > EVERY_NS) {
        s->every = EVERY_NS;
        mk_tick_again(s->every);
    }
}

static bool covers(const struct block *b, gva_t pc)
{
    return pc - b->own.pc < b->own.len;
}

/* The head of the innermost loop that goes on from block `from` and comes back to pc. */
static bool find_head(struct engine *e, struct block *from, gva_t pc, gva_t *head)
{
    struct block *seen[REACH] = {from};
    u32 by[REACH], n = 1;
    for (u32 i = 0; i < n; i++) {
        const struct block *b = seen[i];
        for (u32 k = 0; k < b->nexits; k++) {
            const struct exit_rec *x = block_exit(e, b->exit_id + k);
            struct block *to = x ? x->to : NULL;
            if (x && !to)
                to = block_get(e, x->pc, from->key);
            if (!to || to->known || to->region)
                continue;
            u32 at = 1;
            while (at < n && seen[at] != to)
                at++;
            if (covers(to, pc)) {
                *head = to->pc;
                for (u32 r = i; r; r = by[r])
                    if (seen[r]->pc < *head)
                        *head = seen[r]->pc;
                return true;
            }
            if (at == n && n < REACH && to != from) {
                by[n] = i;
                seen[n++] = to;
            }
        }
    }
    return false;
}

/* Have regions taken more time than is theirs? */
static bool poor(const struct engine *e)
{
    const struct background *g = &e->background;
    return !e->cfg.hot &&
           e->stats.region_ns + (g->n + g->forms) * EACH_NS > GRANT_NS + (mk_clock() - e->born) / GRANT_PART;
}

/* v was at pc, in b. Did it bring anything new? */
static bool look(struct engine *e, struct vcpu *v, struct block *b, gva_t pc)
{
    gva_t head;
    if (b->region || b->counted || b->known || !find_head(e, b, pc, &head))
        return false;
    struct block *h = block_get(e, head, b->key);
    if (!h || !region_wanted(e, h))
        return false;
    if (background_has(e, head, b->key) || e->trial.pc == head)
        return true; /* soon */
    struct heat *t = &e->heat[(head >> 1 ^ head >> 9) % ENGINE_HEAT];
    if (t->pc != head || t->key != b->key)
        *t = (struct heat){.pc = head, .key = b->key};
    const bool won = block_has_won(e, head, b->key);
    const u32 enough = e->cfg.hot ? e->cfg.hot : won ? 1 : HOT;
    t->n++;
    e->stats.heads += t->n == enough;
    if (t->n >= enough && !poor(e))
        region_ask(e, v, h);
    return true;
}

/* In the upcall, in the baseline tier. */
static void tick_young(hva_t host_pc, void *cx)
{
    vcpu_sample_soon(cx);
}

/* When a thread has run for so long, what runs in place is made faster. */
static u64 old_enough(const struct engine *e)
{
    return TIGHT_NS + TIGHT_EACH * __atomic_load_n(&e->stats.image_bytes, __ATOMIC_RELAXED);
}

void vcpu_no_timer(struct vcpu *v)
{
    if (v->engine->cfg.tier != ENGINE_OPTIMISED && !v->visitor)
        sample_stop(v);
}

static void take_young(struct vcpu *v)
{
    if (!v->engine->tight && mk_thread_clock() < old_enough(v->engine))
        return;
    engine_tighten(v->engine);
    vcpu_no_timer(v);
}

void sample_age(struct vcpu *v)
{
    struct vcpu_sample *s = &v->sample;
    if (++s->leaves % AGE_LEAVES || s->every || v->engine->cfg.tier == ENGINE_OPTIMISED || v->visitor)
        return;
    if (s->leaves == AGE_LEAVES && !mk_tick(old_enough(v->engine), AGE_NS, tick_young, v))
        s->every = AGE_NS;
    else
        take_young(v);
}

void sample_take(struct vcpu *v)
{
    struct engine *e = v->engine;
    u32 was = VCPU_SAMPLED;
    __atomic_compare_exchange_n(&v->poll, &was, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    if (e->cfg.tier != ENGINE_OPTIMISED) {
        take_young(v);
        return;
    }
    cosim_lock(e);
    mk_lock(&e->lock);
    if (v->sample.ticks >= TIGHT_TICKS)
        store_tighten(e);
    const bool same = v->epoch == e->epoch, begun = same && trial_begin(e, v);
    struct block *b = same && !begun && v->sample.block && !e->cfg.hot ? block_get(e, v->sample.block, v->mode) : NULL;
    if (!e->cfg.hot)
        v->sample.block = 0;
    if (begun || (b && look(e, v, b, v->sample.pc)))
        news(v);
    mk_unlock(&e->lock);
    cosim_unlock(e);
}

bool sample_look(struct vcpu *v)
{
    struct engine *e = v->engine;
    struct vcpu_sample *s = &v->sample;
    if (v->exit == VCPU_LINK) /* code that is new */
        s->idle = 0;
    if (s->idle >= LOOKS_MOST && !e->cosim)
        return false;
    cosim_lock(e);
    mk_lock(&e->lock);
    const bool same = v->epoch == e->epoch, stays = s->block && s->pc == v->pc;
    struct block *b = same ? block_get(e, v->pc, v->mode) : NULL;
    s->ticks++;
    if (same && (trial_begin(e, v) || (b && look(e, v, b, v->pc))))
        s->idle = 0;
    else
        s->idle += v->exit == VCPU_POLL;
    const bool polls = !e->cosim && !e->trial.way[0];
    if (polls)
        vcpu_sample_soon(v);
    s->pc = v->pc;
    s->block = polls;
    mk_unlock(&e->lock);
    cosim_unlock(e);
    return stays && polls;
}
