/* Vector instructions by shape, for emit_vec.c and emit_vfp.c: in VEX form, with three operands, where this CPU has it,
 * else with a copy first. Operands in memory are aligned: slots and spill cells of v128 are, and constants. */
#pragma once

#include "translator/host/x86_64/gen.h"

#define P0(byte)  ((byte) | X_0F)
#define P(byte)   ((byte) | X_0F | X_66)
#define P38(byte) ((byte) | X_38 | X_66)
#define P3A(byte) ((byte) | X_3A | X_66)

#define V_PAND       P(0xdb)
#define V_PANDN      P(0xdf) /* ~first & second */
#define V_POR        P(0xeb)
#define V_PXOR       P(0xef)
#define V_PSHUFD     P(0x70)
#define V_PSHUFB     P38(0x00)
#define V_PUNPCKLQDQ P(0x6c)
#define V_PUNPCKHQDQ P(0x6d)

/* dst = a op b. Without AVX dst may be b only if it is a too. */
static inline void v3(struct gen *g, u32 op, u32 dst, u32 a, struct opnd b)
{
    if (have(FEAT_AVX)) {
        x_avx(&g->c, op, dst, a, b, 0);
        return;
    }
    dgm_assert(dst == a || !is_reg(b, dst), "a vector operand is overwritten");
    mov_rr(g, dst, a, IR_V128);
    x_rm(&g->c, op, dst, b, 0);
}
static inline void v3r(struct gen *g, u32 op, u32 dst, u32 a, u32 b)
{
    v3(g, op, dst, a, o_reg(b));
}
/* The same with an immediate byte. */
static inline void v3i(struct gen *g, u32 op, u32 dst, u32 a, struct opnd b, u32 imm)
{
    if (have(FEAT_AVX)) {
        x_avx(&g->c, op, dst, a, b, 1);
    } else {
        dgm_assert(dst == a || !is_reg(b, dst), "a vector operand is overwritten");
        mov_rr(g, dst, a, IR_V128);
        x_rm(&g->c, op, dst, b, 1);
    }
    put8(&g->c, imm);
}
/* dst = op b. */
static inline void v2(struct gen *g, u32 op, u32 dst, struct opnd b)
{
    if (have(FEAT_AVX))
        x_avx(&g->c, op, dst, 0, b, 0);
    else
        x_rm(&g->c, op, dst, b, 0);
}
static inline void v2i(struct gen *g, u32 op, u32 dst, struct opnd b, u32 imm)
{
    if (have(FEAT_AVX))
        x_avx(&g->c, op, dst, 0, b, 1);
    else
        x_rm(&g->c, op, dst, b, 1);
    put8(&g->c, imm);
}
/* dst = src shifted by n; `op` and `ext` are the instruction's. */
static inline void vshift(struct gen *g, u32 op, u32 ext, u32 dst, u32 src, u32 n)
{
    if (have(FEAT_AVX)) {
        x_avx(&g->c, P(op), ext, dst, o_reg(src), 1);
    } else {
        mov_rr(g, dst, src, IR_V128);
        x_rm(&g->c, P(op), ext, o_reg(dst), 1);
    }
    put8(&g->c, n);
}
enum { VSH_SHR = 2, VSH_SAR = 4, VSH_SHL = 6, VSH_BYTES_R = 3, VSH_BYTES_L = 7 };
/* By lane (not of 8 bits): the opcode of its shifts. */
static inline u32 vshift_op(u32 lane)
{
    return 0x70 + lane;
}

/* Where r, a value that may be in memory, has its upper half. */
static inline struct opnd upper(struct opnd m)
{
    m.disp += 8;
    return m;
}

/* Its instructions are written in AVX's forms. */
static inline bool avx2(void)
{
    return have(FEAT_AVX) && have(FEAT_AVX2);
}

/* Are the lanes of floating-point instruction `in` doubles? */
static inline bool lanes_wide(const struct ir_ins *in)
{
    return (in->aux & IR_V_FP_LANE) >> IR_V_FP_LANE_SHIFT == IR_V64;
}

static inline u32 lane_of(const struct ir_ins *in)
{
    return in->aux & IR_V_LANE;
}

/* Registers of a longer op: operands, a place for the result that is none of them, one more temp. */
struct regs {
    u32 x, y, d, t;
};

static inline struct regs regs2(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct regs r;
    r.x = use_reg(g, in->a);
    r.y = in->b ? use_reg(g, in->b) : r.x;
    r.d = def_apart(g, i, r.x, r.y, NOREG);
    r.t = temp_float(g);
    return r;
}

/* A third temp, once nothing more is read from operand register x; unless that is `kept` as well, from which something
 * is (else NOREG). */
static inline u32 temp_after(struct gen *g, u32 x, u32 kept)
{
    if (x != kept)
        g->locked &= ~reg_bit(x);
    return temp_float(g);
}

static inline bool done(struct gen *g, ir_ref i, u32 r)
{
    def_from(g, i, r);
    return true;
}

/* A cell for a vector within one op, which is also where its n-th argument lies for software. */
static inline struct opnd vec_cell(u32 n)
{
    return o_vcpu(SPILL_OFF(VEC_ARGS + 2 * n));
}

/* The vector op of instruction i in C (C_SOFT); r: its arguments' registers. */
void vec_soft(struct gen *g, ir_ref i, const u8 *r, u32 dst);

/* emit_vfp.c: d = the lanes of x, of 8 bytes if `wide`, rounded to integral values, ties away from zero. Raises no
 * flag, whatever is in them; NaNs stay what they are. All registers differ; wants AVX. */
void vec_round_away(struct gen *g, bool wide, u32 d, u32 x, u32 t, u32 u);

/* emit_vseq.c: ops of integers that the host does in a handful of instructions. False and nothing emitted where it
 * cannot. */
bool emit_vseq(struct gen *g, ir_ref i);
