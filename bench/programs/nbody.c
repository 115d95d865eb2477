/* float: gravity between five bodies; double adds, multiplies, divides and square roots. */
#include <math.h>

#include "bench.h"

#define N 5

int main(int argc, char **argv)
{
    uint64_t steps = bench_work(argc, argv, 800000), seed = 17;
    double p[N][3], v[N][3], m[N], e = 0;
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < 3; k++) {
            p[i][k] = (double)(bench_random(&seed) % 1000) / 100 + i * 7;
            v[i][k] = (double)(bench_random(&seed) % 1000) / 5000 - 0.1;
        }
        m[i] = 0.01 + i * 0.3;
    }
    for (uint64_t s = 0; s < steps; s++) {
        for (int i = 0; i < N; i++) {
            for (int j = i + 1; j < N; j++) {
                double d[3], r2 = 0.01;
                for (int k = 0; k < 3; k++) {
                    d[k] = p[i][k] - p[j][k];
                    r2 += d[k] * d[k];
                }
                double f = 0.001 / (r2 * sqrt(r2));
                for (int k = 0; k < 3; k++) {
                    v[i][k] -= d[k] * m[j] * f;
                    v[j][k] += d[k] * m[i] * f;
                }
            }
        }
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 3; k++)
                p[i][k] += 0.001 * v[i][k];
    }
    for (int i = 0; i < N; i++)
        e += m[i] * (v[i][0] * v[i][0] + v[i][1] * v[i][1] + v[i][2] * v[i][2]);
    bench_done_f(e);
}
