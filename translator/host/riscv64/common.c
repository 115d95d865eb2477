/* Code that all translations share, and the ways in and out of it.
 *
 * Written once to the start of a code cache: entering and leaving, the ends of exits, calls into C. It
 * begins with struct common_head, through which everybody finds its parts and which slots are pinned where.
 *
 * Stack. sp is the engine's all the time, aligned as a call wants it, so calls into C just call; they run with the
 * guest's fcsr: the core uses no floating point.
 *
 * Floating point. Entering sets fcsr to the guest's rounding mode with the sticky flags clear; leaving keeps what it
 * gathered in vcpu.host_fp[1], from where rv_enter adds it to vcpu.fp_flags.
 *
 * A fault in translated code is unwound from the registers as they were: pinned ones to their slots, the return-address
 * stack's pointer to the vCPU, and the thread resumes behind the part of leaving that does this. */
#include "translator/host/riscv64/gen.h"

#include "mk/arch/riscv64/regs.h"

#include "lib/softfp/softfp.h"
#include "lib/str.h"
#include "translator/ir/fp_eval.h"
#include "translator/ir/vec_eval.h"

#define FFLAGS 31u /* of fcsr; they are IR_FLAG_* */
#define FRM    5   /* shift of the rounding mode, which is numbered as enum ir_round */

#define RAS_DEPTH 4 /* how far a return looks below the top of the stack */

/* Those that C keeps come first: less is moved around calls of software. */
const u8 rv_pinned[2][NPINNED_MAX] = {
    [IR_CLASS_INT] = {S3, S4, S5, S6, S7, S8, S9, S10, S11, A6, A7, T0, T1, T2, T3, T4, T5},
    [IR_CLASS_FLOAT] = {F0 + 8,  F0 + 9,  F0 + 18, F0 + 19, F0 + 20, F0 + 21, F0 + 22, F0 + 23, F0 + 24,
                        F0 + 25, F0 + 26, F0 + 27, F0 + 6,  F0 + 7,  F0 + 10, F0 + 11, F0 + 12, F0 + 13,
                        F0 + 14, F0 + 15, F0 + 16, F0 + 17, F0 + 28, F0 + 29, F0 + 30},
};

/* Does a C function leave register r as it was? */
static bool callee_saved(u32 r)
{
    u32 n = r & 31;
    return n == 8 || n == 9 || (n >= 18 && n <= 27); /* s and fs alike */
}

u32 rv_pins(const struct ir_slots *slots, struct pin *pin)
{
    u32 n = 0;
    for (u32 s = 0; s < slots->n; s++) {
        const struct ir_slot *t = &slots->slot[s];
        u32 max = t->cls == IR_CLASS_INT ? NPINNED_INT : NPINNED_FLOAT;
        if (t->rank == 0 || t->rank > max || is_wide(t->type) || t->type == IR_F16)
            continue;
        dgm_assert(is_float(t->type) == (t->cls == IR_CLASS_FLOAT), "slot %s: class and type", t->name);
        pin[n++] = (struct pin){
            .reg = rv_pinned[t->cls][t->rank - 1], .type = t->type, .slot = (u16)s, .off = SLOT_OFF(t->offset)};
    }
    return n;
}

/* --- the code --- */

struct asmb {
    struct code c;
    struct common_head *head;
};

static void label(struct asmb *a, u32 id)
{
    a->head->off[id] = code_off(&a->c);
}

/* Moves pinned slots between registers and memory: all, or those that a C function may change. */
static void pins(struct asmb *a, bool store, bool all)
{
    for (u32 i = 0; i < a->head->npins; i++) {
        const struct pin *p = &a->head->pin[i];
        if (!all && callee_saved(p->reg))
            continue;
        if (store)
            x_store(&a->c, store_op(p->type), p->reg, VCPU, p->off);
        else
            x_load(&a->c, load_op(p->type), p->reg, VCPU, p->off);
    }
}

static void ret(struct asmb *a)
{
    x_i(&a->c, JALR, ZERO, RA, 0);
}
static void jmp_label(struct asmb *a, u32 id)
{
    x_jmp_common(&a->c, a->head->off[id]);
}

/* The registers that C wants back, in a frame of the engine's stack. */
static void frame(struct asmb *a, bool store)
{
    struct code *c = &a->c;
    s32 off = 0;
    for (u32 r = 0; r < NREGS; r++) {
        if (r != RA && !callee_saved(r))
            continue;
        u32 op = r >= F0 ? (store ? FSD : FLD) : (store ? SD : LD);
        if (store)
            x_store(c, op, r, SP, off);
        else
            x_load(c, op, r, SP, off);
        off += 8;
    }
}
#define FRAME 208 /* ra, twelve s, twelve fs, aligned to 16 */

static void enter_and_leave(struct asmb *a)
{
    struct code *c = &a->c;
    label(a, C_ENTER);
    x_i(c, ADDI, SP, SP, -FRAME);
    frame(a, true);
    x_i(c, ADDI, VCPU, A0, VBASE / 2);
    x_i(c, ADDI, VCPU, VCPU, VBASE / 2);
    x_load(c, LD, RAS, VCPU, VOFF(ras_sp));
    x_load(c, LD, BASE, VCPU, VOFF(mem_base));
    x_load(c, LW, SCR, VCPU, VOFF(host_fp[0]));
    x_csr(c, CSRRW, ZERO, CSR_FCSR, SCR);
    pins(a, false, true);
    x_i(c, JALR, ZERO, A1, 0);

    label(a, C_LEAVE);
    pins(a, true, true);
    x_store(c, SD, RAS, VCPU, VOFF(ras_sp));
    x_csr(c, CSRRS, SCR, CSR_FCSR, ZERO);
    x_store(c, SW, SCR, VCPU, VOFF(host_fp[1]));
    label(a, C_LEAVE_TAIL);
    x_csr(c, CSRRW, ZERO, CSR_FCSR, ZERO);
    frame(a, false);
    x_i(c, ADDI, SP, SP, FRAME);
    ret(a);
}

static void leave_with(struct asmb *a, u32 exit)
{
    x_li(&a->c, SCR, exit);
    x_store(&a->c, SW, SCR, VCPU, VOFF(exit));
    jmp_label(a, C_LEAVE);
}

static void ends_of_exits(struct asmb *a)
{
    struct code *c = &a->c;
    label(a, C_LINK);
    x_store(c, SW, A0, VCPU, VOFF(exit_id));
    leave_with(a, VCPU_LINK);

    label(a, C_POLL);
    leave_with(a, VCPU_POLL);

    label(a, C_LOOKUP);
    x_store(c, SD, A0, VCPU, VOFF(pc));
    leave_with(a, VCPU_LOOKUP);

    label(a, C_TRAP);
    x_store(c, SW, A0, VCPU, VOFF(trap));
    leave_with(a, VCPU_TRAP);

    label(a, C_MISALIGNED);
    x_store(c, SD, A0, VCPU, VOFF(fault.addr));
    x_store(c, SH, A1, VCPU, VOFF(fault.kind));
    label(a, C_FAULT);
    leave_with(a, VCPU_FAULT);

    label(a, C_RETURN);
    /* Frames that a longjmp left out lie on top. The sentinels keep this inside the stack. */
    _Static_assert(VCPU_RAS_SENTINELS > RAS_DEPTH, "an empty return-address stack is looked through");
    u8 *deeper[RAS_DEPTH];
    for (s32 k = 0; k < RAS_DEPTH; k++) {
        x_load(c, LD, SCR, RAS, 16 * (k + 1) + 8);
        deeper[k] = x_b(c, BEQ, SCR, A0);
    }
    x_store(c, SD, A0, VCPU, VOFF(pc));
    x_load(c, LW, SCR, VCPU, VOFF(poll));
    u8 *polled = x_b(c, BNE, SCR, ZERO);
    x_i(c, SLLI, A1, A0, 63 - VCPU_JC_BITS);
    x_i(c, SRLI, A1, A1, 63 - VCPU_JC_BITS - 3);
    x_r(c, ADD, A1, A1, VCPU);
    x_load(c, LD, SCR, A1, VOFF(jc[0].pc));
    u8 *missed = x_b(c, BNE, SCR, A0);
    x_load(c, LD, SCR, A1, VOFF(jc[0].code));
    x_i(c, JALR, ZERO, SCR, 0);
    x_here(c, polled);
    jmp_label(a, C_POLL);
    x_here(c, missed);
    jmp_label(a, C_LOOKUP);
    for (s32 k = 0; k < RAS_DEPTH; k++) {
        x_here(c, deeper[k]);
        x_load(c, LD, RA, RAS, 16 * (k + 1));
        x_i(c, ADDI, RAS, RAS, 16 * (k + 2));
        ret(a);
    }
}

/* a0 = the vCPU; calls the function in t6. */
static void call_c(struct asmb *a)
{
    struct code *c = &a->c;
    x_i(c, ADDI, A0, VCPU, -VBASE);
    x_i(c, JALR, RA, SCR, 0);
}

static void calls(struct asmb *a)
{
    struct code *c = &a->c;
    s32 ra = SPILL_OFF(SAVE_INT + NTEMPS_INT);

    label(a, C_CALL_FP);
    x_csr(c, CSRRW, A0, CSR_FFLAGS, ZERO);
    x_load(c, LW, A1, VCPU, VOFF(fp_flags));
    x_r(c, OR, A0, A0, A1);
    x_store(c, SW, A0, VCPU, VOFF(fp_flags));
    label(a, C_CALL);
    x_store(c, SD, RA, VCPU, ra);
    pins(a, true, true);
    for (u32 n = 0; n < 4; n++)
        x_load(c, LD, A1 + n, VCPU, VOFF(scratch) + 8 * (s32)n);
    call_c(a);
    pins(a, false, true);
    x_load(c, LD, RA, VCPU, ra);
    ret(a);

    label(a, C_VCALL);
    x_store(c, SD, RA, VCPU, ra);
    pins(a, true, false);
    call_c(a);
    pins(a, false, false);
    x_load(c, LD, RA, VCPU, ra);
    ret(a);

    label(a, C_SOFT);
    x_store(c, SD, RA, VCPU, ra);
    for (u32 i = 0; i < NTEMPS_INT; i++)
        x_store(c, SD, A0 + i, VCPU, SPILL_OFF(SAVE_INT + i));
    for (u32 i = 0; i < NTEMPS_FLOAT; i++)
        x_store(c, FSD, F0 + i, VCPU, SPILL_OFF(SAVE_FLOAT + i));
    pins(a, true, false);
    void (*fn)(struct vcpu *) = rv_soft;
    x_li(c, SCR, (s64)(uintptr_t)fn);
    call_c(a);
    pins(a, false, false);
    for (u32 i = 0; i < NTEMPS_INT; i++)
        x_load(c, LD, A0 + i, VCPU, SPILL_OFF(SAVE_INT + i));
    for (u32 i = 0; i < NTEMPS_FLOAT; i++)
        x_load(c, FLD, F0 + i, VCPU, SPILL_OFF(SAVE_FLOAT + i));
    x_load(c, LD, RA, VCPU, ra);
    ret(a);
}

size_t rv_common(u8 *rw, const u8 *rx, size_t cap, const struct ir_slots *slots)
{
    if (cap < 8192)
        return 0;
    struct asmb a = {
        .c = {.p = rw + sizeof(struct common_head), .base = rw, .end = rw + cap, .rx = rx, .common = rx},
        .head = (struct common_head *)(void *)rw,
    };
    memset(a.head, 0, sizeof *a.head);
    a.head->npins = rv_pins(slots, a.head->pin);
    enter_and_leave(&a);
    ends_of_exits(&a);
    calls(&a);
    size_t size = (size_t)(a.c.p - rw);
    dgm_assert(size <= 8192, "the common code has grown to %zu bytes", size);
    return size;
}

/* --- entering, faults --- */

void rv_enter(struct vcpu *v, const void *code, const void *common)
{
    const struct common_head *h = common;
    void (*fn)(struct vcpu *, const void *);
    uintptr_t addr = (uintptr_t)common + h->off[C_ENTER];
    memcpy(&fn, &addr, sizeof fn);
    v->host_fp[0] = v->fp_round << FRM;
    fn(v, code);
    v->fp_flags |= v->host_fp[1] & FFLAGS;
}

bool rv_own_fault(struct vcpu *v, struct mk_regs *regs, hva_t addr)
{
    hva_t base = (hva_t)v->ras_base;
    if (addr >= base || base - addr > 16 || regs->gpr[RAS] - base > 16)
        return false;
    regs->gpr[RAS] = base + v->ras_size - 16 * VCPU_RAS_SENTINELS;
    return true;
}

/* What the engine was told about the fault, mended where the host's emulator does not know the address: then it is that
 * of the access. */
static void mend_fault(struct vcpu *v, const struct mk_regs *regs)
{
    u32 w;
    memcpy(&w, (const void *)regs->pc, 4);
    if ((w & 0x7f) == 0x2f && (w >> 15 & 31) == RA) { /* AMO: a narrow one, by way of the word around it */
        v->fault.addr = v->scratch[0];
        return;
    }
    s64 imm = 0;
    if ((w & 0x7b) == 0x03) /* LOAD, LOAD-FP */
        imm = (s32)w >> 20;
    else if ((w & 0x7b) == 0x23) /* STORE, STORE-FP */
        imm = (s32)(w & 0xfe000000) >> 20 | (s32)(w >> 7 & 31);
    u64 at = regs->gpr[w >> 15 & 31] + (u64)imm - v->mem_base;
    if (v->fault.addr - at >= 16)
        v->fault.addr = at;
}

void rv_unwind(struct vcpu *v, struct mk_regs *regs, const void *common)
{
    const struct common_head *h = common;
    for (u32 i = 0; i < h->npins; i++) {
        const struct pin *p = &h->pin[i];
        u8 *slot = (u8 *)v + VBASE + p->off;
        const u64 *r = p->reg < F0 ? &regs->gpr[p->reg] : &regs->fpr[p->reg - F0];
        memcpy(slot, r, ir_bits(p->type) / 8);
    }
    mend_fault(v, regs);
    v->ras_sp = (void *)regs->gpr[RAS];
    v->fp_flags |= regs->fcsr & FFLAGS;
    v->host_fp[1] = 0;
    regs->pc = (u64)(uintptr_t)common + h->off[C_LEAVE_TAIL];
}

/* --- floating point in software --- */

void rv_soft(struct vcpu *v)
{
    u64 d = v->scratch[3];
    if (ir_is_vec_op(d & 0xff)) {
        rv_vec_op(v);
        return;
    }
    u32 type = d >> 8 & 0xff, from = d >> 16 & 0xff;
    u64 mask = ir_bits(from) == 64 ? ~0ull : (1ull << ir_bits(from)) - 1;
    struct sfp env = {.round = (u8)v->fp_round};
    v->scratch[0] = ir_eval_fp(d & 0xff, type, from, (u32)(d >> 32), v->scratch[0] & mask, v->scratch[1] & mask,
                               v->scratch[2] & mask, &env);
    v->fp_flags |= env.flags;
}
