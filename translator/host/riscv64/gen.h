/* Shared by the files of this backend: what its emitters know of one another, beyond what all backends have (unit.h).
 *
 *     probe.c     what this CPU can do            common.c   code that all translations share; enter, unwind
 *     emit.c      what is fused with what         move.c     moving values, literals
 *     emit_int.c  integers    emit_mem.c  memory, atomics    emit_fp.c  floating point    emit_vec.c  vectors
 *     exits.c     leaving a unit */
#pragma once

#include "translator/host/common/unit.h"

/* --- common code (common.c) --- */

/* A vector operation: op in bits 0..7 of scratch[0], its aux from 16 on, its immediate from 32 on; places in
 * scratch[1]. */
u64 rv_vec_op(struct vcpu *v);
/* The C side of C_SOFT. */
void rv_soft(struct vcpu *v);

static inline bool is_float(u32 type)
{
    return type == IR_F16 || type == IR_F32 || type == IR_F64;
}
/* The opcode's form for `type`: of words where it is i32. */
static inline u32 wide_or(u32 type, u32 op64, u32 op32)
{
    return type == IR_I64 ? op64 : op32;
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

/* --- exits.c --- */

/* `to`: where the entry of the jump cache for the pc in a register is, less VOFF(jc). It may not be pc. */
void jump_cache_at(struct code *c, u32 to, u32 pc);

/* --- move.c --- */

/* Instructions that load and store a value of `type`, not of i128 and v128. An f16 goes through an integer register. */
u32 load_op(u32 type);
u32 store_op(u32 type);

/* rd = k, by instructions or from a literal. */
void load_imm(struct gen *g, u32 rd, u64 k);

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

/* A comparison, as a branch that is taken when it holds; op ^ BRANCH_NOT when it does not. Uses both scratch registers.
 */
struct compare {
    u32 op, a, b;
};
#define BRANCH_NOT 0x1000u
struct compare compare_fetch(struct gen *g, u32 cc, ir_ref a, ir_ref b);

/* f, of f16, is the low half of integer register r; uses t6. */
void half_from(struct gen *g, u32 f, u32 r);

/* v->pc = pc. Uses t6. */
void store_pc(struct gen *g, gva_t pc);
