/* The optimiser: from a hot place in guest code to a region of IR that a backend compiles.
 *
 *     form.c    which code belongs to the region; a unit with labels, block after block
 *     lift.c    slots become values over the whole region
 *
 * Every step takes a unit and makes another one, in the arena of the request, by way of the builder: so everything is
 * folded again each time, and each step can be tested and printed alone. A step's output means what its input meant
 * (ir_interp of one and the other end alike, wherever they are left).
 *
 * Nothing here locks or keeps state; a request is worked on by one thread. */
#pragma once

#include "translator/ir/ir.h"

#define OPT_MAX_BLOCKS 128

struct opt_request {
    struct arena *arena;
    gva_t pc;       /* the hot place: the region's only entry */
    u32 max_insns;  /* about how many guest instructions it may have */
    u32 max_blocks; /* at most OPT_MAX_BLOCKS */

    /* Makes the unit of the code at pc into *u (in `arena`): up to the first branch, whose ways are its exits (or a
     * later one, where flags are wanted behind it), or to before the first pc that stop_at is true of. 0; or an error,
     * and then the region ends before pc. */
    int (*unit)(void *cx, gva_t pc, bool (*stop_at)(void *stop_cx, gva_t pc), void *stop_cx, struct ir_unit *u);
    /* Is pc, where a branch leads, worth being in the region (has it ever run)? What follows a branch always is. */
    bool (*wanted)(void *cx, gva_t pc);
    void *cx;
};

/* The region, lifted and cleaned, in *u; of what it took, only that is still in the arena. 0; -ENOENT where there is
 * nothing that one unit would not do as well; -ENOMEM; what `unit` said of the first block. */
int opt_region(const struct opt_request *rq, struct ir_unit *u) MUST_USE;

/* The steps. `in` stays as it is; *out is made in in->arena. 0 or -ENOMEM. */
int opt_form(const struct opt_request *rq, struct ir_unit *out) MUST_USE;
int opt_lift(const struct ir_unit *in, struct ir_unit *out) MUST_USE;
int opt_clean(const struct ir_unit *in, struct ir_unit *out) MUST_USE;
