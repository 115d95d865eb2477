/* AArch64 register state in a fault upcall. */
#pragma once

#include "lib/types.h"

struct mk_regs {
    u64 gpr[31]; /* x0..x30 */
    u64 sp;
    u64 pc;
    u64 pstate;
    u32 fpsr, fpcr;
    u8 (*vec)[16]; /* the 32 vector registers in place, or NULL when the kernel gave none */
};
