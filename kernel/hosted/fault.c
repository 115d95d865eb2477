/* Faults: Linux signals become upcalls.
 *
 * One handler serves SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGTRAP, on a stack of the thread's own. In this order:
 * 1. A signal that was sent, and not raised by an instruction, is a tick of ours (tick.c), or goes to whoever asked for
 *    those.
 * 2. A fault inside a guarded routine is noted, and the routine is sent to its way out.
 * 3. The upcall sees the registers and may change them; when it says so, the thread resumes.
 * 4. Anything else is a bug of ours: a report goes to the console, and the process ends by SIGABRT, at the same pc: so
 *    whoever looks at its status does not take it for a fault of the guest.
 *
 * While the handler runs, other signals are blocked, so that what it does to the interrupted state is one step. The
 * five are not: a guarded access in an upcall may fault in turn. An upcall that faults otherwise is taken to be broken
 * (in_upcall), which also ends the recursion. */
#define _GNU_SOURCE
#include "mk/mk.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "kernel/hosted/arch.h"
#include "kernel/hosted/hosted.h"
#include "kernel/hosted/hosted_int.h"
#include "lib/bits.h"
#include "lib/fmt.h"

static const int fault_signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};

static mk_fault_fn *_Atomic upcall;
static void *upcall_cx; /* written before upcall */
static void (*_Atomic foreign)(int sig, siginfo_t *si, void *uc);

static struct mk_lock install_lock;
static _Atomic bool installed;

static __thread u32 in_upcall;
static __thread struct {
    void *pages; /* NULL: mk_thread_enter was not called */
    size_t size;
    stack_t before;
} signal_stack;

/* Was the signal sent by someone, rather than raised by what the thread executed? */
static bool is_foreign(int sig, const siginfo_t *si)
{
    return si->si_code <= 0 || (sig == SIGBUS && si->si_code == BUS_MCEERR_AO);
}

static u8 kind_of(int sig, const siginfo_t *si)
{
    switch (sig) {
    case SIGSEGV:
        /* SI_KERNEL: an address that is not even canonical, of which Linux does not tell the value. */
        return si->si_code == SEGV_MAPERR || si->si_code == SI_KERNEL ? MK_FAULT_UNMAPPED : MK_FAULT_PROTECTION;
    case SIGBUS:
        return si->si_code == SI_KERNEL ? MK_FAULT_UNMAPPED : MK_FAULT_BUS;
    case SIGILL:
        return MK_FAULT_ILLEGAL;
    case SIGFPE:
        return MK_FAULT_ARITH;
    default:
        return MK_FAULT_TRAP;
    }
}

/* Makes the process end by sig when the context resumes: at its pc, so that a core dump shows it, and even when the
 * instruction would not fault a second time. */
static void end_by(int sig, ucontext_t *uc)
{
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, sig);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigaction(sig, &dfl, NULL);
    hosted_raise(sig);
    sigdelset(&uc->uc_sigmask, sig);
}

static void crash(int sig, const siginfo_t *si, const struct mk_fault *f, ucontext_t *uc)
{
    char line[160];
    size_t n =
        fmt(line, sizeof(line), "dragoman: internal error: signal %d (code %d) at pc %#lx, address %#lx, thread %d%s\n",
            sig, si->si_code, f->pc, f->addr, (int)syscall(SYS_gettid), in_upcall ? ", in a fault upcall" : "");

    mk_console(line, n);
    hosted_report(f);
    end_by(SIGABRT, uc);
}

/* ThreadSanitizer installs handlers with all signals blocked, whatever was asked for. */
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define UNDER_TSAN 1
#endif

static void unblock_faults(void)
{
#ifdef UNDER_TSAN
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(fault_signals); i++)
        sigaddset(&set, fault_signals[i]);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
#endif
}

static void on_signal(int sig, siginfo_t *si, void *ucp)
{
    int saved = errno;
    ucontext_t *uc = ucp;

    unblock_faults();

    if (is_foreign(sig, si)) {
        if (hosted_tick(sig, si, uc)) {
            errno = saved;
            return;
        }
        void (*fn)(int, siginfo_t *, void *) = atomic_load(&foreign);
        if (fn)
            fn(sig, si, uc);
        else
            end_by(sig, uc);
        errno = saved;
        return;
    }

    struct mk_fault f = {.pc = hosted_context_pc(uc), .sp = hosted_context_sp(uc), .kind = kind_of(sig, si)};
    if (sig == SIGSEGV || sig == SIGBUS) {
        if (si->si_code != SI_KERNEL)
            f.addr = (hva_t)si->si_addr;
        hosted_context_access(uc, &f.write, &f.exec);
        if (hosted_context_guard(uc, &f)) {
            hosted_guard_note(&f);
            errno = saved;
            return;
        }
    }

    bool resume = false;
    mk_fault_fn *fn = atomic_load_explicit(&upcall, memory_order_acquire);
    struct mk_regs regs;
    hosted_context_get(&regs, uc);
    f.regs = &regs;
    if (fn && !in_upcall) {
        in_upcall = 1;
        resume = fn(&f, upcall_cx);
        in_upcall = 0;
        if (resume)
            hosted_context_put(&regs, uc);
    }
    if (!resume)
        crash(sig, si, &f, uc);
    errno = saved;
}

int mk_hosted_take_signals(void)
{
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    /* All signals, those that libc keeps for itself too, which sigfillset leaves out. */
    memset(&sa.sa_mask, 0xff, sizeof(sa.sa_mask));
    for (size_t i = 0; i < ARRAY_LEN(fault_signals); i++)
        sigdelset(&sa.sa_mask, fault_signals[i]);
    for (size_t i = 0; i < ARRAY_LEN(fault_signals); i++) {
        if (sigaction(fault_signals[i], &sa, NULL))
            return -errno;
    }
    return 0;
}

/* Installs the signal handlers, the first time. */
static int install(void)
{
    int rc = 0;

    if (atomic_load_explicit(&installed, memory_order_acquire))
        return 0;
    mk_lock(&install_lock);
    if (!atomic_load_explicit(&installed, memory_order_relaxed)) {
        rc = mk_hosted_take_signals();
        atomic_store_explicit(&installed, !rc, memory_order_release);
    }
    mk_unlock(&install_lock);
    return rc;
}

int mk_fault_handler(mk_fault_fn *fn, void *cx)
{
    if (atomic_load(&upcall))
        return -EBUSY;
    upcall_cx = cx;
    atomic_store_explicit(&upcall, fn, memory_order_release);
    return install();
}

void mk_hosted_foreign_signal(void (*fn)(int sig, siginfo_t *si, void *uc))
{
    atomic_store(&foreign, fn);
}

/* The stack of a thread that has left, for the next one: all have the same size. */
static void *_Atomic spare;

int mk_thread_enter(void)
{
    /* The frame that Linux pushes grows with the CPU's registers; upcalls may nest twice and need room of their own. */
    size_t size = 64 << 10;
    size_t frame = getauxval(AT_MINSIGSTKSZ);
    int rc;

    rc = install();
    if (rc || signal_stack.pages)
        return rc;
    size = align_up(size + 3 * frame + mk_page_size(), mk_page_size());
    void *p = atomic_exchange(&spare, NULL);
    if (!p) {
        rc = mk_pages_alloc(&p, size);
        if (rc)
            return rc;
        rc = mk_pages_guard(p, size);
        if (rc)
            goto free_pages;
    }
    stack_t ss = {.ss_sp = (u8 *)p + mk_page_size(), .ss_size = size - mk_page_size()};
    if (sigaltstack(&ss, &signal_stack.before)) {
        rc = -errno;
        goto free_pages;
    }
    signal_stack.pages = p;
    signal_stack.size = size;
    return 0;

free_pages:
    mk_pages_free(p, size);
    return rc;
}

void mk_thread_leave(void)
{
    mk_tick_end();
    if (!signal_stack.pages)
        return;
    signal_stack.before.ss_flags &= SS_DISABLE;
    sigaltstack(&signal_stack.before, NULL);
    void *none = NULL;
    if (!atomic_compare_exchange_strong(&spare, &none, signal_stack.pages))
        mk_pages_free(signal_stack.pages, signal_stack.size);
    signal_stack.pages = NULL;
}
