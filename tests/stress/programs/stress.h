/* For stress programs. They run natively and as guests, and what they print must be the same: so they print what must
 * hold (nothing lost, nothing wrong), never how often something happened. */
#pragma once

#include "tests/personality/programs/util.h"

#include <pthread.h>

typedef int code_fn(void);

/* Code of a function that returns n * step (each at most 2047 and fits an int): n additions. Gives its length, at most
 * CODE_SUM_MAX(n). */
#define CODE_SUM_MAX(n) (16 + 8 * (size_t)(n))
static inline size_t code_sum(void *p, unsigned n, unsigned step)
{
#if defined __riscv
    uint32_t *w = p;
    *w++ = 0x513; /* li a0, 0 */
    for (unsigned i = 0; i < n; i++)
        *w++ = step << 20 | 0x50513; /* addi a0, a0, step */
    *w++ = 0x8067;                   /* ret */
    return (size_t)((char *)w - (char *)p);
#elif defined __aarch64__
    uint32_t *w = p;
    *w++ = 0x52800000; /* mov w0, #0 */
    for (unsigned i = 0; i < n; i++)
        *w++ = 0x11000000 | step << 10; /* add w0, w0, #step */
    *w++ = 0xd65f03c0;                  /* ret */
    return (size_t)((char *)w - (char *)p);
#else
    uint8_t *b = p;
    *b++ = 0x31, *b++ = 0xc0; /* xor eax, eax */
    for (unsigned i = 0; i < n; i++) {
        *b++ = 0x05; /* add eax, step */
        memcpy(b, &step, 4);
        b += 4;
    }
    *b++ = 0xc3;
    return (size_t)(b - (uint8_t *)p);
#endif
}

static inline void *must_map(size_t len, int prot)
{
    void *p = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(3);
    }
    return p;
}

static inline void must_start(pthread_t *t, void *(*fn)(void *), void *arg)
{
    int e = pthread_create(t, NULL, fn, arg);
    if (e) {
        printf("pthread_create: %s\n", strerrorname_np(e));
        exit(3);
    }
}

/* A generator of pseudorandom numbers of the caller's own. */
static inline uint32_t next_random(uint64_t *s)
{
    *s = *s * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*s >> 33);
}

/* Something whose result shows a register that was lost. */
static inline uint64_t work(uint64_t seed, unsigned rounds)
{
    uint64_t h = seed | 1;
    double d = 1;
    for (unsigned i = 0; i < rounds; i++) {
        h = (h ^ i) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 29;
        d = d * 1.0000001 + (double)(h & 7);
        if (d > 1e9)
            d -= 1e9;
    }
    return h ^ (uint64_t)d;
}

/* Microseconds between alarms. A build with a sanitizer would do nothing but take those that come as often as others
 * bear. */
static inline long pace(long us)
{
    return getenv("TEST_SANITIZER") ? 50 * us : us;
}
