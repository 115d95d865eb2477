/* What op `known` does: the oracle for the routines of backends. */
#pragma once

#include "translator/ir/ir.h"

/* Does routine `kind` (enum ir_known) on guest memory at mem_base. False: it could not, and IR_TRAP_OWN is due (ops.def
 * says what memory holds then). overlay: what is stored goes there; NULL: to memory. */
struct ir_overlay;
bool ir_eval_known(u32 kind, hva_t mem_base, struct ir_overlay *overlay, u64 a, u64 b, u64 c, u64 *out) MUST_USE;
