/* rt_sigaction of a riscv64 host. A handler returns through the kernel's own page: there is no restorer. */
#define _GNU_SOURCE
#include "personality/linux/host/host.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

int host_sigaction(int sig, const struct host_sigaction *act, struct host_sigaction *old)
{
    /* As the kernel has it: handler, flags, mask. */
    struct host_sigaction was = {0};
    int saved = errno;
    int rc = syscall(SYS_rt_sigaction, sig, act, &was, sizeof was.mask) ? -errno : 0;
    errno = saved;
    if (!rc && old)
        *old = was;
    return rc;
}
