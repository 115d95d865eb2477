/* System calls that block, timers and signals: a call is restarted or fails with EINTR exactly as its handler's flags
 * say; no byte is lost or doubled, no EINTR missing or too much. */
#include "stress.h"

#include <linux/futex.h>
#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

static volatile long handled, handled2;
static void count(int sig, siginfo_t *si, void *uc)
{
    handled++;
}
static void count2(int sig, siginfo_t *si, void *uc)
{
    handled2++;
}

static void timer(long us)
{
    struct itimerval it = {{0, us}, {0, us}};
    setitimer(ITIMER_REAL, &it, NULL);
}

/* A child that writes numbers, sometimes slowly. */
static pid_t writer(int fd, unsigned n)
{
    fflush(stdout);
    pid_t p = fork();
    if (p)
        return p;
    uint64_t rnd = 3;
    for (uint32_t i = 0; i < n; i++) {
        if (write(fd, &i, sizeof i) != sizeof i)
            _exit(1);
        if (next_random(&rnd) % 8 == 0)
            usleep(next_random(&rnd) % pace(1500));
    }
    _exit(0);
}

/* All of it arrives in order; with SA_RESTART there is no EINTR at all. */
static void stream(const char *what, int flags, int how)
{
    int fd[2], st;
    long eintr = 0, bad = 0;
    uint32_t v;
    if (how == 1)
        socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
    else
        pipe(fd);
    timer(0);
    pid_t p = writer(fd[1], 400);
    on(SIGALRM, count, flags);
    timer(pace(400));
    for (uint32_t i = 0; i < 400;) {
        struct iovec iov = {&v, sizeof v};
        ssize_t r = how == 1   ? recv(fd[0], &v, sizeof v, 0)
                    : how == 2 ? readv(fd[0], &iov, 1)
                               : read(fd[0], &v, sizeof v);
        if (r == -1 && errno == EINTR) {
            eintr++;
            continue;
        }
        if (r != sizeof v || v != i)
            bad++;
        i++;
    }
    pid_t w;
    while ((w = waitpid(p, &st, 0)) == -1 && errno == EINTR)
        eintr++;
    timer(0);
    printf("%s: bad %ld, child %d, %s\n", what, bad, w == p ? st : -1,
           flags & SA_RESTART              ? eintr ? "EINTR in spite of SA_RESTART" : "no EINTR"
           : eintr > 0 && eintr <= handled ? "EINTR"
                                           : "EINTR wrong");
    close(fd[0]);
    close(fd[1]);
}

/* --- one signal, one EINTR --- */

static volatile pid_t sleeper; /* tid */
static volatile int calls_left;

/* Waits until the thread sleeps in the kernel, then signals it; as often as it is told. */
static bool asleep(pid_t tid)
{
    char path[64], text[400];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = 0;
    char *p = strrchr(text, ')');
    return p && p[2] == 'S';
}

static sem_t turn;
static uint32_t word;
static volatile bool sleeping;
static int some_pipe[2];

static void *signaller(void *arg)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_t to = *(pthread_t *)arg;
    while (!sem_wait(&turn) && calls_left > 0) {
        while (!sleeping)
            sched_yield();
        /* Twice: the sleep seen may be a page fault's or a lock's of the engine. */
        for (int seen = 0; seen < 2;) {
            if (asleep(sleeper))
                seen++;
            usleep(200);
        }
        pthread_kill(to, SIGUSR1);
    }
    return NULL;
}

static long call(int which)
{
    struct pollfd pf = {some_pipe[0], POLLIN};
    struct timespec ts = {20, 0};
    sigset_t set;
    struct epoll_event ev;
    char c;
    static int ep = -1;
    sigemptyset(&set);
    switch (which) {
    case 0:
        return read(some_pipe[0], &c, 1);
    case 1:
        return poll(&pf, 1, 20000);
    case 2:
        return ppoll(&pf, 1, &ts, &set);
    case 3:
        return nanosleep(&ts, NULL);
    case 4:
        return syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &ts, NULL, 0);
    case 5:
        return sigsuspend(&set);
    case 6:
        if (ep < 0)
            ep = epoll_create1(0);
        return epoll_wait(ep, &ev, 1, 20000);
    case 7:
        return pause();
    case 8:
        sigaddset(&set, SIGUSR2);
        return sigtimedwait(&set, NULL, &ts);
    case 9:
        return clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL) ? (errno = EINTR, -1) : 0;
    default:
        return select(0, NULL, NULL, NULL, &(struct timeval){20, 0});
    }
}

static void exact(int flags)
{
    static const char *const names[] = {"read",       "poll",  "ppoll",        "nanosleep",       "futex", "sigsuspend",
                                        "epoll_wait", "pause", "sigtimedwait", "clock_nanosleep", "select"};
    pthread_t t, me = pthread_self();
    sleeper = (pid_t)gettid_();
    on(SIGUSR1, count2, flags);
    sem_init(&turn, 0, 0);
    calls_left = 1;
    must_start(&t, signaller, &me);
    for (int which = flags & SA_RESTART ? 1 : 0; which < 11; which++) {
        if ((flags & SA_RESTART) && which == 4)
            continue; /* goes on with what is left of its time */
        long eintr = 0, other = 0;
        handled2 = 0;
        for (int i = 0; i < 8; i++) {
            sleeping = false;
            sem_post(&turn);
            sleeping = true;
            if (call(which) == -1 && errno == EINTR)
                eintr++;
            else
                other++;
            sleeping = false;
        }
        printf("%s: %ld handlers, %ld EINTR, %ld other\n", names[which], handled2, eintr, other);
    }
    calls_left = 0;
    sem_post(&turn);
    pthread_join(t, NULL);
}

int main(void)
{
    pipe(some_pipe);
    stream("read, SA_RESTART", SA_RESTART, 0);
    stream("recv, SA_RESTART", SA_RESTART, 1);
    stream("readv, SA_RESTART", SA_RESTART, 2);
    stream("read", 0, 0);
    stream("recv", 0, 1);
    exact(0);
    exact(SA_RESTART);
    return 0;
}
