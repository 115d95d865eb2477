/* User ids are per thread for the kernel; the C library changes those of all threads with a signal of its own. */
#include "util.h"

#include <sys/fsuid.h>

static _Atomic int phase;

static void *thread(void *arg)
{
    while (phase == 0)
        usleep(1000);
    return (void *)(long)getuid();
}

static void change(const char *who)
{
    enum { N = 5 };
    pthread_t t[N];
    void *r;
    int id = geteuid() ? (int)getuid() : 33, same = 0;
    phase = 0;
    for (int i = 0; i < N; i++)
        pthread_create(&t[i], NULL, thread, NULL);
    for (int i = 0; i < 20; i++)
        result(who, setresuid(-1, -1, -1));
    result("setresgid", setresgid(-1, getegid(), -1));
    result("setresuid", setresuid(id, id, id));
    phase = 1;
    for (int i = 0; i < N; i++) {
        pthread_join(t[i], &r);
        same += (long)r == getuid();
    }
    value("threads that changed", same);
}

int main(void)
{
    int st;
    pid_t pid = fork(); /* a process without threads, whose first one is made there */
    if (!pid) {
        change("child");
        exit(0);
    }
    waitpid(pid, &st, 0);
    status("child", st);
    pthread_t t;
    phase = 1;
    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    pid = fork(); /* one that had some, which are not there any more */
    if (!pid) {
        change("second child");
        exit(0);
    }
    waitpid(pid, &st, 0);
    status("second child", st);
    change("parent");
    return 0;
}
