#include "cmocka.h"

#include <stdio.h>
#include <string.h>

enum { FAILED = 1, SKIPPED };

static jmp_buf out;

_Noreturn void cmocka_fail(const char *file, int line, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, ap);
    fputc('\n', stderr);
    va_end(ap);
    longjmp(out, FAILED);
}

_Noreturn void cmocka_skip(void)
{
    longjmp(out, SKIPPED);
}

void print_message(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vprintf(format, ap);
    va_end(ap);
}

void cmocka_same_text(const char *a, const char *b, const char *file, int line)
{
    if (strcmp(a, b) != 0)
        cmocka_fail(file, line, "\"%s\" is not \"%s\"", a, b);
}

void cmocka_same_bytes(const void *a, const void *b, size_t n, const char *file, int line)
{
    for (size_t i = 0; i < n; i++) {
        if (((const unsigned char *)a)[i] != ((const unsigned char *)b)[i])
            cmocka_fail(file, line, "byte %zu of %zu differs", i, n);
    }
}

int cmocka_group(const char *name, const struct CMUnitTest *tests, size_t n, CMFixtureFunction setup,
                 CMFixtureFunction teardown)
{
    void *shared = NULL;
    volatile int failed = 0;
    if (setup && setup(&shared)) {
        fprintf(stderr, "%s: cannot be set up\n", name);
        return 1;
    }
    for (volatile size_t i = 0; i < n; i++) {
        const struct CMUnitTest *t = &tests[i];
        void *state = t->initial_state ? t->initial_state : shared;
        int how = setjmp(out);
        if (!how) {
            if (t->setup_func && t->setup_func(&state))
                cmocka_fail(__FILE__, __LINE__, "cannot be set up");
            t->test_func(&state);
            if (t->teardown_func && t->teardown_func(&state))
                cmocka_fail(__FILE__, __LINE__, "cannot be taken down");
        }
        failed += how == FAILED;
        printf("%s %s\n", how == FAILED ? "FAILED" : how == SKIPPED ? "skipped" : "ok", t->name);
        fflush(stdout);
    }
    if (teardown)
        failed += teardown(&shared) != 0;
    return failed;
}
