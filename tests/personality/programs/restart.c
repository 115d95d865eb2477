/* Calls that signals interrupt: which are restarted, which fail, what they leave. */
#include "util.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>

static volatile int hits;
static int wake_fd = -1;

static void on_alarm(int sig, siginfo_t *si, void *uc)
{
    hits++;
    if (wake_fd >= 0 && hits == 2)
        write(wake_fd, "x", 1);
}

/* SIGALRM every ms until stop(): on a slow machine the first may come before the call that it is to interrupt. */
static void every(long ms)
{
    struct itimerval it = {{0, ms * 1000}, {0, ms * 1000}};
    hits = 0;
    setitimer(ITIMER_REAL, &it, NULL);
}
static void stop(void)
{
    struct itimerval it = {0};
    setitimer(ITIMER_REAL, &it, NULL);
}

static void reads(int flags, const char *what)
{
    int p[2];
    char c;
    pipe(p);
    on(SIGALRM, on_alarm, flags);
    wake_fd = flags & SA_RESTART ? p[1] : -1;
    every(20);
    printf("%s ", what);
    result("read", read(p[0], &c, 1));
    stop();
    value("hits", flags & SA_RESTART ? hits >= 2 : hits >= 1);
    wake_fd = -1;
    close(p[0]);
    close(p[1]);
}

static void always_interrupted(void)
{
    int p[2];
    pipe(p);
    on(SIGALRM, on_alarm, SA_RESTART);
    every(20);
    result("poll", poll(&(struct pollfd){p[0], POLLIN, 0}, 1, 5000));
    every(20);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(p[0], &set);
    struct timeval tv = {5, 0};
    result("select", select(p[0] + 1, &set, NULL, NULL, &tv));
    int e = epoll_create1(0);
    struct epoll_event ev;
    every(20);
    result("epoll_wait", epoll_wait(e, &ev, 1, 5000));
    every(20);
    result("pause", pause());
    struct timespec ts = {5, 0}, rem = {0, 0};
    every(20);
    result("nanosleep", nanosleep(&ts, &rem));
    value("time remains", rem.tv_sec == 4);
    every(20);
    value("clock_nanosleep", clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, &rem));
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += 5;
    every(20);
    value("clock_nanosleep absolute", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL));
    uint32_t word = 0;
    struct timespec five = {5, 0};
    every(20);
    result("futex with timeout", syscall(SYS_futex, &word, FUTEX_WAIT, 0, &five, NULL, 0));
    int s[2];
    char c;
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    struct timeval limit = {5, 0};
    setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    every(20);
    result("recv with timeout", recv(s[0], &c, 1, 0));
    stop();
    limit.tv_sec = 0;
    limit.tv_usec = 30000;
    setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    result("recv times out", recv(s[0], &c, 1, 0));
}

static void waits(void)
{
    int st;
    on(SIGALRM, on_alarm, 0);
    fflush(stdout);
    pid_t p = fork();
    if (!p) {
        msleep(300);
        _exit(5);
    }
    every(20);
    result("wait", waitpid(p, &st, 0));
    stop();
    on(SIGALRM, on_alarm, SA_RESTART);
    every(20);
    value("wait restarted", waitpid(p, &st, 0) == p);
    stop();
    value("hits", hits > 0);
    status("child", st);
}

/* The mask is swapped while it waits, and back. */
static void swaps(void)
{
    sigset_t block, none, now;
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGALRM);
    on(SIGALRM, on_alarm, SA_RESTART);
    sigprocmask(SIG_BLOCK, &block, NULL);
    hits = 0;
    raise(SIGALRM);
    value("pending, not delivered", hits);
    result("sigsuspend", sigsuspend(&none));
    value("hits", hits);
    sigprocmask(SIG_SETMASK, NULL, &now);
    value("blocked again", sigismember(&now, SIGALRM));
    raise(SIGALRM);
    struct timespec ts = {5, 0};
    result("ppoll", ppoll(NULL, 0, &ts, &none));
    value("hits", hits);
    raise(SIGALRM);
    result("pselect", pselect(0, NULL, NULL, NULL, &ts, &none));
    value("hits", hits);
    raise(SIGALRM);
    int e = epoll_create1(0);
    struct epoll_event ev;
    result("epoll_pwait", epoll_pwait(e, &ev, 1, 5000, &none));
    value("hits", hits);
    sigprocmask(SIG_SETMASK, NULL, &now);
    value("blocked again", sigismember(&now, SIGALRM));
    /* Nothing pending: the time passes and the mask is as before. */
    ts = (struct timespec){0, 20000000};
    result("ppoll, no signal", ppoll(NULL, 0, &ts, &none));
    sigprocmask(SIG_SETMASK, NULL, &now);
    value("still blocked", sigismember(&now, SIGALRM));
    sigprocmask(SIG_UNBLOCK, &block, NULL);
}

/* A signal in the very moment of the call must not be lost: either the call is interrupted or the handler ran before.
 */
static volatile bool ran;
static void set_ran(int sig, siginfo_t *si, void *uc)
{
    ran = true;
}

static void races(void)
{
    sigset_t block, old;
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    on(SIGUSR1, set_ran, 0);
    sigprocmask(SIG_BLOCK, &block, &old);
    pid_t me = getpid();
    fflush(stdout);
    int p[2];
    pipe(p);
    pid_t child = fork();
    if (!child) {
        char c;
        close(p[1]);
        while (read(p[0], &c, 1) == 1)
            kill(me, SIGUSR1);
        _exit(0);
    }
    close(p[0]);
    int lost = 0;
    for (int i = 0; i < 2000; i++) {
        ran = false;
        write(p[1], "x", 1);
        struct timespec limit = {10, 0};
        if (i & 1) {
            if (ppoll(NULL, 0, &limit, &old) == 0)
                lost++;
        } else {
            while (!ran)
                sigsuspend(&old);
        }
        lost += !ran;
    }
    close(p[1]);
    wait(NULL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    value("lost", lost);
}

/* Stopping and continuing is not seen. */
static void stopped(void)
{
    int st;
    fflush(stdout);
    pid_t p = fork();
    if (!p) {
        struct timespec ts = {0, 150000000};
        int r = nanosleep(&ts, NULL);
        _exit(r ? 1 : 0);
    }
    msleep(30);
    kill(p, SIGSTOP);
    msleep(30);
    kill(p, SIGCONT);
    waitpid(p, &st, 0);
    status("sleeper", st);
}

int main(void)
{
    reads(0, "plain");
    reads(SA_RESTART, "restarting");
    always_interrupted();
    waits();
    swaps();
    races();
    stopped();
    return 0;
}
