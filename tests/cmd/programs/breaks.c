/* Asks a broken Dragoman to break, in a process or thread of its choice; or crashes by itself. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

__attribute__((noinline)) long victim(long a, long b)
{
    __asm__ volatile("" ::: "memory");
    return a * b + 1;
}

static long kind, arg;

static void *breaks(void *unused)
{
    for (int i = 0; i < 10; i++)
        victim(i, 2);
    long r = syscall(30000, kind, kind == 2 ? (long)victim : arg);
    if (kind == 2 && !r)
        victim(3, 4);
    printf("not broken: %ld\n", r);
    fflush(stdout);
    return NULL;
}

int main(int argc, char **argv)
{
    const char *who = argv[1];
    kind = atol(argv[2]);
    arg = argc > 3 ? atol(argv[3]) : 0;
    if (!strcmp(who, "main")) {
        breaks(NULL);
    } else if (!strcmp(who, "thread")) {
        pthread_t t;
        pthread_create(&t, NULL, breaks, NULL);
        pthread_join(t, NULL);
    } else if (!strcmp(who, "fork") || !strcmp(who, "vfork")) {
        int status;
        pid_t pid = *who == 'v' ? vfork() : fork();
        if (!pid) {
            breaks(NULL);
            _exit(0);
        }
        waitpid(pid, &status, 0);
        printf("%s by %d\n", WIFSIGNALED(status) ? "ended" : "exited",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    } else if (!strcmp(who, "exec")) {
        execl(argv[0], "other name", "main", argv[2], "with space", "it's", NULL);
    } else if (!strcmp(who, "guest")) {
        *(volatile int *)(kind) = 1;
    }
    return 0;
}
