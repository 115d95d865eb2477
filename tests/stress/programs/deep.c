/* Deep recursion: far deeper than any return-address stack; unwound by returns, by longjmp, and by an overflow that a
 * handler on its own stack ends. Handlers that leave by longjmp, again and again; contexts that are switched. */
#include "stress.h"

static unsigned __attribute__((noinline)) even(unsigned n, volatile unsigned *leaf);
static unsigned __attribute__((noinline)) odd(unsigned n, volatile unsigned *leaf)
{
    if (!n)
        return *leaf;
    return even(n - 1, leaf) * 3 + 1;
}
static unsigned __attribute__((noinline)) even(unsigned n, volatile unsigned *leaf)
{
    if (!n)
        return *leaf;
    return odd(n - 1, leaf) * 5 + n;
}

static sigjmp_buf back;
static long __attribute__((noinline)) endless(long n)
{
    volatile char pad[200];
    pad[n % 200] = (char)n;
    return endless(n + 1) + pad[n % 200];
}
static void on_overflow(int sig, siginfo_t *si, void *uc)
{
    siglongjmp(back, 1);
}

static void overflows(const char *what, int times)
{
    stack_t ss = {.ss_sp = malloc(64 << 10), .ss_size = 64 << 10}, old;
    sigaltstack(&ss, &old);
    volatile int n = 0;
    while (n < times) {
        if (!sigsetjmp(back, 1))
            endless(0);
        n++;
    }
    sigaltstack(&old, NULL);
    free(ss.ss_sp);
    value(what, n);
}

static void *in_thread(void *arg)
{
    volatile unsigned leaf = 7;
    value("in a thread", even(300000, &leaf));
    overflows("overflows in a thread", 20);
    return NULL;
}

static jmp_buf up;
static void __attribute__((noinline)) down(int n)
{
    if (!n)
        longjmp(up, 1);
    down(n - 1);
    __asm__ volatile("" ::: "memory");
}

static void on_alarm(int sig, siginfo_t *si, void *uc)
{
    siglongjmp(back, 2);
}

static ucontext_t ctx[40], home;
static long steps, switched[40];
static void coroutine(int me)
{
    for (int i = 0; i < 500; i++) {
        steps++;
        switched[me] += (long)(work((uint64_t)me, 5) != work((uint64_t)me, 5));
        swapcontext(&ctx[me], &home);
    }
}

int main(void)
{
    volatile unsigned leaf = 7;
    pthread_t t;
    pthread_attr_t attr;
    on(SIGSEGV, on_overflow, SA_ONSTACK);
    value("deep", even(60000, &leaf));
    value("deep", odd(60001, &leaf));
    overflows("overflows", 5);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 20);
    if (pthread_create(&t, &attr, in_thread, NULL))
        printf("no thread\n");
    else
        pthread_join(t, NULL);

    volatile long jumps = 0;
    for (int i = 0; i < 2000; i++) {
        if (!setjmp(up))
            down(i % 300);
        jumps++;
    }
    value("jumps", jumps);

    on(SIGALRM, on_alarm, 0);
    on(SIGUSR1, on_alarm, SA_NODEFER);
    volatile long handled = 0, bad = 0;
    uint64_t want = work(3, 300);
    struct itimerval it = {{0, 500}, {0, 500}}, none = {0};
    for (int i = 0; i < 200; i++) {
        if (!sigsetjmp(back, 1)) {
            setitimer(ITIMER_REAL, &it, NULL);
            for (;;)
                if (work(3, 300) != want)
                    bad++;
        }
        handled++;
    }
    setitimer(ITIMER_REAL, &none, NULL);
    signal(SIGALRM, SIG_IGN);
    bad += handled < 200; /* more when one came between the loop and the timer's end */
    handled = 0;
    for (int i = 0; i < 3000; i++) {
        if (!sigsetjmp(back, 1))
            raise(SIGUSR1);
        else
            handled++;
    }
    printf("out of handlers: %ld, bad %ld\n", handled, bad);

    for (int i = 0; i < 40; i++) {
        getcontext(&ctx[i]);
        ctx[i].uc_stack.ss_sp = malloc(32 << 10);
        ctx[i].uc_stack.ss_size = 32 << 10;
        ctx[i].uc_link = &home;
        makecontext(&ctx[i], (void (*)(void))coroutine, 1, i);
    }
    for (int round = 0; round <= 500; round++)
        for (int i = 0; i < 40; i++)
            swapcontext(&home, &ctx[i]);
    long wrong = 0;
    for (int i = 0; i < 40; i++)
        wrong += switched[i];
    printf("contexts: %ld steps, wrong %ld\n", steps, wrong);

    /* An alternate stack that overflows in its turn ends the process by the signal. */
    fflush(stdout);
    int st;
    if (!fork()) {
        stack_t ss = {.ss_sp = must_map(64 << 10, PROT_READ | PROT_WRITE), .ss_size = 64 << 10};
        mprotect(ss.ss_sp, PAGE, PROT_NONE);
        sigaltstack(&ss, NULL);
        on(SIGSEGV, (void (*)(int, siginfo_t *, void *))endless, SA_ONSTACK);
        endless(0);
    }
    wait(&st);
    status("overflow of the alternate stack", st);
    if (!fork()) {
        on(SIGSEGV, on_overflow, 0); /* nowhere to run */
        if (!sigsetjmp(back, 1))
            endless(0);
        _exit(1);
    }
    wait(&st);
    status("overflow without one", st);
    return 0;
}
