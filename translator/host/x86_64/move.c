/* Moving values: between registers, to and from the vCPU, constants; and operands that need no register. */
#include "translator/host/x86_64/gen.h"

void mov_rr(struct gen *g, u32 dst, u32 src, u32 type)
{
    if (dst == src)
        return;
    if (dst >= XMM0)
        x_rr(&g->c, SSE_MOVAPS, dst, src);
    else
        x_mov(&g->c, type_w(type), dst, src);
}

void load_vcpu(struct gen *g, u32 dst, s32 off, u32 type)
{
    static const u32 op[IR_NTYPES] = {
        [IR_I32] = 0x8b,         [IR_I64] = 0x8b | X_W,   [IR_I128] = SSE_MOVUPS_LD, [IR_F16] = SSE_MOVSS_LD,
        [IR_F32] = SSE_MOVSS_LD, [IR_F64] = SSE_MOVSD_LD, [IR_V128] = SSE_MOVUPS_LD,
    };
    x_rm(&g->c, op[type], dst, o_vcpu(off), 0);
}

void store_vcpu(struct gen *g, s32 off, u32 src, u32 type)
{
    static const u32 op[IR_NTYPES] = {
        [IR_I32] = 0x89,         [IR_I64] = 0x89 | X_W,   [IR_I128] = SSE_MOVUPS_ST,
        [IR_F32] = SSE_MOVSS_ST, [IR_F64] = SSE_MOVSD_ST, [IR_V128] = SSE_MOVUPS_ST,
    };
    if (type == IR_F16) {
        u32 t = temp_int(g);
        x_rm(&g->c, 0xc5 | X_0F | X_66, t, o_reg(src), 1); /* pextrw */
        put8(&g->c, 0);
        x_store(&g->c, X_66, o_vcpu(off), t);
        return;
    }
    x_rm(&g->c, op[type], src, o_vcpu(off), 0);
}

void copy_vcpu(struct gen *g, s32 to, s32 from)
{
    dgm_assert(false, "no type is kept in memory");
}

void load_const(struct gen *g, u32 dst, u32 type, u64 bits)
{
    if (!is_float_class(type)) {
        x_mov_imm(&g->c, dst, bits, g->own.keep_flags);
        return;
    }
    if (!bits) {
        x_rr(&g->c, SSE_XORPS, dst, dst);
        return;
    }
    u32 t = temp_int(g);
    x_mov_imm(&g->c, t, bits, g->own.keep_flags);
    x_rr(&g->c, SSE_MOVQ_X_R, dst, t);
    g->locked &= ~(1ull << t);
}

static bool is_near(const struct gen *g, ir_ref v, u64 bits, s32 *disp)
{
    const struct ir_ins *k = ins_of(g, v);
    *disp = (s32)(bits - k->imm);
    return k->op == IR_OP_const && k->type == IR_I64 && bits - k->imm == (u64)(s64)*disp;
}

u32 near_const(const struct gen *g, u64 bits, s32 *disp)
{
    if (g->region || fits32((s64)bits) || bits == (u32)bits)
        return NOREG;
    for (u64 m = g->held & TEMPS_INT; m; m &= m - 1)
        if (is_near(g, g->owner[ctz64(m)], bits, disp))
            return ctz64(m);
    for (u32 n = 0; n < g->common->npins; n++) {
        const struct pin *p = &g->common->pin[n];
        if (p->type == IR_I64 && is_near(g, g->slot_val[p->slot], bits, disp))
            return p->reg;
    }
    return NOREG;
}

bool load_near(struct gen *g, u32 dst, u32 type, u64 bits)
{
    s32 disp = 0;
    const u32 r = type == IR_I64 ? near_const(g, bits, &disp) : NOREG;
    if (r == NOREG)
        return false;
    x_lea(&g->c, X_W, dst, o_mem(r, disp));
    return true;
}

void put_mem(struct gen *g, const struct ir_ins *put, s32 off)
{
    u64 k;
    if (!is_float_class(put->type) && const_of(g, put->a, &k) && fits32((s64)k))
        x_store_imm(&g->c, type_w(put->type), o_vcpu(off), (s32)k);
    else
        store_vcpu(g, off, use_reg(g, put->a), put->type);
}

bool put_pin(struct gen *g, const struct ir_ins *put, u32 r)
{
    load_into(g, r, put->a);
    return true;
}

struct opnd use_rm(struct gen *g, ir_ref i)
{
    ir_ref v = root_of(g, i);
    if (reg_of(g, v) == NOREG && !is_const(g, v) &&
        (g->val[v].last <= g->pos || !temp_free(g, temps_for(g->val[v].type))))
        return o_vcpu(use_mem(g, v));
    return o_reg(use_reg(g, v));
}

struct opnd use_any(struct gen *g, ir_ref i)
{
    u64 k;
    if (const_of(g, i, &k) && fits32((s64)k))
        return o_imm((s32)k);
    return use_rm(g, i);
}
