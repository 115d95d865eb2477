/* Ticks: a running thread is asked, from time to time, where it is.
 *
 * A timer of Linux's that counts the time which the thread spends in user mode, and none that it spends in the kernel.
 * The kernel counts that when its clock interrupts user mode, and sends the signal on the way back from the same
 * interrupt: so the signal never finds the thread in a system call, which is neither interrupted nor cut short by it.
 * (A kernel that measures that time to the nanosecond, for a CPU without a clock interrupt, might.) Nothing comes more
 * often than that clock ticks, 100 to 1000 times a second.
 *
 * The signal is SIGFPE, which is ours (fault.c) and blocked by nobody; whose timer it is the kernel says. Timers have
 * numbers that are visible to who shares the process: `numbers` has those of ours. */
#define _GNU_SOURCE
#include "mk/mk.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "kernel/hosted/arch.h"
#include "kernel/hosted/hosted.h"
#include "kernel/hosted/hosted_int.h"
#include "lib/types.h"

#define TICK_SIGNAL SIGFPE
#define THREAD_USER ((clockid_t)-3) /* the kernel's name for the user time of the calling thread */
#define MOST        64              /* threads with a timer */

static _Atomic int numbers[MOST]; /* number + 1; 0: none */

static __thread struct {
    mk_tick_fn *fn; /* NULL: there is no timer */
    void *cx;
    int number;
    u32 place; /* in numbers */
} tick;

/* sigevent as the kernel has it; C libraries differ in how they name the thread. */
struct event {
    void *value;
    int signal, notify, thread;
    int pad[11];
};
enum { TO_THREAD = 4 };
_Static_assert(sizeof(struct event) == 64, "as large as the kernel's");

static int make(void)
{
    const struct event ev = {
        .value = &tick, .signal = TICK_SIGNAL, .notify = TO_THREAD, .thread = (int)syscall(SYS_gettid)};
    int number, none;
    u32 i = 0;

    if (syscall(SYS_timer_create, THREAD_USER, &ev, &number))
        return -errno;
    do
        none = 0;
    while (!atomic_compare_exchange_strong(&numbers[i], &none, number + 1) && ++i < MOST);
    if (i == MOST) {
        syscall(SYS_timer_delete, number);
        return -EAGAIN;
    }
    tick.number = number;
    tick.place = i;
    return 0;
}

static int set(u64 first, u64 every)
{
    const u64 second = 1000000000;
    const struct itimerspec t = {{(time_t)(every / second), (long)(every % second)},
                                 {(time_t)(first / second), (long)(first % second)}};
    int saved = errno, rc = syscall(SYS_timer_settime, tick.number, 0, &t, NULL) ? -errno : 0;

    errno = saved;
    return rc;
}

int mk_tick(u64 first, u64 every, mk_tick_fn *fn, void *cx)
{
    if (!tick.fn) {
        int rc = make();
        if (rc)
            return rc;
    }
    tick.cx = cx;
    atomic_signal_fence(memory_order_seq_cst);
    tick.fn = fn;
    return set(first, every);
}

void mk_tick_again(u64 every)
{
    if (tick.fn)
        (void)set(every, every);
}

void mk_tick_end(void)
{
    if (!tick.fn)
        return;
    tick.fn = NULL;
    syscall(SYS_timer_delete, tick.number);
    atomic_store(&numbers[tick.place], 0);
}

void mk_tick_forked(void)
{
    for (u32 i = 0; i < MOST; i++)
        if (atomic_load(&numbers[i])) /* else nothing is written, which would copy a page */
            atomic_store(&numbers[i], 0);
    tick.fn = NULL;
}

bool mk_hosted_is_tick(int number)
{
    for (u32 i = 0; i < MOST; i++) {
        if (atomic_load(&numbers[i]) == number + 1)
            return true;
    }
    return false;
}

bool hosted_tick(int sig, const siginfo_t *si, const void *uc)
{
    if (sig != TICK_SIGNAL || si->si_code != SI_TIMER || si->si_timerid != tick.number ||
        si->si_value.sival_ptr != &tick)
        return false;
    mk_tick_fn *fn = tick.fn;
    if (fn)
        fn(hosted_context_pc(uc), tick.cx);
    return true;
}
