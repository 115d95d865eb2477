/* Shared by the files of this backend: what its emitters know of one another, beyond what all backends have (unit.h).
 *
 *     probe.c     what this CPU can do            common.c   code that all translations share; enter, unwind
 *     emit.c      what is fused with what         move.c     moving values
 *     emit_int.c  integers    emit_mem.c  memory, atomics    emit_fp.c  floating point    emit_vec.c  vectors
 *     exits.c     leaving a unit */
#pragma once

#include "translator/host/common/unit.h"

/* --- common code (common.c) --- */

/* --- software, called through C_SOFT ---
 * Arguments lie in the cells SOFT_ARGS of vcpu.spill, two words each; the result goes behind them. */

/* An op of floating point or of vectors: scratch[0] says which (soft_desc), scratch[1] is its imm. */
void a64_soft(struct vcpu *v);
/* The same for an op that detects tininess after rounding, which the host does not: what it raised for underflow is
 * taken back from fpsr. */
void a64_soft_tiny(struct vcpu *v);
/* A vector helper: scratch[0] is the struct ir_helper, scratch[1] its imm. */
void a64_vcall(struct vcpu *v);

/* The opcode flag of the 64-bit form. */
static inline u32 type_w(u32 type)
{
    return type == IR_I64 ? A_SF : 0;
}

/* --- exits.c --- */

/* `to`: where the entry of the jump cache for the pc in a register is, less VOFF(jc). It may not be pc. */
void jump_cache_at(struct code *c, u32 to, u32 pc);

/* --- move.c --- */

/* Value i, an integer, in a register, which is ZR for the constant 0; locked. */
u32 use_zr(struct gen *g, ir_ref i);
/* A place for result i that none of the values being used is in. */
static inline u32 def_apart(struct gen *g, ir_ref i)
{
    return def_not_in(g, i, g->locked);
}
/* The opcodes that load and store a value of `type`. */
u32 load_op(u32 type);
u32 store_op(u32 type);

/* --- emitters of ops --- */

/* Compares a and b; gives the host's condition. Uses SCR. */
u32 compare(struct gen *g, u32 cc, ir_ref a, ir_ref b);

/* d = n + x; uses SCR2 for what fits no immediate. */
void add_number(struct gen *g, u32 d, u32 n, u64 x);

/* An op as a call of software and nothing else. */
void emit_soft(struct gen *g, ir_ref i);
