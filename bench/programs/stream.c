/* memory: triads over arrays larger than the caches. */
#include "bench.h"

#define N (1 << 20)

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 60), sum = 0;
    static uint64_t a[N], b[N], c[N];
    for (uint64_t i = 0; i < N; i++) {
        b[i] = i * 3;
        c[i] = i ^ 0x55;
    }
    for (uint64_t r = 0; r < rounds; r++) {
        for (size_t i = 0; i < N; i++)
            a[i] = b[i] + 3 * c[i];
        for (size_t i = 0; i < N; i++)
            b[i] = c[i] + (a[i] >> 1);
        sum = sum * 31 + a[r * 1009 % N];
    }
    bench_done(sum);
}
