/* integer: divisions and remainders of 32 and 64 bits: greatest common divisors, decimal digits, dates. */
#include "bench.h"

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 900000), seed = 89, sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t x = bench_random(&seed) >> 20, y = bench_random(&seed) >> 30;
        sum += gcd(x, y | 1);
        uint32_t d = (uint32_t)x, base = 2 + (uint32_t)(y & 15);
        while (d) {
            sum += d % base;
            d /= base;
        }
        int64_t days = (int64_t)(x % 800000) - 400000, year = 400 * days / 146097;
        sum = sum * 3 + (uint64_t)(year - (int64_t)(y % 7));
    }
    bench_done(sum);
}
