/* float: a sparse matrix times a vector, again and again: indexed loads and fused sums. */
#include "bench.h"

#define ROWS 20000
#define EACH 12

int main(int argc, char **argv)
{
    static uint32_t column[ROWS * EACH];
    static double value[ROWS * EACH], x[ROWS], y[ROWS];
    uint64_t rounds = bench_work(argc, argv, 1000), seed = 107;
    for (int i = 0; i < ROWS * EACH; i++) {
        column[i] = (uint32_t)(bench_random(&seed) % ROWS);
        value[i] = (double)(bench_random(&seed) % 1000) / 1000 / EACH;
    }
    for (int i = 0; i < ROWS; i++)
        x[i] = 1 + i % 3;
    for (uint64_t r = 0; r < rounds; r++) {
        for (int i = 0; i < ROWS; i++) {
            double s = 0.5;
            for (int k = 0; k < EACH; k++)
                s += value[i * EACH + k] * x[column[i * EACH + k]];
            y[i] = s;
        }
        memcpy(x, y, sizeof x);
    }
    double sum = 0;
    for (int i = 0; i < ROWS; i++)
        sum += x[i];
    bench_done_f(sum);
}
