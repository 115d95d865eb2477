/* The string functions for builds without libc, against libc's. They are compiled here under other names. */
#include "tests/lib/test.h"

#include <string.h>

#define memcpy  bare_memcpy
#define memmove bare_memmove
#define memset  bare_memset
#define memcmp  bare_memcmp
#define memchr  bare_memchr
#define strlen  bare_strlen
#define strnlen bare_strnlen
#define strcmp  bare_strcmp
#define strncmp bare_strncmp
#define strchr  bare_strchr
#define strrchr bare_strrchr
#include "lib/str_bare.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void test_memory(void **state)
{
    u8 a[300], b[300];
    u64 r = 21;

    for (int i = 0; i < 50000; i++) {
        for (size_t k = 0; k < sizeof(a); k++)
            a[k] = b[k] = (u8)rnd_below(&r, 4);
        size_t n = rnd_below(&r, 100), d = rnd_below(&r, 200), s = rnd_below(&r, 200);
        int c = (int)rnd_below(&r, 1000) - 500;
        assert_ptr_equal(bare_memmove(a + d, a + s, n), a + d);
        memmove(b + d, b + s, n);
        assert_memory_equal(a, b, sizeof(a));
        assert_int_equal(sign(bare_memcmp(a + d, a + s, n)), sign(memcmp(a + d, a + s, n)));
        assert_ptr_equal(bare_memchr(a + s, c & 7, n), memchr(a + s, c & 7, n));
        if (d >= s + n || s >= d + n) {
            assert_ptr_equal(bare_memcpy(a + d, a + s, n), a + d);
            memcpy(b + d, b + s, n);
        }
        assert_memory_equal(a, b, sizeof(a));
        assert_ptr_equal(bare_memset(a + d, c, n), a + d);
        memset(b + d, c, n);
        assert_memory_equal(a, b, sizeof(a));
    }
    u8 high[2] = {0x80, 0x7f};
    assert_true(bare_memcmp(high, high + 1, 1) > 0);
}

static void test_strings(void **state)
{
    char a[40], b[40];
    u64 r = 22;

    for (int i = 0; i < 50000; i++) {
        for (size_t k = 0; k < sizeof(a); k++) {
            a[k] = (char)rnd_below(&r, k % 7 ? 200 : 3);
            b[k] = rnd_below(&r, 20) ? a[k] : (char)rnd(&r);
        }
        a[sizeof(a) - 1] = b[sizeof(b) - 1] = 0;
        size_t n = rnd_below(&r, 50), at = rnd_below(&r, 20);
        int c = rnd_below(&r, 4) ? a[at] : (int)rnd_below(&r, 256);
        assert_int_equal(bare_strlen(a), strlen(a));
        assert_int_equal(bare_strnlen(a, n), strnlen(a, n));
        assert_int_equal(sign(bare_strcmp(a, b)), sign(strcmp(a, b)));
        assert_int_equal(sign(bare_strncmp(a, b, n)), sign(strncmp(a, b, n)));
        assert_ptr_equal(bare_strchr(a, c), strchr(a, c));
        assert_ptr_equal(bare_strrchr(a, c), strrchr(a, c));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory), cmocka_unit_test(test_strings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
