/* Moving values: between registers, to and from the vCPU, constants. */
#include "translator/host/aarch64/gen.h"

void mov_rr(struct gen *g, u32 dst, u32 src, u32 type)
{
    if (dst == src)
        return;
    if (dst < V0)
        a_mov(&g->c, type_w(type), dst, src);
    else if (type == IR_V128 || type == IR_I128)
        a_vmov(&g->c, dst, src);
    else
        a_rr(&g->c, A_FMOV | A_FTYPE_64, dst, src);
}

u32 load_op(u32 type)
{
    switch (type) {
    case IR_I32:
        return a_ldr(2);
    case IR_I64:
        return a_ldr(3);
    case IR_F16:
        return a_ldr_v(1);
    case IR_F32:
        return a_ldr_v(2);
    case IR_F64:
        return a_ldr_v(3);
    default:
        return A_LDR_Q;
    }
}

u32 store_op(u32 type)
{
    switch (type) {
    case IR_I32:
        return a_str(2);
    case IR_I64:
        return a_str(3);
    case IR_F16:
        return a_str_v(1);
    case IR_F32:
        return a_str_v(2);
    case IR_F64:
        return a_str_v(3);
    default:
        return A_STR_Q;
    }
}

void load_vcpu(struct gen *g, u32 dst, s32 off, u32 type)
{
    a_vcpu(&g->c, load_op(type), dst, (u32)off);
}

void store_vcpu(struct gen *g, s32 off, u32 src, u32 type)
{
    a_vcpu(&g->c, store_op(type), src, (u32)off);
}

void copy_vcpu(struct gen *g, s32 to, s32 from)
{
    dgm_assert(false, "no type is kept in memory");
}

void load_const(struct gen *g, u32 dst, u32 type, u64 bits)
{
    if (!is_float_class(type)) {
        a_mov_imm(&g->c, dst, type == IR_I32 ? (u32)bits : bits);
    } else if (!bits) {
        put32(&g->c, A_MOVI_0 | (dst & 31));
    } else {
        a_mov_imm(&g->c, SCR, bits);
        a_rr(&g->c, A_FMOV_VR | A_SF | A_FTYPE_64, dst, SCR);
    }
}

bool load_near(struct gen *g, u32 dst, u32 type, u64 bits)
{
    return false;
}

void put_mem(struct gen *g, const struct ir_ins *put, s32 off)
{
    store_vcpu(g, off, is_float_class(put->type) ? use_reg(g, put->a) : use_zr(g, put->a), put->type);
}

bool put_pin(struct gen *g, const struct ir_ins *put, u32 r)
{
    load_into(g, r, put->a);
    return true;
}

u32 use_zr(struct gen *g, ir_ref i)
{
    u64 k;
    return const_of(g, i, &k) && !k ? ZR : use_reg(g, i);
}
