/* Time.
 *
 * The C library reads a clock without a system call, but looks for how when it does so first, and the kernel's pages
 * for that are then mapped by page faults: together the time of some forty calls. A process that is over soon never
 * asks so often, so the first times are system calls. */
#define _GNU_SOURCE
#include "mk/mk.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CALLS 32

static u64 read_clock(clockid_t which)
{
    static _Atomic u32 calls;
    struct timespec ts;

    if (atomic_load_explicit(&calls, memory_order_relaxed) < CALLS) {
        atomic_fetch_add_explicit(&calls, 1, memory_order_relaxed);
        syscall(SYS_clock_gettime, which, &ts);
    } else {
        clock_gettime(which, &ts);
    }
    return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

u64 mk_clock(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

u64 mk_thread_clock(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}
