/* Shared by the files of this backend: the state of emitting one unit, and who does what.
 *
 *     probe.c     what this CPU can do            common.c   code that all translations share; enter, unwind
 *     emit.c      the driver and the scan         alloc.c    where values are
 *     emit_int.c  integers    emit_mem.c  memory, atomics    emit_fp.c  floating point
 *     emit_vec.c  vectors    emit_vfp.c  vectors of floating point                          exits.c  leaving a unit */
#pragma once

#include "translator/host/host.h"
#include "translator/host/x86_64/enc.h"
#include "translator/ir/ir_build.h" /* IR_MAX_SLOTS */

#include "lib/assert.h"

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
extern u64 x64_features;
extern const char *const x64_feature_names[];
void x64_probe(u64 mask);
u64 x64_have(void);
static inline bool have(u32 feat)
{
    return x64_features >> feat & 1;
}

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

/* A pinned slot. */
struct pin {
    u8 reg, type;
    u16 slot;
    s32 off; /* from rbp */
};

/* What the common code begins with. */
struct common_head {
    u32 off[C_COUNT];
    u32 npins;
    struct pin pin[NPINNED_INT + NPINNED_FLOAT];
};

size_t x64_common(u8 *rw, const u8 *rx, size_t cap, const struct ir_slots *slots);
void x64_enter(struct vcpu *v, const void *code, const void *common);
bool x64_own_fault(struct vcpu *v, struct mk_regs *regs, hva_t addr);
void x64_unwind(struct vcpu *v, struct mk_regs *regs, const void *common);
/* Which slots of `slots` are pinned where; returns how many. */
u32 x64_pins(const struct ir_slots *slots, struct pin *pin);
/* The C side of C_SOFT. */
void x64_soft(struct vcpu *v);
/* Calls vector helper `helper` (a struct ir_helper) on what lies at VEC_ARGS. */
u64 x64_vcall(struct vcpu *v, u64 helper, u64 imm, u64 c, u64 d);
/* What C_SOFT finds in scratch[3]. */
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
    u8 width;    /* of a float or vector: its register has zeros from this bit on; 0: who knows */
    bool live;   /* has to be emitted */
    bool shares; /* is its operand as it stands in a register: trunc, and extensions of what is extended already */
    bool fused;  /* emitted by its user */
    bool chain;  /* the hint came through a user, not from the put itself */
};

struct gen;

/* Code that is emitted behind the unit's body. */
struct cold {
    struct cold *next;
    void (*emit)(struct gen *g, const struct cold *k);
    u8 *site, *site2; /* rel32 of the jumps that lead here; the second may be NULL */
    const u8 *back;   /* where to go on (rw view) */
    ir_ref ins;
    u32 guest_off; /* of the guest instruction, from the unit's pc */
    u8 r[4];       /* registers; meaning is the emitter's */
    u32 n;
    bool faults; /* has instructions that may fault: gets a mark */
};

struct gen {
    struct code c;
    const struct ir_unit *u;
    struct host_code *out;
    const struct common_head *common;
    struct val *val;
    u32 pos;                       /* instruction that is being emitted */
    u32 locked;                    /* registers that this instruction uses */
    bool keep_flags;               /* host flags are live: materialising a constant must not change them */
    bool changed;                  /* since the last marker, a slot, memory or the flags changed */
    int err;                       /* first failure, sticky */
    gva_t insn_pc;                 /* guest instruction */
    u32 held;                      /* temps that hold a value */
    ir_ref owner[NREGS];           /* which */
    ir_ref slot_val[IR_MAX_SLOTS]; /* root of the value a slot is known to hold, or 0 */
    u8 slot_reg[IR_MAX_SLOTS];     /* register a slot is pinned in, or NOREG */
    struct cold *cold, **cold_tail;
    struct cold lost; /* stands for a cold path when memory has run out */
    u64 spill_used[SPILL_CELLS / 64];
    u32 nspilled;
    ir_ref spill_owner[SPILL_CELLS];
};

static inline struct opnd konst(const struct gen *g, u32 id)
{
    return o_common(g->common->off[id]);
}
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
static inline u32 type_w(u32 type)
{
    return type == IR_I64 ? X_W : 0;
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

/* The width that result i has when its register was x's before, and only the low bits of its type were written. */
static inline void keeps_width(struct gen *g, ir_ref i, ir_ref x)
{
    u32 bits = ir_bits(ins_of(g, i)->type), w = g->val[root_of(g, x)].width;
    g->val[i].width = (u8)(w && w <= bits ? bits : 0);
}

/* --- alloc.c --- */

/* A free temp of the mask, made free if need be; locked. */
u32 temp_of(struct gen *g, u32 mask);
static inline u32 temp_int(struct gen *g)
{
    return temp_of(g, TEMPS_INT);
}
static inline u32 temp_float(struct gen *g)
{
    return temp_of(g, TEMPS_FLOAT);
}
/* Is there an unlocked temp of the mask that holds nothing? */
bool temp_free(const struct gen *g, u32 mask);
/* Makes temp `r` hold nothing, moving what is still needed elsewhere; locks it. */
void temp_take(struct gen *g, u32 r);
/* Forgets all temps; values that live on are kept elsewhere. */
void temps_flush(struct gen *g);
/* The register that holds value i, or NOREG. */
u32 reg_of(const struct gen *g, ir_ref i);
/* Value i in a register, loaded if need be; locked. */
u32 use_reg(struct gen *g, ir_ref i);
/* Value i as it best serves as a source operand: immediate (integers only), register (locked) or memory. */
struct opnd use_any(struct gen *g, ir_ref i);
/* The same without immediates. */
struct opnd use_rm(struct gen *g, ir_ref i);
/* Copies value i into register r, which the caller has made free. */
void load_into(struct gen *g, u32 r, ir_ref i);
/* Where value i may be computed: its slot's register, a temp of the mask that value `prefer` (0: none) dies in, or
 * a free one. May be a register that holds an operand that dies here. */
u32 def_reg(struct gen *g, ir_ref i, ir_ref prefer);
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
/* Loads and stores of a value of `type` at rbp + off. */
void load_vcpu(struct gen *g, u32 dst, s32 off, u32 type);
void store_vcpu(struct gen *g, s32 off, u32 src, u32 type);

/* --- emit.c --- */

int x64_emit(const struct ir_unit *u, struct host_code *out);
/* Queues cold code for instruction g->pos, reached from `site` (NULL: set later). */
struct cold *cold_new(struct gen *g, void (*emit)(struct gen *, const struct cold *), u8 *site);

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
/* Another way to a cold path, of which there may be two. */
static inline void add_site(struct cold *k, u8 *site)
{
    dgm_assert(!k->site || !k->site2, "a cold path has two sites at most");
    if (!k->site)
        k->site = site;
    else
        k->site2 = site;
}
/* Goes to k when `aux` asks for a rounding mode that is not the one in mxcsr. */
void fp_check_round(struct gen *g, u32 aux, struct cold *k);
/* A place for result i that is none of x, y, z: its slot's register or a temp. */
u32 def_apart(struct gen *g, ir_ref i, u32 x, u32 y, u32 z);
/* i was computed into r: a temp that is to be moved, or already its place. */
void def_moved(struct gen *g, ir_ref i, u32 r);

/* A comparison: fetch operands first, emit it when nothing in between changes the flags. */
struct compare {
    struct opnd a, b;
    u32 w, cc; /* cc: the host's condition */
};
struct compare compare_fetch(struct gen *g, u32 cc, ir_ref a, ir_ref b);
void compare_emit(struct gen *g, const struct compare *k);

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

void emit_vec(struct gen *g, ir_ref i); /* any vector op; a vlow to a float is no work */
bool emit_vfp(struct gen *g, ir_ref i); /* a VFP op inline, or false and nothing emitted */
void emit_vcall(struct gen *g, ir_ref i);

void emit_call(struct gen *g, ir_ref i);
void emit_exit_if(struct gen *g, ir_ref i);
void emit_exit(struct gen *g, ir_ref i);
void emit_exit_ind(struct gen *g, ir_ref i);
void emit_trap(struct gen *g, ir_ref i);
/* Emits the stubs of all exits. */
void emit_stubs(struct gen *g);
void x64_link(u8 *rw_site, const u8 *rx_site, const void *to);
/* v->pc = pc. Uses rcx when the number is large. */
void store_pc(struct gen *g, gva_t pc);
