/* riscv64: atomics (A, Zacas).
 *
 * lr loads and remembers address and value; sc is the IR's compare-and-swap against them. That lets an sc succeed
 * when the memory was changed and changed back between (the manual's reservation would be lost), which no program that
 * is written to lr/sc can tell from having run undisturbed. Every sc ends the reservation, whether it stores or
 * not.
 *
 * An atomic is one access in the order of all (ISA manual, "RVWMO"): to wait for either half is to wait for both.
 * A load-reserved that releases has a fence before it, and acquires: it stays before a later one that does.
 *
 * All of these need naturally aligned addresses and fault otherwise. */
#include "translator/guest/riscv64/rv_int.h"

static u32 order(const struct rv_insn *i)
{
    return (i->aqrl & 2 ? IR_MEM_ACQ : 0) | (i->aqrl & 1 ? IR_MEM_REL : 0) | IR_MEM_ONE;
}

static bool load_reserved(struct rv_ctx *c, const struct rv_insn *i, u32 mem)
{
    ir_ref addr = rv_x(c, i->rs1);
    if (i->aqrl & 1)
        ir_fence(c->b, IR_FENCE_PR | IR_FENCE_PW | IR_FENCE_SR);
    ir_ref old = ir_ld(c->b, IR_I64, mem | IR_MEM_ALIGN | (i->aqrl ? IR_MEM_ACQ : 0), addr, 0);
    ir_put(c->b, RV_SLOT_RESV_ADDR, addr);
    ir_put(c->b, RV_SLOT_RESV_VAL, old);
    return rv_put_x(c, i->rd, old);
}

static bool store_conditional(struct rv_ctx *c, const struct rv_insn *i, u32 size, ir_ref v)
{
    ir_ref addr = rv_x(c, i->rs1);
    ir_ref failed =
        ir_sc(c->b, size | order(i), addr, v, ir_get(c->b, RV_SLOT_RESV_ADDR), ir_get(c->b, RV_SLOT_RESV_VAL));
    ir_put(c->b, RV_SLOT_RESV_ADDR, ir_const(c->b, IR_I64, RV_RESV_NONE));
    return rv_put_x(c, i->rd, size == 2 ? ir_zext(c->b, IR_I64, failed, 32) : failed);
}

static bool amo_w(struct rv_ctx *c, const struct rv_insn *i, enum ir_amo kind)
{
    return rv_put_w(c, i->rd, ir_amo(c->b, kind, 2 | order(i), rv_x(c, i->rs1), rv_w(c, i->rs2)));
}

static bool amo_d(struct rv_ctx *c, const struct rv_insn *i, enum ir_amo kind)
{
    return rv_put_x(c, i->rd, ir_amo(c->b, kind, 3 | order(i), rv_x(c, i->rs1), rv_x(c, i->rs2)));
}

/* clang-format off */
TR(lr_w)      { return load_reserved(c, i, 2 | IR_MEM_SIGNED); }
TR(lr_d)      { return load_reserved(c, i, 3); }
TR(sc_w)      { return store_conditional(c, i, 2, rv_w(c, i->rs2)); }
TR(sc_d)      { return store_conditional(c, i, 3, rv_x(c, i->rs2)); }

TR(amoswap_w) { return amo_w(c, i, IR_AMO_SWAP); }
TR(amoadd_w)  { return amo_w(c, i, IR_AMO_ADD); }
TR(amoxor_w)  { return amo_w(c, i, IR_AMO_XOR); }
TR(amoand_w)  { return amo_w(c, i, IR_AMO_AND); }
TR(amoor_w)   { return amo_w(c, i, IR_AMO_OR); }
TR(amomin_w)  { return amo_w(c, i, IR_AMO_MINS); }
TR(amomax_w)  { return amo_w(c, i, IR_AMO_MAXS); }
TR(amominu_w) { return amo_w(c, i, IR_AMO_MINU); }
TR(amomaxu_w) { return amo_w(c, i, IR_AMO_MAXU); }

TR(amoswap_d) { return amo_d(c, i, IR_AMO_SWAP); }
TR(amoadd_d)  { return amo_d(c, i, IR_AMO_ADD); }
TR(amoxor_d)  { return amo_d(c, i, IR_AMO_XOR); }
TR(amoand_d)  { return amo_d(c, i, IR_AMO_AND); }
TR(amoor_d)   { return amo_d(c, i, IR_AMO_OR); }
TR(amomin_d)  { return amo_d(c, i, IR_AMO_MINS); }
TR(amomax_d)  { return amo_d(c, i, IR_AMO_MAXS); }
TR(amominu_d) { return amo_d(c, i, IR_AMO_MINU); }
TR(amomaxu_d) { return amo_d(c, i, IR_AMO_MAXU); }
/* clang-format on */

TR(amocas_w)
{
    return rv_put_w(c, i->rd, ir_cas(c->b, 2 | order(i), rv_x(c, i->rs1), rv_w(c, i->rd), rv_w(c, i->rs2)));
}

TR(amocas_d)
{
    return rv_put_x(c, i->rd, ir_cas(c->b, 3 | order(i), rv_x(c, i->rs1), rv_x(c, i->rd), rv_x(c, i->rs2)));
}

/* Registers n and n + 1; as a pair x0 is 0 in both halves. */
static ir_ref register_pair(struct rv_ctx *c, u32 n)
{
    return ir_op2(c->b, IR_OP_pair, rv_x(c, n), rv_x(c, n ? n + 1 : 0));
}

TR(amocas_q)
{
    ir_ref old = ir_cas(c->b, 4 | order(i), rv_x(c, i->rs1), register_pair(c, i->rd), register_pair(c, i->rs2));
    if (i->rd == 0)
        return true;
    ir_ref lo = ir_op1(c->b, IR_OP_lo, old), hi = ir_op1(c->b, IR_OP_hi, old);
    rv_put_x(c, i->rd, lo);
    return rv_put_x(c, i->rd + 1u, hi);
}
