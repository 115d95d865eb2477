/* Signals: masks, queues, order, siginfo, alternate stacks, contexts that a handler changes. */
#include "util.h"

static volatile int count, last;
static char trace[200];
static int ntrace;

static void note(int sig, siginfo_t *si, void *uc)
{
    count++;
    last = sig;
    trace[ntrace++ % 199] = (char)('0' + sig % 64);
}

static void show_trace(const char *what)
{
    printf("%s:", what);
    for (int i = 0; i < ntrace; i++)
        printf(" %d", trace[i] - '0');
    printf("\n");
    ntrace = 0;
    count = 0;
    memset(trace, 0, sizeof trace);
}

static void masks(void)
{
    sigset_t set, old, pend;
    on(SIGUSR1, note, 0);
    on(SIGUSR2, note, 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGKILL);
    result("block", sigprocmask(SIG_BLOCK, &set, &old));
    kill(getpid(), SIGUSR2);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR1);
    sigpending(&pend);
    printf("pending %d %d %d\n", sigismember(&pend, SIGUSR1), sigismember(&pend, SIGUSR2), sigismember(&pend, SIGINT));
    value("count", count);
    sigprocmask(SIG_SETMASK, NULL, &set);
    printf("blocked %d %d %d\n", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2), sigismember(&set, SIGKILL));
    sigprocmask(SIG_SETMASK, &old, NULL);
    show_trace("frames nest: the last delivered runs first");
    result("bad how", sigprocmask(77, &set, NULL));
    raise(SIGUSR1);
    value("raise is synchronous", count);
    ntrace = count = 0;
    struct sigaction sa;
    result("SIGKILL", sigaction(SIGKILL, &(struct sigaction){.sa_handler = SIG_IGN}, NULL));
    result("SIGSTOP query", sigaction(SIGSTOP, NULL, &sa));
    result("signal 65", syscall(SYS_kill, getpid(), 65));
    result("raw action 0", syscall(SYS_rt_sigaction, 0, NULL, NULL, 8));
    result("raw size", syscall(SYS_rt_sigaction, 10, NULL, NULL, 16));
}

static int rt_values[100], nrt;
static void on_rt(int sig, siginfo_t *si, void *uc)
{
    rt_values[nrt++] = si->si_value.sival_int * 100 + sig - SIGRTMIN + (si->si_code == SI_QUEUE ? 0 : 50) +
                       (si->si_pid == getpid() ? 0 : 25);
}

static void queues(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    sigaddset(&set, SIGRTMIN + 2);
    on(SIGRTMIN + 1, on_rt, 0);
    on(SIGRTMIN + 2, on_rt, 0);
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 5; i++) {
        sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = i});
        sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 10 + i});
    }
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("queued:");
    for (int i = 0; i < nrt; i++)
        printf(" %d", rt_values[i]);
    printf("\n");
    /* Taken one by one. */
    sigprocmask(SIG_BLOCK, &set, NULL);
    for (int i = 0; i < 3; i++)
        sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i});
    siginfo_t si;
    struct timespec zero = {0, 0}, some = {0, 20000000};
    for (int i = 0; i < 4; i++) {
        int r = sigtimedwait(&set, &si, &zero);
        if (r > 0)
            printf("took %d value %d code %d\n", r - SIGRTMIN, si.si_value.sival_int, si.si_code);
        else
            result("took", r);
    }
    result("timed out", sigtimedwait(&set, &si, &some));
    raise(SIGRTMIN + 2);
    value("sigwaitinfo", sigwaitinfo(&set, &si) - SIGRTMIN);
    value("code", si.si_code);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

static void on_inner(int sig, siginfo_t *si, void *uc)
{
    sigset_t now;
    sigprocmask(SIG_SETMASK, NULL, &now);
    printf("%s in handler: usr1 %d usr2 %d term %d\n", sigabbrev_np(sig), sigismember(&now, SIGUSR1),
           sigismember(&now, SIGUSR2), sigismember(&now, SIGTERM));
    ucontext_t *c = uc;
    printf("saved mask: usr1 %d usr2 %d\n", sigismember(&c->uc_sigmask, SIGUSR1), sigismember(&c->uc_sigmask, SIGUSR2));
    /* What the handler writes into the saved mask holds after it. */
    sigaddset(&c->uc_sigmask, SIGWINCH);
}

static void actions(void)
{
    struct sigaction sa = {.sa_sigaction = on_inner, .sa_flags = SA_SIGINFO};
    sigset_t now;
    sigaddset(&sa.sa_mask, SIGUSR2);
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    sigprocmask(SIG_SETMASK, NULL, &now);
    printf("after: usr1 %d usr2 %d winch %d\n", sigismember(&now, SIGUSR1), sigismember(&now, SIGUSR2),
           sigismember(&now, SIGWINCH));
    sigdelset(&now, SIGWINCH);
    sigprocmask(SIG_SETMASK, &now, NULL);
    sa.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    sigdelset(&now, SIGWINCH);
    sigprocmask(SIG_SETMASK, &now, NULL);
    sa.sa_flags = SA_SIGINFO | SA_RESETHAND;
    sigaction(SIGUSR1, &sa, NULL);
    raise(SIGUSR1);
    sigprocmask(SIG_SETMASK, &now, NULL);
    struct sigaction was;
    sigaction(SIGUSR1, NULL, &was);
    value("one shot: default again", was.sa_handler == SIG_DFL);
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    printf("ignored\n");
}

/* --- alternate stacks --- */

static char alt[65536];
static volatile bool on_alt;
static sigjmp_buf jump;

static void check_stack(int sig, siginfo_t *si, void *uc)
{
    char here;
    stack_t ss;
    on_alt = &here >= alt && &here < alt + sizeof alt;
    sigaltstack(NULL, &ss);
    printf("%s: on the alternate stack %d, flags %x, uc stack %d %d\n", sigabbrev_np(sig), on_alt, ss.ss_flags,
           ((ucontext_t *)uc)->uc_stack.ss_sp == alt, ((ucontext_t *)uc)->uc_stack.ss_flags);
    /* Disarmed, it could be changed; what becomes of that at the return differs between ISAs. */
    if (ss.ss_flags == SS_ONSTACK)
        result("change while on it", sigaltstack(&(stack_t){.ss_sp = alt, .ss_size = sizeof alt}, NULL));
}

static void on_overflow(int sig, siginfo_t *si, void *uc)
{
    char here;
    printf("overflow: %s on the alternate stack %d\n", sigabbrev_np(sig), &here >= alt && &here < alt + sizeof alt);
    siglongjmp(jump, 1);
}

static int recurse(int n)
{
    volatile char pad[4096];
    pad[0] = (char)n;
    return recurse(n + 1) + pad[0];
}

static void altstacks(void)
{
    stack_t ss = {.ss_sp = alt, .ss_size = 1000}, old;
    result("too small", sigaltstack(&ss, NULL));
    ss.ss_size = sizeof alt;
    ss.ss_flags = 77;
    result("bad flags", sigaltstack(&ss, NULL));
    ss.ss_flags = 0;
    result("fine", sigaltstack(&ss, &old));
    value("old flags", old.ss_flags);
    on(SIGUSR1, check_stack, SA_ONSTACK);
    raise(SIGUSR1);
    on(SIGUSR1, check_stack, 0);
    raise(SIGUSR1);
    struct rlimit r = {1 << 20, 1 << 20};
    fflush(stdout);
    if (!fork()) {
        setrlimit(RLIMIT_STACK, &r);
        on(SIGSEGV, on_overflow, SA_ONSTACK);
        if (!sigsetjmp(jump, 1))
            recurse(0);
        if (!sigsetjmp(jump, 1))
            recurse(0);
        printf("twice\n");
        exit(0);
    }
    int st;
    wait(&st);
    status("overflow child", st);
    if (!fork()) {
        /* No alternate stack: the frame cannot be built. */
        setrlimit(RLIMIT_STACK, &r);
        ss.ss_flags = SS_DISABLE;
        sigaltstack(&ss, NULL);
        on(SIGSEGV, on_overflow, 0);
        if (!sigsetjmp(jump, 1))
            recurse(0);
        exit(0);
    }
    wait(&st);
    status("no stack to run on", st);
    ss.ss_flags = SS_ONSTACK | (1 << 31); /* SS_AUTODISARM */
    result("autodisarm", sigaltstack(&ss, NULL));
    on(SIGUSR1, check_stack, SA_ONSTACK);
    raise(SIGUSR1);
    sigaltstack(NULL, &old);
    printf("armed again %d %x\n", old.ss_sp == alt, old.ss_flags);
    ss.ss_flags = SS_DISABLE;
    sigaltstack(&ss, NULL);
}

/* --- contexts --- */

static int landed;
static void landing(void)
{
    landed++;
    siglongjmp(jump, 2);
}

static void redirect(int sig, siginfo_t *si, void *ucp)
{
    ucontext_t *uc = ucp;
    UC_PC(uc) = (uintptr_t)landing;
    UC_SP(uc) = (UC_SP(uc) - 8192) & ~15ul;
#ifdef __x86_64__
    UC_SP(uc) -= 8;
#endif
}

static void skip_null(int sig, siginfo_t *si, void *ucp)
{
    printf("fault at %lx code %d\n", (unsigned long)si->si_addr, si->si_code);
    redirect(sig, si, ucp);
}

static double fp_state(double x)
{
    double y = x * 3;
    raise(SIGUSR2);
    return y + x;
}

static void trash_fp(int sig, siginfo_t *si, void *uc)
{
    volatile double a = 1e300;
    for (int i = 0; i < 20; i++)
        a = a * 1.5 + i;
    count++;
}

static void contexts(void)
{
    on(SIGSEGV, skip_null, 0);
    if (!sigsetjmp(jump, 1))
        *(volatile int *)16 = 1;
    value("landed", landed);
    on(SIGILL, redirect, 0);
    on(SIGTRAP, redirect, 0);
    if (!sigsetjmp(jump, 1))
        __builtin_trap();
    value("after an illegal instruction", landed);
    if (!sigsetjmp(jump, 1))
        breakpoint();
    value("after a breakpoint", landed);
    on(SIGUSR2, trash_fp, 0);
    count = 0;
    printf("%.3f\n", fp_state(1.25));
    /* A jump to where no code is. */
    on(SIGSEGV, redirect, 0);
    if (!sigsetjmp(jump, 1))
        ((void (*)(void))0x10)();
    value("after a wild jump", landed);
    void *data = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    code_return(data, 3);
    if (!sigsetjmp(jump, 1))
        ((void (*)(void))data)();
    value("after a jump into data", landed);
}

static void deaths(void)
{
    static const int sigs[] = {SIGTERM, SIGSEGV, SIGABRT, SIGKILL, SIGILL, SIGFPE,
                               SIGBUS,  SIGTRAP, SIGUSR1, SIGPIPE, SIGALRM};
    for (unsigned i = 0; i < sizeof sigs / sizeof *sigs; i++) {
        fflush(stdout);
        pid_t p = fork();
        if (!p) {
            struct rlimit none = {0, 0};
            setrlimit(RLIMIT_CORE, &none);
            signal(sigs[i], SIG_DFL);
            if (i & 1)
                raise(sigs[i]);
            kill(getpid(), sigs[i]);
            _exit(1);
        }
        int st;
        waitpid(p, &st, 0);
        status("death", st);
    }
    /* A fault whose signal is blocked, or ignored, kills all the same. */
    for (int how = 0; how < 3; how++) {
        fflush(stdout);
        pid_t p = fork();
        if (!p) {
            struct rlimit none = {0, 0};
            setrlimit(RLIMIT_CORE, &none);
            sigset_t set;
            sigemptyset(&set);
            sigaddset(&set, SIGSEGV);
            if (how == 0) {
                on(SIGSEGV, note, 0);
                sigprocmask(SIG_BLOCK, &set, NULL);
            } else if (how == 1) {
                signal(SIGSEGV, SIG_IGN);
            } else {
                signal(SIGSEGV, SIG_DFL);
            }
            *(volatile int *)0 = 1;
            _exit(1);
        }
        int st;
        waitpid(p, &st, 0);
        status("fault", st);
    }
    /* Sent ones can be blocked, ignored, handled. */
    sigset_t set, pend;
    sigemptyset(&set);
    sigaddset(&set, SIGSEGV);
    sigaddset(&set, SIGFPE);
    on(SIGSEGV, note, 0);
    on(SIGFPE, note, 0);
    ntrace = count = 0;
    kill(getpid(), SIGSEGV);
    value("handled", count);
    sigprocmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGSEGV);
    raise(SIGFPE);
    value("blocked", count);
    sigpending(&pend);
    printf("pending %d %d\n", sigismember(&pend, SIGSEGV), sigismember(&pend, SIGFPE));
    siginfo_t si;
    struct timespec zero = {0, 0};
    sigdelset(&set, SIGFPE);
    value("waited for", sigtimedwait(&set, &si, &zero) == SIGSEGV);
    sigaddset(&set, SIGFPE);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    value("unblocked", count);
    signal(SIGSEGV, SIG_IGN);
    kill(getpid(), SIGSEGV);
    value("ignored", count);
}

static void stops(void)
{
    int st, go[2];
    char c;
    fflush(stdout);
    pipe(go);
    pid_t p = fork();
    if (!p) {
        raise(SIGSTOP);
        read(go[0], &c, 1); /* its end must not come before the other news was fetched */
        _exit(4);
    }
    waitpid(p, &st, WUNTRACED);
    status("child", st);
    kill(p, SIGCONT);
    waitpid(p, &st, WCONTINUED);
    value("continued", WIFCONTINUED(st));
    write(go[1], "", 1);
    close(go[0]);
    close(go[1]);
    waitpid(p, &st, 0);
    status("child", st);
}

/* A thread may send itself what claims to come from the kernel; another may not. */
static void show_claim(int sig, siginfo_t *si, void *uc)
{
    printf("%s code %d errno %d addr %p\n", strsignal(sig), si->si_code, si->si_errno, si->si_addr);
}

static void claims(void)
{
    static const int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGUSR1};
    for (size_t i = 0; i < sizeof sigs / sizeof *sigs; i++) {
        on(sigs[i], show_claim, SA_SIGINFO | SA_RESTART);
        for (int code = -1; code <= 2; code += 1 + !code) {
            siginfo_t si;
            memset(&si, 0, sizeof si);
            si.si_signo = sigs[i];
            si.si_code = code;
            si.si_errno = 7;
            si.si_addr = (void *)0x123456789a;
            result("to oneself", syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), sigs[i], &si));
            result("to one's process", syscall(SYS_rt_sigqueueinfo, getpid(), sigs[i], &si));
            sigset_t set, old;
            sigemptyset(&set);
            sigaddset(&set, sigs[i]);
            sigprocmask(SIG_BLOCK, &set, &old);
            result("blocked", syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), sigs[i], &si));
            sigprocmask(SIG_SETMASK, &old, NULL);
            int st;
            pid_t p = fork();
            if (!p)
                _exit(syscall(SYS_rt_sigqueueinfo, getppid(), sigs[i], &si) < 0 ? errno : 0);
            waitpid(p, &st, 0);
            status("from a child", st);
        }
        signal(sigs[i], SIG_DFL);
    }
    fflush(stdout);
    pid_t p = fork();
    if (!p) {
        siginfo_t si = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR};
        syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGSEGV, &si);
        _exit(1);
    }
    int st;
    waitpid(p, &st, 0);
    status("killed by a claim", st);
}

static void from_child(int sig, siginfo_t *si, void *uc)
{
    printf("SIGCHLD code %d status %d\n", si->si_code, si->si_status);
}

static void children(void)
{
    sigset_t none;
    sigset_t chld;
    sigemptyset(&none);
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    on(SIGCHLD, from_child, SA_NOCLDSTOP);
    sigprocmask(SIG_BLOCK, &chld, NULL);
    fflush(stdout);
    if (!fork())
        _exit(9);
    sigsuspend(&none);
    sigprocmask(SIG_UNBLOCK, &chld, NULL);
    int st;
    wait(&st);
    struct sigaction sa = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
    sigaction(SIGCHLD, &sa, NULL);
    if (!fork())
        _exit(1);
    result("no zombies", wait(&st));
    signal(SIGCHLD, SIG_DFL);
}

int main(void)
{
    masks();
    queues();
    actions();
    altstacks();
    contexts();
    deaths();
    stops();
    children();
    claims();
    return 0;
}
