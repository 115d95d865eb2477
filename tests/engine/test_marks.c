/* Marks in few bytes: what comes out is what went in, and nothing is read behind the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/hash.h"
#include "translator/engine/marks.h"

#define MANY 300

static u64 seed;

static u32 below(u32 n)
{
    seed = hash_u64(seed + 1);
    return (u32)(seed % n);
}

/* Mostly as backends make them, some as far as the fields go. */
static u32 make(struct host_mark *m)
{
    static const u32 ahead[] = {0, 2, 4, 4, 4};
    const u32 n = below(MANY);
    struct host_mark at = {0};
    for (u32 i = 0; i < n; i++) {
        at.host_off += below(16) ? below(40) : below(1u << 20);
        at.guest_off = below(16) ? at.guest_off + ahead[below(5)] : below(3) ? 0u - below(5000) : below(~0u);
        at.state = below(4) ? 0 : below(1u << 31);
        if (!below(8))
            at.state |= HOST_MARK_OWN;
        m[i] = at;
    }
    return n;
}

static bool same(const struct host_mark *a, const struct host_mark *b)
{
    return a->host_off == b->host_off && a->guest_off == b->guest_off && a->state == b->state;
}

static void come_back(void **state)
{
    for (u32 round = 0; round < 2000; round++) {
        struct host_mark want[MANY], got;
        const u32 n = make(want);
        const size_t size = marks_pack(NULL, want, n);
        u8 *packed = malloc(size + 1);
        assert_int_equal(marks_pack(packed, want, n), size);
        struct marks m = marks_of(packed, size);
        for (u32 i = 0; i < n; i++) {
            assert_true(marks_next(&m));
            assert_true(same(&m.at, &want[i]));
        }
        assert_false(marks_next(&m));
        for (u32 k = 0; n && k < 20; k++) {
            const u32 off = want[below(n)].host_off + below(3);
            u32 last = n;
            while (last && want[last - 1].host_off > off)
                last--;
            assert_int_equal(marks_find(packed, size, off, &got), last > 0);
            if (last)
                assert_true(same(&got, &want[last - 1]));
        }
        free(packed);
    }
}

static void most_are_a_byte(void **state)
{
    struct host_mark m[64];
    for (u32 i = 0; i < 64; i++)
        m[i] = (struct host_mark){.host_off = 13 * i, .guest_off = 4 * i};
    assert_int_equal(marks_pack(NULL, m, 64), 64);
}

/* Bytes that nobody packed: it ends. */
static void nonsense_ends(void **state)
{
    for (u32 round = 0; round < 20000; round++) {
        const size_t size = below(40);
        u8 *bytes = malloc(size + !size);
        for (size_t i = 0; i < size; i++)
            bytes[i] = (u8)(below(3) ? 0xff : below(256));
        struct marks m = marks_of(bytes, size);
        u32 n = 0;
        while (marks_next(&m))
            assert_true(++n <= size);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(come_back),
        cmocka_unit_test(most_are_a_byte),
        cmocka_unit_test(nonsense_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
