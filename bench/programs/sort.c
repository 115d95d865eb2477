/* integer: quicksort and heap operations written out, no callbacks. */
#include "bench.h"

#define N 200000

static void quick(uint32_t *v, long lo, long hi)
{
    while (lo < hi) {
        uint32_t pivot = v[(lo + hi) / 2];
        long i = lo, j = hi;
        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (v[j] > pivot)
                j--;
            if (i <= j) {
                uint32_t t = v[i];
                v[i++] = v[j];
                v[j--] = t;
            }
        }
        if (j - lo < hi - i) {
            quick(v, lo, j);
            lo = i;
        } else {
            quick(v, i, hi);
            hi = j;
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 11), seed = 5, sum = 0;
    static uint32_t v[N];
    for (uint64_t r = 0; r < rounds; r++) {
        for (int i = 0; i < N; i++)
            v[i] = (uint32_t)bench_random(&seed);
        quick(v, 0, N - 1);
        sum = sum * 31 + v[N / 3];
    }
    bench_done(sum);
}
