/* Runs a command and measures it: `spawn [-R ROOT] [-C DIR] [-n TIMES] [-f FD] COMMAND [ARGUMENT…]`.
 *
 * The harness measures through this small program, so that what the harness itself costs (Python, large page tables to
 * fork) is not in the numbers. Runs the command TIMES times, one after the other, each after chroot to ROOT, which gets
 * this machine's /dev, and chdir to DIR when given. Standard output goes where ours goes. In the end writes one line to
 * descriptor FD (standard error's by default):
 *
 *     nanoseconds-of-wall-time nanoseconds-of-cpu-time kilobytes-of-memory status
 *
 * Memory is the largest of all runs; status is that of the first run that did not end with 0, in the way of a shell. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* A root of packages has no devices. They are mounted for us alone; who is not root becomes so for that. */
static int give_devices(const char *root)
{
    char dev[PATH_MAX];
    snprintf(dev, sizeof dev, "%s/dev", root);
    return unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
           mount("/dev", dev, NULL, MS_BIND | MS_REC, NULL);
}

static void run(char **argv, const char *root, const char *dir)
{
    if ((root && chroot(root)) || ((root || dir) && chdir(dir ? dir : "/"))) {
        fprintf(stderr, "spawn: %s: %s\n", root ? root : dir, strerror(errno));
        _exit(126);
    }
    execv(argv[0], argv);
    fprintf(stderr, "spawn: %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

int main(int argc, char **argv)
{
    const char *root = NULL, *dir = NULL;
    long times = 1;
    int c, failed = 0, report = 2;
    while ((c = getopt(argc, argv, "+R:C:n:f:")) != -1) {
        if (c == 'R')
            root = optarg;
        else if (c == 'C')
            dir = optarg;
        else if (c == 'n')
            times = atol(optarg);
        else if (c == 'f')
            report = atoi(optarg);
        else
            return 2;
    }
    if (optind >= argc || times < 1)
        return 2;
    if (root && give_devices(root)) {
        fprintf(stderr, "spawn: %s: devices: %s\n", root, strerror(errno));
        return 1;
    }
    if (report != 2)
        fcntl(report, F_SETFD, FD_CLOEXEC);
    long long start = now();
    for (long i = 0; i < times; i++) {
        int status;
        pid_t child = vfork();
        if (child == 0)
            run(argv + optind, root, dir);
        if (child < 0 || waitpid(child, &status, 0) != child) {
            perror("spawn");
            return 1;
        }
        if (status && !failed)
            failed = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    long long wall = now() - start;
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    long long cpu =
        (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000ll + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000ll;
    dprintf(report, "%lld %lld %ld %d\n", wall, cpu, u.ru_maxrss, failed);
    return 0;
}
