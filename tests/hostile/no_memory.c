/* Preloaded into the engine: its requests for memory fail, from the one with number FAIL_FROM to the one with number
 * FAIL_TO. The guest's own are made by system calls of ours, not through the C library, and go through. The
 * file that COUNT_TO names holds how many there were. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(void)
{
    static long number;
    const char *from = getenv("FAIL_FROM"), *to = getenv("FAIL_TO"), *count = getenv("COUNT_TO");
    long n = __atomic_add_fetch(&number, 1, __ATOMIC_RELAXED);
    int fd = count ? open(count, O_WRONLY | O_CREAT | O_CLOEXEC, 0666) : -1;
    if (fd >= 0) {
        dprintf(fd, "%4ld", n);
        close(fd);
    }
    if (from && to && n >= atol(from) && n <= atol(to)) {
        errno = ENOMEM;
        return 1;
    }
    return 0;
}

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t off)
{
    return fails() ? MAP_FAILED : (void *)syscall(SYS_mmap, at, len, prot, flags, fd, off);
}

int mprotect(void *at, size_t len, int prot)
{
    return fails() ? -1 : (int)syscall(SYS_mprotect, at, len, prot);
}

void *mremap(void *at, size_t old, size_t len, int flags, ...)
{
    va_list ap;
    va_start(ap, flags);
    void *to = va_arg(ap, void *);
    va_end(ap);
    return fails() ? MAP_FAILED : (void *)syscall(SYS_mremap, at, old, len, flags, to);
}

int memfd_create(const char *name, unsigned flags)
{
    return fails() ? -1 : (int)syscall(SYS_memfd_create, name, flags);
}
