/* What the call_* programs share: each prints what system calls gave, in lines that are the same on every architecture.
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static inline long show(const char *what, long r)
{
    if (r == -1)
        printf("%s = -1 %s\n", what, strerrorname_np(errno) ? strerrorname_np(errno) : "?");
    else
        printf("%s = %ld\n", what, r);
    fflush(stdout);
    return r;
}

/* Prints the expression and its value. */
#define T(e) (errno = 0, show(#e, (long)(e)))
/* Only whether it worked: for values that differ from run to run. */
#define OK(e) (errno = 0, show(#e, (long)(e) == -1 ? -1 : 0))
/* A condition that must hold. */
#define YES(e) printf("%s: %s\n", #e, (e) ? "yes" : "NO")

static char work_dir[256];

/* A fresh directory, which becomes the working directory. */
static inline void enter_work_dir(void)
{
    const char *base = getenv("TMPDIR");
    snprintf(work_dir, sizeof work_dir, "%s/call.XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(work_dir) || chdir(work_dir)) {
        perror("work directory");
        exit(99);
    }
}

static inline void leave_work_dir(void)
{
    char cmd[300];
    pid_t pid;
    int st;
    (void)!chdir("/");
    snprintf(cmd, sizeof cmd, "%s", work_dir);
    pid = fork();
    if (pid == 0) {
        execl("/bin/rm", "rm", "-rf", cmd, (char *)0);
        _exit(99);
    }
    waitpid(pid, &st, 0);
}
