/* Linked statically, with functions of its own that have names of the C library's and do something else: they count
 * their calls, and memcpy copies the lower bytes first, which the program relies on. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

static long copies, strings;

__attribute__((noinline)) long __string_count(void)
{
    return copies + strings;
}

__attribute__((noinline)) char *strcpy(char *restrict to, const char *restrict from)
{
    char *at = to;
    strings++;
    while ((*at++ = *(const volatile char *)from++))
        ;
    return to;
}

__attribute__((noinline)) void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    copies++;
    for (size_t i = 0; i < n; i++)
        ((volatile char *)to)[i] = ((const volatile char *)from)[i];
    return to;
}

__attribute__((noinline)) long __string_copies(void)
{
    return copies;
}

int main(void)
{
    char a[64] = "ab", b[64];
    const long before = __string_count();
    int ok = 1;
    for (int i = 0; i < 100; i++)
        ok &= memcpy(a + 2, a, 40) == a + 2 && a[41] == 'b' && strcpy(b, a) == b && !b[42] && b[41] == 'b';
    ok &= __string_count() == before + 200 && __string_copies() >= 100;
    ok &= memcmp(a, a + 2, 40) == 0 && memchr(a, 'b', 10) == a + 1 && memset(a, 'x', 50) == a && a[49] == 'x';
    puts(ok ? "well" : "wrong");
    return !ok;
}
