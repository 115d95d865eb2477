/* Locks, signal words, threads, the clock. */
#define _GNU_SOURCE
#include "tests/lib/test.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mk/mk.h"

#define MS 1000000ull

static void sleep_ms(u32 ms)
{
    struct timespec ts = {ms / 1000, (long)(ms % 1000) * 1000000};
    nanosleep(&ts, NULL);
}

static struct mk_lock lock;
static u64 shared; /* under lock */
static u32 done;

enum { THREADS = 4, TIMES = 50000 };

static void add(void *arg)
{
    for (int i = 0; i < TIMES; i++) {
        if (i % 3 || !mk_trylock(&lock))
            mk_lock(&lock);
        u64 v = shared;
        if (i % 1000 == 0)
            mk_yield();
        shared = v + 1;
        mk_unlock(&lock);
    }
    mk_signal(&done, 1u << (uintptr_t)arg);
}

static void wait_all(u32 bits)
{
    for (u32 b = 1; b; b <<= 1) {
        if (bits & b)
            assert_int_equal(mk_wait(&done, b, mk_clock() + 60000 * MS), 0);
    }
    __atomic_fetch_and(&done, ~bits, __ATOMIC_SEQ_CST);
}

static void test_lock(void **state)
{
    shared = 0;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(mk_thread_start(add, (void *)i, i * 10000), 0);
    wait_all((1 << THREADS) - 1);
    assert_int_equal(shared, THREADS * TIMES);
    assert_int_equal(lock.word, 0);
    assert_true(mk_trylock(&lock));
    assert_false(mk_trylock(&lock));
    mk_lock_reset(&lock);
    assert_true(mk_trylock(&lock));
    mk_unlock(&lock);
}

static void test_wait_times_out(void **state)
{
    u32 word = 2;

    u64 start = mk_clock();
    assert_int_equal(mk_wait(&word, 1, start + 50 * MS), -ETIMEDOUT);
    assert_true(mk_clock() - start >= 50 * MS);
    assert_int_equal(mk_wait(&word, 1, 1), -ETIMEDOUT);
    assert_int_equal(mk_wait(&word, 3, 1), 0);
    assert_int_equal(mk_wait(&word, 2, 0), 0);
    assert_int_equal(word, 2);
}

static u32 ping, pong;

static void echo(void *arg)
{
    for (u32 i = 0; i < 5000; i++) {
        if (mk_wait(&ping, 1, mk_clock() + 60000 * MS))
            return;
        __atomic_fetch_and(&ping, ~1u, __ATOMIC_SEQ_CST);
        mk_signal(&pong, 1);
    }
    mk_signal(&done, 1);
}

static void test_ping_pong(void **state)
{
    assert_int_equal(mk_thread_start(echo, NULL, 0), 0);
    for (u32 i = 0; i < 5000; i++) {
        mk_signal(&ping, 1);
        assert_int_equal(mk_wait(&pong, 1, mk_clock() + 60000 * MS), 0);
        __atomic_fetch_and(&pong, ~1u, __ATOMIC_SEQ_CST);
    }
    wait_all(1);
}

static u32 gate;

static void wait_at_gate(void *arg)
{
    if (!mk_wait(&gate, 4, 0))
        mk_signal(&done, 1u << (uintptr_t)arg);
}

/* One signal lets all go that wait for its bit; another bit lets none. */
static void test_many_waiters(void **state)
{
    for (uintptr_t i = 0; i < 8; i++)
        assert_int_equal(mk_thread_start(wait_at_gate, (void *)i, 0), 0);
    sleep_ms(20);
    mk_signal(&gate, 2);
    sleep_ms(20);
    assert_int_equal(__atomic_load_n(&done, __ATOMIC_SEQ_CST), 0);
    mk_signal(&gate, 4);
    wait_all(0xff);
}

static void nothing(int sig)
{
}

static void poke(void *arg)
{
    for (int i = 0; i < 10; i++) {
        sleep_ms(5);
        pthread_kill(*(pthread_t *)arg, SIGUSR1);
    }
    mk_signal(&done, 1);
}

/* Interruptions neither end a wait nor stretch it. */
static void test_wait_interrupted(void **state)
{
    struct sigaction sa = {.sa_handler = nothing};
    pthread_t self = pthread_self();
    u32 word = 0;

    sigaction(SIGUSR1, &sa, NULL);
    assert_int_equal(mk_thread_start(poke, &self, 0), 0);
    u64 start = mk_clock();
    errno = 99;
    assert_int_equal(mk_wait(&word, 1, start + 100 * MS), -ETIMEDOUT);
    assert_int_equal(errno, 99);
    assert_true(mk_clock() - start >= 100 * MS);
    wait_all(1);
}

/* From a signal handler. */
static u32 from_handler;

static void signals(int sig)
{
    mk_signal(&from_handler, 8);
}

static void test_signal_in_handler(void **state)
{
    struct sigaction sa = {.sa_handler = signals};

    sigaction(SIGALRM, &sa, NULL);
    alarm(1);
    assert_int_equal(mk_wait(&from_handler, 8, mk_clock() + 60000 * MS), 0);
}

static void hold(void *arg)
{
    mk_lock(&lock);
    mk_signal(&done, 1);
    sleep_ms(100);
    mk_unlock(&lock);
    mk_signal(&done, 2);
}

static int child_in_shared_memory(void *arg)
{
    mk_lock(&lock);
    shared = 4711;
    mk_unlock(&lock);
    return 0;
}

/* A child that runs in its parent's memory waits for a lock that another thread holds. */
static void test_lock_in_vfork_child(void **state)
{
    if (UNDER_TSAN)
        skip(); /* its clone does not know of children in shared memory */

    size_t size = 64 << 10;
    char *stack = malloc(size);
    int status;

    shared = 0;
    assert_int_equal(mk_thread_start(hold, NULL, 0), 0);
    assert_int_equal(mk_wait(&done, 1, 0), 0);
    pid_t pid = clone(child_in_shared_memory, stack + size, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(shared, 4711);
    wait_all(3);
    free(stack);
}

static void test_clock(void **state)
{
    u64 last = mk_clock();

    for (int i = 0; i < 100000; i++) {
        u64 now = mk_clock();
        assert_true(now >= last);
        last = now;
    }
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    u64 system = (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
    assert_in_range(system, last, last + 10000 * MS);
}

static void big_stack(void *arg)
{
    volatile u8 room[3 << 20];

    memset((void *)room, 1, sizeof(room));
    mk_signal(&done, room[12345] == 1);
}

static void test_stack_size(void **state)
{
    assert_int_equal(mk_thread_start(big_stack, NULL, (4 << 20) + 123), 0);
    wait_all(1);
    assert_true(mk_thread_start(big_stack, NULL, (size_t)1 << 60) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_wait_times_out),
        cmocka_unit_test(test_ping_pong),
        cmocka_unit_test(test_many_waiters),
        cmocka_unit_test(test_wait_interrupted),
        cmocka_unit_test(test_signal_in_handler),
        cmocka_unit_test(test_lock_in_vfork_child),
        cmocka_unit_test(test_clock),
        cmocka_unit_test(test_stack_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
