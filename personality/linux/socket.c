/* Sockets: addresses, messages, options.
 *
 * Structures are the same on all hosts; what is done here is to translate the pointers inside message headers, and,
 * under --root, the paths in addresses of AF_UNIX sockets. */
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/un.h>

#include "personality/linux/iov.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

#include "lib/fmt.h"
#include "personality/linux/fd.h"
#include "personality/linux/path.h"
#include "personality/linux/provider.h"

enum { ADDR_MAX = sizeof(struct sockaddr_storage) };

/* An address for the host kernel: in guest memory, or rewritten here. */
struct address {
    u64 ptr;
    u64 len;
    struct sockaddr_un un;
    char end; /* a path may fill un.sun_path */
    struct lx_path path;
};

/* --- AF_UNIX under --root --- */

/* Puts the host's name of the resolved path into a->un. */
static int host_name(struct address *a)
{
    char dir[LX_PATH_MAX];
    const char *name = a->path.name;
    size_t n = strlen(name);
    char *out = a->un.sun_path;
    size_t cap = sizeof a->un.sun_path;
    if (a->path.dirfd == AT_FDCWD) {
        if (n > cap)
            return -ENAMETOOLONG;
        memcpy(out, name, n);
    } else {
        /* The whole host path, if it fits, so that getsockname can be turned back. */
        char link[32];
        fmt(link, sizeof link, "/proc/self/fd/%d", a->path.dirfd);
        s64 d = prov_call_now(LX_NR_readlinkat, (u64)(s64)AT_FDCWD, (u64)link, (u64)dir, sizeof dir - 1, 0, 0);
        if (d < 0)
            return (int)d;
        dir[d] = 0;
        const char *base = (size_t)d + 1 + n <= cap ? dir : link;
        size_t b = strlen(base);
        if (b + 1 + n > cap)
            return -ENAMETOOLONG;
        memcpy(out, base, b);
        out[b] = '/';
        memcpy(out + b + 1, name, n);
        n += b + 1;
    }
    a->len = offsetof(struct sockaddr_un, sun_path) + n + (n < cap);
    if (n < cap)
        out[n] = 0;
    return 0;
}

/* An address argument; put it in either case. create: the socket is to be made there. */
static int address_get(struct lx_thread *t, struct address *a, gva_t addr, u64 len, bool create)
{
    lx_path_init(&a->path);
    a->ptr = call_in(t, addr, (u32)len ? (u32)len : 1);
    a->len = len;
    if (t->proc->root_fd < 0 || !addr || (u32)len <= offsetof(struct sockaddr_un, sun_path) || (u32)len > sizeof a->un)
        return 0;
    memset(&a->un, 0, sizeof a->un);
    a->end = 0;
    int r = lx_read(t, &a->un, addr, (u32)len);
    if (r)
        return r;
    if (a->un.sun_family == AF_UNIX && a->un.sun_path[0]) {
        char path[sizeof a->un.sun_path + 1];
        memcpy(path, a->un.sun_path, sizeof a->un.sun_path);
        path[sizeof a->un.sun_path] = 0;
        memset(a->un.sun_path, 0, sizeof a->un.sun_path);
        r = lx_path_resolve(t->proc, &a->path, AT_FDCWD, path, create ? LX_PATH_CREATE : LX_PATH_FOLLOW);
        if (!r)
            r = host_name(a);
    }
    a->ptr = (u64)&a->un;
    return r;
}

static void address_put(struct address *a)
{
    lx_path_put(&a->path);
}

/* An address that the host kernel gave: len of cap bytes; the guest's form in place. Its length. */
static u32 address_to_guest(struct lx_thread *t, void *addr, u32 len, u32 cap)
{
    struct sockaddr_un *un = addr;
    char path[sizeof un->sun_path + 1];
    u32 head = offsetof(struct sockaddr_un, sun_path);
    if (len <= head || len > sizeof *un || len > cap || un->sun_family != AF_UNIX || !un->sun_path[0])
        return len;
    memcpy(path, un->sun_path, len - head);
    path[len - head] = 0;
    size_t before = strlen(path);
    if (!lx_path_to_guest(t->proc, path))
        return len;
    size_t now = strlen(path);
    memcpy(un->sun_path, path, now + 1 < sizeof un->sun_path ? now + 1 : sizeof un->sun_path);
    return len - (u32)(before - now);
}

/* --- calls with one address --- */

/* Errors of the descriptor come before those of the message. */
static s64 socket_first(u64 fd, s64 error)
{
    s32 type, len = sizeof type;
    s64 r = prov_call_now(LX_NR_getsockopt, fd, SOL_SOCKET, SO_TYPE, (u64)&type, (u64)&len, 0);
    return r == -EBADF || r == -ENOTSOCK ? r : error;
}

s64 sys_bind(struct lx_thread *t, const u64 *a)
{
    struct address ad;
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    s64 r = address_get(t, &ad, a[1], a[2], true);
    if (!r)
        r = prov_call(&t->vcpu->poll, LX_NR_bind, a[0], ad.ptr, ad.len, 0, 0, 0);
    else
        r = socket_first(a[0], r);
    address_put(&ad);
    return r == -EEXIST ? -EADDRINUSE : r;
}

s64 sys_connect(struct lx_thread *t, const u64 *a)
{
    struct address ad;
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    s64 r = address_get(t, &ad, a[1], a[2], false);
    if (!r)
        r = prov_call(&t->vcpu->poll, LX_NR_connect, a[0], ad.ptr, ad.len, 0, 0, 0);
    else
        r = socket_first(a[0], r);
    address_put(&ad);
    return r;
}

s64 sys_sendto(struct lx_thread *t, const u64 *a)
{
    struct address ad;
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    s64 r = address_get(t, &ad, a[4], a[5], false);
    if (!r)
        r = prov_call(&t->vcpu->poll, LX_NR_sendto, a[0], call_in(t, a[1], a[2]), a[2], a[3], ad.ptr, ad.len);
    else
        r = socket_first(a[0], r);
    address_put(&ad);
    return r;
}

/* Calls that give an address: arguments a[at] (buffer) and a[at + 1] (its length, in and out). */
static s64 with_address_out(struct lx_thread *t, const u64 *a, u32 nr, u32 at)
{
    u64 arg[6];
    s32 len = 0;
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    memcpy(arg, a, sizeof arg);
    if (nr == LX_NR_recvfrom)
        arg[1] = call_out(t, a[1], a[2]);
    if (!a[at]) {
        arg[at + 1] = call_out(t, a[at + 1], 4);
        return prov_call(&t->vcpu->poll, nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
    }
    bool readable = !lx_read(t, &len, a[at + 1], sizeof len);
    arg[at] = call_out(t, a[at], readable && len > 0 ? (u64)(len < ADDR_MAX ? len : ADDR_MAX) : 1);
    arg[at + 1] = call_out(t, a[at + 1], 4);
    if (t->proc->root_fd < 0 || !readable || len < 0)
        return prov_call(&t->vcpu->poll, nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
    u8 buf[ADDR_MAX + 1] = {0};
    u32 got = ADDR_MAX;
    arg[at] = (u64)buf;
    arg[at + 1] = (u64)&got;
    s64 r = prov_call(&t->vcpu->poll, nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
    if (r < 0)
        return r;
    got = address_to_guest(t, buf, got, ADDR_MAX);
    u32 give = got < (u32)len ? got : (u32)len;
    int e = lx_write(t, a[at], buf, give < ADDR_MAX ? give : ADDR_MAX);
    if (!e)
        e = lx_write(t, a[at + 1], &got, sizeof got);
    return e ? e : r;
}

s64 sys_accept(struct lx_thread *t, const u64 *a)
{
    return with_address_out(t, a, LX_NR_accept, 1);
}

s64 sys_accept4(struct lx_thread *t, const u64 *a)
{
    return with_address_out(t, a, LX_NR_accept4, 1);
}

s64 sys_getsockname(struct lx_thread *t, const u64 *a)
{
    return with_address_out(t, a, LX_NR_getsockname, 1);
}

s64 sys_getpeername(struct lx_thread *t, const u64 *a)
{
    return with_address_out(t, a, LX_NR_getpeername, 1);
}

s64 sys_recvfrom(struct lx_thread *t, const u64 *a)
{
    return with_address_out(t, a, LX_NR_recvfrom, 4);
}

/* --- messages --- */

/* The generic ABI's, as the kernel sees it. */
struct header {
    u64 name;
    s32 namelen;
    u32 pad1;
    u64 iov;
    u64 iovlen;
    u64 control;
    u64 controllen;
    u32 flags;
    u32 pad2;
};
_Static_assert(sizeof(struct header) == sizeof(struct msghdr), "the same on this host");

enum { HEADER_LEN = sizeof(struct header), MMSG = HEADER_LEN + 8 };

/* Does a control message hand over one of the engine's descriptors? */
static bool hands_over_hidden(const struct lx_thread *t, gva_t control, u64 len)
{
    struct {
        u64 len;
        s32 level, type;
    } c;
    struct lx_thread *self = (struct lx_thread *)t;
    for (u64 at = 0, steps = 0; at + sizeof c <= len && steps < 64; steps++) {
        if (lx_read(self, &c, control + at, sizeof c) || c.len < sizeof c || c.len > len - at)
            return false;
        for (u64 i = at + sizeof c; c.level == SOL_SOCKET && c.type == SCM_RIGHTS && i + 4 <= at + c.len; i += 4) {
            u32 fd;
            if (lx_read(self, &fd, control + i, sizeof fd))
                return false;
            if (lx_fd_hidden(fd))
                return true;
        }
        at += (c.len + 7) & ~7ull;
    }
    return false;
}

static s64 send_one(struct lx_thread *t, u64 fd, gva_t msg, u32 flags)
{
    struct iovec iov[LX_IOV_MAX];
    struct header h;
    struct address ad;
    int e = lx_read(t, &h, msg, sizeof h);
    if (e)
        return socket_first(fd, e);
    if (h.iovlen > LX_IOV_MAX)
        return socket_first(fd, -EMSGSIZE);
    e = lx_iov_read(t, iov, h.iov, h.iovlen, false);
    if (e)
        return socket_first(fd, e);
    if (h.control && h.controllen && hands_over_hidden(t, h.control, h.controllen))
        return -EBADF;
    u64 len = h.namelen < 0 ? 0 : (u64)h.namelen; /* a negative length is the host kernel's to refuse */
    s64 r = address_get(t, &ad, h.name, len, false);
    if (!r) {
        h.name = ad.ptr;
        if (h.namelen >= 0)
            h.namelen = (s32)ad.len;
        h.iov = (u64)iov;
        h.control = call_in(t, h.control, h.controllen);
        r = prov_call(&t->vcpu->poll, LX_NR_sendmsg, fd, (u64)&h, flags, 0, 0, 0);
    }
    address_put(&ad);
    return r;
}

static s64 receive_one(struct lx_thread *t, u64 fd, gva_t msg, u32 flags)
{
    struct iovec iov[LX_IOV_MAX];
    u8 name[ADDR_MAX + 1] = {0};
    struct header g, h;
    int e = lx_read(t, &g, msg, sizeof g);
    if (e)
        return socket_first(fd, e);
    if (g.iovlen > LX_IOV_MAX)
        return socket_first(fd, -EMSGSIZE);
    e = lx_iov_read(t, iov, g.iov, g.iovlen, true);
    if (e)
        return socket_first(fd, e);
    h = g;
    bool convert = t->proc->root_fd >= 0 && g.name && g.namelen >= 0;
    h.iov = (u64)iov;
    h.control = call_out(t, g.control, g.controllen);
    if (convert) {
        h.name = (u64)name;
        h.namelen = ADDR_MAX;
    } else {
        h.name = call_out(t, g.name, g.namelen > 0 ? (u64)(g.namelen < ADDR_MAX ? g.namelen : ADDR_MAX) : 1);
    }
    s64 r = prov_call(&t->vcpu->poll, LX_NR_recvmsg, fd, (u64)&h, flags, 0, 0, 0);
    if (r < 0)
        return r;
    if (convert) {
        h.namelen = (s32)address_to_guest(t, name, (u32)h.namelen, ADDR_MAX);
        s32 give = h.namelen < g.namelen ? h.namelen : g.namelen;
        e = lx_write(t, g.name, name, (size_t)give);
    }
    if (!e && g.name)
        e = lx_write(t, msg + offsetof(struct header, namelen), &h.namelen, sizeof h.namelen);
    if (!e)
        e = lx_write(t, msg + offsetof(struct header, controllen), &h.controllen, sizeof h.controllen);
    if (!e)
        e = lx_write(t, msg + offsetof(struct header, flags), &h.flags, sizeof h.flags);
    return e ? e : r;
}

s64 sys_sendmsg(struct lx_thread *t, const u64 *a)
{
    return lx_fd_hidden(a[0]) ? -EBADF : send_one(t, a[0], a[1], (u32)a[2]);
}

s64 sys_recvmsg(struct lx_thread *t, const u64 *a)
{
    return lx_fd_hidden(a[0]) ? -EBADF : receive_one(t, a[0], a[1], (u32)a[2]);
}

s64 sys_sendmmsg(struct lx_thread *t, const u64 *a)
{
    u32 n = (u32)a[2] < LX_IOV_MAX ? (u32)a[2] : LX_IOV_MAX;
    s64 r = 0;
    u32 done = 0;
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    for (; done < n; done++) {
        gva_t msg = a[1] + (u64)done * MMSG;
        r = send_one(t, a[0], msg, (u32)a[3]);
        if (r < 0)
            break;
        u32 len = (u32)r;
        r = lx_write(t, msg + HEADER_LEN, &len, sizeof len);
        if (r < 0)
            break;
    }
    if (n == 0) /* of a descriptor that is no socket, still an error */
        return prov_call(&t->vcpu->poll, LX_NR_sendmmsg, a[0], 0, 0, a[3], 0, 0);
    return done ? done : r;
}

static s64 nanoseconds(void)
{
    s64 ts[2];
    (void)prov_call_now(LX_NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, (u64)ts, 0, 0, 0, 0);
    return ts[0] * 1000000000 + ts[1];
}

/* The time limit is looked at after each message only, as in Linux; what is left of it is written back. */
s64 sys_recvmmsg(struct lx_thread *t, const u64 *a)
{
    u32 n = (u32)a[2] < LX_IOV_MAX ? (u32)a[2] : LX_IOV_MAX, done = 0, flags = (u32)a[3];
    s64 time[2], end = 0, r = 0;
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    if (a[4]) {
        int e = lx_read(t, time, a[4], sizeof time);
        if (e)
            return e;
        if (time[0] < 0 || (u64)time[1] >= 1000000000)
            return -EINVAL;
        if (__builtin_mul_overflow(time[0], 1000000000, &end) ||
            __builtin_add_overflow(end, time[1] + nanoseconds(), &end))
            end = INT64_MAX;
    }
    if (n == 0)
        return prov_call(&t->vcpu->poll, LX_NR_recvmmsg, a[0], 0, 0, a[3], 0, 0);
    while (done < n) {
        gva_t msg = a[1] + (u64)done * MMSG;
        r = receive_one(t, a[0], msg, flags & ~(u32)MSG_WAITFORONE);
        if (r < 0)
            break;
        u32 len = (u32)r;
        r = lx_write(t, msg + HEADER_LEN, &len, sizeof len);
        if (r < 0)
            break;
        done++;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        u32 got;
        if (lx_read(t, &got, msg + offsetof(struct header, flags), sizeof got) || got & MSG_OOB)
            break;
        if (a[4] && nanoseconds() >= end)
            break;
    }
    if (a[4]) {
        s64 left = end - nanoseconds();
        left = left < 0 ? 0 : left;
        time[0] = left / 1000000000;
        time[1] = left % 1000000000;
        int e = lx_write(t, a[4], time, sizeof time);
        if (e)
            return e;
    }
    return done ? done : r;
}

/* --- options --- */

/* Options of packet filters, whose arguments hold pointers that only the kernel of the guest's architecture could
 * follow. */
static bool filter_tables(u32 level, u32 opt)
{
    enum { SOL_IP_ = 0, SOL_IPV6_ = 41, EBT = 128, FIRST = 64, LAST = 70, ARPT = 96 };
    if (level == SOL_IP_)
        return (opt >= FIRST && opt < LAST) || (opt >= ARPT && opt < ARPT + 4) || (opt >= EBT && opt < EBT + 4);
    return level == SOL_IPV6_ && opt >= FIRST && opt < FIRST + 2;
}

s64 sys_setsockopt(struct lx_thread *t, const u64 *a)
{
    enum { ATTACH_FILTER = 26, ATTACH_REUSEPORT_CBPF = 51, PROG = 16, INSN = 8 };
    u32 level = (u32)a[1], opt = (u32)a[2];
    u64 prog[2], val;
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    if (filter_tables(level, opt))
        return -ENOPROTOOPT;
    val = call_in(t, a[3], (s32)a[4] > 0 ? (u32)a[4] : 1);
    if (level == SOL_SOCKET && (opt == ATTACH_FILTER || opt == ATTACH_REUSEPORT_CBPF) && (u32)a[4] == PROG) {
        int e = lx_read(t, prog, a[3], sizeof prog);
        if (e)
            return e;
        prog[1] = call_in(t, prog[1], (u16)prog[0] * INSN);
        val = (u64)prog;
    }
    return prov_call(&t->vcpu->poll, LX_NR_setsockopt, a[0], level, opt, val, a[4], 0);
}

s64 sys_getsockopt(struct lx_thread *t, const u64 *a)
{
    enum { GET_FILTER = 26, INSN = 8, TCP = 6, TCP_ZEROCOPY_RECEIVE_ = 35 };
    u32 level = (u32)a[1], opt = (u32)a[2];
    s32 len = 0;
    if (lx_fd_hidden(a[0]))
        return -EBADF;
    if (filter_tables(level, opt) || (level == TCP && opt == TCP_ZEROCOPY_RECEIVE_))
        return -ENOPROTOOPT;
    if (lx_read(t, &len, a[4], sizeof len))
        len = 0;
    u64 bytes = len > 0 ? (u64)len : 1;
    if (level == SOL_SOCKET && opt == GET_FILTER)
        bytes = call_mul(bytes, INSN);
    return prov_call(&t->vcpu->poll, LX_NR_getsockopt, a[0], level, opt, call_out(t, a[3], bytes), call_out(t, a[4], 4),
                     0);
}
