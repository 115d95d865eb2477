/* float: escape times; double adds, multiplies and compares in a tight loop. */
#include "bench.h"

int main(int argc, char **argv)
{
    int size = (int)bench_work(argc, argv, 680);
    uint64_t sum = 0;
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            double cr = 2.6 * x / size - 2.0, ci = 2.4 * y / size - 1.2, r = 0, i = 0;
            int n = 0;
            while (n < 200 && r * r + i * i < 4.0) {
                double t = r * r - i * i + cr;
                i = 2 * r * i + ci;
                r = t;
                n++;
            }
            sum = sum * 31 + (uint64_t)n;
        }
    }
    bench_done(sum);
}
