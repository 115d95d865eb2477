/* Clocks, sleeping, timers. */
#include "call.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <time.h>

static volatile sig_atomic_t hits;
static volatile int value;

static void on(int sig, siginfo_t *si, void *uc)
{
    hits++;
    value = si->si_value.sival_int;
}

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int main(void)
{
    struct timespec ts, rem, res;
    const int clocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 11};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        printf("clock %d: ", clocks[i]);
        OK(clock_gettime(clocks[i], &ts));
        clock_getres(clocks[i], &res);
        printf("%ld.%09ld\n", (long)res.tv_sec, res.tv_nsec);
    }
    YES(labs(time(0) - ({
                 clock_gettime(CLOCK_REALTIME, &ts);
                 ts.tv_sec;
             })) <= 1);
    struct timeval tv;
    T(gettimeofday(&tv, 0));
    YES(labs(tv.tv_sec - time(0)) <= 1);
    struct tms tms;
    YES(times(&tms) != -1);
    struct timex tx = {0};
    YES(adjtimex(&tx) >= 0);

    long long a = now();
    ts = (struct timespec){0, 30000000};
    T(nanosleep(&ts, 0));
    YES(now() - a >= 30000000);
    a = now();
    clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_nsec += 30000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000;
    }
    T(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, 0));
    YES(now() - a >= 29000000);
    ts = (struct timespec){0, 1000000000};
    T(nanosleep(&ts, 0));

    struct sigaction sa = {.sa_sigaction = on, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGALRM, &sa, 0);
    sigaction(SIGUSR1, &sa, 0);
    struct itimerval it = {{0, 0}, {0, 20000}}, old;
    T(setitimer(ITIMER_REAL, &it, 0));
    ts = (struct timespec){5, 0};
    T(nanosleep(&ts, &rem));
    YES(rem.tv_sec == 4 && hits == 1);
    T(setitimer(ITIMER_REAL, &(struct itimerval){{1, 2}, {100, 0}}, &old));
    printf("%ld\n", (long)old.it_value.tv_sec);
    T(getitimer(ITIMER_REAL, &old));
    printf("%ld.%06ld %ld\n", (long)old.it_interval.tv_sec, (long)old.it_interval.tv_usec,
           (long)(old.it_value.tv_sec + 1) / 100);
    T(setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, 0));

    timer_t t;
    struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value = {.sival_int = 77}};
    T(timer_create(CLOCK_MONOTONIC, &ev, &t));
    struct itimerspec is = {{0, 5000000}, {0, 5000000}}, got;
    hits = 0;
    T(timer_settime(t, 0, &is, 0));
    while (hits < 3)
        pause();
    printf("%d\n", value);
    T(timer_gettime(t, &got));
    printf("%ld\n", got.it_interval.tv_nsec);
    YES(timer_getoverrun(t) >= 0);
    T(timer_delete(t));
    T(timer_delete(t));
    /* of CPU time */
    struct itimerval prof = {{0, 0}, {0, 10000}};
    sigaction(SIGPROF, &sa, 0);
    hits = 0;
    T(setitimer(ITIMER_PROF, &prof, 0));
    while (!hits)
        ;
    struct rusage ru;
    T(getrusage(RUSAGE_SELF, &ru));
    YES(ru.ru_utime.tv_sec || ru.ru_utime.tv_usec || ru.ru_stime.tv_usec);
    alarm(100);
    T(alarm(0));
    return 0;
}
