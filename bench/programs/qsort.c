/* indirect: the C library's sort and search with a comparison function. */
#include "bench.h"

#define N 60000

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 20), seed = 53, sum = 0;
    static uint32_t v[N];
    for (uint64_t r = 0; r < rounds; r++) {
        for (int i = 0; i < N; i++)
            v[i] = (uint32_t)bench_random(&seed) >> 4;
        qsort(v, N, sizeof(v[0]), by_value);
        for (int i = 0; i < 20000; i++) {
            uint32_t key = (uint32_t)bench_random(&seed) >> 4;
            sum += bsearch(&key, v, N, sizeof(v[0]), by_value) != NULL;
        }
        sum = sum * 31 + v[N / 2];
    }
    bench_done(sum);
}
