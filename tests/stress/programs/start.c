/* What starts.py starts many times: a short program with threads, a signal, a child, memory. */
#include "stress.h"

static long sum;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile int seen;

static void on_usr1(int sig, siginfo_t *si, void *uc)
{
    seen++;
}
static void *adder(void *arg)
{
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&lock);
        sum += (intptr_t)arg;
        pthread_mutex_unlock(&lock);
        free(malloc((size_t)i * 10));
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t t[4];
    int st = -1;
    on(SIGUSR1, on_usr1, SA_RESTART);
    for (intptr_t i = 0; i < 4; i++)
        must_start(&t[i], adder, (void *)(i + 1));
    raise(SIGUSR1);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    pid_t p = fork();
    if (!p)
        _exit(3);
    waitpid(p, &st, 0);
    while (!seen)
        sched_yield();
    printf("%ld %d %d %s\n", sum, seen, WEXITSTATUS(st), argc > 1 ? argv[1] : "");
    return 7;
}
