/* The reference semantics of vector ops, for the interpreter, and for backends where an op is not done inline. */
#pragma once

#include "lib/softfp/softfp.h"
#include "translator/ir/ir.h"

static inline bool ir_is_vec_op(u32 op)
{
    return op >= IR_OP_vmake && op <= IR_OP_vfnarrow; /* ORDER ops.def */
}

/* The scalar op that each lane of a VFP op follows, and whose aux is its aux's low byte; op itself if it is none. */
u32 ir_scalar_of(u32 op);

/* The value of vector op `op` (ir_is_vec_op) of type `type`. An argument that is no v128 lies in the low bits, with
 * zeros above. `env` is for VFP ops: env->round is what IR_RDYN stands for; exceptions are ORed into env->flags;
 * nothing else of it is read. Others take NULL. */
u128 ir_eval_vec(u32 op, u32 type, u32 aux, u64 imm, u128 a, u128 b, u128 c, struct sfp *env);
