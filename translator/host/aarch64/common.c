/* Code that all translations share, and the ways in and out of it.
 *
 * Written once to the start of a code cache: entering and leaving, the ends of exits, calls into C. It begins with
 * struct common_head, through which everybody finds its parts and which slots are pinned where.
 *
 * Stacks. sp stays the engine's own stack, so calls into C need no change of it; the return-address stack has a
 * register of its own. While translated code runs, the engine's frame holds what C wants kept: x19-x30 and d8-d15.
 *
 * Floating point. Entering sets fpcr to the guest's rounding mode and fpsr to 0; leaving keeps what it gathered in
 * vcpu.host_fp[1], from where entering (entry.c) adds it to vcpu.fp_flags. Calls into C run with the guest's fpcr: the
 * core uses no floating point.
 *
 * A fault in translated code is unwound from the registers as they were: pinned ones to their slots, the return-address
 * stack's pointer to the vCPU, and the thread resumes behind the part of leaving that does this. */
#include "translator/host/common/entry.h"
#include "translator/host/aarch64/gen.h"

#include "mk/arch/aarch64/regs.h"

#include "lib/str.h"
#include "translator/ir/vec_eval.h"

#define FPSR_UF 8u

const u8 host_pinned[IR_NCLASSES][NPINNED_MAX] = {
    [IR_CLASS_INT] = {19, 20, 21, 22, 23, 24, 25, 29, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 18},
    [IR_CLASS_FLOAT] = {V0 + 8,  V0 + 9,  V0 + 10, V0 + 11, V0 + 12, V0 + 13, V0 + 14, V0 + 15,
                        V0 + 6,  V0 + 7,  V0 + 16, V0 + 17, V0 + 18, V0 + 19, V0 + 20, V0 + 21,
                        V0 + 22, V0 + 23, V0 + 24, V0 + 25, V0 + 26, V0 + 27, V0 + 28, V0 + 29},
};

/* fpcr for a rounding mode; ties away from zero, which it lacks, never reaches it. */
u32 fp_control(u32 round, u32 traps)
{
    static const u8 mode[] = {[IR_RNE] = 0, [IR_RUP] = 1, [IR_RDN] = 2, [IR_RTZ] = 3};
    return round < ARRAY_LEN(mode) ? (u32)mode[round] << 22 : 0;
}

/* fpsr's flags as IR_FLAG_*: invalid 1, divide by zero 2, overflow 4, underflow 8, inexact 16; the IR counts from the
 * other end. */
u32 fp_flags(u32 fpsr)
{
    return (fpsr & 1 ? IR_FLAG_NV : 0) | (fpsr & 2 ? IR_FLAG_DZ : 0) | (fpsr & 4 ? IR_FLAG_OF : 0) |
           (fpsr & 8 ? IR_FLAG_UF : 0) | (fpsr & 16 ? IR_FLAG_NX : 0);
}

/* --- the code --- */

bool pins_type(u32 type)
{
    return type != IR_F16;
}

bool c_keeps(const struct pin *p)
{
    if (p->reg < V0)
        return p->reg >= X19;
    return p->reg >= V0 + 8 && p->reg <= V0 + 15 && p->type != IR_V128 && p->type != IR_I128;
}

void move_pin(struct code *c, const struct pin *p, bool store)
{
    a_vcpu(c, store ? store_op(p->type) : load_op(p->type), p->reg, (u32)p->off);
}

static void b_label(struct asmb *a, u32 id)
{
    a_common(&a->c, A_B, a->head->off[id]);
}

/* The frame of the engine: x19-x30, d8-d15. */
#define FRAME 160

static void frame(struct asmb *a, bool save)
{
    struct code *c = &a->c;
    for (u32 i = 0; i < 6; i++)
        a_pair(c, save ? A_STP : A_LDP, X19 + 2 * i, X19 + 2 * i + 1, ZR, (s32)(16 * i));
    for (u32 i = 0; i < 8; i++)
        a_mem(c, save ? a_str_v(3) : a_ldr_v(3), V0 + 8 + i, ZR, 96 + 8 * i);
}

static void enter_and_leave(struct asmb *a)
{
    struct code *c = &a->c;
    label(a, C_ENTER);
    a_add_imm(c, A_SUB_IMM | A_SF, ZR, ZR, FRAME); /* sp */
    frame(a, true);
    a_mov(c, A_SF, VCPU, X0);
    a_mov(c, A_SF, LINK, X1);
    a_vcpu(c, a_ldr(3), RAS, VOFF(ras_sp));
    a_vcpu(c, a_ldr(3), BASE, VOFF(mem_base));
    a_vcpu(c, a_ldr(2), X0, VOFF(host_fp[0]));
    put32(c, A_MSR_FPCR | X0);
    put32(c, A_MSR_FPSR | ZR);
    pins(a, false, false);
    put32(c, A_BR | LINK << 5);

    label(a, C_LEAVE);
    pins(a, true, false);
    a_vcpu(c, a_str(3), RAS, VOFF(ras_sp));
    put32(c, A_MRS_FPSR | X0);
    a_vcpu(c, a_str(2), X0, VOFF(host_fp[1]));
    label(a, C_LEAVE_TAIL);
    put32(c, A_MSR_FPCR | ZR);
    put32(c, A_MSR_FPSR | ZR);
    frame(a, false);
    a_add_imm(c, A_ADD_IMM | A_SF, ZR, ZR, FRAME); /* sp */
    put32(c, A_RET | LINK << 5);
}

static void leave_with(struct asmb *a, u32 exit)
{
    a_mov_imm(&a->c, SCR, exit);
    a_vcpu(&a->c, a_str(2), SCR, VOFF(exit));
    b_label(a, C_LEAVE);
}

static void ends_of_exits(struct asmb *a)
{
    struct code *c = &a->c;
    label(a, C_LINK);
    a_vcpu(c, a_str(2), X0, VOFF(exit_id));
    a_vcpu(c, a_str(3), X1, VOFF(pc));
    leave_with(a, VCPU_LINK);

    label(a, C_POLL);
    a_vcpu(c, a_str(3), X0, VOFF(pc));
    leave_with(a, VCPU_POLL);

    label(a, C_LOOKUP);
    a_vcpu(c, a_str(3), X0, VOFF(pc));
    leave_with(a, VCPU_LOOKUP);

    label(a, C_TRAP);
    a_vcpu(c, a_str(2), X0, VOFF(trap));
    a_vcpu(c, a_str(3), X1, VOFF(pc));
    leave_with(a, VCPU_TRAP);

    label(a, C_MISALIGNED);
    a_vcpu(c, a_str(3), X0, VOFF(fault.addr));
    a_vcpu(c, a_str(1), X1, VOFF(fault.kind));
    a_vcpu(c, a_str(3), X2, VOFF(pc));
    leave_with(a, VCPU_FAULT);

    label(a, C_RETURN_NONE);
    a_add_imm(c, A_SUB_IMM | A_SF, RAS, RAS, 16);
    a_mov_imm(c, X0, VCPU_RAS_NONE);
    label(a, C_RETURN);
    a_mov_imm(c, SCR, VCPU_RAS_NONE);
    a_rrr(c, A_SUBS | A_SF, ZR, SCR, X0);
    u8 *is_none = a_bcc(c, CC_EQ);
    /* Frames that a longjmp left out lie on top. The sentinels keep this inside the stack. */
    u8 *deeper[RAS_DEPTH];
    for (s32 k = 0; k < RAS_DEPTH; k++) {
        a_mem(c, a_ldr(3), SCR, RAS, 16 * (k + 1) + 8);
        a_rrr(c, A_SUBS | A_SF, ZR, SCR, X0);
        deeper[k] = a_bcc(c, CC_EQ);
    }
    lead_here(c, is_none);
    a_vcpu(c, a_ldr(2), SCR, VOFF(poll));
    u8 *polled = a_cbz(c, A_CBNZ, SCR);
    jump_cache_at(c, SCR, X0);
    a_mov_imm(c, SCR2, VOFF(jc));
    a_rrr(c, A_ADD | A_SF, SCR, SCR, SCR2);
    a_pair(c, A_LDP, SCR2, SCR, SCR, 0);
    a_rrr(c, A_SUBS | A_SF, ZR, SCR2, X0);
    u8 *missed = a_bcc(c, CC_NE);
    put32(c, A_BR | SCR << 5);
    a_here(c, polled);
    b_label(a, C_POLL);
    a_here(c, missed);
    b_label(a, C_LOOKUP);
    for (s32 k = 0; k < RAS_DEPTH; k++) {
        a_here(c, deeper[k]);
        a_mem(c, a_ldr(3), LINK, RAS, 16 * (k + 1));
        a_add_imm(c, A_ADD_IMM | A_SF, RAS, RAS, 16 * (u64)(k + 2));
        put32(c, A_RET | LINK << 5);
    }
}

/* Gathers fpsr's sticky flags in vcpu.fp_flags and clears them. Uses x0, x1. */
static void gather_flags(struct asmb *a)
{
    struct code *c = &a->c;
    put32(c, A_MRS_FPSR | X0);
    a_rr(c, A_RBIT, X0, X0);
    a_lsr(c, 0, X0, X0, 27);
    a_vcpu(c, a_ldr(2), X1, VOFF(fp_flags));
    a_rrr(c, A_ORR, X1, X1, X0);
    a_vcpu(c, a_str(2), X1, VOFF(fp_flags));
    put32(c, A_MSR_FPSR | ZR);
}

static void calls(struct asmb *a)
{
    struct code *c = &a->c;

    label(a, C_CALL_FP);
    gather_flags(a);
    label(a, C_CALL);
    a_vcpu(c, a_str(3), LINK, SPILL_OFF(SAVE_INT + 6));
    pins(a, true, false);
    a_mov(c, A_SF, X0, VCPU);
    for (u32 i = 0; i < 4; i++)
        a_vcpu(c, a_ldr(3), X1 + i, VOFF(scratch) + 8 * i);
    put32(c, A_BLR | SCR << 5);
    a_vcpu(c, a_ldr(3), LINK, SPILL_OFF(SAVE_INT + 6));
    pins(a, false, false);
    put32(c, A_RET | LINK << 5);

    label(a, C_SOFT);
    a_vcpu(c, a_str(3), LINK, SPILL_OFF(SAVE_INT + 6));
    for (u32 i = 0; i < NTEMPS_INT; i++)
        a_vcpu(c, a_str(3), X0 + i, SPILL_OFF(SAVE_INT + i));
    for (u32 i = 0; i < NTEMPS_FLOAT; i++)
        a_vcpu(c, A_STR_Q, V0 + i, SPILL_OFF(SAVE_FLOAT + 2 * i));
    pins(a, true, true);
    a_mov(c, A_SF, X0, VCPU);
    put32(c, A_BLR | SCR << 5);
    pins(a, false, true);
    for (u32 i = 0; i < NTEMPS_INT; i++)
        a_vcpu(c, a_ldr(3), X0 + i, SPILL_OFF(SAVE_INT + i));
    for (u32 i = 0; i < NTEMPS_FLOAT; i++)
        a_vcpu(c, A_LDR_Q, V0 + i, SPILL_OFF(SAVE_FLOAT + 2 * i));
    a_vcpu(c, a_ldr(3), LINK, SPILL_OFF(SAVE_INT + 6));
    put32(c, A_RET | LINK << 5);
}

void common_code(struct asmb *a)
{
    while (code_off(&a->c) & 15)
        put32(&a->c, 0);
    enter_and_leave(a);
    ends_of_exits(a);
    calls(a);
}

void fetch_anew(void)
{
    __asm__ volatile("isb" ::: "memory");
}

/* --- faults --- */

/* Does the instruction belong to an atomic access, which counts as a write whichever part of it faulted? */
static bool is_atomic(u32 w)
{
    if ((w & 0x3f000000) == 0x08000000) /* exclusive and compare-and-swap, but for ldar and stlr */
        return (w & 0x00a00000) != 0x00800000;
    return (w & 0x3b200c00) == 0x38200000;
}

/* The address that an instruction which this backend emitted for guest memory accesses. */
static u64 address_of(u32 w, const struct mk_regs *regs)
{
    u32 n = w >> 5 & 31, m = w >> 16 & 31;
    u64 base = n == ZR ? regs->sp : regs->gpr[n];
    if ((w & 0x3b200c00) == 0x38200800) /* [n + m] */
        return base + (m == ZR ? 0 : regs->gpr[m]);
    if ((w & 0x3b000000) == 0x39000000) /* [n + scaled] */
        return base + ((u64)(w >> 10 & 0xfff) << a_access_size(w));
    if ((w & 0x3b200c00) == 0x38000000) /* [n + signed] */
        return base + (u64)bit_field_signed(w, 12, 9);
    return base;
}

/* What the engine was told about the fault, mended where the host tells less than there is to know: it leaves out the
 * top byte of an address, or tells none where it is not one at all. */
void mend_fault(struct vcpu *v, const struct mk_regs *regs)
{
    u32 w;
    memcpy(&w, (const void *)regs->pc, sizeof w);
    if (is_atomic(w))
        v->fault.access = VCPU_WRITE;
    u64 addr = address_of(w, regs);
    s64 top = (s64)addr >> 47;
    if (top != 0 && top != -1)
        v->fault.addr = addr - v->mem_base;
}

/* --- software --- */

void a64_soft(struct vcpu *v)
{
    u64 d = v->scratch[0];
    u64 *arg = v->spill + SOFT_ARGS;
    if (ir_is_vec_op(d & 0xff)) {
        soft_vec(v, d, v->scratch[1], arg, arg + 6);
    } else {
        arg[6] = soft_fp(v, d, arg[0], arg[2], arg[4]);
        arg[7] = 0;
    }
}

static u64 read_fpsr(void)
{
    u64 r;
    __asm__ volatile("mrs %0, fpsr" : "=r"(r));
    return r;
}
static void write_fpsr(u64 x)
{
    __asm__ volatile("msr fpsr, %0" : : "r"(x));
}

void a64_soft_tiny(struct vcpu *v)
{
    a64_soft(v);
    write_fpsr(read_fpsr() & ~(u64)FPSR_UF);
}

void a64_vcall(struct vcpu *v)
{
    const struct ir_helper *h = (const struct ir_helper *)v->scratch[0];
    u64 *arg = v->spill + SOFT_ARGS;
    u128 in[3], r;
    memcpy(in, arg, sizeof in);
    if (h->flags & IR_HELPER_FP) {
        v->fp_flags |= fp_flags((u32)read_fpsr());
        write_fpsr(0);
    }
    h->vfn(v, &r, &in[0], &in[1], &in[2], v->scratch[1]);
    memcpy(arg + 6, &r, sizeof r);
}

const void *reg_in(const struct mk_regs *regs, u32 r)
{
    return r < V0 ? (const void *)&regs->gpr[r] : &regs->vec[r - V0];
}

u64 *ras_in(struct mk_regs *regs)
{
    return &regs->gpr[RAS];
}

u32 fp_in(const struct mk_regs *regs)
{
    return regs->fpsr;
}

void resume_at(struct vcpu *v, struct mk_regs *regs, uintptr_t to)
{
    regs->pc = to;
}
