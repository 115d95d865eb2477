/* The functions of lib/str.h for builds without a C library.
 *
 * Hosted builds do not compile this file. Plain byte loops: the barrier in each keeps the compiler from
 * recognising the loop and turning it into a call of the very function it is in. */
#include "lib/str.h"

#include "lib/types.h"

#define BARRIER() __asm__ volatile("" ::: "memory")

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
    u8 *d = dst;
    const u8 *s = src;

    for (; n; n--) {
        *d++ = *s++;
        BARRIER();
    }
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    u8 *d = dst;
    const u8 *s = src;

    if ((uintptr_t)d - (uintptr_t)s >= n) {
        for (; n; n--) {
            *d++ = *s++;
            BARRIER();
        }
    } else {
        while (n--) {
            d[n] = s[n];
            BARRIER();
        }
    }
    return dst;
}

void *memset(void *dst, int byte, size_t n)
{
    u8 *d = dst;

    for (; n; n--) {
        *d++ = (u8)byte;
        BARRIER();
    }
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *x = a, *y = b;

    for (; n; n--, x++, y++) {
        if (*x != *y)
            return *x - *y;
        BARRIER();
    }
    return 0;
}

void *memchr(const void *p, int byte, size_t n)
{
    const u8 *s = p;

    for (; n; n--, s++) {
        if (*s == (u8)byte)
            return (void *)s;
        BARRIER();
    }
    return NULL;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n]) {
        n++;
        BARRIER();
    }
    return n;
}

size_t strnlen(const char *s, size_t max)
{
    size_t n = 0;

    while (n < max && s[n]) {
        n++;
        BARRIER();
    }
    return n;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++) {
        if (*a != *b)
            return (u8)*a - (u8)*b;
        if (!*a)
            break;
        BARRIER();
    }
    return 0;
}

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)s;
        if (!*s)
            return NULL;
        BARRIER();
    }
}

char *strrchr(const char *s, int c)
{
    const char *last = NULL;

    for (;; s++) {
        if (*s == (char)c)
            last = s;
        if (!*s)
            return (char *)last;
        BARRIER();
    }
}
