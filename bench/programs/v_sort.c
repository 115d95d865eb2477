/* vector: networks of comparisons that sort columns of floats: minimum and maximum by masks, lanes exchanged. */
#include "vector.h"

#define N 1024

static void order(v4f32 *a, v4f32 *b)
{
    v4s32 less = *a < *b;
    v4s32 x = (v4s32)*a, y = (v4s32)*b;
    *a = (v4f32)((x & less) | (y & ~less));
    *b = (v4f32)((y & less) | (x & ~less));
}

int main(int argc, char **argv)
{
    static v4f32 t[N + 8];
    uint64_t rounds = bench_work(argc, argv, 120000), seed = 163;
    for (int i = 0; i < N + 8; i++)
        for (int k = 0; k < 4; k++)
            t[i][k] = (float)(bench_random(&seed) % 100000);
    v4s32 turn = {1, 2, 3, 0};
    v2u64 all = {0, 0};
    for (uint64_t r = 0; r < rounds; r++) {
        for (int i = 0; i < N; i += 4) {
            v4f32 a = t[i], b = t[i + 1], c = t[i + 2], d = t[i + 3];
            order(&a, &b), order(&c, &d), order(&a, &c), order(&b, &d), order(&b, &c);
            t[i] = __builtin_shuffle(a, turn);
            t[i + 1] = c;
            t[i + 2] = __builtin_shuffle(b, turn);
            t[i + 3] = d;
        }
        all = all * 31 + (v2u64)t[r % N];
        t[r % N] = (v4f32){(float)r, 3, (float)(r % 77), 9};
    }
    bench_done(v_fold(all));
}
