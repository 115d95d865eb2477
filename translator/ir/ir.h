/* The translator's intermediate representation.
 *
 * The IR is the only thing that frontends and backends both know. It names no guest and has no
 * host's shape. A *unit* is one block of guest code: a flat array of SSA instructions with one
 * entry at the top, side exits (`exit_if`) on the way and one `END` instruction last. An
 * instruction is referred to by its index, which is also the name of its value.
 *
 * Guest registers are *slots* of the vCPU's state, described by a table that the frontend owns
 * (struct ir_slot). `get` and `put` move between slots and values.
 *
 * Types. i32, i64, i128 (pairs), f16, f32, f64, v128. Narrower memory accesses extend into
 * i32/i64. v128 is untyped: lane shape belongs to the op (in aux), not to the value. Condition
 * flags have no type: a frontend that needs them keeps their operands in slots ("lazy flags") and
 * emits the `cmp`, `select` or `exit_if` that consumes them. Memory order is an attribute of each
 * access (IR_MEM_ACQ, IR_MEM_REL) and of `fence`; the backend maps it to what its host needs. The
 * way an address reaches memory (`flat` or a software `tlb`) is the engine's choice and not in the IR.
 *
 * Exactness. Between two `insn` markers lies the meaning of one guest instruction. At each marker
 * all slots hold what the guest's registers held there. Inside one instruction no `put` may come before
 * the last instruction that may fault or trap or exit on its behalf (the verifier checks it), so a fault
 * leaves the slots as they were when the instruction began. The one exception: `put`s before an
 * `exit`, `exit_ind`, `trap` are the normal case, since those never fail.
 *
 * Regions. A unit with labels has a control flow of its own: `jump` and `jump_if` go to its labels, and a row of
 * instructions from one label to the next END is a basic block. A value may be used where its definition dominates.
 * Values meet in phis: a `phi_set` on the way in says what a `phi` behind the label gives; each phi stands behind one
 * label, and every jump there sets it. The first block has no label, and nothing jumps to it. A jump to a label that
 * stands before it is a loop, and the label's block must `poll`. At jumps and labels, too, slots are exact.
 * Frontends make units without labels; translator/opt makes regions of them. Backends take regions that are `lifted`:
 * where ways meet on which a slot was put to what is not one value, a `put` right behind the label says what it holds,
 * if somebody looks before it is put to again.
 * So what each slot holds is known everywhere without following ways, and a backend need not store before somebody
 * looks.
 *
 * The builder (ir_build.h) folds constants, forwards `put` to `get` and shares PURE values while
 * a unit is made, so every backend sees the same cleaned stream.
 *
 * A unit is made, used and dropped by one thread. Nothing here locks. */
#pragma once

#include "lib/types.h"

struct arena;

typedef u32 ir_ref; /* index of an instruction in its unit; 0 is none */

enum ir_type { IR_VOID, IR_I32, IR_I64, IR_I128, IR_F16, IR_F32, IR_F64, IR_V128, IR_NTYPES };

enum ir_op {
#define OP(name, sig, flags, aux, doc) IR_OP_##name,
#include "translator/ir/ops.def"
#undef OP
    IR_NOPS
};

/* Op flags; see ops.def. */
enum {
    IR_PURE = 1 << 0,
    IR_READ = 1 << 1,
    IR_WRITE = 1 << 2,
    IR_FAULT = 1 << 3,
    IR_FPENV = 1 << 4,
    IR_SLOT = 1 << 5,
    IR_END = 1 << 6,
    IR_EFFECT = 1 << 7,
};

/* Integer conditions. Each pair (2n, 2n+1) is a condition and its inverse (ORDER CC). */
enum ir_cc { IR_EQ, IR_NE, IR_LTS, IR_GES, IR_GTS, IR_LES, IR_LTU, IR_GEU, IR_GTU, IR_LEU, IR_NCC };

/* aux of ld, st; low bits also of amo, cas, sc. */
enum {
    IR_MEM_SIZE = 7,        /* log2 of bytes: 0..4 */
    IR_MEM_SIGNED = 1 << 3, /* sign-extend into the type, else zero-extend */
    /* ld, amo, cas, sc: later accesses stay after this one, or after the load of one that loads and stores */
    IR_MEM_ACQ = 1 << 4,
    /* st, amo, cas, sc: earlier accesses stay before this one, or before the store. One that stores and is both ACQ and
       REL has all that comes before it before all that comes after it */
    IR_MEM_REL = 1 << 5,
    /* ld, st: an address that is not naturally aligned is VCPU_FAULT_MISALIGNED. amo, cas, sc always so */
    IR_MEM_ALIGN = 1 << 6,
    /* amo, cas, sc: load and store are one access; what stays after either, or loads what it stored, is after both */
    IR_MEM_ONE = 1 << 7,
    /* ld that is ACQ, st that is REL: those of a thread that have this keep their order: a ld stays after an earlier st
     */
    IR_MEM_SEQ = 1 << 7,
    /* amo, cas, sc, and ld and st that are ALIGN: an address need not be aligned; misaligned is what does not lie
       within 16 aligned bytes. What does is accessed in one piece. Only where the host can (host_isa.granule) */
    IR_MEM_GRANULE = 1 << 8,
    /* ld, st: stands for several of the guest's (merge.c). When it faults, these are run as they stand instead */
    IR_MEM_MERGED = 1 << 9,
    IR_AMO_SHIFT = 9, /* amo: enum ir_amo << IR_AMO_SHIFT */
};
enum ir_amo {
    IR_AMO_SWAP,
    IR_AMO_ADD,
    IR_AMO_AND,
    IR_AMO_OR,
    IR_AMO_XOR,
    IR_AMO_MINS,
    IR_AMO_MAXS,
    IR_AMO_MINU,
    IR_AMO_MAXU,
    IR_NAMO
};

/* aux of fence: which earlier accesses are ordered before which later ones. */
enum { IR_FENCE_PR = 1, IR_FENCE_PW = 2, IR_FENCE_SR = 4, IR_FENCE_SW = 8 };

/* Rounding modes, in the low bits of FP aux. */
enum ir_round {
    IR_RNE,     /* to nearest, ties to even */
    IR_RTZ,     /* toward zero */
    IR_RDN,     /* down */
    IR_RUP,     /* up */
    IR_RMM,     /* to nearest, ties away from zero */
    IR_RDYN = 7 /* as vcpu.fp_round says; a unit is only made with it when that is RNE..RUP */
};
enum {
    IR_FP_ROUND = 7,
    /* a NaN result is the canonical NaN: sign 0, quiet bit only. Without it, it is the first signalling operand made
       quiet, else the first quiet one (fma: in the order c, a, b), else canonical */
    IR_FP_DEFNAN = 1 << 3,
    IR_FP_NEG_MUL = 1 << 4,   /* fma */
    IR_FP_NEG_ADD = 1 << 5,   /* fma */
    IR_FP_NAN_WINS = 1 << 4,  /* fmin, fmax */
    IR_FP_EXACT = 1 << 4,     /* fround */
    IR_FP_SNAN_WINS = 1 << 5, /* fmin, fmax: a signalling NaN wins over a number, a quiet one loses (minNum of 2008) */
    IR_FP_TINY_BEFORE = 1 << 6, /* tininess is detected before rounding, else after */
    /* fadd, fsub, fmul, fdiv, fma, fcvt: a result that is tiny before rounding becomes a zero with its sign, and raises
       underflow alone, whatever IR_FP_TINY_BEFORE says. Arguments are taken as they are */
    IR_FP_FLUSH = 1 << 7,
    IR_F2I_UNSIGNED = 1 << 4, /* f2i, i2f: the integer is unsigned */
    IR_F2I_NAN_ZERO = 1 << 5, /* f2i: a NaN gives 0 */
    IR_FCMP_SIGNAL = 1 << 4,  /* fcmp, ford; fcmp's low bits are enum ir_cc: IR_EQ, IR_LTS, IR_LES */
};

/* aux of vector ops. */
enum ir_lane { IR_V8, IR_V16, IR_V32, IR_V64 }; /* log2 of a lane's bytes */
enum {
    IR_V_LANE = 3,             /* enum ir_lane */
    IR_V_SIGNED = 1 << 2,      /* lanes are signed, else unsigned */
    IR_V_HIGH = 1 << 3,        /* the high half, the odd lanes: ops.def says which */
    IR_V_TO_UNSIGNED = 1 << 4, /* vqnarrow */
    IR_V_ROUND = 1 << 4,       /* vqdmulh */
    IR_V_CC_SHIFT = 4,         /* vcmp: enum ir_cc << IR_V_CC_SHIFT */
    IR_V_CC = 15 << 4,
    IR_V_INDEX_SHIFT = 8, /* lane number; vrev: log2 of a group's bytes */
    IR_V_INDEX = 15 << 8,
    /* floating: the low byte is the scalar op's aux */
    IR_V_FP_LANE_SHIFT = 8, /* enum ir_lane << IR_V_FP_LANE_SHIFT */
    IR_V_FP_LANE = 3 << 8,
    IR_V_FP_HIGH = 1 << 10, /* vfwiden */
};

/* Sticky floating-point flags as getflags and setflags see them. */
enum { IR_FLAG_NX = 1, IR_FLAG_UF = 2, IR_FLAG_OF = 4, IR_FLAG_DZ = 8, IR_FLAG_NV = 16 };

/* aux of the exits. */
enum {
    IR_EXIT_CC = 15,       /* exit_if: enum ir_cc */
    IR_EXIT_CALL = 1 << 4, /* a call: the return-address stack takes the return pc */
    IR_EXIT_RET = 1 << 5,  /* a return: the return-address stack predicts it */
    /* look at vcpu.poll first; the builder sets it on every direct exit that does not go forward */
    IR_EXIT_POLL = 1 << 6,
};

/* Why a `trap` leaves. What the guest's OS does about it is not the translator's business. */
enum ir_trap {
    IR_TRAP_SYSCALL, /* a system call instruction; pc is the one after it */
    IR_TRAP_BREAK,   /* a breakpoint instruction; pc is its own */
    IR_TRAP_ILLEGAL, /* no such instruction; pc is its own */
    IR_TRAP_SYNC,    /* instruction memory may have changed under translations; pc is the next instruction. The engine
                        deals with it */
    IR_TRAP_MODE,  /* a register that translations depend on changed (guest_isa.mode); pc is the next. The engine deals
                      with it */
    IR_TRAP_FETCH, /* the instruction at pc cannot be fetched */
    IR_TRAP_STOP,  /* the unit stops here because it was asked to (step, breakpoint); pc is next */
    IR_TRAP_ALIGN, /* a jump to where no instruction can be; pc is its own */
    IR_TRAP_OWN,   /* op `known`, or a merged access, was not done: the guest's own code at pc is to be run, each access
                        by itself. The engine deals with it */
    IR_NTRAPS
};

/* Library routines of op `known`. */
enum ir_known {
    IR_KNOWN_MOVE,    /* c bytes from b to a, which may overlap; gives 0 */
    IR_KNOWN_SET,     /* c bytes at a become the low byte of b; gives 0 */
    IR_KNOWN_COPYSTR, /* the string at b with its 0 goes to a, which does not overlap; gives its length */
    IR_KNOWN_LEN,     /* length of the string at a */
    IR_KNOWN_NLEN,    /* the same, but at most c, of which no more is read (a page at a time) */
    IR_KNOWN_CMP, /* of c bytes at a and b, the first that differ, the latter subtracted from the former; 0 if none do
                   */
    IR_KNOWN_STRCMP,  /* the same of strings and their 0 */
    IR_KNOWN_STRNCMP, /* the same, of c bytes at most */
    IR_KNOWN_SPN,     /* how many bytes at a are before the first that is not in the string at b; its 0 is not */
    IR_KNOWN_CSPN,    /* how many are before the first that is, or before the 0 */
    IR_KNOWN_PBRK,    /* where the string at a has the first byte that is in the string at b; or 0 */
    IR_KNOWN_CHR,     /* where the low byte of b is first in the string at a, whose 0 counts; or 0 */
    IR_KNOWN_CHRNUL,  /* the same, or where its 0 is */
    IR_KNOWN_RCHR,    /* where it is last; or 0 */
    IR_KNOWN_MEMCHR,  /* where the low byte of b is first in c bytes at a; or 0 */
    IR_KNOWN_MEMRCHR, /* where it is last; or 0 */
    IR_KNOWN_RAWCHR,  /* where it is first at or above a */
    IR_NKNOWN
};

/* Techniques that can be left out: passes.def. */
enum ir_pass {
#define PASS(id, name, where, on, doc) IR_PASS_##id,
#include "translator/ir/passes.def"
#undef PASS
    IR_NPASSES
};
enum ir_pass_where { IR_PASS_IN_UNIT, IR_PASS_IN_REGION, IR_PASS_IN_HOST, IR_PASS_IN_RUN };
struct ir_pass_info {
    const char *name, *doc;
    u8 where; /* enum ir_pass_where */
    bool on;
};
extern const struct ir_pass_info ir_passes[IR_NPASSES];
#define IR_PASS_BIT(id) (1ull << (id))
_Static_assert(IR_NPASSES < 64, "a bit each");
/* Those that are off unless somebody says otherwise. */
u64 ir_passes_default(void);
/* Reads a list as `--passes` has it: -NAME is left out, +NAME is not, `all`, `none`; with `broken` not NULL, !NAME is
 * done wrongly (ir_unit.broken). Changes *off and *broken, which are set. -EINVAL: there is no such word as that of
 * *bad_len bytes at list[*bad]. */
int ir_passes_read(const char *list, u64 *off, u64 *broken, size_t *bad, size_t *bad_len) MUST_USE;

struct ir_ins {
    u8 op;   /* enum ir_op */
    u8 type; /* enum ir_type of the result; for `put`, `phi_set`, `st`, `exit_if`, `jump_if` that of the value, else
                IR_VOID */
    u16 aux;
    ir_ref a, b, c, d;
    u32 uses; /* how many arguments refer to this value; kept by the builder */
    u64 imm;
};

/* A register class says which of the host's register files a slot may be pinned in. */
enum ir_class { IR_CLASS_INT, IR_CLASS_FLOAT, IR_NCLASSES };

/* One slot of guest state. `rank` orders slots of a class by how much a pinned host register is
 * worth to them: 1 is best, 0 is never pinned. */
struct ir_slot {
    const char *name; /* as printed, e.g. "a0" */
    u8 type;          /* enum ir_type */
    u8 cls;           /* enum ir_class */
    u16 rank;
    u32 offset; /* bytes from the start of vcpu.slots */
};

struct ir_slots {
    const struct ir_slot *slot;
    u32 n;
};

/* A C function that IR may call. */
struct vcpu;
typedef u64 ir_helper_fn(struct vcpu *v, u64 a, u64 b, u64 c, u64 d);
enum {
    IR_HELPER_READS = 1 << 0,  /* reads slots: pinned registers are written back before */
    IR_HELPER_WRITES = 1 << 1, /* writes slots: pinned registers are reloaded after */
    IR_HELPER_PURE = 1 << 2,
    IR_HELPER_FP = 1 << 3,     /* uses vcpu.fp_flags, where it clears none, or fp_round */
    IR_HELPER_VARIES = 1 << 4, /* gives something else each time: a clock */
};
/* One that takes vectors (vcall): *out may not be one of the arguments. Absent arguments are 0. */
typedef void ir_vhelper_fn(struct vcpu *v, u128 *out, const u128 *a, const u128 *b, const u128 *c, u64 imm);
struct ir_helper {
    const char *name;
    ir_helper_fn *fn;
    u32 flags;
    ir_vhelper_fn *vfn; /* instead of fn */
};

struct ir_unit {
    struct arena *arena;
    struct ir_ins *ins; /* ins[0] is a nop, so that ref 0 means none */
    u32 n, cap;
    const struct ir_slots *slots;
    const struct ir_helper *helpers;
    u32 nhelpers;
    u32 nlabels, nphis; /* a region's; labels and phis are numbered below these */
    gva_t pc;           /* of the first guest instruction */
    u32 guest_bytes;    /* length of the guest code covered, from pc on */
    u32 guest_insns;
    u32 nexits;  /* exit_if and exit instructions: those that can be chained, in order of appearance */
    bool lifted; /* a region's: see above */
    bool alone; /* no other thread sees this memory: atomics need no lock, fences order nothing. A hint: false is always
                  right */
    /* nobody asks whether results are tiny before or after rounding: IR_FP_TINY_BEFORE need not be looked at. A hint,
       likewise */
    bool tiny_any;
    /* whoever runs it sees to invalid operations (vcpu.nans_trap): arithmetic without IR_FP_DEFNAN need not look at its
       results. A hint, likewise */
    bool nans_trap;
    bool scaled;  /* may have a sum with something shifted, which ir_ahead looks for; the builder sees to it */
    u64 off;      /* passes that are left out: IR_PASS_BIT */
    u64 broken;   /* passes that shall do something wrong, so that tests see it found; see ir_is_broken */
    u64 code_key; /* mode under which this was translated (guest_isa.mode) */
};

struct ir_op_info {
    const char *name, *sig, *doc;
    u8 aux; /* enum ir_aux */
};
enum ir_aux {
    IR_AUX_NONE,
    IR_AUX_BITS,
    IR_AUX_CC,
    IR_AUX_SLOT,
    IR_AUX_MEM,
    IR_AUX_AMO,
    IR_AUX_FENCE,
    IR_AUX_FP,
    IR_AUX_FCMP,
    IR_AUX_F2I,
    IR_AUX_EXIT,
    IR_AUX_TRAP,
    IR_AUX_HELPER,
    IR_AUX_INSN,
    IR_AUX_VEC,
    IR_AUX_VFP,
    IR_AUX_LABEL,
    IR_AUX_PHI,
    IR_AUX_KNOWN
};
extern const struct ir_op_info ir_ops[IR_NOPS];
extern const u8 ir_flags[IR_NOPS]; /* by themselves, as each instruction asks for them: a few cache lines */
extern const char *const ir_type_names[IR_NTYPES];
extern const char *const ir_cc_names[IR_NCC];

/* Bits in a value of this type. */
static inline u32 ir_bits(u32 type)
{
    static const u8 bits[IR_NTYPES] = {0, 32, 64, 128, 16, 32, 64, 128};
    return bits[type];
}

/* Is it one that only regions have? */
static inline bool ir_is_region_op(u32 op)
{
    return op >= IR_OP_label && op <= IR_OP_jump;
}

/* An argument of instruction `in` as the i-th of a, b, c, d. */
static inline ir_ref ir_arg(const struct ir_ins *in, u32 i)
{
    return (&in->a)[i];
}

/* Is the pass to be left out? */
static inline bool ir_is_off(const struct ir_unit *u, enum ir_pass p)
{
    return u->off & IR_PASS_BIT(p);
}

/* Is it to make its mistake? Each that has one makes it of the number IR_SEED: fold and clean take x ^ IR_SEED for
 * x | IR_SEED, late loses that number when a side exit is taken. */
#define IR_SEED 0x5eedull
static inline bool ir_is_broken(const struct ir_unit *u, enum ir_pass p)
{
    return UNLIKELY(u->broken & IR_PASS_BIT(p));
}

/* Is it a call whose helper writes slots, so that nobody knows what they hold? */
static inline bool ir_forgets_slots(const struct ir_unit *u, const struct ir_ins *in)
{
    return in->op == IR_OP_call && (u->helpers[in->aux].flags & IR_HELPER_WRITES);
}

/* Prints `u` in text form into buf (always terminated; at most cap bytes). Returns the length
 * that the whole text has. */
size_t ir_print(const struct ir_unit *u, char *buf, size_t cap);

/* Reads text form into a new unit in `u->arena`; u->slots and u->helpers must be set. 0, or
 * -EINVAL with a message "line N: ..." in err (out of memory is one of those). */
int ir_parse(struct ir_unit *u, const char *text, char *err, size_t errcap) MUST_USE;

/* Checks types, argument order, exactness, that exactly the last instruction is an END. 0, or
 * -EINVAL with a message in err; -ENOMEM (it takes a little of u->arena). */
int ir_verify(const struct ir_unit *u, char *err, size_t errcap) MUST_USE;

/* Makes one access of several that read or write a word in pieces (merge.c). For a unit without labels that a backend
 * with host_isa.merges is about to take. 0 or -ENOMEM. */
int ir_merge(struct ir_unit *u) MUST_USE;

/* Prefetches what the unit forms the address of and leaves to others to access (ahead.c). For a unit without labels
 * that a backend is about to take. 0 or -ENOMEM. */
int ir_ahead(struct ir_unit *u) MUST_USE;

/* Runs `u` once on the vCPU's state with the same effect as compiled code: v->exit, v->pc say how
 * it ended (vcpu.h). The oracle for every backend. */
void ir_interp(const struct ir_unit *u, struct vcpu *v);

/* The same, but memory stays as it is, and vcpu.poll is not looked at by `poll`: vcpu.fuel says how many of these are
 * passed, and the next leaves, with VCPU_POLL. */
struct ir_overlay;
struct ir_watch {
    struct ir_overlay *mem; /* what is stored goes there */
    u64 limit;              /* leaves at the marker where so many guest instructions have begun */
    u64 insns;              /* counts them: those that have begun */
    gva_t last;             /* pc of the last one */
    gva_t *writer;          /* by slot: set to the guest instruction that puts to it; or NULL */
};
void ir_interp_watched(const struct ir_unit *u, struct vcpu *v, struct ir_watch *w);
