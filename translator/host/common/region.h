/* Emitting a region: see region.c, and plan.h for where its values live. */
#pragma once

#include "translator/host/common/unit.h"

int region_emit(const struct ir_unit *u, struct host_code *out) MUST_USE;
/* Room that one instruction of the region may take; the number of the state that was described last. */
u32 region_bytes(const struct gen *g);
u32 region_state(const struct gen *g);
/* Through which entry of the common code a region calls C, with flags gathered before or not. */
u32 region_call(bool fp);

/* Emits moves that bring all slots to where they are between translations, given who holds them. Temps in `keep` stay;
 * others are lost. */
void region_leave(struct gen *g, const ir_ref *held, u64 keep);
/* A copy of r->held that lives as long as the unit; NULL with g->err set. */
const ir_ref *region_held(struct gen *g);
/* Stores the slots that are held, so that memory has all. */
void region_flush(struct gen *g);

/* For the allocator. Value i was computed into register r: brings it to its place. Has it one? Needs a `put` of it to
 * slot s no store? */
void region_place(struct gen *g, ir_ref i, u32 r);
bool region_has_place(const struct gen *g, ir_ref i);
bool region_holds(const struct gen *g, u32 s, ir_ref v);
/* Who holds slot s, if that needs no store; 0: its memory. */
ir_ref region_holder(const struct gen *g, u32 s);
/* Has value v, which is computed already, its register for life? */
bool region_in_register(const struct gen *g, ir_ref v);
/* Is slot s the place of v? */
bool region_is_home(const struct gen *g, u32 s, ir_ref v);

void emit_label(struct gen *g, ir_ref i);
void emit_jump(struct gen *g, ir_ref i);
void emit_jump_if(struct gen *g, ir_ref i);

/* --- the host's --- */

/* Emits a jump that is taken when a cc b; its place, for lead_here and lead_to. */
u8 *branch_if(struct gen *g, u32 cc, ir_ref a, ir_ref b);
void emit_poll(struct gen *g, ir_ref i);
/* At the marker of an instruction: host_code.tally. count: this is the one; leave: nothing of the unit was run yet. */
void emit_tally(struct gen *g, bool count, bool leave);
