/* memory: the C library's copying, filling, searching and comparing, in small and large pieces. */
#include "bench.h"

#define SIZE (1 << 20)

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 400), seed = 31, sum = 0;
    static char a[SIZE + 64], b[SIZE + 64];
    for (int i = 0; i < SIZE; i++)
        a[i] = (char)(bench_random(&seed) % 255 + 1);
    for (uint64_t r = 0; r < rounds; r++) {
        memcpy(b, a + r % 7, SIZE);
        sum += memcmp(a, b, 100) > 0;
        memmove(b + 3, b, SIZE / 2);
        for (int i = 0; i < 2000; i++) {
            size_t at = bench_random(&seed) % (SIZE - 300), n = bench_random(&seed) % 60;
            memcpy(b + at, a + at / 2, n);
            b[at + 200] = 0;
            sum += strlen(b + at) + (memchr(a + at, b[at], 200) != NULL);
        }
        memset(b + SIZE / 4, (int)r, SIZE / 8);
        sum = sum * 31 + (uint8_t)b[r * 1013 % SIZE];
    }
    bench_done(sum);
}
