/* float: the mathematics library: sin, exp, log, pow, atan2. */
#include <math.h>

#include "bench.h"

int main(int argc, char **argv)
{
    uint64_t n = bench_work(argc, argv, 1500000);
    double s = 0, x = 0.5;
    for (uint64_t i = 0; i < n; i++) {
        s += sin(x) + exp(-x) + log(x + 1) + pow(x, 0.3) + atan2(x, 2);
        x += 0.001;
        if (x > 20)
            x = 0.5;
    }
    bench_done_f(s);
}
