/* Time. */
#include "mk/mk.h"

#include <time.h>

static u64 read_clock(clockid_t which)
{
    struct timespec ts;

    clock_gettime(which, &ts);
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
