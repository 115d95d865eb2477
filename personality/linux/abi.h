/* What differs between guest ISAs in the Linux personality: one lx_abi each, in abi/<isa>.c. */
#pragma once

#include "personality/linux/lx.h"
#include "personality/linux/signal.h"

struct lx_gdb_regs;

/* A signal frame read back: what is common, and room for the ISA's own. */
struct lx_frame {
    u64 mask;
    stack_t altstack;
    _Alignas(16) u8 bytes[2048];
};

struct lx_abi {
    const char *name;    /* as guest_isa's */
    const char *machine; /* uname -m */
    u16 elf_machine;
    const struct guest_isa *isa;
    const struct lx_gdb_regs *gdb;
    u64 (*hwcap)(u64 cpu);  /* AT_HWCAP of a CPU (vcpu.cpu) */
    u64 (*hwcap2)(u64 cpu); /* AT_HWCAP2 */
    const char *platform;   /* AT_PLATFORM, or NULL where there is none */
    u64 minsigstksz;        /* AT_MINSIGSTKSZ */
    u64 least_altstack;     /* sigaltstack refuses smaller ones */
    u64 window;             /* the user half of the address space, bytes */
    bool restorer;          /* struct sigaction has a restorer */
    u64 sa_flags;           /* flags of sigaction that it has besides those that all have */
    bool only64;            /* personality refuses PER_LINUX32, as where the CPU runs no 32-bit programs */
    /* open's flags where their values are not the generic ones: from the guest's to the generic, and back. Or NULL. */
    u64 (*open_flags)(u64 flags);
    const u32 *sigreturn; /* code that signal handlers return to */
    u32 sigreturn_len;    /* bytes */

    /* A system call: number and arguments into t->call_nr, call_arg, call_pc. */
    void (*call_get)(struct lx_thread *t);
    void (*call_set)(struct lx_thread *t, s64 result);
    /* Back to the call instruction with its arguments as they were. */
    void (*call_rewind)(struct lx_thread *t);
    /* Registers of a new program. */
    void (*start)(struct vcpu *v, gva_t entry, gva_t sp);
    /* `to` becomes a copy of `from` as clone's child sees it: result 0, new stack when sp is not 0, thread pointer when
     * tls is given. */
    void (*clone)(struct vcpu *to, struct vcpu *from, gva_t sp, const u64 *tls);
    gva_t (*sp)(const struct vcpu *v);
    u32 frame_size; /* bytes of stack that a signal frame takes, at most */
    /* Builds the frame of a handler below `sp` and sets the registers to enter it; `mask` is what the handler's return
     * restores. -EFAULT when the stack is not there: the registers are as they were. */
    int (*frame_push)(struct lx_thread *t, int sig, const siginfo_t *info, const struct lx_sigaction *act, u64 mask,
                      gva_t sp) MUST_USE;
    /* rt_sigreturn. _read copies and checks the frame at the stack pointer, with no other effect; -EFAULT when it is
     * none. _pop puts it into the registers. */
    int (*frame_read)(struct lx_thread *t, struct lx_frame *f) MUST_USE;
    void (*frame_pop)(struct lx_thread *t, const struct lx_frame *f);
    /* What SIGSEGV tells of a frame that frame_read refused: si_code and si_addr. */
    void (*frame_bad)(struct lx_thread *t, siginfo_t *info);

    /* An access faulted, before anybody looks at what is mapped there. True: it is to be made again. NULL: nothing to
     * do. */
    bool (*fault)(struct lx_thread *t, const struct vcpu_fault *f);
    /* The thread is about to get a signal by its own doing: for what frames tell besides siginfo (`f` is NULL where it
     * was no access). si_addr may change. NULL: nothing. */
    void (*forced)(struct lx_thread *t, siginfo_t *info, const struct vcpu_fault *f);

    /* Calls `each` for every address that the code at pc computes: all that a function may give which does no more than
     * choose one. fixed: it lies where it was linked for, so that a constant may be an address. */
    void (*code_addresses)(const u8 *code, u64 len, u64 pc, bool fixed, void (*each)(void *cx, u64 addr), void *cx);

    /* Text of /proc/cpuinfo for n processors (vcpu.cpu) into buf; the length the whole has. */
    size_t (*cpuinfo)(char *buf, size_t cap, u32 n, u64 cpu);
};

extern const struct lx_abi lx_abi_riscv64;
extern const struct lx_abi lx_abi_aarch64;
extern const struct lx_abi *const lx_abis[]; /* all of them, then NULL */

/* open's flags of t's guest as generic ones, or the other way round. */
static inline u64 lx_open_flags(const struct lx_thread *t, u64 flags)
{
    u64 (*convert)(u64) = t->proc->abi->open_flags;
    return UNLIKELY(convert) ? convert(flags) : flags;
}
