/* What the shared part of a backend asks of this host: what it is, features, entries of the common code,
 * sizes and small hooks. */
#pragma once

#include "translator/host/riscv64/enc.h"
#include "translator/ir/ir.h"

#include "lib/bits.h"

#define HOST_NAME                 "riscv64"
#define CODE_ALIGN                64
#define REGIONS                   false /* it compiles units with labels */
#define MOVES_CODE                false
#define KNOWN                     false      /* it does not have op `known` */
#define MERGES                    false      /* host_isa.merges: what is not aligned may be slow */
#define JC_GROWS                  false      /* host_isa.jc_grows */
#define FREE_HIGH                 false      /* is_sext32 takes a sign extension at its word */
#define MAX_CODE                  (1u << 30) /* what auipc reaches either way, and to spare */
#define LINK_LATE                 true       /* fence.i, on every hart */
#define NANS_TRAP                 false
#define SUMS                      false
#define RAW_NANS                  false /* it makes the guest's NaN itself (raw.h) */
#define nan_branch(g, kind, x, y) ((void)(kind), (void)(x), (void)(y), (u8 *)0)
#define nan_mend(g, kind, x, y)   ((void)(kind), (void)(x), (void)(y))
#define jump_back(c, to)          ((void)0)

/* --- features (probe.c) --- */

enum { FEAT_ZBA, FEAT_ZBB, FEAT_ZICOND, FEAT_ZFA, FEAT_ZFHMIN, FEAT_ZACAS, NFEATS };

/* --- common code (common.c) --- */

/* Entry points in the common code, as offsets from its start. */
enum common_id {
    C_ENTER,       /* C: (vcpu, code) */
    C_LEAVE,       /* v->exit and v->pc are set */
    C_LEAVE_TAIL,  /* the same, pinned registers and flags are stored already */
    C_LINK,        /* a0: exit id; v->pc is set */
    C_LOOKUP,      /* a0: guest pc; leaves with VCPU_LOOKUP */
    C_RETURN_NONE, /* the same for VCPU_RAS_NONE, as a return met a sentinel: that stays */
    C_RETURN, /* a0: guest pc that the top of the return-address stack is not; looks deeper, then into the jump cache */
    C_POLL,   /* v->pc is set */
    C_TRAP,   /* a0: enum ir_trap; v->pc is set */
    C_MISALIGNED, /* a0: guest address, a1: fault kind and access as they lie in vcpu_fault; v->pc is set */
    C_FAULT,      /* v->fault and v->pc are set */
    C_CALL,       /* t6: C helper; arguments in vcpu.scratch; result in a0. Temps are lost */
    C_CALL_FP,    /* the same, with sticky flags gathered before */
    C_VCALL, /* t6: a function of (vcpu); keeps nothing but pinned registers, which it leaves out of the slots where C
                keeps them; result in a0 */
    C_SOFT,  /* floating-point operation in vcpu.scratch[3] on scratch[0..2]; result in scratch[0]. Keeps all registers
                but  scratch ones */
    C_COUNT,
};

/* --- the driver and the allocator --- */

#define MAX_SITES     3
#define SLACK         512  /* more than any one instruction, cold path or stub takes, */
#define CALL_BYTES(n) 3072 /* but for a call, which may have to move all n slots */
#define MAX_UNIT      0    /* any length */
#define COLD_REACH    4000 /* of a branch, less a margin. So no cold path may fault, whose mark would not be the last */
#define COLD_BYTES    120  /* what a cold path takes at most */
#define ZERO_REG      ZERO

/* A number that is loaded from behind the unit: the auipc of the load. */
struct literal {
    struct literal *next;
    u8 *site;
    u64 value;
};

/* State of a unit that only this host has. */
struct gen_own {
    struct literal *literals;
};

static inline bool is_wide(u32 type)
{
    return type == IR_I128 || type == IR_V128;
}
/* Are values of `type` kept in memory? */
static inline bool in_memory(u32 type)
{
    return is_wide(type);
}
/* Which of these free temps to take. */
static inline u32 temp_choose(u64 mask)
{
    return ctz64(mask);
}
static inline void lead_here(struct code *c, u8 *site)
{
    x_here(c, site);
}
static inline u8 *jump_over(struct code *c)
{
    return x_j(c);
}
