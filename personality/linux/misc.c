/* What a process asks about itself and its machine: uname, limits, prctl, personality, and single calls that fit
 * nowhere else. */
#include "personality/linux/syscall.h"

#include <errno.h>
#include <string.h>

#include "kernel/hosted/hosted.h"
#include "lib/fmt.h"
#include "personality/linux/abi.h"
#include "personality/linux/fd.h"
#include "personality/linux/provider.h"

s64 sys_uname(struct lx_thread *t, const u64 *a)
{
    struct {
        char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
    } u;
    _Static_assert(sizeof u == LX_SIZE_utsname, "as the table says");
    s64 r = prov_call_now(LX_NR_uname, (u64)&u, 0, 0, 0, 0, 0);
    if (r)
        return r;
    memset(u.machine, 0, sizeof u.machine);
    fmt(u.machine, sizeof u.machine, "%s", t->proc->abi->machine);
    if (t->proc->opt->uname) {
        memset(u.release, 0, sizeof u.release);
        fmt(u.release, sizeof u.release, "%s", t->proc->opt->uname);
    }
    return lx_write(t, a[0], &u, sizeof u);
}

/* --- limits ---
 *
 * The host process lives under the guest's limits but for those on memory, which would bound the engine and its
 * reservation, too: these are kept in lx_process.limits and reported. */

enum { RES_DATA = 2, RES_STACK = 3, RES_NOFILE = 7, RES_AS = 9, CAP_SYS_RESOURCE_ = 24 };

static struct lx_limit *kept(struct lx_process *p, u32 resource)
{
    switch (resource) {
    case RES_DATA:
        return &p->limits.data;
    case RES_STACK:
        return &p->limits.stack;
    case RES_AS:
        return &p->limits.as;
    default:
        return NULL;
    }
}

static bool may_raise(void)
{
    struct {
        u32 version;
        s32 pid;
    } head = {0x20080522, 0};
    struct {
        u32 effective, permitted, inheritable;
    } caps[2] = {0};
    return prov_call_now(LX_NR_capget, (u64)&head, (u64)caps, 0, 0, 0, 0) == 0 &&
           caps[0].effective >> CAP_SYS_RESOURCE_ & 1;
}

static int limit_files(struct lx_thread *t, const struct lx_limit *new, struct lx_limit *old)
{
    struct lx_process *p = t->proc;
    struct lx_limit host;
    const volatile u32 *poll = &t->vcpu->poll;
    int r = (int)prov_call(poll, LX_NR_prlimit64, 0, RES_NOFILE, 0, (u64)&host, 0, 0);
    if (r)
        return r;
    bool raise = new &&may_raise();
    mk_lock(&p->limits_lock);
    struct lx_limit was = {lx_fd_room_limit(p), p->limits.nofile.max < host.max ? p->limits.nofile.max : host.max};
    if (new &&new->cur > new->max)
        r = -EINVAL;
    else if (new &&new->max > was.max && !raise)
        r = -EPERM;
    if (new && !r) {
        host.cur = new->cur;
        if (host.max < new->max)
            host.max = new->max;
        r = (int)prov_call(poll, LX_NR_prlimit64, 0, RES_NOFILE, (u64)&host, 0, 0, 0);
        if (!r)
            p->limits.nofile.max = new->max;
    }
    mk_unlock(&p->limits_lock);
    if (old)
        *old = was;
    return r;
}

static int limit(struct lx_thread *t, u32 resource, const struct lx_limit *new, struct lx_limit *old)
{
    struct lx_process *p = t->proc;
    struct lx_limit *l = kept(p, resource);
    if (resource == RES_NOFILE)
        return limit_files(t, new, old);
    if (!l)
        return (int)prov_call(&t->vcpu->poll, LX_NR_prlimit64, 0, resource, (u64) new, (u64)old, 0, 0);
    if (new &&new->cur > new->max)
        return -EINVAL;
    bool raise = new &&may_raise();
    int r = 0;
    mk_lock(&p->limits_lock);
    struct lx_limit was = *l;
    if (new &&new->max > was.max && !raise)
        r = -EPERM;
    else if (new)
        *l = *new;
    mk_unlock(&p->limits_lock);
    if (old)
        *old = was;
    return r;
}

s64 sys_prlimit64(struct lx_thread *t, const u64 *a)
{
    struct lx_limit new, old;
    u32 pid = (u32)a[0];
    if (pid && pid != (u32)prov_call_now(LX_NR_getpid, 0, 0, 0, 0, 0, 0)) {
        /* Another process keeps its memory limits itself; they cannot be set from here. */
        if (a[2] && kept(t->proc, (u32)a[1]))
            return -EPERM;
        return prov_call(&t->vcpu->poll, LX_NR_prlimit64, pid, a[1], call_in(t, a[2], sizeof new),
                         call_out(t, a[3], sizeof old), 0, 0);
    }
    int r = a[2] ? lx_read(t, &new, a[2], sizeof new) : 0;
    if (!r)
        r = limit(t, (u32)a[1], a[2] ? &new : NULL, &old);
    return !r && a[3] ? lx_write(t, a[3], &old, sizeof old) : r;
}

/* --- timers --- */

/* A timer by its number; the engine's own are not there. One who visits his parent's memory has none of them. */
static s64 timer_call(struct lx_thread *t, u32 nr, const u64 *a, u64 b, u64 c, u64 d)
{
    if (mk_hosted_is_tick((int)a[0]) && !t->vcpu->visitor)
        return -EINVAL;
    return prov_call(&t->vcpu->poll, nr, (u64)(s64)(int)a[0], b, c, d, 0, 0);
}

s64 sys_timer_gettime(struct lx_thread *t, const u64 *a)
{
    return timer_call(t, LX_NR_timer_gettime, a, call_out(t, a[1], LX_SIZE_itimerspec), 0, 0);
}

s64 sys_timer_getoverrun(struct lx_thread *t, const u64 *a)
{
    return timer_call(t, LX_NR_timer_getoverrun, a, 0, 0, 0);
}

s64 sys_timer_settime(struct lx_thread *t, const u64 *a)
{
    return timer_call(t, LX_NR_timer_settime, a, a[1], call_in(t, a[2], LX_SIZE_itimerspec),
                      call_out(t, a[3], LX_SIZE_itimerspec));
}

s64 sys_timer_delete(struct lx_thread *t, const u64 *a)
{
    return timer_call(t, LX_NR_timer_delete, a, 0, 0, 0);
}

s64 sys_getrlimit(struct lx_thread *t, const u64 *a)
{
    struct lx_limit old;
    int r = limit(t, (u32)a[0], NULL, &old);
    return r ? r : lx_write(t, a[1], &old, sizeof old);
}

s64 sys_setrlimit(struct lx_thread *t, const u64 *a)
{
    struct lx_limit new, old;
    int r = lx_read(t, &new, a[1], sizeof new);
    return r ? r : limit(t, (u32)a[0], &new, &old);
}

/* --- prctl --- */

s64 sys_prctl(struct lx_thread *t, const u64 *a)
{
    u64 b = a[1], c = a[2], d = a[3], e = a[4];
    switch ((u32)a[0]) {
    case 15: /* PR_SET_NAME */
        b = call_in(t, b, 1);
        break;
    case 16: /* PR_GET_NAME */
        b = call_out(t, b, 16);
        break;
    case 2:  /* PR_GET_PDEATHSIG */
    case 37: /* PR_GET_CHILD_SUBREAPER */
        b = call_out(t, b, 4);
        break;
    case 40: /* PR_GET_TID_ADDRESS: ours is not the guest's */
        return lx_write(t, b, &t->clear_tid, 8);
    case 62: /* PR_SCHED_CORE */
        e = call_out(t, e, 8);
        break;
    case 0x53564d41: /* PR_SET_VMA: a name for anonymous memory */
        if (b != 0)
            return -EINVAL;
        c = call_mem(t, c, d);
        e = call_in(t, e, 1);
        break;
    case 35: /* PR_SET_MM */
        return -EPERM;
    case 1: /* PR_SET_PDEATHSIG */
    case 3: /* PR_GET_DUMPABLE, PR_SET_DUMPABLE */
    case 4:
    case 7: /* PR_GET_KEEPCAPS, PR_SET_KEEPCAPS */
    case 8:
    case 13: /* PR_GET_TIMING, PR_SET_TIMING */
    case 14:
    case 23: /* PR_CAPBSET_READ, PR_CAPBSET_DROP */
    case 24:
    case 27: /* PR_GET_SECUREBITS, PR_SET_SECUREBITS */
    case 28:
    case 29: /* PR_SET_TIMERSLACK, PR_GET_TIMERSLACK */
    case 30:
    case 31: /* PR_TASK_PERF_EVENTS_DISABLE, _ENABLE */
    case 32:
    case 33: /* PR_MCE_KILL, PR_MCE_KILL_GET */
    case 34:
    case 36: /* PR_SET_CHILD_SUBREAPER */
    case 38: /* PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS */
    case 39:
    case 41: /* PR_SET_THP_DISABLE, PR_GET_THP_DISABLE */
    case 42:
    case 47: /* PR_CAP_AMBIENT */
    case 52: /* PR_GET_SPECULATION_CTRL, PR_SET_SPECULATION_CTRL */
    case 53:
    case 57: /* PR_SET_IO_FLUSHER, PR_GET_IO_FLUSHER */
    case 58:
    case 67: /* PR_SET_MEMORY_MERGE, PR_GET_MEMORY_MERGE */
    case 68:
    case 0x59616d61: /* PR_SET_PTRACER */
        break;
    default: /* seccomp, other architectures' registers, what would bind the engine, what nobody knows */
        return -EINVAL;
    }
    return prov_call(&t->vcpu->poll, LX_NR_prctl, a[0], b, c, d, e, 0);
}

/* --- single calls --- */

s64 sys_personality(struct lx_thread *t, const u64 *a)
{
    enum { PER_LINUX32_ = 8, READ_IMPLIES_EXEC_ = 0x0400000, MMAP_PAGE_ZERO_ = 0x0100000 };
    u32 persona = (u32)a[0];
    if (t->proc->abi->only64 && (persona & 0xff) == PER_LINUX32_)
        return -EINVAL;
    if (persona != 0xffffffff)
        persona &= ~(u32)(READ_IMPLIES_EXEC_ | MMAP_PAGE_ZERO_);
    return prov_call(&t->vcpu->poll, LX_NR_personality, persona, 0, 0, 0, 0, 0);
}

s64 sys_membarrier(struct lx_thread *t, const u64 *a)
{
    enum { RSEQ = 128, REGISTER_RSEQ = 256 };
    u32 cmd = (u32)a[0];
    if (cmd == RSEQ || cmd == REGISTER_RSEQ)
        return -EINVAL;
    s64 r = prov_call(&t->vcpu->poll, LX_NR_membarrier, a[0], a[1], a[2], 0, 0, 0);
    return cmd == 0 && r > 0 ? r & ~(s64)(RSEQ | REGISTER_RSEQ) : r;
}

s64 sys_kcmp(struct lx_thread *t, const u64 *a)
{
    enum { EPOLL_TFD = 7, SLOT = 12 };
    u64 idx2 = (u32)a[2] == EPOLL_TFD ? call_in(t, a[4], SLOT) : a[4];
    return prov_call(&t->vcpu->poll, LX_NR_kcmp, a[0], a[1], a[2], a[3], idx2, 0);
}

/* The host kernel continues its sleeps itself; the guest never stands at this call with something to continue. */
s64 sys_restart_syscall(struct lx_thread *t, const u64 *a)
{
    return -EINTR;
}
