/* The reference semantics of vector ops, for the interpreter, and for backends where an op is not done inline. */
#pragma once

#include "lib/softfp/softfp.h"
#include "translator/ir/ir.h"

static inline bool ir_is_vec_op(u32 op)
{
    return op >= IR_OP_vmake && op <= IR_OP_vsha256; /* ORDER ops.def */
}

/* Is it an op with IR_FP_FLUSH? */
static inline bool ir_flushes(const struct ir_ins *in)
{
    const u32 kind = ir_ops[in->op].aux;
    return (kind == IR_AUX_FP || kind == IR_AUX_VFP) && in->aux & IR_FP_FLUSH;
}

/* The scalar op that each lane of a VFP op follows, and whose aux is its aux's low byte; op itself if it is none. */
u32 ir_scalar_of(u32 op);

/* The value of vector op `op` (ir_is_vec_op) of type `type`. An argument that is no v128 lies in the low bits, with
 * zeros above. `env` is for VFP ops: env->round is what IR_RDYN stands for; exceptions are ORed into env->flags;
 * nothing else of it is read. Others take NULL. */
u128 ir_eval_vec(u32 op, u32 type, u32 aux, u64 imm, u128 a, u128 b, u128 c, struct sfp *env);

/* vec_hash.c: vsha1 and vsha256 with immediate `step`. */
u128 ir_sha1(u64 step, u128 abcd, u128 e, u128 schedule);
u128 ir_sha256(u64 step, u128 a, u128 b, u128 c);
/* vest's table. `top` are the nine highest bits of a number that is no less than 1/2, or with `root` than 1/4; those of
 * the estimate, of which the highest is 1. */
u32 ir_estimate(bool root, u32 top);
