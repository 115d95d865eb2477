/* Signals, many a millisecond, at threads that make and run new code all the time: each handler runs code of its own
 * too. */
#include "stress.h"

#define THREADS 3

static volatile bool stop;
static volatile long wrong, handled;
static _Thread_local char *mine; /* code of the handler */
static _Thread_local unsigned count;

static void on_signal(int sig, siginfo_t *si, void *uc)
{
    int saved = errno;
    if (mine) {
        unsigned n = ++count % 50, step = (unsigned)sig;
        flush_code(mine, code_sum(mine, n, step));
        if (((code_fn *)mine)() != (int)(n * step))
            wrong++;
    }
    __atomic_fetch_add(&handled, 1, __ATOMIC_RELAXED);
    errno = saved;
}

static void *translator(void *arg)
{
    uint64_t rnd = (uintptr_t)arg;
    mine = must_map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    char *code = must_map(16 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (unsigned i = 0; !stop; i++) {
        unsigned n = next_random(&rnd) % 200, step = next_random(&rnd) % 2047, at = next_random(&rnd) % 15 * PAGE;
        flush_code(code + at, code_sum(code + at, n, step));
        if (((code_fn *)(code + at))() != (int)(n * step))
            wrong++;
        if (work(i, 50) != work(i, 50))
            wrong++;
    }
    char *m = mine;
    mine = NULL;
    munmap(m, PAGE);
    return NULL;
}

int main(void)
{
    pthread_t t[THREADS];
    struct sigaction sa = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigfillset(&sa.sa_mask); /* the handler's code is the thread's */
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGALRM, &sa, NULL);
    sigaction(SIGPROF, &sa, NULL);
    for (int i = 0; i < THREADS; i++)
        must_start(&t[i], translator, (void *)(intptr_t)(i + 1));
    const long us = pace(300);
    struct itimerval it = {{0, us}, {0, us}};
    setitimer(ITIMER_REAL, &it, NULL);
    setitimer(ITIMER_PROF, &it, NULL);
    for (int i = 0; i < 3000; i++) {
        pthread_kill(t[i % THREADS], SIGUSR1);
        if (i % 100 == 0)
            msleep(5);
    }
    while (__atomic_load_n(&handled, __ATOMIC_RELAXED) < 100)
        msleep(1);
    it = (struct itimerval){0};
    setitimer(ITIMER_REAL, &it, NULL);
    setitimer(ITIMER_PROF, &it, NULL);
    stop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    value("wrong", wrong);
    return 0;
}
