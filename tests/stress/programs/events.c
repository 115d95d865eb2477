/* epoll, eventfd, timerfd, signalfd, pipes and sockets shared by threads; each event is seen once. */
#include "stress.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int ep, efd, sfd, tfd, sock[2];
static volatile bool stop;
static long events, ticks, signals, bytes;

static void *poller(void *arg)
{
    while (!stop) {
        struct epoll_event ev[8];
        int n = epoll_wait(ep, ev, 8, 20);
        for (int i = 0; i < n; i++) {
            uint64_t v;
            struct signalfd_siginfo si;
            char buf[64];
            ssize_t r;
            switch (ev[i].data.u64 & 0xff) {
            case 1:
                if (read(efd, &v, 8) == 8)
                    __atomic_fetch_add(&events, (long)v, __ATOMIC_SEQ_CST);
                break;
            case 2:
                if (read(tfd, &v, 8) == 8)
                    __atomic_fetch_add(&ticks, (long)v, __ATOMIC_SEQ_CST);
                break;
            case 3:
                if (read(sfd, &si, sizeof si) == sizeof si && si.ssi_signo == (uint32_t)SIGRTMIN + 1)
                    __atomic_fetch_add(&signals, si.ssi_int, __ATOMIC_SEQ_CST);
                break;
            default:
                while ((r = recv(sock[0], buf, sizeof buf, MSG_DONTWAIT)) > 0)
                    __atomic_fetch_add(&bytes, r, __ATOMIC_SEQ_CST);
            }
        }
    }
    return NULL;
}

static void *sender(void *arg)
{
    uint64_t one = 1;
    for (int i = 0; i < 500; i++) {
        write(efd, &one, 8);
        while (sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = 1}) && errno == EAGAIN)
            sched_yield();
        send(sock[1], "hello", 5, 0);
    }
    return NULL;
}

static void add(int fd, uint64_t tag)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 0xabcdef0000000000ull | tag};
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
        perror("epoll_ctl");
}

int main(void)
{
    pthread_t p[3], s[3];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    ep = epoll_create1(0);
    efd = eventfd(0, EFD_NONBLOCK);
    sfd = signalfd(-1, &set, SFD_NONBLOCK);
    tfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    socketpair(AF_UNIX, SOCK_STREAM, 0, sock);
    add(efd, 1);
    add(tfd, 2);
    add(sfd, 3);
    add(sock[0], 4);
    struct itimerspec it = {{0, 1000000}, {0, 1000000}};
    timerfd_settime(tfd, 0, &it, NULL);
    for (int i = 0; i < 3; i++) {
        must_start(&p[i], poller, NULL);
        must_start(&s[i], sender, NULL);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(s[i], NULL);
    for (int i = 0; i < 500 && (events < 1500 || signals < 1500 || bytes < 7500 || ticks < 5); i++)
        msleep(10);
    stop = true;
    for (int i = 0; i < 3; i++)
        pthread_join(p[i], NULL);
    printf("events %ld, signals %ld, bytes %ld, ticks %d\n", events, signals, bytes, ticks >= 5);
    return 0;
}
