/* Children: fork, vfork and posix_spawn, exec. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
volatile int reached;

__attribute__((noinline)) int place(int who)
{
    reached++; /* line: place */
    return who + 1;
}

static int wait_for(pid_t pid)
{
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void *exec_in_thread(void *arg)
{
    char *argv[] = {arg, "second", NULL};
    execv(arg, argv);
    return NULL;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int status = 0;
    if (!strcmp(what, "fork")) {
        pid_t pid = fork();
        if (!pid) {
            int r = 0;
            for (int i = 0; i < 3; i++)
                r += place(100 + i);
            raise(SIGUSR1); /* default: ends it, and gdb has no say */
            _exit(9);
        }
        status = wait_for(pid);
        place(1);
    } else if (!strcmp(what, "vfork")) {
        pid_t pid = vfork();
        if (!pid) {
            place(2);
            _exit(4);
        }
        status = wait_for(pid);
        place(1);
    } else if (!strcmp(what, "spawn")) {
        char *av[] = {argv[0], "second", NULL};
        pid_t pid;
        if (posix_spawn(&pid, argv[0], NULL, NULL, av, environ))
            return 1;
        status = wait_for(pid);
        place(1);
    } else if (!strcmp(what, "exec")) {
        char *av[] = {argv[0], "second", NULL};
        place(1);
        execv("/no/such/program", av);
        execv(argv[0], av);
    } else if (!strcmp(what, "exec-thread")) {
        pthread_t t;
        pthread_create(&t, NULL, exec_in_thread, argv[0]);
        for (;;)
            pause();
    } else if (!strcmp(what, "second")) {
        printf("second %d\n", place(40));
        return 41;
    }
    printf("%s: status %d reached %d\n", what, status, reached);
    return 0;
}
