/* The interrupted state on RISC-V.
 *
 * Linux gives the registers and the address of a fault, but not its cause: whether an access writes is read off the
 * instruction. The pc of a data fault can be read; that of a fetch which failed cannot, so it is read with care. */
#define _GNU_SOURCE
#include "kernel/hosted/arch.h"

#include <string.h>
#include <ucontext.h>

/* Does the instruction write to memory? An lr is taken to: those that this program executes belong to a
 * read-modify-write. Encodings: RISC-V ISA volume 1, "RV32/64G Instruction Set Listings" and "RVC". */
static bool insn_writes(u32 w)
{
    if ((w & 3) == 3) {
        u32 opcode = w & 0x7f;
        return opcode == 0x23 || opcode == 0x27 || opcode == 0x2f; /* STORE, STORE-FP, AMO */
    }
    return (w & 1) == 0 && (w >> 13 & 7) >= 5; /* c.fsd c.sw c.sd and those relative to sp */
}

hva_t hosted_context_pc(const void *ucp)
{
    const ucontext_t *uc = ucp;

    return (hva_t)uc->uc_mcontext.__gregs[REG_PC];
}

hva_t hosted_context_sp(const void *ucp)
{
    const ucontext_t *uc = ucp;

    return (hva_t)uc->uc_mcontext.__gregs[REG_SP];
}

void hosted_context_access(const void *ucp, bool *write, bool *exec)
{
    hva_t pc = hosted_context_pc(ucp);
    u16 half[2] = {0};
    *exec = hosted_guard_load2(pc, &half[0]) != 0 || ((half[0] & 3) == 3 && hosted_guard_load2(pc + 2, &half[1]) != 0);
    *write = !*exec && insn_writes(half[0] | (u32)half[1] << 16);
}

void hosted_context_get(struct mk_regs *r, void *ucp)
{
    ucontext_t *uc = ucp;

    r->pc = uc->uc_mcontext.__gregs[REG_PC];
    for (u32 i = 1; i < 32; i++)
        r->gpr[i] = uc->uc_mcontext.__gregs[i];
    r->gpr[0] = 0;
    memcpy(r->fpr, uc->uc_mcontext.__fpregs.__d.__f, sizeof r->fpr);
    r->fcsr = uc->uc_mcontext.__fpregs.__d.__fcsr;
}

void hosted_context_put(const struct mk_regs *r, void *ucp)
{
    ucontext_t *uc = ucp;

    uc->uc_mcontext.__gregs[REG_PC] = r->pc;
    for (u32 i = 1; i < 32; i++)
        uc->uc_mcontext.__gregs[i] = r->gpr[i];
    memcpy(uc->uc_mcontext.__fpregs.__d.__f, r->fpr, sizeof r->fpr);
    uc->uc_mcontext.__fpregs.__d.__fcsr = r->fcsr;
}

/* Where a load, store or atomic that is not compressed makes its access. */
static hva_t insn_address(const ucontext_t *uc, u32 w)
{
    u32 opcode = w & 0x7f, base = w >> 15 & 31;
    s64 imm = 0;
    if (opcode == 0x03) /* LOAD */
        imm = (s32)w >> 20;
    else if (opcode == 0x23) /* STORE */
        imm = (s32)(w & 0xfe000000) >> 20 | (s32)(w >> 7 & 31);
    return (base ? uc->uc_mcontext.__gregs[base] : 0) + (u64)imm;
}

bool hosted_context_guard(void *ucp, struct mk_fault *f)
{
    ucontext_t *uc = ucp;

    for (u64 i = 0; i < hosted_guard_nranges; i++) {
        const struct hosted_guard_range *g = &hosted_guard_ranges[i];
        if (f->pc < g->start || f->pc >= g->end)
            continue;
        /* A compare-and-swap may have faulted at its load; it is a write all the same. Copies tell by themselves. */
        if (g->write && g->start != (hva_t)hosted_guard_copy)
            f->write = true;
        /* An emulator may not know an address that its own machine does not have. */
        u32 w;
        memcpy(&w, (const void *)f->pc, sizeof w);
        hva_t at = insn_address(uc, w);
        if (f->addr - at >= 8)
            f->addr = at;
        uc->uc_mcontext.__gregs[REG_PC] = g->out;
        return true;
    }
    return false;
}
