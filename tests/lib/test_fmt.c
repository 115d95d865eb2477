/* Formatting, against snprintf. */
#include "tests/lib/test.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "lib/fmt.h"

/* Formats that are made at run time, as the compiler need not check. */
static size_t ours(char *buf, size_t cap, const char *f, ...)
{
    va_list ap;

    va_start(ap, f);
    size_t n = fmt_va(buf, cap, f, ap);
    va_end(ap);
    return n;
}

static size_t theirs(char *buf, size_t cap, const char *f, ...)
{
    va_list ap;

    va_start(ap, f);
    int n = vsnprintf(buf, cap, f, ap);
    va_end(ap);
    return (size_t)n;
}

#define SAME(cap, ...)                                                                                                 \
    do {                                                                                                               \
        char a_[400], b_[400];                                                                                         \
        memset(a_, 'Z', sizeof(a_));                                                                                   \
        memset(b_, 'Z', sizeof(b_));                                                                                   \
        size_t n_ = ours(a_, (cap), __VA_ARGS__);                                                                      \
        assert_int_equal(n_, theirs(b_, (cap), __VA_ARGS__));                                                          \
        assert_memory_equal(a_, b_, sizeof(a_));                                                                       \
    } while (0)

static u64 some_number(u64 *r)
{
    static const u64 edges[] = {1, 9, 10, INT_MAX, (u64)INT_MIN, UINT_MAX, LONG_MAX, (u64)LONG_MIN, ULONG_MAX};

    return rnd_below(r, 3) ? rnd(r) >> rnd_below(r, 64) : edges[rnd_below(r, ARRAY_LEN(edges))];
}

static void test_random_conversions(void **state)
{
    static const char *const lengths[] = {"", "l", "ll", "z"};
    static const char *const ints = "diuxX";
    u64 r = 42;

    for (int i = 0; i < 60000; i++) {
        char f[64] = "<%", *p = f + 2;
        bool text = !rnd_below(&r, 4);
        bool star = !rnd_below(&r, 4), dot_star = !rnd_below(&r, 4);
        int width = (int)rnd_below(&r, 40) - 10, precision = (int)rnd_below(&r, 30) - 5;
        size_t cap = rnd_below(&r, 8) ? 300 : rnd_below(&r, 20);

        if (!rnd_below(&r, 3))
            *p++ = '-';
        else if (!text && !rnd_below(&r, 3))
            *p++ = '0';
        char conv = text ? 's' : ints[rnd_below(&r, 5)];
        if ((conv == 'x' || conv == 'X') && !rnd_below(&r, 3))
            *p++ = '#';
        if (star)
            *p++ = '*';
        else if (width > 0)
            p += sprintf(p, "%d", width);
        if (dot_star)
            p += sprintf(p, ".*");
        else if (precision > 0)
            p += sprintf(p, ".%d", precision);
        u32 len = text ? 0 : (u32)rnd_below(&r, 4);
        p += sprintf(p, "%s%c>", lengths[len], conv);

        /* C prints nothing for a zero with no digits asked for. */
        u64 v = some_number(&r);
        if (!(u32)v)
            v = 7;
        const char *s = &"it is a truth universally acknowledged"[rnd_below(&r, 38)];
        if (text) {
            if (star && dot_star)
                SAME(cap, f, width, precision, s);
            else if (star || dot_star)
                SAME(cap, f, star ? width : precision, s);
            else
                SAME(cap, f, s);
        } else {
            if (star && dot_star)
                SAME(cap, f, width, precision, v);
            else if (star || dot_star)
                SAME(cap, f, star ? width : precision, v);
            else
                SAME(cap, f, v);
        }
    }
}

static void test_others(void **state)
{
    SAME(300, "plain text");
    SAME(300, "");
    SAME(300, "100%% %c%5c%-5c|", 'a', 'b', 'c');
    SAME(300, "%p %20p %-20p|", (void *)state, (void *)state, (void *)theirs);
    SAME(300, "%d%d%s%s", 0, -1, "", "x");
    SAME(300, "%u %x %lu %lx %zu", 0u, 0u, 0ul, 0ul, (size_t)0);
    SAME(300, "%02x:%02x %08lx", 0xa, 0xbc, 0x1234ul);
    SAME(300, "%.3s|%.*s|%.0s|", "abcdef", 2, "xyz", "gone");
    SAME(1, "abc");
    SAME(4, "abc");
    SAME(3, "abc");

    char unterminated[3] = {'a', 'b', 'c'};
    SAME(300, "%.3s", unterminated);

    assert_int_equal(ours(NULL, 0, "%s-%d", "abc", 12), 6);

    char buf[100];
    ours(buf, sizeof(buf), "%s", NULL);
    assert_string_equal(buf, "(null)");
}

static void test_unknown_shows(void **state)
{
    char buf[100];

    ours(buf, sizeof(buf), "a %d %f %d", 1, 2.0, 3);
    assert_string_equal(buf, "a 1 %f %d");
    ours(buf, sizeof(buf), "cut %-5l");
    assert_string_equal(buf, "cut %-5l");
    ours(buf, sizeof(buf), "cut %");
    assert_string_equal(buf, "cut %");
}

static void test_fixed_buffer(void **state)
{
    char buf[11];
    struct strbuf sb;

    memset(buf, 'Z', sizeof(buf));
    sb_fixed(&sb, buf, 10);
    assert_string_equal(sb.text, "");
    sb_printf(&sb, "%d", 1234);
    sb_puts(&sb, "abc");
    sb_putc(&sb, 'd');
    assert_false(sb.lost);
    sb_printf(&sb, "e");
    assert_false(sb.lost);
    assert_string_equal(sb.text, "1234abcde");
    sb_putc(&sb, 'f');
    assert_true(sb.lost);
    assert_string_equal(sb.text, "1234abcde");
    assert_int_equal(buf[10], 'Z');
    sb_clear(&sb);
    assert_false(sb.lost);
    sb_printf(&sb, "%s", "a long text that is cut");
    assert_true(sb.lost);
    assert_string_equal(sb.text, "a long te");
    assert_int_equal(sb.len, 9);
    assert_int_equal(buf[10], 'Z');
    sb_free(&sb);
    assert_string_equal(sb.text, "");
}

static void test_growing_buffer(void **state)
{
    static char model[1 << 20];
    size_t len = 0;
    struct strbuf sb;
    u64 r = 7;

    sb_growing(&sb);
    assert_string_equal(sb.text, "");
    sb_clear(&sb);
    while (len < 200000) {
        int a = (int)rnd(&r);
        int w = (int)rnd_below(&r, 300);
        if (rnd_below(&r, 2)) {
            sb_printf(&sb, "%*d,", w, a);
            len += (size_t)sprintf(model + len, "%*d,", w, a);
        } else {
            sb_putc(&sb, (char)('a' + a % 10));
            model[len++] = (char)('a' + a % 10);
        }
    }
    model[len] = 0;
    assert_int_equal(sb.len, len);
    assert_string_equal(sb.text, model);
    assert_false(sb.lost);
    sb_free(&sb);
    assert_string_equal(sb.text, "");
    sb_puts(&sb, "again");
    assert_string_equal(sb.text, "again");
    sb_free(&sb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_conversions), cmocka_unit_test(test_others),
        cmocka_unit_test(test_unknown_shows),      cmocka_unit_test(test_fixed_buffer),
        cmocka_unit_test(test_growing_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
