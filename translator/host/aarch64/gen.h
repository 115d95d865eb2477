/* Shared by the files of this backend: the state of emitting one unit, and who does what.
 *
 *     probe.c     what this CPU can do            common.c   code that all translations share; enter, unwind
 *     emit.c      the driver and the scan         alloc.c    where values are
 *     emit_int.c  integers    emit_mem.c  memory, atomics    emit_fp.c  floating point    emit_vec.c  vectors
 *     exits.c     leaving a unit */
#pragma once

#include "translator/host/aarch64/enc.h"
#include "translator/host/host.h"
#include "translator/ir/ir_build.h" /* IR_MAX_SLOTS */

#include "lib/assert.h"

/* --- features (probe.c) --- */

enum { FEAT_LSE, FEAT_AES, FEAT_PMULL, FEAT_DOTPROD, NFEATS };
extern u64 a64_features;
extern const char *const a64_feature_names[];
void a64_probe(u64 mask);
u64 a64_have(void);
static inline bool have(u32 feat)
{
    return a64_features >> feat & 1;
}

/* --- common code (common.c) --- */

/* Entry points in the common code, as offsets from its start. */
enum common_id {
    C_ENTER,      /* C: (vcpu, code) */
    C_LEAVE,      /* v->exit and v->pc are set */
    C_LEAVE_TAIL, /* the same, pinned registers and flags are stored already */
    C_LINK,       /* w0: exit id, x1: where it goes */
    C_LOOKUP,     /* x0: guest pc; leaves with VCPU_LOOKUP */
    C_RETURN, /* x0: guest pc that the top of the return-address stack is not; looks deeper, then into the jump cache */
    C_POLL,   /* x0: guest pc to go on from */
    C_TRAP,   /* w0: enum ir_trap, x1: guest pc */
    C_MISALIGNED, /* x0: guest address, w1: fault kind and access as they lie in vcpu_fault, x2: guest pc */
    C_CALL,       /* x16: C helper; arguments in vcpu.scratch; result in x0. Temps are lost */
    C_CALL_FP,    /* the same, with sticky flags gathered before */
    C_SOFT,       /* x16: a C function of (vcpu). Keeps all registers but scratch ones */
    C_COUNT,
};

/* A pinned slot. */
struct pin {
    u8 reg, type;
    u16 slot;
    u32 off; /* from x28 */
};

/* What the common code begins with. */
struct common_head {
    u32 off[C_COUNT];
    u32 npins;
    struct pin pin[NPINNED_INT + NPINNED_FLOAT];
};

size_t a64_common(u8 *rw, const u8 *rx, size_t cap, const struct ir_slots *slots);
void a64_enter(struct vcpu *v, const void *code, const void *common);
bool a64_own_fault(struct vcpu *v, struct mk_regs *regs, hva_t addr);
void a64_unwind(struct vcpu *v, struct mk_regs *regs, const void *common);
/* Which slots of `slots` are pinned where; returns how many. */
u32 a64_pins(const struct ir_slots *slots, struct pin *pin);

/* --- software, called through C_SOFT ---
 * Arguments lie in the cells SOFT_ARGS of vcpu.spill, two words each; the result goes behind them. */

/* An op of floating point or of vectors: scratch[0] says which (soft_desc), scratch[1] is its imm. */
void a64_soft(struct vcpu *v);
/* The same for an op that detects tininess after rounding, which the host does not: what it raised for underflow is
 * taken back from fpsr. */
void a64_soft_tiny(struct vcpu *v);
/* A vector helper: scratch[0] is the struct ir_helper, scratch[1] its imm. */
void a64_vcall(struct vcpu *v);
static inline u64 soft_desc(u32 op, u32 type, u32 arg_type, u32 aux)
{
    return op | type << 8 | arg_type << 16 | (u64)aux << 32;
}

/* --- state of one unit --- */

#define NOSLOT  0xffff
#define NOSPILL 0xffff

/* One SSA value. It may be in several places at once; a constant needs none. */
struct val {
    ir_ref root; /* the value whose place it shares, or itself */
    u32 last;    /* last position that uses it; 0: none */
    u32 at;      /* position that emits it: its own, or that of its only user (fused) */
    ir_ref user; /* the user seen last by the scan; the only one when uses is 1 */
    u32 hint;    /* a put: compute it right into that slot's register; 0: none */
    u16 slot;    /* slot that holds it, or NOSLOT */
    u16 spill;   /* spill cell, or NOSPILL */
    u8 reg;      /* temp that holds it, or NOREG */
    u8 uses;     /* saturates at 3 */
    u8 type;     /* enum ir_type that its place is moved as */
    bool live;   /* has to be emitted */
    bool shares; /* is its operand as it stands in a register: trunc, and extensions of what is extended already */
    bool fused;  /* emitted by its user */
    bool chain;  /* the hint came through a user, not from the put itself */
};

struct gen;

#define MAX_SITES 4

/* Code that is emitted behind the unit's body. */
struct cold {
    struct cold *next;
    void (*emit)(struct gen *g, const struct cold *k);
    u8 *site[MAX_SITES]; /* branches that lead here; the first nsites */
    u32 nsites;
    const u8 *back; /* where to go on (rw view) */
    ir_ref ins;
    u32 guest_off; /* of the guest instruction, from the unit's pc */
    u8 r[4];       /* registers; meaning is the emitter's */
    u64 n;
    bool faults; /* has instructions that may fault: gets a mark */
};

/* An exit: its patchable branch is where it is taken, or, for a conditional one, in front of its stub. */
struct out_exit {
    u8 *cond; /* conditional branch that leads to the patchable one; NULL: that is in the body */
};

struct gen {
    struct code c;
    bool flat0;
    const struct ir_unit *u;
    struct host_code *out;
    const struct common_head *common;
    struct val *val;
    struct out_exit *exits;        /* room for nexits_cap */
    u32 pos;                       /* instruction that is being emitted */
    u64 locked;                    /* registers that this instruction uses */
    bool changed;                  /* since the last marker, a slot, memory or the flags changed */
    int err;                       /* first failure, sticky */
    gva_t insn_pc;                 /* guest instruction */
    u64 held;                      /* temps that hold a value */
    ir_ref owner[NREGS];           /* which */
    ir_ref slot_val[IR_MAX_SLOTS]; /* root of the value a slot is known to hold, or 0 */
    u8 slot_reg[IR_MAX_SLOTS];     /* register a slot is pinned in, or NOREG */
    struct cold *cold, **cold_tail;
    struct cold lost; /* stands for a cold path when memory has run out */
    u64 spill_used[SPILL_CELLS / 64];
    u32 nspilled;
    ir_ref spill_owner[SPILL_CELLS];
};

static inline const struct ir_ins *ins_of(const struct gen *g, ir_ref i)
{
    return &g->u->ins[i];
}
static inline ir_ref root_of(const struct gen *g, ir_ref i)
{
    return g->val[i].root;
}
static inline bool is_float_class(u32 type)
{
    return type != IR_I32 && type != IR_I64;
}
/* The opcode flag of the 64-bit form. */
static inline u32 type_w(u32 type)
{
    return type == IR_I64 ? A_SF : 0;
}
/* Does this value die with the instruction being emitted? */
static inline bool dies(const struct gen *g, ir_ref i)
{
    return g->val[root_of(g, i)].last <= g->pos;
}
/* A constant's bits, sign-extended from its type's width when an integer. */
static inline bool const_of(const struct gen *g, ir_ref i, u64 *bits)
{
    const struct ir_ins *in = ins_of(g, root_of(g, i));
    if (in->op != IR_OP_const)
        return false;
    *bits = ins_of(g, i)->type == IR_I32 ? (u64)(s64)(s32)in->imm : in->imm;
    return true;
}

/* --- alloc.c --- */

/* A free temp of the mask, made free if need be; locked. */
u32 temp_of(struct gen *g, u64 mask);
static inline u32 temp_int(struct gen *g)
{
    return temp_of(g, TEMPS_INT);
}
static inline u32 temp_float(struct gen *g)
{
    return temp_of(g, TEMPS_FLOAT);
}
/* Makes temp `r` hold nothing, moving what is still needed elsewhere; locks it. */
void temp_take(struct gen *g, u32 r);
/* Forgets all temps; values that live on are kept elsewhere. */
void temps_flush(struct gen *g);
/* The register that holds value i, or NOREG. */
u32 reg_of(const struct gen *g, ir_ref i);
/* Value i in a register, loaded if need be; locked. */
u32 use_reg(struct gen *g, ir_ref i);
/* The same, but ZR for the constant 0. */
u32 use_zr(struct gen *g, ir_ref i);
/* Copies value i into register r, which the caller has made free. */
void load_into(struct gen *g, u32 r, ir_ref i);
/* Where value i may be computed: its slot's register, a temp that value `prefer` (0: none) dies in, or a free one. May
 * be a register that holds an operand that dies here. */
u32 def_reg(struct gen *g, ir_ref i, ir_ref prefer);
/* The same, but a register that none of the values being used is in. */
u32 def_apart(struct gen *g, ir_ref i);
/* Only its slot's register, or NOREG. */
u32 def_hint(struct gen *g, ir_ref i);
/* Value i was computed into r. */
void def_done(struct gen *g, ir_ref i, u32 r);
/* Value i was computed into temp r: moves it to where it is wanted. */
void def_from(struct gen *g, ir_ref i, u32 r);
void emit_get(struct gen *g, ir_ref i);
void emit_put(struct gen *g, ir_ref i);
/* All values that live on have a place outside the slots. */
void slots_forget(struct gen *g);
/* After each instruction: frees what is no longer needed. */
void release_dead(struct gen *g);
/* mov between registers of one class. */
void mov_rr(struct gen *g, u32 dst, u32 src, u32 type);
/* The opcodes that load and store a value of `type`. */
u32 load_op(u32 type);
u32 store_op(u32 type);

/* --- emit.c --- */

int a64_emit(const struct ir_unit *u, struct host_code *out);
/* Queues cold code for instruction g->pos, reached from `site` (NULL: added later). */
struct cold *cold_new(struct gen *g, void (*emit)(struct gen *, const struct cold *), u8 *site);
static inline void cold_site(struct cold *k, u8 *site)
{
    dgm_assert(k->nsites < MAX_SITES, "cold code has too many ways in");
    k->site[k->nsites++] = site;
}

/* --- emitters of ops --- */

void emit_alu(struct gen *g, ir_ref i); /* add sub and or xor */
void emit_mul(struct gen *g, ir_ref i);
void emit_mulhi(struct gen *g, ir_ref i);
void emit_div(struct gen *g, ir_ref i);
void emit_unary(struct gen *g, ir_ref i); /* neg not */
void emit_minmax(struct gen *g, ir_ref i);
void emit_shift(struct gen *g, ir_ref i);
void emit_count(struct gen *g, ir_ref i); /* clz ctz popcnt */
void emit_bswap(struct gen *g, ir_ref i);
void emit_ext(struct gen *g, ir_ref i); /* sext zext */
void emit_cmp(struct gen *g, ir_ref i);
void emit_select(struct gen *g, ir_ref i);
/* Compares a and b; gives the host's condition. Uses SCR. */
u32 compare(struct gen *g, u32 cc, ir_ref a, ir_ref b);

void emit_pair(struct gen *g, ir_ref i);
void emit_half(struct gen *g, ir_ref i); /* lo hi */
void emit_ld(struct gen *g, ir_ref i);
void emit_st(struct gen *g, ir_ref i);
void emit_amo(struct gen *g, ir_ref i);
void emit_cas(struct gen *g, ir_ref i);
void emit_sc(struct gen *g, ir_ref i);
void emit_fence(struct gen *g, ir_ref i);
void emit_pause(struct gen *g, ir_ref i);
/* d = n + x; uses SCR2 for what fits no immediate. */
void add_number(struct gen *g, u32 d, u32 n, u64 x);

void emit_farith(struct gen *g, ir_ref i); /* fadd fsub fmul fdiv fsqrt */
void emit_fma(struct gen *g, ir_ref i);
void emit_fminmax(struct gen *g, ir_ref i);
void emit_fcmp(struct gen *g, ir_ref i);
void emit_ford(struct gen *g, ir_ref i);
void emit_fcvt(struct gen *g, ir_ref i);
void emit_f2i(struct gen *g, ir_ref i);
void emit_i2f(struct gen *g, ir_ref i);
void emit_fround(struct gen *g, ir_ref i);
void emit_fsign(struct gen *g, ir_ref i); /* fneg fabs fcopysign */
void emit_bitcast(struct gen *g, ir_ref i);
void emit_nanbox(struct gen *g, ir_ref i);
void emit_nanunbox(struct gen *g, ir_ref i);
void emit_getflags(struct gen *g, ir_ref i);
void emit_setflags(struct gen *g, ir_ref i);
void emit_setround(struct gen *g, ir_ref i);
/* An op as a call of software and nothing else. */
void emit_soft(struct gen *g, ir_ref i);

void emit_vec(struct gen *g, ir_ref i); /* every op of vectors */
void emit_vcall(struct gen *g, ir_ref i);

void emit_call(struct gen *g, ir_ref i);
void emit_exit_if(struct gen *g, ir_ref i);
void emit_exit(struct gen *g, ir_ref i);
void emit_exit_ind(struct gen *g, ir_ref i);
void emit_trap(struct gen *g, ir_ref i);
/* Emits the stubs of all exits. */
void emit_stubs(struct gen *g);
void a64_link(u8 *rw_site, const u8 *rx_site, const void *to);
