/* A program that is busy for some time is asked where, and must not notice: no call is interrupted or cut short, no
 * timer, signal or file tells of it. */
#include "util.h"

#include <poll.h>

static volatile uint64_t sink;

/* Some milliseconds of loops. */
static void work(void)
{
    uint64_t h = 1;
    for (unsigned i = 0; i < 1500000; i++)
        h = (h ^ i) * 0x9e3779b97f4a7c15ull;
    sink = h;
}

static long interrupted, cut;

static void calls(void)
{
    static char big[300000];
    int p[2];
    if (pipe(p))
        return;
    pid_t reader = fork();
    if (!reader) {
        close(p[1]);
        while (read(p[0], big, sizeof big) > 0) {
        }
        _exit(0);
    }
    close(p[0]);
    for (int i = 0; i < 20; i++) {
        work();
        ssize_t n = write(p[1], big, sizeof big);
        interrupted += n < 0;
        cut += n >= 0 && n != sizeof big;
        const struct timespec ts = {0, 300000};
        interrupted += nanosleep(&ts, NULL) != 0;
        interrupted += poll(NULL, 0, 1) != 0;
    }
    close(p[1]);
    waitpid(reader, NULL, 0);
}

static void look(const char *who)
{
    sigset_t set;
    struct itimerval it;
    struct itimerspec its;
    char text[4096] = "";
    printf("%s\n", who);
    value("interrupted", interrupted);
    value("cut short", cut);
    sigpending(&set);
    for (int s = 1; s < 65; s++)
        if (sigismember(&set, s) == 1)
            value("pending", s);
    for (int which = 0; which < 3; which++) {
        getitimer(which, &it);
        value("itimer", it.it_value.tv_sec | it.it_value.tv_usec | it.it_interval.tv_sec | it.it_interval.tv_usec);
    }
    long there = 0;
    for (int id = 0; id < 64; id++) {
        there += !syscall(SYS_timer_gettime, id, &its);
        there += syscall(SYS_timer_getoverrun, id) >= 0;
        there += !syscall(SYS_timer_delete, id);
    }
    value("timers", there);
    int fd = open("/proc/self/timers", O_RDONLY);
    if (fd >= 0) {
        ssize_t n = read(fd, text, sizeof text - 1);
        value("bytes of /proc/self/timers", n);
        close(fd);
    }
    for (int s = 1; s < 32; s++) {
        struct sigaction sa;
        if (!sigaction(s, NULL, &sa) && sa.sa_handler != SIG_DFL)
            value("handled", s);
    }
}

static void *thread(void *who)
{
    calls();
    look(who);
    return NULL;
}

/* One timer of its own works beside. */
static volatile int fired;
static void on_fpe(int sig, siginfo_t *si, void *uc)
{
    fired += si->si_code == SI_TIMER && si->si_value.sival_int == 77;
}

static void own_timer(void)
{
    struct sigaction sa = {.sa_sigaction = on_fpe, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGFPE, .sigev_value.sival_int = 77};
    const struct itimerspec its = {{0, 0}, {0, 2000000}};
    timer_t t;
    sigaction(SIGFPE, &sa, NULL);
    result("timer_create", timer_create(CLOCK_MONOTONIC, &ev, &t));
    result("timer_settime", timer_settime(t, 0, &its, NULL));
    for (int i = 0; i < 20 || !fired; i++)
        work();
    value("fired", fired);
    result("timer_delete", timer_delete(t));
    signal(SIGFPE, SIG_DFL);
}

int main(int argc, char **argv)
{
    pthread_t th;
    if (argc > 1) {
        calls();
        look("executed");
        return 0;
    }
    calls();
    look("the first thread");
    pthread_create(&th, NULL, thread, "another thread");
    pthread_join(th, NULL);
    fflush(stdout);
    if (!fork()) {
        calls();
        look("a child");
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    own_timer();
    fflush(stdout);
    execl("/proc/self/exe", argv[0], "again", NULL);
    return 1;
}
