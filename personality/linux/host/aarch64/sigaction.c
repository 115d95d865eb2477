/* rt_sigaction of an AArch64 host. A handler returns through the kernel's own page, so no restorer is told. */
#define _GNU_SOURCE
#include "personality/linux/host/host.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

struct kernel_sigaction {
    void *handler;
    u64 flags;
    void (*restorer)(void);
    u64 mask;
};

int host_sigaction(int sig, const struct host_sigaction *act, struct host_sigaction *old)
{
    struct kernel_sigaction k = {0}, was = {0};
    if (act)
        k = (struct kernel_sigaction){.handler = act->handler, .flags = act->flags, .mask = act->mask};
    int saved = errno;
    int rc = syscall(SYS_rt_sigaction, sig, act ? &k : NULL, &was, sizeof k.mask) ? -errno : 0;
    errno = saved;
    if (!rc && old)
        *old = (struct host_sigaction){was.handler, was.flags, was.mask};
    return rc;
}
