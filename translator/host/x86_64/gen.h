/* Shared by the files of this backend: what its emitters know of one another, beyond what all backends have (unit.h).
 *
 *     trap.c      invalid operations that trap
 *     probe.c     what this CPU can do            common.c   code that all translations share; enter, unwind
 *     emit.c      what is fused with what         move.c     moving values, operands
 *     emit_int.c  integers    emit_mem.c  memory, atomics    emit_fp.c  floating point
 *     emit_vec.c  vectors    emit_vseq.c  the same, longer    emit_vfp.c  vectors of floating point
 *     emit_known.c, known.S  library routines
 *     emit_flush.c  floating point that flushes to zero    exits.c  leaving a unit */
#pragma once

#include "translator/host/common/region.h"

/* --- common code (common.c) --- */

#define MXCSR_FLAGS     0x3fu
#define MXCSR_UNDERFLOW (1u << 4) /* the flag */
#define MXCSR_MASKS     0x1f80u
#define MXCSR_INVALID   (1u << 7) /* masks invalid operations */
#define MXCSR_ROUND     (3 << 13)

/* The C side of C_SOFT. */
void x64_soft(struct vcpu *v);
/* Calls vector helper `helper` (a struct ir_helper) on what lies at VEC_ARGS. */
u64 x64_vcall(struct vcpu *v, u64 helper, u64 imm, u64 c, u64 d);

static inline struct opnd konst(const struct gen *g, u32 id)
{
    return o_common(g->common->off[id]);
}
static inline u32 type_w(u32 type)
{
    return type == IR_I64 ? X_W : 0;
}
/* The width that result i has when its register was x's before, and only the low bits of its type were written. */
static inline void keeps_width(struct gen *g, ir_ref i, ir_ref x)
{
    u32 bits = ir_bits(ins_of(g, i)->type), w = g->val[root_of(g, x)].width;
    g->val[i].width = (u8)(w && w <= bits ? bits : 0);
}

struct asmb;
/* Writes C_KNOWN (emit_known.c). */
void known_table(struct asmb *a);

/* --- exits.c --- */

/* `to`: an eighth of where the entry of the jump cache for the pc in a register is, from the first on. It may not be
 * pc. */
void jump_cache_at(struct code *c, u32 to, u32 pc);

/* --- move.c --- */

/* Value i as it best serves as a source operand: immediate (integers only), register (locked) or memory. */
struct opnd use_any(struct gen *g, ir_ref i);
/* The same without immediates. */
struct opnd use_rm(struct gen *g, ir_ref i);
/* A register that has a constant from which this one, that takes a long instruction, is disp away; or NOREG. */
u32 near_const(const struct gen *g, u64 bits, s32 *disp);

/* --- emitters of ops --- */

/* Goes to k when `aux` asks for a rounding mode that is not the one in mxcsr. */
void fp_check_round(struct gen *g, u32 aux, struct cold *k);
/* A place for result i that is none of x, y, z: its slot's register or a temp. */
static inline u32 def_apart(struct gen *g, ir_ref i, u32 x, u32 y, u32 z)
{
    return def_not_in(g, i, reg_bit(x) | reg_bit(y) | reg_bit(z));
}

/* A comparison: fetch operands first, emit it when nothing in between changes the flags. */
struct compare {
    struct opnd a, b;
    u32 w, cc; /* cc: the host's condition */
    bool bits; /* not a comparison: do a and b have bits in common? */
};
struct compare compare_fetch(struct gen *g, u32 cc, ir_ref a, ir_ref b);
void compare_emit(struct gen *g, const struct compare *k);
/* Compares for fcmp i, which is of less or less-or-equal; the host's condition that it is true. */
u32 fcmp_flags(struct gen *g, ir_ref i);

/* Does arithmetic `in` of registers need no look at its result, as it traps where that would be another NaN? */
bool fp_traps(const struct gen *g, const struct ir_ins *in);
/* The operation of instruction i in software; r: its arguments' registers. dst may be one of them. */
void fp_soft(struct gen *g, ir_ref i, const u8 *r, u32 dst);
/* Instruction i as a call of software and nothing else. */
void fp_only_soft(struct gen *g, ir_ref i);
/* emit_flush.c: ops with IR_FP_FLUSH; the second as emit_vfp. */
void emit_flush(struct gen *g, ir_ref i);
bool emit_vflush(struct gen *g, ir_ref i);

bool emit_vfp(struct gen *g, ir_ref i); /* a VFP op inline, or false and nothing emitted */

/* v->pc = pc. Uses rcx when the number is large. */
void store_pc(struct gen *g, gva_t pc);
