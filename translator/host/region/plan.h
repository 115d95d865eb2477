/* Where the values of a region live, decided before any of it is emitted.
 *
 * A value that is needed in more than one block, or that a slot holds when somebody may look, gets one place for all of
 * its life: a register, the memory of the slot that it is put to (its home), or a spill cell. All others are left to
 * the allocator of the pass (alloc.c), which has the temps.
 *
 * What slots hold. A `put` of a value that lives in a register, or of a constant, stores nothing (unless it is
 * `stored`, where the register is wanted for another value while slots may still be looked at); the slot is *held* by
 * that value until it is put to again. Wherever slots are looked at (exits, polls, instructions that may fault), what
 * they are held by is known, and the value's place is still its own: its life lasts until then. plan_begin and
 * plan_step tell. */
#pragma once

#include "translator/host/common/unit.h"
#include "translator/ir/seen.h"

/* A phi that is `shown` is set to values that may be in their registers no more: only to such as hold their slots, or
 * from the memory of those. */

enum place_kind { PLACE_NONE, PLACE_REG, PLACE_HOME, PLACE_CELL };

struct place {
    u8 kind, reg;
    u16 n; /* PLACE_HOME: the slot; PLACE_CELL: the spill cell */
};

struct work;

struct plan {
    const struct work *work; /* what it was made from (plan_int.h) */
    struct ir_cfg cfg;
    struct place *place;         /* by value */
    bool *stored;                /* by value: puts of it store, though it has a register */
    ir_ref *phi;                 /* by number */
    bool *shown;                 /* by number: a phi that is there only for slots to be looked at */
    ir_ref *entry;               /* by slot: the `get` of the entry block, or 0 */
    ir_ref **held;               /* by block: what slots are held by at its end; 0: their memory has it */
    struct ir_seen *seen;        /* by block: which slots are looked at */
    u64 cells[SPILL_CELLS / 64]; /* spill cells in use */
};

/* Makes the plan of g->u, whose values have been scanned. 0, -ENOMEM, -ENOSPC where there are too many, or -ENOENT as
 * host_code.choosy has it. */
int plan_make(struct gen *g, struct plan *p) MUST_USE;

/* What slots are held by where block b begins: *held is filled. */
void plan_begin(const struct gen *g, const struct plan *p, u32 b, ir_ref *held);
/* The same behind instruction i, which stands in front. */
void plan_step(const struct gen *g, const struct plan *p, ir_ref i, ir_ref *held);
/* Is a slot held by value v (a root) when that is put to it, without a store? */
bool plan_holds(const struct gen *g, const struct plan *p, ir_ref v);
/* Has value v, which is computed already, its register for life just before position `at` of block b? */
bool plan_in_register(const struct plan *p, ir_ref v, u32 b, u32 at);
/* At the end of block b, a slot in whose memory value v (a root) is; by preference `s`. NOSLOT: none. */
u32 plan_memory(const struct gen *g, const struct plan *p, u32 b, u32 s, ir_ref v);
