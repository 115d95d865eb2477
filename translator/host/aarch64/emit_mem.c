/* Guest memory: loads, stores, atomics, ordering.
 *
 * Guest memory is [x27 + guest address]; where it begins at host address 0 (host_code.flat0), [guest address]. Every
 * access is an instruction that may fault, so a load writes its result last and nothing that is visible to the guest is
 * written before it.
 *
 * Ordering. A load that acquires is `ldar`, a store that releases `stlr`: both order against each other, as guests want
 * of their strongest pairs. These want an aligned address; where the IR does not check that first, a barrier does it.
 *
 * Atomics check their alignment first. With LSE they are one instruction, else a loop of exclusive accesses. Of a pair
 * of words the compare-and-swap goes through general registers, where the value's own place is a vector register.
 *
 * What a fault did is told by the instruction's encoding, so one that faults in its load part counts as a write all the
 * same (common.c): exclusive loads are never emitted for anything but atomics. */
#include "translator/host/aarch64/gen.h"

#define MISALIGNED_READ  (VCPU_FAULT_MISALIGNED | VCPU_READ << 8)
#define MISALIGNED_WRITE (VCPU_FAULT_MISALIGNED | VCPU_WRITE << 8)
_Static_assert(offsetof(struct vcpu_fault, access) == offsetof(struct vcpu_fault, kind) + 1,
               "kind and access of a fault are stored as one 16-bit word");

/* --- pairs --- */

void emit_pair(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 lo = use_zr(g, in->a), hi = use_zr(g, in->b);
    u32 dst = def_reg(g, i, 0);
    a_rr(&g->c, A_FMOV_VR | A_SF | A_FTYPE_64, dst, lo);
    a_rr(&g->c, A_INS_D1, dst, hi);
    def_done(g, i, dst);
}

void emit_half(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 x = use_reg(g, in->a), dst = def_reg(g, i, 0);
    a_rr(&g->c, in->op == IR_OP_lo ? A_FMOV_RV | A_SF | A_FTYPE_64 : A_UMOV_D1, dst, x);
    def_done(g, i, dst);
}

/* --- addresses --- */

/* r[0]: the address; n: kind and access. */
static void cold_misaligned(struct gen *g, const struct cold *k)
{
    struct code *c = &g->c;
    if (k->r[0] != X0)
        a_mov(c, A_SF, X0, k->r[0]);
    a_mov_imm(c, X1, k->n);
    a_mov_imm(c, X2, g->u->pc + k->guest_off);
    a_common(c, A_B, g->common->off[C_MISALIGNED]);
}

/* The same of 2^r[1] bytes that are not aligned. They lie within 16 aligned bytes unless all bits between are set. */
static void cold_granule(struct gen *g, const struct cold *k)
{
    struct code *c = &g->c;
    for (u32 bit = k->r[1]; bit < 4; bit++) {
        a_logic(c, A_ANDS_IMM | A_SF, ZR, k->r[0], 1u << bit);
        a_patch(a_bcc(c, CC_EQ), k->back - (c->p - 4));
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
    a_logic(&g->c, A_ANDS_IMM | A_SF, ZR, addr, bit_mask(size));
    struct cold *k = cold_new(g, granule ? cold_granule : cold_misaligned, a_bcc(&g->c, CC_NE));
    k->r[0] = (u8)addr;
    k->r[1] = (u8)size;
    k->n = how;
    k->back = g->c.p;
}

/* The host address of guest address a + imm, which is checked to be aligned where asked, in a register: SCR, or where
 * nothing has to be added that of a. */
static u32 host_address(struct gen *g, ir_ref a, u64 imm, bool check, u32 aux, u32 how)
{
    u32 r = use_reg(g, a);
    if (imm) {
        add_number(g, SCR, r, imm);
        r = SCR;
    }
    if (check)
        check_aligned(g, r, aux, how);
    if (!g->c.flat0) {
        a_rrr(&g->c, A_ADD | A_SF, SCR, BASE, r);
        r = SCR;
    }
    return r;
}

static u32 atomic_address(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    return host_address(g, in->a, 0, true, in->aux, MISALIGNED_WRITE);
}

/* A plain access's address: base + index, or base + off. */
struct address {
    u32 base, index; /* index NOREG: none */
    s64 off;
};

static struct address address(struct gen *g, const struct ir_ins *in, u32 how)
{
    u32 size = in->aux & IR_MEM_SIZE;
    bool check = in->aux & IR_MEM_ALIGN;
    u64 k = 0;
    if (check || (const_of(g, in->a, &k) && reg_of(g, in->a) == NOREG)) {
        if (const_of(g, in->a, &k) && !check) {
            a_mov_imm(&g->c, SCR, k + in->imm);
            return g->c.flat0 ? (struct address){SCR, NOREG, 0} : (struct address){BASE, SCR, 0};
        }
        return (struct address){host_address(g, in->a, in->imm, check, in->aux, how), NOREG, 0};
    }
    u32 r = use_reg(g, in->a);
    s64 off = (s64)in->imm;
    if (g->c.flat0) {
        bool scaled = off >= 0 && !(off & ((1 << size) - 1)) && off >> size < 4096;
        if (scaled || fits_signed(off, 9))
            return (struct address){r, NOREG, off};
        add_number(g, SCR, r, in->imm);
        return (struct address){SCR, NOREG, 0};
    }
    if (!off)
        return (struct address){BASE, r, 0};
    add_number(g, SCR, r, in->imm);
    return (struct address){BASE, SCR, 0};
}

static void access(struct gen *g, u32 op, u32 t, struct address m)
{
    if (m.index != NOREG)
        a_mem_reg(&g->c, op, t, m.base, m.index);
    else if (!a_mem(&g->c, op, t, m.base, m.off))
        dgm_assert(false, "an offset of %ld", (long)m.off);
}

/* --- plain accesses --- */

/* Instruction that loads an integer of 2^size bytes, extended to the type. */
static u32 load_int(u32 type, u32 aux)
{
    u32 size = aux & IR_MEM_SIZE;
    bool sign = (aux & IR_MEM_SIGNED) && size < (type == IR_I64 ? 3u : 2u);
    return sign ? a_ldrs(size, type == IR_I64) : a_ldr(size);
}

/* Loads and stores that order; one register, no offset. */
#define A_LDAR 0x08dffc00u
#define A_STLR 0x089ffc00u

void emit_ld(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 size = in->aux & IR_MEM_SIZE;
    bool is_int = !is_float_class(in->type), acquires = (in->aux & IR_MEM_ACQ) && !g->u->alone;
    if (is_int && acquires && (in->aux & IR_MEM_ALIGN)) {
        u32 addr = host_address(g, in->a, in->imm, true, in->aux, MISALIGNED_READ), dst = def_reg(g, i, in->a);
        bool sign = (in->aux & IR_MEM_SIGNED) && size < (in->type == IR_I64 ? 3u : 2u);
        a_rr(c, A_LDAR | size << 30, dst, addr);
        if (sign)
            a_bfm(c, A_SBFM | type_w(in->type), dst, dst, 0, (8u << size) - 1);
        def_done(g, i, dst);
        return;
    }
    if (acquires) /* ldar stays behind a store that releases, too */
        put32(c, A_DMB_ISH);
    struct address m = address(g, in, MISALIGNED_READ);
    u32 dst = def_reg(g, i, is_int ? in->a : 0);
    access(g, is_int ? load_int(in->type, in->aux) : a_ldr_v(size), dst, m);
    if (acquires)
        put32(c, A_DMB_ISHLD);
    def_done(g, i, dst);
}

void emit_st(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 size = in->aux & IR_MEM_SIZE;
    bool is_int = !is_float_class(ins_of(g, in->b)->type), releases = (in->aux & IR_MEM_REL) && !g->u->alone;
    g->changed = true;
    if (is_int && releases && (in->aux & IR_MEM_ALIGN)) {
        u32 addr = host_address(g, in->a, in->imm, true, in->aux, MISALIGNED_WRITE), x = use_zr(g, in->b);
        a_rr(c, A_STLR | size << 30, x, addr);
        return;
    }
    u32 x = is_int ? use_zr(g, in->b) : use_reg(g, in->b);
    struct address m = address(g, in, MISALIGNED_WRITE);
    if (releases)
        put32(c, A_DMB_ISH);
    access(g, is_int ? a_str(size) : a_str_v(size), x, m);
    if (releases && (in->aux & IR_MEM_SEQ))
        put32(c, A_DMB_ISH);
}

/* --- atomics --- */

/* Where there is another thread to see it: bits of the acquiring and the releasing form. */
static u32 order(const struct gen *g, const struct ir_ins *in, u32 acq, u32 rel)
{
    if (g->u->alone)
        return 0;
    return (in->aux & IR_MEM_ACQ ? acq : 0) | (in->aux & IR_MEM_REL ? rel : 0);
}

/* The same for an atomic that is one instruction: it is a barrier to what follows, its store included, when it is of
 * both forms. */
static u32 order_lse(const struct gen *g, const struct ir_ins *in, u32 acq, u32 rel)
{
    return (in->aux & IR_MEM_ONE) && !g->u->alone ? acq | rel : order(g, in, acq, rel);
}

/* Behind a loop, of which that is never true: what follows could be seen before its store. */
static void order_loop(struct gen *g, const struct ir_ins *in)
{
    const u32 both = IR_MEM_ACQ | IR_MEM_REL;
    if (!g->u->alone && ((in->aux & IR_MEM_ONE) || (in->aux & both) == both))
        put32(&g->c, A_DMB_ISH);
}

/* Exclusive accesses; the orders are bit 15 of either. */
#define A_LDXR 0x085f7c00u
#define A_STXR 0x08007c00u
#define A_LDXP 0xc87f0000u
#define A_STXP 0xc8200000u
static u32 ldxr(const struct gen *g, const struct ir_ins *in)
{
    return A_LDXR | (u32)(in->aux & IR_MEM_SIZE) << 30 | order(g, in, 1u << 15, 0);
}
static u32 stxr(const struct gen *g, const struct ir_ins *in)
{
    return A_STXR | (u32)(in->aux & IR_MEM_SIZE) << 30 | order(g, in, 0, 1u << 15) | SCR2 << 16;
}

/* d = the low 2^size bytes of r, extended for a comparison. */
static void narrow(struct gen *g, u32 d, u32 r, u32 size, bool sign)
{
    a_bfm(&g->c, (sign ? A_SBFM : A_UBFM) | (size == 3 ? A_SF : 0), d, r, 0, (8u << size) - 1);
}

/* Register r holds the old value, with zeros above: that, extended as aux says, is the result. */
static void result_old(struct gen *g, ir_ref i, u32 r)
{
    const struct ir_ins *in = ins_of(g, i);
    u32 size = in->aux & IR_MEM_SIZE;
    if (!(in->aux & IR_MEM_SIGNED) || 8u << size >= ir_bits(in->type)) {
        if (TEMPS >> r & 1)
            def_from(g, i, r);
        else
            def_done(g, i, r);
        return;
    }
    u32 dst = TEMPS >> r & 1 ? def_hint(g, i) : r;
    if (dst == NOREG)
        dst = r;
    a_bfm(&g->c, A_SBFM | type_w(in->type), dst, r, 0, (8u << size) - 1);
    def_done(g, i, dst);
}

static void amo_loop(struct gen *g, ir_ref i, u32 kind, u32 size)
{
    static const u8 keep[] = {CC_LT, CC_GT, CC_LO, CC_HI}; /* ORDER ir_amo */
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 w = size == 3 ? A_SF : 0;
    u32 y = use_zr(g, in->b), addr = atomic_address(g, i);
    u32 old = temp_int(g), t = temp_int(g); /* not the slot's: a fault in the loop must find that as it was */
    u32 cmp = old, by = y;
    if (kind >= IR_AMO_MINS && size < 2) {
        by = temp_int(g);
        narrow(g, by, y, size, kind <= IR_AMO_MAXS);
    }
    const u8 *again = c->p;
    a_rr(c, ldxr(g, in), old, addr);
    switch (kind) {
    case IR_AMO_SWAP:
        break;
    case IR_AMO_ADD:
        a_rrr(c, A_ADD | w, t, old, y);
        break;
    case IR_AMO_AND:
        a_rrr(c, A_AND | w, t, old, y);
        break;
    case IR_AMO_OR:
        a_rrr(c, A_ORR | w, t, old, y);
        break;
    case IR_AMO_XOR:
        a_rrr(c, A_EOR | w, t, old, y);
        break;
    default:
        if (size < 2 && kind <= IR_AMO_MAXS) {
            narrow(g, t, old, size, true);
            cmp = t;
        }
        a_rrr(c, A_SUBS | w, ZR, cmp, by);
        a_csel(c, A_CSEL | w, t, old, by, keep[kind - IR_AMO_MINS]);
    }
    a_rr(c, stxr(g, in), kind == IR_AMO_SWAP ? y : t, addr);
    a_patch(a_cbz(c, A_CBNZ, SCR2), again - (c->p - 4));
    order_loop(g, in);
    result_old(g, i, old);
}

void emit_amo(struct gen *g, ir_ref i)
{
    /* LSE's; and is a clear of the bits that are not. */
    static const u32 lse[IR_NAMO] = {
        [IR_AMO_SWAP] = 0x38208000, [IR_AMO_ADD] = 0x38200000,  [IR_AMO_AND] = 0x38201000,
        [IR_AMO_OR] = 0x38203000,   [IR_AMO_XOR] = 0x38202000,  [IR_AMO_MINS] = 0x38205000,
        [IR_AMO_MAXS] = 0x38204000, [IR_AMO_MINU] = 0x38207000, [IR_AMO_MAXU] = 0x38206000,
    };
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 size = in->aux & IR_MEM_SIZE, kind = in->aux >> IR_AMO_SHIFT;
    g->changed = true;
    if (!have(FEAT_LSE)) {
        amo_loop(g, i, kind, size);
        return;
    }
    u32 y = use_zr(g, in->b);
    if (kind == IR_AMO_AND) {
        a_rrr(c, A_ORN | A_SF, SCR2, ZR, y);
        y = SCR2;
    }
    u32 addr = atomic_address(g, i), dst = def_reg(g, i, in->a);
    put32(c, lse[kind] | size << 30 | order_lse(g, in, 1u << 23, 1u << 22) | (y & 31) << 16 | addr << 5 | dst);
    result_old(g, i, dst);
}

/* What a compare-and-swap needs besides its operands; made before anything that may jump. */
struct cas {
    u32 old, t, want;
};
static struct cas cas_temps(struct gen *g, const struct ir_ins *in)
{
    struct cas k = {.old = temp_int(g)};
    if (!have(FEAT_LSE)) {
        k.t = temp_int(g);
        k.want = (in->aux & IR_MEM_SIZE) < 2 ? temp_int(g) : NOREG;
    }
    return k;
}

/* k->old = [addr]; where that is `expect`, [addr] = fresh. */
static void cas_into(struct gen *g, const struct ir_ins *in, struct cas *k, u32 addr, u32 expect, u32 fresh)
{
    struct code *c = &g->c;
    u32 size = in->aux & IR_MEM_SIZE, w = size == 3 ? A_SF : 0;
    if (have(FEAT_LSE)) {
        a_mov(c, A_SF, k->old, expect);
        put32(c,
              0x08a07c00 | size << 30 | order_lse(g, in, 1u << 22, 1u << 15) | k->old << 16 | addr << 5 | (fresh & 31));
        return;
    }
    if (k->want != NOREG) {
        narrow(g, k->want, expect, size, false);
        expect = k->want;
    }
    /* Where the values differ the old one is stored back: memory has to be writable then, too. */
    const u8 *again = c->p;
    a_rr(c, ldxr(g, in), k->old, addr);
    a_rrr(c, A_SUBS | w, ZR, k->old, expect);
    a_csel(c, A_CSEL | w, k->t, fresh, k->old, CC_EQ);
    a_rr(c, stxr(g, in), k->t, addr);
    a_patch(a_cbz(c, A_CBNZ, SCR2), again - (c->p - 4));
    order_loop(g, in);
}

static void cas_pair(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 expect = use_reg(g, in->b), fresh = use_reg(g, in->c);
    u32 addr = atomic_address(g, i);
    if (addr != SCR) {
        a_mov(c, A_SF, SCR, addr);
        addr = SCR;
    }
    g->locked &= ~TEMPS_INT;
    for (u32 r = X0; r <= X3; r++)
        temp_take(g, r);
    a_rr(c, A_FMOV_RV | A_SF | A_FTYPE_64, X0, expect);
    a_rr(c, A_UMOV_D1, X1, expect);
    a_rr(c, A_FMOV_RV | A_SF | A_FTYPE_64, X2, fresh);
    a_rr(c, A_UMOV_D1, X3, fresh);
    if (have(FEAT_LSE)) {
        put32(c, 0x48207c00 | order_lse(g, in, 1u << 22, 1u << 15) | X0 << 16 | addr << 5 | X2); /* casp */
    } else {
        temp_take(g, X4);
        temp_take(g, X5);
        const u8 *again = c->p;
        put32(c, A_LDXP | order(g, in, 1u << 15, 0) | X5 << 10 | addr << 5 | X4);
        a_rrr(c, A_SUBS | A_SF, ZR, X4, X0);
        put32(c, 0xfa400000 | X1 << 16 | CC_EQ << 12 | X5 << 5); /* ccmp x5, x1, #0, eq */
        u8 *differs = a_bcc(c, CC_NE);
        put32(c, A_STXP | order(g, in, 0, 1u << 15) | SCR2 << 16 | X3 << 10 | addr << 5 | X2);
        u8 *over = a_b(c);
        a_here(c, differs); /* read as one only when it can be stored */
        put32(c, A_STXP | order(g, in, 0, 1u << 15) | SCR2 << 16 | X5 << 10 | addr << 5 | X4);
        a_here(c, over);
        a_patch(a_cbz(c, A_CBNZ, SCR2), again - (c->p - 4));
        order_loop(g, in);
        a_mov(c, A_SF, X0, X4);
        a_mov(c, A_SF, X1, X5);
    }
    u32 dst = def_reg(g, i, 0);
    a_rr(c, A_FMOV_VR | A_SF | A_FTYPE_64, dst, X0);
    a_rr(c, A_INS_D1, dst, X1);
    def_done(g, i, dst);
}

void emit_cas(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    g->changed = true;
    if (in->type == IR_I128) {
        cas_pair(g, i);
        return;
    }
    u32 expect = use_reg(g, in->b), fresh = use_zr(g, in->c), addr = atomic_address(g, i);
    struct cas k = cas_temps(g, in);
    cas_into(g, in, &k, addr, expect, fresh);
    result_old(g, i, k.old);
}

static void cold_sc_fail(struct gen *g, const struct cold *k)
{
    a_mov_imm(&g->c, k->r[0], 1);
    a_b_back(&g->c, k->back);
}

void emit_sc(struct gen *g, ir_ref i)
{
    const struct ir_ins *in = ins_of(g, i);
    struct code *c = &g->c;
    u32 size = in->aux & IR_MEM_SIZE, w = size == 3 ? A_SF : 0;
    g->changed = true;
    u32 where = use_reg(g, in->a), reserved = use_reg(g, in->c);
    a_rrr(c, A_EOR | A_SF, SCR2, where, reserved);
    g->locked = 0;
    u32 addr = atomic_address(g, i);
    if (addr != where)
        g->locked = 0;
    u32 expect = use_reg(g, in->d), fresh = use_zr(g, in->b);
    struct cas k = cas_temps(g, in);
    struct cold *fail = cold_new(g, cold_sc_fail, a_cbz(c, A_CBNZ | A_SF, SCR2));
    cas_into(g, in, &k, addr, expect, fresh);
    if (have(FEAT_LSE)) {
        if (size < 2) {
            narrow(g, SCR, expect, size, false);
            expect = SCR;
        }
        a_rrr(c, A_SUBS | w, ZR, k.old, expect);
    }
    a_cset(c, k.old, CC_NE);
    fail->r[0] = (u8)k.old;
    fail->back = c->p;
    def_from(g, i, k.old);
}

/* --- ordering --- */

void emit_fence(struct gen *g, ir_ref i)
{
    u32 bits = ins_of(g, i)->aux;
    bool pr = bits & IR_FENCE_PR, pw = bits & IR_FENCE_PW, sr = bits & IR_FENCE_SR, sw = bits & IR_FENCE_SW;
    if (g->u->alone || !(pr || pw) || !(sr || sw))
        return;
    if (!pw)
        put32(&g->c, A_DMB_ISHLD);
    else if (!pr && !sr)
        put32(&g->c, A_DMB_ISHST);
    else
        put32(&g->c, A_DMB_ISH);
}

void emit_pause(struct gen *g, ir_ref i)
{
    put32(&g->c, A_YIELD);
}

void emit_prefetch(struct gen *g, ir_ref i)
{
    put32(&g->c, A_PRFM | host_address(g, ins_of(g, i)->a, 0, false, 0, 0) << 5);
}
