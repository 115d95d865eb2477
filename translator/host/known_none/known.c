/* For hosts that have no routines for op `known` yet: no unit has it. */
#include "translator/host/common/entry.h"

void emit_known(struct gen *g, ir_ref i)
{
    dgm_assert(false, "this host has no library routines");
}

uintptr_t routine_caller(struct mk_regs *regs)
{
    return 0;
}
