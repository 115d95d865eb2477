/* vector: matrices of floats, four columns at a time, a value of the left one in all lanes. */
#include "vector.h"

#define N 128

int main(int argc, char **argv)
{
    static float a[N][N];
    static v4f32 b[N][N / 4], c[N][N / 4];
    uint64_t rounds = bench_work(argc, argv, 500), seed = 167;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (float)(bench_random(&seed) % 100) / 100;
            b[i][j / 4][j % 4] = (float)(bench_random(&seed) % 100) / 100;
        }
    for (uint64_t r = 0; r < rounds; r++) {
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N / 4; j += 4) {
                v4f32 s[4] = {{0}};
                for (int k = 0; k < N; k++)
                    for (int u = 0; u < 4; u++)
                        s[u] += a[i][k] * b[k][j + u];
                for (int u = 0; u < 4; u++)
                    c[i][j + u] = s[u];
            }
        }
        a[r % N][r * 7 % N] = c[r * 3 % N][5][1] / 64;
    }
    float sum = 0;
    for (int i = 0; i < N; i++)
        sum += c[i][i / 4][i % 4];
    bench_done_f((double)sum);
}
