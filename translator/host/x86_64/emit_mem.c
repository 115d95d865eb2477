/* Guest memory: loads, stores, atomics, ordering.
 *
 * Guest memory is reached through gs, whose base is that of guest memory: gs:[guest address]. Where guest memory begins
 * at host address 0 (host_code.flat0) the prefix is left out: a base that is not 0 costs each load two cycles. Every
 * access is an instruction that may fault, so a load writes its result last and nothing that is visible to the guest is
 * written before it.
 *
 * Ordering. x86 keeps all orders but a store before a later load, so acquire and release need nothing, and of fences
 * only those that order writes before reads emit an instruction. Locked instructions are full barriers. A load of
 * IR_MEM_SEQ stays after earlier stores of it: such a store leaves a note (vcpu.unseen), and the next such load, if
 * any, has the barrier. So a store that no such load follows soon, as most that give a lock back, costs no barrier.
 *
 * Atomics check their alignment first, as a locked access across cache lines would work, slowly, where the guest
 * expects a fault. With IR_MEM_GRANULE what is not aligned is looked at again (cold): it works, and is one step, as the
 * 16 aligned bytes lie in one cache line. A read-modify-write is one locked instruction where the host has it, else a
 * compare-and-swap loop.
 */
#include "translator/host/common/raw.h"
#include "translator/host/common/late.h"
#include "translator/host/x86_64/gen.h"

#define MISALIGNED_READ  (VCPU_FAULT_MISALIGNED | VCPU_READ << 8)
#define MISALIGNED_WRITE (VCPU_FAULT_MISALIGNED | VCPU_WRITE << 8)
_Static_assert(offsetof(struct vcpu_fault, access) == offsetof(struct vcpu_fault, kind) + 1,
               "kind and access of a fault are stored as one 16-bit word");

/* --- pairs --- */

static void pair_of(struct gen *g, u32 dst, u32 lo, u32 hi)
{
    x_store(&g->c, X_W, o_vcpu(VOFF(scratch[0])), lo);
    x_store(&g->c, X_W, o_vcpu(VOFF(scratch[1])), hi);
    x_rm(&g->c, SSE_MOVUPS_LD, dst, o_vcpu(VOFF(scratch[0])), 0);
}

void emit_pair(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 lo = use_reg(g, in->a), hi = use_reg(g, in->b);
    u32 dst = def_reg(g, i, 0);
    pair_of(g, dst, lo, hi);
    def_done(g, i, dst);
}

void emit_half(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, 0);
    if (in->op == IR_OP_lo) {
        x_rm(&g->c, SSE_MOVQ_R_X, x, o_reg(dst), 0);
    } else {
        x_rm(&g->c, SSE_MOVUPS_ST, x, o_vcpu(VOFF(scratch[0])), 0);
        x_load(&g->c, X_W, dst, o_vcpu(VOFF(scratch[1])));
    }
    def_done(g, i, dst);
}

/* --- alignment --- */

/* r[0]: the address; n: kind and access. */
static void cold_misaligned(struct gen *g, const struct cold *k)
{
    struct code *c = &g->c;
    if (k->r[0] != RAX)
        x_mov(c, X_W, RAX, k->r[0]);
    raw_leave(g, k->fix);
    if (k->held)
        region_leave(g, k->held, 1u << RAX);
    x_mov_imm(c, RDX, k->n, false);
    store_pc(g, g->u->pc + k->guest_off);
    x_jmp_common(c, g->common->off[C_MISALIGNED]);
}

/* The same of 2^r[1] bytes that are not aligned. They lie within 16 aligned bytes unless all bits between are set. */
static void cold_granule(struct gen *g, const struct cold *k)
{
    for (u32 bit = k->r[1]; bit < 4; bit++) {
        x_test_imm(&g->c, X_W, o_reg(k->r[0]), 1 << bit);
        lead_to(&g->c, x_jcc(&g->c, CC_E), k->back);
    }
    cold_misaligned(g, k);
}

/* aux: of the access, for its size and IR_MEM_GRANULE. */
static void check_aligned(struct gen *g, u32 addr, u32 aux, u32 how)
{
    const u32 size = aux & IR_MEM_SIZE;
    if (!size)
        return;
    const bool granule = (aux & IR_MEM_GRANULE) && size < 4;
    x_test_imm(&g->c, X_W, o_reg(addr), (1 << size) - 1);
    struct cold *k = cold_new(g, granule ? cold_granule : cold_misaligned, x_jcc(&g->c, CC_NE));
    k->r[0] = (u8)addr;
    k->r[1] = (u8)size;
    k->n = how;
    k->back = g->c.p;
    if (g->region) {
        k->held = region_held(g);
        k->fix = raw_here(g);
    }
}

/* a + imm in a register, checked to be aligned as aux says. */
static u32 aligned_address(struct gen *g, ir_ref a, u64 imm, u32 aux, u32 how)
{
    u32 r = use_reg(g, a);
    if (imm) {
        u32 base = r;
        r = temp_int(g);
        if (fits32((s64)imm)) {
            x_lea(&g->c, X_W, r, o_mem(base, (s32)imm));
        } else {
            x_mov_imm(&g->c, r, imm, false);
            x_alu(&g->c, X_W, ALU_ADD, r, o_reg(base));
        }
        g->locked &= ~(1u << base);
    }
    check_aligned(g, r, aux, how);
    return r;
}

static u32 atomic_address(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    return aligned_address(g, in->a, 0, in->aux, MISALIGNED_WRITE);
}

/* --- plain accesses --- */

/* Guest memory that ld or st `in` accesses. */
static struct opnd address(struct gen *g, const struct ir_ins *in, u32 how)
{
    ir_ref a = in->a;
    u64 k = 0, imm = in->imm;
    if ((in->aux & IR_MEM_ALIGN) && (in->aux & IR_MEM_SIZE))
        return o_gs(aligned_address(g, a, imm, in->aux, how), 0);
    if (g->val[a].fused) {
        const struct ir_ins *add = ins_of(g, a);
        ir_ref x = add->a, y = add->b;
        struct opnd o = o_gs(NOREG, (s32)imm);
        if (g->val[x].fused) {
            x = add->b;
            y = add->a;
        }
        if (g->val[y].fused) {
            const_of(g, ins_of(g, y)->b, &k);
            o.scale = k & 3;
            y = ins_of(g, y)->a;
        }
        o.reg = (u8)use_reg(g, x);
        o.index = (u8)use_reg(g, y);
        late_sum(g, o.reg, o.index, o.scale);
        return o;
    }
    if (const_of(g, a, &k)) {
        k += imm;
        if (fits32((s64)k))
            return o_gs(NOREG, (s32)k);
        s32 disp = 0;
        const u32 r = near_const(g, k, &disp);
        if (r != NOREG) {
            g->locked |= 1ull << r;
            return o_gs(r, disp);
        }
    }
    u32 base = use_reg(g, a);
    if (fits32((s64)imm))
        return o_gs(base, (s32)imm);
    u32 t = temp_int(g);
    x_mov_imm(&g->c, t, imm, false);
    struct opnd o = o_gs(base, 0);
    o.index = (u8)t;
    return o;
}

/* Instruction that loads an integer of 2^size bytes, extended to the type. */
static u32 load_op(u32 type, u32 aux)
{
    u32 size = aux & IR_MEM_SIZE;
    bool sign = aux & IR_MEM_SIGNED;
    u32 w = type_w(type);
    switch (size) {
    case 0:
        return sign ? 0xbe | X_0F | w : 0xb6 | X_0F;
    case 1:
        return sign ? 0xbf | X_0F | w : 0xb7 | X_0F;
    case 2:
        return sign && w ? 0x63 | X_W : 0x8b;
    default:
        return 0x8b | X_W;
    }
}

/* --- loads, stores --- */

static void barrier(struct gen *g)
{
    x_alu_imm(&g->c, X_LOCK, ALU_OR, o_vcpu(VOFF(scratch[0])), 0);
}

static void cold_unseen(struct gen *g, const struct cold *k)
{
    barrier(g);
    x_store_imm(&g->c, 0, o_vcpu(VOFF(unseen)), 0);
    x_jmp_back(&g->c, k->back);
}

static bool is_seq(const struct gen *g, const struct ir_ins *in)
{
    return (in->aux & IR_MEM_SEQ) && !g->u->alone;
}

void emit_ld(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    if (is_seq(g, in)) {
        x_alu_imm(c, 0, ALU_CMP, o_vcpu(VOFF(unseen)), 0);
        struct cold *k = cold_new(g, cold_unseen, x_jcc(c, CC_NE));
        k->back = c->p;
    }
    struct opnd m = address(g, in, MISALIGNED_READ);
    u32 t, dst;
    switch (in->type) {
    case IR_I32:
    case IR_I64:
        dst = def_reg(g, i, in->a);
        /* Without its sign where nobody looks: a CPU may pass on what was stored just before to a plain move alone. */
        x_rm(c, load_op(g->val[i].high ? in->type : IR_I32, in->aux), dst, m, 0);
        break;
    case IR_F16:
        t = temp_int(g);
        x_rm(c, 0xb7 | X_0F, t, m, 0);
        dst = def_reg(g, i, 0);
        x_rr(c, SSE_MOVD_X_R, dst, t);
        break;
    case IR_F32:
        dst = def_reg(g, i, 0);
        x_rm(c, SSE_MOVSS_LD, dst, m, 0);
        break;
    case IR_F64:
        dst = def_reg(g, i, 0);
        x_rm(c, SSE_MOVSD_LD, dst, m, 0);
        break;
    case IR_V128:
        if ((in->aux & IR_MEM_SIZE) < 2) {
            t = temp_int(g);
            x_rm(c, load_op(IR_I64, in->aux), t, m, 0);
            dst = def_reg(g, i, 0);
            x_rr(c, SSE_MOVD_X_R, dst, t);
            break;
        }
        dst = def_reg(g, i, 0);
        x_rm(c,
             (in->aux & IR_MEM_SIZE) == 2   ? SSE_MOVSS_LD
             : (in->aux & IR_MEM_SIZE) == 3 ? SSE_MOVSD_LD
                                            : SSE_MOVUPS_LD,
             dst, m, 0);
        break;
    default:
        dst = def_reg(g, i, 0);
        x_rm(c, SSE_MOVUPS_LD, dst, m, 0);
    }
    if (is_float_class(in->type) && (in->aux & IR_MEM_SIZE) < 4)
        g->val[i].width = (u8)(8u << (in->aux & IR_MEM_SIZE));
    def_done(g, i, dst);
}

/* An opcode whose byte form is given, for 2^size bytes. */
static u32 sized(u32 op, u32 size)
{
    return size == 0 ? op | X_BREG | X_BRM : (op + 1) | (size == 1 ? X_66 : size == 3 ? X_W : 0);
}

static void store_int(struct gen *g, u32 size, struct opnd m, u32 src)
{
    x_rm(&g->c, sized(0x88, size), src, m, 0);
}

static void store(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 size = in->aux & IR_MEM_SIZE;
    u32 type = ins_of(g, in->b)->type;
    struct opnd m = address(g, in, MISALIGNED_WRITE);
    u64 k;
    if (!is_float_class(type)) {
        if (const_of(g, in->b, &k) && (size < 3 || fits32((s64)k))) {
            u32 n = size == 3 ? 4 : 1u << size;
            x_rm(c, sized(0xc6, size), 0, m, n);
            for (u32 j = 0; j < n; j++)
                put8(c, (u8)(k >> 8 * j));
            return;
        }
        store_int(g, size, m, use_reg(g, in->b));
        return;
    }
    u32 x = use_reg(g, in->b);
    if (size >= 2) {
        x_rm(c, size == 2 ? SSE_MOVSS_ST : size == 3 ? SSE_MOVSD_ST : SSE_MOVUPS_ST, x, m, 0);
    } else {
        u32 t = temp_int(g);
        x_rm(c, SSE_MOVD_R_X, x, o_reg(t), 0);
        store_int(g, size, m, t);
    }
}

void emit_st(struct gen *g, ir_ref i)
{
    g->changed = true;
    store(g, i);
    if (is_seq(g, ins_of(g, i)))
        x_store_imm(&g->c, 0, o_vcpu(VOFF(unseen)), 1);
}

/* --- atomics --- */

/* Register r holds the old value in its low bytes: that, extended, is the result. */
static void result_old(struct gen *g, ir_ref i, u32 r)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 size = in->aux & IR_MEM_SIZE;
    if (size == 3 || (size == 2 && in->type == IR_I32)) {
        def_from(g, i, r);
        return;
    }
    u32 dst = def_hint(g, i);
    if (dst == NOREG)
        dst = r;
    x_rm(&g->c, load_op(in->type, in->aux) | (size == 0 ? X_BRM : 0), dst, o_reg(r), 0);
    def_done(g, i, dst);
}

/* The lock prefix of an atomic access, where another thread could see it halfway. One instruction is one step for
 * signals in any case. */
static u32 lock_of(const struct gen *g)
{
    return g->u->alone ? 0 : X_LOCK;
}

/* lock cmpxchg, from RAX */
static void cmpxchg(struct gen *g, u32 size, u32 addr, u32 src)
{
    x_rm(&g->c, sized(0xb0, size) | X_0F | lock_of(g), src, o_gs(addr, 0), 0);
}

static void amo_loop(struct gen *g, ir_ref i, u32 kind, u32 size)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = type_w(in->type);
    bool minmax = kind >= IR_AMO_MINS;
    temp_take(g, RAX);
    u32 addr = atomic_address(g, i);
    struct opnd y = minmax ? o_reg(use_reg(g, in->b)) : use_any(g, in->b);
    u32 t = temp_int(g);
    x_rm(c, load_op(in->type, size), RAX, o_gs_write(addr), 0);
    const u8 *again = c->p;
    if (minmax) {
        static const u8 keep[] = {CC_L, CC_G, CC_B, CC_A}; /* ORDER ir_amo */
        x_rm(c, sized(0x3a, size), RAX, y, 0);
        x_mov(c, w, t, RAX);
        x_rm(c, 0x40 | (keep[kind - IR_AMO_MINS] ^ 1) | X_0F | w, t, y, 0);
    } else {
        x_mov(c, w, t, RAX);
        x_alu(c, w, kind == IR_AMO_AND ? ALU_AND : kind == IR_AMO_OR ? ALU_OR : ALU_XOR, t, y);
    }
    cmpxchg(g, size, addr, t);
    x_jcc8_back(c, CC_NE, again);
    result_old(g, i, RAX);
}

void emit_amo(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 size = in->aux & IR_MEM_SIZE, kind = in->aux >> IR_AMO_SHIFT;
    g->changed = true;
    if (!g->val[i].uses && kind >= IR_AMO_ADD && kind <= IR_AMO_XOR && size >= 2) {
        static const u8 alu[] = {
            [IR_AMO_ADD] = ALU_ADD, [IR_AMO_AND] = ALU_AND, [IR_AMO_OR] = ALU_OR, [IR_AMO_XOR] = ALU_XOR};
        u32 addr = atomic_address(g, i);
        struct opnd y = use_any(g, in->b);
        if (y.kind == O_MEM)
            y = o_reg(use_reg(g, in->b));
        x_alu_mem(c, (size == 3 ? X_W : 0) | lock_of(g), alu[kind], o_gs(addr, 0), y);
        return;
    }
    if (kind > IR_AMO_ADD) {
        amo_loop(g, i, kind, size);
        return;
    }
    u32 addr = atomic_address(g, i);
    u32 t = temp_int(g);
    load_into(g, t, in->b);
    if (kind == IR_AMO_SWAP && g->u->alone) { /* xchg would lock */
        u32 old = temp_int(g);
        x_rm(c, load_op(in->type, size), old, o_gs_write(addr), 0);
        x_rm(c, sized(0x88, size), t, o_gs(addr, 0), 0);
        result_old(g, i, old);
        return;
    }
    if (kind == IR_AMO_ADD)
        x_rm(c, sized(0xc0, size) | X_0F | lock_of(g), t, o_gs(addr, 0), 0); /* xadd */
    else
        x_rm(c, sized(0x86, size), t, o_gs(addr, 0), 0); /* xchg */
    result_old(g, i, t);
}

/* Compares and swaps 16 bytes. The instruction takes all four temps, so an address that is in none of the pinned
 * registers goes where the vCPU's own was; unwinding puts that back (common.c). */
static void cas_pair(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 expect = use_reg(g, in->b), fresh = use_reg(g, in->c);
    u32 saved = temp_float(g);
    u32 addr = atomic_address(g, i);
    bool borrow = TEMPS >> addr & 1;
    if (borrow) {
        x_store(c, X_W, o_vcpu(SPILL_OFF(SAVE_INT)), addr);
        g->locked &= ~(1u << addr);
        addr = RBP;
    }
    g->locked &= ~TEMPS_INT;
    temp_take(g, RAX);
    temp_take(g, RDX);
    temp_take(g, RCX);
    temp_take(g, RBX);
    x_rm(c, SSE_MOVUPS_ST, expect, o_vcpu(VOFF(scratch[0])), 0);
    x_rm(c, SSE_MOVUPS_ST, fresh, o_vcpu(VOFF(scratch[2])), 0);
    x_load(c, X_W, RAX, o_vcpu(VOFF(scratch[0])));
    x_load(c, X_W, RDX, o_vcpu(VOFF(scratch[1])));
    x_load(c, X_W, RBX, o_vcpu(VOFF(scratch[2])));
    x_load(c, X_W, RCX, o_vcpu(VOFF(scratch[3])));
    if (borrow) {
        x_rm(c, SSE_MOVQ_X_R, saved, o_reg(RBP), 0);
        x_load(c, X_W, RBP, o_vcpu(SPILL_OFF(SAVE_INT)));
    }
    x_rm(c, 0xc7 | X_0F | lock_of(g) | X_W, 1, o_gs(addr, 0), 0); /* cmpxchg16b */
    if (borrow)
        x_rm(c, SSE_MOVQ_R_X, saved, o_reg(RBP), 0);
    u32 dst = def_reg(g, i, 0);
    pair_of(g, dst, RAX, RDX);
    def_done(g, i, dst);
}

void emit_cas(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 size = in->aux & IR_MEM_SIZE;
    g->changed = true;
    if (in->type == IR_I128) {
        cas_pair(g, i);
        return;
    }
    temp_take(g, RAX);
    u32 addr = atomic_address(g, i), fresh = use_reg(g, in->c);
    load_into(g, RAX, in->b);
    cmpxchg(g, size, addr, fresh);
    result_old(g, i, RAX);
}

static void cold_sc_fail(struct gen *g, const struct cold *k)
{
    x_mov_imm(&g->c, k->r[0], 1, false);
    x_jmp_back(&g->c, k->back);
}

void emit_sc(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 size = in->aux & IR_MEM_SIZE;
    g->changed = true;
    temp_take(g, RAX);
    u32 addr = atomic_address(g, i), fresh = use_reg(g, in->b);
    load_into(g, RAX, in->d);
    struct opnd reserved = use_any(g, in->c);
    x_alu(c, X_W, ALU_CMP, addr, reserved);
    struct cold *fail = cold_new(g, cold_sc_fail, x_jcc(c, CC_NE));
    cmpxchg(g, size, addr, fresh);
    x_setcc(c, CC_NE, RAX);
    x_movzx8(c, RAX, RAX);
    fail->r[0] = RAX;
    fail->back = c->p;
    def_from(g, i, RAX);
}

/* --- ordering --- */

/* A fence that asks for what this host does not do of itself: that loads wait for the stores before them. */
static bool is_barrier(const struct ir_ins *in)
{
    return (in->aux & IR_FENCE_PW) && (in->aux & IR_FENCE_SR);
}

/* Can no guest store wait where fence i is: was there a locked instruction, and no store since? */
static bool is_drained(const struct gen *g, ir_ref i)
{
    while (--i) {
        const struct ir_ins *in = ins_of(g, i);
        switch (in->op) {
        case IR_OP_amo:
        case IR_OP_cas:
            return true;
        case IR_OP_fence:
            if (is_barrier(in))
                return true;
            break;
        case IR_OP_insn:
        case IR_OP_get:
        case IR_OP_put:
        case IR_OP_ld:
        case IR_OP_exit_if:
            break;
        default:
            if (ir_flags[in->op] != IR_PURE)
                return false;
        }
    }
    return false;
}

void emit_fence(struct gen *g, ir_ref i)
{
    if (is_barrier(ins_of(g, i)) && !g->u->alone && !is_drained(g, i))
        barrier(g);
}

void emit_pause(struct gen *g, ir_ref i)
{
    put8(&g->c, 0xf3);
    put8(&g->c, 0x90);
}

void emit_prefetch(struct gen *g, ir_ref i)
{
    x_rm(&g->c, X_PREFETCHT0, 1, o_gs(use_reg(g, ins_of(g, i)->a), 0), 0);
}
