/* What the parts of making a plan (plan.c, colour.c) know of one another. */
#pragma once

#include "translator/host/region/plan.h"

/* Where in one block a value is needed: from `first` on, up to `real` by whoever computes with it, up to `all` by
 * whoever looks at slots, too. Behind the block: its last instruction and one. Not at all: `first`. */
struct seg {
    struct seg *next; /* of the same value, in another block */
    u32 block, first, real, all;
    /* colour.c: the value; others in the same block */
    u32 life;
    struct seg *beside;
};

/* How a value that may have a place is kept. */
enum keep {
    KEEP_HELD,   /* a register, which holds its slots as long as somebody may look */
    KEEP_STORED, /* a register; a `put` of it stores */
    KEEP_NOT     /* no register */
};

/* A value that may be given a place. */
struct life {
    ir_ref v;
    struct seg *segs;
    const struct seg *origin; /* colour.c: where it begins */
    u32 worth;                /* uses, by how often they run */
    u32 puts;                 /* what it costs to store its puts, likewise */
    u32 sets;                 /* how often it is set (a phi), likewise */
    u32 first_set; /* of a phi: 1 + the first of its phi_sets in work.sets, 0: none; next_set has the others */
    u32 home;      /* slot whose memory could be its place, or NOSLOT */
    u8 keep;       /* enum keep */
    bool crosses;  /* needed in another block */
    bool far;      /* to compute with; or a phi */
    bool shown;    /* a phi that nobody computes with: it is there for slots to be looked at */
};

struct work {
    struct gen *g;
    struct plan *p;
    const struct ir_unit *u;
    struct arena *a;
    u32 *index; /* value -> life, or ~0 */
    struct life *life;
    u32 n;
    u32 words; /* of a set of lives */
    /* sets of lives, by block: needed by whoever computes; or looks, too; defined; those with a part there */
    u64 *real_in, *real_out, *all_in, *all_out, *defined, *parts;
    struct seg **here; /* by life: its part in the block that is being looked at */
    struct seg *spare; /* room for parts: so many more */
    u32 nspare;
    ir_ref *sets; /* all phi_sets */
    u32 *next_set;
    u32 nsets;
};

/* How far l has a register in s. */
static inline u32 plan_until(const struct life *l, const struct seg *s)
{
    return l->keep == KEEP_HELD ? s->all : l->keep == KEEP_STORED ? s->real : s->first;
}

static inline ir_ref plan_root(const struct work *w, ir_ref i)
{
    return w->g->val[i].root;
}

/* How often block b runs, more or less. */
static inline u32 plan_frequency(const struct work *w, u32 b)
{
    const u32 d = w->p->cfg.block[b].depth;
    return d == 0 ? 1 : d == 1 ? 8 : d == 2 ? 64 : 512;
}

/* Decides who keeps a register and how (life.keep), and which. 0 or -ENOMEM. */
int plan_colour(struct work *w) MUST_USE;
