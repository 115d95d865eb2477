/* aarch64: moving lanes about: copies, permutations, tables, and immediates.
 *
 * A permutation of half registers is made on both halves side by side in one register: the low half of n, then that of
 * m. */
#include "translator/guest/aarch64/simd.h"

#include "translator/guest/aarch64/fp.h"

/* --- copies --- */

static ir_ref lane_value(struct a64_ctx *c, enum ir_type type, u32 lane, u32 sign, ir_ref x, u32 index)
{
    return ir_emit(c->b, IR_OP_vget, type, lane | sign | index << IR_V_INDEX_SHIFT, 0, x, 0, 0, 0);
}

static bool insert(struct a64_ctx *c, const struct a64_insn *i, ir_ref value)
{
    return a64_put_v(c, i->rd, v2(c, IR_OP_vset, lane_of(i) | (u32)i->index << IR_V_INDEX_SHIFT, vd(c, i), value));
}

static ir_ref general(struct a64_ctx *c, const struct a64_insn *i)
{
    return a64_r(c, lane_of(i) == IR_V64, i->rn);
}

TR(dup_v)
{
    return vput(c, i, i->scalar && !i->index ? vn(c, i) : vspread(c, lane_of(i), vn(c, i), i->index));
}

TR(dup_g)
{
    return vput(c, i, v1(c, IR_OP_vdup, lane_of(i), general(c, i)));
}

TR(ins_g)
{
    return insert(c, i, general(c, i));
}

TR(ins_v)
{
    const enum ir_type type = lane_of(i) == IR_V64 ? IR_I64 : IR_I32;
    return insert(c, i, lane_value(c, type, lane_of(i), 0, vn(c, i), (u32)i->imm));
}

/* clang-format off */
TR(smov_w) { return a64_put_w(c, i->rd, lane_value(c, IR_I32, lane_of(i), IR_V_SIGNED, vn(c, i), i->index)); }
TR(smov_x) { return a64_put_x(c, i->rd, lane_value(c, IR_I64, lane_of(i), IR_V_SIGNED, vn(c, i), i->index)); }
TR(umov)   { return a64_put_x(c, i->rd, lane_value(c, IR_I64, lane_of(i), 0, vn(c, i), i->index)); }
/* clang-format on */

/* --- permutations --- */

/* clang-format off */
TR(uzp1_v) { return vput(c, i, vpairs(c, i, vn(c, i), vm(c, i)).even); }
TR(uzp2_v) { return vput(c, i, vpairs(c, i, vn(c, i), vm(c, i)).odd); }
TR(trn1_v) { return vput(c, i, v2(c, IR_OP_vtrn, lane_of(i), vn(c, i), vm(c, i))); }
TR(trn2_v) { return vput(c, i, v2(c, IR_OP_vtrn, lane_of(i) | IR_V_HIGH, vn(c, i), vm(c, i))); }
TR(zip1_v) { return vput(c, i, v2(c, IR_OP_vzip, lane_of(i), vn(c, i), vm(c, i))); }
/* clang-format on */

TR(zip2_v)
{
    ir_ref x = v2(c, IR_OP_vzip, lane_of(i) | (is_full(i) ? IR_V_HIGH : 0), vn(c, i), vm(c, i));
    return vput(c, i, is_full(i) ? x : v2i(c, IR_OP_vext, 0, x, x, 8));
}

TR(ext_v)
{
    ir_ref x = vn(c, i), y = vm(c, i);
    if (!is_full(i))
        x = y = v2(c, IR_OP_vzip, IR_V64, x, y);
    return vput(c, i, i->imm ? v2i(c, IR_OP_vext, 0, x, y, (u32)i->imm) : x);
}

/* imm tables of 16 bytes, in consecutive registers: each gives 0 for what is not in it. */
static ir_ref look_up(struct a64_ctx *c, const struct a64_insn *i)
{
    ir_ref r = v2(c, IR_OP_vtbl, 0, a64_v(c, i->rn), vm(c, i));
    for (u32 n = 1; n < (u32)i->imm; n++) {
        ir_ref at = v2(c, IR_OP_vsub, IR_V8, vm(c, i), splat(c, IR_V8, 16 * n));
        r = v2(c, IR_OP_vor, 0, r, v2(c, IR_OP_vtbl, 0, a64_v(c, (i->rn + n) & 31), at));
    }
    return r;
}

TR(tbl)
{
    return vput(c, i, look_up(c, i));
}

TR(tbx)
{
    ir_ref inside = vcmp(c, IR_V8, IR_GTU, splat(c, IR_V8, 16 * (u32)i->imm), vm(c, i));
    return vput(c, i, v3(c, IR_OP_vsel, 0, inside, look_up(c, i), vd(c, i)));
}

/* --- immediates --- */

/* imm in each lane, shifted to the left; with msl ones come in. */
static ir_ref immediate(struct a64_ctx *c, const struct a64_insn *i)
{
    const u64 low = i->msl ? (1u << i->amount) - 1 : 0;
    return splat(c, lane_of(i), (u64)(u32)i->imm << i->amount | low);
}

/* clang-format off */
TR(movi)     { return vput(c, i, immediate(c, i)); }
TR(mvni)     { return vput(c, i, v1(c, IR_OP_vnot, 0, immediate(c, i))); }
TR(orr_vimm) { return vput(c, i, v2(c, IR_OP_vor, 0, vd(c, i), immediate(c, i))); }
TR(bic_vimm) { return vput(c, i, v2(c, IR_OP_vandn, 0, vd(c, i), immediate(c, i))); }
TR(fmov_v16) { return vput(c, i, splat(c, IR_V16, a64_fp_imm(IR_V16, (u32)i->imm))); }
TR(fmov_v32) { return vput(c, i, splat(c, IR_V32, a64_fp_imm(IR_V32, (u32)i->imm))); }
TR(fmov_v64) { return vput(c, i, splat(c, IR_V64, a64_fp_imm(IR_V64, (u32)i->imm))); }
/* clang-format on */

/* A byte of ones or zeros for each bit. */
TR(movi_64)
{
    u64 x = 0;
    for (u32 n = 0; n < 8; n++)
        x |= i->imm >> n & 1 ? 0xffull << (8 * n) : 0;
    return vput(c, i, splat(c, IR_V64, x));
}
