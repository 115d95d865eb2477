/* Arenas: alignment, no overlap, reuse after a reset. */
#include "tests/lib/test.h"

#include <string.h>

#include "lib/arena.h"
#include "lib/bits.h"

enum { PIECES = 4000 };

static void fills(struct arena *a, u64 seed)
{
    static u8 *at[PIECES];
    static size_t size[PIECES];
    u64 r = seed;

    for (size_t i = 0; i < PIECES; i++) {
        size_t align = (size_t)1 << rnd_below(&r, i % 500 == 0 ? 14 : 8);
        size[i] = rnd_below(&r, i % 100 == 0 ? 100000 : 200);
        at[i] = arena_alloc(a, size[i], align);
        assert_non_null(at[i]);
        assert_true(is_aligned((u64)at[i], align));
        memset(at[i], (u8)i, size[i]);
    }
    for (size_t i = 0; i < PIECES; i++) {
        for (size_t k = 0; k < size[i]; k++)
            assert_int_equal(at[i][k], (u8)i);
    }
}

static void test_pieces(void **state)
{
    struct arena a;

    arena_init(&a);
    fills(&a, 1);
    arena_free(&a);
    assert_null(a.first);
    fills(&a, 2);
    arena_free(&a);
}

static size_t count_chunks(const struct arena *a)
{
    size_t n = 0;

    /* The link is a chunk's first field. */
    for (void *const *c = (void *const *)a->first; c; c = *c)
        n++;
    return n;
}

static void test_reset_keeps_chunks(void **state)
{
    struct arena a = {0};

    fills(&a, 3);
    size_t chunks = count_chunks(&a);
    void *first = a.first;
    for (int i = 0; i < 20; i++) {
        arena_reset(&a);
        fills(&a, 3);
    }
    assert_true(count_chunks(&a) <= chunks + 2);
    arena_reset(&a);
    assert_ptr_equal(a.first, first);
    assert_ptr_equal(ARENA_NEW(&a, u64), (u8 *)first + 24); /* behind a chunk's three fields */
    arena_free(&a);
}

/* A large piece takes a chunk out of its turn; the small ones before it must be found again. */
static void test_skipped_chunks_are_used(void **state)
{
    struct arena a = {0};

    assert_non_null(arena_alloc(&a, 10000, 1));
    assert_non_null(arena_alloc(&a, 30000, 1));
    assert_non_null(arena_alloc(&a, 3000000, 1));
    size_t chunks = count_chunks(&a);
    for (int i = 0; i < 10; i++) {
        arena_reset(&a);
        assert_non_null(arena_alloc(&a, 3000000, 1));
        assert_non_null(arena_alloc(&a, 30000, 1));
        assert_non_null(arena_alloc(&a, 10000, 1));
        assert_int_equal(count_chunks(&a), chunks);
    }
    arena_free(&a);
}

/* Beyond what pages are aligned to. */
static void test_large_alignment(void **state)
{
    struct arena a = {0};

    for (int i = 0; i < 40; i++) {
        u8 *p = arena_alloc(&a, 100, 1 << 16);
        assert_non_null(p);
        assert_true(is_aligned((u64)p, 1 << 16));
        memset(p, 1, 100);
    }
    arena_free(&a);
}

static void test_cut(void **state)
{
    struct arena a = {0};

    u8 *p = arena_alloc(&a, 1000, 1);
    assert_non_null(p);
    arena_cut(&a, p + 10, p + 1000);
    u8 *q = arena_alloc(&a, 100, 1);
    assert_ptr_equal(q, p + 10);
    arena_cut(&a, p, p + 10); /* not the last any more */
    assert_ptr_equal(arena_alloc(&a, 1, 1), q + 100);
    arena_free(&a);
}

/* What is kept is moved over what was in front of it, within a chunk and from another one, and what was there before
 * stays. */
static void test_keep(void **state)
{
    struct arena a = {0};

    for (size_t size = 1000; size < 100000; size *= 3) {
        u8 *old = arena_alloc(&a, 100, 1);
        memset(old, 7, 100);
        const struct arena_mark since = arena_mark(&a);
        u8 *first = arena_alloc(&a, 400, 1);
        assert_non_null(first);
        memset(first, 1, 400);
        u8 *p = arena_alloc(&a, size, 1);
        for (size_t i = 0; i < size; i++)
            p[i] = (u8)(i * 31 >> 2);
        p = arena_keep(&a, since, p, size, 8);
        assert_non_null(p);
        assert_true(is_aligned((u64)p, 8));
        assert_true(size > 10000 || (p >= first && p < first + 8));
        u8 *next = arena_alloc(&a, 100, 1);
        assert_non_null(next);
        memset(next, 2, 100);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], (u8)(i * 31 >> 2));
        for (size_t i = 0; i < 100; i++)
            assert_int_equal(old[i], 7);
    }
    const struct arena_mark since = arena_mark(&a);
    u8 *p = arena_alloc(&a, 5000, 1);
    size_t held = 0;
    for (int i = 0; i < 1000; i++) {
        p = arena_keep(&a, since, p, 5000, 1);
        assert_non_null(p);
        assert_non_null(arena_alloc(&a, 5000, 1));
        if (i == 0)
            held = arena_held(&a);
    }
    assert_int_equal(arena_held(&a), held);
    arena_free(&a);
}

static void test_too_large(void **state)
{
    struct arena a = {0};

    assert_null(arena_alloc(&a, SIZE_MAX, 1));
    assert_null(arena_alloc(&a, SIZE_MAX - 100, 4096));
    assert_null(arena_alloc(&a, (size_t)1 << 62, 1));
    assert_null(ARENA_NEW_N(&a, u64, SIZE_MAX / 4));
    u8 *p = arena_alloc(&a, 100, 1);
    memset(p, 5, 100);
    assert_null(arena_alloc(&a, SIZE_MAX - (size_t)p, 1));
    assert_null(arena_alloc(&a, (size_t)1 << 62, 1));
    u8 *q = arena_alloc(&a, 1, 1);
    assert_ptr_equal(q, p + 100);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_reset_keeps_chunks),
        cmocka_unit_test(test_skipped_chunks_are_used),
        cmocka_unit_test(test_large_alignment),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_keep),
        cmocka_unit_test(test_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
