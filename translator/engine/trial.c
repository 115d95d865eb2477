/* Trials: is a region faster than the blocks that it would replace?
 *
 * Whether one pays cannot be told from its code: loops that are left soon, calls that lead out of it and back, values
 * that find no register cost more than the region saves, or less. So both ways run in turn, for some ten microseconds
 * each time, and the faster one stays. The unit in which they are compared is a run of the head, the instruction where
 * the region begins, wherever it is run: in the region, in the block that begins with it, in the middle of others. What
 * lies between two runs, be it within the region or not, counts on either side: it is the program's time that is
 * compared, as the thread's clock tells it.
 *
 * While a trial is under way, all translations with that instruction but other regions count vcpu.tally down there, and
 * leave when that is used up (VCPU_POLL with a tally below 0). Then it is the other way's turn (block_swap); or, for
 * the first times, the window is made longer. A window begins when the way has run for some time already: its exits are
 * linked by then. A program does one thing for a while and then another, and neighbours on the machine take some of its
 * time: so a region has to be faster in most rounds, too, and wins after all of them only, as what has won once is not
 * tried again, by later processes neither. To lose, few are enough if it was slower in each. In the end what counts is
 * thrown away; where the region has won, it is emitted once more, by the plan that there is. Where it has lost, its
 * head is not tried again.
 *
 * One trial at a time. Who comes meanwhile goes on as he is and comes again, unless nothing has been heard of the trial
 * for long: then it has come to no end, and neither has its head won. All is under the engine's lock; a flush ends the
 * trial, too. Other threads may run code that counts: they leave once in a long while. */
#include "translator/engine/engine_int.h"

#include "lib/str.h"

#define WINDOW_FIRST 32
#define WINDOW_MOST  (1u << 24)
#define WINDOW_NS    25000    /* at least */
#define LONG_NS      20000000 /* both ways together: no more windows then, if there were a few */
#define ROUNDS_LEAST 8
#define GIVE_UP_NS   50000000
#define NEVER        0x7fffffff
#define CLEAR_LOST   108
#define WORTH        97 /* percent of the time of blocks that a region may take, */
#define OFTEN        75 /* and of rounds in which it has to be faster */

bool trial_counts(const struct engine *e, const struct ir_unit *u)
{
    if (!e->trial.pc)
        return false;
    for (ir_ref r = 1; r < u->n; r++)
        if (u->ins[r].op == IR_OP_insn && u->ins[r].imm == e->trial.pc)
            return true;
    return false;
}

/* Ends it. */
static void end(struct engine *e)
{
    struct trial *t = &e->trial;
    struct block *const region = t->way[1];
    const gva_t pc = t->pc;
    *t = (struct trial){0};
    background_wake(e); /* which waits for that */
    block_kill(e, region);
    block_kill_with(e, pc);
}

/* The sum of the shorter three quarters of them: some were interrupted, or the program did something else meanwhile. */
static u64 least(u64 *ns, u32 n)
{
    u64 sum = 0;
    for (u32 i = 0; i < n - n / 4; i++) {
        for (u32 k = i + 1; k < n; k++)
            if (ns[k] < ns[i]) {
                const u64 x = ns[i];
                ns[i] = ns[k];
                ns[k] = x;
            }
        sum += ns[i];
    }
    return sum;
}

/* The region b has won. The block stays beside it, led to by nobody, to be stored with what was found out. */
static void install(struct engine *e, struct vcpu *v, struct block *b)
{
    struct vcpu_fault fault;
    int err;
    const u64 epoch = e->epoch;
    struct block *plain = translate(e, v, b->pc, false, &fault, &err);
    if (e->epoch != epoch || !plain)
        return; /* the cache was full, and b is gone; or there is no memory */
    block_judge(e, b->pc, b->key, true);
    if (!block_insert_pages(e, b))
        block_swap(e, plain, b);
}

/* Ends the trial if it is clear by now which way is faster, or if it has taken long enough. By v. */
static bool decide(struct engine *e, struct vcpu *v)
{
    struct trial *t = &e->trial;
    const u64 ns[2] = {least(t->ns[0], t->round), least(t->ns[1], t->round)};
    const bool all = t->round == TRIAL_ROUNDS || (t->round >= ROUNDS_LEAST && t->spent > LONG_NS);
    const bool clear = !t->faster && ns[1] * 100 > ns[0] * CLEAR_LOST;
    if (!all && !(clear && t->round >= ROUNDS_LEAST))
        return false;
    const bool won = ns[1] * 100 <= ns[0] * WORTH && t->faster * 100 >= t->round * OFTEN;
    const struct block was = *t->way[0];
    struct block *b = NULL;
    t->pc = 0; /* nothing is to count any more */
    if (won && region_build(e, &t->unit, false, &t->plan, &b))
        b = NULL;
    t->pc = was.pc;
    if (!won) {
        block_judge(e, was.pc, was.key, false);
        e->stats.trials_lost++;
    }
    end(e);
    if (b)
        install(e, v, b);
    store_judged(e, was.pc);
    return true;
}

/* Begins a window; what was to be done before it is done. */
static void begin(struct trial *t, bool warm)
{
    const u32 n = warm ? t->window : t->window / 8 + 8;
    t->warm = warm;
    t->v->tally = (s32)n - 1;
    t->last = mk_clock();
    t->began = mk_thread_clock();
}

bool trial_is_over(struct engine *e)
{
    struct trial *t = &e->trial;
    if (t->pc && mk_clock() - t->last >= GIVE_UP_NS)
        end(e);
    return !t->pc;
}

bool trial_prepare(struct engine *e, struct vcpu *v, const struct ir_unit *u)
{
    struct trial *t = &e->trial;
    const gva_t pc = u->pc;
    u32 heads = 0; /* without a jump back, or a copy that one leads to, nothing counts for long */
    for (ir_ref r = 1; r < u->n; r++)
        heads += u->ins[r].imm == pc && (u->ins[r].op == IR_OP_poll || u->ins[r].op == IR_OP_insn);
    if (heads < 2)
        return false;
    *t = (struct trial){.pc = pc, .unit = *u, .v = v, .window = WINDOW_FIRST, .last = mk_clock()};
    if (!region_build(e, u, true, &t->plan, &t->way[1]) && !block_insert_pages(e, t->way[1]))
        return true;
    t->pc = 0;
    return false;
}

bool trial_begin(struct engine *e, struct vcpu *v)
{
    struct trial *t = &e->trial;
    struct vcpu_fault fault;
    int err;
    const gva_t pc = t->pc;
    if (!pc || t->v != v || t->unit.code_key != v->mode || t->way[0])
        return false;
    if (t->way[1]->dead || t->way[1]->source) {
        end(e); /* its code has changed */
        return false;
    }
    block_kill_with(e, pc);
    struct block *b = translate(e, v, pc, false, &fault, &err);
    if (t->pc != pc) /* there was a flush */
        return true;
    if (!b || b->known || !b->counted) {
        end(e);
        return true;
    }
    t->way[0] = b;
    e->stats.trials++;
    begin(t, false);
    return true;
}

/* A window has ended, at `now`. */
static void ended(struct engine *e, u64 now)
{
    struct trial *t = &e->trial;
    const u64 ns = now - t->began;
    if (!t->warm) {
        begin(t, true);
        return;
    }
    if (ns < WINDOW_NS / (t->round ? 4 : 1) && t->window < WINDOW_MOST) {
        t->window *= ns < WINDOW_NS / 8 ? 8 : 2;
        t->round = t->faster = 0;
        t->spent = 0;
        begin(t, true);
        return;
    }
    t->ns[t->on][t->round] = ns;
    t->spent += ns;
    t->faster += t->on && ns < t->ns[0][t->round];
    t->round += t->on;
    if (t->on && decide(e, t->v))
        return;
    block_swap(e, t->way[t->on], t->way[1 - t->on]);
    t->on = 1 - t->on;
    begin(t, false);
}

void trial_tick(struct engine *e, struct vcpu *v)
{
    const u64 now = mk_thread_clock();
    mk_lock(&e->lock);
    struct trial *t = &e->trial;
    if (!t->way[0] || t->v != v || v->epoch != e->epoch)
        v->tally = NEVER;
    else if (t->way[0]->dead || t->way[1]->dead || t->way[0]->source || t->way[1]->source)
        end(e); /* its code has changed */
    else
        ended(e, now);
    mk_unlock(&e->lock);
}
