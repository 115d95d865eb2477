/* ioctl: requests and what their argument is.
 *
 * ioctl.tab lists the requests that are known by name. Others pass when their number says how large the argument is,
 * unless they belong to a family whose structures hold pointers: the host kernel would follow them into the engine's
 * memory. */
#include "personality/linux/syscall.h"

#include <errno.h>
#include <string.h>

#include "personality/linux/fd.h"
#include "personality/linux/provider.h"
#include "personality/linux/strace.h"

typedef s64 ioctl_fn(struct lx_thread *t, u64 fd, u32 request, gva_t arg);

enum kind { REQ_NONE, REQ_INT, REQ_IN, REQ_OUT, REQ_INOUT, REQ_SPECIAL, REQ_REFUSED };

struct request {
    u32 request;
    u8 kind;
    u16 size;
    s16 error;
    ioctl_fn *fn;
};

#include "personality/linux/ioctls_gen.h"

static s64 host(struct lx_thread *t, u64 fd, u32 request, u64 arg)
{
    return prov_call(&t->vcpu->poll, LX_NR_ioctl, fd, request, arg, 0, 0, 0);
}

/* --- requests with pointers or descriptors inside --- */

static s64 ioctl_clone(struct lx_thread *t, u64 fd, u32 request, gva_t arg)
{
    return lx_fd_hidden(arg) ? -EBADF : host(t, fd, request, arg);
}

static s64 ioctl_clone_range(struct lx_thread *t, u64 fd, u32 request, gva_t arg)
{
    return host(t, fd, request, call_in(t, arg, 32));
}

/* struct file_dedupe_range: 24 bytes, dest_count (u16 at 16) times 32. */
static s64 ioctl_dedupe(struct lx_thread *t, u64 fd, u32 request, gva_t arg)
{
    u16 n;
    if (lx_read(t, &n, arg + 16, sizeof n))
        return call_fd_first(fd, -EFAULT);
    return host(t, fd, request, call_out(t, arg, 24 + (u64)n * 32));
}

/* struct fiemap: 32 bytes, fm_extent_count (u32 at 24) times 56. */
static s64 ioctl_fiemap(struct lx_thread *t, u64 fd, u32 request, gva_t arg)
{
    u32 n;
    if (lx_read(t, &n, arg + 24, sizeof n))
        return call_fd_first(fd, -EFAULT);
    return host(t, fd, request, call_out(t, arg, 32 + (u64)n * 56));
}

/* struct rtentry: the device's name is a pointer at 88 of 120 bytes. */
static s64 ioctl_route(struct lx_thread *t, u64 fd, u32 request, gva_t arg)
{
    u64 rt[15];
    int r = lx_read(t, rt, arg, sizeof rt);
    if (r)
        return call_fd_first(fd, r);
    rt[11] = call_in(t, rt[11], 1);
    return host(t, fd, request, (u64)rt);
}

/* struct ifconf: length, buffer; both may change. */
static s64 ioctl_ifconf(struct lx_thread *t, u64 fd, u32 request, gva_t arg)
{
    struct {
        s32 len;
        u32 pad;
        u64 buf;
    } c;
    int r = lx_read(t, &c, arg, sizeof c);
    if (r)
        return call_fd_first(fd, r);
    c.buf = call_out(t, c.buf, c.len > 0 ? (u64)c.len : 1);
    s64 n = host(t, fd, request, (u64)&c);
    return n < 0 ? n : (lx_write(t, arg, &c.len, sizeof c.len) ? -EFAULT : n);
}

/* struct ifreq with a pointer to a request of the network driver at 16. */
static s64 ioctl_ifreq_data(struct lx_thread *t, u64 fd, u32 request, gva_t arg)
{
    enum { DATA = 1024 };
    u64 ifr[5];
    int r = lx_read(t, ifr, arg, sizeof ifr);
    if (r)
        return call_fd_first(fd, r);
    gva_t data = ifr[2];
    ifr[2] = lx_ok(t, data, DATA) ? call_out(t, data, DATA) : call_out(t, data, 1);
    return host(t, fd, request, (u64)ifr);
}

/* struct rand_pool_info: two ints and the bytes. */
static s64 ioctl_entropy(struct lx_thread *t, u64 fd, u32 request, gva_t arg)
{
    s32 head[2];
    int r = lx_read(t, head, arg, sizeof head);
    if (r)
        return call_fd_first(fd, r);
    return host(t, fd, request, call_in(t, arg, 8 + (head[1] > 0 ? (u64)head[1] : 0)));
}

/* --- dispatch --- */

static const struct request *find(u32 request)
{
    u32 lo = 0, hi = ARRAY_LEN(requests);
    while (lo < hi) {
        u32 mid = (lo + hi) / 2;
        if (requests[mid].request == request)
            return &requests[mid];
        if (requests[mid].request < request)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* Families (bits 8 to 15 of a request) with pointers in their structures: graphics, video, sound, USB, NVMe, VFIO,
 * binder, SCSI, MTD, btrfs, KVM, vhost. */
static bool has_pointers(u32 request)
{
    static const u8 families[] = {'d', 'V', 'A', 'C', 'U', 'N', ';', 'b', 'W', 'M', 0x22, 0x94, 0xae, 0xaf, 0xb4};
    return memchr(families, (int)(request >> 8 & 0xff), sizeof families) != NULL;
}

static s64 unknown(struct lx_thread *t, u64 fd, u32 request, u64 arg)
{
    u32 size = request >> 16 & 0x3fff;
    bool reads = request >> 31 & 1, writes = request >> 30 & 1; /* seen from the caller */
    if (t->proc->opt->strace)
        lx_strace_note(t, "dragoman: ioctl %#x is not in the table\n", request);
    if (!has_pointers(request)) {
        if ((reads || writes) && size)
            return host(t, fd, request, reads ? call_out(t, arg, size) : call_in(t, arg, size));
        if (arg < 4096) /* a number */
            return host(t, fd, request, arg);
    }
    return call_fd_first(fd, -ENOTTY);
}

s64 sys_ioctl(struct lx_thread *t, const u64 *a)
{
    u64 fd = a[0], arg = a[2];
    u32 request = (u32)a[1];
    if (lx_fd_hidden(fd))
        return -EBADF;
    const struct request *q = find(request);
    if (!q)
        return unknown(t, fd, request, arg);
    switch (q->kind) {
    case REQ_IN:
        return host(t, fd, request, call_in(t, arg, q->size));
    case REQ_OUT:
    case REQ_INOUT:
        return host(t, fd, request, call_out(t, arg, q->size));
    case REQ_SPECIAL:
        return q->fn(t, fd, request, arg);
    case REQ_REFUSED:
        return call_fd_first(fd, -q->error);
    default:
        return host(t, fd, request, arg);
    }
}
