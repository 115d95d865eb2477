/* As much of cmocka as our tests use, for builds for another host, where the library is seldom installed.
 *
 * A test that fails leaves by longjmp; the group goes on with the next. Nothing is mocked and no signal is caught. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

typedef void (*CMUnitTestFunction)(void **state);
typedef int (*CMFixtureFunction)(void **state);

struct CMUnitTest {
    const char *name;
    CMUnitTestFunction test_func;
    CMFixtureFunction setup_func, teardown_func;
    void *initial_state;
};

int cmocka_group(const char *name, const struct CMUnitTest *tests, size_t n, CMFixtureFunction setup,
                 CMFixtureFunction teardown);
_Noreturn void cmocka_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
_Noreturn void cmocka_skip(void);
void print_message(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cmocka_same_text(const char *a, const char *b, const char *file, int line);
void cmocka_same_bytes(const void *a, const void *b, size_t n, const char *file, int line);

#define cmocka_unit_test(f)                                                                                            \
    {                                                                                                                  \
#f, f, NULL, NULL, NULL                                                                                        \
    }
#define cmocka_unit_test_setup(f, s)                                                                                   \
    {                                                                                                                  \
#f, f, s, NULL, NULL                                                                                           \
    }
#define cmocka_unit_test_teardown(f, t)                                                                                \
    {                                                                                                                  \
#f, f, NULL, t, NULL                                                                                           \
    }
#define cmocka_unit_test_setup_teardown(f, s, t)                                                                       \
    {                                                                                                                  \
#f, f, s, t, NULL                                                                                              \
    }
#define cmocka_run_group_tests(tests, s, t) cmocka_group(#tests, tests, sizeof(tests) / sizeof((tests)[0]), s, t)
#define cmocka_run_group_tests_name(name, tests, s, t)                                                                 \
    cmocka_group(name, tests, sizeof(tests) / sizeof((tests)[0]), s, t)

#define CMOCKA_SAME(a, b, want, what)                                                                                  \
    do {                                                                                                               \
        uintmax_t cmocka_a = (uintmax_t)(a), cmocka_b = (uintmax_t)(b);                                                \
        if ((cmocka_a == cmocka_b) != (want))                                                                          \
            cmocka_fail(__FILE__, __LINE__, "%s: %#jx, %#jx", what, cmocka_a, cmocka_b);                               \
    } while (0)
#define assert_true(x)             CMOCKA_SAME(!!(x), 1, 1, #x)
#define assert_false(x)            CMOCKA_SAME(!!(x), 0, 1, #x)
#define assert_int_equal(a, b)     CMOCKA_SAME(a, b, 1, #a " and " #b)
#define assert_int_not_equal(a, b) CMOCKA_SAME(a, b, 0, #a " and " #b)
#define assert_null(p)             CMOCKA_SAME((uintptr_t)(p), 0, 1, #p)
#define assert_non_null(p)         CMOCKA_SAME((uintptr_t)(p), 0, 0, #p)
#define assert_ptr_equal(a, b)     CMOCKA_SAME((uintptr_t)(a), (uintptr_t)(b), 1, #a " and " #b)
#define assert_ptr_not_equal(a, b) CMOCKA_SAME((uintptr_t)(a), (uintptr_t)(b), 0, #a " and " #b)
#define assert_in_range(x, lo, hi)                                                                                     \
    CMOCKA_SAME((uintmax_t)(x) >= (uintmax_t)(lo) && (uintmax_t)(x) <= (uintmax_t)(hi), 1, 1, #x)
#define assert_string_equal(a, b)    cmocka_same_text(a, b, __FILE__, __LINE__)
#define assert_memory_equal(a, b, n) cmocka_same_bytes(a, b, n, __FILE__, __LINE__)
#define fail_msg(...)                cmocka_fail(__FILE__, __LINE__, __VA_ARGS__)
#define fail()                       cmocka_fail(__FILE__, __LINE__, "failed")
#define skip()                       cmocka_skip()
