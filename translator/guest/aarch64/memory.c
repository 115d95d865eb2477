/* aarch64: loads and stores of general and vector registers, with every addressing mode.
 *
 * A base register is written back after all accesses, since they may fault; where a load's register is the base too
 * (which the architecture leaves open) the new address wins. Pairs are two accesses.
 *
 * Prefetches do nothing. */
#include "translator/guest/aarch64/a64_int.h"

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

TR(prefetch)
{
    return true;
}

TR(load_pair)
{
    const struct address a = address(c, i);
    ir_ref first = load_value(c, i, a.base, a.off);
    ir_ref second = load_value(c, i, a.base, a.off + (1ll << i->size));
    a64_put_r(c, i->rd, first);
    a64_put_r(c, i->ra, second);
    return finish(c, i, a);
}

TR(store_pair)
{
    const struct address a = address(c, i);
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
    ir_ref first = ir_ld(c->b, IR_V128, i->size, a.base, a.off);
    ir_ref second = ir_ld(c->b, IR_V128, i->size, a.base, a.off + (1ll << i->size));
    a64_put_v(c, i->rd, first);
    a64_put_v(c, i->ra, second);
    return finish(c, i, a);
}

TR(store_pair_v)
{
    const struct address a = address(c, i);
    ir_st(c->b, i->size, a.base, a.off, a64_v(c, i->rd));
    ir_st(c->b, i->size, a.base, a.off + (1ll << i->size), a64_v(c, i->ra));
    return finish(c, i, a);
}
