/* What a host ISA gives to the engine: the backend's contract.
 *
 * A backend turns a unit of IR into host code and knows nothing of guests. It writes into memory
 * that the engine hands it; the code runs at another address (`rx`) than the one it is written to (`rw`).
 *
 * State. Translated code runs with the vCPU in one register and the best-ranked slots of each class
 * pinned in others, always: a jump from one translation to the next moves nothing. At every guest
 * instruction boundary pinned registers and slot memory together are exact. Outside translated
 * code all slots are in memory. */
#pragma once

#include "translator/ir/ir.h"
#include "translator/vcpu.h"

struct mk_regs;

/* One guest instruction in the emitted code: host offset where it begins. Sorted. */
struct host_mark {
    u32 host_off;
    u32 guest_off; /* from unit pc; modulo 2^32, as regions go back, too */
    u32 state;     /* where in host_code.state the slots are described, 0: they are where they are between translations;
                      and HOST_MARK_OWN: what faults here stands for several of the guest's (IR_MEM_MERGED) */
};
#define HOST_MARK_OWN (1u << 31)

/* A state: how many slots are held by something else than their memory, then a word for each: the slot, and from bit 16
 * on a register as the backend numbers them; or HOST_HELD_CONST, and the value in the next word; or HOST_HELD_MEM, and
 * in the next word where it lies, as the backend counts; or HOST_HELD_RAW: it is where it is, but may be any NaN
 * instead of the guest's, an f64 or, with 1 in the next word, a boxed f32; or HOST_HELD_SUM: the sum of two registers,
 * in the next word, the second from bit 8 on, which is shifted left by what stands from bit 16 on. With HOST_STATE_PINS
 * in the first word, pinned slots are in their registers besides. */
#define HOST_HELD_CONST 0xffffull
#define HOST_HELD_MEM   0xfffeull
#define HOST_HELD_RAW   0xfffdull
#define HOST_HELD_SUM   0xfffcull
#define HOST_STATE_PINS (1ull << 32)

/* One direct exit (exit, exit_if): a jump that can be patched to reach a translation. */
struct host_exit {
    u32 site_off; /* of the patchable jump, for host_isa.link */
    u32 stub_off; /* of the stub it goes to while unlinked; where there is `move`, stubs are the last of the code */
    gva_t pc;     /* where it leads */
};

/* For a call: the landing that a matched return arrives at is one more exit, to the return pc. So a
 * unit may have up to nexits + 1 host exits. */

/* What of emitted code depends on where it is: a field, at an offset from the code's start, of one of these kinds. */
enum host_reloc {
    HOST_RELOC_COMMON, /* a distance from its own place to something in the common code */
    HOST_RELOC_OWN,    /* an address in the program that this is part of: C code or data */
    HOST_NRELOCS
};
#define HOST_RELOC(off, kind)  ((off) << 2 | (kind))
#define HOST_RELOC_OFF(reloc)  ((reloc) >> 2)
#define HOST_RELOC_KIND(reloc) ((reloc)&3)

#define HOST_THROUGH 12 /* bytes of a jump through a word of memory */
#define HOST_STUB    28 /* bytes of a stub, at most */

struct host_code {
    /* in */
    u8 *rw;             /* where to write */
    const u8 *rx;       /* where it will run */
    size_t cap;         /* room */
    u32 exit_id;        /* id of this unit's first exit; the others follow */
    const void *common; /* the common code made by host_isa.common, at its rx address */
    bool flat0;         /* guest addresses are host addresses (mem_base is 0): a backend may leave the addition out */
    bool fuel;          /* `poll` counts vcpu.fuel down, which leaves when it was 0, and does not look at vcpu.poll */
    bool choosy;        /* a region that is no better than blocks is not emitted: -ENOENT */
    bool count;         /* count calls of helpers in vcpu.calls, which is not NULL then; a backend may leave it out */
    /* Not 0: vcpu.tally is counted down where the guest instruction at this pc is run, and where that has made it
     * negative the unit is left as if vcpu.poll were set: at its first instruction, of a region at a poll. With regions
     * only. */
    gva_t tally;
    /* Not NULL: of a region, what is found out about it before any of it is emitted is left in *plan, in
     * plan_arena; if *plan is not NULL, an earlier emission of the unit has. */
    void **plan;
    struct arena *plan_arena;
    /* out; arrays are the caller's, with room for nmarks_cap and nexits_cap */
    struct host_mark *marks;
    u32 nmarks, nmarks_cap;
    struct host_exit *exits;
    u32 nexits, nexits_cap;
    const u64 *state; /* in the unit's arena */
    u32 nstate;
    u32 *relocs; /* of a unit, likewise with room for nrelocs_cap, which may be 0 */
    u32 nrelocs, nrelocs_cap;
    bool movable; /* all that depends on the place is in relocs; there are no others without `move` */
    size_t size;  /* bytes written, cold parts included */
};

struct host_isa {
    const char *name;         /* "x86_64" */
    u32 npinned[IR_NCLASSES]; /* how many slots of each class it pins */
    bool regions;             /* emit takes units with labels */
    bool known;               /* emit takes op `known` */
    bool jc_grows;            /* translated code looks into the jump cache by vcpu.jc_mask; else all of it is in use */
    bool merges;              /* accesses that are not aligned are as good as others: ir_merge is worth while */
    u32 code_align;
    size_t max_code; /* largest code cache that its branches reach all of; 0: any */
    /* Making code seen is dear: a call of the kernel that stops all threads. So links may be seen late, until
     * when a thread goes the old way, which is as right. */
    bool link_late;

    /* Reads what this CPU can do; once, before anything else. `mask` has bits that switch optional features
     * off (tests of poor machines): bit i is feature i of features[]. */
    void (*probe)(u64 mask);
    const char *const *features; /* names, NULL-terminated */
    u64 (*have)(void);           /* which are in use */
    /* Does this CPU make an access that lies within 16 aligned bytes, aligned itself or not, in one piece, and atomics
     * too? Then ops may have IR_MEM_GRANULE. */
    bool (*granule)(void);

    /* Writes the common code (enter, leave, lookup) that all translations share, to the start of a cache, for slots
     * pinned as `slots` ranks them. Returns bytes written, or 0 when cap is too small. */
    size_t (*common)(u8 *rw, const u8 *rx, size_t cap, const struct ir_slots *slots);

    /* Emits `u`. 0, -ENOSPC when it does not fit (nothing is kept), -ENOMEM. */
    int (*emit)(const struct ir_unit *u, struct host_code *out) MUST_USE;

    /* Points the jump at rx address `site` (written through rw) to `to`. Atomic against threads that run it. It writes
     * no more than four bytes there; the caller then makes them seen (mk_code_sync). */
    void (*link)(u8 *rw_site, const u8 *rx_site, const void *to);

    /* Makes code that was moved by a multiple of code_align right: what its relocs name gets by[kind] added, which for
     * HOST_RELOC_COMMON is the distance that the common code has moved less that of the code. NULL: emit makes no code
     * that could be moved. */
    void (*move)(u8 *rw, const u32 *relocs, u32 n, const u64 by[HOST_NRELOCS]);

    /* There where `move` is. Writes to rw, which will run at rx: */
    /* HOST_THROUGH bytes, a jump of exit `id` to where the word at `slot` says. That says `unlinked` while the exit is
     * not: then it leaves with VCPU_LINK, and vcpu.pc is whatever it was. */
    void (*through)(u8 *rw, const u8 *rx, const void *slot, u32 id);
    const void *(*unlinked)(const void *common);
    /* HOST_STUB bytes at most, a stub of exit `id`, which leads to `pc`. */
    void (*stub)(u8 *rw, const u8 *rx, const void *common, u32 id, gva_t pc);

    /* Runs translated code at `code` until it leaves; v->exit says why. */
    void (*enter)(struct vcpu *v, const void *code, const void *common);

    /* Where a sentinel of the return-address stack leads (VCPU_RAS_SENTINELS). */
    const void *(*ras_none)(const void *common);

    /* A fault happened at regs' pc, inside the code cache. If it belongs to the backend itself (return-address stack
     * overflow), repairs regs and returns true: resume. */
    bool (*own_fault)(struct vcpu *v, struct mk_regs *regs, hva_t addr);
    /* Does regs' pc lie in a routine that op `known` calls? Then it is made to lie in the call, where pinned slots are
     * as they were before, and is returned; else 0. */
    uintptr_t (*routine_caller)(struct mk_regs *regs);
    /* Otherwise: copies pinned slots from regs to v->slots, gathers floating-point flags, and makes regs resume
     * in the common leave path, so that `enter` returns with v->exit as the caller set it. `state`: the one of the
     * mark, or NULL; `slots` is needed with it. */
    void (*unwind)(struct vcpu *v, struct mk_regs *regs, const void *common, const struct ir_slots *slots,
                   const u64 *state);

    /* Can this CPU trap where a floating-point operation is invalid? Then units may have nans_trap, if they are run
     * with vcpu.nans_trap. NULL: no. */
    bool (*nans_trap)(void);
    /* Such a trap happened at regs' pc, in the code cache; or (`step`) one instruction was made that this asked for.
     * Does what the instruction should have done, with the NaN that IR's arithmetic gives, or sees to it; regs then
     * resume. False: it was something else. Async-signal-safe. */
    bool (*nan_fault)(struct vcpu *v, struct mk_regs *regs, bool step);
    /* A trap at regs' pc, in the code cache: was it of a flag that is raised for the first time (vcpu.flags_trap)? Then
     * flags do not trap any more, and regs resume. NULL: they never do. Async-signal-safe. */
    bool (*flag_fault)(struct vcpu *v, struct mk_regs *regs);

    /* Writes the host instruction at `code` as text (for dumps); length, or 0 when it can't be told. May be NULL. */
    size_t (*disasm)(const u8 *code, size_t len, hva_t pc, char *buf, size_t cap);
};

extern const struct host_isa host_native; /* of the machine this was built for */

/* Empties the vCPU's return-address stack, if it has one. */
static inline void host_ras_empty(struct vcpu *v, const struct host_isa *host, const void *common)
{
    if (!v->ras_base)
        return;
    u64 *top = (u64 *)((u8 *)v->ras_base + v->ras_size);
    for (u32 i = 0; i < VCPU_RAS_SENTINELS; i++) {
        *--top = VCPU_RAS_NONE;
        *--top = (u64)(uintptr_t)host->ras_none(common);
    }
    v->ras_sp = top;
}
