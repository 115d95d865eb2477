/* atomic: read-modify-write and compare-and-swap while there is one thread only, as reference counts are. */
#include <stdatomic.h>

#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 12000000), sum = 0;
    static _Atomic uint64_t count[16];
    for (uint64_t i = 0; i < n; i++) {
        unsigned k = i & 15;
        sum += atomic_fetch_add_explicit(&count[k], 1, memory_order_relaxed);
        if (i % 3 == 0)
            sum ^= atomic_fetch_sub_explicit(&count[k], 1, memory_order_acq_rel);
    }
    bench_done(sum);
}
