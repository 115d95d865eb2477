/* Signals.
 *
 * The guest's dispositions are kept here and mirrored to the host: default and ignored are the host kernel's business
 * (so stops, core dumps, deaths and SIGCHLD rules are its own), and for a signal that the guest handles the host calls
 * on_signal, with SA_RESTART, SA_NOCLDSTOP and SA_NOCLDWAIT as the guest has them. The mask of a host thread is its
 * guest thread's mask, so pending signals wait in the host kernel, in its order and with its queueing, and sigpending,
 * sigtimedwait and signalfd are its own.
 *
 * From the moment that the host handler took a signal (lx_thread.taken) until the guest's frame is built, all host
 * signals are blocked in the thread: at most one is ever in our hands. Taking sets vcpu.poll, which is also the flag of
 * prov_call. So whoever sets the host mask does it with prov_call(&poll, …): either nothing was taken and the mask is
 * set, or it returns -LX_ERESTARTNOINTR and the call is made again later.
 *
 * SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP serve the engine and are never blocked on the host. When somebody sends
 * one, it is kept in lx_thread.held until the guest's mask lets it through. A thread may send one to itself that says
 * that the kernel raised it (si_code above 0): it travels disguised (lx_signal_disguise), or the engine would take it
 * for a fault of its own. */
#pragma once

#include "personality/linux/lx.h"

#define LX_NSIG          64
#define LX_SS_AUTODISARM (1u << 31)
#define LX_SIGBIT(sig)   (1ull << ((sig)-1))
/* Signals that the host thread must never block. */
#define LX_SYNC_SIGNALS                                                                                                \
    (LX_SIGBIT(SIGSEGV) | LX_SIGBIT(SIGBUS) | LX_SIGBIT(SIGILL) | LX_SIGBIT(SIGFPE) | LX_SIGBIT(SIGTRAP))

enum { LX_SIG_DFL = 0, LX_SIG_IGN = 1 };

/* One disposition. */
struct lx_sigaction {
    u64 handler;
    u64 flags;
    u64 mask;
    u64 restorer; /* with SA_RESTORER */
};
#define LX_SA_EXPOSE_TAGBITS 0x00000800ull
#define LX_SA_RESTORER       0x04000000ull

struct lx_signals {
    struct mk_lock lock; /* guards act; never held across a host signal mask change */
    _Atomic u32 users;   /* processes that share it (CLONE_SIGHAND without CLONE_THREAD) */
    struct lx_sigaction act[LX_NSIG + 1];
    u64 asked; /* the others' may be SIG_IGN, as the host process has inherited it: lx_signal_action */
};

/* The disposition of sig; under the lock. The host is asked for what a process begins with when somebody wants it: to
 * ask of all signals is sixty system calls, and most programs want two. */
struct lx_sigaction *lx_signal_action(struct lx_signals *s, int sig);

/* The first process of this host process: reads what the host process inherited. ignored_sync: which synchronous
 * signals the guest ignores, that the host cannot keep over exec. Installs the fault upcall. */
int lx_signals_create(struct lx_signals **out, u64 ignored_sync) MUST_USE;
int lx_signals_copy(struct lx_signals **out, struct lx_signals *from) MUST_USE;
void lx_signals_release(struct lx_signals *s);
/* Synchronous signals that are ignored: what execve must tell its successor. */
u64 lx_signals_ignored_sync(struct lx_signals *s);
/* Sets all handled signals back to the default (CLONE_CLEAR_SIGHAND). */
void lx_signals_clear(struct lx_signals *s);

/* Makes the host's disposition follow the guest's; with the lock held. */
void lx_signal_mirror(int sig, const struct lx_sigaction *act);
/* The same for all that are left to their default: gdb has come or gone (lx_gdb_wants). */
void lx_signals_mirror(struct lx_signals *s);

/* Makes of info, if it is of a synchronous kind and claims to come from the kernel, one that plainly was sent. Our
 * handler turns it back. */
void lx_signal_disguise(siginfo_t *info, int sig);

/* Puts the guest thread's mask in force on its host thread, which has lx_self set. */
void lx_signal_thread_start(struct lx_thread *t);
/* The thread ends: blocks all host signals, and gives what it has taken but not delivered to the other threads. */
void lx_signal_thread_stop(struct lx_thread *t);
/* Blocks all signals on this host thread but the synchronous ones; gives the mask before. */
u64 lx_signal_block_all(void);
/* After it: the thread's own mask again, unless a signal was taken (then delivery sets it). */
void lx_signal_reopen(struct lx_thread *t);
/* Blocks all host signals, the synchronous ones too, and gives what was taken or held back to the host kernel, which
 * keeps it pending. The thread must not touch guest memory until lx_signal_host_mask. */
void lx_signal_give_back(struct lx_thread *t);
/* Sets the host mask of this thread (a guest's mask; synchronous ones are left out) regardless of what was taken. */
void lx_signal_host_mask(u64 mask);
/* The host's form of a guest mask: for calls that take one (ppoll, pselect6, epoll_pwait). */
static inline u64 lx_host_mask(u64 guest)
{
    return guest & ~LX_SYNC_SIGNALS;
}

/* Around a host call that swaps the mask while it waits: _begin before it (mask as the guest gave it), _end with its
 * result, which it returns. When the call was ended by a signal, the swapped mask stays in force until that signal's
 * frame is built, as the kernel has it. */
void lx_sigmask_begin(struct lx_thread *t, u64 mask);
s64 lx_sigmask_end(struct lx_thread *t, s64 result);

/* Is something to be delivered? */
static inline bool lx_signal_pending(const struct lx_thread *t)
{
    return t->taken || (t->held & ~t->sigmask);
}
/* Delivers what is to be delivered. `result` is that of the system call just made, or NULL when none was: decides about
 * restarting it and puts it into the guest's registers. */
void lx_signal_deliver(struct lx_thread *t, const s64 *result);

/* A signal that the thread itself caused (fault, breakpoint). May not return: the process ends when it is not handled.
 */
void lx_signal_force(struct lx_thread *t, const siginfo_t *info);
/* Ends the process by this signal's default action, as the host kernel does it. */
_Noreturn void lx_signal_die(struct lx_thread *t, const siginfo_t *info);

/* Where an alternate stack stands with stack pointer sp: SS_ONSTACK, SS_DISABLE or 0. */
int lx_altstack_state(const struct lx_thread *t, gva_t sp);
/* sigaltstack, with sp of the caller; for rt_sigreturn too. */
s64 lx_altstack_set(struct lx_thread *t, const stack_t *ss, gva_t sp);
/* Sets the guest's mask and the host's with it. -LX_ERESTARTNOINTR: a signal came first, nothing was done. */
s64 lx_sigmask_set(struct lx_thread *t, u64 mask);

/* Makes thread t leave translated code and return from a system call that blocks. Any thread. */
void lx_kick(struct lx_thread *t);
