/* RISC-V register state in a fault upcall. */
#pragma once

#include "lib/types.h"

struct mk_regs {
    u64 pc;
    u64 gpr[32]; /* by number; gpr[0] is nothing */
    u64 fpr[32];
    u32 fcsr;
};
