/* Vectors, lists, bits, hashes, log levels. */
#define _GNU_SOURCE
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel/hosted/hosted.h"
#include "lib/assert.h"
#include "lib/bits.h"
#include "lib/err.h"
#include "lib/list.h"
#include "lib/log.h"
#include "lib/str.h"
#include "lib/vec.h"

static void test_vec(void **state)
{
    VEC(u32) v = {0};
    u32 model[3000];
    size_t n = 0;
    u64 r = 5;

    for (int step = 0; step < 20000; step++) {
        u32 x = (u32)rnd(&r);
        u64 what = rnd_below(&r, 10);
        if (n < ARRAY_LEN(model) && what < 4) {
            assert_int_equal(vec_push(&v, x), 0);
            model[n++] = x;
        } else if (n < ARRAY_LEN(model) && what < 6) {
            size_t i = rnd_below(&r, n + 1);
            assert_int_equal(vec_insert(&v, i, x), 0);
            memmove(model + i + 1, model + i, (n - i) * sizeof(*model));
            model[i] = x;
            n++;
        } else if (n && what < 8) {
            assert_int_equal(*vec_last(&v), model[n - 1]);
            assert_int_equal(vec_pop(&v), model[--n]);
        } else if (n) {
            size_t i = rnd_below(&r, n);
            vec_remove(&v, i);
            n--;
            memmove(model + i, model + i + 1, (n - i) * sizeof(*model));
        }
        assert_int_equal(v.len, n);
        assert_true(v.cap >= n);
        if (n)
            assert_memory_equal(v.at, model, n * sizeof(*model));
    }
    assert_int_equal(vec_reserve(&v, SIZE_MAX / 2), -ENOMEM);
    assert_int_equal(v.len, n);
    vec_clear(&v);
    assert_int_equal(v.len, 0);
    vec_free(&v);
    assert_null(v.at);
    assert_int_equal(vec_push(&v, 1), 0);
    vec_free(&v);
}

struct item {
    int n;
    struct list link;
};

static void test_list(void **state)
{
    struct item it[6] = {{0}, {1}, {2}, {3}, {4}, {5}};
    struct list head;
    int sum = 0, at = 0;

    list_init(&head);
    assert_true(list_empty(&head));
    for (int i = 2; i < 6; i++)
        list_add_tail(&head, &it[i].link);
    list_add(&head, &it[0].link);
    list_add_after(&it[0].link, &it[1].link);
    LIST_EACH(e, &head, struct item, link)
    assert_int_equal(e->n, at++);
    assert_int_equal(at, 6);
    LIST_EACH_SAFE(e, &head, struct item, link)
    {
        if (e->n % 2) {
            list_del(&e->link);
            list_del(&e->link);
        }
    }
    LIST_EACH(e, &head, struct item, link)
    sum = sum * 10 + e->n;
    assert_int_equal(sum, 24);
    LIST_EACH_SAFE(e, &head, struct item, link)
    list_del(&e->link);
    assert_true(list_empty(&head));
}

static void test_bits(void **state)
{
    u64 r = 11;

    assert_int_equal(clz32(0), 32);
    assert_int_equal(clz64(0), 64);
    assert_int_equal(ctz32(0), 32);
    assert_int_equal(ctz64(0), 64);
    for (int i = 0; i < 100000; i++) {
        u64 x = rnd(&r) >> rnd_below(&r, 64);
        u32 n = (u32)rnd_below(&r, 200), ones = 0, lead = 0, trail = 0;
        for (u32 b = 0; b < 64; b++)
            ones += x >> b & 1;
        while (lead < 64 && !(x << lead >> 63))
            lead++;
        while (trail < 64 && !(x >> trail & 1))
            trail++;
        assert_int_equal(popcnt64(x), ones);
        assert_int_equal(clz64(x), lead);
        assert_int_equal(ctz64(x), trail);
        assert_int_equal(popcnt32((u32)x), popcnt64((u32)x));
        assert_int_equal(clz32((u32)x), clz64((u32)x) - 32);
        u64 rot = x;
        u32 rot32 = (u32)x;
        for (u32 k = 0; k < n; k++) {
            rot = rot << 1 | rot >> 63;
            rot32 = rot32 << 1 | rot32 >> 31;
        }
        assert_int_equal(rotl64(x, n), rot);
        assert_int_equal(rotr64(rot, n), x);
        assert_int_equal(rotl32((u32)x, n), rot32);
        assert_int_equal(rotr32(rot32, n), (u32)x);

        u32 width = 1 + (u32)rnd_below(&r, 64), lo = (u32)rnd_below(&r, 65 - width);
        u64 field = 0;
        for (u32 b = 0; b < width; b++)
            field |= (x >> (lo + b) & 1) << b;
        assert_int_equal(bit_field(x, lo, width), field);
        u64 sign = field >> (width - 1) & 1 && width < 64 ? ~0ull << width : 0;
        assert_int_equal((u64)bit_field_signed(x, lo, width), field | sign);
        assert_int_equal((u64)sign_extend(field, width), field | sign);
        assert_int_equal(fits_unsigned(x, width), width == 64 || x < 1ull << width);
        s64 half = (s64)(1ull << (width - 1));
        assert_int_equal(fits_signed((s64)x, width), width == 64 || ((s64)x >= -half && (s64)x < half));
        u64 y = rnd(&r), ins = bit_insert(x, lo, width, y);
        assert_int_equal(bit_field(ins, lo, width), y & bit_mask(width));
        assert_int_equal(ins & ~(bit_mask(width) << lo), x & ~(bit_mask(width) << lo));

        u64 a = 1ull << rnd_below(&r, 20), small = x >> 1;
        assert_int_equal(align_down(small, a), small / a * a);
        assert_int_equal(align_up(small, a), (small + a - 1) / a * a);
        assert_int_equal(is_aligned(small, a), small % a == 0);
        assert_int_equal(is_pow2(x), ones == 1);
        u64 p = pow2_up(x);
        assert_true(p ? is_pow2(p) && p >= x && p / 2 < (x ? x : 1) : x > 1ull << 63);
    }
    assert_int_equal(bit_mask(0), 0);
    assert_int_equal(pow2_up(0), 1);
}

/* Any flipped bit of the input must flip each bit of the output about half the time. */
static void test_hash_avalanche(void **state)
{
    u64 r = 3;

    for (int kind = 0; kind < 2; kind++) {
        u32 flips[64][64] = {0};
        enum { N = 2000 };
        for (int i = 0; i < N; i++) {
            u64 x = rnd(&r);
            u64 h = kind ? hash_bytes(&x, 8, 0) : hash_u64(x);
            for (u32 b = 0; b < 64; b++) {
                u64 y = x ^ 1ull << b;
                u64 d = h ^ (kind ? hash_bytes(&y, 8, 0) : hash_u64(y));
                for (u32 o = 0; o < 64; o++)
                    flips[b][o] += d >> o & 1;
            }
        }
        for (u32 b = 0; b < 64; b++) {
            for (u32 o = 0; o < 64; o++)
                assert_in_range(flips[b][o], N * 4 / 10, N * 6 / 10);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    u64 x = *(const u64 *)a, y = *(const u64 *)b;

    return x < y ? -1 : x > y;
}

/* No collisions among inputs that differ little: lengths, zeros, single bytes, positions. */
static void test_hash_bytes_distinct(void **state)
{
    static u64 seen[200 + 100 * 255];
    size_t n = 0;
    u8 buf[200] = {0};

    for (size_t len = 0; len < 200; len++)
        seen[n++] = hash_bytes(buf, len, 0);
    for (size_t at = 0; at < 100; at++) {
        for (u32 v = 1; v < 256; v++) {
            buf[at] = (u8)v;
            seen[n++] = hash_bytes(buf, 100, 0);
        }
        buf[at] = 0;
    }
    qsort(seen, n, sizeof(*seen), by_value);
    for (size_t i = 1; i < n; i++)
        assert_int_not_equal(seen[i - 1], seen[i]);
    assert_int_not_equal(hash_bytes("abc", 3, 0), hash_bytes("abc", 3, 1));
    /* It does not matter where the bytes lie. */
    for (size_t at = 0; at < 16; at++) {
        memcpy(buf + at, "the quick brown fox jumps", 25);
        assert_int_equal(hash_bytes(buf + at, 25, 9), hash_bytes("the quick brown fox jumps", 25, 9));
    }
}

static void test_log(void **state)
{
    char got[4096] = {0};
    int fd[2];

    assert_int_equal(pipe(fd), 0);
    mk_hosted_console_fd(fd[1]);
    log_info("not shown %d", 1);
    log_error("no %s", "good");
    log_set_level(LOG_LEVEL_DEBUG);
    log_debug("detail");
    char *longer = malloc(2000);
    memset(longer, 'x', 1999);
    longer[1999] = 0;
    log_warn("%s", longer);
    free(longer);
    mk_hosted_console_fd(2);
    close(fd[1]);
    assert_true(read(fd[0], got, sizeof(got) - 1) > 0);
    close(fd[0]);
    const char *start = "dragoman: error: no good\ndragoman: debug: detail\ndragoman: warning: xxx";
    assert_memory_equal(got, start, strlen(start));
    const char *last = strrchr(got, ':');
    assert_int_equal(strlen(got) - strlen("dragoman: error: no good\ndragoman: debug: detail\n"), LOG_LINE_MAX);
    assert_non_null(last);
    assert_string_equal(got + strlen(got) - 5, "x...\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vec), cmocka_unit_test(test_list),           cmocka_unit_test(test_bits),
        cmocka_unit_test(test_log), cmocka_unit_test(test_hash_avalanche), cmocka_unit_test(test_hash_bytes_distinct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
