/* Who looks at which slots in a region.
 *
 * A slot is looked at by a `get`, and all of them are by whatever may leave the region (exits, polls, instructions that
 * may fault, helpers that read slots). Backwards over the blocks that gives, by slot, whether somebody may still look
 * before it is put to again. A put whose slot nobody will look at is dead. */
#pragma once

#include "translator/ir/cfg.h"
#include "translator/ir/ir_build.h" /* IR_MAX_SLOTS */

#define IR_SEEN_WORDS (IR_MAX_SLOTS / 64)

/* Of a block: slots that are looked at before they are put to, in the block; those put to; those that are looked at
 * before they are put to from its begin, or from its end, on. */
struct ir_seen {
    u64 seen[IR_SEEN_WORDS], put[IR_SEEN_WORDS];
    u64 in[IR_SEEN_WORDS], out[IR_SEEN_WORDS];
};

/* Are all slots looked at in this instruction? */
bool ir_looks_at_slots(const struct ir_unit *u, const struct ir_ins *in);
/* By block, in `a`. 0 or -ENOMEM. */
int ir_seen_make(const struct ir_unit *u, const struct ir_cfg *c, struct arena *a, struct ir_seen **out) MUST_USE;
/* dead[r], u->n of them: r is a put that nobody sees. 0 or -ENOMEM. */
int ir_dead_puts(const struct ir_unit *u, const struct ir_cfg *c, struct arena *a, bool *dead) MUST_USE;
