/* Signals: taking them from the host kernel and delivering them to the guest; signal.h tells how the two fit together.
 * The system calls are in sigcalls.c.
 *
 * Delivery happens in the run loop, at an instruction boundary with exact registers, in the order in which the host
 * kernel gave the signals: a frame is built for the one taken, then the host mask is set to what it is inside the
 * handler, upon which the host may hand over the next one, which gets its frame on top. So frames nest as the kernel
 * nests them.
 *
 * Host signals are blocked while a frame is built; nothing here is called by a host handler but on_signal and
 * on_foreign, which only note. */
#define _GNU_SOURCE
#include "personality/linux/signal.h"

#include <errno.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "kernel/hosted/hosted.h"
#include "lib/assert.h"
#include "lib/heap.h"
#include "personality/linux/abi.h"
#include "personality/linux/gdb.h"
#include "personality/linux/host/host.h"
#include "personality/linux/process.h"
#include "personality/linux/provider.h"
#include "personality/linux/strace.h"
#include "personality/linux/syscalls_gen.h"

/* Signals that do nothing by default. */
#define IGNORED_BY_DEFAULT (LX_SIGBIT(SIGCHLD) | LX_SIGBIT(SIGURG) | LX_SIGBIT(SIGWINCH) | LX_SIGBIT(SIGCONT))
/* Signals that stop the process by default. */
#define STOP_SIGNALS (LX_SIGBIT(SIGSTOP) | LX_SIGBIT(SIGTSTP) | LX_SIGBIT(SIGTTIN) | LX_SIGBIT(SIGTTOU))

static char kick_cookie; /* its address marks the signals of lx_kick */

/* --- the host's side --- */

u64 lx_signal_block_all(void)
{
    u64 all = ~LX_SYNC_SIGNALS, old = 0;
    prov_call_now(LX_NR_rt_sigprocmask, SIG_SETMASK, (u64)&all, (u64)&old, sizeof all, 0, 0);
    return old;
}

void lx_signal_host_mask(u64 mask)
{
    u64 m = lx_host_mask(mask);
    prov_call_now(LX_NR_rt_sigprocmask, SIG_SETMASK, (u64)&m, 0, sizeof m, 0, 0);
}

/* --- claims to come from the kernel --- */

/* What the kernel carries of a siginfo, and the gap in it behind si_code, where the disguised code lies. */
#define SIGINFO_CARRIED 48
#define SIGINFO_GAP     12
#define DISGUISED       (-0x64676d)
/* One of ours that runs in a guest of ours sends them, too: each of these is disguised as the next. */
#define DISGUISES 16

_Static_assert(offsetof(siginfo_t, si_addr) == SIGINFO_GAP + 4, "nothing lies behind si_code");

void lx_signal_disguise(siginfo_t *info, int sig)
{
    if (sig < 1 || sig > LX_NSIG || !(LX_SIGBIT(sig) & LX_SYNC_SIGNALS))
        return;
    if (info->si_code <= DISGUISED && info->si_code > DISGUISED - DISGUISES)
        info->si_code--;
    if (info->si_code <= 0)
        return;
    u8 *bytes = (u8 *)info;
    const int code = info->si_code;
    memcpy(bytes + SIGINFO_GAP, &code, sizeof code);
    info->si_code = DISGUISED;
    memset(bytes + SIGINFO_CARRIED, 0, sizeof *info - SIGINFO_CARRIED); /* the kernel insists, for codes it has not */
}

static void reveal(siginfo_t *info)
{
    u8 *bytes = (u8 *)info;
    if (info->si_code < DISGUISED && info->si_code >= DISGUISED - DISGUISES) {
        info->si_code++;
        return;
    }
    if (info->si_code != DISGUISED)
        return;
    memcpy(&info->si_code, bytes + SIGINFO_GAP, sizeof info->si_code);
    memset(bytes + SIGINFO_GAP, 0, sizeof info->si_code);
}

/* Sends info to a thread of this process; the siginfo arrives as it is. */
static s64 queue_to_thread(int tid, int sig, const siginfo_t *info)
{
    siginfo_t si = *info;
    lx_signal_disguise(&si, sig);
    return prov_call_now(LX_NR_rt_tgsigqueueinfo, (u64)getpid(), (u64)tid, (u64)sig, (u64)&si, 0, 0);
}

static void on_signal(int sig, siginfo_t *si, void *ucp)
{
    struct lx_thread *t = lx_self();
    ucontext_t *uc = ucp;
    u64 all = ~LX_SYNC_SIGNALS;
    memcpy(&uc->uc_sigmask, &all, sizeof all);
    if (!t)
        return; /* a thread that is not the guest's, and blocks signals but for the moments of its start and end */
    if (t->taken) {
        /* Somebody opened the mask too early: the kernel keeps it for later. */
        queue_to_thread(t->tid, sig, si);
        return;
    }
    t->taken_info = *si;
    t->taken = sig;
    vcpu_kick(t->vcpu);
    prov_interrupt(uc);
}

/* A signal of the synchronous kinds that was sent. */
static void on_foreign(int sig, siginfo_t *si, void *uc)
{
    struct lx_thread *t = lx_self();
    if (!t) {
        /* Sent to the process, and the host kernel chose one of the engine's threads: the first thread is the guest's.
         */
        if (prov_call_now(LX_NR_gettid, 0, 0, 0, 0, 0, 0) != getpid())
            queue_to_thread(getpid(), sig, si);
        return;
    }
    bool kick = sig == SIGFPE && si->si_code == SI_QUEUE && si->si_value.sival_ptr == &kick_cookie;
    if (!kick && !(t->held & LX_SIGBIT(sig))) {
        t->held_info[sig] = *si;
        reveal(&t->held_info[sig]);
        __atomic_fetch_or(&t->held, LX_SIGBIT(sig), __ATOMIC_RELAXED);
    }
    vcpu_kick(t->vcpu);
    prov_interrupt(uc);
}

void lx_kick(struct lx_thread *t)
{
    siginfo_t si;
    memset(&si, 0, sizeof si);
    si.si_signo = SIGFPE;
    si.si_code = SI_QUEUE;
    si.si_pid = getpid();
    si.si_value.sival_ptr = &kick_cookie;
    vcpu_kick(t->vcpu);
    queue_to_thread(t->tid, SIGFPE, &si);
}

static bool on_fault(struct mk_fault *f, void *cx)
{
    struct lx_thread *t = lx_self();
    return t && engine_fault(t->vcpu, f);
}

void lx_signal_mirror(int sig, const struct lx_sigaction *act)
{
    struct host_sigaction h;
    int rc;
    if (LX_SIGBIT(sig) & LX_SYNC_SIGNALS) {
        /* The kernel interface's handler stays; only whether calls restart is the guest's to say. */
        rc = host_sigaction(sig, NULL, &h);
        if (!rc) {
            bool restart = act->handler <= LX_SIG_IGN || (act->flags & SA_RESTART);
            h.flags = restart ? h.flags | SA_RESTART : h.flags & ~(u64)SA_RESTART;
            rc = host_sigaction(sig, &h, NULL);
        }
    } else {
        u64 keep = act->flags & (SA_NOCLDSTOP | SA_NOCLDWAIT);
        bool default_ = act->handler == LX_SIG_DFL;
        if ((default_ && !lx_gdb_wants(sig)) || act->handler == LX_SIG_IGN)
            h = (struct host_sigaction){(void *)act->handler, keep, 0};
        else
            h = (struct host_sigaction){
                (void *)on_signal, keep | SA_SIGINFO | SA_ONSTACK | (default_ ? SA_RESTART : act->flags & SA_RESTART),
                ~LX_SYNC_SIGNALS};
        rc = host_sigaction(sig, &h, NULL);
    }
    dgm_assert(!rc, "sigaction of signal %d: error %d", sig, -rc);
}

void lx_signals_mirror(struct lx_signals *s)
{
    mk_lock(&s->lock);
    for (int sig = 1; sig <= LX_NSIG; sig++)
        if (lx_signal_action(s, sig)->handler == LX_SIG_DFL && sig != SIGKILL && sig != SIGSTOP)
            lx_signal_mirror(sig, &s->act[sig]);
    mk_unlock(&s->lock);
}

/* --- dispositions --- */

struct lx_sigaction *lx_signal_action(struct lx_signals *s, int sig)
{
    struct host_sigaction h;
    if (!(s->asked & LX_SIGBIT(sig)) && !host_sigaction(sig, NULL, &h) && h.handler == (void *)SIG_IGN)
        s->act[sig].handler = LX_SIG_IGN;
    s->asked |= LX_SIGBIT(sig);
    return &s->act[sig];
}

int lx_signals_create(struct lx_signals **out, u64 ignored_sync)
{
    struct lx_signals *s = heap_calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->users = 1;
    for (int sig = 1; sig <= LX_NSIG; sig++)
        if ((LX_SIGBIT(sig) & LX_SYNC_SIGNALS) && (ignored_sync & LX_SIGBIT(sig)))
            s->act[sig].handler = LX_SIG_IGN;
        else if (LX_SIGBIT(sig) & LX_SYNC_SIGNALS)
            (void)lx_signal_action(s, sig); /* before a handler of ours is there */
    int rc = mk_fault_handler(on_fault, NULL);
    if (rc) {
        heap_free(s);
        return rc;
    }
    mk_hosted_foreign_signal(on_foreign);
    for (int sig = 1; sig <= LX_NSIG; sig++)
        if (LX_SIGBIT(sig) & LX_SYNC_SIGNALS)
            lx_signal_mirror(sig, &s->act[sig]);
    *out = s;
    return 0;
}

int lx_signals_copy(struct lx_signals **out, struct lx_signals *from)
{
    struct lx_signals *s = heap_calloc(1, sizeof *s);
    if (!s)
        return -ENOMEM;
    s->users = 1;
    mk_lock(&from->lock);
    memcpy(s->act, from->act, sizeof s->act);
    s->asked = from->asked;
    mk_unlock(&from->lock);
    *out = s;
    return 0;
}

void lx_signals_release(struct lx_signals *s)
{
    if (atomic_fetch_sub(&s->users, 1) == 1)
        heap_free(s);
}

u64 lx_signals_ignored_sync(struct lx_signals *s)
{
    u64 set = 0;
    mk_lock(&s->lock);
    for (int sig = 1; sig < 32; sig++)
        if ((LX_SIGBIT(sig) & LX_SYNC_SIGNALS) && s->act[sig].handler == LX_SIG_IGN)
            set |= LX_SIGBIT(sig);
    mk_unlock(&s->lock);
    return set;
}

void lx_signals_clear(struct lx_signals *s)
{
    mk_lock(&s->lock);
    for (int sig = 1; sig <= LX_NSIG; sig++) {
        if (s->act[sig].handler > LX_SIG_IGN) {
            s->act[sig] = (struct lx_sigaction){LX_SIG_DFL, 0, 0, 0};
            lx_signal_mirror(sig, &s->act[sig]);
        }
    }
    mk_unlock(&s->lock);
}

/* --- masks --- */

s64 lx_sigmask_set(struct lx_thread *t, u64 mask)
{
    mask &= ~(LX_SIGBIT(SIGKILL) | LX_SIGBIT(SIGSTOP));
    u64 host = lx_host_mask(mask);
    s64 r = prov_call(&t->vcpu->poll, LX_NR_rt_sigprocmask, SIG_SETMASK, (u64)&host, 0, sizeof host, 0, 0);
    if (r < 0)
        return r;
    t->sigmask = mask;
    if (t->held & ~mask)
        vcpu_kick(t->vcpu);
    return 0;
}

void lx_sigmask_begin(struct lx_thread *t, u64 mask)
{
    t->saved_mask = t->sigmask;
    t->sigmask = mask & ~(LX_SIGBIT(SIGKILL) | LX_SIGBIT(SIGSTOP));
    t->restore_mask = true;
}

s64 lx_sigmask_end(struct lx_thread *t, s64 result)
{
    bool by_signal = result == -EINTR || result == -LX_ERESTARTNOHAND;
    if (by_signal && lx_signal_pending(t))
        return result;
    t->sigmask = t->saved_mask;
    t->restore_mask = false;
    return result;
}

void lx_signal_thread_start(struct lx_thread *t)
{
    lx_signal_host_mask(t->sigmask);
}

void lx_signal_reopen(struct lx_thread *t)
{
    if (!t->taken)
        lx_signal_host_mask(t->sigmask);
}

void lx_signal_give_back(struct lx_thread *t)
{
    u64 all = ~0ull;
    prov_call_now(LX_NR_rt_sigprocmask, SIG_SETMASK, (u64)&all, 0, sizeof all, 0, 0);
    if (t->taken)
        queue_to_thread(t->tid, t->taken, &t->taken_info);
    t->taken = 0;
    for (; t->held; t->held &= t->held - 1) {
        int sig = __builtin_ctzll(t->held) + 1;
        queue_to_thread(t->tid, sig, &t->held_info[sig]);
    }
}

void lx_signal_thread_stop(struct lx_thread *t)
{
    lx_signal_block_all();
    u64 pid = (u64)getpid();
    if (t->taken)
        prov_call_now(LX_NR_rt_sigqueueinfo, pid, (u64)t->taken, (u64)&t->taken_info, 0, 0, 0);
    t->taken = 0;
}

/* --- delivery --- */

int lx_altstack_state(const struct lx_thread *t, gva_t sp)
{
    const stack_t *ss = &t->altstack;
    if (!ss->ss_size)
        return SS_DISABLE;
    if ((u32)ss->ss_flags & LX_SS_AUTODISARM)
        return 0;
    gva_t base = (gva_t)ss->ss_sp;
    return sp > base && sp - base <= ss->ss_size ? SS_ONSTACK : 0;
}

s64 lx_altstack_set(struct lx_thread *t, const stack_t *ss, gva_t sp)
{
    u32 mode = (u32)ss->ss_flags & ~LX_SS_AUTODISARM;
    if (lx_altstack_state(t, sp) == SS_ONSTACK)
        return -EPERM;
    if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
        return -EINVAL;
    stack_t new = *ss;
    if (mode == SS_DISABLE) {
        new.ss_sp = NULL;
        new.ss_size = 0;
    } else if (new.ss_size < t->proc->abi->least_altstack) {
        return -ENOMEM;
    }
    t->altstack = new;
    return 0;
}

/* Builds the frame for a handler. Host signals are blocked. False: the stack is not there. */
static bool push_frame(struct lx_thread *t, int sig, const siginfo_t *info, const struct lx_sigaction *act)
{
    const struct lx_abi *abi = t->proc->abi;
    gva_t sp = abi->sp(t->vcpu);
    u64 mask = t->restore_mask ? t->saved_mask : t->sigmask;
    /* A handler that overflows its alternate stack must not go on below it. */
    if (lx_altstack_state(t, sp) == SS_ONSTACK && lx_altstack_state(t, sp - abi->frame_size) != SS_ONSTACK)
        return false;
    if ((act->flags & SA_ONSTACK) && lx_altstack_state(t, sp) == 0)
        sp = (gva_t)t->altstack.ss_sp + t->altstack.ss_size;
    if (abi->frame_push(t, sig, info, act, mask, sp))
        return false;
    t->restore_mask = false;
    if ((u32)t->altstack.ss_flags & LX_SS_AUTODISARM)
        t->altstack = (stack_t){.ss_flags = SS_DISABLE};
    t->sigmask |= act->mask | (act->flags & SA_NODEFER ? 0 : LX_SIGBIT(sig));
    return true;
}

/* The disposition that sig meets now; a one-shot handler is used up. */
static struct lx_sigaction take_action(struct lx_thread *t, int sig)
{
    struct lx_signals *s = t->proc->signals;
    mk_lock(&s->lock);
    struct lx_sigaction act = s->act[sig];
    if (act.handler > LX_SIG_IGN && (act.flags & SA_RESETHAND)) {
        s->act[sig].handler = LX_SIG_DFL;
        lx_signal_mirror(sig, &s->act[sig]);
    }
    mk_unlock(&s->lock);
    return act;
}

/* The kernel's way to make a thread see a signal whatever it says: host signals are blocked. */
static void force_locked(struct lx_thread *t, const siginfo_t *info, bool fatal)
{
    int sig = info->si_signo;
    struct lx_sigaction act = take_action(t, sig);
    if (fatal || act.handler <= LX_SIG_IGN || (t->sigmask & LX_SIGBIT(sig)))
        lx_signal_die(t, info);
    if (push_frame(t, sig, info, &act))
        return;
    siginfo_t segv;
    memset(&segv, 0, sizeof segv);
    segv.si_signo = SIGSEGV;
    segv.si_code = SI_KERNEL;
    force_locked(t, &segv, sig == SIGSEGV);
}

/* What becomes of an interrupted call, now that a handler with these flags is entered. */
static void settle_result(struct lx_thread *t, const s64 **result, u64 flags)
{
    const struct lx_abi *abi = t->proc->abi;
    if (!*result)
        return;
    switch (-**result) {
    case LX_ERESTARTSYS:
        if (!(flags & SA_RESTART)) {
            abi->call_set(t, -EINTR);
            break;
        }
        __attribute__((fallthrough));
    case LX_ERESTARTNOINTR:
        abi->call_rewind(t);
        break;
    default: /* ERESTARTNOHAND, ERESTART_RESTARTBLOCK */
        abi->call_set(t, -EINTR);
    }
    *result = NULL;
}

static bool is_restart(s64 r)
{
    return r == -LX_ERESTARTSYS || r == -LX_ERESTARTNOINTR || r == -LX_ERESTARTNOHAND || r == -LX_ERESTART_RESTARTBLOCK;
}

/* Asks gdb what to go on with: false for nothing. */
static bool ask_gdb(struct lx_thread *t, siginfo_t *info, bool forced)
{
    int sig = lx_gdb_signal(t, info, forced);
    if (sig && sig != info->si_signo) {
        memset(info, 0, sizeof *info);
        info->si_signo = sig;
        info->si_pid = getpid();
    }
    return sig != 0;
}

/* The same between a call and its restart: gdb finds the thread at the call's instruction, as under Linux, and may send
 * it elsewhere. */
static bool ask_gdb_in_call(struct lx_thread *t, siginfo_t *info, const s64 **result)
{
    if (!*result)
        return ask_gdb(t, info, false);
    t->proc->abi->call_rewind(t);
    gva_t pc = t->vcpu->pc;
    bool go = ask_gdb(t, info, false);
    if (t->vcpu->pc == pc)
        t->vcpu->pc = t->call_pc;
    else
        *result = NULL;
    return go;
}

/* One signal of those in our hands; host signals are blocked. */
static void deliver_one(struct lx_thread *t, const siginfo_t *given, const s64 **result)
{
    siginfo_t si = *given, *info = &si;
    if (UNLIKELY(lx_gdb_on()) && !ask_gdb_in_call(t, info, result))
        return;
    int sig = info->si_signo;
    struct lx_sigaction act = take_action(t, sig);
    bool sync = LX_SIGBIT(sig) & LX_SYNC_SIGNALS;
    if (act.handler == LX_SIG_IGN)
        return;
    if (act.handler == LX_SIG_DFL) {
        if (IGNORED_BY_DEFAULT & LX_SIGBIT(sig))
            return;
        if (sync || (lx_gdb_used() && !(STOP_SIGNALS & LX_SIGBIT(sig))))
            lx_signal_die(t, info);
        queue_to_thread(t->tid, sig,
                        info); /* the host's disposition is the default by now; it acts when the mask opens */
        return;
    }
    settle_result(t, result, act.flags);
    if (push_frame(t, sig, info, &act))
        return;
    siginfo_t segv;
    memset(&segv, 0, sizeof segv);
    segv.si_signo = SIGSEGV;
    segv.si_code = SI_KERNEL;
    force_locked(t, &segv, sig == SIGSEGV);
}

void lx_signal_deliver(struct lx_thread *t, const s64 *result)
{
    const struct lx_abi *abi = t->proc->abi;
    if (result && !is_restart(*result)) {
        if (*result != LX_NO_RESULT)
            abi->call_set(t, *result);
        result = NULL;
    }
    while (lx_signal_pending(t)) {
        lx_signal_block_all(); /* from here on t->taken does not change */
        siginfo_t info;
        int sig = t->taken;
        if (sig) {
            info = t->taken_info;
            t->taken = 0;
        } else {
            u64 ready = t->held & ~t->sigmask;
            if (ready) {
                sig = __builtin_ctzll(ready) + 1;
                info = t->held_info[sig];
                __atomic_fetch_and(&t->held, ~LX_SIGBIT(sig), __ATOMIC_RELEASE);
            }
        }
        if (sig) {
            lx_strace_signal(t, sig, &info);
            deliver_one(t, &info, &result);
        }
        lx_signal_host_mask(t->sigmask);
    }
    if (result)
        abi->call_rewind(t); /* no handler was entered: the call goes on */
    if (t->restore_mask) {
        t->restore_mask = false;
        t->sigmask = t->saved_mask;
        lx_signal_host_mask(t->sigmask);
        if (lx_signal_pending(t))
            vcpu_kick(t->vcpu);
    }
}

void lx_signal_force(struct lx_thread *t, const siginfo_t *info)
{
    lx_signal_block_all();
    if (t->taken) {
        /* It came first: the instruction is run again after its handler. */
        lx_signal_deliver(t, NULL);
        return;
    }
    siginfo_t si = *info;
    if (UNLIKELY(lx_gdb_on()) && !ask_gdb(t, &si, true)) {
        lx_signal_host_mask(t->sigmask);
        return;
    }
    lx_strace_signal(t, si.si_signo, &si);
    force_locked(t, &si, false);
    lx_signal_host_mask(t->sigmask);
}

void lx_signal_die(struct lx_thread *t, const siginfo_t *info)
{
    int sig = info->si_signo;
    lx_process_end(t, 0, sig);
    struct host_sigaction dfl = {(void *)SIG_DFL, 0, 0};
    int rc = host_sigaction(sig, &dfl, NULL);
    if (!rc)
        rc = (int)queue_to_thread(t->tid, sig, info);
    if (rc)
        prov_call_now(LX_NR_tgkill, (u64)getpid(), (u64)t->tid, (u64)sig, 0, 0, 0);
    u64 open = ~LX_SIGBIT(sig);
    prov_call_now(LX_NR_rt_sigprocmask, SIG_SETMASK, (u64)&open, 0, sizeof open, 0, 0);
    /* Not reached, unless the host's kernel would not end us (the first process of a pid namespace). */
    prov_call_now(LX_NR_exit_group, 128 + (u64)sig, 0, 0, 0, 0, 0);
    mk_panic("the process does not end");
}
