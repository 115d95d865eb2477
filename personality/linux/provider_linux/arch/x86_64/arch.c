/* Linux on x86-64 as a provider: its system call numbers, the few calls whose arguments or structures differ from the
 * generic 64-bit ABI, and the pc of an interrupted context.
 *
 * What differs: struct stat, struct epoll_event (packed here), struct semid64_ds, the order of clone's arguments. */
#define _GNU_SOURCE
#include "personality/linux/provider_linux/arch.h"

#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <ucontext.h>

#include "personality/linux/provider_linux/arch/x86_64/x86_64_gen.h"
#include "personality/linux/syscalls_gen.h"

extern const char prov_enter_begin[], prov_enter_end[], prov_enter_refuse[];
extern const char in_place_begin[], in_place_end[], in_place_refuse[];
bool in_place(struct vcpu *v);

bool (*const prov_in_place)(struct vcpu *v) = in_place;

s32 arch_number(u32 nr)
{
    return nr < ARRAY_LEN(host_number) ? host_number[nr] - 1 : -1;
}

bool arch_refuse(void *ucontext)
{
    greg_t *pc = &((ucontext_t *)ucontext)->uc_mcontext.gregs[REG_RIP];
    if ((u64)*pc - (u64)prov_enter_begin < (u64)(prov_enter_end - prov_enter_begin))
        *pc = (greg_t)prov_enter_refuse;
    else if ((u64)*pc - (u64)in_place_begin < (u64)(in_place_end - in_place_begin))
        *pc = (greg_t)in_place_refuse;
    else
        return false;
    return true;
}

/* struct stat of the generic ABI. */
struct generic_stat {
    u64 dev, ino;
    u32 mode, nlink, uid, gid;
    u64 rdev, pad1;
    s64 size;
    s32 blksize, pad2;
    s64 blocks;
    s64 atime;
    u64 atime_nsec;
    s64 mtime;
    u64 mtime_nsec;
    s64 ctime;
    u64 ctime_nsec;
    u32 unused[2];
};
_Static_assert(sizeof(struct generic_stat) == LX_SIZE_stat, "as the table says");

static s64 stat_out(u64 dst, const struct stat *st)
{
    struct generic_stat g = {
        .dev = st->st_dev,
        .ino = st->st_ino,
        .mode = st->st_mode,
        .nlink = (u32)st->st_nlink,
        .uid = st->st_uid,
        .gid = st->st_gid,
        .rdev = st->st_rdev,
        .size = st->st_size,
        .blksize = (s32)st->st_blksize,
        .blocks = st->st_blocks,
        .atime = st->st_atim.tv_sec,
        .atime_nsec = (u64)st->st_atim.tv_nsec,
        .mtime = st->st_mtim.tv_sec,
        .mtime_nsec = (u64)st->st_mtim.tv_nsec,
        .ctime = st->st_ctim.tv_sec,
        .ctime_nsec = (u64)st->st_ctim.tv_nsec,
    };
    return mk_copy((void *)dst, &g, sizeof g) ? -EFAULT : 0;
}

/* The generic ABI does not pack it. */
struct generic_event {
    u32 events, pad;
    u64 data;
};
_Static_assert(sizeof(struct generic_event) == LX_SIZE_epoll_event, "as the table says");
_Static_assert(sizeof(struct epoll_event) == 12, "x86-64 packs it");

static s64 call_epoll_ctl(const volatile u32 *flag, const u64 *a)
{
    struct epoll_event host = {0};
    struct generic_event g;
    u64 arg = a[3];
    if ((u32)a[1] != EPOLL_CTL_DEL) { /* the only one for which the kernel does not read it */
        if (mk_copy(&g, (const void *)a[3], sizeof g))
            return -EFAULT;
        host.events = g.events;
        host.data.u64 = g.data;
        arg = (u64)&host;
    }
    return prov_enter(flag, (u32)arch_number(LX_NR_epoll_ctl), a[0], a[1], a[2], arg, 0, 0);
}

/* The kernel writes the packed events into the front of the caller's array, which is large enough; they are then spread
 * out from the last to the first. */
static s64 call_epoll_wait(const volatile u32 *flag, u32 nr, const u64 *a)
{
    s64 n = prov_enter(flag, (u32)arch_number(nr), a[0], a[1], a[2], a[3], a[4], a[5]);
    for (s64 i = n; i-- > 0;) {
        struct epoll_event host;
        struct generic_event g = {0};
        if (mk_copy(&host, (const void *)(a[1] + (u64)i * sizeof host), sizeof host))
            return -EFAULT;
        g.events = host.events;
        g.data = host.data.u64;
        if (mk_copy((void *)(a[1] + (u64)i * sizeof g), &g, sizeof g))
            return -EFAULT;
    }
    return n;
}

/* semid64_ds: x86-64 has a reserved word after each time. */
struct generic_semid {
    u8 perm[48];
    s64 otime, ctime;
    u64 nsems, unused[2];
};
struct host_semid {
    u8 perm[48];
    s64 otime;
    u64 unused1;
    s64 ctime;
    u64 unused2, nsems, unused[2];
};

static s64 call_semctl(const volatile u32 *flag, const u64 *a)
{
    enum { SET = 1, STAT = 2, SEM_STAT_ = 18, SEM_STAT_ANY_ = 20 };
    u32 cmd = (u32)a[2];
    u32 host = (u32)arch_number(LX_NR_semctl);
    struct host_semid h = {0};
    struct generic_semid g = {0};
    if (cmd != SET && cmd != STAT && cmd != SEM_STAT_ && cmd != SEM_STAT_ANY_)
        return prov_enter(flag, host, a[0], a[1], a[2], a[3], 0, 0);
    if (cmd == SET) {
        if (mk_copy(&g, (const void *)a[3], sizeof g))
            return -EFAULT;
        __builtin_memcpy(h.perm, g.perm, sizeof h.perm);
        return prov_enter(flag, host, a[0], a[1], a[2], (u64)&h, 0, 0);
    }
    s64 r = prov_enter(flag, host, a[0], a[1], a[2], (u64)&h, 0, 0);
    if (r < 0)
        return r;
    __builtin_memcpy(g.perm, h.perm, sizeof g.perm);
    g.otime = h.otime;
    g.ctime = h.ctime;
    g.nsems = h.nsems;
    return mk_copy((void *)a[3], &g, sizeof g) ? -EFAULT : r;
}

s32 prov_plain(u32 nr)
{
    switch (nr) {
    case LX_NR_clock_gettime: /* prov_call need not enter the kernel for these */
    case LX_NR_gettimeofday:
    case LX_NR_fstat:
    case LX_NR_newfstatat:
    case LX_NR_epoll_ctl:
    case LX_NR_epoll_pwait:
    case LX_NR_epoll_pwait2:
    case LX_NR_semctl:
    case LX_NR_clone:
        return -1;
    default:
        return arch_number(nr);
    }
}

bool arch_special(const volatile u32 *flag, u32 nr, const u64 *a, s64 *result)
{
    struct stat st;
    s64 r;
    switch (nr) {
    case LX_NR_fstat:
        r = prov_enter(flag, (u32)arch_number(nr), a[0], (u64)&st, 0, 0, 0, 0);
        *result = r ? r : stat_out(a[1], &st);
        return true;
    case LX_NR_newfstatat:
        r = prov_enter(flag, (u32)arch_number(nr), a[0], a[1], (u64)&st, a[3], 0, 0);
        *result = r ? r : stat_out(a[2], &st);
        return true;
    case LX_NR_epoll_ctl:
        *result = call_epoll_ctl(flag, a);
        return true;
    case LX_NR_epoll_pwait:
    case LX_NR_epoll_pwait2:
        *result = call_epoll_wait(flag, nr, a);
        return true;
    case LX_NR_semctl:
        *result = call_semctl(flag, a);
        return true;
    case LX_NR_clone: /* tls and child_tid change places */
        *result = prov_enter(flag, (u32)arch_number(nr), a[0], a[1], a[2], a[4], a[3], 0);
        return true;
    default:
        return false;
    }
}
