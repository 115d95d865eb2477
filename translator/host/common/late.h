/* Late puts: stores to slots that are not made unless somebody looks.
 *
 * A `put` that another one replaces further on in the same unit is seen only by who comes between: a side exit that is
 * taken, or an instruction that faults. Guest flags are the case that matters: nearly every one that is set is set
 * anew before anybody reads it, and storing what it is computed from costs three stores each time. So such a put (the
 * scan finds them, unit.c: val.late) *waits*: the slot's memory keeps what it had, and the unit notes which value the
 * slot has by rights. A side exit makes the stores in cold code; an instruction that may fault gets a mark with a state
 * that tells whoever unwinds where the values are (host.h).
 *
 * A value that is waited for stays where it is as long as that costs nothing. When its register or slot is wanted for
 * something else, the store is made: that is what it would have cost in the first place. Not so behind the last place
 * where somebody may look: from there on the put is forgotten.
 *
 * Addresses. Code that has no access by the sum of two registers forms the sum first, mostly in the register that is
 * then loaded: add a5, a4, a5; ld a5, 0(a5). Where an access does both and another put to the same slot comes before
 * anybody else can look (val.sum), the first put is never made, and so the sum neither: the access has a state
 * that says of which registers the slot is the sum.
 *
 * States must be true at every host instruction that may fault. So an instruction that may fault has a mark of its own,
 * and another one whenever, while it is being emitted, a value that is waited for changes its place (late_moved). */
#pragma once

#include "translator/host/common/unit.h"

/* Where values that are waited for are, at some moment. */
struct late;

/* Lets put i of value x (a root) to slot s wait, if it may; else the put is to be made, and whatever waited for the
 * slot is forgotten. */
bool late_put(struct gen *g, ir_ref i, u32 s, ir_ref x);
/* Value v, in register r, is about to lose that place, and nobody but puts that wait needs it: makes those. */
void late_store(struct gen *g, ir_ref v, u32 r);
/* Forgets those that nobody will look for after this instruction. */
void late_expire(struct gen *g);
/* Makes all puts that wait. Uses temps. */
void late_now(struct gen *g);
/* A value that is waited for has changed its place. */
void late_moved(struct gen *g);
/* The access that is emitted now goes to base + (index << shift), registers that stay as they are until it is made.
 * What that is the slot has that val.sum tells, if it does. */
void late_sum(struct gen *g, u32 base, u32 index, u32 shift);
/* The number of a state that says where all are now; 0 when nothing waits. */
u32 late_state(struct gen *g);
/* What is to be stored by who leaves from here, in the unit's arena; NULL: nothing. */
const struct late *late_here(struct gen *g);
/* Emits these stores, where nothing in temps is needed any more; l may be NULL. */
void late_leave(struct gen *g, const struct late *l);
/* Room for n more words in the unit's states; NULL with g->err set. The caller advances g->nstate. */
u64 *state_room(struct gen *g, u32 n);
