/* What a guest ISA gives to the engine: the frontend's contract.
 *
 * A frontend turns guest code into IR and knows nothing of hosts. It never reads guest memory:
 * the engine hands it a copy of the code bytes. It never fails on what a guest does: bytes that are no
 * instruction become a trap. */
#pragma once

#include "translator/ir/ir.h"

struct ir_builder;

/* What the engine asks of one translation. */
struct guest_request {
    gva_t pc;        /* first instruction */
    const u8 *code;  /* copy of the guest's bytes from pc on */
    size_t len;      /* how many of them there are; the guest may not execute what follows */
    u64 mode;        /* guest_isa.mode in force */
    u32 max_insns;   /* end the unit after at most so many instructions (1: single step) */
    u32 max_exits;   /* how many side exits a unit may have before it must end at a branch; 0 ends at the first */
    u32 max_rounds;  /* how many times a unit that is a loop to its own start may go round it before it ends; 0: once */
    bool keep_flags; /* whatever max_exits says, do not end at a branch behind which flags are wanted that are known */
    bool stop_after; /* end with IR_TRAP_STOP instead of going on (single step) */
    /* True where a unit must end before this pc with an `exit` to it, unless it is the first (breakpoints). NULL:
     * never. */
    bool (*stop_at)(void *cx, gva_t pc);
    void *cx;
};

struct guest_reg { /* one architectural register as debuggers name it */
    const char *name;
    u16 bits;
    s16 slot; /* slot number, or -1 for pc, -2 for a register made by read/write below */
};

struct guest_isa {
    const char *name; /* as in an ELF tool's triple: "riscv64" */
    struct ir_slots slots;
    size_t state_size; /* bytes of vcpu.slots in use */
    const struct ir_helper *helpers;
    u32 nhelpers;
    u32 min_insn;        /* smallest instruction, bytes; also their alignment */
    u32 max_insn;        /* longest */
    bool coherent_fetch; /* a store is seen by the next fetch without any instruction that says so (x86) */

    /* How C functions are called: slots of the first three arguments (the first is the result's, too) and of the return
     * address. In modes that have a bit of no_known, addresses are not plain, and library routines not host code. */
    u16 arg[3], ret;
    u64 no_known;

    /* Reads which CPU is wanted, as text: *cpu is for engine_config.cpu. 0, or -EINVAL where there is no such CPU. */
    int (*cpu)(const char *text, u64 *cpu);
    const char *cpus; /* which texts these are, for a message */
    u64 cpu_granule;  /* bits of it that ask for what only some hosts have (host_isa.granule, engine_granule) */

    /* Puts a vCPU's slots into the architecture's reset or user entry state. */
    void (*reset)(struct vcpu *v);

    /* State that slots can hold in several forms gets one of them, so that two vCPUs outside of translated code can be
     * compared. NULL: none has several. */
    void (*settle)(struct vcpu *v);

    /* The code key: what of the current state changes the meaning of code (rounding mode that no host
     * has, …). Two translations of a pc with different keys live side by side. */
    u64 (*mode)(const struct vcpu *v);

    /* Does arithmetic in this mode, most of it, tell which of its operands a NaN was, and not ask for more than that?
     * NULL: never. */
    bool (*keeps_nans)(u64 mode);

    /* Makes the unit for `rq`. u->arena is set by the caller; this sets the rest. When the first
     * instruction does not fit in rq->len, the unit is one IR_TRAP_FETCH. 0 or -ENOMEM. */
    int (*translate)(const struct guest_request *rq, struct ir_unit *u);

    /* Writes the instruction at `code` as text. Returns its length in bytes (min_insn for bytes that
     * are no instruction, printed as data); 0 when len is too short to tell. */
    size_t (*disasm)(const u8 *code, size_t len, gva_t pc, char *buf, size_t cap);
};

/* Library routines that can be host code; the names are those of the C library. */
enum guest_known {
    GUEST_KNOWN_none,
#define KNOWN(name, op, args, result) GUEST_KNOWN_##name,
#include "translator/guest/known.def"
#undef KNOWN
    GUEST_NKNOWN
};
extern const char *const guest_known_names[GUEST_NKNOWN];
/* Makes the unit that does routine `known`, which begins at pc, and returns to its caller, or leaves with IR_TRAP_OWN.
 * u is as for translate. 0 or -ENOMEM. */
int guest_known_unit(const struct guest_isa *g, gva_t pc, u32 known, struct ir_unit *u) MUST_USE;

/* Of a unit that, n instructions and `exits` side exits on, is back at its start for the `round`th time: is it to go
 * round once more? So short loops have several rounds in one unit, where what one round leaves in slots need not be
 * stored for the next to replace it, and a look at vcpu.poll is one for all. */
static inline bool guest_goes_round(const struct guest_request *rq, u32 n, u32 exits, u32 round)
{
    return round < rq->max_rounds && n / round * (round + 1) <= rq->max_insns && exits / round * (round + 1) <= 8;
}

extern const struct guest_isa guest_aarch64;
extern const struct guest_isa guest_riscv64;
