/* aarch64: loads and stores of general and vector registers, with every addressing mode.
 *
 * A base register is written back after all accesses, since they may fault; where a load's register is the base too
 * (which the architecture leaves open) the new address wins.
 *
 * Pairs are two accesses, except with LSE2: then those of 8 bytes that lie within 16 aligned bytes, and those of 16
 * that are aligned, are one for others to see. Nobody can tell as long as there are no others (ir_unit.alone), nor
 * where sp says that a pair is not aligned. Else a pair is one access, aligned or not. It costs more than two: its
 * halves change between vector and general registers, and where they were stored one by one the load waits until both
 * are in the cache.
 *
 * Prefetches for loads and stores are hints to the host, likewise; those of code, of the stack, and next to the pc do
 * nothing. */
#include "translator/guest/aarch64/simd.h"

enum mode { OFFSET, POST = 2, PRE, REGISTER }; /* a64_insn.mode */

struct address {
    ir_ref base;
    s64 off;
    ir_ref write_back; /* what the base register becomes, or 0 */
    bool even;         /* .. and that is a multiple of 16 away */
};

static ir_ref index_register(struct a64_ctx *c, const struct a64_insn *i)
{
    ir_ref v = a64_x(c, i->rm);
    if ((i->shift & 3) == 2)
        v = i->shift & 4 ? ir_sext(c->b, IR_I64, v, 32) : ir_zext(c->b, IR_I64, v, 32);
    return i->amount && i->size ? ir_op2i(c->b, IR_OP_shl, v, i->size) : v;
}

static struct address address(struct a64_ctx *c, const struct a64_insn *i)
{
    struct address a = {.base = a64_base_tagged(c, i->rn)};
    const s64 off = (s64)i->imm * (i->scaled ? 1 << i->size : 1);
    switch ((enum mode)i->mode) {
    case OFFSET:
        a.off = off;
        break;
    case PRE:
        a.off = off;
        __attribute__((fallthrough));
    case POST:
        a.write_back = ir_op2i(c->b, IR_OP_add, a.base, (u64)off);
        a.even = off % 16 == 0;
        break;
    case REGISTER:
        a.base = ir_op2(c->b, IR_OP_add, a.base, index_register(c, i));
        break;
    }
    a.base = a64_data(c, a.base);
    return a;
}

static bool finish(struct a64_ctx *c, const struct a64_insn *i, struct address a)
{
    if (a.write_back)
        a64_put_rsp(c, i->rn, a.write_back, a.even);
    return true;
}

/* --- general registers --- */

static ir_ref load_value(struct a64_ctx *c, const struct a64_insn *i, ir_ref base, s64 off)
{
    if (i->sx)
        return ir_ld(c->b, i->sf ? IR_I64 : IR_I32, i->size | IR_MEM_SIGNED, base, off);
    return ir_ld(c->b, IR_I64, i->size, base, off);
}

TR(load)
{
    const struct address a = address(c, i);
    a64_put_r(c, i->rd, load_value(c, i, a.base, a.off));
    return finish(c, i, a);
}

TR(store)
{
    const struct address a = address(c, i);
    ir_st(c->b, i->size, a.base, a.off, a64_x(c, i->rd));
    return finish(c, i, a);
}

TR(load_lit)
{
    return a64_put_r(c, i->rd, load_value(c, i, ir_const(c->b, IR_I64, c->pc + (u64)(s64)i->imm), 0));
}

/* Of what bits 3 and 4 of the operation tell apart, 1 is code and 3 nothing yet. A base sp would have to be a multiple
 * of 16. */
TR(prefetch)
{
    if ((i->rd & 8) || i->rn == 31)
        return true;
    const struct address a = address(c, i);
    ir_emit(c->b, IR_OP_prefetch, IR_VOID, 0, 0, ir_op2i(c->b, IR_OP_add, a.base, (u64)a.off), 0, 0, 0);
    return true;
}

TR(prefetch_lit)
{
    return true;
}

/* Is a pair to be one access? */
static bool is_one(const struct a64_ctx *c, const struct a64_insn *i, const struct address *a)
{
    if (!(c->rq->mode & A64_MODE_LSE2) || c->b->u->alone || i->size > 3)
        return false;
    if (i->rn != 31 || (c->rq->mode & A64_MODE_ODD_SP))
        return true;
    const u64 from = (u64)a->off & 15; /* sp is a multiple of 16 */
    return i->size == 3 ? from == 0 : from <= 8;
}

TR(load_pair)
{
    const struct address a = address(c, i);
    if (is_one(c, i, &a)) {
        ir_ref lo, hi, both;
        if (i->size == 2) {
            both = ir_ld(c->b, IR_I64, 3, a.base, a.off);
            lo = i->sx ? ir_sext(c->b, IR_I64, both, 32) : ir_zext(c->b, IR_I64, both, 32);
            hi = ir_op2i(c->b, i->sx ? IR_OP_sar : IR_OP_shr, both, 32);
        } else {
            both = ir_ld(c->b, IR_V128, 4, a.base, a.off);
            lo = vlow(c, IR_I64, both);
            hi = ir_emit(c->b, IR_OP_vget, IR_I64, IR_V64 | 1 << IR_V_INDEX_SHIFT, 0, both, 0, 0, 0);
        }
        a64_put_x(c, i->rd, lo);
        a64_put_x(c, i->ra, hi);
        return finish(c, i, a);
    }
    ir_ref first = load_value(c, i, a.base, a.off);
    ir_ref second = load_value(c, i, a.base, a.off + (1ll << i->size));
    a64_put_r(c, i->rd, first);
    a64_put_r(c, i->ra, second);
    return finish(c, i, a);
}

TR(store_pair)
{
    const struct address a = address(c, i);
    if (is_one(c, i, &a)) {
        ir_ref lo = a64_x(c, i->rd), hi = a64_x(c, i->ra);
        if (i->size == 2) {
            hi = ir_op2i(c->b, IR_OP_shl, hi, 32);
            ir_st(c->b, 3, a.base, a.off, ir_op2(c->b, IR_OP_or, ir_zext(c->b, IR_I64, lo, 32), hi));
        } else {
            ir_st(c->b, 4, a.base, a.off, v2(c, IR_OP_vmake, 0, lo, hi));
        }
        return finish(c, i, a);
    }
    ir_st(c->b, i->size, a.base, a.off, a64_x(c, i->rd));
    ir_st(c->b, i->size, a.base, a.off + (1ll << i->size), a64_x(c, i->ra));
    return finish(c, i, a);
}

/* --- vector registers --- */

TR(load_v)
{
    const struct address a = address(c, i);
    a64_put_v(c, i->rd, ir_ld(c->b, IR_V128, i->size, a.base, a.off));
    return finish(c, i, a);
}

TR(store_v)
{
    const struct address a = address(c, i);
    ir_st(c->b, i->size, a.base, a.off, a64_v(c, i->rd));
    return finish(c, i, a);
}

TR(load_lit_v)
{
    ir_ref at = ir_const(c->b, IR_I64, c->pc + (u64)(s64)i->imm);
    return a64_put_v(c, i->rd, ir_ld(c->b, IR_V128, i->size, at, 0));
}

TR(load_pair_v)
{
    const struct address a = address(c, i);
    if (is_one(c, i, &a)) {
        ir_ref both = ir_ld(c->b, IR_V128, i->size + 1u, a.base, a.off);
        const u32 second = i->size | 1 << IR_V_INDEX_SHIFT;
        a64_put_scalar(c, i->rd, vlow(c, i->size == 2 ? IR_I32 : IR_I64, both));
        if (i->size == 2)
            a64_put_scalar(c, i->ra, ir_emit(c->b, IR_OP_vget, IR_I32, second, 0, both, 0, 0, 0));
        else
            a64_put_v(c, i->ra, v2(c, IR_OP_vzip, IR_V64 | IR_V_HIGH, both, vzero(c)));
        return finish(c, i, a);
    }
    ir_ref first = ir_ld(c->b, IR_V128, i->size, a.base, a.off);
    ir_ref second = ir_ld(c->b, IR_V128, i->size, a.base, a.off + (1ll << i->size));
    a64_put_v(c, i->rd, first);
    a64_put_v(c, i->ra, second);
    return finish(c, i, a);
}

TR(store_pair_v)
{
    const struct address a = address(c, i);
    if (is_one(c, i, &a)) {
        ir_ref both = v2(c, IR_OP_vzip, i->size, a64_v(c, i->rd), a64_v(c, i->ra));
        ir_st(c->b, i->size + 1u, a.base, a.off, both);
        return finish(c, i, a);
    }
    ir_st(c->b, i->size, a.base, a.off, a64_v(c, i->rd));
    ir_st(c->b, i->size, a.base, a.off + (1ll << i->size), a64_v(c, i->ra));
    return finish(c, i, a);
}
