/*
 * The string and memory functions of the C library, of which it has several kinds per CPU: compared with byte loops, at
 * every size up to 320 and at some larger ones, at every alignment of both sides, with the strings right before a page
 * that cannot be touched, and right after one.
 *
 * Standard error says which kinds were chosen: the distance of each function from another of the same library.
 */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BIG 70000

static unsigned char *area[2], *end[2]; /* each lies between two pages that cannot be touched */
static unsigned char model[BIG + 64];
static size_t length;
static long checks;

static void fail(const char *what, size_t n, size_t a, size_t b)
{
    printf("%s: wrong for size %zu at %zu, %zu\n", what, n, a, b);
    exit(1);
}

/* Called by pointers that the compiler cannot see through, so that it expands none of them. */
static void *(*volatile f_memcpy)(void *, const void *, size_t) = memcpy;
static void *(*volatile f_memmove)(void *, const void *, size_t) = memmove;
static void *(*volatile f_mempcpy)(void *, const void *, size_t) = mempcpy;
static void *(*volatile f_memset)(void *, int, size_t) = memset;
static void *(*volatile f_memchr)(const void *, int, size_t) = memchr;
static void *(*volatile f_memrchr)(const void *, int, size_t) = memrchr;
static void *(*volatile f_rawmemchr)(const void *, int) = rawmemchr;
static int (*volatile f_memcmp)(const void *, const void *, size_t) = memcmp;
static size_t (*volatile f_strlen)(const char *) = strlen;
static size_t (*volatile f_strnlen)(const char *, size_t) = strnlen;
static char *(*volatile f_strcpy)(char *, const char *) = strcpy;
static char *(*volatile f_stpcpy)(char *, const char *) = stpcpy;
static char *(*volatile f_strncpy)(char *, const char *, size_t) = strncpy;
static char *(*volatile f_strcat)(char *, const char *) = strcat;
static int (*volatile f_strcmp)(const char *, const char *) = strcmp;
static int (*volatile f_strncmp)(const char *, const char *, size_t) = strncmp;
static char *(*volatile f_strchr)(const char *, int) = strchr;
static char *(*volatile f_strchrnul)(const char *, int) = strchrnul;
static char *(*volatile f_strrchr)(const char *, int) = strrchr;
static size_t (*volatile f_strspn)(const char *, const char *) = strspn;
static size_t (*volatile f_strcspn)(const char *, const char *) = strcspn;
static char *(*volatile f_strpbrk)(const char *, const char *) = strpbrk;
static void *(*volatile f_memmem)(const void *, size_t, const void *, size_t) = memmem;

static void *guarded(unsigned char **last)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    length = (BIG + 2 * page) / page * page;
    unsigned char *p = mmap(NULL, length + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + page, length, PROT_READ | PROT_WRITE) != 0)
        exit(2);
    *last = p + page + length;
    return p + page;
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static int byte_compare(const unsigned char *a, const unsigned char *b, size_t n, int stop)
{
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i] || (stop && a[i] == 0))
            return sign(a[i] - b[i]);
    return 0;
}

static void fill(unsigned char *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)((i * 31 + seed) % 250 + 3);
}

/* Nothing but dst[0..n) may have changed of the 16 bytes around it that lie in the area. */
static void expect(const char *what, unsigned char *dst, size_t n, size_t a, size_t b, unsigned char around)
{
    for (size_t i = 0; i < n; i++)
        if (dst[i] != model[i])
            fail(what, n, a, b);
    for (size_t i = 1; i <= 16; i++)
        if ((dst - i >= area[1] && dst[-(ptrdiff_t)i] != around) || (dst + n + i <= end[1] && dst[n + i - 1] != around))
            fail(what, n, a, b);
    checks++;
}

static void surround(unsigned char *dst, size_t n)
{
    for (unsigned char *p = dst - 16; p < dst + n + 16; p++)
        if (p >= area[1] && p < end[1])
            *p = 1;
}

static void copies(unsigned char *src, unsigned char *dst, size_t n, size_t a, size_t b)
{
    fill(src, n, (unsigned)(n + a));
    for (size_t i = 0; i < n; i++)
        model[i] = src[i];
    surround(dst, n);
    if (f_memcpy(dst, src, n) != dst)
        fail("memcpy's result", n, a, b);
    expect("memcpy", dst, n, a, b, 1);
    surround(dst, n);
    if (f_mempcpy(dst, src, n) != dst + n)
        fail("mempcpy's result", n, a, b);
    expect("mempcpy", dst, n, a, b, 1);
    for (int value = 0; value < 512; value += 256 + 77) { /* only its low byte counts */
        for (size_t i = 0; i < n; i++)
            model[i] = (unsigned char)value;
        surround(dst, n);
        if (f_memset(dst, value, n) != dst)
            fail("memset's result", n, a, b);
        expect("memset", dst, n, a, b, 1);
    }
    if (n == 0)
        return;
    src[n - 1] = 0;
    for (size_t i = 0; i < n; i++)
        model[i] = src[i];
    surround(dst, n);
    if (f_strcpy((char *)dst, (char *)src) != (char *)dst)
        fail("strcpy's result", n, a, b);
    expect("strcpy", dst, n, a, b, 1);
    surround(dst, n);
    if (f_stpcpy((char *)dst, (char *)src) != (char *)dst + n - 1)
        fail("stpcpy's result", n, a, b);
    expect("stpcpy", dst, n, a, b, 1);
    surround(dst, n);
    dst[0] = 0;
    f_strcat((char *)dst, (char *)src);
    expect("strcat", dst, n, a, b, 1);
    size_t half = n / 2;
    src[half] = 0;
    for (size_t i = 0; i < n; i++)
        model[i] = i < half ? src[i] : 0;
    surround(dst, n);
    f_strncpy((char *)dst, (char *)src, n);
    expect("strncpy", dst, n, a, b, 1);
}

static void moves(unsigned char *base, size_t n, size_t from, size_t to)
{
    fill(base, n + 512, (unsigned)n);
    for (size_t i = 0; i < n; i++)
        model[i] = base[from + i];
    f_memmove(base + to, base + from, n);
    for (size_t i = 0; i < n; i++)
        if (base[to + i] != model[i])
            fail("memmove", n, from, to);
    for (size_t i = 0; i < n + 512; i++)
        if ((i < to || i >= to + n) && base[i] != (unsigned char)((i * 31 + (unsigned)n) % 250 + 3))
            fail("memmove's surroundings", n, from, to);
    checks++;
}

static void searches(unsigned char *s, size_t n, size_t a)
{
    fill(s, n, (unsigned)a);
    if (f_memchr(s, 1, n) != NULL || f_memrchr(s, 1, n) != NULL)
        fail("memchr of what is not there", n, a, 0);
    if (f_strnlen((char *)s, n) != n)
        fail("strnlen of no end", n, a, 0);
    for (size_t k = 0; k < 8 && n > 0; k++) {
        size_t at = k < 4 ? k * (n - 1) / 3 : n - 1 - (k - 4) * (n - 1) / 7;
        unsigned char old = s[at];
        s[at] = 1;
        if (f_memchr(s, 256 + 1, n) != s + at || f_memrchr(s, 1, n) != s + at || f_rawmemchr(s, 1) != s + at)
            fail("memchr", n, at, a);
        if (f_memchr(s, 1, SIZE_MAX - (uintptr_t)s) != s + at)
            fail("memchr without bounds", n, at, a);
        s[n - 1] = s[n - 1] == 1 ? 1 : 0;
        if (s[n - 1] == 0 && (f_strchr((char *)s, 1) != (char *)s + at || f_strrchr((char *)s, 1) != (char *)s + at ||
                              f_strchrnul((char *)s, 1) != (char *)s + at))
            fail("strchr", n, at, a);
        if (s[n - 1] == 0 && (f_strchr((char *)s, 2) != NULL || f_strchr((char *)s, 0) != (char *)s + n - 1 ||
                              f_strchrnul((char *)s, 2) != (char *)s + n - 1))
            fail("strchr of what is not there", n, at, a);
        s[at] = 0;
        if (f_strlen((char *)s) != at || f_strnlen((char *)s, n) != at || f_strnlen((char *)s, SIZE_MAX) != at ||
            f_strnlen((char *)s, at / 2) != at / 2)
            fail("strlen", n, at, a);
        if (f_strrchr((char *)s, 1) != NULL)
            fail("strrchr of what is not there", n, at, a);
        s[at] = old;
        fill(s + n - 1, 1, (unsigned)(a + (n - 1) * 31));
        checks++;
    }
    if (n > 3 && (f_memmem(s, n, s + n - 3, 3) == NULL || f_memmem(s, n, "\1\2", 2) != NULL))
        fail("memmem", n, a, 0);
}

/* Sets of up to 70 bytes at `set`, which has a page that cannot be touched behind it or before it: of n - 1 bytes that
 * are in the set, or are not, one is the other way. */
static void sets(unsigned char *s, unsigned char *set, size_t n, size_t a, size_t in)
{
    for (size_t i = 0; i < in; i++)
        set[i] = (unsigned char)(i * 3 + 2);
    set[in] = 0;
    for (size_t i = 0; i + 1 < n; i++)
        s[i] = in ? set[(i * 7 + a) % in] : 1;
    s[n - 1] = 0;
    for (size_t k = 0; k < 4 && n > 1; k++) {
        size_t at = k * (n - 2) / 3;
        unsigned char old = s[at];
        if (in && (f_strspn((char *)s, (char *)set) != n - 1 || f_strcspn((char *)s, (char *)set) != 0 ||
                   f_strpbrk((char *)s, (char *)set) != (char *)s))
            fail("strspn of its own", n, in, a);
        s[at] = 255;
        if (f_strspn((char *)s, (char *)set) != (in ? at : 0))
            fail("strspn", n, in, a);
        s[at] = old;
    }
    for (size_t i = 0; i + 1 < n; i++)
        s[i] = (unsigned char)(i % 80 * 3 + 1);
    for (size_t k = 0; k < 4; k++) {
        size_t at = n > 1 ? k * (n - 2) / 3 : 0;
        unsigned char old = s[at];
        if (f_strcspn((char *)s, (char *)set) != n - 1 || f_strpbrk((char *)s, (char *)set) ||
            f_strspn((char *)s, (char *)set) != 0)
            fail("strcspn of nothing", n, in, a);
        if (n > 1 && in)
            s[at] = set[in * k / 4];
        if (n > 1 && in &&
            (f_strcspn((char *)s, (char *)set) != at || f_strpbrk((char *)s, (char *)set) != (char *)s + at))
            fail("strcspn", n, in, a);
        s[at] = old;
        checks++;
    }
}

static void comparisons(unsigned char *x, unsigned char *y, size_t n, size_t a, size_t b)
{
    fill(x, n, 5);
    fill(y, n, 5);
    if (f_memcmp(x, y, n) != 0 || f_strncmp((char *)x, (char *)y, n) != 0)
        fail("memcmp of equals", n, a, b);
    for (size_t k = 0; k < 6 && n > 0; k++) {
        size_t at = k < 3 ? n - 1 - k * (n - 1) / 5 : (k - 3) * (n - 1) / 4;
        unsigned char old = y[at];
        y[at] = (unsigned char)(k & 1 ? 255 : 0);
        if (sign(f_memcmp(x, y, n)) != byte_compare(x, y, n, 0) || f_memcmp(x, y, at) != 0)
            fail("memcmp", n, at, a);
        if (sign(f_strncmp((char *)x, (char *)y, n)) != byte_compare(x, y, n, 1))
            fail("strncmp", n, at, a);
        unsigned char last = x[n - 1];
        x[n - 1] = y[n - 1] = 0;
        if (sign(f_strcmp((char *)x, (char *)y)) != byte_compare(x, y, n, 1))
            fail("strcmp", n, at, b);
        y[at] = old;
        x[n - 1] = y[n - 1] = last;
        checks++;
    }
}

int main(void)
{
    static const size_t larger[] = {383,  384,  511,  512,  513,  640,  767,   1023,  1024,  1025,  2047, 2048,
                                    3000, 4095, 4096, 4097, 8191, 8192, 16384, 20000, 32768, 65536, 69999};
    for (int i = 0; i < 2; i++)
        area[i] = guarded(&end[i]);
    for (size_t k = 0; k < 320 + sizeof larger / sizeof larger[0]; k++) {
        size_t n = k < 320 ? k : larger[k - 320];
        size_t step = k < 64 ? 1 : k < 320 ? 5 : 7;
        for (size_t a = 0; a < 32; a += step) {
            size_t b = (a * 7 + n) % 32;
            copies(area[0] + a, area[1] + b, n, a, b);       /* after a guard page */
            copies(end[0] - n - a, end[1] - n - b, n, a, b); /* before one */
            copies(end[0] - n, area[1] + a, n, 0, a);
            searches(area[0] + a, n, a);
            searches(end[0] - n, n, a);
            size_t in = (k + a * 3) % 70;
            if (n > 0) {
                sets(area[0] + a, end[1] - in - 1, n, a, in);
                sets(end[0] - n, area[1] + b, n, a, in % 16);
                sets(end[0] - n - a, end[1] - in - 1 - b, n, a, in);
            }
            comparisons(end[0] - n, end[1] - n - a, n, 0, a);
            comparisons(area[0] + a, end[1] - n, n, a, 0);
            moves(area[0], n, a, 32 + b);
            moves(area[0], n, 32 + b, a);
            moves(area[0], n, a, a + 1 + b % 3);
            moves(area[0], n, 256, 256 - (a % 7));
        }
    }
    printf("%ld checks\n", checks);
    fprintf(stderr, "memcpy %td memmove %td memset %td memchr %td strlen %td\n", (char *)f_memcpy - (char *)getppid,
            (char *)f_memmove - (char *)getppid, (char *)f_memset - (char *)getppid, (char *)f_memchr - (char *)getppid,
            (char *)f_strlen - (char *)getppid);
    return 0;
}
