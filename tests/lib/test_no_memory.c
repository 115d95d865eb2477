/* The fault loop: what allocates is run with the first, second, third, … request for pages failing, until a run needs
 * none of the failures. Each must say so, keep what it had, and work again. */
#include "tests/lib/test.h"

#include <string.h>

#include "kernel/hosted/hosted.h"
#include "lib/arena.h"
#include "lib/err.h"
#include "lib/fmt.h"
#include "lib/heap.h"
#include "lib/map.h"
#include "lib/vec.h"
#include "mk/mk.h"

/* Runs one(), which returns how many failures it saw, with ever later failures. */
static void fault_loop(u32 (*one)(void), u32 least)
{
    u32 n = 1;

    for (;; n++) {
        mk_hosted_fail_alloc(n);
        u32 failures = one();
        mk_hosted_fail_alloc(0);
        assert_true(failures <= 1);
        if (!failures)
            break;
    }
    /* It did fail as often as there was something to fail. */
    assert_true(n > least);
}

static u32 use_map(void)
{
    struct map m = {0};
    u32 failures = 0;

    for (u64 i = 0; i < 20000; i++) {
        int rc = map_set(&m, i, (void *)(i + 1));
        if (rc) {
            assert_int_equal(rc, -ENOMEM);
            failures++;
            assert_int_equal(m.len, i);
            assert_null(map_get(&m, i));
            for (u64 k = 0; k < i; k++)
                assert_ptr_equal(map_get(&m, k), (void *)(k + 1));
            assert_int_equal(map_set(&m, i, (void *)(i + 1)), 0);
        }
    }
    for (u64 k = 0; k < 20000; k++)
        assert_ptr_equal(map_get(&m, k), (void *)(k + 1));
    map_free(&m);
    return failures;
}

static u32 use_vec(void)
{
    VEC(u64) v = {0};
    u32 failures = 0;

    for (u64 i = 0; i < 50000; i++) {
        int rc = i % 1000 == 500 ? vec_insert(&v, v.len, i) : vec_push(&v, i);
        if (rc) {
            assert_int_equal(rc, -ENOMEM);
            failures++;
            assert_int_equal(v.len, i);
            for (u64 k = 0; k < i; k++)
                assert_int_equal(v.at[k], k);
            assert_int_equal(vec_push(&v, i), 0);
        }
    }
    for (u64 k = 0; k < v.len; k++)
        assert_int_equal(v.at[k], k);
    vec_free(&v);
    return failures;
}

static u32 use_arena(void)
{
    static u8 *at[3000];
    struct arena a = {0};
    u32 failures = 0;

    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        size_t size = i % 100 == 99 ? 50000 : 100;
        at[i] = arena_alloc(&a, size, 8);
        if (!at[i]) {
            failures++;
            at[i] = arena_alloc(&a, size, 8);
            assert_non_null(at[i]);
        }
        memset(at[i], (u8)i, size);
    }
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        for (size_t k = 0; k < (i % 100 == 99 ? 50000 : 100); k++)
            assert_int_equal(at[i][k], (u8)i);
    }
    arena_free(&a);
    return failures;
}

static u32 use_heap(void)
{
    static u8 *at[600];
    u32 failures = 0;
    struct heap_stats before, after;

    heap_stats(&before);
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        size_t size = i % 50 == 49 ? 20000 : 5000;
        at[i] = heap_alloc(size);
        if (!at[i]) {
            failures++;
            at[i] = heap_alloc(size);
            assert_non_null(at[i]);
        }
        memset(at[i], (u8)i, size);
    }
    for (size_t i = 0; i < ARRAY_LEN(at); i += 100) {
        u8 *p = heap_realloc(at[i], 100000);
        if (!p) {
            failures++;
            for (size_t k = 0; k < 5000; k++)
                assert_int_equal(at[i][k], (u8)i);
            p = heap_realloc(at[i], 100000);
            assert_non_null(p);
        }
        at[i] = p;
    }
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        for (size_t k = 0; k < 5000; k++)
            assert_int_equal(at[i][k], (u8)i);
        heap_free(at[i]);
    }
    heap_stats(&after);
    assert_int_equal(before.blocks, after.blocks);
    return failures;
}

static u32 use_strbuf(void)
{
    struct strbuf sb;
    u32 failures = 0;

    sb_growing(&sb);
    while (sb.len < 100000) {
        size_t len = sb.len;
        sb_printf(&sb, "%0*d", 20, (int)len);
        if (sb.lost) {
            failures++;
            sb.lost = false;
            /* As much as had room. */
            assert_true(sb.len < len + 20);
            assert_int_equal(strlen(sb.text), sb.len);
        }
    }
    sb_free(&sb);
    return failures;
}

static u32 use_thread(void)
{
    int rc = mk_thread_enter();
    if (rc) {
        assert_int_equal(rc, -ENOMEM);
        return 1;
    }
    mk_thread_leave();
    return 0;
}

#define LOOP(name, least)                                                                                              \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        fault_loop(use_##name, least);                                                                                 \
    }
LOOP(map, 5)
LOOP(vec, 5)
LOOP(arena, 3)
LOOP(heap, 10)
LOOP(strbuf, 3)
LOOP(thread, 1)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),  cmocka_unit_test(test_vec),    cmocka_unit_test(test_arena),
        cmocka_unit_test(test_heap), cmocka_unit_test(test_strbuf), cmocka_unit_test(test_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
