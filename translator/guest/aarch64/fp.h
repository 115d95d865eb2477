/* Shared by the floating point files of the aarch64 frontend.
 *
 * One function, a64_fp, makes an operation on one lane or several, by an IR op or, where there is none, by a helper
 * (fp_help.c). Helpers do what the IR cannot say: flushing halves to zero (FPCR.FZ16), Arm's own operations. Which it
 * is depends on the operation, the lanes' size and the mode that the unit is made for.
 *
 * FPCR.FZ. Subnormal operands become zeros by a few vector ops (a64_fp_flush), results by what the IR ops say
 * (IR_FP_FLUSH). */
#pragma once

#include "translator/guest/aarch64/simd.h"

/* Operations. The first group are an IR op each, and take its aux (IR_RDYN and the like); fp_ops.c says which. */
enum a64_fp_op {
    FP_ADD,
    FP_SUB,
    FP_MUL,
    FP_DIV,
    FP_SQRT,
    FP_FMA, /* x * y + z */
    FP_MIN,
    FP_MAX,
    FP_MINNM,
    FP_MAXNM,
    FP_ROUND,
    FP_EQ, /* comparisons give all ones or 0; x is on the left */
    FP_GE,
    FP_GT,
    FP_TO_INT,   /* integers of the lane's size; through a64_fp_scale for fixed point */
    FP_FROM_INT, /* likewise */
    FP_NIR,
    /* Others; by helpers, but for steps of singles and doubles. */
    FP_ORD = FP_NIR, /* 0 equal, 1 less, 2 greater, 3 unordered; IR_FCMP_SIGNAL */
    FP_MULX,
    FP_RECPS,
    FP_RSQRTS,
    FP_RECPE,
    FP_RSQRTE,
    FP_RECPX,
    FP_ROUND32, /* to an integral value that fits 32 bits */
    FP_ROUND64,
    FP_CVT,     /* to another format */
    FP_CVT_ODD, /* f64 to f32, rounded to odd */
    FP_NOPS
};

/* How an operation is said in the IR: by a scalar and a vector op, with these bits of aux always. */
struct a64_fp_info {
    u16 op, vop; /* enum ir_op */
    u8 args;
    u8 aux;
};
extern const struct a64_fp_info a64_fp_info[FP_NIR];

/* n lanes of 2^lane bytes; 1 is a scalar. */
struct fp_shape {
    u8 lane, n;
};

static inline struct fp_shape fp_shape_of(const struct a64_insn *i)
{
    const u32 lane = lane_of(i);
    return (struct fp_shape){(u8)lane, (u8)(i->scalar ? 1 : (is_full(i) ? 16u : 8u) >> lane)};
}

/* Of a scalar floating point instruction, by its type. */
static inline u32 fp_lane_of(u32 ft)
{
    return ft == 0 ? IR_V32 : ft == 1 ? IR_V64 : IR_V16;
}

static inline enum ir_type fp_type(u32 lane)
{
    return lane == IR_V64 ? IR_F64 : lane == IR_V32 ? IR_F32 : IR_F16;
}

/* The result of `op` in the lanes of `shape`, zeros above. aux as for the IR op. What the arguments hold above their
 * lanes does not matter. */
ir_ref a64_fp(struct a64_ctx *c, struct fp_shape shape, enum a64_fp_op op, u32 aux, ir_ref x, ir_ref y, ir_ref z);

/* Are operations on lanes of this size left to helpers? Of those that have an IR op. */
static inline bool a64_fp_by_helper(u32 lane)
{
    return lane == IR_V16;
}

/* With FPCR.FZ, x with zeros for what is subnormal in the lanes of `shape`, which raises IDC; not of halves. What lies
 * above them may change. a64_fp does it by itself. */
ir_ref a64_fp_flush(struct a64_ctx *c, struct fp_shape shape, ir_ref x);

/* What an op that rounds to lanes of this size has in its aux for FPCR.FZ. */
static inline u32 a64_fp_flushes(const struct a64_ctx *c, u32 lane)
{
    return c->rq->mode & A64_MODE_FZ && lane != IR_V16 ? IR_FP_FLUSH : 0;
}

/* The same on n (1, 2, 4, 8) halves, by way of singles (fp_half.c); whether it can be done so. */
ir_ref a64_fp_half(struct a64_ctx *c, u32 n, enum a64_fp_op op, u32 aux, ir_ref x, ir_ref y, ir_ref z);
bool a64_fp_has_half(const struct a64_ctx *c, enum a64_fp_op op);

/* A call of a64_fp_help: shape's lanes to lanes of size `to`. fbits: of a fixed point number. */
ir_ref a64_fp_call(struct a64_ctx *c, struct fp_shape shape, u32 to, enum a64_fp_op op, u32 aux, u32 fbits, ir_ref x,
                   ir_ref y, ir_ref z);

/* Its imm: aux, op, sizes of lanes before and after, their number, FPCR's bits (enum a64_mode), fbits. */
enum {
    FP_IMM_OP = 8,
    FP_IMM_LANE = 16,
    FP_IMM_TO = 18,
    FP_IMM_N = 20,
    FP_IMM_MODE = 28,
    FP_IMM_FBITS = 32,
};

/* Fixed point: x times 2^by, exactly, in lanes that are no larger than 2^66 then. */
ir_ref a64_fp_scale(struct a64_ctx *c, struct fp_shape shape, s32 by, ir_ref x);

/* In another format; scalar. */
ir_ref a64_fp_convert(struct a64_ctx *c, u32 from, u32 to, ir_ref x);

/* DEFNAN where FPCR says so. */
static inline u32 fp_nan(const struct a64_ctx *c)
{
    return c->rq->mode & A64_MODE_DN ? IR_FP_DEFNAN : 0;
}

/* The number that the eight bits of an immediate stand for, in a format. */
static inline u64 a64_fp_imm(u32 lane, u32 imm)
{
    const u32 frac = lane == IR_V64 ? 52 : lane == IR_V32 ? 23 : 10, exp = lane == IR_V64 ? 11 : lane == IR_V32 ? 8 : 5;
    const u32 bits = 1 + exp + frac;
    const u64 sign = imm >> 7 & 1, not_b = ~imm >> 6 & 1, ones = (1ull << (exp - 3)) - 1;
    const u64 e = not_b << (exp - 1) | (not_b ? 0 : ones << 2) | (imm >> 4 & 3);
    return sign << (bits - 1) | e << frac | (u64)(imm & 15) << (frac - 4);
}

/* Sign bits changed, in every lane. */
static inline ir_ref fp_abs(struct a64_ctx *c, u32 lane, ir_ref x)
{
    return v2(c, IR_OP_vandn, 0, x, sign_bits(c, lane));
}

static inline ir_ref fp_neg(struct a64_ctx *c, u32 lane, ir_ref x)
{
    return v2(c, IR_OP_vxor, 0, x, sign_bits(c, lane));
}
