/* A storm of signals while code is translated, runs, sleeps, forks: nothing is lost or disturbed. */
#include "util.h"

static volatile long seen[65];
static double trash;

static void on_any(int sig, siginfo_t *si, void *uc)
{
    __atomic_fetch_add(&seen[sig], 1, __ATOMIC_SEQ_CST);
    /* Registers of all kinds are used here. */
    trash = trash * 1.25 + sig;
    int saved = errno;
    errno = 77;
    errno = saved;
}

/* Something that goes wrong when a register is lost. */
static uint64_t work(unsigned seed, unsigned rounds)
{
    uint64_t h = seed;
    double d = 1;
    for (unsigned i = 0; i < rounds; i++) {
        h = (h ^ i) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 29;
        d = d * 1.0000001 + (double)(h & 7);
        if (d > 1e9)
            d -= 1e9;
    }
    return h ^ (uint64_t)d;
}

static volatile bool stop;
static void *storm_thread(void *arg)
{
    unsigned rounds = 0;
    uint64_t want = work(3, 5000);
    long bad = 0;
    while (!stop) {
        bad += work(3, 5000) != want;
        rounds++;
    }
    return (void *)bad;
}

/* Sends until told to stop; real-time signals carry a count, none may be missing. */
static pid_t sender(pid_t to, int rt_count)
{
    fflush(stdout);
    pid_t p = fork();
    if (p)
        return p;
    for (int i = 0; i < rt_count; i++) {
        kill(to, SIGUSR1);
        kill(to, SIGUSR2);
        while (sigqueue(to, SIGRTMIN + 3, (union sigval){.sival_int = i}) && errno == EAGAIN)
            msleep(1);
        if (i % 50 == 0)
            msleep(1);
    }
    _exit(0);
}

/* Order is only defined when no second handler runs on top of the first: the signal is masked in its own handler. */
static volatile int last_value = -1, disorder;
static void on_rt(int sig, siginfo_t *si, void *uc)
{
    if (si->si_value.sival_int != last_value + 1)
        disorder++;
    last_value = si->si_value.sival_int;
    __atomic_fetch_add(&seen[sig], 1, __ATOMIC_SEQ_CST);
}

int main(void)
{
    int st;
    struct sigaction sa = {.sa_sigaction = on_rt, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigfillset(&sa.sa_mask);
    sigaction(SIGRTMIN + 3, &sa, NULL);
    on(SIGUSR1, on_any, SA_RESTART);
    on(SIGUSR2, on_any, SA_RESTART);
    on(SIGALRM, on_any, SA_RESTART);
    on(SIGVTALRM, on_any, SA_RESTART);

    /* While one thread computes and calls. */
    uint64_t want = work(1, 20000), sum = 0;
    pid_t p = sender(getpid(), 3000);
    struct itimerval it = {{0, 700}, {0, 700}};
    setitimer(ITIMER_REAL, &it, NULL);
    setitimer(ITIMER_VIRTUAL, &it, NULL);
    long rounds = 0, bad = 0, calls = 0;
    int pipes[2];
    char c = 0;
    pipe(pipes);
    for (bool sending = true; sending || !seen[SIGALRM] || !seen[SIGVTALRM];) {
        sending = sending && waitpid(p, &st, WNOHANG) == 0;
        bad += work(1, 20000) != want;
        for (int i = 0; i < 20; i++) {
            if (write(pipes[1], "x", 1) != 1 || read(pipes[0], &c, 1) != 1 || c != 'x')
                bad++;
            if (getppid() <= 0 || lseek(99, 0, SEEK_SET) != -1 || errno != EBADF)
                bad++;
            calls++;
        }
        rounds++;
    }
    printf("bad %ld, real-time %ld of 3000, disorder %d\n", bad, seen[SIGRTMIN + 3], disorder);
    printf("others came: %d %d %d\n", seen[SIGUSR1] > 0, seen[SIGALRM] > 0, seen[SIGVTALRM] > 0);

    /* With threads, and children made meanwhile. */
    last_value = -1;
    seen[SIGRTMIN + 3] = 0;
    pthread_t t[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&t[i], NULL, storm_thread, NULL);
    p = sender(getpid(), 1500);
    int children = 0, good = 0;
    pid_t r;
    do {
        pid_t q = fork();
        if (!q)
            _exit(work(1, 1000) == work(1, 1000) ? 11 : 12);
        children++;
        waitpid(q, &st, 0);
        good += WIFEXITED(st) && WEXITSTATUS(st) == 11;
        r = waitpid(p, &st, WNOHANG);
        bad += work(1, 20000) != want;
    } while (r == 0);
    stop = true;
    for (int i = 0; i < 3; i++) {
        void *b;
        pthread_join(t[i], &b);
        bad += (long)b;
    }
    it = (struct itimerval){0};
    setitimer(ITIMER_REAL, &it, NULL);
    setitimer(ITIMER_VIRTUAL, &it, NULL);
    printf("bad %ld, real-time %ld of 1500, children fine %d\n", bad, seen[SIGRTMIN + 3], children == good);
    (void)sum;
    return 0;
}
