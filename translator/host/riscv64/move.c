/* Moving values: between registers, to and from the vCPU, constants and the literals behind a unit. */
#include "translator/host/riscv64/gen.h"

#include "lib/arena.h"
#include "lib/err.h"

void mov_rr(struct gen *g, u32 dst, u32 src, u32 type)
{
    if (dst == src)
        return;
    if (dst >= F0)
        x_r(&g->c, FSGNJ | FMT_D, dst, src, src);
    else
        x_mv(&g->c, dst, src);
}

u32 load_op(u32 type)
{
    static const u32 op[IR_NTYPES] = {[IR_I32] = LW, [IR_I64] = LD, [IR_F32] = FLW, [IR_F64] = FLD};
    return op[type];
}

u32 store_op(u32 type)
{
    static const u32 op[IR_NTYPES] = {[IR_I32] = SW, [IR_I64] = SD, [IR_F32] = FSW, [IR_F64] = FSD};
    return op[type];
}

void load_vcpu(struct gen *g, u32 dst, s32 off, u32 type)
{
    if (type == IR_F16) {
        x_load(&g->c, LHU, SCR2, VCPU, off);
        half_from(g, dst, SCR2);
        return;
    }
    x_load(&g->c, load_op(type), dst, VCPU, off);
}

void store_vcpu(struct gen *g, s32 off, u32 src, u32 type)
{
    if (type == IR_F16) {
        x_r(&g->c, (u32)FMV_X_W, SCR, src, 0);
        x_store(&g->c, SH, SCR, VCPU, off);
        return;
    }
    x_store(&g->c, store_op(type), src, VCPU, off);
}

void copy_vcpu(struct gen *g, s32 to, s32 from)
{
    if (to == from)
        return;
    x_load(&g->c, LD, SCR, VCPU, from);
    x_load(&g->c, LD, SCR2, VCPU, from + 8);
    x_store(&g->c, SD, SCR, VCPU, to);
    x_store(&g->c, SD, SCR2, VCPU, to + 8);
}

void load_imm(struct gen *g, u32 rd, u64 k)
{
    if (li_len((s64)k) <= 3) {
        x_li(&g->c, rd, (s64)k);
        return;
    }
    struct literal *l = arena_alloc(g->u->arena, sizeof *l, _Alignof(struct literal));
    if (!l) {
        g->err = -ENOMEM;
        return;
    }
    *l = (struct literal){.next = g->own.literals, .site = g->c.p, .value = k};
    g->own.literals = l;
    x_u(&g->c, AUIPC, rd, 0);
    x_load(&g->c, LD, rd, rd, 0);
}

/* The literals of load_imm, whose places are known only now. */
void emit_tail(struct gen *g)
{
    struct code *c = &g->c;
    if (g->own.literals && ((uintptr_t)code_rx(c) & 4))
        put32(c, 0);
    for (struct literal *l = g->own.literals; l; l = l->next) {
        if (c->end - c->p < 64) {
            g->err = -ENOSPC;
            return;
        }
        struct code at = *c;
        u32 w;
        at.p = l->site;
        memcpy(&w, l->site, 4);
        s32 lo = x_pcrel(&at, w >> 7 & 31, code_rx(c));
        x_load(&at, LD, w >> 7 & 31, w >> 7 & 31, lo);
        put64(c, l->value);
    }
}

void load_const(struct gen *g, u32 dst, u32 type, u64 bits)
{
    if (!is_float_class(type)) {
        load_imm(g, dst, type == IR_I32 ? (u64)(s64)(s32)bits : bits);
        return;
    }
    if (type == IR_F16)
        bits |= ~0xffffull;
    u32 from = ZERO;
    if (bits) {
        from = SCR;
        load_imm(g, SCR, type == IR_F32 ? (u64)(s64)(s32)bits : bits);
    }
    x_r(&g->c, (u32)FMV_W_X | (type == IR_F32 ? 0 : FMT_D), dst, from, 0);
}

bool load_near(struct gen *g, u32 dst, u32 type, u64 bits)
{
    return false;
}

void put_mem(struct gen *g, const struct ir_ins *put, s32 off)
{
    store_vcpu(g, off, use_reg(g, put->a), put->type);
}

bool put_pin(struct gen *g, const struct ir_ins *put, u32 r)
{
    if (put->type == IR_I32 && !is_sext32(g, put->a)) {
        x_i(&g->c, ADDIW, r, use_reg(g, put->a), 0);
        return false; /* what an i32 slot is known to hold is extended */
    }
    load_into(g, r, put->a);
    return true;
}
