/* The reference semantics of scalar floating-point ops, by lib/softfp: for the interpreter, and for backends where the
 * host cannot do what the guest asks. Values are bit patterns with zeros above. */
#pragma once

#include "lib/softfp/softfp.h"
#include "translator/ir/ir.h"

/* The value of `op` of type `type` with arguments a, b, c, the first of type `arg_type`. `env->round` is what IR_RDYN
 * stands for; exceptions are ORed into env->flags, and nothing else of *env is read. */
u64 ir_eval_fp(u32 op, u32 type, u32 arg_type, u32 aux, u64 a, u64 b, u64 c, struct sfp *env);
