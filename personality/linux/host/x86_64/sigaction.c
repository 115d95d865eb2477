/* rt_sigaction of an x86-64 host: the kernel wants to be told how a handler returns. */
#define _GNU_SOURCE
#include "personality/linux/host/host.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KERNEL_SA_RESTORER 0x04000000ull

struct kernel_sigaction {
    void *handler;
    u64 flags;
    void (*restorer)(void);
    u64 mask;
};

void host_sigreturn(void);
__asm__(".text\n"
        ".globl host_sigreturn\n"
        ".hidden host_sigreturn\n"
        ".type host_sigreturn, @function\n"
        "nop\n" /* unwinders look at the byte before the return address */
        "host_sigreturn:\n"
        "mov $15, %rax\n" /* these two instructions are how debuggers know a signal frame */
        "syscall\n"
        ".size host_sigreturn, . - host_sigreturn\n");

int host_sigaction(int sig, const struct host_sigaction *act, struct host_sigaction *old)
{
    struct kernel_sigaction k = {0}, was = {0};
    if (act)
        k = (struct kernel_sigaction){act->handler, act->flags | KERNEL_SA_RESTORER, host_sigreturn, act->mask};
    int saved = errno;
    int rc = syscall(SYS_rt_sigaction, sig, act ? &k : NULL, &was, sizeof k.mask) ? -errno : 0;
    errno = saved;
    if (!rc && old)
        *old = (struct host_sigaction){was.handler, was.flags & ~KERNEL_SA_RESTORER, was.mask};
    return rc;
}
