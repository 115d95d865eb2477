/* vector: four floats at a time: multiply and add over arrays in the first cache. */
#include "vector.h"

#define N 1024

int main(int argc, char **argv)
{
    static v4f32 x[N], y[N];
    uint64_t rounds = bench_work(argc, argv, 250000);
    for (int i = 0; i < N; i++) {
        x[i] = (v4f32){(float)i, (float)(i + 1), (float)(i + 2), (float)(i + 3)};
        y[i] = x[i] * 0.5f;
    }
    for (uint64_t r = 0; r < rounds; r++) {
        v4f32 a = {0.25f, 0.5f, 0.125f, 0.75f};
        for (int i = 0; i < N; i++)
            y[i] = y[i] * 0.5f + a * x[i];
        __asm__("" : : "r"(y) : "memory");
    }
    bench_done_f(y[7][0] + y[N - 1][3]);
}
