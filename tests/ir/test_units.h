/* What tests do with units. */
#pragma once

#include "translator/ir/ir.h"

/* Makes `out` from u, instruction by instruction, through the builder. out->arena, slots, helpers are set. 0 or
 * -ENOMEM. */
int test_rebuild(const struct ir_unit *u, struct ir_unit *out);
