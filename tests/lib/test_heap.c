/* The heap under random load, on several threads, and around fork. */
#include "tests/lib/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/bits.h"
#include "lib/heap.h"

enum { SLOTS = 500, STEPS = 15000 };

struct block {
    u8 *p;
    size_t size;
    u8 fill;
};

static size_t some_size(u64 *r)
{
    static const size_t most[] = {64, 64, 600, 600, 9000, 100000};

    return rnd_below(r, most[rnd_below(r, ARRAY_LEN(most))] + 1);
}

static bool holds(const struct block *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (b->p[i] != b->fill)
            return false;
    }
    return true;
}

/* Gives the line that found something wrong, or NULL. */
static void *load(void *arg)
{
    struct block *blocks = calloc(SLOTS, sizeof(*blocks));
    u64 r = (u64)(uintptr_t)arg;

#define CHECK(c)                                                                                                       \
    do {                                                                                                               \
        if (!(c))                                                                                                      \
            return (void *)(uintptr_t)__LINE__;                                                                        \
    } while (0)
    for (int i = 0; i < STEPS; i++) {
        struct block *b = &blocks[rnd_below(&r, SLOTS)];
        size_t size = some_size(&r);
        u8 fill = (u8)rnd(&r);
        u8 *p;

        if (!b->p) {
            bool zero = rnd_below(&r, 2);
            p = zero ? heap_calloc(size, 1) : heap_alloc(size);
            CHECK(p && is_aligned((u64)p, 16));
            if (zero)
                CHECK(holds(&(struct block){p, size, 0}, size));
        } else if (rnd_below(&r, 3)) {
            CHECK(holds(b, b->size));
            heap_free(b->p);
            b->p = NULL;
            continue;
        } else {
            p = heap_realloc(b->p, size);
            CHECK(p && is_aligned((u64)p, 16));
            b->p = p;
            CHECK(holds(b, b->size < size ? b->size : size));
        }
        memset(p, fill, size);
        *b = (struct block){p, size, fill};
    }
    for (int i = 0; i < SLOTS; i++) {
        CHECK(!blocks[i].p || holds(&blocks[i], blocks[i].size));
        heap_free(blocks[i].p);
    }
    free(blocks);
    return NULL;
}

static void test_random_load(void **state)
{
    struct heap_stats before, after;

    heap_stats(&before);
    assert_null(load((void *)1));
    heap_stats(&after);
    assert_int_equal(before.blocks, after.blocks);
    /* What was freed serves the next load: memory does not grow. */
    assert_null(load((void *)1));
    before = after;
    heap_stats(&after);
    assert_int_equal(before.bytes, after.bytes);
}

static void test_threads(void **state)
{
    pthread_t t[4];

    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, load, (void *)(i + 10)), 0);
    for (int i = 0; i < 4; i++) {
        void *wrong;
        pthread_join(t[i], &wrong);
        assert_null(wrong);
    }
}

/* Every size around the edges of the classes: a block must hold what was asked for, and neighbours stay whole. */
static void test_every_small_size(void **state)
{
    static u8 *at[9000];

    for (size_t n = 0; n < ARRAY_LEN(at); n++) {
        at[n] = heap_alloc(n);
        assert_non_null(at[n]);
        memset(at[n], (int)(n % 251), n);
    }
    for (size_t n = 0; n < ARRAY_LEN(at); n++) {
        for (size_t i = 0; i < n; i++)
            assert_int_equal(at[n][i], n % 251);
    }
    for (size_t n = 0; n < ARRAY_LEN(at); n++)
        heap_free(at[n]);
}

static void test_edges(void **state)
{
    heap_free(NULL);
    void *p = heap_realloc(NULL, 10);
    assert_non_null(p);
    p = heap_realloc(p, 0);
    assert_non_null(p);
    assert_null(heap_realloc(p, SIZE_MAX));
    heap_free(p);
    assert_null(heap_alloc(SIZE_MAX));
    assert_null(heap_alloc(SIZE_MAX - 16));
    assert_null(heap_alloc((size_t)1 << 62));
    assert_null(heap_calloc((size_t)1 << 33, (size_t)1 << 33));
    void *a = heap_alloc(0), *b = heap_alloc(0);
    assert_ptr_not_equal(a, b);
    heap_free(a);
    heap_free(b);
}

/* A bug in our own code must end in a panic, not in a damaged heap. */
static void dies(void (*fn)(void))
{
    pid_t pid = fork();
    if (!pid) {
        close(2);
        fn();
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void free_twice(void)
{
    void *p = heap_alloc(100);
    heap_free(p);
    heap_free(p);
}

static void free_middle(void)
{
    u8 *p = heap_calloc(1, 100);
    heap_free(p + 32);
}

static void test_misuse_is_seen(void **state)
{
    dies(free_twice);
    dies(free_middle);
}

static _Atomic bool stop;

static void *churn(void *arg)
{
    while (!stop)
        heap_free(heap_alloc(200));
    return NULL;
}

static void test_fork(void **state)
{
    pthread_t t[2];

    stop = false;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&t[i], NULL, churn, NULL), 0);
    for (int i = 0; i < 100; i++) {
        heap_fork_before();
        pid_t pid = fork();
        heap_fork_after(pid == 0);
        if (!pid) {
            alarm(20); /* a lock left behind */
            void *p = heap_alloc(200);
            heap_free(p);
            _exit(p ? 0 : 1);
        }
        int status;
        waitpid(pid, &status, 0);
        assert_int_equal(status, 0);
    }
    stop = true;
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_load),      cmocka_unit_test(test_threads),
        cmocka_unit_test(test_every_small_size), cmocka_unit_test(test_edges),
        cmocka_unit_test(test_misuse_is_seen),   cmocka_unit_test(test_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
