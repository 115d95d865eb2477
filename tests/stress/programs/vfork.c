/* vfork and posix_spawn from several threads, with children that exec, exit, die, change their parent's memory. */
#include "stress.h"

#include <spawn.h>

extern char **environ;
static volatile long wrong;
static const char *self;

static int wait_for(pid_t p)
{
    int st = -1;
    if (waitpid(p, &st, 0) != p)
        return -1;
    return st;
}

static void *spawner(void *arg)
{
    char n[16];
    for (int i = 0; i < 12; i++) {
        snprintf(n, sizeof n, "%d", i);
        char *args[] = {(char *)self, "child", n, NULL};
        pid_t p;
        int e = posix_spawn(&p, "/proc/self/exe", NULL, NULL, args, environ), st;
        if (e || !WIFEXITED(st = wait_for(p)) || WEXITSTATUS(st) != i) {
            printf("spawn: %d, status %x\n", e, e ? 0 : st);
            wrong++;
        }
        if (posix_spawn(&p, "/no/such/program", NULL, NULL, args, environ) != ENOENT)
            wrong++;
    }
    return NULL;
}

static void *forker(void *arg)
{
    volatile long seen = 0; /* in the stack that the child shares */
    for (int i = 0; i < 40; i++) {
        pid_t p = vfork();
        if (!p) {
            seen++;
            if (i % 4 == 1)
                kill(getpid(), SIGKILL);
            if (i % 4 == 2)
                raise(SIGTERM);
            if (i % 8 == 3) {
                execl("/proc/self/exe", self, "child", "9", NULL);
                _exit(99);
            }
            _exit(9);
        }
        int st = wait_for(p);
        bool good = i % 4 == 1   ? WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL
                    : i % 4 == 2 ? WIFSIGNALED(st) && WTERMSIG(st) == SIGTERM
                                 : WIFEXITED(st) && WEXITSTATUS(st) == 9;
        if (!good) {
            printf("vfork %d: %x\n", i, st);
            wrong++;
        }
    }
    if (seen != 40)
        wrong++;
    return NULL;
}

static volatile bool stop;
static void *busy(void *arg)
{
    uint64_t want = work(5, 2000);
    while (!stop)
        wrong += work(5, 2000) != want;
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t t[5];
    if (argc > 2 && !strcmp(argv[1], "child"))
        return atoi(argv[2]);
    self = argv[0];
    must_start(&t[4], busy, NULL);
    for (int i = 0; i < 2; i++)
        must_start(&t[i], spawner, NULL);
    for (int i = 2; i < 4; i++)
        must_start(&t[i], forker, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    stop = true;
    pthread_join(t[4], NULL);
    value("wrong", wrong);
    return 0;
}
