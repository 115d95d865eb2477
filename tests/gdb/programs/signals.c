/* Signals of all kinds, by name of the argument. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

volatile int handled, last;
volatile long steps;

__attribute__((noinline)) void on_signal(int sig)
{
    last = sig;
    handled++; /* line: handler */
}

static void handle(int sig, int flags)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = flags};
    sigaction(sig, &sa, NULL);
}

__attribute__((noinline)) void crash(volatile int *p)
{
    *p = 1; /* line: crash */
}

__attribute__((noinline)) void loop(void)
{
    for (int i = 0; i < 5; i++)
        steps++; /* line: loop */
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "segv")) {
        crash((int *)16);
    } else if (!strcmp(what, "segv-handled")) {
        handle(SIGSEGV, SA_RESETHAND);
        crash((int *)16);
    } else if (!strcmp(what, "ill")) {
        __asm__ volatile(".global bad\nbad: .word 0");
    } else if (!strcmp(what, "break")) {
#if defined __riscv
        __asm__ volatile("ebreak");
#else
        __asm__ volatile("brk #0");
#endif
        puts("after");
        return 5;
    } else if (!strcmp(what, "usr1")) {
        handle(SIGUSR1, 0);
        raise(SIGUSR1);
    } else if (!strcmp(what, "default")) {
        raise(SIGUSR2);
    } else if (!strcmp(what, "ignored")) {
        signal(SIGUSR2, SIG_IGN);
        raise(SIGUSR2);
        kill(getpid(), SIGCHLD);
        raise(SIGWINCH);
    } else if (!strcmp(what, "abort")) {
        abort();
    } else if (!strcmp(what, "alarm")) {
        struct itimerval it = {{0, 1000}, {0, 1000}};
        handle(SIGALRM, SA_RESTART);
        setitimer(ITIMER_REAL, &it, NULL);
        for (int i = 0; i < 20; i++)
            loop();
        while (handled < 50)
            steps++;
        memset(&it, 0, sizeof it);
        setitimer(ITIMER_REAL, &it, NULL);
        puts("alarms");
        return 0;
    } else if (!strcmp(what, "stdin")) {
        char c = 0;
        ssize_t n = read(0, &c, 1); /* line: read */
        printf("read %zd %c errno %d\n", n, c ? c : '-', n < 0 ? errno : 0);
        return 0;
    } else if (!strcmp(what, "busy")) {
        while (!handled)
            steps++; /* line: busy */
    } else if (!strcmp(what, "rt")) {
        handle(SIGRTMIN + 3, 0);
        raise(SIGRTMIN + 3);
    }
    printf("handled %d last %d\n", handled, last);
    return 0;
}
