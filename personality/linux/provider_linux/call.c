/* The Linux provider: generic calls become the host kernel's. */
#include "personality/linux/provider.h"

#include <errno.h>

#include <sys/time.h>
#include <time.h>

#include "personality/linux/provider_linux/arch.h"
#include "personality/linux/syscalls_gen.h"

/* The C library asks the host's clock without entering the kernel. */
static s64 clock_call(u32 nr, u64 a, u64 b)
{
    if (nr == LX_NR_clock_gettime) {
        struct timespec ts;
        if (clock_gettime((clockid_t)a, &ts))
            return -errno;
        return mk_copy((void *)b, &ts, sizeof ts);
    }
    struct timeval tv;
    if (gettimeofday(&tv, NULL))
        return -errno;
    return mk_copy((void *)a, &tv, sizeof tv);
}

s64 prov_call(const volatile u32 *flag, u32 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    s64 r;
    s32 host = arch_number(nr);
    if (UNLIKELY(host < 0))
        return -ENOSYS;
    if ((nr == LX_NR_clock_gettime || (nr == LX_NR_gettimeofday && a && !b)) && !(flag && *flag))
        return clock_call(nr, a, b);
    const u64 args[6] = {a, b, c, d, e, f};
    if (arch_special(flag, nr, args, &r))
        return r;
    return prov_enter(flag, (u32)host, a, b, c, d, e, f);
}

s64 prov_call_now(u32 nr, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f)
{
    return prov_call(NULL, nr, a, b, c, d, e, f);
}

void prov_interrupt(void *ucontext)
{
    arch_refuse(ucontext);
}
