/* syscall: signals sent to oneself and handled; masks changed. */
#define _GNU_SOURCE
#include <signal.h>
#include <unistd.h>

#include "bench.h"

static volatile uint64_t seen;

static void handler(int sig, siginfo_t *info, void *context)
{
    seen += (uint64_t)sig;
}

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 80000);
    struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigset_t set;
    sigaction(SIGUSR1, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    for (uint64_t i = 0; i < n; i++) {
        raise(SIGUSR1);
        if (i % 4 == 0) {
            sigprocmask(SIG_BLOCK, &set, NULL);
            raise(SIGUSR2);
            sigprocmask(SIG_UNBLOCK, &set, NULL);
        }
    }
    bench_done(seen);
}
