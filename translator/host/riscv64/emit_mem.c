/* Guest memory: loads, stores, atomics, ordering.
 *
 * Guest memory is reached by adding mem_base; where guest memory begins at host address 0 (host_code.flat0) that is
 * left out. Every access is an instruction that may fault, so a load writes its result last and nothing that is visible
 * to the guest is written before it. Accesses that are not aligned are left to the hardware, or to who emulates them
 * for it.
 *
 * Ordering (RISC-V ISA, "RVWMO", and its table of mappings). Plain accesses are as weak as the host's. An acquire is a
 * load and a fence r,rw behind it, a release a fence rw,w and the store; atomics carry aq and rl themselves.
 *
 * Atomics check their alignment first. Of 4 and 8 bytes they are single instructions or an lr/sc loop, narrower ones a
 * loop on the word around them; where such a loop finds that it has nothing to store it still makes an access that
 * writes (an or with 0), since the memory has to be writable. Unwinding takes any instruction of the AMO opcode for a
 * write.
 *
 * Sixteen bytes: two accesses of eight, a store's upper half first, as the interpreter has it. Compare-and-swap is
 * amocas.q, or without Zacas the kernel interface's, by a call. */
#include "translator/host/riscv64/gen.h"

#include "lib/err.h"
#include "mk/mk.h"

#define MISALIGNED_READ  (VCPU_FAULT_MISALIGNED | VCPU_READ << 8)
#define MISALIGNED_WRITE (VCPU_FAULT_MISALIGNED | VCPU_WRITE << 8)
_Static_assert(offsetof(struct vcpu_fault, access) == offsetof(struct vcpu_fault, kind) + 1,
               "kind and access of a fault are stored as one 16-bit word");

/* --- pairs --- */

void emit_pair(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 lo = use_reg(g, in->a), hi = use_reg(g, in->b);
    s32 dst = def_mem(g, i);
    x_store(&g->c, SD, lo, VCPU, dst);
    x_store(&g->c, SD, hi, VCPU, dst + 8);
}

void emit_half(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    s32 x = use_mem(g, in->a);
    u32 dst = def_reg(g, i, 0);
    x_load(&g->c, LD, dst, VCPU, x + (in->op == IR_OP_hi ? 8 : 0));
    def_done(g, i, dst);
}

/* --- alignment --- */

/* r[0]: the address; n: kind and access. */
static void cold_misaligned(struct gen *g, const struct cold *k)
{
    struct code *c = &g->c;
    mov_rr(g, A0, k->r[0], IR_I64);
    x_li(c, A1, (s32)k->n);
    store_pc(g, g->u->pc + k->guest_off);
    x_jmp_common(c, g->common->off[C_MISALIGNED]);
}

/* Uses t6. IR_MEM_GRANULE is nothing that this host has. */
static void check_aligned(struct gen *g, u32 addr, u32 size, u32 how)
{
    if (!size)
        return;
    x_i(&g->c, ANDI, SCR, addr, (1 << size) - 1);
    struct cold *k = cold_if(g, cold_misaligned, BNE, SCR, ZERO);
    k->r[0] = (u8)addr;
    k->n = how;
}

/* --- ordering --- */

enum { F_W = 1, F_R = 2, F_RW = 3 };

static void fence(struct gen *g, u32 before, u32 after)
{
    if (!g->u->alone)
        put32(&g->c, FENCE | before << 24 | after << 20);
}

void emit_fence(struct gen *g, ir_ref i)
{
    u32 bits = ins_of(g, i)->aux;
    u32 before = (bits & IR_FENCE_PR ? F_R : 0u) | (bits & IR_FENCE_PW ? F_W : 0u);
    u32 after = (bits & IR_FENCE_SR ? F_R : 0u) | (bits & IR_FENCE_SW ? F_W : 0u);
    if (before && after)
        fence(g, before, after);
}

void emit_pause(struct gen *g, ir_ref i)
{
    put32(&g->c, PAUSE);
}

/* Such a hart as has no prefetches takes it for an ori to x0. */
void emit_prefetch(struct gen *g, ir_ref i)
{
    u32 r = use_reg(g, ins_of(g, i)->a);
    if (!g->c.flat0) {
        x_r(&g->c, ADD, SCR, r, BASE);
        r = SCR;
    }
    put32(&g->c, PREFETCH_R | r << 15);
}

/* --- plain accesses --- */

struct place {
    u32 base; /* perhaps t6 */
    s32 off;
};

/* Guest memory that ld or st `in` accesses, `bytes` of it. Uses both scratch registers; t6 stays in use. */
static struct place address(struct gen *g, const struct ir_ins *in, u32 how)
{
    struct code *c = &g->c;
    u64 k = 0, imm = in->imm;
    u32 size = in->aux & IR_MEM_SIZE;
    struct place m = {.off = fits12((s64)imm) && fits12((s64)imm + 8) ? (s32)imm : 0};
    if (const_of(g, in->a, &k)) {
        k += imm;
        if ((in->aux & IR_MEM_ALIGN) && size) {
            load_imm(g, SCR2, k);
            check_aligned(g, SCR2, size, how);
        }
        m.off = (s32)((u32)k << 20) >> 20;
        if (!fits12(m.off + 8))
            m.off = 0;
        k -= (u64)(s64)m.off;
        if (!k) {
            m.base = c->flat0 ? ZERO : BASE;
            return m;
        }
        load_imm(g, SCR, k);
        m.base = SCR;
        if (!c->flat0)
            x_r(c, ADD, SCR, SCR, BASE);
        return m;
    }
    u32 r = use_reg(g, in->a);
    if ((in->aux & IR_MEM_ALIGN) && size) {
        u32 at = r;
        if (imm) {
            x_add_imm(g, SCR2, r, imm);
            at = SCR2;
        }
        check_aligned(g, at, size, how);
    }
    m.base = r;
    if (imm && !m.off) {
        x_add_imm(g, SCR, r, imm);
        m.base = SCR;
    }
    if (!c->flat0) {
        x_r(c, ADD, SCR, m.base, BASE);
        m.base = SCR;
    }
    return m;
}

/* Instruction that loads an integer of 2^size bytes, extended to the type. */
static u32 load_int(u32 type, u32 aux)
{
    static const u32 op[4][2] = {{LBU, LB}, {LHU, LH}, {LWU, LW}, {LD, LD}};
    u32 size = aux & IR_MEM_SIZE;
    return op[size & 3][(aux & IR_MEM_SIGNED) || (type == IR_I32 && size == 2)];
}

static void load_wide(struct gen *g, ir_ref i)
{
    struct code *c = &g->c;
    u32 size = ins_of(g, i)->aux & IR_MEM_SIZE, high = ZERO;
    s32 dst = def_mem(g, i); /* may use scratch registers; nothing is written yet */
    struct place m = address(g, ins_of(g, i), MISALIGNED_READ);
    if (size == 4) {
        x_load(c, LD, SCR2, m.base, m.off);
        x_load(c, LD, SCR, m.base, m.off + 8);
        high = SCR;
    } else {
        x_load(c, load_int(IR_I64, size), SCR2, m.base, m.off);
    }
    x_store(c, SD, SCR2, VCPU, dst);
    x_store(c, SD, high, VCPU, dst + 8);
}

void emit_ld(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    if (in->aux & IR_MEM_REL)
        fence(g, F_RW, F_R);
    if (is_wide(in->type)) {
        load_wide(g, i);
    } else if (in->type == IR_F16) {
        struct place m = address(g, in, MISALIGNED_READ);
        x_load(c, LHU, SCR2, m.base, m.off);
        u32 dst = def_reg(g, i, 0);
        half_from(g, dst, SCR2);
        def_done(g, i, dst);
    } else {
        struct place m = address(g, in, MISALIGNED_READ);
        u32 op = is_float(in->type) ? load_op(in->type) : load_int(in->type, in->aux);
        u32 dst = def_reg(g, i, in->a);
        x_load(c, op, dst, m.base, m.off);
        def_done(g, i, dst);
    }
    if (in->aux & IR_MEM_ACQ)
        fence(g, F_R, F_RW);
}

void emit_st(struct gen *g, ir_ref i)
{
    static const u32 op[4] = {SB, SH, SW, SD};
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 size = in->aux & IR_MEM_SIZE, type = ins_of(g, in->b)->type;
    g->changed = true;
    if (in->aux & IR_MEM_REL)
        fence(g, F_RW, F_W);
    if (is_wide(type)) {
        s32 x = use_mem(g, in->b);
        struct place m = address(g, in, MISALIGNED_WRITE);
        if (size == 4) {
            x_load(c, LD, SCR2, VCPU, x + 8);
            x_store(c, SD, SCR2, m.base, m.off + 8);
        }
        x_load(c, LD, SCR2, VCPU, x);
        x_store(c, op[size == 4 ? 3 : size], SCR2, m.base, m.off);
    } else {
        u32 x = use_reg(g, in->b);
        struct place m = address(g, in, MISALIGNED_WRITE);
        if (is_float(type) && size >= 2) {
            x_store(c, size == 2 ? FSW : FSD, x, m.base, m.off);
        } else {
            if (is_float(type)) {
                x_r(c, (u32)FMV_X_W, SCR2, x, 0);
                x = SCR2;
            }
            x_store(c, op[size], x, m.base, m.off);
        }
    }
    if (in->aux & IR_MEM_ACQ)
        fence(g, F_W, F_RW);
    else if (in->aux & IR_MEM_SEQ)
        fence(g, F_W, F_R);
}

/* --- atomics --- */

static void unlock(struct gen *g, u32 r)
{
    g->locked &= ~(1ull << r);
}

/* The guest address of atomic i in a register, checked; its host address in t6. */
static u32 atomic_address(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 r = use_reg(g, in->a);
    check_aligned(g, r, in->aux & IR_MEM_SIZE, MISALIGNED_WRITE);
    if (g->c.flat0)
        mov_rr(g, SCR, r, IR_I64);
    else
        x_r(&g->c, ADD, SCR, r, BASE);
    return r;
}

/* The bits of an access that orders. What releases has to stay before a later load that acquires (a guest's release and
 * acquire may be of the strong kind), and such a load is plain with a fence behind it: so a release is both. */
static u32 order(const struct gen *g, u32 aux)
{
    if (g->u->alone)
        return 0;
    return aux & IR_MEM_REL ? AMO_AQ | AMO_RL : aux & IR_MEM_ACQ ? AMO_AQ : 0;
}

static u32 amo_op(const struct gen *g, u32 op, u32 aux)
{
    return op | ((aux & IR_MEM_SIZE) == 3 ? AMO_D : 0) | order(g, aux);
}
/* lr and sc of a loop. Where these are to be one access the sc acquires: what waits for the lr waits for it, too. */
static u32 lr_op(const struct gen *g, u32 aux)
{
    u32 both = IR_MEM_ACQ | IR_MEM_REL;
    return amo_op(g, LR, aux & IR_MEM_ACQ ? aux : aux & ~both);
}
static u32 sc_op(const struct gen *g, u32 aux)
{
    u32 both = IR_MEM_ACQ | IR_MEM_REL;
    return amo_op(g, SC, aux & IR_MEM_REL ? aux : (aux & ~both) | (aux & IR_MEM_ONE ? IR_MEM_ACQ : 0u));
}

/* Where a narrow access lies in its word: the word's host address is in ra, by which unwinding knows that the guest's
 * own address is in scratch[0]. t6 is free then. */
struct narrow {
    u32 shift, mask;
};
static struct narrow narrow(struct gen *g, u32 size, u32 addr)
{
    struct code *c = &g->c;
    struct narrow n = {.shift = temp_int(g)};
    x_store(c, SD, addr, VCPU, VOFF(scratch[0]));
    x_i(c, SLLI, n.shift, addr, 3); /* shifts of words look at five bits */
    unlock(g, addr);
    n.mask = temp_int(g);
    load_imm(g, n.mask, size ? 0xffff : 0xff);
    x_r(c, SLLW, n.mask, n.mask, n.shift);
    x_i(c, ANDI, SCR2, SCR, -4);
    return n;
}
/* Value i moved there, in a temp. */
static u32 narrow_value(struct gen *g, struct narrow n, ir_ref i)
{
    u32 y = use_reg(g, i), t = temp_int(g);
    x_r(&g->c, SLLW, t, y, n.shift);
    x_r(&g->c, AND, t, t, n.mask);
    unlock(g, y);
    return t;
}

/* Temp r holds the old value, sign-extended: that, extended, is the result. */
static void result_old(struct gen *g, ir_ref i, u32 r)
{
    const struct ir_ins *in = ins_of(g, i);
    if (in->type == IR_I64 && (in->aux & IR_MEM_SIZE) == 2 && !(in->aux & IR_MEM_SIGNED))
        x_extend(g, r, r, 32, false);
    def_from(g, i, r);
}
static void result_narrow(struct gen *g, ir_ref i, struct narrow n, u32 old)
{
    const struct ir_ins *in = ins_of(g, i);
    x_r(&g->c, AND, old, old, n.mask);
    x_r(&g->c, SRLW, old, old, n.shift);
    if (in->aux & IR_MEM_SIGNED)
        x_extend(g, old, old, 8u << (in->aux & IR_MEM_SIZE), true);
    def_from(g, i, old);
}

static void amo_narrow(struct gen *g, ir_ref i, u32 kind)
{
    static const u32 ops[] = {[IR_AMO_ADD] = ADD, [IR_AMO_AND] = AND, [IR_AMO_OR] = OR, [IR_AMO_XOR] = XOR};
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 size = in->aux & IR_MEM_SIZE, aux = (in->aux & ~(u32)IR_MEM_SIZE) | 2;
    bool minmax = kind >= IR_AMO_MINS, is_signed = kind == IR_AMO_MINS || kind == IR_AMO_MAXS;
    u32 addr = atomic_address(g, i);
    struct narrow n = narrow(g, size, addr);
    u32 val = narrow_value(g, n, in->b), y = NOREG;
    if (minmax) {
        u32 r = use_reg(g, in->b);
        y = temp_int(g);
        x_i(c, SLLI, y, r, size ? 48 : 56);
        x_i(c, is_signed ? SRAI : SRLI, y, y, size ? 48 : 56);
        unlock(g, r);
    }
    u32 old = temp_int(g);
    const u8 *again = c->p;
    x_r(c, lr_op(g, aux), old, SCR2, 0);
    if (minmax) {
        bool min = kind == IR_AMO_MINS || kind == IR_AMO_MINU;
        u32 less = is_signed ? BLT : BLTU;
        x_r(c, SRLW, SCR, old, n.shift);
        x_i(c, SLLI, SCR, SCR, size ? 48 : 56);
        x_i(c, is_signed ? SRAI : SRLI, SCR, SCR, size ? 48 : 56);
        u8 *swap = min ? x_b(c, less, y, SCR) : x_b(c, less, SCR, y);
        x_mv(c, SCR, old);
        u8 *keep = x_j(c);
        x_here(c, swap);
        x_mv(c, SCR, val);
        x_here(c, keep);
    } else if (kind == IR_AMO_SWAP) {
        x_mv(c, SCR, val);
    } else {
        x_r(c, ops[kind], SCR, old, val);
    }
    x_r(c, XOR, SCR, SCR, old);
    x_r(c, AND, SCR, SCR, n.mask);
    x_r(c, XOR, SCR, SCR, old);
    x_r(c, sc_op(g, aux), SCR, SCR2, SCR);
    x_b_back(c, BNE, SCR, ZERO, again);
    result_narrow(g, i, n, old);
}

void emit_amo(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 size = in->aux & IR_MEM_SIZE, kind = in->aux >> IR_AMO_SHIFT;
    g->changed = true;
    if (size < 2) {
        amo_narrow(g, i, kind);
        return;
    }
    static const u32 ops[IR_NAMO] = {AMOSWAP,    AMOADD,     AMOAND,     AMOOR,     AMOXOR,
                                     0x8000202f, 0xa000202f, 0xc000202f, 0xe000202f}; /* ORDER ir_amo */
    atomic_address(g, i);
    u32 y = use_reg(g, in->b), t = temp_int(g);
    x_r(&g->c, amo_op(g, ops[kind], in->aux), t, SCR, y);
    result_old(g, i, t);
}

/* Memory at p has to be writable. */
static void touch(struct gen *g, u32 aux, u32 p)
{
    x_r(&g->c, AMOOR | ((aux & IR_MEM_SIZE) == 3 ? AMO_D : 0), ZERO, p, ZERO);
}

/* C: compares and swaps 16 bytes; scratch[0]: where (host). */
static u64 cas16(struct vcpu *v)
{
    u64 *x = &v->spill[VEC_ARGS];
    int rc = mk_cas(v->scratch[0], 16, x, x + 2);
    dgm_assert(rc == 0 || rc == -EFAULT, "cas of 16 bytes: %d", rc);
    if (!rc)
        return 0;
    hva_t addr;
    u32 kind;
    bool write;
    mk_last_fault(&addr, &kind, &write);
    v->fault = (struct vcpu_fault){.addr = addr - v->mem_base,
                                   .kind = kind == MK_FAULT_BUS          ? VCPU_FAULT_BUS
                                           : kind == MK_FAULT_PROTECTION ? VCPU_FAULT_PROTECTION
                                                                         : VCPU_FAULT_UNMAPPED,
                                   .access = VCPU_WRITE};
    return 1;
}

static void cold_fault(struct gen *g, const struct cold *k)
{
    store_pc(g, g->u->pc + k->guest_off);
    x_jmp_common(&g->c, g->common->off[C_FAULT]);
}

static void cas_pair(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    s32 expect = use_mem(g, in->b), fresh = use_mem(g, in->c);
    unlock(g, atomic_address(g, i));
    if (have(FEAT_ZACAS)) {
        for (u32 r = A2; r <= A5; r++)
            temp_take(g, r);
        x_load(c, LD, A2, VCPU, expect);
        x_load(c, LD, A3, VCPU, expect + 8);
        x_load(c, LD, A4, VCPU, fresh);
        x_load(c, LD, A5, VCPU, fresh + 8);
        x_r(c, AMOCAS_Q | order(g, in->aux), A2, SCR, A4);
        s32 dst = def_mem(g, i);
        x_store(c, SD, A2, VCPU, dst);
        x_store(c, SD, A3, VCPU, dst + 8);
        return;
    }
    x_store(c, SD, SCR, VCPU, VOFF(scratch[0]));
    copy_vcpu(g, SPILL_OFF(VEC_ARGS), expect);
    copy_vcpu(g, SPILL_OFF(VEC_ARGS + 2), fresh);
    temps_flush(g);
    g->locked = 0;
    load_imm(g, SCR, (u64)(uintptr_t)cas16);
    x_call_common(c, g->common->off[C_VCALL]);
    cold_if(g, cold_fault, BNE, A0, ZERO);
    copy_vcpu(g, def_mem(g, i), SPILL_OFF(VEC_ARGS));
}

void emit_cas(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 size = in->aux & IR_MEM_SIZE;
    g->changed = true;
    if (in->type == IR_I128) {
        cas_pair(g, i);
        return;
    }
    u32 addr = atomic_address(g, i), aux = in->aux;
    struct narrow n = {0};
    u32 expect, fresh, found, p = size < 2 ? SCR2 : SCR, w = size < 2 ? SCR : SCR2;
    if (size < 2) {
        n = narrow(g, size, addr);
        expect = narrow_value(g, n, in->b);
        fresh = narrow_value(g, n, in->c);
        aux = (aux & ~(u32)IR_MEM_SIZE) | 2;
    } else {
        unlock(g, addr);
        expect = use_reg(g, in->b);
        if (size == 2 && (in->type == IR_I64 || !is_sext32(g, in->b))) {
            u32 t = temp_int(g);
            x_i(c, ADDIW, t, expect, 0);
            expect = t;
        }
        fresh = use_reg(g, in->c);
    }
    u32 old = temp_int(g);
    const u8 *again = c->p;
    x_r(c, lr_op(g, aux), old, p, 0);
    found = old;
    if (size < 2) {
        x_r(c, AND, w, old, n.mask);
        found = w;
    }
    u8 *differs = x_b(c, BNE, found, expect);
    if (size < 2) {
        x_r(c, XOR, w, old, w);
        x_r(c, OR, w, w, fresh);
        fresh = w;
    }
    x_r(c, sc_op(g, aux), w, p, fresh);
    x_b_back(c, BNE, w, ZERO, again);
    u8 *done = x_j(c);
    x_here(c, differs);
    touch(g, aux, p);
    x_here(c, done);
    if (size < 2)
        result_narrow(g, i, n, old);
    else
        result_old(g, i, old);
}

void emit_sc(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 size = in->aux & IR_MEM_SIZE, aux = in->aux, p = size < 2 ? SCR2 : SCR, w = size < 2 ? SCR : SCR2;
    g->changed = true;
    u32 addr = atomic_address(g, i), reserved = use_reg(g, in->c);
    u32 result = temp_int(g);
    x_r(c, XOR, result, addr, reserved);
    x_r(c, SLTU, result, ZERO, result);
    if (reserved != addr)
        unlock(g, reserved);
    /* All that may emit a load of a value comes before the first jump, for values stay where they are said to be. */
    struct narrow n = {0};
    u32 expect, fresh, t = NOREG;
    if (size < 2) {
        n = narrow(g, size, addr);
        expect = narrow_value(g, n, in->d);
        fresh = narrow_value(g, n, in->b);
        t = n.shift;
        aux = (aux & ~(u32)IR_MEM_SIZE) | 2;
    } else {
        expect = use_reg(g, in->d);
        if (size == 2) {
            t = temp_int(g);
            x_i(c, ADDIW, t, expect, 0);
            expect = t;
        }
        fresh = use_reg(g, in->b);
    }
    u8 *elsewhere = x_b(c, BNE, result, ZERO);
    const u8 *again = c->p;
    x_r(c, lr_op(g, aux), w, p, 0);
    u32 found = w;
    if (size < 2) {
        x_r(c, AND, t, w, n.mask);
        found = t;
    }
    u8 *differs = x_b(c, BNE, found, expect);
    if (size < 2) {
        x_r(c, XOR, w, w, t);
        x_r(c, OR, w, w, fresh);
        fresh = w;
    }
    x_r(c, sc_op(g, aux), w, p, fresh);
    x_b_back(c, BNE, w, ZERO, again);
    u8 *done = x_j(c);
    x_here(c, differs);
    touch(g, aux, p);
    x_i(c, ADDI, result, ZERO, 1);
    x_here(c, elsewhere);
    x_here(c, done);
    def_from(g, i, result);
}
