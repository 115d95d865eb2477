/* Descriptors: their numbers, limits, copies, and what a guest that closes everything sees. */
#include "call.h"

#include <dirent.h>
#include <linux/close_range.h>
#include <sys/resource.h>

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static void list_fds(const char *dir)
{
    int fds[200], n = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d))
            fds[n++] = atoi(e->d_name);
    }
    closedir(d);
    qsort(fds, n, sizeof *fds, by_number);
    printf("%s:", strchr(dir + 1, '/'));
    for (int i = 0; i < n; i++)
        printf(" %d", fds[i]);
    printf("\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct rlimit rl;
    if (argc > 1) {
        printf("%s: ", argv[1]);
        list_fds("/proc/self/fd");
        return 0;
    }
    char buf[100];
    enter_work_dir();
    for (int i = 3; i < 60; i++)
        close(i);
    T(open("/dev/null", O_RDWR));
    T(dup(0));
    T(close(3));
    T(open("/dev/null", O_RDWR));
    T(dup2(0, 3));
    T(dup2(0, 0));
    T(dup2(99, 3));
    T(dup3(0, 9, O_CLOEXEC));
    T(fcntl(9, F_GETFD));
    T(fcntl(0, F_DUPFD, 20));
    T(fcntl(0, F_DUPFD_CLOEXEC, 20));
    T(fcntl(21, F_GETFD));
    T(fcntl(20, F_SETFD, FD_CLOEXEC));
    T(fcntl(20, F_GETFD));
    list_fds("/proc/self/fd");
    list_fds("/dev/fd");
    snprintf(buf, sizeof buf, "/proc/%d/fd", getpid());
    list_fds("/proc/self/fdinfo");
    OK(chdir("/proc/self"));
    list_fds("./fd");
    T(close_range(10, 30, CLOSE_RANGE_CLOEXEC));
    T(close_range(10, ~0u, 0));
    list_fds("/proc/self/fd");

    /* every number up to the limit can be used */
    T(getrlimit(RLIMIT_NOFILE, &rl));
    rl.rlim_cur = 100;
    T(setrlimit(RLIMIT_NOFILE, &rl));
    T(dup2(0, 99));
    T(dup2(0, 100));
    int n = 0, last = -1;
    for (int fd; (fd = dup(0)) >= 0; n++)
        last = fd;
    printf("last %d, %s\n", last, strerrorname_np(errno));
    T(close_range(3, ~0u, 0));
    T(dup(0));
    T(close(3));
    rl.rlim_cur = rl.rlim_max < 4096 ? rl.rlim_max : 4096;
    T(setrlimit(RLIMIT_NOFILE, &rl));

    /* a guest that closes all it can think of goes on working */
    for (int fd = 3; fd < 70000; fd++)
        close(fd);
    T(open("/proc/self/status", O_RDONLY));
    T(read(3, buf, 5));
    printf("%.5s\n", buf);
    T(close(3));
    list_fds("/proc/self/fd");
    int st;
    pid_t pid = fork();
    if (pid == 0) {
        T(close_range(3, ~0u, CLOSE_RANGE_UNSHARE));
        T(dup(1));
        execl("/proc/self/exe", "call_fd", "child", (char *)0);
        _exit(99);
    }
    waitpid(pid, &st, 0);
    leave_work_dir();
    return 0;
}
