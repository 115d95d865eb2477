/* A hot block becomes a region.
 *
 * The optimiser asks for the units of the code that it follows; they are watched, fetched and translated as those of
 * blocks are. Worth having is what has run: what there is a block of. The region takes the place of the block that was
 * hot; the other blocks that it covers stay, since they are entered by other ways, too.
 *
 * What the region was made from are the guest instructions that its markers name, as pieces in no order. */
#include "translator/engine/engine_int.h"

#include "lib/arena.h"
#include "lib/assert.h"
#include "lib/err.h"
#include "lib/str.h"
#include "translator/opt/opt.h"

#define REGION_MAX_INSNS  400
#define REGION_MAX_BLOCKS 64

struct source {
    struct engine *e;
    u64 mode;
    bool own;     /* the lock is taken here */
    bool watched; /* all pieces */
    bool (*leader)(void *cx, gva_t pc);
    void *leader_cx;
};

static bool stop_at(void *cx, gva_t pc)
{
    const struct source *s = cx;
    const struct engine_config *cfg = &s->e->cfg;
    return s->leader(s->leader_cx, pc) || (cfg->ops->stop_at && cfg->ops->stop_at(cfg->cx, pc));
}

static int unit(void *cx, gva_t pc, bool (*leader)(void *cx, gva_t pc), void *leader_cx, struct ir_unit *u)
{
    struct source *s = cx;
    struct engine *e = s->e;
    struct vcpu_fault fault;
    bool watched;
    s->leader = leader;
    s->leader_cx = leader_cx;
    struct guest_request rq = {.pc = pc,
                               .mode = s->mode,
                               .max_insns = ENGINE_MAX_INSNS,
                               .max_exits = 0,
                               .keep_flags = true,
                               .stop_at = stop_at,
                               .cx = s};
    if (e->cfg.ops->stop_at && e->cfg.ops->stop_at(e->cfg.cx, pc))
        return -ENOENT;
    if (s->own)
        mk_lock(&e->lock);
    int rc = translate_piece(e, &rq, &e->opt, u, &fault, &watched);
    if (s->own)
        mk_unlock(&e->lock);
    if (rc)
        return rc;
    s->watched &= watched;
    /* Most are far shorter than what they are given room for. */
    arena_cut(&e->opt, &u->ins[u->n], &u->ins[u->cap]);
    u->cap = u->n;
    if (e->host && e->host->merges)
        rc = ir_merge(u);
    return rc ? rc : ir_ahead(u);
}

static bool wanted(void *cx, gva_t pc)
{
    const struct source *s = cx;
    if (s->own)
        mk_lock(&s->e->lock);
    const bool there = block_get(s->e, pc, s->mode) != NULL;
    if (s->own)
        mk_unlock(&s->e->lock);
    return there;
}

/* The guest code that the unit's markers name; what follows each other is one piece. */
static int find_extents(struct engine *e, const struct ir_unit *u, struct block *b)
{
    u32 n = 0;
    for (ir_ref r = 1; r < u->n; r++)
        n += u->ins[r].op == IR_OP_insn;
    struct extent *x = ARENA_NEW_N(&e->meta, struct extent, n);
    if (!x)
        return -ENOSPC;
    n = 0;
    for (ir_ref r = 1; r < u->n; r++) {
        const struct ir_ins *in = &u->ins[r];
        if (in->op != IR_OP_insn)
            continue;
        if (n && x[n - 1].pc + x[n - 1].len == in->imm) {
            x[n - 1].len += in->aux;
            continue;
        }
        x[n++] = (struct extent){in->imm, in->aux};
    }
    b->extent = x;
    b->nextents = n;
    return 0;
}

int region_form(struct engine *e, gva_t pc, u64 mode, bool own, struct ir_unit *u, u64 *ns)
{
    struct source s = {.e = e, .mode = mode, .own = own, .watched = true};
    struct opt_request rq = {
        .arena = &e->opt,
        .pc = pc,
        .max_insns = REGION_MAX_INSNS,
        .max_blocks = REGION_MAX_BLOCKS,
        .unit = unit,
        .wanted = wanted,
        .cx = &s,
    };
    const u64 t0 = mk_thread_clock();
    arena_reset(&e->opt);
    int rc = opt_region(&rq, u);
    if (!rc && !s.watched)
        rc = -ENOENT; /* code that changes often */
#ifndef NDEBUG
    char why[200];
    dgm_assert(rc || ir_verify(u, why, sizeof why) == 0, "region at %lx: %s", pc, why);
#endif
    *ns = mk_thread_clock() - t0;
    return rc;
}

static int build(struct engine *e, const struct ir_unit *u, bool counted, void **plan, struct block **out)
{
    struct block *b = ARENA_NEW(&e->meta, struct block);
    if (!b)
        return -ENOSPC;
    memset(b, 0, sizeof *b);
    b->pc = u->pc;
    b->key = u->code_key;
    b->heat = e->cfg.hot;
    b->region = true;
    b->counted = counted;
    int rc = find_extents(e, u, b);
    struct host_code hc = {.plan = plan, .plan_arena = u->arena};
    /* Beside the plan nothing of it lasts: it takes memory that is in use already. */
    struct ir_unit emitted = *u;
    emitted.arena = &e->tmp;
    arena_reset(&e->tmp);
    if (!rc && e->host)
        rc = translate_emit(e, &emitted, b, &hc);
    else if (!rc && !(b->unit = translate_keep(e, u)))
        rc = -ENOSPC;
    if (!rc)
        rc = cosim_note(e, b, u, NULL);
    if (rc)
        return rc;
    if (e->cfg.dump && !counted)
        dump_region(e, u, &hc);
    e->stats.host_bytes += hc.size;
    if (e->cfg.made && e->host)
        e->cfg.made(e->cfg.cx, (hva_t)hc.rx, hc.size, b->pc);
    e->stats.regions += !counted;
    *out = b;
    return 0;
}

int region_build(struct engine *e, const struct ir_unit *u, bool counted, void **plan, struct block **out)
{
    const u64 t0 = mk_thread_clock();
    int rc = build(e, u, counted, plan, out);
    e->stats.region_ns += mk_thread_clock() - t0;
    return rc;
}

static bool has_trials(const struct engine *e)
{
    return e->host && !e->cosim && !(e->cfg.off & IR_PASS_BIT(IR_PASS_TRIAL));
}

bool region_wanted(const struct engine *e, const struct block *b)
{
    return !b->region && !b->known && !block_has_lost(e, b->pc, b->key);
}

/* Puts the region in the place of b, which begins alike. */
static struct block *replace(struct engine *e, struct block *b, const struct ir_unit *u)
{
    struct block *made;
    if (region_build(e, u, false, NULL, &made))
        return b;
    block_kill(e, b);
    return block_insert(e, made) ? b : made;
}

/* On the thread of who found it. */
static int form_here(struct engine *e, gva_t pc, u64 mode, struct ir_unit *u)
{
    u64 ns;
    const int rc = region_form(e, pc, mode, false, u, &ns);
    e->stats.region_ns += ns;
    e->stats.region_insns += rc ? 0 : u->guest_insns;
    e->stats.foreground++;
    return rc;
}

struct block *region_make(struct engine *e, struct block *b)
{
    struct ir_unit u;
    b->heat = e->cfg.hot; /* once is enough */
    const int rc = form_here(e, b->pc, b->key, &u);
    return rc ? b : replace(e, b, &u);
}

void region_formed(struct engine *e, struct vcpu *v, gva_t pc, u64 mode, const struct ir_unit *u)
{
    struct block *b = block_get(e, pc, mode);
    if (!b || !region_wanted(e, b))
        return;
    if (u && has_trials(e) && !block_has_won(e, pc, mode)) {
        if (trial_prepare(e, v, u))
            return;
    } else if (u && replace(e, b, u) != b) {
        return;
    }
    block_judge(e, pc, mode, false);
    store_judged(e, pc);
}

void region_ask(struct engine *e, struct vcpu *v, struct block *b)
{
    const gva_t pc = b->pc;
    if (background_ask(e, v, pc) || e->background.forms || (has_trials(e) && !trial_is_over(e)))
        return;
    if (!has_trials(e)) {
        region_make(e, b);
        return;
    }
    struct ir_unit u;
    const int rc = form_here(e, pc, v->mode, &u);
    region_formed(e, v, pc, v->mode, rc ? NULL : &u);
}
