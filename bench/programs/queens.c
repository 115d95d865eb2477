/* call: the eight queens' problem, larger, by recursion over bit sets. */
#include "bench.h"

static uint64_t place(uint32_t all, uint32_t columns, uint32_t left, uint32_t right)
{
    uint64_t n = 0;
    if (columns == all)
        return 1;
    for (uint32_t free = all & ~(columns | left | right); free; free &= free - 1) {
        uint32_t bit = free & -free;
        n += place(all, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return n;
}

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 40), sum = 0;
    for (uint64_t r = 0; r < rounds; r++)
        sum = sum * 31 + place((1u << 11) - 1, 0, 0, 0) + place((1u << 10) - 1, 0, 0, 0);
    bench_done(sum);
}
