/* Shared by the files of the aarch64 frontend that build vector code (simd_*.c, fp*.c, crypto.c).
 *
 * An instruction says by `arr` and `scalar` which part of its registers it works on: all, the low half, or the lowest
 * lane. IR ops work on all 128 bits. What they make of the rest is cut off before it gets into a register (vput), and,
 * where it might raise flags or QC, kept out beforehand (cut). */
#pragma once

#include "translator/guest/aarch64/a64_int.h"

/* --- shape --- */

/* enum ir_lane of the narrow operands. */
static inline u32 lane_of(const struct a64_insn *i)
{
    return i->arr >> 1;
}

static inline u32 lane_bits(const struct a64_insn *i)
{
    return 8u << lane_of(i);
}

/* Does it work on all 128 bits? */
static inline bool is_full(const struct a64_insn *i)
{
    return i->arr & 1;
}

/* --- making instructions --- */

static inline ir_ref v3(struct a64_ctx *c, enum ir_op op, u32 aux, ir_ref x, ir_ref y, ir_ref z)
{
    return ir_emit(c->b, op, IR_V128, aux, 0, x, y, z, 0);
}

static inline ir_ref v2(struct a64_ctx *c, enum ir_op op, u32 aux, ir_ref x, ir_ref y)
{
    return v3(c, op, aux, x, y, 0);
}

static inline ir_ref v1(struct a64_ctx *c, enum ir_op op, u32 aux, ir_ref x)
{
    return v3(c, op, aux, x, 0, 0);
}

/* With an immediate: shifts, vext, vaes. */
static inline ir_ref v1i(struct a64_ctx *c, enum ir_op op, u32 aux, ir_ref x, u64 imm)
{
    return ir_emit(c->b, op, IR_V128, aux, imm, x, 0, 0, 0);
}

static inline ir_ref v2i(struct a64_ctx *c, enum ir_op op, u32 aux, ir_ref x, ir_ref y, u64 imm)
{
    return ir_emit(c->b, op, IR_V128, aux, imm, x, y, 0, 0);
}

/* Helpers on vectors. */
static inline ir_ref vhelp(struct a64_ctx *c, enum a64_helper helper, u64 imm, ir_ref x, ir_ref y, ir_ref z)
{
    return ir_emit(c->b, IR_OP_vcall, IR_V128, helper, imm, x, y, z, 0);
}

/* Every lane the same constant. */
static inline ir_ref splat(struct a64_ctx *c, u32 lane, u64 value)
{
    return ir_emit(c->b, IR_OP_vdup, IR_V128, lane, 0, ir_const(c->b, lane == IR_V64 ? IR_I64 : IR_I32, value), 0, 0,
                   0);
}

static inline ir_ref vzero(struct a64_ctx *c)
{
    return splat(c, IR_V64, 0);
}

static inline ir_ref vconst(struct a64_ctx *c, u64 low, u64 high)
{
    return ir_emit(c->b, IR_OP_vmake, IR_V128, 0, 0, ir_const(c->b, IR_I64, low), ir_const(c->b, IR_I64, high), 0, 0);
}

/* The lowest bit that is a lane's sign. */
static inline ir_ref sign_bits(struct a64_ctx *c, u32 lane)
{
    return splat(c, lane, 1ull << ((8u << lane) - 1));
}

static inline ir_ref vlow(struct a64_ctx *c, enum ir_type type, ir_ref x)
{
    return ir_emit(c->b, IR_OP_vlow, type, 0, 0, x, 0, 0, 0);
}

static inline ir_ref vzext(struct a64_ctx *c, ir_ref x)
{
    return ir_emit(c->b, IR_OP_vzext, IR_V128, 0, 0, x, 0, 0, 0);
}

/* --- operands --- */

/* The low 64 bits of x, zeros above. */
static inline ir_ref cut64(struct a64_ctx *c, ir_ref x)
{
    return vzext(c, vlow(c, IR_F64, x));
}

/* The lowest lane, zeros above. */
static inline ir_ref cut_lane(struct a64_ctx *c, u32 lane, ir_ref x)
{
    if (lane >= IR_V32)
        return vzext(c, vlow(c, lane == IR_V64 ? IR_F64 : IR_F32, x));
    return vzext(c, ir_emit(c->b, IR_OP_vget, IR_I32, lane, 0, x, 0, 0, 0));
}

/* What of x belongs to an operand of i (a narrow one); zeros above. */
static inline ir_ref cut(struct a64_ctx *c, const struct a64_insn *i, ir_ref x)
{
    return i->scalar ? cut_lane(c, lane_of(i), x) : is_full(i) ? x : cut64(c, x);
}

/* Lane `index` of x, of size `lane`, in every lane. */
static inline ir_ref vspread(struct a64_ctx *c, u32 lane, ir_ref x, u32 index)
{
    return v1(c, IR_OP_vdupl, lane | index << IR_V_INDEX_SHIFT, x);
}

static inline ir_ref vn(struct a64_ctx *c, const struct a64_insn *i)
{
    return a64_v(c, i->rn);
}

/* The last source: a register, or one of its lanes. */
static inline ir_ref vm(struct a64_ctx *c, const struct a64_insn *i)
{
    ir_ref m = a64_v(c, i->rm);
    return i->elem ? vspread(c, lane_of(i), m, i->index) : m;
}

static inline ir_ref vd(struct a64_ctx *c, const struct a64_insn *i)
{
    return a64_v(c, i->rd);
}

/* Writes what of x is the result. */
static inline bool vput(struct a64_ctx *c, const struct a64_insn *i, ir_ref x)
{
    return a64_put_v(c, i->rd, cut(c, i, x));
}

/* FPSR.QC, if any bit of x is set. x has been cut. */
static inline void set_qc(struct a64_ctx *c, ir_ref x)
{
    ir_put(c->b, A64_SLOT_QC, v2(c, IR_OP_vor, 0, ir_get(c->b, A64_SLOT_QC), x));
}

/* a cc b in each lane. */
static inline ir_ref vcmp(struct a64_ctx *c, u32 lane, enum ir_cc cc, ir_ref x, ir_ref y)
{
    return v2(c, IR_OP_vcmp, lane | (u32)cc << IR_V_CC_SHIFT, x, y);
}

/* The even lanes of x, then those of y; the odd ones. Of half registers what counts is in the low half. */
struct pairs {
    ir_ref even, odd;
};
static inline struct pairs vpairs(struct a64_ctx *c, const struct a64_insn *i, ir_ref x, ir_ref y)
{
    if (!is_full(i))
        x = y = v2(c, IR_OP_vzip, IR_V64, x, y);
    return (struct pairs){v2(c, IR_OP_vuzp, lane_of(i), x, y), v2(c, IR_OP_vuzp, lane_of(i) | IR_V_HIGH, x, y)};
}

/* The result of an instruction that narrows (hi: into the upper half, and the lower stays): x has the lanes in its low
 * half. */
static inline bool vput_narrow(struct a64_ctx *c, const struct a64_insn *i, ir_ref x)
{
    if (i->scalar)
        return vput(c, i, x);
    if (i->hi)
        return a64_put_v(c, i->rd, v2(c, IR_OP_vzip, IR_V64, vd(c, i), x));
    return a64_put_v(c, i->rd, cut64(c, x));
}
