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

/* The vector op of instruction i in C (C_SOFT); r: its arguments' registers. */
void vec_soft(struct gen *g, ir_ref i, const u8 *r, u32 dst);
