/* Shared by the files of translator/ir, and by nobody else. */
#pragma once

#include "translator/ir/ir.h"
#include "translator/ir/ir_build.h"

/* Makes `u` an empty unit: only ins[0], the nop. False when there is no memory. */
bool ir_unit_init(struct ir_unit *u, gva_t pc);

/* Appends `in` as it stands, counts its uses, and keeps guest_bytes, guest_insns and nexits. Returns its number, or 0
 * when there is no memory. */
ir_ref ir_append(struct ir_unit *u, const struct ir_ins *in);

/* What ir_fold says besides a value to use in place of the instruction. */
#define IR_FOLD_NONE 0            /* nothing left to do: emit `in` as it now is */
#define IR_FOLD_DROP ((ir_ref)-1) /* the instruction does nothing: leave it out */

/* Simplifies the instruction `in` that is about to be emitted; may rewrite it in place. */
ir_ref ir_fold(struct ir_builder *b, struct ir_ins *in);
