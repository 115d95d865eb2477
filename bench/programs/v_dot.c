/* vector: dot products of 16-bit samples, summed in 32 bits. */
#include "vector.h"

#define N 2048

int main(int argc, char **argv)
{
    static v8s16 x[N], y[N];
    uint64_t rounds = bench_work(argc, argv, 40000), seed = 157;
    v4u32 all = {0, 0, 0, 0};
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 8; k++) {
            x[i][k] = (int16_t)bench_random(&seed);
            y[i][k] = (int16_t)bench_random(&seed);
        }
    for (uint64_t r = 0; r < rounds; r++) {
        v4s32 s = {0, 0, 0, 0};
        for (int i = 0; i < N; i++) {
            v4s32 ax = (v4s32)x[i] >> 16,
                  ay = (v4s32)y[i] >> 16; /* the odd lanes; the even ones after a shift to the left */
            v4s32 bx = (v4s32)x[i] << 16 >> 16, by = (v4s32)y[i] << 16 >> 16;
            s = (v4s32)((v4u32)s + (v4u32)((ax >> 1) * (ay >> 1)) + (v4u32)((bx >> 1) * (by >> 1)));
        }
        all = all * 31 + (v4u32)s;
        x[r % N] ^= (v8s16)all;
    }
    bench_done(v_fold((v2u64)all));
}
