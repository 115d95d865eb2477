/* integer: counting, scanning and reversing bits. */
#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 80000000), seed = 11, sum = 0, x = bench_random(&seed);
    for (uint64_t i = 0; i < n; i++) {
        x = x * 6364136223846793005ull + 1442695040888963407ull;
        uint64_t y = x;
        y = (y & 0x5555555555555555ull) + (y >> 1 & 0x5555555555555555ull);
        y = (y & 0x3333333333333333ull) + (y >> 2 & 0x3333333333333333ull);
        y = (y + (y >> 4)) & 0x0f0f0f0f0f0f0f0full;
        sum += y * 0x0101010101010101ull >> 56;
        sum ^= __builtin_bswap64(x) >> (x & 31);
        sum += (x & -x) > (x >> 32);
    }
    bench_done(sum);
}
