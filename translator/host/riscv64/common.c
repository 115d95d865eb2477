/* Code that all translations share, and the ways in and out of it.
 *
 * Written once to the start of a code cache: entering and leaving, the ends of exits, calls into C. It
 * begins with struct common_head, through which everybody finds its parts and which slots are pinned where.
 *
 * Stack. sp is the engine's all the time, aligned as a call wants it, so calls into C just call; they run with the
 * guest's fcsr: the core uses no floating point.
 *
 * Floating point. Entering sets fcsr to the guest's rounding mode with the sticky flags clear; leaving keeps what it
 * gathered in vcpu.host_fp[1], from where entering (entry.c) adds it to vcpu.fp_flags.
 *
 * A fault in translated code is unwound from the registers as they were: pinned ones to their slots, the return-address
 * stack's pointer to the vCPU, and the thread resumes behind the part of leaving that does this. */
#include "translator/host/common/entry.h"
#include "translator/host/riscv64/gen.h"

#include "mk/arch/riscv64/regs.h"

#include "lib/str.h"
#include "translator/ir/vec_eval.h"

#define FFLAGS 31u /* of fcsr; they are IR_FLAG_* */
#define FRM    5   /* shift of the rounding mode, which is numbered as enum ir_round */

/* Those that C keeps come first: less is moved around calls of software. */
const u8 host_pinned[IR_NCLASSES][NPINNED_MAX] = {
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

/* --- the code --- */

bool pins_type(u32 type)
{
    return !is_wide(type) && type != IR_F16;
}

bool c_keeps(const struct pin *p)
{
    return callee_saved(p->reg);
}

void move_pin(struct code *c, const struct pin *p, bool store)
{
    if (store)
        x_store(c, store_op(p->type), p->reg, VCPU, p->off);
    else
        x_load(c, load_op(p->type), p->reg, VCPU, p->off);
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
    pins(a, false, false);
    x_i(c, JALR, ZERO, A1, 0);

    label(a, C_LEAVE);
    pins(a, true, false);
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

    label(a, C_RETURN_NONE);
    x_i(c, ADDI, RAS, RAS, -16);
    x_i(c, ADDI, A0, ZERO, VCPU_RAS_NONE);
    label(a, C_RETURN);
    x_i(c, ADDI, SCR, ZERO, VCPU_RAS_NONE);
    u8 *is_none = x_b(c, BEQ, SCR, A0);
    /* Frames that a longjmp left out lie on top. The sentinels keep this inside the stack. */
    u8 *deeper[RAS_DEPTH];
    for (s32 k = 0; k < RAS_DEPTH; k++) {
        x_load(c, LD, SCR, RAS, 16 * (k + 1) + 8);
        deeper[k] = x_b(c, BEQ, SCR, A0);
    }
    lead_here(c, is_none);
    x_store(c, SD, A0, VCPU, VOFF(pc));
    x_load(c, LW, SCR, VCPU, VOFF(poll));
    u8 *polled = x_b(c, BNE, SCR, ZERO);
    jump_cache_at(c, A1, A0);
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
static void call_sub(struct asmb *a)
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
    pins(a, true, false);
    for (u32 n = 0; n < 4; n++)
        x_load(c, LD, A1 + n, VCPU, VOFF(scratch) + 8 * (s32)n);
    call_sub(a);
    pins(a, false, false);
    x_load(c, LD, RA, VCPU, ra);
    ret(a);

    label(a, C_VCALL);
    x_store(c, SD, RA, VCPU, ra);
    pins(a, true, true);
    call_sub(a);
    pins(a, false, true);
    x_load(c, LD, RA, VCPU, ra);
    ret(a);

    label(a, C_SOFT);
    x_store(c, SD, RA, VCPU, ra);
    for (u32 i = 0; i < NTEMPS_INT; i++)
        x_store(c, SD, A0 + i, VCPU, SPILL_OFF(SAVE_INT + i));
    for (u32 i = 0; i < NTEMPS_FLOAT; i++)
        x_store(c, FSD, F0 + i, VCPU, SPILL_OFF(SAVE_FLOAT + i));
    pins(a, true, true);
    void (*fn)(struct vcpu *) = rv_soft;
    x_li(c, SCR, (s64)(uintptr_t)fn);
    call_sub(a);
    pins(a, false, true);
    for (u32 i = 0; i < NTEMPS_INT; i++)
        x_load(c, LD, A0 + i, VCPU, SPILL_OFF(SAVE_INT + i));
    for (u32 i = 0; i < NTEMPS_FLOAT; i++)
        x_load(c, FLD, F0 + i, VCPU, SPILL_OFF(SAVE_FLOAT + i));
    x_load(c, LD, RA, VCPU, ra);
    ret(a);
}

void common_code(struct asmb *a)
{
    enter_and_leave(a);
    ends_of_exits(a);
    calls(a);
}

u32 fp_control(u32 round, u32 traps)
{
    return round << FRM;
}

u32 fp_flags(u32 fcsr)
{
    return fcsr & FFLAGS;
}

void fetch_anew(void)
{
}

/* --- faults --- */

/* What the engine was told about the fault, mended where the host's emulator does not know the address: then it is that
 * of the access. */
void mend_fault(struct vcpu *v, const struct mk_regs *regs)
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

/* --- floating point in software --- */

void rv_soft(struct vcpu *v)
{
    u64 d = v->scratch[3];
    if (ir_is_vec_op(d & 0xff))
        rv_vec_op(v);
    else
        v->scratch[0] = soft_fp(v, d, v->scratch[0], v->scratch[1], v->scratch[2]);
}

const void *reg_in(const struct mk_regs *regs, u32 r)
{
    return r < F0 ? (const void *)&regs->gpr[r] : &regs->fpr[r - F0];
}

u64 *ras_in(struct mk_regs *regs)
{
    return &regs->gpr[RAS];
}

u32 fp_in(const struct mk_regs *regs)
{
    return regs->fcsr;
}

void resume_at(struct vcpu *v, struct mk_regs *regs, uintptr_t to)
{
    regs->pc = to;
}
