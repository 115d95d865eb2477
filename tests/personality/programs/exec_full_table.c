/* A child is executed while nearly all descriptors below a lowered limit are in use. */
#include "util.h"

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "child")) {
        struct rlimit r;
        getrlimit(RLIMIT_NOFILE, &r);
        printf("child, limit %ld\n", (long)r.rlim_cur);
        return 5;
    }
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r);
    for (rlim_t limit = 1024; limit >= 64; limit /= 4) {
        int fd, last = 0, st;
        r.rlim_cur = limit;
        result("setrlimit", setrlimit(RLIMIT_NOFILE, &r));
        while ((fd = open("/dev/null", O_RDONLY)) >= 0)
            last = fd;
        result("full", fd);
        for (int spare = 8; spare >= 2; spare -= 2) {
            for (int i = 0; i < spare; i++)
                close(last - i);
            fflush(stdout);
            pid_t p = fork();
            if (!p) {
                execl("/proc/self/exe", "x", "child", NULL);
                _exit(9);
            }
            waitpid(p, &st, 0);
            status("executed", st);
            while (open("/dev/null", O_RDONLY) >= 0)
                ;
        }
        for (int i = 3; i <= last; i++)
            close(i);
    }
    return 0;
}
