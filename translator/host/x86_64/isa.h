/* What the shared part of a backend asks of this host: what it is, features, entries of the common code,
 * sizes and small hooks. */
#pragma once

#include "translator/host/x86_64/enc.h"
#include "translator/ir/ir.h"

#include "lib/bits.h"

#define HOST_NAME "x86_64"
/* Loop heads at the start of a cache line: 4 % over short benchmarks, more for small functions. */
#define CODE_ALIGN 64
#define MAX_CODE   0 /* its branches reach all of any */

/* --- features (probe.c) --- */

enum {
    FEAT_SSE41,
    FEAT_POPCNT,
    FEAT_LZCNT,
    FEAT_BMI1,
    FEAT_BMI2,
    FEAT_FMA,
    FEAT_F16C,
    FEAT_SSSE3,
    FEAT_SSE42,
    FEAT_AVX,
    FEAT_AVX2,
    FEAT_AES,
    FEAT_PCLMUL,
    NFEATS
};

/* --- common code (common.c) --- */

/* Entry points and constants in the common code, as offsets from its start. */
enum common_id {
    C_ENTER,      /* C: (vcpu, code) */
    C_LEAVE,      /* v->exit and v->pc are set */
    C_LEAVE_TAIL, /* the same, pinned registers and flags are stored already */
    C_LINK,       /* eax: exit id; v->pc is set */
    C_LOOKUP,     /* rax: guest pc; leaves with VCPU_LOOKUP */
    C_RETURN, /* rax: guest pc that the top of the return-address stack is not; looks deeper, then into the jump cache
               */
    C_POLL,   /* v->pc is set */
    C_TRAP,   /* eax: enum ir_trap; v->pc is set */
    C_MISALIGNED, /* rax: guest address, edx: fault kind and access as they lie in vcpu_fault; v->pc is set */
    C_CALL,       /* rax: C helper; arguments in vcpu.scratch; result in rax. Temps are lost */
    C_CALL_FP,    /* the same, with sticky flags gathered before */
    C_SOFT,       /* softfp operation in vcpu.scratch[3] on scratch[0..2]; result in scratch[0]. Keeps all registers.
                     A vector op has its arguments and result at VEC_ARGS, and scratch[2] is its immediate */
    /* constants, 16 bytes each, aligned */
    K_BOX32,
    K_BOX16,
    K_NAN64,
    K_NAN32,
    K_NAN16,
    K_SIGN64,
    K_SIGN32,
    K_ABS64,
    K_ABS32,
    K_U32_64, /* 2^32 - 1 and 2^63 as f64 */
    K_U63_64,
    K_ZERO,
    K_HALF32,
    K_HALF64,
    K_ONE32,
    K_ONE64,
    K_POP1, /* 0x5555…, 0x3333…, 0x0f0f…, 0x0101…: eight bytes each */
    K_POP2,
    K_FLAGS, /* 64 bytes: mxcsr's sticky flags to IR_FLAG_* */
    /* vectors */
    K_ONES,
    K_EVEN8, /* ones in every other lane of 8, 16, 32 bits, from the lowest on */
    K_EVEN16,
    K_EVEN32,
    K_SIGN8_V, /* the sign bit of each lane */
    K_SIGN16_V,
    K_SIGN32_V,
    K_SIGN64_V,
    K_NIBBLE, /* 0x0f bytes */
    K_POPS,   /* ones in 0 to 15 */
    K_PAST15, /* bytes that make a byte above 15 saturate above 0x7f when added */
    K_REV2,   /* for pshufb: bytes reversed in groups of 2, 4, 8, 16 */
    K_REV4,
    K_REV8,
    K_REV16,
    K_2P31_LESS, /* f32: the last before 2^31 */
    K_2P16,      /* f32: 2^16 */
    K_SHL8,      /* 8 of them, by shift: which bits of a byte are not from below; */
    K_SHR8,      /* from above; */
    K_SAR8,      /* where the sign ends up */
    C_COUNT,
};

/* --- the driver and the allocator --- */

#define MAX_SITES     2
#define SLACK         768                /* more than any one instruction, cold path or stub takes, */
#define CALL_BYTES(n) (SLACK + 32 * (n)) /* but for a call: every one of n slots may have to be spilled */
#define MAX_UNIT      0                  /* any length */
#define COLD_REACH    0                  /* a jump to cold code reaches all of a unit */
#define COLD_BYTES    0
#define ZERO_REG      NOREG

/* State of a unit that only this host has. */
struct gen_own {
    bool keep_flags; /* host flags are live: materialising a constant must not change them */
};

/* Are values of `type` kept in memory? All have registers. */
static inline bool in_memory(u32 type)
{
    return false;
}
/* Which of these free temps to take: the highest, since rbx is the one that no instruction asks for. */
static inline u32 temp_choose(u64 mask)
{
    return 63 - clz64(mask);
}
static inline void lead_here(struct code *c, u8 *site)
{
    x_here(c, site);
}
static inline u8 *jump_over(struct code *c)
{
    return x_jmp(c);
}
