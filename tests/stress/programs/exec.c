/* execve from many threads at once: exactly one wins, all others are gone, the program starts clean; while other
 * threads translate, fork, sleep, take signals. */
#include "stress.h"

#include <semaphore.h>

static volatile bool stop;
static const char *self;
static pthread_barrier_t barrier;

static void *busy(void *arg)
{
    char *code = must_map(PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
    for (unsigned i = 0;; i++) {
        flush_code(code, code_sum(code, i % 100, 3));
        if (((code_fn *)code)() != (int)(i % 100 * 3))
            _exit(50);
    }
}
static void *sleeper(void *arg)
{
    for (;;)
        pause();
}
static void *executor(void *arg)
{
    char n[16];
    snprintf(n, sizeof n, "%d", (int)(intptr_t)arg);
    pthread_barrier_wait(&barrier);
    execl("/proc/self/exe", self, "after", n, NULL);
    _exit(51);
}
static void nothing(int sig, siginfo_t *si, void *uc)
{
}

/* In a child: many threads, of which five exec. */
static void storm(void)
{
    pthread_t t;
    on(SIGALRM, nothing, SA_RESTART);
    const long us = pace(500);
    struct itimerval it = {{0, us}, {0, us}};
    setitimer(ITIMER_REAL, &it, NULL); /* stays over exec */
    pthread_barrier_init(&barrier, NULL, 5);
    must_start(&t, busy, NULL);
    for (int i = 0; i < 3; i++)
        must_start(&t, sleeper, NULL);
    for (intptr_t i = 1; i < 5; i++)
        must_start(&t, executor, (void *)i);
    executor((void *)0);
}

static int chain(const char *left)
{
    char n[16];
    int k = atoi(left);
    if (!k)
        return 33;
    snprintf(n, sizeof n, "%d", k - 1);
    execl("/proc/self/exe", self, "chain", n, NULL);
    return 1;
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc == 3 && !strcmp(argv[1], "after")) {
        /* Alone, as the process, with the handler gone: SIGALRM would kill, unless it comes no more. */
        struct sigaction sa;
        struct itimerval none = {0};
        setitimer(ITIMER_REAL, &none, NULL);
        sigaction(SIGALRM, NULL, &sa);
        int tasks = 0;
        char path[64];
        snprintf(path, sizeof path, "/proc/self/task/%d", getpid());
        tasks = access(path, F_OK) == 0;
        return gettid_() == getpid() && sa.sa_handler == SIG_DFL && tasks ? 40 : 41;
    }
    if (argc == 3 && !strcmp(argv[1], "chain"))
        return chain(argv[2]);
    int good = 0, alarmed = 0, other = 0;
    for (int i = 0; i < 12; i++) {
        int st;
        pid_t p = fork();
        if (!p)
            storm();
        waitpid(p, &st, 0);
        if (WIFEXITED(st) && WEXITSTATUS(st) == 40)
            good++;
        else if (WIFSIGNALED(st) && WTERMSIG(st) == SIGALRM)
            alarmed++; /* before the new program had stopped the timer */
        else {
            other++;
            status("storm", st);
        }
    }
    printf("%d ended well or by the alarm, %d otherwise\n", good + alarmed, other);
    int st;
    fflush(stdout);
    if (!fork())
        execl("/proc/self/exe", self, "chain", "30", NULL);
    wait(&st);
    status("chain", st);
    return 0;
}
