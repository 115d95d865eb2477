/* The system calls of signals. Sending is the host kernel's business; what is ours is the thread's view: mask,
 * dispositions, alternate stack, frames. */
#define _GNU_SOURCE
#include "personality/linux/signal.h"

#include <errno.h>
#include <string.h>

#include "personality/linux/abi.h"
#include "personality/linux/provider.h"
#include "personality/linux/syscall.h"

/* What Linux keeps of sa_flags, besides what the ABI has (lx_abi.sa_flags). */
#define KNOWN_FLAGS                                                                                                    \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | (u64)(u32)SA_RESETHAND)

#define NEVER_BLOCKED (LX_SIGBIT(SIGKILL) | LX_SIGBIT(SIGSTOP))

/* Dispositions as the guest lays them out: handler, flags, the restorer where there is one, mask. */
static int read_action(struct lx_thread *t, struct lx_sigaction *act, gva_t at)
{
    u64 v[4] = {0};
    u32 n = t->proc->abi->restorer ? 4 : 3;
    if (lx_read(t, v, at, n * sizeof *v))
        return -EFAULT;
    *act = (struct lx_sigaction){v[0], v[1], v[n - 1], n == 4 ? v[2] : 0};
    return 0;
}

static int write_action(struct lx_thread *t, gva_t at, const struct lx_sigaction *act)
{
    bool restorer = t->proc->abi->restorer;
    const u64 v[4] = {act->handler, act->flags, restorer ? act->restorer : act->mask, act->mask};
    return lx_write(t, at, v, (restorer ? 4 : 3) * sizeof *v) ? -EFAULT : 0;
}

s64 sys_rt_sigaction(struct lx_thread *t, const u64 *a)
{
    struct lx_signals *s = t->proc->signals;
    struct lx_sigaction new = {0}, old;
    int sig = (int)a[0];
    if (a[3] != 8)
        return -EINVAL;
    if (a[1] && read_action(t, &new, a[1]))
        return -EFAULT;
    if (sig < 1 || sig > LX_NSIG || (a[1] && (sig == SIGKILL || sig == SIGSTOP)))
        return -EINVAL;
    mk_lock(&s->lock);
    old = *lx_signal_action(s, sig);
    if (a[1]) {
        new.flags &= KNOWN_FLAGS | t->proc->abi->sa_flags;
        new.mask &= ~NEVER_BLOCKED;
        s->act[sig] = new;
        lx_signal_mirror(sig, &new);
    }
    mk_unlock(&s->lock);
    return a[2] ? write_action(t, a[2], &old) : 0;
}

s64 sys_rt_sigprocmask(struct lx_thread *t, const u64 *a)
{
    u64 old = t->sigmask, set;
    if (a[3] != 8)
        return -EINVAL;
    if (a[1]) {
        if (lx_read(t, &set, a[1], sizeof set))
            return -EFAULT;
        switch ((int)a[0]) {
        case SIG_BLOCK:
            set |= old;
            break;
        case SIG_UNBLOCK:
            set = old & ~set;
            break;
        case SIG_SETMASK:
            break;
        default:
            return -EINVAL;
        }
        s64 r = lx_sigmask_set(t, set);
        if (r)
            return r;
    }
    return a[2] && lx_write(t, a[2], &old, sizeof old) ? -EFAULT : 0;
}

s64 sys_rt_sigpending(struct lx_thread *t, const u64 *a)
{
    u64 set = 0;
    if (a[1] > 8)
        return -EINVAL;
    s64 r = prov_call_now(LX_NR_rt_sigpending, (u64)&set, sizeof set, 0, 0, 0, 0);
    if (r)
        return r;
    set |= t->held & t->sigmask;
    return lx_write(t, a[0], &set, a[1]) ? -EFAULT : 0;
}

s64 sys_rt_sigsuspend(struct lx_thread *t, const u64 *a)
{
    u64 mask;
    if (a[1] != 8)
        return -EINVAL;
    if (lx_read(t, &mask, a[0], sizeof mask))
        return -EFAULT;
    lx_sigmask_begin(t, mask);
    if (t->held & ~t->sigmask) {
        vcpu_kick(t->vcpu);
        return lx_sigmask_end(t, -LX_ERESTARTNOHAND);
    }
    u64 host = lx_host_mask(mask);
    return lx_sigmask_end(t, prov_call(&t->vcpu->poll, LX_NR_rt_sigsuspend, (u64)&host, sizeof host, 0, 0, 0, 0));
}

s64 sys_rt_sigtimedwait(struct lx_thread *t, const u64 *a)
{
    u64 set;
    siginfo_t info;
    struct {
        s64 sec, nsec;
    } ts;
    if (a[3] != 8)
        return -EINVAL;
    if (lx_read(t, &set, a[0], sizeof set) || (a[2] && lx_read(t, &ts, a[2], sizeof ts)))
        return -EFAULT;
    s64 r;
    u64 here = t->held & set & ~NEVER_BLOCKED;
    memset(&info, 0, sizeof info);
    if (here) {
        r = __builtin_ctzll(here) + 1;
        info = t->held_info[r];
        __atomic_fetch_and(&t->held, ~LX_SIGBIT(r), __ATOMIC_RELEASE);
    } else {
        r = prov_call(&t->vcpu->poll, LX_NR_rt_sigtimedwait, (u64)&set, (u64)&info, a[2] ? (u64)&ts : 0, sizeof set, 0,
                      0);
    }
    if (r > 0 && a[1] && lx_write(t, a[1], &info, sizeof info))
        return -EFAULT;
    return r;
}

s64 sys_sigaltstack(struct lx_thread *t, const u64 *a)
{
    stack_t new, old = t->altstack;
    gva_t sp = t->proc->abi->sp(t->vcpu);
    old.ss_flags = lx_altstack_state(t, sp) | (int)((u32)old.ss_flags & LX_SS_AUTODISARM);
    if (a[0]) {
        if (lx_read(t, &new, a[0], sizeof new))
            return -EFAULT;
        s64 r = lx_altstack_set(t, &new, sp);
        if (r)
            return r;
    }
    return a[1] && lx_write(t, a[1], &old, sizeof old) ? -EFAULT : 0;
}

s64 sys_rt_sigreturn(struct lx_thread *t, const u64 *a)
{
    const struct lx_abi *abi = t->proc->abi;
    struct lx_frame f;
    if (abi->frame_read(t, &f)) {
        siginfo_t si;
        memset(&si, 0, sizeof si);
        si.si_signo = SIGSEGV;
        abi->frame_bad(t, &si);
        lx_signal_force(t, &si);
        return LX_NO_RESULT;
    }
    s64 r = lx_sigmask_set(t, f.mask);
    if (r)
        return r;
    abi->frame_pop(t, &f);
    (void)lx_altstack_set(t, &f.altstack, abi->sp(t->vcpu)); /* what the kernel would refuse is not restored */
    return LX_NO_RESULT;
}

s64 sys_kill(struct lx_thread *t, const u64 *a)
{
    return prov_call_now(LX_NR_kill, a[0], a[1], 0, 0, 0, 0);
}

s64 sys_tkill(struct lx_thread *t, const u64 *a)
{
    return prov_call_now(LX_NR_tkill, a[0], a[1], 0, 0, 0, 0);
}

s64 sys_tgkill(struct lx_thread *t, const u64 *a)
{
    return prov_call_now(LX_NR_tgkill, a[0], a[1], a[2], 0, 0, 0);
}

s64 sys_rt_sigqueueinfo(struct lx_thread *t, const u64 *a)
{
    siginfo_t info;
    if (lx_read(t, &info, a[2], sizeof info))
        return -EFAULT;
    if ((int)a[0] == t->tid) /* nobody may claim that to another */
        lx_signal_disguise(&info, (int)a[1]);
    vcpu_no_timer(t->vcpu);
    return prov_call_now(LX_NR_rt_sigqueueinfo, a[0], a[1], (u64)&info, 0, 0, 0);
}

s64 sys_rt_tgsigqueueinfo(struct lx_thread *t, const u64 *a)
{
    siginfo_t info;
    if (lx_read(t, &info, a[3], sizeof info))
        return -EFAULT;
    if ((int)a[1] == t->tid)
        lx_signal_disguise(&info, (int)a[2]);
    vcpu_no_timer(t->vcpu);
    return prov_call_now(LX_NR_rt_tgsigqueueinfo, a[0], a[1], a[2], (u64)&info, 0, 0);
}
