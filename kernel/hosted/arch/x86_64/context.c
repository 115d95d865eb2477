/* The interrupted state on x86-64. */
#define _GNU_SOURCE
#include "kernel/hosted/arch.h"

#include <ucontext.h>

/* Exception numbers (Intel SDM 3A, 6.15), and bits of a page fault's error code (4.7). */
enum { TRAP_SS = 12, TRAP_GP = 13, TRAP_PF = 14 };
enum { PF_WRITE = 1 << 1, PF_FETCH = 1 << 4 };

/* Numbers of the ucontext's registers in the order of their encodings. */
static const u8 gregs_of[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

hva_t hosted_context_pc(const void *ucp)
{
    const ucontext_t *uc = ucp;

    return (hva_t)uc->uc_mcontext.gregs[REG_RIP];
}

hva_t hosted_context_sp(const void *ucp)
{
    const ucontext_t *uc = ucp;

    return (hva_t)uc->uc_mcontext.gregs[REG_RSP];
}

void hosted_context_access(const void *ucp, bool *write, bool *exec)
{
    const ucontext_t *uc = ucp;
    u64 code = uc->uc_mcontext.gregs[REG_TRAPNO] == TRAP_PF ? (u64)uc->uc_mcontext.gregs[REG_ERR] : 0;

    *write = code & PF_WRITE;
    *exec = code & PF_FETCH;
}

void hosted_context_get(struct mk_regs *r, void *ucp)
{
    ucontext_t *uc = ucp;
    fpregset_t fp = uc->uc_mcontext.fpregs;

    for (u32 i = 0; i < 16; i++)
        r->gpr[i] = (u64)uc->uc_mcontext.gregs[gregs_of[i]];
    r->rip = (u64)uc->uc_mcontext.gregs[REG_RIP];
    r->rflags = (u64)uc->uc_mcontext.gregs[REG_EFL];
    r->mxcsr = fp ? fp->mxcsr : 0;
    r->xmm = fp ? (u8(*)[16])fp->_xmm : NULL;
}

void hosted_context_put(const struct mk_regs *r, void *ucp)
{
    ucontext_t *uc = ucp;
    fpregset_t fp = uc->uc_mcontext.fpregs;

    for (u32 i = 0; i < 16; i++)
        uc->uc_mcontext.gregs[gregs_of[i]] = (greg_t)r->gpr[i];
    uc->uc_mcontext.gregs[REG_RIP] = (greg_t)r->rip;
    uc->uc_mcontext.gregs[REG_EFL] = (greg_t)r->rflags;
    /* The vectors were changed in place. Linux marks this part of the state as held, whatever the CPU said, so it takes
     * effect. */
    if (fp)
        fp->mxcsr = r->mxcsr;
}

static bool is_canonical(u64 a)
{
    u64 top = a >> 47;

    return top == 0 || top == (1 << 17) - 1;
}

bool hosted_context_guard(void *ucp, struct mk_fault *f)
{
    ucontext_t *uc = ucp;
    greg_t *regs = uc->uc_mcontext.gregs;

    for (u64 i = 0; i < hosted_guard_nranges; i++) {
        const struct hosted_guard_range *g = &hosted_guard_ranges[i];
        if (f->pc < g->start || f->pc >= g->end)
            continue;
        /* Protection faults come without an address. The routines keep the pointers that they go through in rdi and,
         * when it is a copy, rsi. */
        if (regs[REG_TRAPNO] == TRAP_GP || regs[REG_TRAPNO] == TRAP_SS) {
            bool first = !is_canonical((u64)regs[REG_RDI]);
            f->addr = (hva_t)regs[first ? REG_RDI : REG_RSI];
            f->write = first && g->write;
        }
        regs[REG_RIP] = (greg_t)g->out;
        return true;
    }
    return false;
}
