/* What the shared part of a backend asks of this host: what it is, features, entries of the common code,
 * sizes and small hooks. */
#pragma once

#include "translator/host/x86_64/enc.h"
#include "translator/ir/ir.h"

#include "lib/bits.h"

#define HOST_NAME "x86_64"
/* Loop heads at the start of a cache line: 4 % over short benchmarks, more for small functions. */
#define CODE_ALIGN 64
#define REGIONS    true /* it compiles units with labels */
#define MOVES_CODE true /* it tells what of a unit depends on its place */
#define KNOWN      true /* it has op `known` */
#define MERGES     true /* host_isa.merges */
#define JC_GROWS   true /* host_isa.jc_grows */
#define FREE_HIGH  true /* an i64 may have anything in its upper half where nobody looks */
#define MAX_CODE   0    /* its branches reach all of any */
#define LINK_LATE  false
#define NANS_TRAP  true /* it can trap where an operation is invalid */
#define SUMS       true /* an access may be to the sum of two registers, of which it tells late_sum */
#define RAW_NANS   true /* its NaNs are not those of guests that know one only (raw.h) */

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
    FEAT_SHA,
    FEAT_AVX512F,
    NFEATS
};

/* --- common code (common.c) --- */

/* Entry points and constants in the common code, as offsets from its start. */
enum common_id {
    C_ENTER,       /* C: (vcpu, code) */
    C_LEAVE,       /* v->exit and v->pc are set */
    C_LEAVE_TAIL,  /* the same, pinned registers and flags are stored already */
    C_LINK,        /* eax: exit id; v->pc is set, or the engine knows it */
    C_LINK_AT,     /* the same; called, with both behind the call (leave_at) */
    C_LOOKUP,      /* rax: guest pc; leaves with VCPU_LOOKUP */
    C_RETURN_NONE, /* the same for VCPU_RAS_NONE, as a return met a sentinel: that stays */
    C_RETURN,  /* rax: guest pc that the top of the return-address stack is not; looks deeper, then into the jump cache
                */
    C_POLL,    /* v->pc is set */
    C_POLL_AT, /* the same; called, with it behind the call */
    C_TRAP,    /* eax: enum ir_trap; v->pc is set */
    C_SYSCALL, /* a system call; v->pc is set */
    C_MISALIGNED, /* rax: guest address, edx: fault kind and access as they lie in vcpu_fault; v->pc is set */
    C_CALL,       /* rax: C helper; arguments in vcpu.scratch; result in rax. Temps are lost */
    C_CALL_FP,    /* the same, with sticky flags gathered before */
    C_CALL_KEEP,  /* C_CALL and C_CALL_FP, for regions: slots stay as they are, and the registers that pins are in */
    C_CALL_FP_KEEP,
    C_SOFT, /* softfp operation in vcpu.scratch[3] on scratch[0..2]; result in scratch[0]. Keeps all registers.
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
    K_2P31_V,    /* 2^31 in lanes of 8 bytes */
    K_MAX32_V,   /* 2^31 - 1 in lanes of 4 bytes */
    K_MAX64_V,   /* 2^63 - 1 in lanes of 8 bytes */
    K_2P23_V,    /* f32, f64: from here on all are integral */
    K_2P52_V,
    K_HALF_LESS32, /* the last before 1/2 */
    K_HALF_LESS64,
    K_ONE32_V, /* 1 */
    K_ONE64_V,
    K_2P63_LESS, /* f64: the last before 2^63 */
    K_ODD8,      /* ones in the lanes that K_EVEN8, K_EVEN16 leave out */
    K_ODD16,
    K_SEVEN8, /* 7, 8, 16 in lanes of 1, 1, 2 bytes */
    K_EIGHT8,
    K_SIXTEEN16,
    K_POW_SHL, /* for pshufb: what to multiply bytes by (emit_vseq.c) */
    K_POW_SHR,
    K_POW_SAR,
    K_CLZ_LOW,  /* leading zeros of a byte whose lower half is this, and whose upper half is 0; */
    K_CLZ_HIGH, /* whose upper half is this, and 8 for 0 */
    K_FLUSH32,  /* emit_flush.c: what to add to twice a lane, what is then no longer small; likewise */
    K_FLUSH32_TOP,
    K_FLUSH64,
    K_FLUSH64_TOP,
    K_EXP32_V, /* exponents: all bits; what a sum, or a difference, has to reach or be above */
    K_EXP64_V,
    K_SUM32,
    K_SUM64,
    K_RATIO32,
    K_RATIO64,
    K_NARROW_TOP,
    K_LOW_HALF,  /* ones in the lower half */
    K_LEAST16_V, /* twice the least normal f16; the least normal f32, f64 */
    K_LEAST32_V,
    K_LEAST64_V,
    K_SHA1, /* constants of SHA-1's rounds 0, 20, 40 in four lanes */
    K_SHA1_2,
    K_SHA1_3,
    K_SHL8,     /* 8 of them, by shift: which bits of a byte are not from below; */
    K_SHR8,     /* from above; */
    K_SAR8,     /* where the sign ends up */
    K_EST,      /* IR_OP_vest by the highest nine bits: entries from 256 on, */
    K_EST_ROOT, /* from 128 on */
    C_GETFLAGS, /* vcpu.scratch[0], 32 bits, = sticky flags */
    C_SETFLAGS, /* and the reverse; both keep all registers */
    K_TRAPS,    /* 64 bytes: what of mxcsr masks IR_FLAG_*, so that all others trap */
    C_KNOWN,    /* addresses of the routines of op `known`, by enum ir_known */
    C_COUNT,
};

/* --- the driver and the allocator --- */

#define MAX_SITES     3
#define SLACK         768                /* more than any one instruction, cold path or stub takes, */
#define CALL_BYTES(n) (SLACK + 32 * (n)) /* but for a call: every one of n slots may have to be spilled */
#define MAX_UNIT      0                  /* any length */
#define COLD_REACH    0                  /* a jump to cold code reaches all of a unit */
#define COLD_BYTES    0
#define ZERO_REG      NOREG

/* Regions: registers that values may have for life, where floats begin, how much one jump or exit may take. */
#define REGION_REGS          (1ull << RSI | 1ull << RDI | 0xffull << R8 | 0xfffull << XMM4)
#define FLOAT_REGS           XMM0
#define REGION_BYTES(n)      (SLACK + 24 * (n))
#define REGION_SCRATCH_CELLS 16

/* State of a unit that only this host has. */
struct gen_own {
    bool keep_flags; /* host flags are live: materialising a constant must not change them */
    ir_ref flags;    /* the getflags that was emitted last, with no setflags behind it, or 0 */
};

/* Are values of `type` kept in memory? All have registers. */
static inline bool in_memory(u32 type)
{
    return false;
}
/* Which of these free temps to take: the highest, since rbx is the one that no instruction asks for; and rdx last, as
 * multiplications and divisions do, while shifts seldom ask for rcx and nothing but divisions and atomics for rax. */
static inline u32 temp_choose(u64 mask)
{
    const u64 others = mask & ~(1ull << RDX);
    return 63 - clz64(others ? others : mask);
}
static inline void lead_here(struct code *c, u8 *site)
{
    x_here(c, site);
}
/* The same to a place that is behind (rw view). */
static inline void lead_to(struct code *c, u8 *site, const u8 *to)
{
    const u32 rel = (u32)(to - (site + 4));
    memcpy(site, &rel, 4);
}
struct gen;
/* A branch that is taken when x or y, both of `kind` (raw.h), is a NaN; its place. */
u8 *nan_branch(struct gen *g, u32 kind, u32 x, u32 y);
/* In cold code: of x and y, which may be one, makes those that are NaNs the guest's. */
void nan_mend(struct gen *g, u32 kind, u32 x, u32 y);
static inline void jump_back(struct code *c, const u8 *to)
{
    x_jmp_back(c, to);
}
/* Makes the next instruction a good place to jump back to. */
static inline void align_loop(struct code *c)
{
    const u32 at = (u32)(uintptr_t)(c->rx + (c->p - c->base)) & 31;
    if (at)
        x_nops(c, 32 - at);
}
static inline u8 *jump_over(struct code *c)
{
    return x_jmp(c);
}
