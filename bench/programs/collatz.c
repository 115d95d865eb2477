/* integer: lengths of Collatz sequences; short loops with unpredictable branches. */
#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 1000000), sum = 0;
    for (uint64_t i = 1; i < n; i++) {
        uint64_t x = i;
        uint32_t steps = 0;
        while (x != 1) {
            x = x & 1 ? 3 * x + 1 : x / 2;
            steps++;
        }
        sum = sum * 31 + steps;
    }
    bench_done(sum);
}
