/* aarch64: exclusive and ordered accesses, and LSE's atomics.
 *
 * ldxr loads and remembers address and value; stxr is the IR's compare-and-swap against them. That lets a stxr
 * succeed when the memory was changed and changed back between, which no program that is written to ldxr and stxr can
 * tell from having run undisturbed. Every stxr ends the reservation, whether it stores or not.
 *
 * Load-acquire (ldar, ldaxr) is ordered after an earlier store-release (stlr): IR_MEM_SEQ. ldapr is not (Arm ARM, B2.3,
 * AcquirePC).
 *
 * All of these need naturally aligned addresses and fault otherwise; of pairs both together. With LSE2 it is enough
 * that they lie within 16 aligned bytes. */
#include "translator/guest/aarch64/a64_int.h"

/* As wide as the IR's atomics take it: i64 for eight bytes, else i32. */
static ir_ref value(struct a64_ctx *c, const struct a64_insn *i, u32 n)
{
    return i->size == 3 ? a64_x(c, n) : a64_w(c, n);
}

static ir_ref pair_value(struct a64_ctx *c, ir_ref lo, ir_ref hi)
{
    return ir_op2(c->b, IR_OP_pair, lo, hi);
}

/* Two 32-bit registers as one i64. */
static ir_ref joined(struct a64_ctx *c, u32 lo, u32 hi)
{
    return ir_op2(c->b, IR_OP_or, ir_zext(c->b, IR_I64, a64_x(c, lo), 32), ir_op2i(c->b, IR_OP_shl, a64_x(c, hi), 32));
}

static void put_joined(struct a64_ctx *c, u32 lo, u32 hi, ir_ref v)
{
    a64_put_x(c, lo, ir_zext(c->b, IR_I64, v, 32));
    a64_put_x(c, hi, ir_op2i(c->b, IR_OP_shr, v, 32));
}

/* --- ordered --- */

#define ACQUIRE (IR_MEM_ACQ | IR_MEM_SEQ)

static bool load_acquire(struct a64_ctx *c, const struct a64_insn *i, u32 order)
{
    return a64_put_x(c, i->rd,
                     ir_ld(c->b, IR_I64, i->size | order | IR_MEM_ALIGN | a64_granule(c), a64_base(c, i->rn), 0));
}
TR(ldar)
{
    return load_acquire(c, i, ACQUIRE);
}
TR(ldapr)
{
    return load_acquire(c, i, IR_MEM_ACQ);
}

TR(stlr)
{
    const u32 how = IR_MEM_REL | IR_MEM_SEQ | IR_MEM_ALIGN | a64_granule(c);
    ir_st(c->b, i->size | how, a64_base(c, i->rn), 0, a64_x(c, i->rd));
    return true;
}

/* --- exclusive --- */

static bool load_exclusive(struct a64_ctx *c, const struct a64_insn *i, u32 order)
{
    ir_ref addr = a64_base(c, i->rn);
    ir_ref old = ir_ld(c->b, IR_I64, i->size | order | IR_MEM_ALIGN | a64_granule(c), addr, 0);
    ir_put(c->b, A64_SLOT_RESV_ADDR, addr);
    ir_put(c->b, A64_SLOT_RESV_LO, old);
    return a64_put_x(c, i->rd, old);
}

static bool load_exclusive_pair(struct a64_ctx *c, const struct a64_insn *i, u32 order)
{
    ir_ref addr = a64_base(c, i->rn);
    if (i->size == 2) {
        ir_ref old = ir_ld(c->b, IR_I64, 3 | order | IR_MEM_ALIGN | a64_granule(c), addr, 0);
        ir_put(c->b, A64_SLOT_RESV_ADDR, addr);
        ir_put(c->b, A64_SLOT_RESV_LO, old);
        put_joined(c, i->rd, i->ra, old);
        return true;
    }
    ir_ref old = ir_ld(c->b, IR_V128, 4 | order | IR_MEM_ALIGN, addr, 0);
    ir_ref lo = ir_emit(c->b, IR_OP_vlow, IR_I64, 0, 0, old, 0, 0, 0);
    ir_ref hi = ir_emit(c->b, IR_OP_vget, IR_I64, IR_V64 | 1 << IR_V_INDEX_SHIFT, 0, old, 0, 0, 0);
    ir_put(c->b, A64_SLOT_RESV_ADDR, addr);
    ir_put(c->b, A64_SLOT_RESV_LO, lo);
    ir_put(c->b, A64_SLOT_RESV_HI, hi);
    a64_put_x(c, i->rd, lo);
    return a64_put_x(c, i->ra, hi);
}

/* `failed`: 0 or 1, i32 or i64. */
static bool store_done(struct a64_ctx *c, const struct a64_insn *i, ir_ref failed)
{
    ir_put(c->b, A64_SLOT_RESV_ADDR, ir_const(c->b, IR_I64, A64_RESV_NONE));
    return a64_put_r(c, i->rm, failed);
}

static bool store_exclusive(struct a64_ctx *c, const struct a64_insn *i, u32 order)
{
    return store_done(c, i,
                      ir_sc(c->b, i->size | order | a64_granule(c), a64_base(c, i->rn), value(c, i, i->rd),
                            ir_get(c->b, A64_SLOT_RESV_ADDR), ir_get(c->b, A64_SLOT_RESV_LO)));
}

/* Sixteen bytes are swapped by the IR's cas, which knows no reservation. Where the address is another, what is
 * expected is also what would be stored, so that memory stays as it is either way. */
static bool store_exclusive_pair(struct a64_ctx *c, const struct a64_insn *i, u32 order)
{
    struct ir_builder *b = c->b;
    ir_ref addr = a64_base(c, i->rn), reserved = ir_get(b, A64_SLOT_RESV_ADDR);
    ir_ref lo = ir_get(b, A64_SLOT_RESV_LO), hi = ir_get(b, A64_SLOT_RESV_HI);
    if (i->size == 2)
        return store_done(c, i, ir_sc(b, 3 | order | a64_granule(c), addr, joined(c, i->rd, i->ra), reserved, lo));
    ir_ref new_lo = ir_select(b, IR_EQ, addr, reserved, a64_x(c, i->rd), lo);
    ir_ref new_hi = ir_select(b, IR_EQ, addr, reserved, a64_x(c, i->ra), hi);
    ir_ref old = ir_cas(b, 4 | order, addr, pair_value(c, lo, hi), pair_value(c, new_lo, new_hi));
    ir_ref differ = ir_op2(b, IR_OP_or, ir_op2(b, IR_OP_xor, ir_op1(b, IR_OP_lo, old), lo),
                           ir_op2(b, IR_OP_xor, ir_op1(b, IR_OP_hi, old), hi));
    differ = ir_op2(b, IR_OP_or, differ, ir_op2(b, IR_OP_xor, addr, reserved));
    return store_done(c, i, ir_cmp(b, IR_I64, IR_NE, differ, ir_const(b, IR_I64, 0)));
}

/* clang-format off */
TR(ldxr)  { return load_exclusive(c, i, 0); }
TR(ldaxr) { return load_exclusive(c, i, ACQUIRE); }
TR(ldxp)  { return load_exclusive_pair(c, i, 0); }
TR(ldaxp) { return load_exclusive_pair(c, i, ACQUIRE); }
TR(stxr)  { return store_exclusive(c, i, 0); }
TR(stlxr) { return store_exclusive(c, i, IR_MEM_REL); }
TR(stxp)  { return store_exclusive_pair(c, i, 0); }
TR(stlxp) { return store_exclusive_pair(c, i, IR_MEM_REL); }
/* clang-format on */

TR(clrex)
{
    ir_put(c->b, A64_SLOT_RESV_ADDR, ir_const(c->b, IR_I64, A64_RESV_NONE));
    return true;
}

/* --- LSE --- */

/* How an access of LSE orders, and what it takes for aligned. */
static u32 order(const struct a64_ctx *c, const struct a64_insn *i)
{
    return (i->order & 2 ? IR_MEM_ACQ : 0) | (i->order & 1 ? IR_MEM_REL : 0) | a64_granule(c);
}

static bool amo(struct a64_ctx *c, const struct a64_insn *i, enum ir_amo kind, ir_ref v)
{
    return a64_put_r(c, i->rd, ir_amo(c->b, kind, i->size | order(c, i), a64_base(c, i->rn), v));
}

/* clang-format off */
TR(ldadd)  { return amo(c, i, IR_AMO_ADD, value(c, i, i->rm)); }
TR(ldclr)  { return amo(c, i, IR_AMO_AND, ir_op1(c->b, IR_OP_not, value(c, i, i->rm))); }
TR(ldeor)  { return amo(c, i, IR_AMO_XOR, value(c, i, i->rm)); }
TR(ldset)  { return amo(c, i, IR_AMO_OR, value(c, i, i->rm)); }
TR(ldsmax) { return amo(c, i, IR_AMO_MAXS, value(c, i, i->rm)); }
TR(ldsmin) { return amo(c, i, IR_AMO_MINS, value(c, i, i->rm)); }
TR(ldumax) { return amo(c, i, IR_AMO_MAXU, value(c, i, i->rm)); }
TR(ldumin) { return amo(c, i, IR_AMO_MINU, value(c, i, i->rm)); }
TR(swp)    { return amo(c, i, IR_AMO_SWAP, value(c, i, i->rm)); }
/* clang-format on */

TR(cas)
{
    return a64_put_r(c, i->rm,
                     ir_cas(c->b, i->size | order(c, i), a64_base(c, i->rn), value(c, i, i->rm), value(c, i, i->rd)));
}

/* Registers n and n + 1; the one after 30 is zr. */
TR(casp)
{
    struct ir_builder *b = c->b;
    const u32 rs = i->rm, rt = i->rd;
    ir_ref addr = a64_base(c, i->rn);
    if (i->size == 2) {
        put_joined(c, rs, rs + 1, ir_cas(b, 3 | order(c, i), addr, joined(c, rs, rs + 1), joined(c, rt, rt + 1)));
        return true;
    }
    ir_ref old = ir_cas(b, 4 | order(c, i), addr, pair_value(c, a64_x(c, rs), a64_x(c, rs + 1)),
                        pair_value(c, a64_x(c, rt), a64_x(c, rt + 1)));
    ir_ref lo = ir_op1(b, IR_OP_lo, old), hi = ir_op1(b, IR_OP_hi, old);
    a64_put_x(c, rs, lo);
    return a64_put_x(c, rs + 1, hi);
}
