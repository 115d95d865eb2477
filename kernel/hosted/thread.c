/* Threads are pthreads; locks and signal words are futexes.
 *
 * A lock is 0 when free, 1 when held, 2 when held and someone may be waiting. Nothing knows who holds it, so nothing
 * is wrong after fork but that other threads' locks stay taken: mk_lock_reset. Futexes are private to the
 * address space, which children that share memory (vfork) are part of. */
#define _GNU_SOURCE
#include "mk/mk.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "lib/assert.h"
#include "lib/types.h"

/* Returns 0 or -errno and leaves errno alone, as a signal handler must. */
static int futex(u32 *word, int op, u32 value, const struct timespec *timeout)
{
    int saved = errno;
    long rc = syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, timeout, NULL, FUTEX_BITSET_MATCH_ANY);
    int result = rc < 0 ? -errno : 0;

    errno = saved;
    return result;
}

void mk_lock(struct mk_lock *l)
{
    u32 was = 0;

    if (LIKELY(__atomic_compare_exchange_n(&l->word, &was, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
        return;
    while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE))
        (void)futex(&l->word, FUTEX_WAIT, 2, NULL);
}

bool mk_trylock(struct mk_lock *l)
{
    u32 was = 0;

    return __atomic_compare_exchange_n(&l->word, &was, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

void mk_unlock(struct mk_lock *l)
{
    u32 was = __atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE);

    dgm_assert(was, "mk_unlock of a lock that nobody holds");
    if (was == 2)
        (void)futex(&l->word, FUTEX_WAKE, 1, NULL);
}

void mk_lock_reset(struct mk_lock *l)
{
    __atomic_store_n(&l->word, 0, __ATOMIC_RELEASE);
}

int mk_wait(u32 *word, u32 mask, u64 deadline)
{
    struct timespec ts = {(time_t)(deadline / 1000000000), (long)(deadline % 1000000000)};

    for (int rc = 0;;) {
        u32 now = __atomic_load_n(word, __ATOMIC_ACQUIRE);
        if (now & mask)
            return 0;
        if (rc == -ETIMEDOUT)
            return rc;
        /* The bitset form takes a point in time on the monotonic clock, so a wait that is interrupted goes on
         * unchanged. */
        rc = futex(word, FUTEX_WAIT_BITSET, now, deadline ? &ts : NULL);
        dgm_assert(!rc || rc == -EAGAIN || rc == -EINTR || rc == -ETIMEDOUT, "mk_wait: futex gives %d", rc);
    }
}

void mk_signal(u32 *word, u32 bits)
{
    __atomic_fetch_or(word, bits, __ATOMIC_RELEASE);
    (void)futex(word, FUTEX_WAKE, INT_MAX, NULL);
}

struct start {
    void (*fn)(void *);
    void *arg;
};

static void *run_thread(void *p)
{
    struct start s = *(struct start *)p;

    free(p);
    s.fn(s.arg);
    return NULL;
}

/* The signals below SIGRTMIN are the C library's own, and so are the guest's library's: both use one to make all
 * threads change their user ids. Ours puts its handler in place, and opens the signal, when it makes a process's first
 * thread, which would take it away from a guest that has one by then. */
enum { SIGNAL_FIRST = 32, SIGNALS_MAX = 4, SET_BYTES = 8 };
struct own_signals {
    u64 mask, action[SIGNALS_MAX][8]; /* as the kernel has them */
};

static void keep_signals(struct own_signals *k)
{
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &k->mask, SET_BYTES);
    for (int i = 0; i < SIGNALS_MAX && SIGNAL_FIRST + i < SIGRTMIN; i++)
        syscall(SYS_rt_sigaction, SIGNAL_FIRST + i, NULL, k->action[i], SET_BYTES);
}

static void restore_signals(const struct own_signals *k)
{
    struct own_signals now = {0};

    keep_signals(&now);
    for (int i = 0; i < SIGNALS_MAX && SIGNAL_FIRST + i < SIGRTMIN; i++) {
        if (memcmp(now.action[i], k->action[i], sizeof now.action[i]) != 0)
            syscall(SYS_rt_sigaction, SIGNAL_FIRST + i, k->action[i], NULL, SET_BYTES);
    }
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &k->mask, NULL, SET_BYTES);
}

static int start_thread(void (*fn)(void *), void *arg, size_t stack, u64 blocked)
{
    long least = sysconf(_SC_THREAD_STACK_MIN);
    size_t page = mk_page_size();
    pthread_attr_t attr;
    pthread_t id;
    struct own_signals kept = {0};
    int rc;

    struct start *s = malloc(sizeof(*s));
    if (!s)
        return -ENOMEM;
    *s = (struct start){fn, arg};
    rc = pthread_attr_init(&attr);
    if (rc)
        goto free_start;
    rc = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (!rc && stack) {
        if (least > 0 && stack < (size_t)least)
            stack = (size_t)least;
        rc = pthread_attr_setstacksize(&attr, (stack + page - 1) & ~(page - 1));
    }
    keep_signals(&kept);
    if (blocked)
        syscall(SYS_rt_sigprocmask, SIG_BLOCK, &blocked, NULL, SET_BYTES);
    if (!rc)
        rc = pthread_create(&id, &attr, run_thread, s);
    restore_signals(&kept);
    pthread_attr_destroy(&attr);
    if (!rc)
        return 0;
free_start:
    free(s);
    return rc == EAGAIN ? -ENOMEM : -rc;
}

int mk_thread_start(void (*fn)(void *), void *arg, size_t stack)
{
    return start_thread(fn, arg, stack, 0);
}

int mk_thread_start_apart(void (*fn)(void *), void *arg, size_t stack)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    u64 blocked = ~0ull;

    for (size_t i = 0; i < ARRAY_LEN(faults); i++)
        blocked &= ~(1ull << (faults[i] - 1));
    return start_thread(fn, arg, stack, blocked);
}

u32 mk_cpus(void)
{
    u64 mask[64] = {0}; /* 4096 CPUs; the kernel says no where there may be more */
    long n = syscall(SYS_sched_getaffinity, 0, sizeof mask, mask);
    u32 cpus = 0;

    for (long i = 0; i < n / (long)sizeof *mask; i++)
        cpus += (u32)__builtin_popcountll(mask[i]);
    return cpus ? cpus : 1;
}

void mk_yield(void)
{
    sched_yield();
}
