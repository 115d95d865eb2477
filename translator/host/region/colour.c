/* Registers for the values of a region.
 *
 * First it is made sure that there are never more values in registers than there are registers (relieve). Where there
 * are, the one leaves that costs least for the places it makes free, most often run blocks first: a value that is only
 * looked at there has its puts store instead, one that is computed with goes to memory.
 *
 * Then every value that is left gets one, in the order in which they are defined, which has dominators first. As
 * a value's life is a piece of the dominator tree, those that are in its way all live where it begins; so one is free.
 * Among those that are, it takes the one that saves most moves: that of its family, of the operand that dies where it
 * is made, of its slot outside; and it leaves alone what another value is to have that way.
 *
 * Families are phis and what they are set to, none of which lives while another one does; they are joined by how often
 * a move is saved. Who of a family comes first chooses for all, as far as they get it. */
#include "translator/host/region/plan_int.h"

#include "lib/arena.h"
#include "lib/bits.h"
#include "lib/err.h"
#include "lib/str.h"

#define FAMILY_MOST 32
#define SHORT       6 /* lives of so many instructions in one block are left to the pass, unless a slot is held by them */

struct colours {
    struct seg **in_block; /* by block: all parts of lives there */
    u16 *count;            /* by position in a block: values in registers */
    u16 *over;             /* before it: how many positions have more of them than there are registers */
    u64 *wanting;          /* lives whose family has a register already; */
    u64 *near;             /* those of them that may overlap with another one */
    /* By life: families, the first of which stands for all; the next one in it; of the first: how many they are, and
     * which register they are to have. What a life saves by having that. */
    u32 *parent, *next, *size, *saves;
    u8 *reg;
    u32 block;        /* whose values are given registers, */
    u32 until[NREGS]; /* and how far each is taken there */
};

static u32 file_of(const struct work *w, const struct life *l)
{
    return is_float_class(w->g->val[l->v].type);
}

static u64 file_regs(u32 file)
{
    return REGION_REGS & (file ? ~0ull << FLOAT_REGS : (1ull << FLOAT_REGS) - 1);
}

static bool is_entry(const struct work *w, const struct life *l)
{
    return w->p->cfg.block_of[l->v] == 0 && ins_of(w->g, l->v)->op == IR_OP_get;
}

/* Is a register worth asking for? */
static bool is_candidate(const struct work *w, const struct life *l)
{
    const u32 type = w->g->val[l->v].type;
    if (!l->segs || in_memory(type) || type == IR_I128)
        return false;
    if (is_entry(w, l) && !l->worth)
        return w->g->outer_reg[ins_of(w->g, l->v)->aux] != NOREG;
    return l->crosses || (l->home != NOSLOT && l->worth + l->puts) || l->segs->all - l->segs->first > SHORT;
}

/* --- pressure --- */

/* Where it is in a register for those who look alone, a store in place of each put is enough. */
static bool is_shown_at(const struct life *l, const struct seg *s, u32 at)
{
    return l->keep == KEEP_HELD && at >= s->real;
}

/* What it costs to have l out of the way at a place. */
static u32 cost(const struct work *w, const struct life *l, const struct seg *s, u32 at)
{
    if (is_shown_at(l, s, at))
        return l->shown ? l->sets : l->puts;
    u32 sum = l->worth + (l->keep == KEEP_HELD ? l->puts : 0) + l->sets;
    /* Across blocks, or for long, it takes a store, too; else a temp may do. */
    if (l->crosses || l->segs->real - l->segs->first > 2 * SHORT)
        return sum + plan_frequency(w, w->p->cfg.block_of[l->v]);
    return sum - l->worth / 2;
}

static void count(struct colours *c, const struct ir_block *k, u32 from, u32 to, s32 by)
{
    for (u32 i = from; i < to; i++)
        c->count[i - k->first] = (u16)(c->count[i - k->first] + by);
}

/* Takes the one out of the way that is cheapest for the places where it helps. */
static bool relieve_at(struct work *w, struct colours *c, u32 b, u32 at, u32 file, u32 room)
{
    const struct ir_block *k = &w->p->cfg.block[b];
    struct seg *best = NULL;
    u64 least = 0;
    c->over[0] = 0;
    for (u32 i = 0; i <= k->last + 1 - k->first; i++)
        c->over[i + 1] = (u16)(c->over[i] + (c->count[i] > room));
    for (struct seg *s = c->in_block[b]; s; s = s->beside) {
        const struct life *l = &w->life[s->life];
        if (file_of(w, l) != file || s->first > at || plan_until(l, s) <= at)
            continue;
        const u32 from = is_shown_at(l, s, at) ? s->real : s->first;
        const u32 helps = c->over[plan_until(l, s) - k->first] - c->over[from - k->first];
        const u64 x = (u64)cost(w, l, s, at) * 1024 / (helps + 1);
        if (!best || x < least) {
            best = s;
            least = x;
        }
    }
    if (!best)
        return false;
    struct life *l = &w->life[best->life];
    const u32 before = plan_until(l, best);
    l->keep = is_shown_at(l, best, at) && l->worth ? KEEP_STORED : KEEP_NOT;
    count(c, k, plan_until(l, best), before, -1);
    return true;
}

/* How many values of the file are in registers at each position of block b: from where each begins to where it ends one
 * more. False: there are fewer in all of the block than there are registers. */
static bool count_all(struct work *w, struct colours *c, u32 b, u32 file, u32 room)
{
    const struct ir_block *k = &w->p->cfg.block[b];
    const u32 n = k->last - k->first + 2;
    u32 values = 0;
    memset(c->count, 0, n * sizeof *c->count);
    for (struct seg *s = c->in_block[b]; s; s = s->beside) {
        const struct life *l = &w->life[s->life];
        const u32 until = plan_until(l, s);
        if (file_of(w, l) != file || until <= s->first)
            continue;
        values++;
        c->count[s->first - k->first]++;
        c->count[until - k->first]--;
    }
    for (u32 i = 1; i < n; i++)
        c->count[i] = (u16)(c->count[i] + c->count[i - 1]);
    return values > room;
}

static void relieve(struct work *w, struct colours *c, u32 b)
{
    const struct ir_block *k = &w->p->cfg.block[b];
    for (u32 file = 0; file < 2; file++) {
        const u32 room = (u32)popcnt64(file_regs(file));
        if (!count_all(w, c, b, file, room))
            continue;
        for (u32 at = k->first; at <= k->last + 1; at++)
            while (c->count[at - k->first] > room && relieve_at(w, c, b, at, file, room))
                ;
    }
}

/* --- which --- */

/* Has l a register at a place of block b? Most have no part there, or go through it. */
static bool covers(const struct work *w, const struct life *l, u32 b, u32 at)
{
    const u32 k = (u32)(l - w->life);
    const size_t set = (size_t)b * w->words;
    if (!bits_has(w->parts + set, k))
        return false;
    if (w->p->cfg.block_of[l->v] != b &&
        (bits_has(w->real_out + set, k) || (l->keep == KEEP_HELD && bits_has(w->all_out + set, k))))
        return true;
    const struct seg *s = l->segs;
    while (s && s->block != b)
        s = s->next;
    return s && s->first <= at && at < plan_until(l, s);
}

/* Lives are pieces of the dominator tree: when two overlap, one has begun where the other begins. */
static bool overlap(const struct work *w, const struct life *x, const struct life *y)
{
    const struct seg *s = x->origin, *t = y->origin;
    return covers(w, x, t->block, t->first) || covers(w, y, s->block, s->first);
}

static u32 reg_at(const struct work *w, ir_ref v)
{
    return w->p->place[v].kind == PLACE_REG ? w->p->place[v].reg : NOREG;
}

static void prefer(s64 *score, u32 r, s64 by)
{
    if (r != NOREG)
        score[r] += by;
}

/* --- families --- */

static u32 family(struct colours *c, u32 k)
{
    while (c->parent[k] != k)
        k = c->parent[k] = c->parent[c->parent[k]];
    return k;
}

static bool may_join(const struct work *w, const struct colours *c, u32 x, u32 y)
{
    if (file_of(w, &w->life[x]) != file_of(w, &w->life[y]) || c->size[x] + c->size[y] > FAMILY_MOST)
        return false;
    for (u32 i = x; i != ~0u; i = c->next[i])
        for (u32 j = y; j != ~0u; j = c->next[j])
            if (overlap(w, &w->life[i], &w->life[j]))
                return false;
    return true;
}

static void unite(struct colours *c, u32 x, u32 y)
{
    u32 last = x;
    while (c->next[last] != ~0u)
        last = c->next[last];
    c->next[last] = y;
    c->parent[y] = x;
    c->size[x] += c->size[y];
}

static bool has_register(const struct work *w, u32 k)
{
    return k != ~0u && w->life[k].keep != KEEP_NOT;
}

/* Joins what is set most often first. */
static void find_families(struct work *w, struct colours *c)
{
    u32 most = 0;
    for (u32 k = 0; k < w->n; k++) {
        c->parent[k] = k;
        c->next[k] = ~0u;
        c->size[k] = 1;
        c->saves[k] = 0;
        c->reg[k] = NOREG;
    }
    for (u32 b = 0; b < w->p->cfg.n; b++)
        most = plan_frequency(w, b) > most ? plan_frequency(w, b) : most;
    for (; most; most /= 8)
        for (u32 n = 0; n < w->nsets; n++) {
            const struct ir_ins *set = ins_of(w->g, w->sets[n]);
            const u32 often = plan_frequency(w, w->p->cfg.block_of[w->sets[n]]);
            const u32 k = w->index[w->p->phi[set->aux]], j = w->index[plan_root(w, set->a)];
            if (often != most || !has_register(w, k) || !has_register(w, j))
                continue;
            const u32 x = family(c, k), y = family(c, j);
            if (x != y && !may_join(w, c, x, y))
                continue;
            if (x != y)
                unite(c, x, y);
            c->saves[k] += 2 * often;
            c->saves[j] += 2 * often;
        }
}

/* Those that want a register and have a part where l begins, or begin where l has a part. */
static void find_near(const struct work *w, struct colours *c, const struct life *l)
{
    const u64 *const parts = w->parts + (size_t)l->origin->block * w->words;
    memcpy(c->near, parts, w->words * sizeof *parts);
    for (const struct seg *s = l->segs; s; s = s->next)
        for (u32 i = 0; i < w->words; i++)
            c->near[i] |= w->defined[(size_t)s->block * w->words + i];
    for (u32 i = 0; i < w->words; i++)
        c->near[i] &= c->wanting[i];
}

/* Its family's register, and those that another value is to have. */
static void score_families(struct work *w, struct colours *c, u32 k, s64 *score)
{
    const struct life *l = &w->life[k];
    prefer(score, c->reg[family(c, k)], c->saves[k]);
    if (ins_of(w->g, l->v)->op == IR_OP_phi)
        for (u32 n = l->first_set; n; n = w->next_set[n - 1]) {
            const struct ir_ins *set = ins_of(w->g, w->sets[n - 1]);
            prefer(score, reg_at(w, plan_root(w, set->a)), plan_frequency(w, w->p->cfg.block_of[w->sets[n - 1]]) * 2);
        }
    find_near(w, c, l);
    for (u32 i = 0; i < w->words; i++)
        for (u64 m = c->near[i]; m; m &= m - 1) {
            const u32 j = i * 64 + ctz64(m);
            const struct life *x = &w->life[j];
            if (x->keep == KEEP_NOT || reg_at(w, x->v) != NOREG)
                c->wanting[i] &= ~(m & -m);
            else if (family(c, j) != family(c, k) && file_of(w, x) == file_of(w, l) && overlap(w, l, x))
                score[c->reg[family(c, j)]] -= c->saves[j];
        }
}

/* Life k has register r now. If it is the first of its family, the others want that, too. */
static void want(struct colours *c, u32 k, u32 r)
{
    const u32 f = family(c, k);
    if (c->reg[f] != NOREG || c->size[f] < 2)
        return;
    c->reg[f] = (u8)r;
    for (u32 i = f; i != ~0u; i = c->next[i])
        if (i != k)
            bits_add(c->wanting, i);
}

/* Block b is next to have registers given to what begins there. Those that are taken are so by what lives where it
 * begins, as all that has a register already stands in front. */
static void find_taken(const struct work *w, struct colours *c, u32 b)
{
    c->block = b;
    memset(c->until, 0, sizeof c->until);
    for (const struct seg *s = c->in_block[b]; s; s = s->beside) {
        const u32 r = reg_at(w, w->life[s->life].v), until = plan_until(&w->life[s->life], s);
        if (r != NOREG && c->until[r] < until)
            c->until[r] = until;
    }
}

static void choose(struct work *w, struct colours *c, u32 k)
{
    struct life *const l = &w->life[k];
    const struct ir_ins *in = ins_of(w->g, l->v);
    const u32 b = w->p->cfg.block_of[l->v];
    s64 score[NREGS] = {0};
    score_families(w, c, k, score);
    if (is_entry(w, l))
        prefer(score, w->g->outer_reg[in->aux], 4);
    else if (l->home < w->u->slots->n)
        prefer(score, w->g->outer_reg[l->home], 1);
    if (in->op != IR_OP_phi && in->op != IR_OP_get)
        for (u32 j = 0; j < 2; j++) {
            const ir_ref a = ir_arg(in, j) ? plan_root(w, ir_arg(in, j)) : 0;
            if (a && w->index[a] != ~0u)
                prefer(score, reg_at(w, a), plan_frequency(w, b));
        }
    if (l->origin->block != c->block)
        find_taken(w, c, l->origin->block);
    u64 free = file_regs(file_of(w, l));
    for (u64 m = free; m; m &= m - 1)
        if (c->until[ctz64(m)] > l->origin->first)
            free &= ~reg_bit(ctz64(m));
    u32 best = NOREG;
    for (u64 m = free; m; m &= m - 1) {
        const u32 r = ctz64(m);
        if (best == NOREG || score[r] > score[best])
            best = r;
    }
    if (best == NOREG) {
        l->keep = KEEP_NOT;
        return;
    }
    w->p->place[l->v] = (struct place){.kind = PLACE_REG, .reg = (u8)best};
    w->p->stored[l->v] = l->keep == KEEP_STORED;
    c->until[best] = plan_until(l, l->origin);
    want(c, k, best);
}

static int begin(struct work *w, struct colours *c)
{
    const struct ir_cfg *cfg = &w->p->cfg;
    u32 longest = 0;
    for (u32 b = 0; b < cfg->n; b++)
        longest =
            cfg->block[b].last - cfg->block[b].first > longest ? cfg->block[b].last - cfg->block[b].first : longest;
    c->count = ARENA_NEW_N(w->a, u16, longest + 3);
    c->over = ARENA_NEW_N(w->a, u16, longest + 4);
    c->in_block = ARENA_NEW_N(w->a, struct seg *, cfg->n);
    c->wanting = ARENA_NEW_N(w->a, u64, 2 * w->words);
    c->parent = ARENA_NEW_N(w->a, u32, 4 * (w->n + 1));
    c->reg = ARENA_NEW_N(w->a, u8, w->n + 1);
    c->block = IR_NO_BLOCK;
    if (!c->count || !c->over || !c->in_block || !c->wanting || !c->parent || !c->reg)
        return -ENOMEM;
    memset(c->wanting, 0, w->words * sizeof *c->wanting);
    c->near = c->wanting + w->words;
    c->next = c->parent + w->n + 1;
    c->size = c->next + w->n + 1;
    c->saves = c->size + w->n + 1;
    memset(c->in_block, 0, cfg->n * sizeof *c->in_block);
    for (u32 i = 0; i < w->n; i++) {
        struct life *l = &w->life[i];
        l->keep = is_candidate(w, l) ? KEEP_HELD : KEEP_NOT;
        if (l->keep == KEEP_NOT)
            continue;
        if (is_entry(w, l))
            l->puts += w->g->outer_reg[ins_of(w->g, l->v)->aux] != NOREG;
        for (struct seg *s = l->segs; s; s = s->next) {
            s->life = i;
            if (s->block == cfg->block_of[l->v])
                l->origin = s;
            s->beside = c->in_block[s->block];
            c->in_block[s->block] = s;
        }
    }
    return 0;
}

int plan_colour(struct work *w)
{
    const struct ir_cfg *cfg = &w->p->cfg;
    struct colours c;
    int rc = begin(w, &c);
    if (rc)
        return rc;
    u32 deepest = 0;
    for (u32 n = 0; n < cfg->nrpo; n++)
        deepest = cfg->block[cfg->rpo[n]].depth > deepest ? cfg->block[cfg->rpo[n]].depth : deepest;
    for (u32 d = deepest + 1; d-- > 0;)
        for (u32 n = 0; n < cfg->nrpo; n++)
            if (cfg->block[cfg->rpo[n]].depth == d)
                relieve(w, &c, cfg->rpo[n]);
    find_families(w, &c);
    for (u32 i = 0; i < w->n; i++)
        if (w->life[i].keep != KEEP_NOT)
            choose(w, &c, i);
    return 0;
}
