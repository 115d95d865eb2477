/* riscv64: bit manipulation (Zba, Zbb, Zbs) and conditional zero (Zicond). */
#include "translator/guest/riscv64/rv_int.h"

/* A result for x0 is not computed: each function begins with this. */
#define SKIP_X0(i)                                                                                                     \
    do {                                                                                                               \
        if ((i)->rd == 0)                                                                                              \
            return true;                                                                                               \
    } while (0)

/* --- Zba --- */

static bool shift_add(struct rv_ctx *c, const struct rv_insn *i, u32 by, bool uw)
{
    SKIP_X0(i);
    ir_ref x = rv_x(c, i->rs1);
    if (uw)
        x = ir_zext(c->b, IR_I64, x, 32);
    return rv_put_x(c, i->rd, ir_op2(c->b, IR_OP_add, ir_op2i(c->b, IR_OP_shl, x, by), rv_x(c, i->rs2)));
}

/* clang-format off */
TR(add_uw)    { return shift_add(c, i, 0, true); }
TR(sh1add)    { return shift_add(c, i, 1, false); }
TR(sh2add)    { return shift_add(c, i, 2, false); }
TR(sh3add)    { return shift_add(c, i, 3, false); }
TR(sh1add_uw) { return shift_add(c, i, 1, true); }
TR(sh2add_uw) { return shift_add(c, i, 2, true); }
TR(sh3add_uw) { return shift_add(c, i, 3, true); }
/* clang-format on */

TR(slli_uw)
{
    SKIP_X0(i);
    ir_ref x = ir_zext(c->b, IR_I64, rv_x(c, i->rs1), 32);
    return rv_put_x(c, i->rd, ir_op2i(c->b, IR_OP_shl, x, (u64)i->imm));
}

/* --- Zbb --- */

static bool with_not(struct rv_ctx *c, const struct rv_insn *i, enum ir_op op)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_op2(c->b, op, rv_x(c, i->rs1), ir_op1(c->b, IR_OP_not, rv_x(c, i->rs2))));
}

static bool two(struct rv_ctx *c, const struct rv_insn *i, enum ir_op op)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_op2(c->b, op, rv_x(c, i->rs1), rv_x(c, i->rs2)));
}

static bool two_w(struct rv_ctx *c, const struct rv_insn *i, enum ir_op op)
{
    SKIP_X0(i);
    return rv_put_w(c, i->rd, ir_op2(c->b, op, rv_w(c, i->rs1), rv_w(c, i->rs2)));
}

static bool one(struct rv_ctx *c, const struct rv_insn *i, enum ir_op op)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_op1(c->b, op, rv_x(c, i->rs1)));
}

/* Counts fit in 32 bits unsigned, so the extension is free to be by zeros. */
static bool one_w(struct rv_ctx *c, const struct rv_insn *i, enum ir_op op)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_zext(c->b, IR_I64, ir_op1(c->b, op, rv_w(c, i->rs1)), 32));
}

/* clang-format off */
TR(andn)  { return with_not(c, i, IR_OP_and); }
TR(orn)   { return with_not(c, i, IR_OP_or); }
TR(clz)   { return one(c, i, IR_OP_clz); }
TR(ctz)   { return one(c, i, IR_OP_ctz); }
TR(cpop)  { return one(c, i, IR_OP_popcnt); }
TR(clzw)  { return one_w(c, i, IR_OP_clz); }
TR(ctzw)  { return one_w(c, i, IR_OP_ctz); }
TR(cpopw) { return one_w(c, i, IR_OP_popcnt); }
TR(rev8)  { return one(c, i, IR_OP_bswap); }
TR(min)   { return two(c, i, IR_OP_mins); }
TR(minu)  { return two(c, i, IR_OP_minu); }
TR(max)   { return two(c, i, IR_OP_maxs); }
TR(maxu)  { return two(c, i, IR_OP_maxu); }
TR(rol)   { return two(c, i, IR_OP_rotl); }
TR(ror)   { return two(c, i, IR_OP_rotr); }
TR(rolw)  { return two_w(c, i, IR_OP_rotl); }
TR(rorw)  { return two_w(c, i, IR_OP_rotr); }
/* clang-format on */

TR(xnor)
{
    SKIP_X0(i);
    ir_ref x = ir_op2(c->b, IR_OP_xor, rv_x(c, i->rs1), rv_x(c, i->rs2));
    return rv_put_x(c, i->rd, ir_op1(c->b, IR_OP_not, x));
}

TR(sext_b)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_sext(c->b, IR_I64, rv_x(c, i->rs1), 8));
}

TR(sext_h)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_sext(c->b, IR_I64, rv_x(c, i->rs1), 16));
}

TR(zext_h)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_zext(c->b, IR_I64, rv_x(c, i->rs1), 16));
}

TR(rori)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_op2i(c->b, IR_OP_rotr, rv_x(c, i->rs1), (u64)i->imm));
}

TR(roriw)
{
    SKIP_X0(i);
    return rv_put_w(c, i->rd, ir_op2i(c->b, IR_OP_rotr, rv_w(c, i->rs1), (u64)i->imm));
}

/* Each byte becomes ones if any bit of it is set. Adding 0x7f to a byte's low seven bits carries into its top
 * bit if one of them is set; t - (t >> 7) spreads top bits over the seven below. */
TR(orc_b)
{
    SKIP_X0(i);
    const u64 low7 = 0x7f7f7f7f7f7f7f7full;
    ir_ref x = rv_x(c, i->rs1);
    ir_ref any = ir_op2i(c->b, IR_OP_add, ir_op2i(c->b, IR_OP_and, x, low7), low7);
    ir_ref top = ir_op2i(c->b, IR_OP_and, ir_op2(c->b, IR_OP_or, any, x), ~low7);
    ir_ref rest = ir_op2(c->b, IR_OP_sub, top, ir_op2i(c->b, IR_OP_shr, top, 7));
    return rv_put_x(c, i->rd, ir_op2(c->b, IR_OP_or, top, rest));
}

/* --- Zbs --- */

static ir_ref bit(struct rv_ctx *c, const struct rv_insn *i)
{
    return ir_op2(c->b, IR_OP_shl, ir_const(c->b, IR_I64, 1), rv_x(c, i->rs2));
}

TR(bclr)
{
    SKIP_X0(i);
    ir_ref keep = ir_op1(c->b, IR_OP_not, bit(c, i));
    return rv_put_x(c, i->rd, ir_op2(c->b, IR_OP_and, rv_x(c, i->rs1), keep));
}

TR(binv)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_op2(c->b, IR_OP_xor, rv_x(c, i->rs1), bit(c, i)));
}

TR(bset)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_op2(c->b, IR_OP_or, rv_x(c, i->rs1), bit(c, i)));
}

TR(bext)
{
    SKIP_X0(i);
    ir_ref x = ir_op2(c->b, IR_OP_shr, rv_x(c, i->rs1), rv_x(c, i->rs2));
    return rv_put_x(c, i->rd, ir_op2i(c->b, IR_OP_and, x, 1));
}

TR(bclri)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_op2i(c->b, IR_OP_and, rv_x(c, i->rs1), ~(1ull << i->imm)));
}

TR(binvi)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_op2i(c->b, IR_OP_xor, rv_x(c, i->rs1), 1ull << i->imm));
}

TR(bseti)
{
    SKIP_X0(i);
    return rv_put_x(c, i->rd, ir_op2i(c->b, IR_OP_or, rv_x(c, i->rs1), 1ull << i->imm));
}

TR(bexti)
{
    SKIP_X0(i);
    ir_ref x = ir_op2i(c->b, IR_OP_shr, rv_x(c, i->rs1), (u64)i->imm);
    return rv_put_x(c, i->rd, ir_op2i(c->b, IR_OP_and, x, 1));
}

/* --- Zicond --- */

static bool zero_if(struct rv_ctx *c, const struct rv_insn *i, enum ir_cc cc)
{
    SKIP_X0(i);
    ir_ref zero = ir_const(c->b, IR_I64, 0);
    return rv_put_x(c, i->rd, ir_select(c->b, cc, rv_x(c, i->rs2), zero, zero, rv_x(c, i->rs1)));
}

/* clang-format off */
TR(czero_eqz) { return zero_if(c, i, IR_EQ); }
TR(czero_nez) { return zero_if(c, i, IR_NE); }
/* clang-format on */
