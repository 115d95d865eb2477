/* The engine's descriptors; fd.h says how they are kept from the guest. */
#define _GNU_SOURCE
#include "personality/linux/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>

#include "personality/linux/provider.h"
#include "personality/linux/syscalls_gen.h"

enum { NOFILE = 7 };

u32 lx_fd_base = 0x7fffff00; /* none hidden before init */
static _Atomic u32 used;     /* bit i: the window's number i is given out, not a placeholder */

struct limit {
    u64 cur, max;
};

static s64 fcntl_now(u64 fd, u64 cmd, u64 arg)
{
    return prov_call_now(LX_NR_fcntl, fd, cmd, arg, 0, 0, 0);
}

/* Raises the soft limit so that the window can be written to; gives the limit to be restored. */
static int window_open(struct limit *old)
{
    int r = (int)prov_call_now(LX_NR_prlimit64, 0, NOFILE, 0, (u64)old, 0, 0);
    if (r || old->cur >= lx_fd_base + LX_FD_HIDDEN)
        return r;
    struct limit high = {lx_fd_base + LX_FD_HIDDEN, old->max};
    return (int)prov_call_now(LX_NR_prlimit64, 0, NOFILE, (u64)&high, 0, 0, 0);
}

static void window_close(const struct limit *old)
{
    if (old->cur < lx_fd_base + LX_FD_HIDDEN)
        (void)prov_call_now(LX_NR_prlimit64, 0, NOFILE, (u64)old, 0, 0, 0);
}

static bool window_free(u32 base)
{
    for (u32 i = 0; i < LX_FD_HIDDEN; i++) {
        if (fcntl_now(base + i, F_GETFD, 0) >= 0)
            return false;
    }
    return true;
}

/* Where the window may begin. */
static s64 window_find(const struct limit *lim)
{
    enum { LARGE = 4096 };
    /* Above the soft limit, where the guest has no numbers; but a high number would make the kernel's table large. */
    for (u64 base = lim->cur <= LARGE ? lim->cur : 1024 - LX_FD_HIDDEN;
         base + LX_FD_HIDDEN <= lim->max && base < 2 * LARGE; base++) {
        if (window_free((u32)base))
            return (s64)base;
    }
    /* Below it, out of the way. */
    for (u64 base = lim->cur < LARGE ? lim->cur : LARGE; base-- > 3;) {
        if (base + LX_FD_HIDDEN <= lim->max && window_free((u32)base))
            return (s64)base;
    }
    return -EMFILE;
}

int lx_fd_init(void)
{
    struct limit lim;
    int r = (int)prov_call_now(LX_NR_prlimit64, 0, NOFILE, 0, (u64)&lim, 0, 0);
    if (r)
        return r;
    s64 base = window_find(&lim);
    if (base < 0)
        return (int)base;
    lx_fd_base = (u32)base;
    s64 fd = prov_call_now(LX_NR_openat, (u64)AT_FDCWD, (u64) "/", O_PATH | O_CLOEXEC, 0, 0, 0);
    if (fd < 0)
        return (int)fd;
    struct limit old;
    r = window_open(&old);
    for (u32 i = 0; !r && i < LX_FD_HIDDEN; i++) {
        s64 d = prov_call_now(LX_NR_dup3, (u64)fd, lx_fd_base + i, O_CLOEXEC, 0, 0, 0);
        r = d < 0 ? (int)d : 0;
    }
    window_close(&old);
    (void)prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
    return r;
}

/* Puts fd at the window's number i. */
static s64 put(u32 fd, u32 i)
{
    struct limit old;
    int r = window_open(&old);
    if (r)
        return r;
    s64 d = prov_call_now(LX_NR_dup3, fd, lx_fd_base + i, O_CLOEXEC, 0, 0, 0);
    window_close(&old);
    return d;
}

int lx_fd_high(int fd)
{
    u32 now = atomic_load(&used);
    u32 i;
    do {
        i = (u32)__builtin_ctz(~now);
        /* the last is never given out: it is what the others are made placeholders from again */
        if (i >= LX_FD_HIDDEN - 1)
            return -EMFILE;
    } while (!atomic_compare_exchange_weak(&used, &now, now | 1u << i));
    s64 r = put((u32)fd, i);
    if (r < 0) {
        atomic_fetch_and(&used, ~(1u << i));
        return (int)r;
    }
    (void)prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
    return (int)r;
}

void lx_fd_close(int fd)
{
    u32 i = (u32)fd - lx_fd_base;
    if (i >= LX_FD_HIDDEN - 1)
        return;
    (void)put(lx_fd_base + LX_FD_HIDDEN - 1, i);
    atomic_fetch_and(&used, ~(1u << i));
}
