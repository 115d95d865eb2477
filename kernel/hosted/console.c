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
#include <time.h>
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

static void (*_Atomic reporter)(const struct mk_fault *f);
static _Atomic int reporting; /* the thread that writes the report, or 0 */

void mk_hosted_crash_report(void (*fn)(const struct mk_fault *f))
{
    atomic_store(&reporter, fn);
}

void hosted_report(const struct mk_fault *f)
{
    void (*fn)(const struct mk_fault *) = atomic_load(&reporter);
    int me = (int)syscall(SYS_gettid), none = 0;

    if (!fn)
        return;
    if (atomic_compare_exchange_strong(&reporting, &none, me)) {
        fn(f);
    } else if (none != me) {
        /* The first one's report counts; it ends the process soon. */
        struct timespec t = {.tv_sec = 2};
        nanosleep(&t, NULL);
    }
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
    hosted_report(NULL);
    sigaction(SIGABRT, &dfl, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGABRT);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    hosted_raise(SIGABRT);
    _exit(125); /* an init process is spared by its own signals */
}
