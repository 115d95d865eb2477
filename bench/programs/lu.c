/* float: systems of linear equations by elimination with pivots, and how far the solutions are off. */
#include <math.h>

#include "bench.h"

#define N 160

int main(int argc, char **argv)
{
    static double a[N][N + 1], m[N][N], b[N], x[N];
    uint64_t rounds = bench_work(argc, argv, 220), seed = 103, good = 0;
    double sum = 0;
    for (uint64_t r = 0; r < rounds; r++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++)
                m[i][j] = a[i][j] = (double)(bench_random(&seed) % 2000) / 1000 - 1;
            b[i] = a[i][N] = (double)i / N;
        }
        for (int k = 0; k < N; k++) {
            int p = k;
            for (int i = k + 1; i < N; i++)
                if (fabs(a[i][k]) > fabs(a[p][k]))
                    p = i;
            for (int j = k; j <= N; j++) {
                double t = a[k][j];
                a[k][j] = a[p][j];
                a[p][j] = t;
            }
            for (int i = k + 1; i < N; i++) {
                double f = a[i][k] / a[k][k];
                for (int j = k; j <= N; j++)
                    a[i][j] -= f * a[k][j];
            }
        }
        for (int i = N - 1; i >= 0; i--) {
            x[i] = a[i][N];
            for (int j = i + 1; j < N; j++)
                x[i] -= a[i][j] * x[j];
            x[i] /= a[i][i];
        }
        for (int i = 0; i < N; i++) {
            double e = -b[i];
            for (int j = 0; j < N; j++)
                e += m[i][j] * x[j];
            good += fabs(e) < 1e-6;
        }
        sum += a[0][0];
    }
    printf("%llu %.5g\n", (unsigned long long)good, sum);
}
