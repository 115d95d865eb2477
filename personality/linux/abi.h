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
    u64 hwcap2;
    u64 (*hwcap)(u64 cpu); /* AT_HWCAP of a CPU (vcpu.cpu) */
    u64 minsigstksz;       /* AT_MINSIGSTKSZ */
    u64 window;            /* the user half of the address space, bytes */
    const u32 *sigreturn;  /* code that signal handlers return to */
    u32 sigreturn_len;     /* bytes */

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

    /* Text of /proc/cpuinfo for n processors (vcpu.cpu) into buf; the length the whole has. */
    size_t (*cpuinfo)(char *buf, size_t cap, u32 n, u64 cpu);
};

extern const struct lx_abi lx_abi_riscv64;
