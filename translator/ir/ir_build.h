/* Building a unit, one instruction after the other.
 *
 * The builder cleans as it goes: constants fold, identities (x + 0, x & -1, …) vanish, a `get` after a
 * `put` or `get` of the same slot gives the value that is known, PURE instructions that repeat within
 * the unit are shared, constants go right in commutative ops. So a frontend writes each
 * meaning the plain way. No pass over the unit is needed before a backend takes it.
 *
 * ir_call forgets what slots hold when its helper writes slots. */
#pragma once

#include "translator/ir/ir.h"

#define IR_MAX_SLOTS 256

struct ir_builder {
    struct ir_unit *u;
    gva_t insn_pc;             /* of the last marker */
    ir_ref slot[IR_MAX_SLOTS]; /* value that the slot is known to hold, or 0 */
    ir_ref cse[256];           /* recent PURE instructions by hash */
    /* Regions: may a value of an earlier block be used here? NULL: values are shared within a block only. */
    bool (*visible)(const struct ir_builder *b, ir_ref v);
    int error; /* first failure (-ENOMEM), sticky; checked once by ir_finish */
};

/* Starts a unit at guest address pc. u->arena, slots, helpers are set by the caller. */
void ir_begin(struct ir_builder *b, struct ir_unit *u, gva_t pc);

/* About n instructions will come: room is made at once. */
void ir_expect(struct ir_builder *b, u32 n);

/* Ends it: an END instruction must have been emitted. 0 or -ENOMEM. */
int ir_finish(struct ir_builder *b) MUST_USE;

/* The general form. Folds where it can, so the result may be an older or constant value. */
ir_ref ir_emit(struct ir_builder *b, enum ir_op op, enum ir_type type, u32 aux, u64 imm, ir_ref a1, ir_ref a2,
               ir_ref a3, ir_ref a4);

/* Begins guest instruction at pc, `len` bytes long. */
void ir_insn(struct ir_builder *b, gva_t pc, u32 len);

ir_ref ir_const(struct ir_builder *b, enum ir_type type, u64 bits);
ir_ref ir_get(struct ir_builder *b, u32 slot);
void ir_put(struct ir_builder *b, u32 slot, ir_ref v);

/* True, with the bits in *bits, when v is a constant. */
bool ir_is_const(const struct ir_builder *b, ir_ref v, u64 *bits);
enum ir_type ir_type_of(const struct ir_builder *b, ir_ref v);

/* Binary and unary ops by value; the type is that of the first argument. */
ir_ref ir_op2(struct ir_builder *b, enum ir_op op, ir_ref x, ir_ref y);
ir_ref ir_op1(struct ir_builder *b, enum ir_op op, ir_ref x);
/* Binary op with a constant on the right, of x's type. */
ir_ref ir_op2i(struct ir_builder *b, enum ir_op op, ir_ref x, u64 y);

ir_ref ir_sext(struct ir_builder *b, enum ir_type to, ir_ref x, u32 bits);
ir_ref ir_zext(struct ir_builder *b, enum ir_type to, ir_ref x, u32 bits);
ir_ref ir_trunc(struct ir_builder *b, ir_ref x);
ir_ref ir_cmp(struct ir_builder *b, enum ir_type to, enum ir_cc cc, ir_ref x, ir_ref y);
ir_ref ir_select(struct ir_builder *b, enum ir_cc cc, ir_ref x, ir_ref y, ir_ref t, ir_ref f);

/* mem: IR_MEM_* (size in its low bits). Address is addr + off. */
ir_ref ir_ld(struct ir_builder *b, enum ir_type type, u32 mem, ir_ref addr, s64 off);
void ir_st(struct ir_builder *b, u32 mem, ir_ref addr, s64 off, ir_ref v);
ir_ref ir_amo(struct ir_builder *b, enum ir_amo kind, u32 mem, ir_ref addr, ir_ref v);
ir_ref ir_cas(struct ir_builder *b, u32 mem, ir_ref addr, ir_ref expect, ir_ref v);
/* mem says the size; gives 0 when v was stored, else 1. reserved_value is compared in that width. */
ir_ref ir_sc(struct ir_builder *b, u32 mem, ir_ref addr, ir_ref v, ir_ref reserved_addr, ir_ref reserved_value);
void ir_fence(struct ir_builder *b, u32 bits);

/* Floating ops take the type of x (op2, op1 forms) or the one named, and aux as in ops.def. */
ir_ref ir_fp2(struct ir_builder *b, enum ir_op op, u32 aux, ir_ref x, ir_ref y);
ir_ref ir_fp1(struct ir_builder *b, enum ir_op op, u32 aux, ir_ref x);
ir_ref ir_fp_to(struct ir_builder *b, enum ir_op op, enum ir_type to, u32 aux,
                ir_ref x); /* fcvt, f2i, i2f, bitcast, nanunbox */

ir_ref ir_fma(struct ir_builder *b, u32 aux, ir_ref x, ir_ref y, ir_ref z);

ir_ref ir_call(struct ir_builder *b, enum ir_type type, u32 helper, ir_ref x, ir_ref y, ir_ref z, ir_ref w);

/* A vector op whose result is a v128. Others go through ir_emit, or ir_op1, ir_op2 where aux and imm are 0. */
ir_ref ir_vec(struct ir_builder *b, enum ir_op op, u32 aux, u64 imm, ir_ref x, ir_ref y, ir_ref z);
/* A v128 constant: a vmake of two i64 ones. */
ir_ref ir_vconst(struct ir_builder *b, u64 lo, u64 hi);
ir_ref ir_vcall(struct ir_builder *b, u32 helper, ir_ref x, ir_ref y, ir_ref z, u64 imm);

/* Ends and side exits. IR_EXIT_POLL is added here for direct exits to insn_pc or below. */
void ir_exit_if(struct ir_builder *b, enum ir_cc cc, ir_ref x, ir_ref y, gva_t pc);
void ir_exit(struct ir_builder *b, gva_t pc);
void ir_exit_call(struct ir_builder *b, gva_t pc, gva_t return_pc);
void ir_exit_ind(struct ir_builder *b, ir_ref pc);
void ir_exit_ind_call(struct ir_builder *b, ir_ref pc, gva_t return_pc);
void ir_exit_ret(struct ir_builder *b, ir_ref pc);
void ir_trap(struct ir_builder *b, enum ir_trap why, gva_t resume_pc);
