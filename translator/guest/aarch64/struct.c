/* aarch64: loads and stores of structures (LD1 to LD4, ST1 to ST4, lanes and copies).
 *
 * Memory is accessed in whole registers, and lanes are sorted by the IR's interleaving ops. Of three registers no such
 * op makes one; there tables of byte numbers do. All loads come before the first register is written, so that a fault
 * leaves nothing half done; of a store that faults, earlier parts may have been written.
 *
 * The base is written back by the number of bytes, or for rm other than 31 by that register. */
#include "translator/guest/aarch64/a64_int.h"

static u32 nth(const struct a64_insn *i, u32 n)
{
    return (i->rd + n) & 31;
}

static bool finish(struct a64_ctx *c, const struct a64_insn *i, u32 bytes)
{
    if (i->mode) {
        ir_ref by = i->rm == 31 ? ir_const(c->b, IR_I64, bytes) : a64_x(c, i->rm);
        a64_put_rsp(c, i->rn, ir_op2(c->b, IR_OP_add, a64_xsp(c, i->rn), by), i->rm == 31 && bytes % 16 == 0);
    }
    return true;
}

static ir_ref v2(struct a64_ctx *c, enum ir_op op, u32 aux, ir_ref x, ir_ref y)
{
    return ir_emit(c->b, op, IR_V128, aux, 0, x, y, 0, 0);
}

static ir_ref zero(struct a64_ctx *c)
{
    return ir_emit(c->b, IR_OP_vzext, IR_V128, 0, 0, ir_const(c->b, IR_I64, 0), 0, 0, 0);
}

/* `count` registers' worth of bytes, 8 or 16 each, in v[] of 16 bytes; gives how many of these. */
static u32 load_all(struct a64_ctx *c, const struct a64_insn *i, u32 count, ir_ref v[4])
{
    const u32 bytes = count * (8u << i->q);
    ir_ref base = a64_base(c, i->rn);
    u32 n = 0;
    for (u32 at = 0; at < bytes; at += 16)
        v[n++] = ir_ld(c->b, IR_V128, bytes - at >= 16 ? 4 : 3, base, at);
    return n;
}

static void store_all(struct a64_ctx *c, const struct a64_insn *i, u32 count, const ir_ref v[4])
{
    const u32 bytes = count * (8u << i->q);
    ir_ref base = a64_base(c, i->rn);
    for (u32 at = 0; at < bytes; at += 16)
        ir_st(c->b, bytes - at >= 16 ? 4 : 3, base, at, v[at / 16]);
}

/* --- one register after the other --- */

TR(ld1)
{
    ir_ref v[4], base = a64_base(c, i->rn);
    for (u32 n = 0; n < i->amount; n++)
        v[n] = ir_ld(c->b, IR_V128, 3u + i->q, base, (s64)(n * (8u << i->q)));
    for (u32 n = 0; n < i->amount; n++)
        a64_put_v(c, nth(i, n), v[n]);
    return finish(c, i, i->amount * (8u << i->q));
}

TR(st1)
{
    ir_ref base = a64_base(c, i->rn);
    for (u32 n = 0; n < i->amount; n++)
        ir_st(c->b, 3u + i->q, base, (s64)(n * (8u << i->q)), a64_v(c, nth(i, n)));
    return finish(c, i, i->amount * (8u << i->q));
}

/* --- two and four --- */

static ir_ref even(struct a64_ctx *c, const struct a64_insn *i, ir_ref x, ir_ref y)
{
    return v2(c, IR_OP_vuzp, i->size, x, y);
}

static ir_ref odd(struct a64_ctx *c, const struct a64_insn *i, ir_ref x, ir_ref y)
{
    return v2(c, IR_OP_vuzp, i->size | IR_V_HIGH, x, y);
}

static ir_ref zip_low(struct a64_ctx *c, const struct a64_insn *i, ir_ref x, ir_ref y)
{
    return v2(c, IR_OP_vzip, i->size, x, y);
}

static ir_ref zip_high(struct a64_ctx *c, const struct a64_insn *i, ir_ref x, ir_ref y)
{
    return v2(c, IR_OP_vzip, i->size | IR_V_HIGH, x, y);
}

TR(ld2)
{
    ir_ref v[4];
    load_all(c, i, 2, v);
    if (!i->q)
        v[1] = zero(c);
    ir_ref r0 = even(c, i, v[0], v[1]), r1 = odd(c, i, v[0], v[1]);
    a64_put_v(c, nth(i, 0), r0);
    a64_put_v(c, nth(i, 1), r1);
    return finish(c, i, 16u << i->q);
}

TR(st2)
{
    ir_ref r0 = a64_v(c, nth(i, 0)), r1 = a64_v(c, nth(i, 1));
    const ir_ref v[4] = {zip_low(c, i, r0, r1), i->q ? zip_high(c, i, r0, r1) : 0};
    store_all(c, i, 2, v);
    return finish(c, i, 16u << i->q);
}

TR(ld4)
{
    ir_ref v[4], evens[2], odds[2], r[4];
    load_all(c, i, 4, v);
    evens[0] = even(c, i, v[0], v[1]);
    odds[0] = odd(c, i, v[0], v[1]);
    evens[1] = i->q ? even(c, i, v[2], v[3]) : zero(c);
    odds[1] = i->q ? odd(c, i, v[2], v[3]) : zero(c);
    r[0] = even(c, i, evens[0], evens[1]);
    r[1] = even(c, i, odds[0], odds[1]);
    r[2] = odd(c, i, evens[0], evens[1]);
    r[3] = odd(c, i, odds[0], odds[1]);
    for (u32 n = 0; n < 4; n++)
        a64_put_v(c, nth(i, n), r[n]);
    return finish(c, i, 32u << i->q);
}

TR(st4)
{
    ir_ref r[4], v[4] = {0};
    for (u32 n = 0; n < 4; n++)
        r[n] = a64_v(c, nth(i, n));
    ir_ref evens = zip_low(c, i, r[0], r[2]), odds = zip_low(c, i, r[1], r[3]);
    v[0] = zip_low(c, i, evens, odds);
    v[1] = zip_high(c, i, evens, odds);
    if (i->q) {
        evens = zip_high(c, i, r[0], r[2]);
        odds = zip_high(c, i, r[1], r[3]);
        v[2] = zip_low(c, i, evens, odds);
        v[3] = zip_high(c, i, evens, odds);
    }
    store_all(c, i, 4, v);
    return finish(c, i, 32u << i->q);
}

/* --- three --- */

/* 16 bytes picked from v[0..n): byte k is byte from[k] of them all, or 0 where that is out of reach. */
static ir_ref pick(struct a64_ctx *c, const ir_ref *v, u32 n, const u8 from[16])
{
    ir_ref all = 0;
    for (u32 m = 0; m < n; m++) {
        u64 half[2] = {0, 0};
        bool any = false;
        for (u32 k = 0; k < 16; k++) {
            const bool here = from[k] / 16 == m;
            any |= here;
            half[k / 8] |= (u64)(here ? from[k] % 16 : 0xff) << k % 8 * 8;
        }
        if (!any)
            continue;
        ir_ref table = ir_emit(c->b, IR_OP_vmake, IR_V128, 0, 0, ir_const(c->b, IR_I64, half[0]),
                               ir_const(c->b, IR_I64, half[1]), 0, 0);
        ir_ref part = v2(c, IR_OP_vtbl, 0, v[m], table);
        all = all ? v2(c, IR_OP_vor, 0, all, part) : part;
    }
    return all;
}

TR(ld3)
{
    const u32 size = 1u << i->size, bytes = 8u << i->q;
    ir_ref v[4], r[3];
    const u32 n = load_all(c, i, 3, v);
    for (u32 reg = 0; reg < 3; reg++) {
        u8 from[16];
        for (u32 k = 0; k < 16; k++)
            from[k] = k < bytes ? (u8)((k / size * 3 + reg) * size + k % size) : 0xff;
        r[reg] = pick(c, v, n, from);
    }
    for (u32 reg = 0; reg < 3; reg++)
        a64_put_v(c, nth(i, reg), r[reg]);
    return finish(c, i, 3 * bytes);
}

TR(st3)
{
    const u32 size = 1u << i->size, bytes = 8u << i->q;
    ir_ref v[4], r[3];
    for (u32 reg = 0; reg < 3; reg++)
        r[reg] = a64_v(c, nth(i, reg));
    for (u32 at = 0; at < 3 * bytes; at += 16) {
        u8 from[16];
        for (u32 k = 0; k < 16; k++) {
            const u32 element = (at + k) / size;
            from[k] = at + k < 3 * bytes ? (u8)(element % 3 * 16 + element / 3 * size + (at + k) % size) : 0xff;
        }
        v[at / 16] = pick(c, r, 3, from);
    }
    store_all(c, i, 3, v);
    return finish(c, i, 3 * bytes);
}

/* --- single lanes, and one element in all lanes --- */

static ir_ref load_element(struct a64_ctx *c, const struct a64_insn *i, u32 n)
{
    return ir_ld(c->b, i->size == 3 ? IR_I64 : IR_I32, i->size, a64_base(c, i->rn), (s64)n << i->size);
}

TR(ld_lane)
{
    ir_ref v[4];
    for (u32 n = 0; n < i->amount; n++)
        v[n] = load_element(c, i, n);
    for (u32 n = 0; n < i->amount; n++)
        a64_put_v(c, nth(i, n),
                  v2(c, IR_OP_vset, i->size | (u32)i->index << IR_V_INDEX_SHIFT, a64_v(c, nth(i, n)), v[n]));
    return finish(c, i, (u32)i->amount << i->size);
}

TR(st_lane)
{
    for (u32 n = 0; n < i->amount; n++) {
        ir_ref v = ir_emit(c->b, IR_OP_vget, i->size == 3 ? IR_I64 : IR_I32,
                           i->size | (u32)i->index << IR_V_INDEX_SHIFT, 0, a64_v(c, nth(i, n)), 0, 0, 0);
        ir_st(c->b, i->size, a64_base(c, i->rn), (s64)n << i->size, v);
    }
    return finish(c, i, (u32)i->amount << i->size);
}

TR(ld_r)
{
    ir_ref v[4];
    for (u32 n = 0; n < i->amount; n++)
        v[n] = load_element(c, i, n);
    for (u32 n = 0; n < i->amount; n++)
        a64_put_q(c, i->q, nth(i, n), v2(c, IR_OP_vdup, i->size, v[n], 0));
    return finish(c, i, (u32)i->amount << i->size);
}
