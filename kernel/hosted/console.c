/* The console, and the end of everything.
 *
 * All here is async-signal-safe and leaves errno as it was. */
#define _GNU_SOURCE
#include "mk/mk.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel/hosted/hosted.h"
#include "kernel/hosted/hosted_int.h"
#include "lib/fmt.h"

static _Atomic int console_fd = STDERR_FILENO;

void mk_hosted_console_fd(int fd)
{
    atomic_store(&console_fd, fd);
}

void mk_console(const char *text, size_t len)
{
    int saved = errno;
    int fd = atomic_load(&console_fd);

    /* Whoever reads the log may have gone; there is no one to tell. */
    while (len) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        text += n;
        len -= (size_t)n;
    }
    errno = saved;
}

void hosted_raise(int sig)
{
    syscall(SYS_tgkill, (int)syscall(SYS_getpid), (int)syscall(SYS_gettid), sig);
}

void mk_panic(const char *why)
{
    char line[600];
    size_t n = fmt(line, sizeof(line), "dragoman: internal error: %.500s\n", why);
    struct sigaction dfl = {.sa_handler = SIG_DFL};
    sigset_t set;

    mk_console(line, n);
    sigaction(SIGABRT, &dfl, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGABRT);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    hosted_raise(SIGABRT);
    _exit(125); /* an init process is spared by its own signals */
}
