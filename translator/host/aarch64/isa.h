/* What the shared part of a backend asks of this host: what it is, features, entries of the common code,
 * sizes and small hooks. */
#pragma once

#include "translator/host/aarch64/enc.h"
#include "translator/ir/ir.h"

#define HOST_NAME                 "aarch64"
#define CODE_ALIGN                16
#define REGIONS                   false /* it compiles units with labels */
#define MOVES_CODE                false
#define KNOWN                     false        /* it does not have op `known` */
#define MERGES                    true         /* host_isa.merges */
#define JC_GROWS                  false        /* host_isa.jc_grows */
#define FREE_HIGH                 true         /* an i64 may have anything in its upper half where nobody looks */
#define MAX_CODE                  (120u << 20) /* one unit reaches any other, and the common code, by a branch of 26 bits */
#define LINK_LATE                 false
#define NANS_TRAP                 false
#define SUMS                      false
#define RAW_NANS                  false /* it makes the guest's NaN itself (raw.h) */
#define nan_branch(g, kind, x, y) ((void)(kind), (void)(x), (void)(y), (u8 *)0)
#define nan_mend(g, kind, x, y)   ((void)(kind), (void)(x), (void)(y))
#define jump_back(c, to)          ((void)0)

/* --- features (probe.c) --- */

enum { FEAT_LSE, FEAT_AES, FEAT_PMULL, FEAT_DOTPROD, FEAT_SHA1, FEAT_SHA2, FEAT_LSE2, NFEATS };

/* --- common code (common.c) --- */

/* Entry points in the common code, as offsets from its start. */
enum common_id {
    C_ENTER,       /* C: (vcpu, code) */
    C_LEAVE,       /* v->exit and v->pc are set */
    C_LEAVE_TAIL,  /* the same, pinned registers and flags are stored already */
    C_LINK,        /* w0: exit id, x1: where it goes */
    C_LOOKUP,      /* x0: guest pc; leaves with VCPU_LOOKUP */
    C_RETURN_NONE, /* the same for VCPU_RAS_NONE, as a return met a sentinel: that stays */
    C_RETURN, /* x0: guest pc that the top of the return-address stack is not; looks deeper, then into the jump cache */
    C_POLL,   /* x0: guest pc to go on from */
    C_TRAP,   /* w0: enum ir_trap, x1: guest pc */
    C_MISALIGNED, /* x0: guest address, w1: fault kind and access as they lie in vcpu_fault, x2: guest pc */
    C_CALL,       /* x16: C helper; arguments in vcpu.scratch; result in x0. Temps are lost */
    C_CALL_FP,    /* the same, with sticky flags gathered before */
    C_SOFT,       /* x16: a C function of (vcpu). Keeps all registers but scratch ones */
    C_COUNT,
};

/* --- the driver and the allocator --- */

#define MAX_SITES     4
#define SLACK         1024               /* more than any one instruction, cold path or stub takes, */
#define CALL_BYTES(n) (SLACK + 32 * (n)) /* but for a call: every one of n slots may have to be spilled */
#define MAX_UNIT      (1000u << 10)      /* conditional branches reach all of it, */
#define COLD_REACH    0                  /* and so do those to cold code */
#define COLD_BYTES    0
#define ZERO_REG      NOREG /* zr is sp to some instructions: use_zr */

/* State of a unit that only this host has: none. */
struct gen_own {
};

/* Are values of `type` kept in memory? All have registers. */
static inline bool in_memory(u32 type)
{
    return false;
}
/* Which of these free temps to take. */
static inline u32 temp_choose(u64 mask)
{
    return ctz64(mask);
}
static inline void lead_here(struct code *c, u8 *site)
{
    a_here(c, site);
}
static inline u8 *jump_over(struct code *c)
{
    return a_b(c);
}
