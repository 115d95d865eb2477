/* Waiting: epoll, poll, select, eventfd, timerfd, signalfd, inotify, and the masks they swap in. */
#include "call.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static volatile int caught;

static void on(int sig)
{
    caught = sig;
}

static void *poke(void *arg)
{
    usleep(50000);
    kill(getpid(), (int)(long)arg);
    return 0;
}

/* Sends the process a signal a little later, from a thread that has it blocked. */
static void later(int sig)
{
    pthread_t t;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_create(&t, 0, poke, (void *)(long)sig);
    pthread_detach(t);
    pthread_sigmask(SIG_SETMASK, &old, 0);
}

int main(void)
{
    int p[2], n;
    char buf[4096];
    struct epoll_event ev[8] = {0}, one;
    enter_work_dir();
    T(pipe2(p, O_NONBLOCK));
    int ep = T(epoll_create1(EPOLL_CLOEXEC));
    one = (struct epoll_event){EPOLLIN, {.u64 = 0x1122334455667788}};
    T(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &one));
    T(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &one));
    one = (struct epoll_event){EPOLLOUT | EPOLLET, {.u64 = ~0ull}};
    T(epoll_ctl(ep, EPOLL_CTL_ADD, p[1], &one));
    n = T(epoll_wait(ep, ev, 8, 0));
    for (int i = 0; i < n; i++)
        printf("%x %llx\n", ev[i].events, (long long)ev[i].data.u64);
    T(write(p[1], "x", 1));
    n = T(epoll_wait(ep, ev, 8, 1000));
    for (int i = 0; i < n; i++)
        printf("%x %llx\n", ev[i].events, (long long)ev[i].data.u64);
    one = (struct epoll_event){EPOLLIN | EPOLLONESHOT, {.u64 = 7}};
    T(epoll_ctl(ep, EPOLL_CTL_MOD, p[0], &one));
    n = T(epoll_wait(ep, ev, 1, 1000));
    printf("%x %llx\n", ev[0].events, (long long)ev[0].data.u64);
    T(epoll_wait(ep, ev, 1, 10));
    T(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], 0));
    struct timespec ts = {0, 1000000};
    T(syscall(SYS_epoll_pwait2, ep, ev, 8, &ts, 0, 8));
    /* many at once */
    int fds[40];
    for (int i = 0; i < 40; i++) {
        fds[i] = eventfd(1, EFD_NONBLOCK);
        one = (struct epoll_event){EPOLLIN, {.u64 = 1000 + i}};
        epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &one);
    }
    struct epoll_event many[64];
    n = T(epoll_wait(ep, many, 64, 0));
    long sum = 0;
    for (int i = 0; i < n; i++)
        sum += many[i].data.u64;
    printf("%ld\n", sum);
    for (int i = 0; i < 40; i++)
        close(fds[i]);

    struct pollfd pf[3] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {999, POLLIN, 0}};
    T(poll(pf, 3, 0));
    printf("%x %x %x\n", pf[0].revents, pf[1].revents, pf[2].revents);
    T(read(p[0], buf, 10));
    T(poll(pf, 1, 10));
    fd_set r, w;
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_SET(p[0], &r);
    FD_SET(p[1], &w);
    struct timeval tv = {0, 1000};
    T(select(p[1] + 1, &r, &w, 0, &tv));
    printf("%d %d\n", !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w));
    FD_ZERO(&r);
    FD_SET(60, &r);
    T(select(61, &r, 0, 0, &tv));
    close(p[1]);
    T(poll(pf, 1, 0));
    printf("%x\n", pf[0].revents);

    int e = T(eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK));
    uint64_t v = 5;
    T(write(e, &v, 8));
    T(read(e, &v, 8));
    printf("%llu\n", (long long)v);
    T(read(e, &v, 4));
    int t = T(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
    struct itimerspec its = {{0, 1000000}, {0, 1000000}}, old;
    T(read(t, &v, 8));
    T(timerfd_settime(t, 0, &its, 0));
    pf[0] = (struct pollfd){t, POLLIN, 0};
    T(poll(pf, 1, 1000));
    T(read(t, &v, 8));
    YES(v >= 1);
    T(timerfd_gettime(t, &old));
    printf("%ld\n", old.it_interval.tv_nsec);

    /* signals: a mask swapped in lets one through, and only while waiting */
    struct sigaction sa = {.sa_handler = on};
    sigaction(SIGUSR1, &sa, 0);
    sigset_t block, none;
    sigemptyset(&none);
    sigemptyset(&block);
    sigaddset(&block, SIGUSR1);
    sigprocmask(SIG_BLOCK, &block, 0);
    kill(getpid(), SIGUSR1);
    printf("caught %d\n", caught);
    T(ppoll(0, 0, 0, &none));
    printf("caught %d\n", caught);
    caught = 0;
    later(SIGUSR1);
    T(ppoll(0, 0, 0, &none));
    printf("caught %d\n", caught);
    caught = 0;
    later(SIGUSR1);
    T(pselect(0, 0, 0, 0, 0, &none));
    printf("caught %d\n", caught);
    caught = 0;
    later(SIGUSR1);
    T(epoll_pwait(ep, ev, 1, -1, &none));
    printf("caught %d\n", caught);
    caught = 0;
    kill(getpid(), SIGUSR1);
    pf[0] = (struct pollfd){e, POLLIN, 0};
    T(ppoll(pf, 1, 0, &none)); /* ready already: the count, and the signal stays or is delivered as Linux does it */
    sigset_t now;
    sigpending(&now);
    printf("caught %d pending %d\n", caught, sigismember(&now, SIGUSR1));
    sigprocmask(SIG_SETMASK, 0, &now);
    printf("blocked %d\n", sigismember(&now, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &block, 0);
    caught = 0;
    later(SIGUSR1);
    T(poll(0, 0, -1));
    printf("caught %d\n", caught);
    sa.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &sa, 0);
    caught = 0;
    later(SIGUSR1);
    T(epoll_wait(ep, ev, 1, -1));
    printf("caught %d\n", caught);
    /* read restarts, or fails */
    T(pipe(p));
    caught = 0;
    later(SIGUSR1);
    pid_t pid = fork();
    if (pid == 0) {
        usleep(150000);
        (void)!write(p[1], "late", 4);
        _exit(0);
    }
    T(read(p[0], buf, 10));
    printf("caught %d\n", caught);
    T(waitpid(pid, 0, 0) == pid);
    sa.sa_flags = 0;
    sigaction(SIGUSR1, &sa, 0);
    later(SIGUSR1);
    T(read(p[0], buf, 10));

    sigprocmask(SIG_BLOCK, &block, 0);
    int s = T(signalfd(-1, &block, SFD_NONBLOCK | SFD_CLOEXEC));
    struct signalfd_siginfo si;
    T(read(s, &si, sizeof si));
    union sigval val = {.sival_int = 42};
    T(sigqueue(getpid(), SIGUSR1, val));
    pf[0] = (struct pollfd){s, POLLIN, 0};
    T(poll(pf, 1, 1000));
    T(read(s, &si, sizeof si));
    printf("%u %d %d\n", si.ssi_signo, si.ssi_int, si.ssi_code);

    int in = T(inotify_init1(IN_NONBLOCK));
    T(inotify_add_watch(in, ".", IN_CREATE | IN_DELETE));
    close(open("file", O_CREAT | O_WRONLY, 0600));
    unlink("file");
    n = read(in, buf, sizeof buf);
    for (char *q = buf; q < buf + n;) {
        struct inotify_event *ie = (void *)q;
        printf("%x %s\n", ie->mask, ie->name);
        q += sizeof *ie + ie->len;
    }
    T(inotify_rm_watch(in, 1));
    leave_work_dir();
    return 0;
}
