// Does a little of everything that translations are made of, and prints what came of it: it must be the same with and
// without cosimulation. An argument "threads" adds what needs more than one thread or process.
#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile sig_atomic_t alarms;

static void on_segv(int sig)
{
    siglongjmp(back, 1);
}

static void on_alarm(int sig)
{
    alarms++;
}

static uint64_t integers(void)
{
    uint64_t x = 88172645463325252ull, sum = 0;
    for (int i = 0; i < 3000; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        sum += x % 1000 + (x >> 60) * (int32_t)x;
        if (x & 0x10)
            sum = sum << 3 | sum >> 61;
        else if ((int16_t)x < 0)
            sum -= (uint8_t)x;
    }
    return sum;
}

static double numbers(void)
{
    double sum = 0, n = 0.0 / (sum * 0);
    for (int i = 1; i < 400; i++)
        sum += sqrt(i) * sin(i) / (i % 7 ? i : 0.5f) + (double)(float)(i * 0.1);
    return sum + (n != n);
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static unsigned strings(void)
{
    static char buf[4096];
    static int v[300];
    for (int i = 0; i < 300; i++)
        v[i] = (i * 7919) % 1009;
    qsort(v, 300, sizeof v[0], compare);
    memset(buf, 'a', 1000);
    memmove(buf + 3, buf, 900);
    for (int i = 0; i < 300; i++)
        sprintf(buf + 4 * i, "%03d", v[i]);
    return (unsigned)strlen(buf) + (unsigned)(strstr(buf, "003") != NULL) + (unsigned)v[150];
}

static int faults(void)
{
    char *p = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    volatile int n = 0;
    signal(SIGSEGV, on_segv);
    for (int i = 0; i < 20; i++)
        if (!sigsetjmp(back, 1)) {
            p[4096 + i] = (char)i;
        } else {
            n++;
            if (n == 10)
                mprotect(p + 4096, 4096, PROT_READ | PROT_WRITE);
        }
    return n;
}

// Code that is made while the program runs, and made anew.
static int makes_code(void)
{
    int sum = 0;
    uint32_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 30; i++) {
#ifdef __riscv
        code[0] = 0x00000513 | (uint32_t)i << 20; // li a0, i
        code[1] = 0x00008067;                     // ret
#else
        code[0] = 0xd2800000 | (uint32_t)i << 5; // mov x0, #i
        code[1] = 0xd65f03c0;                    // ret
#endif
        __builtin___clear_cache((char *)code, (char *)(code + 2));
        sum += ((int (*)(void))code)();
    }
    return sum;
}

static int rounding(void)
{
    volatile double one = 1, three = 3;
    int bits = 0;
    static const int modes[] = {FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO, FE_TONEAREST};
    for (int i = 0; i < 4; i++) {
        feclearexcept(FE_ALL_EXCEPT);
        fesetround(modes[i]);
        const double x = one / three;
        uint64_t b;
        memcpy(&b, &x, 8);
        bits = bits * 2 + (int)(b & 1) + !!fetestexcept(FE_INEXACT);
    }
    fesetround(FE_TONEAREST);
    return bits;
}

static int clocks(void)
{
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    uint64_t t, u;
#ifdef __riscv
    __asm__ volatile("rdtime %0\n\trdtime %1" : "=r"(t), "=r"(u));
#else
    __asm__ volatile("mrs %0, cntvct_el0\n\tmrs %1, cntvct_el0" : "=r"(t), "=r"(u));
#endif
    clock_gettime(CLOCK_MONOTONIC, &b);
    return u >= t && (b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
}

static _Atomic long counter;
static long guarded;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *thread(void *arg)
{
    for (int i = 0; i < 500; i++) {
        atomic_fetch_add(&counter, i & 3);
        pthread_mutex_lock(&mutex);
        guarded += i;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void many(void)
{
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, thread, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    printf("threads %ld %ld\n", (long)counter, guarded);
    fflush(stdout);
    const pid_t child = fork();
    if (!child)
        _exit((int)(integers() & 31));
    int status;
    waitpid(child, &status, 0);
    printf("child %d\n", WEXITSTATUS(status));
    if (!system("exit 3"))
        printf("no shell\n");
}

int main(int argc, char **argv)
{
    struct itimerspec every = {{0, 2000000}, {0, 2000000}};
    timer_t timer;
    signal(SIGALRM, on_alarm);
    timer_create(CLOCK_MONOTONIC, NULL, &timer);
    timer_settime(timer, 0, &every, NULL);
    printf("integers %llx\n", (unsigned long long)integers());
    printf("numbers %.17g\n", numbers());
    printf("strings %u\n", strings());
    printf("faults %d\n", faults());
    printf("code %d\n", makes_code());
    printf("rounding %d\n", rounding());
    printf("clocks %d\n", clocks());
    if (argc > 1)
        many();
    while (!alarms)
        ;
    printf("alarms\n");
    return 0;
}
