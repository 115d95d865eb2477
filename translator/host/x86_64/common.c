/* Code that all translations share, and the ways in and out of it.
 *
 * Written once to the start of a code cache: entering and leaving, the ends of exits, calls into C, constants. It
 * begins with struct common_head, through which everybody finds its parts and which slots are pinned where.
 *
 * Stacks. Entering puts the engine's stack pointer into vcpu.host_sp (aligned as a call wants it) and takes rsp from
 * vcpu.ras_sp; leaving swaps back. Calls into C run on the engine's stack, with the guest's mxcsr: the core uses no
 * floating point.
 *
 * Floating point. Entering sets mxcsr to the guest's rounding mode with the sticky flags clear; leaving keeps what it
 * gathered in vcpu.host_fp[1], from where entering (entry.c) adds it to vcpu.fp_flags.
 *
 * A fault in translated code is unwound from the registers as they were: pinned ones to their slots, the return-address
 * stack's pointer to the vCPU, and the thread resumes behind the part of leaving that does this. */
#include "translator/host/common/entry.h"
#include "translator/host/x86_64/gen.h"

#include "mk/arch/x86_64/regs.h"

#include "lib/str.h"
#include "translator/ir/vec_eval.h"

#define MXCSR_DEFAULT MXCSR_MASKS /* nearest */

const u8 host_pinned[IR_NCLASSES][NPINNED_MAX] = {
    [IR_CLASS_INT] = {RSI, RDI, R8, R9, R10, R11, R14, R15, R13, R12},
    [IR_CLASS_FLOAT] = {XMM4, XMM4 + 1, XMM4 + 2, XMM4 + 3, XMM4 + 4, XMM4 + 5, XMM4 + 6, XMM4 + 7, XMM4 + 8, XMM4 + 9,
                        XMM4 + 10, XMM4 + 11},
};

/* Ties away from zero, which mxcsr lacks, never reach it. */
u32 fp_control(u32 round, u32 traps)
{
    static const u8 rc[] = {[IR_RNE] = 0, [IR_RTZ] = 3, [IR_RDN] = 1, [IR_RUP] = 2};
    const u32 open = (traps & IR_FLAG_NV ? 1u : 0) | (traps & IR_FLAG_DZ ? 4 : 0) | (traps & IR_FLAG_OF ? 8 : 0) |
                     (traps & IR_FLAG_UF ? 16 : 0) | (traps & IR_FLAG_NX ? 32 : 0);
    return (MXCSR_MASKS & ~(open << 7)) | (round < ARRAY_LEN(rc) ? (u32)rc[round] << 13 : 0);
}

/* mxcsr's flags as IR_FLAG_*: invalid 1, denormal 2, divide by zero 4, overflow 8, underflow 16, inexact 32. */
u32 fp_flags(u32 mxcsr)
{
    return (mxcsr & 1 ? IR_FLAG_NV : 0) | (mxcsr & 4 ? IR_FLAG_DZ : 0) | (mxcsr & 8 ? IR_FLAG_OF : 0) |
           (mxcsr & 16 ? IR_FLAG_UF : 0) | (mxcsr & 32 ? IR_FLAG_NX : 0);
}

/* --- the code --- */

static struct opnd at(s32 off)
{
    return o_vcpu(off);
}

bool pins_type(u32 type)
{
    return type != IR_F16;
}

bool c_keeps(const struct pin *p)
{
    return p->reg >= R12 && p->reg < XMM0;
}

void move_pin(struct code *c, const struct pin *p, bool store)
{
    static const u32 load[IR_NTYPES] = {
        [IR_I32] = 0x8b,         [IR_I64] = 0x8b | X_W,     [IR_F32] = SSE_MOVSS_LD,
        [IR_F64] = SSE_MOVSD_LD, [IR_V128] = SSE_MOVUPS_LD, [IR_I128] = SSE_MOVUPS_LD,
    };
    static const u32 save[IR_NTYPES] = {
        [IR_I32] = 0x89,         [IR_I64] = 0x89 | X_W,     [IR_F32] = SSE_MOVSS_ST,
        [IR_F64] = SSE_MOVSD_ST, [IR_V128] = SSE_MOVUPS_ST, [IR_I128] = SSE_MOVUPS_ST,
    };
    x_rm(c, store ? save[p->type] : load[p->type], p->reg, o_vcpu(p->off), 0);
}

/* The registers of pins to and from an area of their own, whatever they hold. */
static void keep_pins(struct asmb *a, bool store, bool caller_saved)
{
    for (u32 i = 0; i < NPINNED_INT; i++) {
        const u32 r = host_pinned[IR_CLASS_INT][i];
        if (!caller_saved || r < R12)
            x_rm(&a->c, (store ? 0x89 : 0x8b) | X_W, r, at(SPILL_OFF(SAVE_PINS + i)), 0);
    }
    for (u32 i = 0; i < NPINNED_FLOAT; i++)
        x_rm(&a->c, store ? SSE_MOVUPS_ST : SSE_MOVUPS_LD, host_pinned[IR_CLASS_FLOAT][i],
             at(SPILL_OFF(SAVE_PINS + NPINNED_INT + 2 * i)), 0);
}

static void push(struct asmb *a, u32 r)
{
    if (r >= R8)
        put8(&a->c, 0x41);
    put8(&a->c, 0x50 | (r & 7));
}
static void pop(struct asmb *a, u32 r)
{
    if (r >= R8)
        put8(&a->c, 0x41);
    put8(&a->c, 0x58 | (r & 7));
}
static void ret(struct asmb *a)
{
    put8(&a->c, 0xc3);
}
static void jmp_label(struct asmb *a, u32 id)
{
    x_jmp_common(&a->c, a->head->off[id]);
}

static void enter_and_leave(struct asmb *a)
{
    static const u8 callee_saved[] = {RBX, RBP, R12, R13, R14, R15};
    struct code *c = &a->c;
    label(a, C_ENTER);
    for (u32 i = 0; i < ARRAY_LEN(callee_saved); i++)
        push(a, callee_saved[i]);
    x_alu_imm(c, X_W, ALU_SUB, o_reg(RSP), 8);
    x_lea(c, X_W, RBP, o_mem(RDI, VBASE));
    x_store(c, X_W, at(VOFF(host_sp)), RSP);
    x_load(c, X_W, RSP, at(VOFF(ras_sp)));
    x_mov(c, X_W, RAX, RSI);
    x_rm(c, X_LDMXCSR, 2, at(VOFF(host_fp[0])), 0);
    pins(a, false, false);
    x_rm(c, 0xff, 4, o_reg(RAX), 0);

    label(a, C_LEAVE);
    pins(a, true, false);
    x_store(c, X_W, at(VOFF(ras_sp)), RSP);
    x_rm(c, X_STMXCSR, 3, at(VOFF(host_fp[1])), 0);
    label(a, C_LEAVE_TAIL);
    x_store_imm(c, 0, at(VOFF(host_fp[0])), (s32)MXCSR_DEFAULT);
    x_rm(c, X_LDMXCSR, 2, at(VOFF(host_fp[0])), 0);
    x_load(c, X_W, RSP, at(VOFF(host_sp)));
    x_alu_imm(c, X_W, ALU_ADD, o_reg(RSP), 8);
    for (u32 i = ARRAY_LEN(callee_saved); i-- > 0;)
        pop(a, callee_saved[i]);
    ret(a);
}

static void leave_with(struct asmb *a, u32 exit)
{
    x_store_imm(&a->c, 0, at(VOFF(exit)), (s32)exit);
    jmp_label(a, C_LEAVE);
}

/* v->pc = what lies behind a call, at rcx + off (leave_at). */
static void pc_behind(struct asmb *a, s32 off)
{
    struct code *c = &a->c;
    x_load(c, 0, RDX, o_mem(RCX, off + 1));
    x_rm(c, 0xb6 | X_0F, RCX, o_mem(RCX, off + 6), 0);
    x_shift_imm(c, X_W, SH_SHL, o_reg(RCX), 32);
    x_alu(c, X_W, ALU_OR, RCX, o_reg(RDX));
    x_store(c, X_W, at(VOFF(pc)), RCX);
}

/* To what the jump cache has for the pc in rax, which is v->pc. Uses rcx. */
static void jump_by_cache(struct asmb *a)
{
    struct code *c = &a->c;
    jump_cache_at(c, RCX, RAX);
    x_rm(c, 0x3b | X_W, RAX, o_sib(RBP, RCX, 3, VOFF(jc[0].pc)), 0);
    u8 *missed = x_jcc(c, CC_NE);
    x_rm(c, 0xff, 4, o_sib(RBP, RCX, 3, VOFF(jc[0].code)), 0);
    x_here(c, missed);
    jmp_label(a, C_LOOKUP);
}

static void ends_of_exits(struct asmb *a)
{
    struct code *c = &a->c;
    label(a, C_LINK_AT);
    pop(a, RCX);
    x_load(c, 0, RAX, o_mem(RCX, 1));
    pc_behind(a, 5);
    label(a, C_LINK);
    x_store(c, 0, at(VOFF(exit_id)), RAX);
    leave_with(a, VCPU_LINK);

    label(a, C_POLL_AT);
    pop(a, RCX);
    pc_behind(a, 0);
    label(a, C_POLL);
    leave_with(a, VCPU_POLL);

    label(a, C_LOOKUP);
    x_store(c, X_W, at(VOFF(pc)), RAX);
    leave_with(a, VCPU_LOOKUP);

    label(a, C_TRAP);
    x_store(c, 0, at(VOFF(trap)), RAX);
    leave_with(a, VCPU_TRAP);

    label(a, C_MISALIGNED);
    x_store(c, X_W, at(VOFF(fault.addr)), RAX);
    x_store(c, X_66, at(VOFF(fault.kind)), RDX);
    leave_with(a, VCPU_FAULT);

    label(a, C_RETURN_NONE);
    x_lea(c, X_W, RSP, o_mem(RSP, -16));
    x_mov_imm(c, RAX, VCPU_RAS_NONE, false);
    label(a, C_RETURN);
    x_alu_imm(c, X_W, ALU_CMP, o_reg(RAX), VCPU_RAS_NONE);
    u8 *is_none = x_jcc(c, CC_E);
    /* Frames that a longjmp left out lie on top. The sentinels keep this inside the stack. */
    u8 *deeper[RAS_DEPTH];
    for (s32 k = 0; k < RAS_DEPTH; k++) {
        x_rm(c, 0x3b | X_W, RAX, o_mem(RSP, 16 * (k + 1) + 8), 0);
        deeper[k] = x_jcc(c, CC_E);
    }
    lead_here(c, is_none);
    x_store(c, X_W, at(VOFF(pc)), RAX);
    x_alu_mem(c, 0, ALU_CMP, at(VOFF(poll)), o_reg(RBP));
    u8 *polled = x_jcc(c, CC_AE);
    jump_by_cache(a);
    x_here(c, polled);
    jmp_label(a, C_POLL);
    for (s32 k = 0; k < RAS_DEPTH; k++) {
        x_here(c, deeper[k]);
        x_lea(c, X_W, RSP, o_mem(RSP, 16 * (k + 1)));
        put8(c, 0xc2); /* ret 8 */
        put8(c, 8);
        put8(c, 0);
    }
}

/* ecx = mxcsr's sticky flags, as IR_FLAG_*; word = mxcsr. Uses rdx. */
static void read_flags(struct asmb *a, struct opnd word)
{
    struct code *c = &a->c;
    x_rm(c, X_STMXCSR, 3, word, 0);
    x_load(c, 0, RCX, word);
    x_alu_imm(c, 0, ALU_AND, o_reg(RCX), (s32)MXCSR_FLAGS);
    x_lea(c, X_W, RDX, o_common(a->head->off[K_FLAGS]));
    x_rm(c, 0xb6 | X_0F, RCX, o_sib(RDX, RCX, 0, 0), 0);
}

/* Gathers mxcsr's sticky flags in vcpu.fp_flags and clears them. Uses rcx, rdx. */
static void gather_flags(struct asmb *a)
{
    struct code *c = &a->c;
    struct opnd word = at(VOFF(host_fp[1]));
    read_flags(a, word);
    x_alu_mem(c, 0, ALU_OR, at(VOFF(fp_flags)), o_reg(RCX));
    x_alu_imm(c, 0, ALU_AND, word, ~(s32)MXCSR_FLAGS);
    x_rm(c, X_LDMXCSR, 2, word, 0);
}

/* keep: for a region. */
static void call(struct asmb *a, bool keep)
{
    struct code *c = &a->c;
    u32 scratch = (u32)VOFF(scratch);

    label(a, keep ? C_CALL_FP_KEEP : C_CALL_FP);
    gather_flags(a);
    label(a, keep ? C_CALL_KEEP : C_CALL);
    (keep ? keep_pins : pins)(a, true, keep);
    x_mov(c, X_W, RBX, RSP);
    x_load(c, X_W, RSP, at(VOFF(host_sp)));
    x_lea(c, X_W, RDI, o_mem(RBP, -VBASE));
    x_load(c, X_W, RSI, at((s32)scratch));
    x_load(c, X_W, RDX, at((s32)scratch + 8));
    x_load(c, X_W, RCX, at((s32)scratch + 16));
    x_load(c, X_W, R8, at((s32)scratch + 24));
    x_rm(c, 0xff, 2, o_reg(RAX), 0);
    x_mov(c, X_W, RSP, RBX);
    (keep ? keep_pins : pins)(a, false, keep);
    ret(a);
}

static void calls(struct asmb *a)
{
    struct code *c = &a->c;
    call(a, false);
    call(a, true);

    static const u8 saved[] = {RAX, RCX, RDX, RBX};
    label(a, C_SOFT);
    for (u32 i = 0; i < 4; i++) {
        x_store(c, X_W, at(SPILL_OFF(SAVE_INT + i)), saved[i]);
        x_rm(c, SSE_MOVUPS_ST, XMM0 + i, at(SPILL_OFF(SAVE_FLOAT + 2 * i)), 0);
    }
    keep_pins(a, true, true);
    x_mov(c, X_W, RBX, RSP);
    x_load(c, X_W, RSP, at(VOFF(host_sp)));
    x_lea(c, X_W, RDI, o_mem(RBP, -VBASE));
    x_mov_imm(c, RAX, (u64)(uintptr_t)x64_soft, false);
    x_rm(c, 0xff, 2, o_reg(RAX), 0);
    x_mov(c, X_W, RSP, RBX);
    keep_pins(a, false, true);
    for (u32 i = 0; i < 4; i++) {
        x_load(c, X_W, saved[i], at(SPILL_OFF(SAVE_INT + i)));
        x_rm(c, SSE_MOVUPS_LD, XMM0 + i, at(SPILL_OFF(SAVE_FLOAT + 2 * i)), 0);
    }
    ret(a);
}

/* vcpu.call returns by a jump, and so is not called by a call: the CPU's memory of calls then still is the guest's. It
 * may have run for long, and may have changed anything that is not code of ours. Where it does not let us go on,
 * v->exit is set. */
static void system_call(struct asmb *a)
{
    struct code *c = &a->c;
    label(a, C_SYSCALL);
    x_alu_imm(c, X_W, ALU_CMP, at(VOFF(call)), 0);
    u8 *is_there = x_jcc(c, CC_NE);
    x_mov_imm(c, RAX, IR_TRAP_SYSCALL, false);
    jmp_label(a, C_TRAP);
    x_here(c, is_there);
    pins(a, true, false);
    x_store(c, X_W, at(VOFF(ras_sp)), RSP);
    x_load(c, X_W, RSP, at(VOFF(host_sp)));
    x_lea(c, X_W, RDI, o_mem(RBP, -VBASE));
    x_lea(c, X_W, RAX, o_ahead());
    u8 *back = c->p - 4;
    push(a, RAX);
    x_rm(c, 0xff, 4, at(VOFF(call)), 0);
    x_here(c, back);
    x_rr(c, 0x84, RAX, RAX); /* test al, al */
    u8 *goes_on = x_jcc(c, CC_NE);
    x_rm(c, X_STMXCSR, 3, at(VOFF(host_fp[1])), 0);
    jmp_label(a, C_LEAVE_TAIL);
    x_here(c, goes_on);
    x_load(c, X_W, RSP, at(VOFF(ras_sp)));
    pins(a, false, false);
    x_load(c, X_W, RAX, at(VOFF(pc)));
    jump_by_cache(a);
}

static void ldmxcsr(struct asmb *a, struct opnd word)
{
    x_rm(&a->c, X_LDMXCSR, 2, word, 0);
}

/* Sticky flags where fp_flags is not known to have them all (trap.c): scratch[0] = flags, and flags = scratch[0]. They
 * keep all registers. */
static void flags(struct asmb *a)
{
    struct code *c = &a->c;
    const struct opnd word = at(VOFF(host_fp[1])), value = at(VOFF(scratch[0]));

    label(a, K_TRAPS);
    for (u32 f = 0; f < 32; f++) {
        const u32 masks = fp_control(IR_RNE, ~f);
        put8(c, (u8)masks);
        put8(c, (u8)(masks >> 8));
    }

    label(a, C_GETFLAGS);
    x_store(c, X_W, at(VOFF(scratch[1])), RCX);
    x_store(c, X_W, at(VOFF(scratch[2])), RDX);
    read_flags(a, word);
    x_alu(c, 0, ALU_OR, RCX, at(VOFF(fp_flags)));
    x_store(c, 0, value, RCX);
    x_alu_imm(c, 0, ALU_ADD, at(VOFF(flag_reads)), 1);
    x_alu_imm(c, 0, ALU_CMP, at(VOFF(flag_reads)), VCPU_FLAG_READS);
    u8 *few = x_jcc8(c, CC_NE);
    x_alu_imm(c, 0, ALU_CMP, at(VOFF(nans_trap)), 0);
    u8 *nans = x_jcc8(c, CC_NE);
    x_store(c, 0, at(VOFF(fp_flags)), RCX);
    x_lea(c, X_W, RDX, o_common(a->head->off[K_TRAPS]));
    x_rm(c, 0xb7 | X_0F, RCX, o_sib(RDX, RCX, 1, 0), 0);
    x_alu_imm(c, 0, ALU_AND, word, MXCSR_ROUND);
    x_alu_mem(c, 0, ALU_OR, word, o_reg(RCX));
    ldmxcsr(a, word);
    x_store_imm(c, 0, at(VOFF(flags_trap)), 1);
    x_here8(c, few);
    x_here8(c, nans);
    x_load(c, X_W, RCX, at(VOFF(scratch[1])));
    x_load(c, X_W, RDX, at(VOFF(scratch[2])));
    ret(a);

    label(a, C_SETFLAGS);
    x_store(c, X_W, at(VOFF(scratch[1])), RCX);
    x_store(c, X_W, at(VOFF(scratch[2])), RDX);
    read_flags(a, word);
    x_load(c, 0, RDX, value);
    x_store(c, 0, at(VOFF(fp_flags)), RDX);
    x_alu_imm(c, 0, ALU_CMP, at(VOFF(flags_trap)), 0);
    u8 *quiet = x_jcc8(c, CC_E);
    x_store_imm(c, 0, at(VOFF(flags_trap)), 0);
    x_load(c, 0, RCX, at(VOFF(flag_wait)));
    x_lea(c, 0, RCX, o_sib(RCX, RCX, 0, VCPU_FLAG_READS));
    x_store(c, 0, at(VOFF(flag_wait)), RCX);
    x_rm(c, 0xf7, 3, o_reg(RCX), 0);          /* neg */
    x_store(c, 0, at(VOFF(flag_reads)), RCX); /* more than any flag, so that mxcsr is loaded */
    x_alu_imm(c, 0, ALU_OR, word, (s32)MXCSR_MASKS);
    x_here8(c, quiet);
    /* Where mxcsr has none but those that are set now it may stay: flags are mostly set back to what they were a moment
     * ago, and loading mxcsr is slow. */
    x_rm(c, 0xf7, 2, o_reg(RDX), 0);   /* not */
    x_rm(c, 0x85, RCX, o_reg(RDX), 0); /* test */
    u8 *fits = x_jcc8(c, CC_E);
    x_alu_imm(c, 0, ALU_AND, word, ~(s32)MXCSR_FLAGS);
    ldmxcsr(a, word);
    x_here8(c, fits);
    x_load(c, X_W, RCX, at(VOFF(scratch[1])));
    x_load(c, X_W, RDX, at(VOFF(scratch[2])));
    ret(a);
}

static void constants(struct asmb *a)
{
    static const u64 k[][2] = {
        [0] = {0xffffffff00000000ull, 0}, /* K_BOX32, the first */
        [K_BOX16 - K_BOX32] = {0xffffffffffff0000ull, 0},
        [K_NAN64 - K_BOX32] = {0x7ff8000000000000ull, 0},
        [K_NAN32 - K_BOX32] = {0x7fc00000, 0},
        [K_NAN16 - K_BOX32] = {0x7e00, 0},
        [K_SIGN64 - K_BOX32] = {1ull << 63, 0},
        [K_SIGN32 - K_BOX32] = {1ull << 31, 0},
        [K_ABS64 - K_BOX32] = {~(1ull << 63), 0},
        [K_ABS32 - K_BOX32] = {0x7fffffff, 0},
        [K_U32_64 - K_BOX32] = {0x41efffffffe00000ull, 0},
        [K_U63_64 - K_BOX32] = {0x43e0000000000000ull, 0},
        [K_ZERO - K_BOX32] = {0, 0},
        [K_HALF32 - K_BOX32] = {0x3f000000, 0},
        [K_HALF64 - K_BOX32] = {0x3fe0000000000000ull, 0},
        [K_ONE32 - K_BOX32] = {0x3f800000, 0},
        [K_ONE64 - K_BOX32] = {0x3ff0000000000000ull, 0},
        [K_POP1 - K_BOX32] = {0x5555555555555555ull, 0x3333333333333333ull},
        [K_POP2 - K_BOX32] = {0x0f0f0f0f0f0f0f0full, 0x0101010101010101ull},
    };
    struct code *c = &a->c;
    while ((uintptr_t)code_rx(c) & 15)
        put8(c, 0);
    for (u32 i = 0; i < ARRAY_LEN(k); i++) {
        label(a, K_BOX32 + i);
        put64(c, k[i][0]);
        put64(c, k[i][1]);
    }
    label(a, K_FLAGS);
    for (u32 m = 0; m <= MXCSR_FLAGS; m++)
        put8(c, fp_flags(m));
}

/* Behind the rest, which so does not move when one is added. */
static void vector_constants(struct asmb *a)
{
    static const u64 k[][2] = {
        [0] = {~0ull, ~0ull}, /* K_ONES, the first */
        [K_EVEN8 - K_ONES] = {0x00ff00ff00ff00ffull, 0x00ff00ff00ff00ffull},
        [K_EVEN16 - K_ONES] = {0x0000ffff0000ffffull, 0x0000ffff0000ffffull},
        [K_EVEN32 - K_ONES] = {0x00000000ffffffffull, 0x00000000ffffffffull},
        [K_SIGN8_V - K_ONES] = {0x8080808080808080ull, 0x8080808080808080ull},
        [K_SIGN16_V - K_ONES] = {0x8000800080008000ull, 0x8000800080008000ull},
        [K_SIGN32_V - K_ONES] = {0x8000000080000000ull, 0x8000000080000000ull},
        [K_SIGN64_V - K_ONES] = {1ull << 63, 1ull << 63},
        [K_NIBBLE - K_ONES] = {0x0f0f0f0f0f0f0f0full, 0x0f0f0f0f0f0f0f0full},
        [K_POPS - K_ONES] = {0x0302020102010100ull, 0x0403030203020201ull},
        [K_PAST15 - K_ONES] = {0x7070707070707070ull, 0x7070707070707070ull},
        [K_REV2 - K_ONES] = {0x0607040502030001ull, 0x0e0f0c0d0a0b0809ull},
        [K_REV4 - K_ONES] = {0x0405060700010203ull, 0x0c0d0e0f08090a0bull},
        [K_REV8 - K_ONES] = {0x0001020304050607ull, 0x08090a0b0c0d0e0full},
        [K_REV16 - K_ONES] = {0x08090a0b0c0d0e0full, 0x0001020304050607ull},
        [K_2P31_LESS - K_ONES] = {0x4effffff4effffffull, 0x4effffff4effffffull},
        [K_2P16 - K_ONES] = {0x4780000047800000ull, 0x4780000047800000ull},
        [K_2P31_V - K_ONES] = {1ull << 31, 1ull << 31},
        [K_MAX32_V - K_ONES] = {0x7fffffff7fffffffull, 0x7fffffff7fffffffull},
        [K_MAX64_V - K_ONES] = {0x7fffffffffffffffull, 0x7fffffffffffffffull},
        [K_2P23_V - K_ONES] = {0x4b0000004b000000ull, 0x4b0000004b000000ull},
        [K_2P52_V - K_ONES] = {0x4330000000000000ull, 0x4330000000000000ull},
        [K_HALF_LESS32 - K_ONES] = {0x3effffff3effffffull, 0x3effffff3effffffull},
        [K_HALF_LESS64 - K_ONES] = {0x3fdfffffffffffffull, 0x3fdfffffffffffffull},
        [K_ONE32_V - K_ONES] = {0x3f8000003f800000ull, 0x3f8000003f800000ull},
        [K_ONE64_V - K_ONES] = {0x3ff0000000000000ull, 0x3ff0000000000000ull},
        [K_2P63_LESS - K_ONES] = {0x43dfffffffffffffull, 0x43dfffffffffffffull},
        [K_ODD8 - K_ONES] = {0xff00ff00ff00ff00ull, 0xff00ff00ff00ff00ull},
        [K_ODD16 - K_ONES] = {0xffff0000ffff0000ull, 0xffff0000ffff0000ull},
        [K_SEVEN8 - K_ONES] = {0x0707070707070707ull, 0x0707070707070707ull},
        [K_EIGHT8 - K_ONES] = {0x0808080808080808ull, 0x0808080808080808ull},
        [K_SIXTEEN16 - K_ONES] = {0x0010001000100010ull, 0x0010001000100010ull},
        [K_POW_SHL - K_ONES] = {0x8040201008040201ull, 0},
        [K_POW_SHR - K_ONES] = {0xfffefcf8f0e0c080ull, 0},
        [K_POW_SAR - K_ONES] = {0x0102040810204080ull, 0},
        [K_CLZ_LOW - K_ONES] = {0x0505050506060708ull, 0x0404040404040404ull},
        [K_CLZ_HIGH - K_ONES] = {0x0101010102020308ull, 0},
        [K_FLUSH32 - K_ONES] = {0x80ffffff80ffffffull, 0x80ffffff80ffffffull},
        [K_FLUSH32_TOP - K_ONES] = {0x81ffffff81ffffffull, 0x81ffffff81ffffffull},
        [K_FLUSH64 - K_ONES] = {0x801fffffffffffffull, 0x801fffffffffffffull},
        [K_FLUSH64_TOP - K_ONES] = {0x803fffffffffffffull, 0x803fffffffffffffull},
        [K_LEAST16_V - K_ONES] = {0x0800080008000800ull, 0x0800080008000800ull},
        [K_LEAST32_V - K_ONES] = {0x0080000000800000ull, 0x0080000000800000ull},
        [K_LEAST64_V - K_ONES] = {1ull << 52, 1ull << 52},
        [K_EXP32_V - K_ONES] = {0x7f8000007f800000ull, 0x7f8000007f800000ull},
        [K_EXP64_V - K_ONES] = {0x7ff0000000000000ull, 0x7ff0000000000000ull},
        [K_SUM32 - K_ONES] = {0x4b8000004b800000ull, 0x4b8000004b800000ull},
        [K_SUM64 - K_ONES] = {0x4340000000000000ull, 0x4340000000000000ull},
        [K_RATIO32 - K_ONES] = {0xcc800000cc800000ull, 0xcc800000cc800000ull},
        [K_RATIO64 - K_ONES] = {0xc3600000ffffffffull, 0xc3600000ffffffffull},
        [K_NARROW_TOP - K_ONES] = {0xf01fffffffffffffull, 0xf01fffffffffffffull},
        [K_LOW_HALF - K_ONES] = {~0ull, 0},
        [K_SHA1 - K_ONES] = {0x5a8279995a827999ull, 0x5a8279995a827999ull},
        [K_SHA1_2 - K_ONES] = {0x6ed9eba16ed9eba1ull, 0x6ed9eba16ed9eba1ull},
        [K_SHA1_3 - K_ONES] = {0x8f1bbcdc8f1bbcdcull, 0x8f1bbcdc8f1bbcdcull},
    };
    struct code *c = &a->c;
    while ((uintptr_t)code_rx(c) & 15)
        put8(c, 0);
    for (u32 i = 0; i < ARRAY_LEN(k); i++) {
        label(a, K_ONES + i);
        put64(c, k[i][0]);
        put64(c, k[i][1]);
    }
    for (u32 table = K_SHL8; table <= K_SAR8; table++) {
        label(a, table);
        for (u32 n = 0; n < 8; n++) {
            u32 byte = table == K_SHL8 ? 0xffu << n & 0xff : table == K_SHR8 ? 0xffu >> n : 0x80u >> n;
            put64(c, byte * 0x0101010101010101ull);
            put64(c, byte * 0x0101010101010101ull);
        }
    }
    for (u32 root = 0; root < 2; root++) { /* what lies before, a gather may read and not use; as behind */
        const u32 first = root ? 128 : 256;
        a->head->off[K_EST + root] = code_off(c) - first;
        for (u32 top = first; top < 512; top++)
            put8(c, ir_estimate(root, top));
    }
    put32(c, 0);
}

void common_code(struct asmb *a)
{
    constants(a);
    enter_and_leave(a);
    ends_of_exits(a);
    calls(a);
    vector_constants(a);
    known_table(a);
    system_call(a);
    flags(a);
}

void fetch_anew(void)
{
}

/* --- faults --- */

/* The guest memory operand of an instruction that this backend emitted. */
struct access {
    u64 addr;
    bool write; /* it writes, or belongs to an access that does (o_gs_write) */
};

static struct access decode_access(const struct mk_regs *regs)
{
    const u8 *p = (const u8 *)regs->rip;
    u8 rex = 0;
    bool map_0f = false;
    while (*p == 0x65 || *p == 0x66 || *p == 0xf0 || *p == 0xf2 || *p == 0xf3)
        p++;
    if ((*p & 0xf0) == 0x40)
        rex = *p++;
    if (*p == 0x0f) {
        map_0f = true;
        p++;
    }
    u8 op = *p++, modrm = *p++, mod = modrm >> 6, rm = modrm & 7;
    /* What only reads: mov and movs*, mov[sz]x. */
    bool reads = map_0f ? op == 0x10 || op == 0xb6 || op == 0xb7 || op == 0xbe || op == 0xbf : op == 0x8b || op == 0x63;
    struct access a = {.write = !reads};
    bool base = true;
    if (rm == 4) {
        u8 sib = *p++, index = (u8)((sib >> 3 & 7) | (rex & 2) << 2);
        rm = sib & 7;
        base = rm != 5 || mod;
        if (index != 4)
            a.addr += regs->gpr[index] << (sib >> 6);
        else if (sib >> 6)
            a.write = true;
    }
    if (base)
        a.addr += regs->gpr[rm | (rex & 1) << 3];
    if (mod == 1) {
        a.addr += (u64)(s64)(s8)*p;
    } else if (mod == 2 || !base) {
        s32 disp;
        memcpy(&disp, p, 4);
        a.addr += (u64)(s64)disp;
    }
    return a;
}

/* What the engine was told about the fault, mended where the host tells less than there is to know: it reports no
 * address, nor whether it was a write, when the address is not canonical. */
void mend_fault(struct vcpu *v, const struct mk_regs *regs)
{
    struct access a = decode_access(regs);
    s64 top = (s64)(a.addr + v->mem_base) >> 47;
    if (top != 0 && top != -1)
        v->fault.addr = a.addr;
    else if (!a.write)
        return;
    v->fault.access = a.write ? VCPU_WRITE : VCPU_READ;
}

/* --- floating point in software --- */

void x64_soft(struct vcpu *v)
{
    u64 d = v->scratch[3];
    if (ir_is_vec_op(d & 0xff))
        soft_vec(v, d, v->scratch[2], &v->spill[VEC_ARGS], &v->spill[VEC_RESULT]);
    else
        v->scratch[0] = soft_fp(v, d, v->scratch[0], v->scratch[1], v->scratch[2]);
}

u64 x64_vcall(struct vcpu *v, u64 helper, u64 imm, u64 c, u64 d)
{
    const struct ir_helper *h = (const struct ir_helper *)(uintptr_t)helper;
    u128 *arg = (u128 *)(void *)&v->spill[VEC_ARGS];
    h->vfn(v, &arg[3], &arg[0], &arg[1], &arg[2], imm);
    return 0;
}

const void *reg_in(const struct mk_regs *regs, u32 r)
{
    return r < XMM0 ? (const void *)&regs->gpr[r] : &regs->xmm[r - XMM0];
}

u64 *ras_in(struct mk_regs *regs)
{
    return &regs->gpr[RSP];
}

u32 fp_in(const struct mk_regs *regs)
{
    return regs->mxcsr;
}

void resume_at(struct vcpu *v, struct mk_regs *regs, uintptr_t to)
{
    regs->gpr[RBP] = (u64)(uintptr_t)v + (u64)VBASE; /* a 16-byte cas may have borrowed it */
    regs->rip = to;
}
