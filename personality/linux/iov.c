/* Calls with scattered buffers: readv, writev and their kin, vmsplice, process_vm_readv and _writev.
 *
 * The array is copied, its pointers translated, and the host kernel does the rest, its checks of lengths included. */
#define _GNU_SOURCE
#include "personality/linux/iov.h"

#include <errno.h>

#include "personality/linux/fd.h"
#include "personality/linux/provider.h"

_Static_assert(sizeof(struct iovec) == 16, "the same in the generic ABI");

int lx_iov_read(struct lx_thread *t, struct iovec *out, gva_t iov, u64 n, bool write)
{
    if (n > LX_IOV_MAX)
        return -EINVAL;
    if (n == 0)
        return 0;
    int r = lx_read(t, out, iov, n * sizeof *out);
    if (r)
        return r;
    for (u64 i = 0; i < n; i++) {
        u64 base = (u64)out[i].iov_base;
        if (out[i].iov_len == 0)
            base = 0;
        else if ((s64)out[i].iov_len > 0) /* else the host kernel says EINVAL */
            base = write ? call_out(t, base, out[i].iov_len) : call_in(t, base, out[i].iov_len);
        out[i].iov_base = (void *)base;
    }
    return 0;
}

static s64 vectored(struct lx_thread *t, const u64 *a, u32 nr, bool write)
{
    struct iovec iov[LX_IOV_MAX];
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    int r = lx_iov_read(t, iov, a[1], a[2], write);
    if (r)
        return call_fd_first(a[0], r);
    return prov_call(&t->vcpu->poll, nr, a[0], (u64)iov, a[2], a[3], a[4], a[5]);
}

s64 sys_readv(struct lx_thread *t, const u64 *a)
{
    return vectored(t, a, LX_NR_readv, true);
}

s64 sys_writev(struct lx_thread *t, const u64 *a)
{
    return vectored(t, a, LX_NR_writev, false);
}

s64 sys_preadv(struct lx_thread *t, const u64 *a)
{
    return vectored(t, a, LX_NR_preadv, true);
}

s64 sys_pwritev(struct lx_thread *t, const u64 *a)
{
    return vectored(t, a, LX_NR_pwritev, false);
}

s64 sys_preadv2(struct lx_thread *t, const u64 *a)
{
    return vectored(t, a, LX_NR_preadv2, true);
}

s64 sys_pwritev2(struct lx_thread *t, const u64 *a)
{
    return vectored(t, a, LX_NR_pwritev2, false);
}

/* Which way the pages go depends on the end of the pipe; a writable mapping is not needed, so code pages stay as they
 * are. */
s64 sys_vmsplice(struct lx_thread *t, const u64 *a)
{
    s64 flags = lx_fd_hidden(a[0]) ? -EBADF : prov_call_now(LX_NR_fcntl, a[0], 3 /* F_GETFL */, 0, 0, 0, 0);
    return flags < 0 ? flags : vectored(t, a, LX_NR_vmsplice, (flags & 3) == 0);
}

/* The other process's memory is taken to lie in a window at the same place, as after fork. */
static s64 process_vm(struct lx_thread *t, const u64 *a, u32 nr, bool local_write)
{
    struct iovec local[LX_IOV_MAX], remote[LX_IOV_MAX];
    if (a[5])
        return -EINVAL;
    int r = lx_iov_read(t, local, a[1], a[2], local_write);
    if (!r)
        r = lx_iov_read(t, remote, a[3], a[4],
                        !local_write && (u32)a[0] == (u32)prov_call_now(LX_NR_getpid, 0, 0, 0, 0, 0, 0));
    if (r)
        return r;
    return prov_call(&t->vcpu->poll, nr, a[0], (u64)local, a[2], (u64)remote, a[4], 0);
}

s64 sys_process_vm_readv(struct lx_thread *t, const u64 *a)
{
    return process_vm(t, a, LX_NR_process_vm_readv, true);
}

s64 sys_process_vm_writev(struct lx_thread *t, const u64 *a)
{
    return process_vm(t, a, LX_NR_process_vm_writev, false);
}
