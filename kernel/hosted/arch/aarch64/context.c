/* The interrupted state on AArch64.
 *
 * Behind the general registers the context holds records, each with a magic number and a size; of interest are the one
 * of the vector registers and, where the kernel gives it, the one with the exception's syndrome. */
#define _GNU_SOURCE
#include "kernel/hosted/arch.h"

#include <asm/sigcontext.h>
#include <string.h>
#include <ucontext.h>

static void *record(const void *ucp, u32 magic)
{
    const ucontext_t *uc = ucp;
    const u8 *p = (const u8 *)uc->uc_mcontext.__reserved, *end = p + sizeof uc->uc_mcontext.__reserved;
    while (p + sizeof(struct _aarch64_ctx) <= end) {
        const struct _aarch64_ctx *head = (const struct _aarch64_ctx *)(const void *)p;
        if (head->magic == magic)
            return (void *)(uintptr_t)p;
        if (!head->magic || head->size < sizeof *head)
            break;
        p += head->size;
    }
    return NULL;
}

hva_t hosted_context_pc(const void *ucp)
{
    const ucontext_t *uc = ucp;

    return (hva_t)uc->uc_mcontext.pc;
}

hva_t hosted_context_sp(const void *ucp)
{
    const ucontext_t *uc = ucp;

    return (hva_t)uc->uc_mcontext.sp;
}

/* Does the load or store at pc write? By its encoding (Arm ARM, C4.1.88): for where there is no syndrome. */
static bool insn_writes(hva_t pc)
{
    u32 w;
    memcpy(&w, (const void *)pc, sizeof w);
    if ((w & 0x3f000000) ==
        0x08000000) /* exclusive, ordered, compare-and-swap: bit 22 is the load bit, but for casp and cas */
        return !(w >> 22 & 1) || (w & 0x00a00000) == 0x00a00000 || ((w & 0x80a00000) == 0x00200000);
    if ((w & 0x3a000000) == 0x28000000) /* pairs */
        return !(w >> 22 & 1);
    if ((w & 0x3b200c00) == 0x38200000) /* atomic memory operations; but for ldapr */
        return (w & 0x0000fc00) != 0x0000c000;
    if ((w & 0x3a000000) == 0x38000000) { /* single registers */
        u32 opc = w >> 22 & 3;
        return w >> 26 & 1 ? !(opc & 1) : opc == 0;
    }
    if ((w & 0xbe000000) == 0x0c000000) /* vector structures */
        return !(w >> 22 & 1);
    if ((w & 0xfffff000) == 0xd50b7000) /* cache maintenance, dc zva */
        return true;
    return false;
}

void hosted_context_access(const void *ucp, bool *write, bool *exec)
{
    enum { EC_FETCH = 0x20, EC_DATA = 0x24, WNR = 1 << 6, CM = 1 << 8 }; /* Arm ARM, ESR_EL1; +1 from the same level */
    const ucontext_t *uc = ucp;
    const struct esr_context *e = record(ucp, ESR_MAGIC);
    *write = *exec = false;
    if (e) {
        u32 ec = (u32)(e->esr >> 26) & 0x3e;
        *exec = ec == EC_FETCH;
        *write = ec == EC_DATA && (e->esr & WNR) && !(e->esr & CM);
    } else if (uc->uc_mcontext.fault_address == uc->uc_mcontext.pc) {
        *exec = true;
    } else {
        *write = insn_writes((hva_t)uc->uc_mcontext.pc);
    }
}

void hosted_context_get(struct mk_regs *r, void *ucp)
{
    ucontext_t *uc = ucp;
    struct fpsimd_context *fp = record(ucp, FPSIMD_MAGIC);

    for (u32 i = 0; i < 31; i++)
        r->gpr[i] = uc->uc_mcontext.regs[i];
    r->sp = uc->uc_mcontext.sp;
    r->pc = uc->uc_mcontext.pc;
    r->pstate = uc->uc_mcontext.pstate;
    r->fpsr = fp ? fp->fpsr : 0;
    r->fpcr = fp ? fp->fpcr : 0;
    r->vec = fp ? (u8(*)[16])(void *)fp->vregs : NULL;
}

void hosted_context_put(const struct mk_regs *r, void *ucp)
{
    ucontext_t *uc = ucp;
    struct fpsimd_context *fp = record(ucp, FPSIMD_MAGIC);

    for (u32 i = 0; i < 31; i++)
        uc->uc_mcontext.regs[i] = r->gpr[i];
    uc->uc_mcontext.sp = r->sp;
    uc->uc_mcontext.pc = r->pc;
    uc->uc_mcontext.pstate = r->pstate;
    /* The vectors were changed in place. */
    if (fp) {
        fp->fpsr = r->fpsr;
        fp->fpcr = r->fpcr;
    }
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
        uc->uc_mcontext.pc = g->out;
        return true;
    }
    return false;
}
