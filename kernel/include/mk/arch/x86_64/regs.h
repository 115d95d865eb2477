/* x86-64 register state in a fault upcall. */
#pragma once

#include "lib/types.h"

struct mk_regs {
    u64 gpr[16]; /* rax rcx rdx rbx rsp rbp rsi rdi r8..r15: by encoding number */
    u64 rip;
    u64 rflags;
    u32 mxcsr;
    u8 (*xmm)[16]; /* the 16 xmm registers in place, or NULL when the kernel gave none */
};
