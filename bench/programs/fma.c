/* float: fused multiply-add, as numerical code asks for it by name. */
#include <math.h>

#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 8000000);
    double acc = 0, x = 0.3;
    for (uint64_t i = 0; i < n; i++) {
        double p = 0.001;
        for (int k = 1; k < 12; k++)
            p = fma(p, x, 1.0 / k);
        acc = fma(p, 0.5, acc * 0.999);
        x = x > 0.9 ? 0.1 : x + 0.0001;
    }
    bench_done_f(acc);
}
