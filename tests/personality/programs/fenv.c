/* Sticky floating-point flags, read so often that a translator may find a faster way to know them (vcpu.flags_trap):
 * each is raised then, once and again and again; by exact results that are tiny, too; flags are cleared, kept over a
 * signal's handler, and are a thread's and a process's own. */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOPS = 10 };

static unsigned flags(void)
{
    const int f = fetestexcept(FE_ALL_EXCEPT);
    return (f & FE_INEXACT ? 1 : 0) | (f & FE_UNDERFLOW ? 2 : 0) | (f & FE_OVERFLOW ? 4 : 0) |
           (f & FE_DIVBYZERO ? 8 : 0) | (f & FE_INVALID ? 16 : 0);
}

/* All that was ever seen, and whether it was always the same. */
static unsigned read_often(int n)
{
    const unsigned first = flags();
    unsigned seen = first, changed = 0;
    for (int i = 0; i < n; i++) {
        const unsigned f = flags();
        seen |= f;
        changed |= f ^ first;
    }
    return seen | changed << 8;
}

static void op(int k)
{
    volatile double a = 1, b = 3, r = 0;
    volatile long long n;
    volatile int less;
    switch (k) {
    case 0:
        r = a / b;
        break;
    case 1: /* tiny and exact */
        a = DBL_MIN;
        b = 2;
        r = a / b;
        break;
    case 2: /* tiny and not */
        a = DBL_MIN;
        r = a / b;
        break;
    case 3:
        a = DBL_MAX;
        r = a * b;
        break;
    case 4:
        b = 0;
        r = a / b;
        break;
    case 5:
        a = b = 0;
        r = a / b;
        break;
    case 6: /* quiet NaNs: a comparison that minds, and one that does not */
        a = NAN;
        less = a < b;
        break;
    case 7:
        a = NAN;
        less = isless(a, b);
        break;
    case 8:
        a = 1e30;
        n = (long long)a;
        break;
    default:
        r = a + b;
    }
    (void)r, (void)n, (void)less;
}

/* Each op alone, and all after each other; after so many reads. */
static unsigned long all(int reads)
{
    unsigned long sum = 0;
    for (int k = 0; k < NOPS; k++) {
        feclearexcept(FE_ALL_EXCEPT);
        sum = sum * 31 + read_often(reads);
        op(k);
        sum = sum * 31 + flags();
        op(k);
        sum = sum * 31 + read_often(3);
    }
    feclearexcept(FE_ALL_EXCEPT);
    for (int k = 0; k < NOPS; k++) {
        sum = sum * 31 + read_often(reads);
        op((k * 7 + 1) % NOPS);
    }
    return sum * 31 + flags();
}

static void handler(int sig)
{
    for (int k = 0; k < NOPS; k++)
        op(k);
}

static void nothing(int sig)
{
}

static void *all_of_a_thread(void *arg)
{
    *(unsigned long *)arg = all(500);
    return NULL;
}

static void *one(void *arg)
{
    const int k = *(int *)arg;
    feclearexcept(FE_ALL_EXCEPT);
    const unsigned before = read_often(1000);
    op(k);
    const unsigned after = flags();
    op((k + 1) % NOPS);
    printf("op %d: %x, %x, %x\n", k, before, after, flags());
    return NULL;
}

static void *a_signal(void *arg)
{
    signal(SIGUSR1, handler);
    signal(SIGUSR2, nothing);
    feclearexcept(FE_ALL_EXCEPT);
    for (int k = 2; k < 6; k++) { /* the same code, so that a translator has no other reason to stop in between */
        const unsigned was = read_often(10000);
        raise(SIGUSR2);
        op(k);
        printf("op %d behind a signal: %x, %x\n", k, was, flags());
    }
    feclearexcept(FE_ALL_EXCEPT);
    op(0);
    const unsigned before = read_often(1000);
    raise(SIGUSR1);
    printf("a signal: %x, then %x\n", before, read_often(1000));
    op(4);
    printf("a division: %x\n", flags());
    return NULL;
}

static void *a_child(void *arg)
{
    feclearexcept(FE_ALL_EXCEPT);
    op(0);
    const unsigned before = read_often(1000);
    const pid_t child = fork();
    if (!child) {
        op(5);
        _exit((int)flags());
    }
    int status;
    waitpid(child, &status, 0);
    printf("a child: %x, here %x, %x\n", status, before, flags());
    return NULL;
}

static void *held(void *arg)
{
    fenv_t env;
    feclearexcept(FE_ALL_EXCEPT);
    op(0);
    const unsigned before = read_often(1000);
    feholdexcept(&env);
    const unsigned meanwhile = read_often(10000);
    op(3);
    feupdateenv(&env);
    printf("held: %x, %x, then %x\n", before, meanwhile, read_often(100000));
    return NULL;
}

static void in_thread(void *(*fn)(void *), void *arg)
{
    pthread_t t;
    pthread_create(&t, NULL, fn, arg);
    pthread_join(t, NULL);
}

int main(void)
{
    for (int k = 0; k < NOPS; k++)
        in_thread(one, &k);
    for (int reads = 1; reads < 10000; reads *= 7)
        printf("after %d reads: %lx\n", reads, all(reads));
    in_thread(a_signal, NULL);
    fflush(stdout);
    in_thread(a_child, NULL);
    in_thread(held, NULL);

    pthread_t t[3];
    unsigned long sum[3];
    feclearexcept(FE_ALL_EXCEPT);
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, all_of_a_thread, &sum[i]);
    const unsigned meanwhile = read_often(10000);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    printf("threads: %lx %lx %lx, here %x\n", sum[0], sum[1], sum[2], meanwhile);
}
