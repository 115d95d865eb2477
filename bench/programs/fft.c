/* float: fast Fourier transforms there and back. */
#include <math.h>

#include "bench.h"

#define N 4096

static double re[N], im[N];

static void transform(double sign)
{
    for (unsigned i = 1, j = 0; i < N; i++) {
        unsigned bit = N >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
        if (i < j) {
            double t = re[i];
            re[i] = re[j], re[j] = t;
            t = im[i];
            im[i] = im[j], im[j] = t;
        }
    }
    for (unsigned len = 2; len <= N; len *= 2) {
        double angle = sign * 2 * 3.14159265358979323846 / len, wr = cos(angle), wi = sin(angle);
        for (unsigned i = 0; i < N; i += len) {
            double r = 1, s = 0;
            for (unsigned k = 0; k < len / 2; k++) {
                unsigned a = i + k, b = a + len / 2;
                double xr = re[b] * r - im[b] * s, xi = re[b] * s + im[b] * r, t = r * wr - s * wi;
                re[b] = re[a] - xr, im[b] = im[a] - xi;
                re[a] += xr, im[a] += xi;
                s = r * wi + s * wr;
                r = t;
            }
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t rounds = bench_work(argc, argv, 400), seed = 23;
    double sum = 0;
    for (int i = 0; i < N; i++)
        re[i] = (double)(bench_random(&seed) % 2000) / 1000 - 1;
    for (uint64_t r = 0; r < rounds; r++) {
        transform(1);
        sum += fabs(re[r % N]);
        transform(-1);
        for (int i = 0; i < N; i++)
            re[i] /= N, im[i] /= N;
    }
    bench_done_f(sum);
}
