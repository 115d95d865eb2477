/* The control flow of a region: basic blocks, who dominates whom, loops.
 *
 * Blocks are numbered in the order in which they stand; block 0 is the entry. A block begins at a label, behind a
 * `jump_if`, or at the unit's first instruction. It is computed once from a unit that does not change meanwhile, and
 * lives in an arena. */
#pragma once

#include "translator/ir/ir.h"

#define IR_NO_BLOCK 0xffffffffu

struct ir_block {
    ir_ref first, last; /* its instructions, both included */
    u32 succ[2];        /* where its end leads inside the region; [0] is what stands behind it where it falls through */
    u32 nsucc;
    const u32 *pred; /* in the order of the blocks that they are */
    u32 npred;
    u32 idom;   /* nearest dominator; the entry's is itself. IR_NO_BLOCK: nothing leads here */
    u32 order;  /* number in reverse postorder */
    u32 header; /* of the innermost loop that it is in, IR_NO_BLOCK: none. A header is in its own loop */
    u32 depth;  /* of loops */
};

struct ir_cfg {
    struct ir_block *block;
    u32 n;
    const u32 *rpo; /* blocks that can be reached, in reverse postorder */
    u32 nrpo;
    const u32 *label;    /* label -> block */
    const u32 *block_of; /* instruction -> block */
};

/* Fills *c in `a`. 0, -ENOMEM, or -EINVAL when a jump leads to no label or a label stands twice. */
int ir_cfg_make(const struct ir_unit *u, struct arena *a, struct ir_cfg *c) MUST_USE;

/* Does block x dominate y (or is it y)? Of blocks that can be reached. */
bool ir_dominates(const struct ir_cfg *c, u32 x, u32 y);

/* True for what ends a basic block. */
static inline bool ir_ends_block(const struct ir_ins *in)
{
    return in->op == IR_OP_jump_if || (ir_flags[in->op] & IR_END);
}
