/* Waiting for descriptors: ppoll, pselect6, epoll_pwait, epoll_pwait2.
 *
 * The signal mask that they swap in while they wait is swapped by the host kernel, without a window between the check
 * and the wait; signal.h says what the personality keeps meanwhile. */
#include "personality/linux/syscall.h"

#include <errno.h>

#include "personality/linux/fd.h"
#include "personality/linux/provider.h"
#include "personality/linux/signal.h"

enum { SIGSET = 8 };

/* A mask argument: none, or read into *host in the host's form. */
static int mask_begin(struct lx_thread *t, gva_t p, u64 size, bool *have, u64 *host)
{
    u64 mask;
    *have = p != 0;
    if (!p)
        return 0;
    if (size != SIGSET)
        return -EINVAL;
    int r = lx_read(t, &mask, p, sizeof mask);
    if (r)
        return r;
    *host = lx_host_mask(mask);
    lx_sigmask_begin(t, mask);
    return 0;
}

s64 sys_ppoll(struct lx_thread *t, const u64 *a)
{
    bool have;
    u64 mask;
    u64 fds = call_out(t, a[0], call_mul((u32)a[1], 8)), time = call_out(t, a[2], LX_SIZE_timespec);
    int e = mask_begin(t, a[3], a[4], &have, &mask);
    if (e)
        return e;
    s64 r = prov_call(&t->vcpu->poll, LX_NR_ppoll, fds, a[1], time, have ? (u64)&mask : 0, SIGSET, 0);
    return have ? lx_sigmask_end(t, r) : r;
}

s64 sys_pselect6(struct lx_thread *t, const u64 *a)
{
    struct {
        u64 mask, size;
    } arg = {0}, host_arg;
    bool have;
    u64 mask;
    u64 bytes = (s32)a[0] < 0 ? 1 : call_bits((u32)a[0]);
    u64 sets[3], time = call_out(t, a[4], LX_SIZE_timespec);
    for (int i = 0; i < 3; i++)
        sets[i] = call_out(t, a[1 + i], bytes);
    if (a[5]) {
        int e = lx_read(t, &arg, a[5], sizeof arg);
        if (e)
            return e;
    }
    int e = mask_begin(t, arg.mask, arg.size, &have, &mask);
    if (e)
        return e;
    host_arg.mask = have ? (u64)&mask : 0;
    host_arg.size = SIGSET;
    s64 r = prov_call(&t->vcpu->poll, LX_NR_pselect6, a[0], sets[0], sets[1], sets[2], time, (u64)&host_arg);
    return have ? lx_sigmask_end(t, r) : r;
}

static s64 epoll(struct lx_thread *t, const u64 *a, u32 nr, u64 time)
{
    bool have;
    u64 mask;
    u64 events = call_out(t, a[1], (s32)a[2] <= 0 ? 1 : call_mul((u32)a[2], LX_SIZE_epoll_event));
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    int e = mask_begin(t, a[4], a[5], &have, &mask);
    if (e)
        return e;
    s64 r = prov_call(&t->vcpu->poll, nr, a[0], events, a[2], time, have ? (u64)&mask : 0, SIGSET);
    return have ? lx_sigmask_end(t, r) : r;
}

s64 sys_epoll_pwait(struct lx_thread *t, const u64 *a)
{
    return epoll(t, a, LX_NR_epoll_pwait, a[3]);
}

s64 sys_epoll_pwait2(struct lx_thread *t, const u64 *a)
{
    return epoll(t, a, LX_NR_epoll_pwait2, call_in(t, a[3], LX_SIZE_timespec));
}
