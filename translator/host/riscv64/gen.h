/* Shared by the files of this backend: the state of emitting one unit, and who does what.
 *
 *     probe.c     what this CPU can do            common.c   code that all translations share; enter, unwind
 *     emit.c      the driver and the scan         alloc.c    where values are
 *     emit_int.c  integers    emit_mem.c  memory, atomics    emit_fp.c  floating point    emit_vec.c  vectors
 *     exits.c     leaving a unit */
#pragma once

#include "translator/host/host.h"
#include "translator/host/riscv64/enc.h"
#include "translator/ir/ir_build.h" /* IR_MAX_SLOTS */

#include "lib/assert.h"

/* --- features (probe.c) --- */

enum { FEAT_ZBA, FEAT_ZBB, FEAT_ZICOND, FEAT_ZFA, FEAT_ZFHMIN, FEAT_ZACAS, NFEATS };
extern u64 rv_features;
extern const char *const rv_feature_names[];
void rv_probe(u64 mask);
u64 rv_have(void);
static inline bool have(u32 feat)
{
    return rv_features >> feat & 1;
}

/* --- common code (common.c) --- */

/* Entry points in the common code, as offsets from its start. */
enum common_id {
    C_ENTER,      /* C: (vcpu, code) */
    C_LEAVE,      /* v->exit and v->pc are set */
    C_LEAVE_TAIL, /* the same, pinned registers and flags are stored already */
    C_LINK,       /* a0: exit id; v->pc is set */
    C_LOOKUP,     /* a0: guest pc; leaves with VCPU_LOOKUP */
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

/* A pinned slot. */
struct pin {
    u8 reg, type;
    u16 slot;
    s32 off; /* from s0 */
};

/* What the common code begins with. */
struct common_head {
    u32 off[C_COUNT];
    u32 npins;
    struct pin pin[NPINNED_INT + NPINNED_FLOAT];
};

size_t rv_common(u8 *rw, const u8 *rx, size_t cap, const struct ir_slots *slots);
void rv_enter(struct vcpu *v, const void *code, const void *common);
bool rv_own_fault(struct vcpu *v, struct mk_regs *regs, hva_t addr);
void rv_unwind(struct vcpu *v, struct mk_regs *regs, const void *common);
/* Which slots of `slots` are pinned where; returns how many. */
u32 rv_pins(const struct ir_slots *slots, struct pin *pin);
/* A vector operation: op in bits 0..7 of scratch[0], its aux from 16 on, its immediate from 32 on; places in
 * scratch[1]. */
u64 rv_vec_op(struct vcpu *v);
/* The C side of C_SOFT. */
void rv_soft(struct vcpu *v);
/* What C_SOFT finds in scratch[3]. */
static inline u64 soft_desc(u32 op, u32 type, u32 arg_type, u32 aux)
{
    return op | type << 8 | arg_type << 16 | (u64)aux << 32;
}
/* Instructions that load and store a value of `type`, not of i128 and v128. An f16 goes through an integer register. */
u32 load_op(u32 type);
u32 store_op(u32 type);

/* --- state of one unit --- */

#define NOSLOT  0xffff
#define NOSPILL 0xffff

/* One SSA value. It may be in several places at once; a constant needs none. Those of i128 and v128 are in memory only:
 * a slot or a spill cell. */
struct val {
    ir_ref root; /* the value whose place it shares, or itself */
    u32 last;    /* last position that uses it; 0: none */
    u32 at;      /* position that emits it: its own, or that of its only user (fused) */
    ir_ref user; /* the user seen last by the scan; the only one when uses is 1 */
    u32 hint;    /* a put: compute it right into that slot's register (memory, for wide ones); 0: none */
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

/* Code that is emitted behind what the body has so far. */
struct cold {
    struct cold *next;
    void (*emit)(struct gen *g, const struct cold *k);
    u8 *site[3];    /* branches that lead here; from the second on, may be NULL */
    const u8 *back; /* where to go on (rw view) */
    ir_ref ins;
    u32 guest_off; /* of the guest instruction, from the unit's pc */
    u8 r[4];       /* registers; meaning is the emitter's */
    u32 n;
    u64 wide; /* a number, as n is */
};

/* A number that is loaded from behind the unit: the auipc of the load. */
struct literal {
    struct literal *next;
    u8 *site;
    u64 value;
};

struct gen {
    struct code c;
    const struct ir_unit *u;
    struct host_code *out;
    const struct common_head *common;
    struct val *val;
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
    u32 ncold;        /* how many wait */
    u32 cold_first;   /* where the first branch to one of them is */
    struct cold lost; /* stands for a cold path when memory has run out */
    struct literal *literals;
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
static inline bool is_wide(u32 type)
{
    return type == IR_I128 || type == IR_V128;
}
static inline bool is_float(u32 type)
{
    return type == IR_F16 || type == IR_F32 || type == IR_F64;
}
/* The opcode's form for `type`: of words where it is i32. */
static inline u32 wide_or(u32 type, u32 op64, u32 op32)
{
    return type == IR_I64 ? op64 : op32;
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
/* A constant that serves as an immediate. */
static inline bool imm_of(const struct gen *g, ir_ref i, s32 *imm)
{
    u64 k;
    if (!i || !const_of(g, i, &k) || !fits12((s64)k))
        return false;
    *imm = (s32)k;
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
/* Value i, not a wide one, in a register, loaded if need be; locked. The integer 0 is in zero. */
u32 use_reg(struct gen *g, ir_ref i);
/* Where wide value i is, as a displacement from the vCPU. */
s32 use_mem(struct gen *g, ir_ref i);
/* Copies value i into register r, which the caller has made free. */
void load_into(struct gen *g, u32 r, ir_ref i);
/* Where value i may be computed: its slot's register, a temp that value `prefer` (0: none) dies in, or a free one. May
 * be a register that holds an operand that dies here. */
u32 def_reg(struct gen *g, ir_ref i, ir_ref prefer);
/* Only its slot's register, or NOREG. */
u32 def_hint(struct gen *g, ir_ref i);
/* A place that is none of the registers in `not`. */
u32 def_apart(struct gen *g, ir_ref i, u64 not );
/* Value i was computed into r. */
void def_done(struct gen *g, ir_ref i, u32 r);
/* Value i was computed into temp r: moves it to where it is wanted. */
void def_from(struct gen *g, ir_ref i, u32 r);
/* Where wide value i is to be written. May be where an operand is that dies here. Nothing more is to be done. */
s32 def_mem(struct gen *g, ir_ref i);
void emit_get(struct gen *g, ir_ref i);
void emit_put(struct gen *g, ir_ref i);
/* All values that live on have a place outside the slots. */
void slots_forget(struct gen *g);
/* After each instruction: frees what is no longer needed. */
void release_dead(struct gen *g);
/* Move between registers of one class. */
void mov_rr(struct gen *g, u32 dst, u32 src);
/* Loads and stores of a value of `type` at s0 + off. */
void load_vcpu(struct gen *g, u32 dst, s32 off, u32 type);
void store_vcpu(struct gen *g, s32 off, u32 src, u32 type);
/* 16 bytes from s0 + from to s0 + to. */
void copy_vcpu(struct gen *g, s32 to, s32 from);
/* rd = k, by instructions or from a literal. */
void load_imm(struct gen *g, u32 rd, u64 k);

/* --- emit.c --- */

int rv_emit(const struct ir_unit *u, struct host_code *out);
/* Queues cold code for instruction g->pos, reached from `site` (NULL: set later with cold_site). */
struct cold *cold_new(struct gen *g, void (*emit)(struct gen *, const struct cold *), u8 *site);
void cold_site(struct gen *g, struct cold *k, u8 *site);
/* A branch to cold code, when `op` rs1, rs2 holds. */
static inline struct cold *cold_if(struct gen *g, void (*emit)(struct gen *, const struct cold *), u32 op, u32 rs1,
                                   u32 rs2)
{
    return cold_new(g, emit, x_b(&g->c, op, rs1, rs2));
}

/* --- emitters of ops --- */

/* Is value i in its register extended by its bit 31? Always, of i64: is it a number of 32 bits? */
bool is_sext32(const struct gen *g, ir_ref i);
/* Value i, sign-extended if of i32: in its register, or in `scratch`. */
u32 use_sext(struct gen *g, ir_ref i, u32 scratch);
/* The same, zero-extended. */
u32 use_zext(struct gen *g, ir_ref i, u32 scratch);
/* rd = low `bits` bits of rs, extended. */
void x_extend(struct gen *g, u32 rd, u32 rs, u32 bits, bool sign);
/* rd = rs + k; rd is not rs when k is large. */
void x_add_imm(struct gen *g, u32 rd, u32 rs, u64 k);

void emit_alu(struct gen *g, ir_ref i); /* add sub and or xor */
void emit_mul(struct gen *g, ir_ref i); /* and division */
void emit_mulhi(struct gen *g, ir_ref i);
void emit_unary(struct gen *g, ir_ref i); /* neg not */
void emit_minmax(struct gen *g, ir_ref i);
void emit_shift(struct gen *g, ir_ref i);
void emit_count(struct gen *g, ir_ref i); /* clz ctz popcnt */
void emit_bswap(struct gen *g, ir_ref i);
void emit_ext(struct gen *g, ir_ref i); /* sext zext */
void emit_cmp(struct gen *g, ir_ref i);
void emit_select(struct gen *g, ir_ref i);
/* A comparison, as a branch that is taken when it holds; op ^ BRANCH_NOT when it does not. Uses both scratch registers.
 */
struct compare {
    u32 op, a, b;
};
#define BRANCH_NOT 0x1000u
struct compare compare_fetch(struct gen *g, u32 cc, ir_ref a, ir_ref b);

void emit_pair(struct gen *g, ir_ref i);
void emit_half(struct gen *g, ir_ref i); /* lo hi */
void emit_ld(struct gen *g, ir_ref i);
void emit_st(struct gen *g, ir_ref i);
void emit_amo(struct gen *g, ir_ref i);
void emit_cas(struct gen *g, ir_ref i);
void emit_sc(struct gen *g, ir_ref i);
void emit_fence(struct gen *g, ir_ref i);
void emit_pause(struct gen *g, ir_ref i);

void emit_farith(struct gen *g, ir_ref i); /* fadd fsub fmul fdiv fsqrt */
void emit_fma(struct gen *g, ir_ref i);
void emit_fminmax(struct gen *g, ir_ref i);
void emit_fcmp(struct gen *g, ir_ref i);
void emit_ford(struct gen *g, ir_ref i);
void emit_fcvt(struct gen *g, ir_ref i);
void emit_f2i(struct gen *g, ir_ref i);
void emit_i2f(struct gen *g, ir_ref i);
void emit_fround(struct gen *g, ir_ref i);
void emit_fclass(struct gen *g, ir_ref i);
void emit_fsign(struct gen *g, ir_ref i); /* fneg fabs fcopysign */
void emit_bitcast(struct gen *g, ir_ref i);
void emit_nanbox(struct gen *g, ir_ref i);
void emit_nanunbox(struct gen *g, ir_ref i);
void emit_getflags(struct gen *g, ir_ref i);
void emit_setflags(struct gen *g, ir_ref i);
void emit_setround(struct gen *g, ir_ref i);
/* f, of f16, is the low half of integer register r; uses t6. */
void half_from(struct gen *g, u32 f, u32 r);

void emit_vmake(struct gen *g, ir_ref i);
void emit_vzext(struct gen *g, ir_ref i);
void emit_vlow(struct gen *g, ir_ref i);
void emit_vdup(struct gen *g, ir_ref i);
void emit_vget(struct gen *g, ir_ref i);
void emit_vset(struct gen *g, ir_ref i);
void emit_vlogic(struct gen *g, ir_ref i);  /* vand vor vxor vandn vnot vsel, vadd and vsub of 64-bit lanes */
void emit_vec(struct gen *g, ir_ref i);     /* any, by a call */
void emit_vfarith(struct gen *g, ir_ref i); /* vfadd vfsub vfmul vfdiv vfsqrt vfma */
void emit_vcall(struct gen *g, ir_ref i);

void emit_call(struct gen *g, ir_ref i);
void emit_exit_if(struct gen *g, ir_ref i);
void emit_exit(struct gen *g, ir_ref i);
void emit_exit_ind(struct gen *g, ir_ref i);
void emit_trap(struct gen *g, ir_ref i);
/* Emits the stubs of all exits. */
void emit_stubs(struct gen *g);
void rv_link(u8 *rw_site, const u8 *rx_site, const void *to);
/* v->pc = pc. Uses t6. */
void store_pc(struct gen *g, gva_t pc);
