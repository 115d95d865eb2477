/* What differs between guest ISAs in the Linux personality: one lx_abi each, in abi/<isa>.c. */
#pragma once

#include "personality/linux/lx.h"
#include "personality/linux/signal.h"

struct lx_gdb_regs;

struct lx_abi {
    const char *name;    /* as guest_isa's */
    const char *machine; /* uname -m */
    u16 elf_machine;
    const struct guest_isa *isa;
    const struct lx_gdb_regs *gdb;
    u64 hwcap, hwcap2;
    u64 minsigstksz;      /* AT_MINSIGSTKSZ */
    u64 window;           /* the user half of the address space, bytes */
    const u32 *sigreturn; /* code that signal handlers return to */
    u32 sigreturn_len;    /* bytes */

    /* A system call: number and arguments into t->call_nr, call_arg, call_pc. */
    void (*call_get)(struct lx_thread *t);
    void (*call_set)(struct lx_thread *t, s64 result);
    /* Back to the call instruction with its arguments as they were. */
    void (*call_rewind)(struct lx_thread *t);
    /* Registers of a new program. */
    void (*start)(struct vcpu *v, gva_t entry, gva_t sp);
    /* `to` becomes a copy of `from` as clone's child sees it: result 0, new stack when sp is not 0, thread pointer when tls is given. */
    void (*clone)(struct vcpu *to, const struct vcpu *from, gva_t sp, const u64 *tls);
    gva_t (*sp)(const struct vcpu *v);
    /* Builds the frame of a handler at `frame` top `sp` and sets the registers to enter it. -EFAULT when the stack is not there. */
    int (*frame_push)(struct lx_thread *t, int sig, const siginfo_t *info, const struct lx_sigaction *act, u64 mask, gva_t sp) MUST_USE;
    /* rt_sigreturn: reads the frame at the stack pointer without any effect, then (_pop) puts it into the registers. -EFAULT when it is not one. */
    int (*frame_check)(struct lx_thread *t, u64 *mask, stack_t *altstack) MUST_USE;
    void (*frame_pop)(struct lx_thread *t);

    /* Text of /proc/cpuinfo for n processors into buf; the length the whole has. */
    size_t (*cpuinfo)(char *buf, size_t cap, u32 n);
};

extern const struct lx_abi lx_abi_riscv64;
