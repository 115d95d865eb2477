/* The map, against the simplest model that could be. */
#include "tests/lib/test.h"

#include <string.h>

#include "lib/map.h"

enum { KEYS = 2000 };

/* Keys that collide a lot, or are next to each other, or edges. */
static u64 key_of(u64 i, int kind)
{
    return kind == 0 ? i : kind == 1 ? i << 52 : kind == 2 ? ~i : hash_u64(i);
}

static void check(const struct map *m, void *const *model, int kind)
{
    size_t n = 0, pos = 0, walked = 0;
    u64 key;
    void *value;

    for (u64 i = 0; i < KEYS; i++) {
        assert_ptr_equal(map_get(m, key_of(i, kind)), model[i]);
        n += model[i] != NULL;
    }
    assert_int_equal(m->len, n);
    while (map_next(m, &pos, &key, &value)) {
        assert_ptr_equal(map_get(m, key), value);
        walked++;
    }
    assert_int_equal(walked, n);
}

static void test_random(void **state)
{
    for (int kind = 0; kind < 4; kind++) {
        void *model[KEYS] = {0};
        struct map m = {0};
        u64 r = 99;

        assert_null(map_get(&m, 0));
        assert_null(map_del(&m, 0));
        for (int step = 0; step < 60000; step++) {
            /* Times of growing and times of shrinking. */
            bool grow = rnd_below(&r, 10) < (step / 6000 % 2 ? 3 : 7);
            u64 i = rnd_below(&r, KEYS);
            if (grow) {
                void *v = (void *)(rnd(&r) | 1);
                assert_int_equal(map_set(&m, key_of(i, kind), v), 0);
                model[i] = v;
            } else {
                assert_ptr_equal(map_del(&m, key_of(i, kind)), model[i]);
                model[i] = NULL;
            }
            if (step % 2000 == 0)
                check(&m, model, kind);
        }
        check(&m, model, kind);
        map_clear(&m);
        memset(model, 0, sizeof(model));
        check(&m, model, kind);
        assert_int_equal(map_set(&m, 0, &m), 0);
        assert_ptr_equal(map_get(&m, 0), &m);
        map_free(&m);
        assert_null(map_get(&m, 0));
    }
}

static void test_reserve(void **state)
{
    struct map m = {0};

    assert_int_equal(map_reserve(&m, 1000), 0);
    size_t cap = m.cap;
    for (u64 i = 0; i < 1000; i++)
        assert_int_equal(map_set(&m, i, &m), 0);
    assert_int_equal(m.cap, cap);
    assert_true(map_reserve(&m, SIZE_MAX) < 0);
    assert_true(map_reserve(&m, SIZE_MAX / 8) < 0);
    assert_int_equal(m.len, 1000);
    map_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random), cmocka_unit_test(test_reserve)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
