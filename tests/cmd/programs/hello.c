/* Shows what it was started with; with an argument, does more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

__attribute__((noinline)) int busy(int n)
{
    volatile int s = 0;
    for (int i = 0; i < n; i++)
        s += i;
    return s;
}

int main(int argc, char **argv)
{
    char cwd[4096];
    struct utsname u;
    uname(&u);
    printf("argv0 %s\n", argv[0]);
    for (int i = 1; i < argc; i++)
        printf("arg %s\n", argv[i]);
    printf("cwd %s\nrelease %s\nmachine %s\n", getcwd(cwd, sizeof cwd), u.release, u.machine);
    for (char **e = environ; *e; e++)
        if (!strncmp(*e, "T_", 2))
            printf("env %s\n", *e);
    fflush(stdout);
    if (argc > 1 && !strcmp(argv[1], "fork")) {
        pid_t pid = fork();
        busy(1000);
        if (pid)
            waitpid(pid, NULL, 0);
        if (!pid && argc > 2)
            execl(argv[0], argv[0], "child", NULL);
    }
    if (argc > 1 && !strcmp(argv[1], "calls"))
        for (int i = 0; i < 20000; i++)
            getppid();
    if (argc > 2 && !strcmp(argv[1], "exec"))
        execv(argv[2], argv + 2);
    return argc > 1 && !strcmp(argv[1], "exit") ? atoi(argv[2]) : busy(100) ? 0 : 1;
}
