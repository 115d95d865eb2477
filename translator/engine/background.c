/* Regions are made by a thread of the engine's own, while the guest's go on.
 *
 * Who finds that a place is hot leaves it in a short queue (background_ask); when that is full, it is not noted, and
 * will be found again. The thread takes one place at a time. What reads guest code or the engine's tables is done under
 * the engine's lock, a block at a time; forming and optimising, which take the most time, without. What comes out is
 * void when guest code was changed meanwhile (engine.changes) or the cache was emptied (the epoch). Then it is emitted
 * and entered, or, where there are trials, waits for one to begin; the next place is not looked at before that has
 * ended, as the region's IR is still needed (engine.opt).
 *
 * The thread is no thread of the guest's: it has no vCPU, takes no signals, and is not counted where it matters whether
 * the guest is alone. It is started for the first hot place, so that a short process never has it, and ends when
 * nothing was to be done for a while, or when somebody needs it gone (background_stop). A fork's child has none. Where
 * there is but one CPU, or no thread can be had, or the vCPU is that of another host process in the same memory,
 * regions are made in the foreground. */
#include "translator/engine/engine_int.h"

#include "lib/err.h"

#define LINGER_NS 30000000 /* so long it waits for more */
#define STACK     (256u << 10)

enum { WAKE = 1, GONE = 2 };

/* Takes what is first in the queue. */
static struct background_job take(struct background *g)
{
    const struct background_job job = g->queue[0];
    g->n--;
    for (u32 i = 0; i < g->n; i++)
        g->queue[i] = g->queue[i + 1];
    return job;
}

/* There is a trial to begin by v, if that is alive. */
static void kick(struct engine *e, struct vcpu *v)
{
    for (struct vcpu *o = e->vcpus; o; o = o->next)
        if (o == v && __atomic_load_n(&v->running, __ATOMIC_RELAXED))
            vcpu_sample_soon(v);
}

static void make(struct engine *e, const struct background_job *job)
{
    struct background *g = &e->background;
    struct ir_unit u;
    struct block *b = block_get(e, job->pc, job->mode);
    if (!b || !region_wanted(e, b))
        return;
    const u64 epoch = e->epoch, changes = e->changes;
    g->forms = true;
    g->now = *job;
    mk_unlock(&e->lock);
    u64 ns;
    const int rc = region_form(e, job->pc, job->mode, true, &u, &ns);
    mk_lock(&e->lock);
    g->forms = false;
    e->stats.region_ns += ns;
    e->stats.region_insns += rc ? 0 : u.guest_insns;
    if (g->quit)
        return;
    if (e->epoch != epoch || e->changes != changes) {
        e->stats.regions_void++;
        return;
    }
    region_formed(e, job->v, job->pc, job->mode, rc ? NULL : &u);
    if (e->trial.pc)
        kick(e, job->v);
    e->stats.background++;
}

static void work(void *arg)
{
    struct engine *e = arg;
    struct background *g = &e->background;
    const bool ready = !mk_thread_enter(); /* guest memory may vanish while it is copied */
    mk_lock(&e->lock);
    while (ready && !g->quit) {
        if (g->n && trial_is_over(e)) {
            const struct background_job job = take(g);
            make(e, &job);
            continue;
        }
        __atomic_and_fetch(&g->word, ~(u32)WAKE, __ATOMIC_RELAXED);
        mk_unlock(&e->lock);
        const bool late = mk_wait(&g->word, WAKE, mk_clock() + LINGER_NS);
        mk_lock(&e->lock);
        if (late && !g->n && !(__atomic_load_n(&g->word, __ATOMIC_RELAXED) & WAKE))
            break;
    }
    g->n = 0;
    g->refused |= !ready;
    mk_thread_leave();
    g->runs = false;
    mk_signal(&g->word, GONE);
    mk_unlock(&e->lock);
}

static bool start(struct engine *e)
{
    struct background *g = &e->background;
    if (g->refused || mk_cpus() < 2)
        return false;
    g->word = 0;
    g->runs = true;
    if (mk_thread_start_apart(work, e, STACK)) {
        g->runs = false;
        g->refused = true;
    }
    return g->runs;
}

bool background_has(const struct engine *e, gva_t pc, u64 mode)
{
    const struct background *g = &e->background;
    for (u32 i = 0; i < g->n; i++)
        if (g->queue[i].pc == pc && g->queue[i].mode == mode)
            return true;
    return g->forms && g->now.pc == pc && g->now.mode == mode;
}

bool background_ask(struct engine *e, struct vcpu *v, gva_t pc)
{
    struct background *g = &e->background;
    if (e->cosim || !e->host || (e->cfg.off & IR_PASS_BIT(IR_PASS_BACKGROUND)) || (!g->runs && v->visitor))
        return false;
    if (!g->runs && !start(e))
        return false;
    if (g->n < BACKGROUND_QUEUE)
        g->queue[g->n++] = (struct background_job){v, pc, v->mode};
    background_wake(e);
    return true;
}

void background_wake(struct engine *e)
{
    if (e->background.runs)
        mk_signal(&e->background.word, WAKE);
}

void background_stop(struct engine *e)
{
    struct background *g = &e->background;
    if (!g->runs)
        return;
    g->quit = true;
    mk_signal(&g->word, WAKE);
    while (g->runs) {
        mk_unlock(&e->lock);
        (void)mk_wait(&g->word, GONE, 0); /* which comes with `runs` false, or by a next thread's end */
        mk_lock(&e->lock);
    }
    g->quit = false;
}

void background_forked(struct engine *e)
{
    struct background *g = &e->background;
    if (g->forms)
        arena_init(&e->opt); /* it was being worked in */
    *g = (struct background){0};
}

bool engine_quiet(struct engine *e)
{
    mk_lock(&e->lock);
    const bool was = e->background.runs;
    background_stop(e);
    mk_unlock(&e->lock);
    return was;
}
