/* Raw NaNs: results of arithmetic that are looked at late.
 *
 * Some guests know one NaN only, while the host gives the operand's, or one of its own. So each result would have to be
 * compared with itself, which takes as long as the arithmetic. But a NaN is not lost in further arithmetic: when the
 * last result of a chain is none, none before it was. So a result stays *raw*, that is, it may be another NaN than it
 * should be, until somebody could tell:
 *
 *   - an op that does not just go on computing (a store, above all) looks at the value first;
 *   - so do the ends of the unit at what pinned slots hold, two slots at a time;
 *   - side exits do in cold code;
 *   - an instruction that faults has a state that says which slots are raw (late.h); whoever unwinds mends them.
 *
 * A look that finds no NaN clears what the value was computed from as well. One that does mends all that, wherever it
 * is by then. Only pinned slots hold raw values: what is put to memory is looked at first.
 *
 * In a region slots hold raw values where they are held by registers. What is raw at the end of a block is so where the
 * next begins, if nothing else leads there; where ways meet nothing is raw (region.c).
 *
 * Hosts say RAW_NANS. A host that makes the guest's NaN itself needs none of this. */
#pragma once

#include "translator/host/common/unit.h"

/* What a register that holds a raw value has in it. */
enum raw_kind { RAW_F64, RAW_F32, RAW_BOX32 /* f32, ones above */ };

struct raw_fix;

/* Value i, just computed, is raw: of operands a and b (0: none). False: no room, look at it at once. */
bool raw_value(struct gen *g, ir_ref i, ir_ref a, ir_ref b);
/* What instruction i must not meet raw is looked at. Before it is emitted. */
void raw_before(struct gen *g, ir_ref i);
/* What pinned slots hold is looked at, before instruction i. */
void raw_now(struct gen *g, ir_ref i);
/* All that lives on at instruction i, the end of a region's block, is looked at. */
void raw_all(struct gen *g, ir_ref i);
/* Does a pinned slot hold a raw value? */
bool raw_held(const struct gen *g);
/* How many such slots, and which: words for a state. Gives the end. */
u64 *raw_state(const struct gen *g, u64 *w, u32 *n);
/* What is to be mended by who leaves from here, in the unit's arena; NULL: nothing. Emits it, in cold code. */
const struct raw_fix *raw_here(struct gen *g);
/* The same for who goes on elsewhere: all that is raw. */
const struct raw_fix *raw_anywhere(struct gen *g);
/* A region's: what is raw now, in the unit's arena (NULL: nothing); what is raw where a block begins. */
struct raw_kept;
const struct raw_kept *raw_keep(struct gen *g);
void raw_begin(struct gen *g, const struct raw_kept *kept);
void raw_leave(struct gen *g, const struct raw_fix *f);
