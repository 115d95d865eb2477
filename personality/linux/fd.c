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

/* How far above the window numbers are needed when the guest has used up its own. */
#define ROOM 8

static int soft_limit(struct limit *l)
{
    return (int)prov_call_now(LX_NR_prlimit64, 0, NOFILE, 0, (u64)l, 0, 0);
}

void lx_fd_room_begin(struct lx_process *p)
{
    struct lx_fd_room *room = &p->fd_room;
    struct limit l;
    mk_lock(&room->lock);
    if (!soft_limit(&l)) {
        u64 want = (u64)lx_fd_base + LX_FD_HIDDEN + ROOM;
        if (!room->users)
            room->old = room->raised = l.cur;
        /* What a predecessor raised it to may not reach to this window. */
        bool ours = l.cur == room->raised;
        l.cur = want < l.max ? want : l.max;
        if (ours && l.cur > room->raised && !prov_call_now(LX_NR_prlimit64, 0, NOFILE, (u64)&l, 0, 0, 0))
            room->raised = l.cur;
    }
    room->users++;
    mk_unlock(&room->lock);
}

static void lower(const struct lx_fd_room *room)
{
    struct limit l;
    /* The guest may have set another one meanwhile. */
    if (room->raised == room->old || soft_limit(&l) || l.cur != room->raised)
        return;
    l.cur = room->old;
    (void)prov_call_now(LX_NR_prlimit64, 0, NOFILE, (u64)&l, 0, 0, 0);
}

void lx_fd_room_end(struct lx_process *p)
{
    mk_lock(&p->fd_room.lock);
    if (!--p->fd_room.users)
        lower(&p->fd_room);
    mk_unlock(&p->fd_room.lock);
}

u64 lx_fd_room_limit(struct lx_process *p)
{
    struct limit l = {0};
    mk_lock(&p->fd_room.lock);
    if (soft_limit(&l) || (p->fd_room.users && l.cur == p->fd_room.raised))
        l.cur = p->fd_room.old;
    mk_unlock(&p->fd_room.lock);
    return l.cur;
}

void lx_fd_room_inherit(struct lx_process *p, u64 limit)
{
    struct limit l;
    if (soft_limit(&l))
        return;
    p->fd_room = (struct lx_fd_room){.users = 1, .old = limit < l.cur ? limit : l.cur, .raised = l.cur};
}

void lx_fd_room_forked(struct lx_process *p)
{
    if (p->fd_room.users)
        lower(&p->fd_room);
    p->fd_room = (struct lx_fd_room){0};
}

static bool window_free(u32 base)
{
    for (u32 i = 0; i < LX_FD_HIDDEN; i++) {
        if (fcntl_now(base + i, F_GETFD, 0) >= 0)
            return false;
    }
    return true;
}

/* Where the window may begin, from `from` on. */
static s64 window_find(const struct limit *lim, u64 from)
{
    enum { LARGE = 4096 };
    /* Above the soft limit, where the guest has no numbers; but a high number would make the kernel's table large. */
    u64 first = lim->cur <= LARGE ? lim->cur : 1024 - LX_FD_HIDDEN;
    for (u64 base = first > from ? first : from; base + LX_FD_HIDDEN <= lim->max && base < 2 * LARGE; base++) {
        if (window_free((u32)base))
            return (s64)base;
    }
    if (from)
        return -EMFILE;
    /* Below it, out of the way. */
    for (u64 base = lim->cur < LARGE ? lim->cur : LARGE; base-- > 3;) {
        if (base + LX_FD_HIDDEN <= lim->max && window_free((u32)base))
            return (s64)base;
    }
    return -EMFILE;
}

/* Fills the window at base with placeholders. */
static int window_fill(struct lx_process *p, u32 base)
{
    lx_fd_base = base;
    lx_fd_room_begin(p);
    s64 fd = prov_call_now(LX_NR_openat, (u64)AT_FDCWD, (u64) "/", O_PATH | O_CLOEXEC, 0, 0, 0);
    int r = fd < 0 ? (int)fd : 0;
    u32 i = 0;
    for (; !r && i < LX_FD_HIDDEN; i++) {
        if ((u64)fd == lx_fd_base + i)
            continue; /* it was the lowest that was free */
        s64 d = prov_call_now(LX_NR_dup3, (u64)fd, lx_fd_base + i, O_CLOEXEC, 0, 0, 0);
        r = d < 0 ? (int)d : 0;
    }
    for (; r && i > 0; i--)
        (void)prov_call_now(LX_NR_close, (u64)base + i - 1, 0, 0, 0, 0, 0);
    if (fd >= 0 && !lx_fd_hidden((u64)fd))
        (void)prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
    lx_fd_room_end(p);
    return r;
}

int lx_fd_init(struct lx_process *p)
{
    struct limit lim;
    int r = soft_limit(&lim);
    if (r)
        return r;
    lim.cur = lx_fd_room_limit(p);
    for (u64 from = 0;;) {
        s64 base = window_find(&lim, from);
        if (base < 0)
            return (int)base;
        r = window_fill(p, (u32)base);
        /* Numbers that look free and cannot be had are the window of one of us that runs us. */
        if (r != -EBADF)
            return r;
        from = (u64)base + LX_FD_HIDDEN;
    }
}

/* Puts fd at the window's number i. */
static s64 put(u32 fd, u32 i)
{
    struct lx_thread *t = lx_self(); /* none: the start, which has made room */
    if (t)
        lx_fd_room_begin(t->proc);
    s64 d = prov_call_now(LX_NR_dup3, fd, lx_fd_base + i, O_CLOEXEC, 0, 0, 0);
    if (t)
        lx_fd_room_end(t->proc);
    return d;
}

int lx_fd_copy(int fd)
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
    if (r < 0)
        atomic_fetch_and(&used, ~(1u << i));
    return (int)r;
}

int lx_fd_high(int fd)
{
    const int high = lx_fd_copy(fd);
    if (high >= 0)
        (void)prov_call_now(LX_NR_close, (u64)fd, 0, 0, 0, 0, 0);
    return high;
}

void lx_fd_close(int fd)
{
    u32 i = (u32)fd - lx_fd_base;
    if (i >= LX_FD_HIDDEN - 1)
        return;
    (void)put(lx_fd_base + LX_FD_HIDDEN - 1, i);
    atomic_fetch_and(&used, ~(1u << i));
}
