/* Shared by the files of translator/ir, and by nobody else. */
#pragma once

#include "translator/ir/ir.h"
#include "translator/ir/ir_build.h"
#include "translator/ir/vec_eval.h"

/* Makes `u` an empty unit: only ins[0], the nop. False when there is no memory. */
bool ir_unit_init(struct ir_unit *u, gva_t pc);

/* Appends `in` as it stands, counts its uses, and keeps guest_bytes, guest_insns and nexits. Returns its number, or 0
 * when there is no memory. */
ir_ref ir_append(struct ir_unit *u, const struct ir_ins *in);

/* What ir_fold says besides a value to use in place of the instruction. */
#define IR_FOLD_NONE 0            /* nothing left to do: emit `in` as it now is */
#define IR_FOLD_DROP ((ir_ref)-1) /* the instruction does nothing: leave it out */

#define IR_FOLD_AGAIN ((ir_ref)-2) /* between rules: `in` was rewritten, look again */

/* Simplifies the instruction `in` that is about to be emitted; may rewrite it in place. */
ir_ref ir_fold(struct ir_builder *b, struct ir_ins *in);
/* The rules of PURE vector ops. */
ir_ref ir_fold_vec(struct ir_builder *b, struct ir_ins *in);

/* How aux is spelled. An op's aux is a row of fields; each is written as ".word" behind the op's name, in the order of
 * ir_fields. The printer, the parser and the verifier all go by this table (ops.c). */
struct ir_field {
    u8 kind;  /* enum ir_aux that has it */
    u8 op;    /* only this op, unless 0 */
    u16 mask; /* bits of aux */
    u8 n;
    const char *const *words; /* by value of the field; NULL: no such value; "": is not written */
};
extern const struct ir_field ir_fields[];
extern const u32 ir_nfields;

static inline bool ir_field_of(const struct ir_field *f, u32 op)
{
    if (f->kind == ir_ops[op].aux && (!f->op || f->op == op))
        return true;
    const u32 scalar = ir_scalar_of(op); /* a vector op's aux holds its scalar op's too */
    return scalar != op && f->kind == ir_ops[scalar].aux && (!f->op || f->op == scalar);
}

/* The field's value in aux, and its word: NULL when it has none. */
static inline const char *ir_field_word(const struct ir_field *f, u32 aux)
{
    u32 v = (aux & f->mask) >> __builtin_ctz(f->mask);
    return v < f->n ? f->words[v] : NULL;
}

/* True when imm is written behind the arguments, as #number. */
static inline bool ir_has_hash(u32 op)
{
    switch (op) {
    case IR_OP_vshl:
    case IR_OP_vshr:
    case IR_OP_vsar:
    case IR_OP_vext:
    case IR_OP_vaes:
    case IR_OP_vest:
    case IR_OP_vsha1:
    case IR_OP_vsha256:
    case IR_OP_vcall:
        return true;
    default:
        return false;
    }
}

/* True when the result's type is written behind the op's name: it is not implied by the op or by an operand. */
static inline bool ir_names_type(u32 op)
{
    char c = ir_ops[op].sig[0];
    return c == 'T' || c == 'F' || c == 'X';
}
