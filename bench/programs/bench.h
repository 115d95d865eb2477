/* What the benchmark programs share: the amount of work from the command line, a random generator that is the same
 * everywhere, and the checksum that is printed at the end, by which the harness sees that all runs computed the same.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* argv[1] in percent of the program's usual work; at least 1. */
static inline uint64_t bench_work(int argc, char **argv, uint64_t usual)
{
    uint64_t percent = argc > 1 ? strtoull(argv[1], NULL, 10) : 100;
    uint64_t n = usual * percent / 100;
    return n ? n : 1;
}

static inline uint64_t bench_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x * 0x2545f4914f6cdd1dull;
}

static inline void bench_done(uint64_t checksum)
{
    printf("%016llx\n", (unsigned long long)checksum);
}

/* Floating results are compared to six digits: mathematics libraries differ in the last place. */
static inline void bench_done_f(double value)
{
    printf("%.6g\n", value);
}
