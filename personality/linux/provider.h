/* The provider: where resources come from.
 *
 * It speaks the generic 64-bit Linux ABI (asm-generic numbers and structures, as riscv64 and aarch64 have them), with
 * host pointers. The Linux provider turns that into the host kernel's own calls; on an x86-64 host it maps numbers and
 * converts the few structures that differ (stat, epoll_event, …). A provider on bare metal answers from our servers.
 * The personality makes no host system call about resources but through here.
 *
 * prov_call can be interrupted without a race: when *flag is nonzero before the host kernel was entered, it returns
 * -LX_ERESTARTNOINTR and nothing was done; a signal that arrives while the kernel blocks gives what the host kernel
 * gives. The signal handler calls prov_interrupt with the interrupted context, which closes the window between the
 * check of the flag and the call.
 *
 * What the host kernel gives is exact, because the host's handler of a signal has SA_RESTART just when the guest's has
 * it: a call that is to be restarted is found with its pc at the call instruction (the kernel rewound it), looks as if
 * it was not entered yet, and so returns -LX_ERESTARTNOINTR as well ("do it again after the signal"); -EINTR is what
 * the guest gets to see. */
#pragma once

#include "lib/types.h"

struct vcpu;

/* Those of open's flags whose generic values a host may not share; the others are the same everywhere. */
enum {
    LX_O_DIRECT = 0040000,
    LX_O_LARGEFILE = 0100000,
    LX_O_DIRECTORY = 0200000,
    LX_O_NOFOLLOW = 0400000,
    LX_O_TMPFILE = 020000000, /* without the O_DIRECTORY that comes with it */
};

/* Generic system call `nr`, interruptible. Returns its result or -errno. */
s64 prov_call(const volatile u32 *flag, u32 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
/* The same, not to be interrupted by us. */
s64 prov_call_now(u32 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
/* From a host signal handler: if the context was about to enter the kernel for prov_call, makes it return
 * -LX_ERESTARTNOINTR instead. */
void prov_interrupt(void *ucontext);

/* A call that is ready to be made: the host kernel's own number and arguments, and the flag of prov_call. */
struct prov_ready {
    u64 nr, arg[6];
    const volatile u32 *flag;
};
/* The host kernel's number of generic call `nr`, where that has the same arguments and structures; else -1. */
s32 prov_plain(u32 nr);
/* An engine_config.call, or NULL where the host has none. It asks prov_begin, which the personality has, what to do:
 * to make the call that this has made ready and go on as prov_end says, or one of the other two. Between the host
 * kernel's return and the guest's code there is no return to a C function that was called before: after a system call
 * the CPU does not know any more where those lead. */
enum prov_how { PROV_LEAVE, PROV_GO_ON, PROV_ENTER };
extern bool (*const prov_in_place)(struct vcpu *v);
enum prov_how prov_begin(struct vcpu *v, struct prov_ready *r);
enum prov_how prov_end(struct vcpu *v, s64 result);
