/* float: product of two matrices of double. */
#include "bench.h"

#define N 240

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 12), seed = 19;
    static double a[N][N], b[N][N], c[N][N];
    double trace = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (double)(bench_random(&seed) % 1000) / 1000;
            b[i][j] = (double)(bench_random(&seed) % 1000) / 1000;
        }
    for (uint64_t r = 0; r < rounds; r++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++) {
                double s = 0;
                for (int k = 0; k < N; k++)
                    s += a[i][k] * b[k][j];
                c[i][j] = s;
            }
        for (int i = 0; i < N; i++)
            trace += c[i][(i + (int)r) % N];
    }
    bench_done_f(trace);
}
