/* The vCPU: one guest hardware thread, as translated code sees it.
 *
 * Host code reaches it through one pinned register, so field offsets are part of every
 * translation: the engine, the interpreter and the backends share this layout and nothing else.
 * Everything hot lies within the first bytes; guest registers ("slots") follow; the jump cache is last.
 *
 * Guest addresses become host addresses by adding mem_base (`flat` memory).
 *
 * Concurrency. A vCPU is run by one thread at a time. Others may set `poll` (with vcpu_kick), and the
 * engine may clear jump-cache entries under its lock; nothing else is written from outside. */
#pragma once

#include "lib/types.h"

/* Why vcpu_run, or one entry into translated code, came back. */
enum vcpu_exit {
    VCPU_NONE,   /* nothing to tell: look up vcpu.pc and go on */
    VCPU_LINK,   /* a direct exit that is not linked yet: vcpu.exit_id says which; pc holds where it goes, but where
                    host_isa.unlinked was gone to */
    VCPU_LOOKUP, /* an indirect exit whose pc was not in the jump cache */
    VCPU_POLL,   /* vcpu.poll was set */
    VCPU_TRAP,   /* an IR trap: vcpu.trap (enum ir_trap) */
    VCPU_FAULT,  /* a memory access faulted: vcpu.fault says how; pc is that of the faulting instruction */
};

enum vcpu_access { VCPU_READ, VCPU_WRITE, VCPU_EXEC };
enum vcpu_fault_kind {
    VCPU_FAULT_UNMAPPED,   /* nothing is mapped there */
    VCPU_FAULT_PROTECTION, /* mapped, but not for this access */
    VCPU_FAULT_BUS,        /* mapped, but no memory behind it (end of file) */
    VCPU_FAULT_MISALIGNED, /* an access that must be aligned, and is not (IR_MEM_ALIGN, IR_MEM_GRANULE) */
};

struct vcpu_fault {
    u64 addr;  /* guest address that faulted */
    u8 kind;   /* enum vcpu_fault_kind */
    u8 access; /* enum vcpu_access */
};

/* Jump cache: indirect exits look up guest pc -> host code here, without a lock. An entry is valid
 * for the thread's current mode only. */
#define VCPU_JC_BITS  14 /* at most */
#define VCPU_JC_FIRST 11 /* at first, where it may grow (host_isa.jc_grows): most threads need no more */
/* An entry is found by the pc's lower bits and by those so much above them: places that lie alike in two libraries
 * would take each other's entry each time, and the lowest bits alone are seldom anything but zero. */
#define VCPU_JC_FOLD 12
/* vcpu.jc_mask of so many: bits 1 and up, as instructions are at least 2-byte aligned. */
#define VCPU_JC_MASK(bits) (((1u << (bits)) - 1) << 1)
struct vcpu_jc {
    gva_t pc;
    const void *code;
};
_Static_assert(sizeof(struct vcpu_jc) == 16, "backends scale an entry's index by 16: ORDER vcpu_jc_index");
/* The pc of empty entry `index`: one that is looked for in another entry, as any may be looked for. */
static inline gva_t vcpu_jc_none(u32 index)
{
    return index ? 0 : 2;
}

#define VCPU_SLOT_BYTES 1024 /* room for any guest's slots */
#define VCPU_SPILL      320  /* words for the backend: spilled values, registers saved around calls into C */

/* Entries of two words, where to go on and guest pc, at the top of the return-address stack that hold no return: their
 * pc is VCPU_RAS_NONE, and they lead where a guest that returns to that all the same is looked after
 * (host_isa.ras_none). An empty stack's pointer stands below them. */
#define VCPU_RAS_SENTINELS 8
#define VCPU_RAS_NONE      2

#define VCPU_FLAG_READS 256 /* vcpu.flag_reads: so many until flags trap. A trap costs as much as hundreds. */

#define VCPU_RECENT 16 /* a power of two */

#define VCPU_CALLS_HELPER 256 /* vcpu.calls; above any op */
#define VCPU_CALLS        (VCPU_CALLS_HELPER + 64)

/* vcpu.poll, when set. The greatest there is: so a host may compare it with a register that has anything but 0, where
 * it cannot with a constant and branch in one. */
#define VCPU_POLLED  (~0u)
#define VCPU_SAMPLED (~1u) /* likewise, for a sample (vcpu_sample), by the engine alone: in place of 0 */

struct engine;

/* Where a tick has found the thread, and how often it is asked (translator/engine/sample.c). */
struct vcpu_sample {
    gva_t pc, block;          /* of the instruction; of the block that it was in. Read when vcpu.poll is VCPU_SAMPLED */
    bool on;                  /* it was looked whether there are ticks to be had */
    u32 idle;                 /* so many ticks, or looks, in a row brought nothing new */
    u64 every;                /* ns between ticks; 0: there are none */
    u64 ticks, away, regions; /* --stats: all; outside of translations; in regions */
    u32 leaves;               /* how often translated code was left while the thread was young */
};

struct vcpu {
    volatile u32 poll; /* 0, or VCPU_POLLED, VCPU_SAMPLED: leave translated code at the next polled exit */
    u32 exit;          /* enum vcpu_exit */
    u32 trap;          /* enum ir_trap */
    u32 exit_id;       /* of a VCPU_LINK */
    gva_t pc;          /* guest pc; exact whenever the vCPU is outside translated code */
    hva_t mem_base;    /* host address of guest address 0 */
    void *host_sp;     /* backend: the engine's stack pointer while in translated code */
    void *ras_sp;      /* backend: return-address stack pointer while outside */
    u32 fp_round;      /* enum ir_round in force */
    u32 fp_flags;      /* sticky flags (IR_FLAG_*) gathered so far; exact outside translated code */
    u32 host_fp[2];    /* backend: host floating-point control words */
    u64 scratch[4];    /* backend: anything, within one instruction */
    u64 mode;          /* code key in force (guest_isa.mode) */
    struct engine *engine;
    _Alignas(16) u8 slots[VCPU_SLOT_BYTES]; /* guest registers, as guest_isa.slots lays them out */

    /* colder */
    _Alignas(16) u64 spill[VCPU_SPILL]; /* backend: nothing in it outlives one stay in translated code */
    struct vcpu_fault fault;
    void *ras_base; /* lowest usable address of the return-address stack; a guard page lies below */
    size_t ras_size;
    u32 jc_mask;                    /* bits of a pc by which its entry of the jump cache is found: VCPU_JC_MASK */
    s32 jc_room;                    /* engine: so many more entries may be made until it grows */
    u32 running;                    /* nonzero while in translated code; engine's flush protocol */
    u32 index;                      /* engine: which vCPU this is */
    u64 epoch;                      /* code cache generation that ras and jc belong to */
    void *owner;                    /* of whoever made it (a personality's thread, a machine's hart) */
    struct vcpu *next;              /* engine's list */
    u64 stat_entries, stat_lookups; /* --stats: entries into translated code; slow look-ups */
    u64 *calls;                /* likewise, or NULL: how often C did an op, and helper n at VCPU_CALLS_HELPER + n */
    gva_t recent[VCPU_RECENT]; /* pcs where translated code was entered last, a ring: [stat_entries % n] is next */
    u64 cpu;                   /* what of the guest's CPU was chosen (guest_isa.cpu) */
    u32 unseen;                /* backend: not 0: a store of IR_MEM_SEQ may not be seen by others yet */
    u32 nans_trap;             /* invalid floating-point operations of the host trap while it is in translated code */
    u32 trapped;               /* how many have */
    u32 stepping;              /* backend: one of them is being made again, by itself */
    bool visitor; /* it is run by a host process of its own, which shares the memory: starts no threads of the engine */
    s32 tally;    /* how many more times the head of a trial is run before who counts that leaves (host_code.tally) */
    struct vcpu_sample sample;
    u32 fuel; /* cosimulation: how many more of op `poll` of a region are passed (ir_interp_watched, host_code.fuel) */
    bool (*call)(struct vcpu *v); /* engine_config.call, where translated code is to use it, or NULL */
    u32 flags_trap;               /* fp_flags is exact in translated code, too: what would raise another flag traps */
    u32 flag_reads; /* backend: how often flags were read since they trapped last, less what is waited then */
    u32 flag_wait;  /* backend: that */
    /* Last, as it is long: all else is on one page, which is copied once after a fork. */
    _Alignas(16) struct vcpu_jc jc[1 << VCPU_JC_BITS];
};

_Static_assert(offsetof(struct vcpu, jc) <= 4096, "a vCPU but for its jump cache is one page at most");

/* Which entry of the jump cache a pc uses. */
static inline u32 vcpu_jc_index(const struct vcpu *v, gva_t pc)
{
    return (u32)((pc ^ pc >> VCPU_JC_FOLD) & v->jc_mask) >> 1;
}

/* An op was done in C: backends call it where they do that. */
static inline void vcpu_count_soft(struct vcpu *v, u32 op)
{
    if (v->calls)
        v->calls[op]++;
}

/* Is v to leave translated code? By its own thread. */
static inline bool vcpu_kicked(const struct vcpu *v)
{
    return __atomic_load_n(&v->poll, __ATOMIC_RELAXED);
}
